"""What a client's own JWT must say, once its signature has been verified."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.domain import client_assertion, encoding
from heirloom.domain.client_assertion import CLOCK_SKEW, LONGEST_LIFETIME, LONGEST_TOKEN_ID, ClientAssertion
from heirloom.domain.errors import InvalidClient
from heirloom.domain.lifetimes import NEVER

NOW = 1_800_000_000
ISSUER = "https://issuer.example/"
AUDIENCES = frozenset({ISSUER, ISSUER + "oauth/token"})
CLAIMS = {"iss": "app", "sub": "app", "aud": ISSUER, "exp": NOW + 60, "jti": "once"}


def check(**changes: Any) -> ClientAssertion:
    """An honest client's assertion at NOW, with *changes*; a claim that is `...` is left out."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    return client_assertion.check(claims, client_id="app", audiences=AUDIENCES, now=NOW)


def unsigned(payload: object) -> str:
    return f"header.{encoding.encode(json.dumps(payload).encode())}.signature"


def test_an_honest_assertion_is_good_until_its_end_and_the_skew_of_clocks() -> None:
    assert check() == ClientAssertion("app", "once", NOW + 60 + CLOCK_SKEW)
    assert check(exp=NOW + 60.9) == check()


@pytest.mark.parametrize("audience", [ISSUER, ISSUER + "oauth/token", [ISSUER], [ISSUER, ISSUER + "oauth/token"]])
def test_an_assertion_is_meant_for_this_server(audience: object) -> None:
    check(aud=audience)


@pytest.mark.parametrize(
    "audience",
    [..., None, "", "https://other.example/", [], [None], [ISSUER, "https://other.example/"], {}, [[ISSUER]]],
)
def test_an_assertion_for_another_server_too_is_refused(audience: object) -> None:
    """That one could present it here."""
    with pytest.raises(InvalidClient, match="meant for another audience"):
        check(aud=audience)


@pytest.mark.parametrize("claim", ["iss", "sub"])
@pytest.mark.parametrize("value", [..., None, "another", "", "app "])
def test_a_client_speaks_for_itself_alone(claim: str, value: object) -> None:
    with pytest.raises(InvalidClient, match="issuer or subject is not the client"):
        check(**{claim: value})


@pytest.mark.parametrize("end", [NOW - CLOCK_SKEW + 1, NOW + LONGEST_LIFETIME + CLOCK_SKEW])
def test_the_end_may_be_as_near_and_as_far_as_the_skew_of_clocks_allows(end: int) -> None:
    assert check(exp=end).expires_at == end + CLOCK_SKEW


@pytest.mark.parametrize(
    "end", [..., None, NOW - CLOCK_SKEW, -1, True, str(NOW + 60), float("nan"), float("inf"), NEVER + 1, 10**400]
)
def test_an_assertion_without_an_end_or_after_it_is_refused(end: object) -> None:
    with pytest.raises(InvalidClient, match="expired, or without an end"):
        check(exp=end)


@pytest.mark.parametrize("end", [NOW + LONGEST_LIFETIME + CLOCK_SKEW + 1, NEVER])
def test_an_assertion_that_lives_long_is_refused(end: int) -> None:
    with pytest.raises(InvalidClient, match="lives longer than 3600 s"):
        check(exp=end)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("begin", [..., 0, NOW, NOW + CLOCK_SKEW, NOW + CLOCK_SKEW + 0.5])
def test_a_beginning_may_be_missing_or_as_late_as_the_skew_of_clocks_allows(claim: str, begin: object) -> None:
    check(**{claim: begin})


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("begin", [NOW + CLOCK_SKEW + 1, None, "now", False, NEVER + 1])
def test_an_assertion_from_the_future_is_refused(claim: str, begin: object) -> None:
    with pytest.raises(InvalidClient, match=f"{claim} is in the future, or no time"):
        check(**{claim: begin})


@pytest.mark.parametrize("token_id", ["x", "x" * LONGEST_TOKEN_ID])
def test_an_identifier_may_be_as_long_as_its_limit(token_id: str) -> None:
    assert check(jti=token_id).token_id == token_id


@pytest.mark.parametrize("token_id", [..., None, "", 7, ["x"], "x" * (LONGEST_TOKEN_ID + 1)])
def test_an_assertion_that_could_come_twice_is_refused(token_id: object) -> None:
    with pytest.raises(InvalidClient, match="jti is missing or too long"):
        check(jti=token_id)


def test_two_clients_may_choose_one_identifier_and_no_two_assertions_share_theirs() -> None:
    identifiers = {ClientAssertion(*names, 0).identifier for names in [("a", "b"), ("a", "c"), ("b", "b"), ("ab", "")]}

    assert len(identifiers) == 4
    assert ClientAssertion("a", "b", 0).identifier == ClientAssertion("a", "b", 1).identifier


def test_the_client_that_an_assertion_names_is_read_before_its_signature() -> None:
    assert client_assertion.claimed_client_id(unsigned({"sub": "app"})) == "app"


@pytest.mark.parametrize(
    "assertion",
    [
        *("", "a.b", "header.!.signature", "header..signature", unsigned({"sub": "app"}) + ".more"),
        *map(unsigned, ({}, {"sub": 7}, {"sub": None}, [], ["sub"], "sub", 7, None)),
        f"header.{encoding.encode(b'[' * 100_000)}.signature",
        f"header.{encoding.encode(b'\xff')}.signature",
    ],
)
def test_an_assertion_that_names_nobody_is_malformed(assertion: str) -> None:
    with pytest.raises(InvalidClient, match="malformed"):
        client_assertion.claimed_client_id(assertion)


@given(st.dictionaries(st.sampled_from([*CLAIMS, "nbf", "iat"]), st.none() | st.booleans() | st.floats() | st.text()))
def test_whatever_it_claims_it_is_judged(claims: dict[str, object]) -> None:
    try:
        good = check(**claims)
    except InvalidClient:
        return

    assert good.client_id == "app"
    assert NOW < good.expires_at <= NOW + LONGEST_LIFETIME + 2 * CLOCK_SKEW
