"""Mix-up: a client of two servers is made to bring one's code, or token, to the other."""

import pytest

from tests.attacks.attacker import EVIL, attacker, nothing_changes
from tests.endpoints.assertions import SIGNING, assertion, with_assertion
from tests.endpoints.hands import pushed
from tests.endpoints.reading import read
from tests.proofs import Prover
from tests.service import ISSUER, WEB, Service, answered, claims_of, refusal, tokens

ATTACKERS_SERVER = f"{EVIL}/"


def takes(expected_issuer: str, answer: dict[str, str]) -> bool:
    """What a client does with an authorization response (RFC 9207 §2.4)."""
    return answer.get("iss") == expected_issuer


def test_a_client_that_looks_at_iss_does_not_bring_its_code_to_the_attackers_server(service: Service) -> None:
    """RFC 9700 §4.4.1, RFC 6819 §4.4.1.7: the person chose the attacker's server, which sent the browser on to ours.

    The attacker's server learns code and verifier of a client that does not look: PKCE is no help here.
    """
    answer = answered(service.log_in(state="of the attacker's server"))

    assert not takes(ATTACKERS_SERVER, answer), "the code stays with the client"
    assert takes(ISSUER, answer), "and where the client did choose us, it goes on"
    assert tokens(attacker(service).exchange(answer["code"])), "what is lost otherwise"


@pytest.mark.parametrize("mode", ["query", "form_post", "web_message"])
@pytest.mark.parametrize("error", [False, True])
def test_no_response_leaves_its_issuer_out(service: Service, mode: str, *, error: bool) -> None:
    """RFC 9700 §4.4.2.1: one answer without `iss` would be the one that the attacker provokes."""
    service.log_in()
    response = service.authorize(response_mode=mode, max_age="nonsense" if error else None)

    if mode == "query":
        answer = answered(response)
    else:
        page = read(response)
        answer = page.message if page.message is not None else page.forms[0].fields
    assert answer["iss"] == ISSUER
    assert ("error" in answer) is error
    assert ("code" in answer) is not error


def test_an_issuer_that_the_request_names_is_not_repeated(service: Service) -> None:
    """RFC 9700 §4.4.1: the attacker writes what the client expects into the request, and hopes for two."""
    response = service.log_in(iss=ATTACKERS_SERVER, issuer=ATTACKERS_SERVER)

    assert response.headers["location"].count("iss=") == 1
    assert answered(response)["iss"] == ISSUER


def test_an_assertion_for_the_attackers_server_is_none_for_ours(service: Service) -> None:
    """RFC 9700 §4.4, RFC 6819 §4.3.3: the client signs for whomever it thinks it talks to, who passes it on to us."""
    service.declare(SIGNING)
    code = service.code(SIGNING)
    before = service.contents()
    for audience in (
        f"{ATTACKERS_SERVER}oauth/token",
        [ISSUER, ATTACKERS_SERVER],
        ISSUER.removesuffix("/"),
        ISSUER.upper(),
        f"{ISSUER}oauth/token/",
        f"{ISSUER}oauth/token?{ATTACKERS_SERVER}",
    ):
        signed = with_assertion({}, assertion(aud=audience, jti="passed on"))
        assert refusal(service.exchange(code, SIGNING, client_secret=None, **signed)) == (401, "invalid_client")
    assert service.contents() == before

    honest = with_assertion({}, assertion(aud=ISSUER))
    assert tokens(service.exchange(code, SIGNING, client_secret=None, **honest))


def test_a_proof_for_the_attackers_server_is_none_for_ours(service: Service) -> None:
    """RFC 9700 §4.4, RFC 6819 §4.6.2: so with a DPoP proof, however its target is written."""
    prover = Prover(service)
    first = prover.login_tokens()
    with nothing_changes(service):
        for target in (
            f"{ATTACKERS_SERVER}oauth/token",
            f"https://login.example@{EVIL.removeprefix('https://')}/oauth/token",
            "https://login.example:444/oauth/token",
            f"{ISSUER}oauth//token",
            f"{ISSUER}oauth/%74oken",
            f"{ISSUER}oauth/./token",
            f"{ISSUER}OAUTH/token",
            f"{ISSUER}oauth/token;evil",
            f"{ISSUER}oauth\\token",
            f"{ISSUER}userinfo?{ISSUER}oauth/token",
            f"{ISSUER}userinfo#/oauth/token",
            "http://login.example/oauth/token",
            "//login.example/oauth/token",
            "/oauth/token",
            "https://login.example./oauth/token",
            "https://\u217cogin.example/oauth/token",
        ):
            answer = prover.refresh(first["refresh_token"], htu=target)
            assert refusal(answer) == (400, "invalid_dpop_proof"), target

    assert tokens(prover.refresh(first["refresh_token"]))


def test_what_one_server_signs_names_it_so_that_tokens_cannot_be_mixed_up_either(service: Service) -> None:
    """RFC 9700 §4.4, RFC 6819 §4.6.4: a resource server of two servers tells them apart by `iss`."""
    for token in ("access_token", "id_token"):
        assert claims_of(service.login_tokens(WEB)[token])["iss"] == ISSUER


def test_a_client_that_pushed_its_request_hears_the_issuer_as_well(service: Service) -> None:
    """RFC 9700 §4.4.1: the attacker's server hands on a reference that the client did not push with it."""
    service.log_in()
    answer = answered(service.send("GET", "/authorize", query=pushed(service)))

    assert answer["iss"] == ISSUER
    assert tokens(service.exchange(answer["code"]))
