"""Who may exchange an authorization code, and what a refusal may be answered with."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from heirloom.domain import authorization_code
from heirloom.domain.authorization_code import AuthorizationCode, CodeUsed
from heirloom.domain.errors import InvalidGrant
from heirloom.domain.lifetimes import REPEATED_CODE
from tests.domain.lines import GRANT, NOW, line

# RFC 7636 Appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

FAMILY = line(0).family.key
CODE = AuthorizationCode(
    digest="digest",
    grant=GRANT,
    redirect_uri="https://app.example/callback",
    challenge=CHALLENGE,
    nonce=None,
    epoch=0,
    application_epoch=0,
    expires_at=NOW + 1,
)
USED = replace(CODE, used_at=NOW - REPEATED_CODE - 1, family=FAMILY)
BOUND = replace(CODE, key_thumbprint="thumbprint")


def redeem(code: AuthorizationCode | None, **changes: Any) -> AuthorizationCode:
    """The code's own client exchanges it at NOW, but for *changes*."""
    request = {
        "client_id": GRANT.client_id,
        "redirect_uri": CODE.redirect_uri,
        "verifier": VERIFIER,
        "key_thumbprint": None,
        "not_before": 0,
        "now": NOW,
    }
    return authorization_code.redeem(code, **{**request, **changes})


def test_a_code_is_exchanged_by_whoever_it_was_made_for() -> None:
    assert redeem(CODE) == CODE
    assert redeem(CODE, key_thumbprint="any key", not_before=GRANT.auth_time) == CODE
    assert redeem(BOUND, key_thumbprint="thumbprint") == BOUND


@pytest.mark.parametrize(
    ("code", "changes", "reason"),
    [
        (None, {}, "unknown code"),
        (CODE, {"client_id": "another"}, "code of another client"),
        (CODE, {"client_id": ""}, "code of another client"),
        (CODE, {"client_id": "äpp"}, "code of another client"),
        (CODE, {"redirect_uri": CODE.redirect_uri + "/"}, "redirect_uri differs"),
        (CODE, {"redirect_uri": None}, "redirect_uri differs"),
        (CODE, {"verifier": None}, "verifier"),
        (CODE, {"verifier": VERIFIER.swapcase()}, "verifier"),
        (BOUND, {}, "no proof of the key"),
        (BOUND, {"key_thumbprint": "another"}, "no proof of the key"),
        (CODE, {"not_before": GRANT.auth_time + 1}, "mass revocation"),
        (CODE, {"now": NOW + 1}, "expired code"),
    ],
)
def test_anybody_else_is_refused_and_the_log_knows_why(
    code: AuthorizationCode | None, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidGrant, match=reason):
        redeem(code, **changes)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (USED, {"client_id": "another"}),
        (USED, {"redirect_uri": None}),
        (USED, {"verifier": None}),
        (replace(USED, key_thumbprint="thumbprint"), {}),
        (USED, {"not_before": GRANT.auth_time + 1}),
        (replace(USED, expires_at=NOW), {}),
    ],
)
def test_nobody_else_learns_that_a_code_was_used_or_harms_its_family(
    code: AuthorizationCode, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidGrant) as refused:
        redeem(code, **changes)

    assert "used" not in refused.value.description


@pytest.mark.parametrize(("used_ago", "ends"), [(0, None), (REPEATED_CODE, None), (REPEATED_CODE + 1, FAMILY)])
def test_a_second_use_ends_the_family_unless_it_came_at_once(used_ago: int, ends: object) -> None:
    """RFC 6749 §4.1.2: "SHOULD revoke (when possible) all tokens previously issued"."""
    with pytest.raises(CodeUsed, match="used") as used:
        redeem(replace(USED, used_at=NOW - used_ago))

    assert used.value.family == ends


def test_a_code_is_stored_under_its_sha_256_whatever_it_is() -> None:
    assert authorization_code.digest("code") == hashlib.sha256(b"code").hexdigest()
    assert len(authorization_code.digest("\ud800é")) == 64
