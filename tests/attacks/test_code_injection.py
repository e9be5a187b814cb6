"""Code injection: whoever got hold of a code tries to have it exchanged."""

import dataclasses
from collections.abc import Callable

import pytest

from heirloom.domain import encoding, lifetimes
from tests.attacks.attacker import attacker, nothing_changes
from tests.endpoints.hands import pushed
from tests.proofs import Key, Prover
from tests.service import (
    BOB,
    CALLBACK,
    SPA,
    VERIFIER,
    WEB,
    Service,
    answered,
    claims_of,
    redirect_of,
    refusal,
    tokens,
)

OTHER = dataclasses.replace(SPA, client_id="malicious", callbacks=frozenset({CALLBACK}))
ATTACKERS_VERIFIER = "a" * 43
ATTACKERS_CHALLENGE = "ZtNPunH49FD35FWYhT5Tv8I7vRKQJ8uxMaL0_9eHjNA"


def test_the_attackers_challenge_is_the_one_of_their_verifier(service: Service) -> None:
    """RFC 9700 §4.5: or the attack below would fail by a slip of its own."""
    own = answered(service.log_in(code_challenge=ATTACKERS_CHALLENGE))
    assert tokens(service.exchange(own["code"], code_verifier=ATTACKERS_VERIFIER))


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": None},
        {"code_verifier": ATTACKERS_VERIFIER},
        {"code_verifier": ATTACKERS_CHALLENGE},
        {"code_verifier": VERIFIER, "redirect_uri": "https://app.example/callback/"},
        {"code_verifier": VERIFIER, "redirect_uri": None},
        {"code_verifier": VERIFIER, "client_id": OTHER.client_id},
    ],
)
def test_a_stolen_code_is_worth_nothing_without_what_it_is_bound_to(
    service: Service, changes: dict[str, str | None]
) -> None:
    """RFC 9700 §4.5.1, RFC 6819 §4.4.1.1, RFC 6819 §4.4.1.6: nor is it lost for whom it was sent to."""
    service.declare(OTHER)
    code = service.code()
    with nothing_changes(service):
        assert refusal(attacker(service).exchange(code, SPA, None, **changes)) == (400, "invalid_grant")

    assert tokens(service.exchange(code))
    assert service.events.types == ["s", "feacft", "seacft"]


def test_a_stolen_code_that_is_put_into_the_attackers_own_login_fails_at_the_client(service: Service) -> None:
    """RFC 9700 §4.5.1, RFC 6819 §4.4.1.13: the honest client exchanges it, with the verifier of the attacker's login.

    The attacker's own code works in the same session of the client.
    """
    stolen = service.code()
    theirs = attacker(service)
    own = theirs.code(email=BOB.email, code_challenge=ATTACKERS_CHALLENGE)

    assert refusal(theirs.exchange(stolen, code_verifier=ATTACKERS_VERIFIER)) == (400, "invalid_grant")
    assert (
        claims_of(tokens(theirs.exchange(own, code_verifier=ATTACKERS_VERIFIER))["access_token"])["sub"] == BOB.user_id
    )


def test_the_nonce_tells_a_confidential_client_whose_login_an_injected_code_was(service: Service) -> None:
    """RFC 9700 §4.5.3.2: where an application took PKCE off, the ID token still says which login it is of."""
    service.declare(dataclasses.replace(WEB, require_proof_key=False))
    without = {"code_challenge": None, "code_challenge_method": None}
    stolen = service.code(WEB, nonce="of the victim's browser", **without)

    injected = tokens(service.exchange(stolen, WEB, code_verifier=None))

    assert claims_of(injected["id_token"])["nonce"] == "of the victim's browser", "and not of the attacker's"


def test_whoever_exchanges_a_code_second_ends_what_the_first_one_got(service: Service) -> None:
    """RFC 9700 §4.5, RFC 6819 §4.4.1.1: a thief who was first, with the verifier too, has to give it back."""
    code = service.code()
    stolen = tokens(attacker(service).exchange(code))
    service.wait(lifetimes.REPEATED_CODE + 1)

    assert refusal(service.exchange(code)) == (400, "invalid_grant")
    assert refusal(attacker(service).refresh(stolen["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.parametrize("presented", ["without", "another", "plain"])
def test_nobody_ends_a_login_by_repeating_its_code_without_the_verifier(service: Service, presented: str) -> None:
    """RFC 9700 §4.5, RFC 6819 §4.4.1.12: the code may be in a log; the family of whom it was for lives on."""
    code = service.code()
    own = tokens(service.exchange(code))["refresh_token"]
    service.wait(lifetimes.REPEATED_CODE + 1)
    verifier = {"without": None, "another": ATTACKERS_VERIFIER, "plain": ATTACKERS_CHALLENGE}[presented]

    with nothing_changes(service):
        attacker(service).exchange(code, code_verifier=verifier)

    assert service.refreshed(own)


def test_a_code_from_the_browsers_history_is_over_before_anybody_finds_it(service: Service) -> None:
    """RFC 9700 §4.3.1, RFC 6819 §4.4.1.1: a minute later the code in the address is worth nothing, verifier or not."""
    code = service.code()
    fresh = dataclasses.replace(service, now_ms=service.now_ms)
    service.wait(lifetimes.AUTHORIZATION_CODE + 1)

    assert refusal(attacker(service).exchange(code)) == (400, "invalid_grant")
    assert tokens(fresh.exchange(code)), "which it was not a moment before"


def test_a_code_cannot_be_guessed_by_what_is_like_it(service: Service) -> None:
    """RFC 6819 §4.4.1.3, RFC 6819 §4.4.1.12, RFC 9700 §4.5: nothing near a code is one, and guesses cost no write."""
    code = service.code()
    guesses: list[Callable[[str], str]] = [
        lambda it: it[:-1],
        lambda it: it + "A",
        lambda it: it + "=",
        lambda it: it.swapcase(),
        lambda it: it[::-1],
        lambda it: f" {it}",
        lambda it: f"{it}\x00",
        lambda _: encoding.encode(b"\x00" * 32),
    ]
    with nothing_changes(service):
        for guess in guesses:
            assert refusal(attacker(service).exchange(guess(code))) == (400, "invalid_grant")
    assert tokens(service.exchange(code))


def test_a_code_that_names_a_key_is_worth_nothing_to_whoever_has_code_and_verifier(service: Service) -> None:
    """RFC 9700 §4.5, RFC 9700 §4.10.1: `dpop_jkt` holds where a whole proxy log of the client has leaked."""
    prover = Prover(service)
    code = service.code(dpop_jkt=prover.key.thumbprint)
    thief = Prover(attacker(service), Key())
    thief.learn_nonce()
    with nothing_changes(service):
        assert refusal(thief.service.exchange(code)) == (400, "invalid_grant")

    assert refusal(thief.service.exchange(code, SPA, thief.header())) == (400, "invalid_grant")
    prover.learn_nonce()
    assert tokens(service.exchange(code, SPA, prover.header()))


def test_a_reference_that_was_pushed_for_one_client_opens_no_login_for_another(service: Service) -> None:
    """RFC 9700 §4.5, RFC 6819 §4.2.3: the attacker brings it under a client id of their own."""
    service.declare(OTHER)
    service.log_in()
    bring = pushed(service)
    with nothing_changes(service):
        answer = service.send("GET", "/authorize", query={**bring, "client_id": OTHER.client_id})
        assert answer.status == 400
        assert "location" not in answer.headers

    code = answered(service.send("GET", "/authorize", query=bring))["code"]
    assert tokens(service.exchange(code, SPA, redirect_uri=redirect_of(SPA)))
