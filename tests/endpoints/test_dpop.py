"""Proof of possession at every endpoint that it concerns (RFC 9449): tokens that are of no use to a thief."""

import dataclasses
import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from heirloom.domain import dpop, dpop_nonce
from heirloom.domain.application import Application
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.resource_server import ProofRequirement, TokenDialect
from heirloom.http import Response
from tests.endpoints.hands import declare, declare_api, store_calls
from tests.proofs import TOKEN_ENDPOINT, USERINFO, Key, Prover, ath, rsa_private_key
from tests.service import (
    API,
    ISSUER,
    NATIVE,
    ORIGIN,
    SECRET,
    SPA,
    WEB,
    Service,
    answered,
    claims_of,
    family_key_of,
    refusal,
    tokens,
)

INVALID_GRANT = (400, "invalid_grant")
INVALID_PROOF = (400, "invalid_dpop_proof")
USE_NONCE = (400, "use_dpop_nonce")
LEEWAY = 60
CLIENTS = pytest.mark.parametrize("application", [SPA, NATIVE, WEB], ids=["spa", "native", "web"])


@pytest.fixture
def prover(service: Service) -> Prover:
    """A client with a key."""
    return Prover(service)


def key_of(document: dict[str, Any]) -> str | None:
    """The thumbprint to which an answer's access token is bound, if it is; its type must agree."""
    confirmation: dict[str, str] | None = claims_of(document["access_token"]).get("cnf")
    assert document["token_type"] == ("Bearer" if confirmation is None else "DPoP")
    return confirmation["jkt"] if confirmation else None


def family_of(service: Service) -> dict[str, Any]:
    """The only family there is."""
    (family,) = service.items("FamiliesTable")
    return family


def dpop_headers(response: Response) -> set[str]:
    return {name for name in response.headers if "dpop" in name or "expose" in name}


# ---- Tokens are bound


@CLIENTS
def test_a_proof_binds_the_access_token_to_its_key(prover: Prover, application: Application) -> None:
    document = prover.login_tokens(application)

    assert key_of(document) == prover.key.thumbprint
    assert "cnf" not in claims_of(document["id_token"])


@pytest.mark.parametrize("dialect", TokenDialect)
def test_in_either_dialect(service: Service, prover: Prover, dialect: TokenDialect) -> None:
    declare_api(service, API, token_dialect=dialect)

    assert key_of(prover.login_tokens()) == prover.key.thumbprint


def test_with_an_rsa_key_too(service: Service) -> None:
    prover = Prover(service, Key(rsa_private_key(), "RS256"))
    document = prover.login_tokens()

    assert key_of(document) == prover.key.thumbprint == family_of(service)["cnf_jkt"]["S"]
    assert prover.refresh(document["refresh_token"]).status == 200


def test_a_token_for_userinfo_alone_is_bound_too(prover: Prover) -> None:
    assert key_of(prover.login_tokens(audience=None)) == prover.key.thumbprint


@CLIENTS
def test_without_a_proof_nothing_has_to_do_with_proofs(service: Service, application: Application) -> None:
    """oidc-client-ts takes any answer with `DPoP-Nonce` for a demand."""
    with store_calls(service) as calls:
        code = service.code(application)
        answers = [service.exchange(code, application)]
        answers.append(service.refresh(tokens(answers[0])["refresh_token"], application))
        answers += [service.refresh("x", application), service.exchange(code, application)]

    assert [key_of(tokens(answer)) for answer in answers[:2]] == [None, None]
    assert not any(dpop_headers(answer) for answer in answers)
    assert "cnf_jkt" not in family_of(service)
    assert "SingleUseTable" not in str([service.items("SingleUseTable"), *calls])
    assert not service.items("SingleUseTable")


@pytest.mark.parametrize("application", [SPA, NATIVE], ids=["spa", "native"])
def test_a_public_clients_family_belongs_to_the_key(service: Service, prover: Prover, application: Application) -> None:
    """RFC 9449 §5."""
    document = prover.login_tokens(application)

    assert family_of(service)["cnf_jkt"]["S"] == prover.key.thumbprint
    for _ in range(3):
        document = tokens(prover.refresh(document["refresh_token"], application))
        assert key_of(document) == prover.key.thumbprint


def test_a_confidential_client_may_use_a_new_key_for_every_request(service: Service) -> None:
    """FAPI 2.0: its family is bound by the client's own authentication."""
    document = Prover(service).login_tokens(WEB)
    assert "cnf_jkt" not in family_of(service)

    for _ in range(3):
        other = Prover(service)
        document = tokens(other.refresh(document["refresh_token"], WEB))
        assert key_of(document) == other.key.thumbprint
    assert key_of(tokens(service.refresh(document["refresh_token"], WEB))) is None


def test_a_replay_is_signed_anew_for_the_key_that_is_presented_now(service: Service) -> None:
    """A kept answer would bind the access token to another key than the one that asks."""
    first = Prover(service).login_tokens(WEB)["refresh_token"]
    one, other = Prover(service), Prover(service)
    document = tokens(one.refresh(first, WEB))
    service.wait(31)

    replayed = tokens(other.refresh(first, WEB))

    assert replayed["refresh_token"] == document["refresh_token"]
    assert (key_of(document), key_of(replayed)) == (one.key.thumbprint, other.key.thumbprint)
    assert key_of(tokens(service.refresh(first, WEB))) is None, "and for none, if there is none"


def test_a_public_clients_replay_is_bound_as_well(prover: Prover) -> None:
    first = prover.login_tokens()["refresh_token"]
    document = tokens(prover.refresh(first))

    replayed = tokens(prover.refresh(first))

    assert replayed["refresh_token"] == document["refresh_token"]
    assert key_of(replayed) == prover.key.thumbprint


def test_reuse_is_judged_only_for_whoever_has_the_key(service: Service, prover: Prover) -> None:
    first = prover.login_tokens()["refresh_token"]
    live = tokens(prover.refresh(first))["refresh_token"]
    service.wait(LEEWAY + 2)
    thief = Prover(service, nonce=prover.nonce)
    before = family_of(service)

    assert refusal(service.refresh(first)) == INVALID_GRANT
    assert refusal(thief.refresh(first)) == INVALID_GRANT
    assert family_of(service) == before
    assert [event.reason for event in service.events[-2:]] == ["key_proof", "key_proof"]

    assert refusal(prover.refresh(first)) == INVALID_GRANT
    assert service.events[-1].reason == "reused"
    assert refusal(prover.refresh(live)) == INVALID_GRANT


# ---- A family that is not bound stays so


def test_a_family_of_before_goes_on_and_its_access_tokens_are_bound(service: Service, prover: Prover) -> None:
    """An application that turns DPoP on logs nobody out."""
    token = service.login_tokens()["refresh_token"]
    prover.learn_nonce()

    document = tokens(prover.refresh(token))

    assert key_of(document) == prover.key.thumbprint
    assert "cnf_jkt" not in family_of(service)


def test_whoever_comes_first_with_a_key_does_not_get_the_family_for_themselves(service: Service) -> None:
    """Else a thief could bind it to a key of theirs, and the owner's next token would never count as reuse."""
    stolen = service.login_tokens()["refresh_token"]
    thief = Prover(service)
    thief.learn_nonce()
    document = tokens(thief.refresh(stolen))
    service.wait(LEEWAY + 2)

    assert refusal(service.refresh(stolen)) == INVALID_GRANT

    assert service.events[-1].reason == "reused"
    assert refusal(thief.refresh(document["refresh_token"])) == INVALID_GRANT


# ---- Nonces


@pytest.mark.parametrize("application", [SPA, NATIVE], ids=["spa", "native"])
def test_a_public_client_must_use_our_nonce(service: Service, prover: Prover, application: Application) -> None:
    """RFC 9449 §8; auth0-spa-js tries once more with what it is given."""
    code = prover.code(application)

    response = service.exchange(code, application, prover.header())

    assert refusal(response) == USE_NONCE
    assert (service.events[-1].type.value, service.events[-1].client_id) == ("fapi", application.client_id)
    assert response.headers["access-control-expose-headers"] == "dpop-nonce"
    prover.nonce = response.headers["dpop-nonce"]
    again = service.exchange(code, application, prover.header())
    assert key_of(tokens(again)) == prover.key.thumbprint
    assert again.headers["dpop-nonce"] == prover.nonce, "still the one of this period"


def test_a_confidential_client_may_do_without_and_hears_of_none(service: Service, prover: Prover) -> None:
    response = service.exchange(prover.code(WEB), WEB, prover.header())

    assert key_of(tokens(response)) == prover.key.thumbprint
    assert not dpop_headers(response)


@pytest.mark.parametrize("application", [SPA, WEB], ids=["spa", "web"])
def test_a_nonce_that_is_sent_must_be_good(prover: Prover, application: Application) -> None:
    token = prover.login_tokens(application)["refresh_token"]
    nonce = prover.learn_nonce()

    for wrong in ("wrong", f"{nonce}x", nonce[:-1], nonce.swapcase()):
        response = prover.refresh(token, application, nonce=wrong)
        assert refusal(response) == USE_NONCE
        assert response.headers["dpop-nonce"] == nonce
    assert prover.refresh(token, application).headers["dpop-nonce"] == nonce


def test_every_answer_brings_the_next_nonce_so_that_a_busy_client_is_never_sent_back(
    service: Service, prover: Prover
) -> None:
    token = prover.login_tokens()["refresh_token"]
    for _ in range(10):
        service.wait(dpop_nonce.PERIOD)
        response = prover.refresh(token)
        token, prover.nonce = tokens(response)["refresh_token"], response.headers["dpop-nonce"]


def test_an_old_nonce_costs_one_more_request_and_nothing_else(service: Service, prover: Prover) -> None:
    """auth0-spa-js forgets the token it presented at any JSON answer that has none: this one repeats it."""
    token = prover.login_tokens()["refresh_token"]
    before = service.contents()
    service.wait(2 * dpop_nonce.PERIOD)

    response = prover.refresh(token)

    assert refusal(response) == USE_NONCE
    assert json.loads(response.body)["refresh_token"] == token
    assert service.contents() == before
    assert prover.nonce != response.headers["dpop-nonce"]
    prover.nonce = response.headers["dpop-nonce"]
    assert prover.refresh(token).status == 200


@pytest.mark.parametrize("text", ["x", "<script>", "hrt_" + "x" * 103, "hrt_" + "!" * 104])
def test_nothing_is_repeated_but_what_looks_like_a_refresh_token(service: Service, prover: Prover, text: str) -> None:
    document = json.loads(service.refresh(text, SPA, prover.header()).body)

    assert document.keys() == {"error", "error_description"}


def test_no_other_refusal_has_a_nonce_or_repeats_the_token(service: Service, prover: Prover) -> None:
    """oidc-client-ts would take it for a demand to try again, and hide the error."""
    token = prover.login_tokens()["refresh_token"]

    for response in (
        prover.refresh(token, htm="GET"),
        prover.refresh("x"),
        service.refresh(token),
        prover.refresh(token, SPA, jti=None),
        service.refresh(token, SPA, prover.header(), grant_type="implicit"),
    ):
        assert response.status == 400
        assert not dpop_headers(response)
        assert "refresh_token" not in json.loads(response.body)


# ---- What a proof must be


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"htm": "GET"}, id="another method"),
        pytest.param({"htu": USERINFO}, id="another endpoint"),
        pytest.param({"htu": "https://evil.example/oauth/token"}, id="another server"),
        pytest.param({"jti": None}, id="no jti"),
        pytest.param({"iat": None}, id="no iat"),
    ],
)
@CLIENTS
def test_a_bad_proof_is_refused_and_costs_nothing(
    service: Service, prover: Prover, application: Application, changes: dict[str, Any]
) -> None:
    token, code = prover.login_tokens(application)["refresh_token"], prover.code(application)
    before = service.contents()

    assert refusal(prover.refresh(token, application, **changes)) == INVALID_PROOF
    assert refusal(service.exchange(code, application, prover.header(**changes))) == INVALID_PROOF

    assert service.contents() == before, "not even its jti is taken"
    assert prover.refresh(token, application).status == 200
    assert service.exchange(code, application, prover.header()).status == 200


@pytest.mark.parametrize("header", ["", " ", "x", "a.b.c", "{0},{0}", "{0}, {0}", "{0} {0}", "{0}."])
@CLIENTS
def test_what_is_no_proof_is_not_taken_for_none(
    service: Service, prover: Prover, application: Application, header: str
) -> None:
    """A header that is there must be good: nobody falls back to tokens that anybody can use."""
    token = service.login_tokens(application)["refresh_token"]
    headers = {"DPoP": header.format(prover.key.proof(service.now))}

    assert refusal(service.refresh(token, application, headers)) == INVALID_PROOF
    assert service.refresh(token, application).status == 200


def test_the_target_comes_from_our_configuration_and_never_from_the_request(service: Service, prover: Prover) -> None:
    token = prover.login_tokens(WEB)["refresh_token"]
    headers = prover.header(htu="https://evil.example/oauth/token") | {"Host": "evil.example"}

    assert refusal(service.refresh(token, WEB, headers)) == INVALID_PROOF
    assert service.refresh(token, WEB, prover.header() | {"Host": "evil.example"}).status == 200


def test_the_age_of_a_proof_is_judged_by_its_iat(service: Service, prover: Prover) -> None:
    token = prover.login_tokens(WEB)["refresh_token"]

    for iat in (service.now - 60, service.now + 10):
        assert prover.refresh(token, WEB, iat=iat).status == 200
    for iat in (service.now - 61, service.now + 11):
        assert refusal(prover.refresh(token, WEB, iat=iat)) == INVALID_PROOF


def test_with_a_nonce_the_clients_clock_may_be_minutes_off(service: Service, prover: Prover) -> None:
    token = prover.login_tokens()["refresh_token"]

    for iat in (service.now - 300, service.now + 300):
        assert prover.refresh(token, iat=iat).status == 200
    for iat in (service.now - 301, service.now + 301):
        assert refusal(prover.refresh(token, iat=iat)) == INVALID_PROOF


# ---- Once


def test_a_proof_is_taken_once(service: Service, prover: Prover) -> None:
    token = prover.login_tokens(WEB)["refresh_token"]
    header = prover.header()
    assert service.refresh(token, WEB, header).status == 200

    assert refusal(service.refresh(token, WEB, header)) == INVALID_PROOF
    assert service.events[-1].reason == "The DPoP proof was used before"


def test_a_request_that_is_repeated_as_it_was_is_led_to_a_new_proof(service: Service, prover: Prover) -> None:
    """auth0-spa-js repeats a request whose answer was lost, and then knows only how to answer `use_dpop_nonce`."""
    token = prover.login_tokens()["refresh_token"]
    header = prover.header()
    live = tokens(service.refresh(token, SPA, header))["refresh_token"]

    response = service.refresh(token, SPA, header)

    assert refusal(response) == USE_NONCE
    assert json.loads(response.body)["refresh_token"] == token
    prover.nonce = response.headers["dpop-nonce"]
    assert tokens(prover.refresh(token))["refresh_token"] == live


def test_the_jti_of_one_key_does_not_take_that_of_another(service: Service) -> None:
    first = Prover(service).login_tokens(WEB)["refresh_token"]
    one, other = Prover(service), Prover(service)

    assert one.refresh(first, WEB, jti="1").status == 200
    assert other.refresh(first, WEB, jti="1").status == 200
    assert refusal(one.refresh(first, WEB, jti="1")) == INVALID_PROOF


def test_only_an_authenticated_client_takes_a_proof(service: Service, prover: Prover) -> None:
    token = prover.login_tokens(WEB)["refresh_token"]
    before = service.contents()

    assert service.refresh(token, WEB, prover.header(), client_secret="wrong").status == 401
    assert service.contents() == before


def test_a_used_proof_is_known_until_it_is_too_old(service: Service, prover: Prover) -> None:
    token = prover.login_tokens(WEB)["refresh_token"]
    header = prover.header(iat=service.now + 10)
    assert service.refresh(token, WEB, header).status == 200
    (first, *_) = service.items("SingleUseTable")

    service.wait(70)
    assert refusal(service.refresh(token, WEB, header)) == INVALID_PROOF
    assert int(first["expires_at"]["N"]) > service.now, "TTL has not taken it away"
    service.wait(1)
    assert refusal(service.refresh(token, WEB, header)) == INVALID_PROOF
    assert service.events[-1].reason == "The DPoP proof is too old"


class Failing:
    """The port `SingleUse` while its table does not answer."""

    def claim(self, identifier: str, *, expires_at: int) -> bool:
        raise StoreUnavailable(f"{len(identifier)} {expires_at}")


@pytest.mark.parametrize("application", [SPA, WEB], ids=["spa", "web"])
def test_when_proofs_cannot_be_taken_nothing_is_refused_and_nothing_lost(
    service: Service, prover: Prover, application: Application
) -> None:
    document = prover.login_tokens(application)
    code = prover.code(application)
    routes = service.routes
    token, userinfo = routes["POST", "/oauth/token"], routes["GET", "/userinfo"]
    broken = dataclasses.replace(token.proofs.proofs, single_use=Failing())
    before = service.contents()
    service.routes = {
        **routes,
        ("POST", "/oauth/token"): dataclasses.replace(token, proofs=dataclasses.replace(token.proofs, proofs=broken)),
        ("GET", "/userinfo"): dataclasses.replace(
            userinfo, access_tokens=dataclasses.replace(userinfo.access_tokens, proofs=broken)
        ),
    }

    for response in (
        prover.refresh(document["refresh_token"], application),
        service.exchange(code, application, prover.header()),
        prover.userinfo(document["access_token"]),
    ):
        assert (response.status, response.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert service.contents() == before
    service.routes = routes
    assert prover.refresh(document["refresh_token"], application).status == 200
    assert service.exchange(code, application, prover.header()).status == 200
    assert prover.userinfo(document["access_token"]).status == 200


def test_a_store_that_fails_in_the_midst_is_no_refusal_either(service: Service, prover: Prover) -> None:
    """The proof is taken and the rotation is not: the client makes a new proof and goes on."""
    token = prover.login_tokens()["refresh_token"]
    header = prover.header()

    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    event = "before-call.dynamodb.UpdateItem"
    service.client.meta.events.register(event, fail)
    assert service.refresh(token, SPA, header).status == 503
    service.client.meta.events.unregister(event, fail)

    assert refusal(service.refresh(token, SPA, header)) == USE_NONCE
    assert prover.refresh(token).status == 200


def test_a_refresh_with_a_proof_is_two_calls(service: Service, prover: Prover) -> None:
    token = prover.login_tokens()["refresh_token"]

    with store_calls(service) as calls:
        assert prover.refresh(token).status == 200

    assert calls == ["PutItem", "UpdateItem"]


# ---- dpop_jkt


def test_a_code_that_names_a_key_is_exchanged_with_that_key_alone(service: Service, prover: Prover) -> None:
    """RFC 9449 §10."""
    code = prover.code(dpop_jkt=prover.key.thumbprint)
    nonce = prover.learn_nonce()
    before = service.items("CodesTable")

    assert refusal(service.exchange(code)) == INVALID_GRANT
    assert refusal(service.exchange(code, SPA, Prover(service, nonce=nonce).header())) == INVALID_GRANT
    assert service.events[-1].reason == "no proof of the key that dpop_jkt named"
    assert service.items("CodesTable") == before

    assert key_of(tokens(service.exchange(code, SPA, prover.header()))) == prover.key.thumbprint


def test_a_thief_without_the_key_cannot_end_what_the_code_was_exchanged_for(service: Service, prover: Prover) -> None:
    code = prover.code(dpop_jkt=prover.key.thumbprint)
    nonce = prover.learn_nonce()
    token = tokens(service.exchange(code, SPA, prover.header()))["refresh_token"]
    service.wait(30)

    assert refusal(service.exchange(code, SPA, Prover(service, nonce=nonce).header())) == INVALID_GRANT
    assert refusal(service.exchange(code)) == INVALID_GRANT
    assert prover.refresh(token).status == 200

    assert refusal(service.exchange(code, SPA, prover.header())) == INVALID_GRANT
    assert refusal(prover.refresh(token)) == INVALID_GRANT, "a second use by the owner ends it, as ever"


def test_a_confidential_clients_code_may_name_a_key_too(service: Service, prover: Prover) -> None:
    code = prover.code(WEB, dpop_jkt=prover.key.thumbprint)

    assert refusal(service.exchange(code, WEB, Prover(service).header())) == INVALID_GRANT
    assert key_of(tokens(service.exchange(code, WEB, prover.header()))) == prover.key.thumbprint


def test_pkce_is_asked_for_all_the_same(service: Service, prover: Prover) -> None:
    code = prover.code(dpop_jkt=prover.key.thumbprint)
    prover.learn_nonce()

    assert refusal(service.exchange(code, SPA, prover.header(), code_verifier="w" * 43)) == INVALID_GRANT
    assert (
        answered(service.authorize(code_challenge=None, dpop_jkt=prover.key.thumbprint))["error"] == "invalid_request"
    )


@pytest.mark.parametrize("text", ["x", "x" * 42, "x" * 44, "x" * 42 + "=", "x" * 42 + "é", " " + "x" * 42])
def test_a_malformed_key_is_an_invalid_request(service: Service, text: str) -> None:
    assert answered(service.authorize(dpop_jkt=text))["error"] == "invalid_request"


# ---- Settings


@CLIENTS
def test_an_application_may_have_to_send_proofs(service: Service, prover: Prover, application: Application) -> None:
    application = declare(service, application, require_proof_of_possession=True)
    code = prover.code(application)
    prover.nonce = None if application.confidential else prover.learn_nonce()
    before = service.contents()

    assert refusal(service.exchange(code, application)) == INVALID_PROOF
    assert service.contents() == before
    document = tokens(service.exchange(code, application, prover.header()))
    before = service.contents()
    assert refusal(service.refresh(document["refresh_token"], application)) == INVALID_PROOF
    assert service.contents() == before
    assert key_of(tokens(prover.refresh(document["refresh_token"], application))) == prover.key.thumbprint


@pytest.mark.parametrize(
    ("required_for", "application", "required"),
    [
        (ProofRequirement.ALL_CLIENTS, SPA, True),
        (ProofRequirement.ALL_CLIENTS, WEB, True),
        (ProofRequirement.PUBLIC_CLIENTS, SPA, True),
        (ProofRequirement.PUBLIC_CLIENTS, WEB, False),
        (ProofRequirement.NOBODY, SPA, False),
        (ProofRequirement.NOBODY, WEB, False),
    ],
)
def test_an_api_may_take_bound_tokens_only(
    service: Service, prover: Prover, required_for: ProofRequirement, application: Application, *, required: bool
) -> None:
    declare_api(service, API, proof_required_for=required_for)
    code = prover.code(application)
    before = service.contents()

    response = service.exchange(code, application)

    if not required:
        assert key_of(tokens(response)) is None
        return
    assert refusal(response) == INVALID_PROOF
    assert service.contents() == before, "the code is still good"
    prover.nonce = None if application.confidential else prover.learn_nonce()
    document = tokens(service.exchange(code, application, prover.header()))
    assert key_of(document) == prover.key.thumbprint
    assert key_of(tokens(prover.refresh(document["refresh_token"], application))) == prover.key.thumbprint


def test_a_requirement_of_an_api_says_nothing_of_userinfo(service: Service) -> None:
    declare_api(service, API, proof_required_for=ProofRequirement.ALL_CLIENTS)

    assert key_of(service.login_tokens(audience=None)) is None


@pytest.mark.parametrize("application", [SPA, WEB], ids=["spa", "web"])
def test_a_requirement_that_is_new_lets_no_old_family_get_an_unbound_token(
    service: Service, prover: Prover, application: Application
) -> None:
    """The token is spent by then: repeated with a proof it leads to the live one, as after a lost answer."""
    token = service.login_tokens(application)["refresh_token"]
    declare_api(service, API, proof_required_for=ProofRequirement.ALL_CLIENTS)
    prover.nonce = None if application.confidential else prover.learn_nonce()

    assert refusal(service.refresh(token, application)) == INVALID_PROOF

    document = tokens(prover.refresh(token, application))
    assert key_of(document) == prover.key.thumbprint
    assert tokens(prover.refresh(document["refresh_token"], application))


# ---- Introspection and revocation


def introspect(service: Service, token: str) -> dict[str, Any]:
    form = {"client_id": WEB.client_id, "client_secret": SECRET, "token": token}
    document: dict[str, Any] = json.loads(service.send("POST", "/oauth/introspect", form).body)
    return document


def test_introspection_tells_of_the_key(service: Service, prover: Prover) -> None:
    """RFC 9449 §6.2."""
    bound = introspect(service, prover.login_tokens(WEB)["access_token"])
    free = introspect(service, service.login_tokens(WEB)["access_token"])

    assert (bound["token_type"], bound["cnf"]) == ("DPoP", {"jkt": prover.key.thumbprint})
    assert free["token_type"] == "Bearer"
    assert "cnf" not in free


def test_a_bound_refresh_token_tells_its_key_to_its_owner(service: Service, prover: Prover) -> None:
    """A native application that became a server keeps the families it had."""
    token = prover.login_tokens(NATIVE)["refresh_token"]
    confidential = dataclasses.replace(WEB, client_id=NATIVE.client_id)
    service.declare(confidential)
    form = {"client_id": NATIVE.client_id, "client_secret": SECRET, "token": token}

    document = json.loads(service.send("POST", "/oauth/introspect", form).body)

    assert document["cnf"] == {"jkt": prover.key.thumbprint}
    assert introspect(service, token) == {"active": False}
    assert "cnf" not in introspect(service, service.login_tokens(WEB)["refresh_token"])


def test_a_bound_family_is_revoked_without_a_proof(service: Service, prover: Prover) -> None:
    """SDKs send none, and a thief gains nothing by it but the owner's logout."""
    document = prover.login_tokens()

    response = service.revoke(document["refresh_token"])

    assert (response.status, response.body, dpop_headers(response)) == (200, "", set())
    assert refusal(prover.refresh(document["refresh_token"])) == INVALID_GRANT


# ---- /userinfo


def challenge(response: Response) -> tuple[int, str, str]:
    """Status, scheme and error of a refusal."""
    scheme, _, rest = response.headers["www-authenticate"].partition(" ")
    error = json.loads(response.body)["error"]
    assert f'error="{error}"' in rest
    assert scheme == "Bearer" or rest.startswith('algs="ES256 RS256"')
    return response.status, scheme, error


def test_a_bound_token_is_good_with_a_proof(service: Service, prover: Prover) -> None:
    token = prover.login_tokens()["access_token"]

    assert json.loads(prover.userinfo(token).body)["email"] == "alice@example.com"
    assert prover.userinfo(token, scheme="dpop", nonce="of the token endpoint").status == 200
    headers = {"Authorization": f"DPoP {token}", **prover.header(htu=USERINFO, ath=ath(token))}
    assert service.send("POST", "/userinfo", headers=headers).status == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_bound_token_is_no_bearer_token(service: Service, prover: Prover, scheme: str) -> None:
    """RFC 9449 §7.2: a downgrade."""
    token = prover.login_tokens()["access_token"]

    assert challenge(prover.userinfo(token, scheme=scheme)) == (401, "DPoP", "invalid_token")
    response = service.send("GET", "/userinfo", headers={"Authorization": f"{scheme} {token}"})
    assert challenge(response) == (401, "DPoP", "invalid_token")
    assert challenge(service.send("POST", "/userinfo", {"access_token": token})) == (401, "DPoP", "invalid_token")


def test_an_unbound_token_is_no_bound_one(service: Service, prover: Prover) -> None:
    token = service.login_tokens()["access_token"]

    assert challenge(prover.userinfo(token)) == (401, "DPoP", "invalid_token")
    assert prover.userinfo(token, scheme="Bearer").status == 200, "a stray proof is not looked at"


def test_a_token_that_is_bound_to_another_key_is_refused(service: Service, prover: Prover) -> None:
    token = prover.login_tokens()["access_token"]

    assert challenge(Prover(service).userinfo(token)) == (401, "DPoP", "invalid_token")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"ath": None}, id="no ath"),
        pytest.param({"ath": ath("another")}, id="another token's ath"),
        pytest.param({"htu": TOKEN_ENDPOINT}, id="another endpoint"),
        pytest.param({"htu": f"{ISSUER}userinfo/"}, id="nearly the endpoint"),
        pytest.param({"htm": "POST"}, id="another method"),
        pytest.param({"jti": None}, id="no jti"),
    ],
)
def test_a_bad_proof_is_refused_at_userinfo(service: Service, prover: Prover, changes: dict[str, Any]) -> None:
    token = prover.login_tokens()["access_token"]
    before = service.contents()

    assert challenge(prover.userinfo(token, **changes)) == (401, "DPoP", "invalid_dpop_proof")
    assert service.contents() == before


@pytest.mark.parametrize("seconds", [-61, 11, -3600, 3600])
def test_userinfo_has_no_nonce_and_judges_the_age_by_iat(service: Service, prover: Prover, seconds: int) -> None:
    token = prover.login_tokens()["access_token"]

    response = prover.userinfo(token, iat=service.now + seconds, nonce=prover.nonce)

    assert challenge(response) == (401, "DPoP", "invalid_dpop_proof")
    assert not {"dpop-nonce"} & response.headers.keys()


def test_without_a_proof_a_bound_token_opens_nothing(service: Service, prover: Prover) -> None:
    token = prover.login_tokens()["access_token"]

    for headers in ({}, {"DPoP": ""}, {"DPoP": "x"}):
        response = service.send("GET", "/userinfo", headers={"Authorization": f"DPoP {token}", **headers})
        assert challenge(response) == (401, "DPoP", "invalid_dpop_proof")


def test_a_proof_is_taken_once_at_userinfo_too(prover: Prover) -> None:
    token = prover.login_tokens()["access_token"]

    assert prover.userinfo(token, jti="1").status == 200
    assert challenge(prover.userinfo(token, jti="1")) == (401, "DPoP", "invalid_dpop_proof")
    assert prover.userinfo(token, jti="2").status == 200


def test_a_stranger_takes_no_proof_at_userinfo(service: Service, prover: Prover) -> None:
    """Neither a forged token nor one of another key lets anybody fill our table."""
    token = service.login_tokens()["access_token"]
    before = service.contents()

    assert prover.userinfo("forged").status == 401
    assert prover.userinfo(token).status == 401
    assert service.contents() == before


def test_a_bound_token_in_two_places_is_an_invalid_request(service: Service, prover: Prover) -> None:
    token = prover.login_tokens()["access_token"]
    headers = {"Authorization": f"DPoP {token}", **prover.header(htu=USERINFO, ath=ath(token))}

    response = service.send("POST", "/userinfo", {"access_token": token}, headers)

    assert (response.status, json.loads(response.body)["error"]) == (400, "invalid_request")


def test_a_script_may_read_nonce_and_challenge(service: Service, prover: Prover) -> None:
    token = prover.login_tokens()
    origin = {"Origin": ORIGIN}

    demand = service.refresh(token["refresh_token"], SPA, prover.header(nonce=None) | origin)
    refreshed = service.refresh(token["refresh_token"], SPA, prover.header() | origin)
    for response in (demand, refreshed):
        assert response.headers["access-control-allow-origin"] == ORIGIN
        assert response.headers["access-control-expose-headers"] == "dpop-nonce"
    challenged = service.send("GET", "/userinfo", headers={"Authorization": "DPoP x", "DPoP": "x"} | origin)
    assert challenged.headers["access-control-expose-headers"] == "www-authenticate"
    assert challenged.headers["access-control-allow-origin"] == ORIGIN


def test_every_algorithm_that_is_listed_works_and_no_other(service: Service) -> None:
    keys = {"ES256": Key(), "RS256": Key(rsa_private_key(), "RS256")}

    assert list(keys) == list(dpop.ALGORITHMS)
    for key in keys.values():
        assert key_of(Prover(service, key).login_tokens()) == key.thumbprint
    proof = Key(rsa_private_key(), "PS256").proof(service.now)
    assert refusal(service.refresh("x", SPA, {"DPoP": proof})) == INVALID_PROOF


def test_families_are_found_by_what_the_client_holds(service: Service, prover: Prover) -> None:
    """The binding is in the family alone: nothing of the key is in the refresh token."""
    token = prover.login_tokens()["refresh_token"]
    family = service.families.find(family_key_of(token))

    assert family is not None
    assert family.key_thumbprint == prover.key.thumbprint
    assert len(token) == 108
