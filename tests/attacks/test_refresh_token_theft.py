"""Refresh token theft: a copy is out, and the thief wants it to live, or the person's to die."""

import pytest

from heirloom.domain import encoding
from tests.attacks.attacker import attacker, nothing_changes
from tests.endpoints.hands import family_of
from tests.proofs import Prover
from tests.service import SPA, THIRD_PARTY, WEB, Service, octets_of, refusal, tokens

LEEWAY = 60
LATE = LEEWAY + 2
"""Seconds: beyond leeway and what clocks are allowed to differ."""


@pytest.mark.parametrize("first", ["thief", "person"])
def test_whoever_comes_second_and_late_ends_it_for_both(service: Service, first: str) -> None:
    """RFC 9700 §4.14.2, RFC 6819 §4.1.2, RFC 6819 §4.5.1: nobody can tell which of the two is the thief."""
    stolen = service.login_tokens()["refresh_token"]
    thief = attacker(service)
    one, other = (thief, service) if first == "thief" else (service, thief)
    live = one.refreshed(stolen)
    service.wait(LATE)
    thief.now_ms = service.now_ms

    assert refusal(other.refresh(stolen)) == (400, "invalid_grant")
    assert refusal(one.refresh(live)) == (400, "invalid_grant")
    assert family_of(service, live).revoked_because == "reuse"
    assert service.events.types.count("ferrt") == 1
    assert service.login_tokens()["refresh_token"], "and the person may log in again"


def test_within_leeway_the_thief_and_the_person_hold_one_token_and_no_two(service: Service) -> None:
    """RFC 9700 §4.14.2: no fork that could live on beside the person's, and the log tells of the copies."""
    stolen = service.login_tokens()["refresh_token"]
    thief = attacker(service)

    theirs = thief.refreshed(stolen)
    assert service.refreshed(stolen) == theirs
    assert thief.refreshed(stolen) == theirs
    assert len([it for it in service.items("FamiliesTable") if "live_digest" in it]) == 1


def test_a_thief_who_rotates_quickly_ends_with_the_person_who_does_not(service: Service) -> None:
    """RFC 9700 §4.14.2, RFC 6819 §4.1.2: so that the person's token falls out of what is remembered."""
    stolen = token = service.login_tokens()["refresh_token"]
    thief = attacker(service)
    for _ in range(20):
        token = thief.refreshed(token)
    assert refusal(service.refresh(stolen)) == (400, "invalid_grant")
    assert refusal(thief.refresh(token)) == (400, "invalid_grant")


def test_nobody_ends_a_login_with_what_is_not_its_token(service: Service) -> None:
    """RFC 9700 §4.14, RFC 6819 §4.5.3: a denial of service by tokens that look like old ones of the victim's family.

    The family's id is in logs and access tokens, so the attacker knows all but the secret and the MAC.
    """
    spent = service.login_tokens()["refresh_token"]
    live = service.refreshed(spent)
    service.wait(LATE)
    octets, thief = octets_of(spent), attacker(service)
    forgeries = [octets[:30] + bytes(48), octets[:-1] + bytes([octets[-1] ^ 1]), octets[:26] + bytes(52)]
    forgeries += [octets[:26] + generation.to_bytes(4) + octets[30:] for generation in (1, 2, 8, 2**32 - 1)]
    with nothing_changes(service):
        for forged in forgeries:
            assert refusal(thief.refresh("hrt_" + encoding.encode(forged))) == (400, "invalid_grant")
            assert thief.revoke("hrt_" + encoding.encode(forged)).status == 200
    assert service.refreshed(live)


@pytest.mark.parametrize("other", [WEB, THIRD_PARTY], ids=lambda it: it.client_id)
def test_no_client_ends_anothers_login_with_an_old_token_of_it(service: Service, other: object) -> None:
    """RFC 9700 §4.14, RFC 6819 §4.4.1.4: genuine and spent: at the right client it were reuse."""
    spent = service.login_tokens()["refresh_token"]
    live = service.refreshed(spent)
    service.wait(LATE)
    thief = attacker(service)
    with nothing_changes(service):
        for token in (spent, live):
            assert refusal(thief.refresh(token, other)) == (400, "invalid_grant")  # type: ignore[arg-type] # of two
    assert service.refreshed(live)


def test_a_bound_token_is_neither_used_nor_ended_by_a_thief_without_the_key(service: Service) -> None:
    """RFC 9700 §4.14, RFC 9700 §4.10.1, RFC 6819 §4.1.2: DPoP, with no proof, the thief's own, and late."""
    owner = Prover(service)
    stolen = owner.login_tokens()["refresh_token"]
    thief = Prover(attacker(service))
    thief.learn_nonce()
    with nothing_changes(service):
        assert refusal(thief.service.refresh(stolen)) == (400, "invalid_grant")
    live = tokens(owner.refresh(stolen))["refresh_token"]
    for token in (stolen, live):
        assert refusal(thief.refresh(token)) == (400, "invalid_grant")
    assert tokens(owner.refresh(live))


def test_a_token_that_was_revoked_by_its_person_is_worth_nothing_to_the_thief(service: Service) -> None:
    """RFC 9700 §4.14, RFC 6819 §4.1.2: whichever generation either of them holds."""
    stolen = service.login_tokens()["refresh_token"]
    thief = attacker(service)
    theirs = thief.refreshed(stolen)
    assert service.revoke(stolen).status == 200

    for token in (stolen, theirs):
        assert refusal(thief.refresh(token)) == (400, "invalid_grant")


def test_nothing_of_the_token_is_in_the_store_or_in_the_log(service: Service) -> None:
    """RFC 6819 §4.5.2, RFC 6819 §4.3.2, RFC 6819 §4.3.4, RFC 6819 §4.6.7: whoever reads both can present nothing."""
    issued = service.login_tokens(WEB)
    live = service.refreshed(issued["refresh_token"], WEB)
    kept = repr(service.contents()) + repr(list(service.events))
    for token in (issued["refresh_token"], live):
        secret = octets_of(token)[30:62]
        assert token not in kept
        assert repr(secret)[2:-1] not in kept
        assert encoding.encode(secret) not in kept
    for token in (issued["access_token"], issued["id_token"], "s" * 32, service.cookies["__Host-heirloom"]):
        assert token not in kept
    assert SPA.client_id in kept or WEB.client_id in kept, "which ids are"
