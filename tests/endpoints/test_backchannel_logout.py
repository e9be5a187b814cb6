"""OpenID Connect Back-Channel Logout 1.0: what an application is sent, and what becomes of its answer."""

import dataclasses
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from heirloom.adapters import logout_receivers
from heirloom.adapters.logout_receivers import HttpLogoutReceivers
from heirloom.domain.backchannel_logout import EVENT, MOST_ATTEMPTS, LogoutNotice, logout_token, may_be_sent
from heirloom.domain.errors import SigningFailed, StoreUnavailable
from heirloom.domain.events import Caller
from heirloom.domain.lifetimes import LOGOUT_TOKEN
from heirloom.endpoints.backchannel_logout import BackchannelLogout
from tests import service as harness
from tests.endpoints.hands import declare
from tests.endpoints.receiver import Receiver, receiver
from tests.service import ALICE, SPA, Service, claims_of

ISSUER = "http://localhost:8400/"
"""All on one laptop, where logout tokens may go without TLS."""

NOTICE = LogoutNotice(SPA.client_id, ALICE.user_id, "session-1")


@pytest.fixture(name="application")
def _application(service: Service) -> Iterator[Receiver]:
    """The single-page application's server, which listens."""
    with receiver() as state:
        declare(service, SPA, backchannel_logout_url=state.url)
        yield state


@pytest.fixture(name="delivery")
def _delivery(service: Service) -> BackchannelLogout:
    return BackchannelLogout(ISSUER, service.configuration, service.keys, HttpLogoutReceivers(), service.events)


def deliver(delivery: BackchannelLogout, service: Service, notice: LogoutNotice = NOTICE, *, attempt: int = 1) -> bool:
    return delivery(notice, attempt=attempt, caller=Caller("", "", "message-1"), now=service.now)


def recorded(service: Service) -> list[tuple[str, str | None]]:
    """Type and reason of each event."""
    return [(event.type.value, event.reason) for event in service.events]


def test_the_application_gets_a_token_that_the_published_keys_verify(
    service: Service, application: Receiver, delivery: BackchannelLogout
) -> None:
    """As a receiver does it: §2.6."""
    assert deliver(delivery, service)

    ((path, form, headers),) = application.received
    assert path == "/logged-out"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert form.keys() == {"logout_token"}
    (token,) = application.tokens
    (key,) = jwt.PyJWKSet.from_json(service.configuration.published_keys()).keys
    claims = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=SPA.client_id,
        issuer=ISSUER,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "logout+jwt", "kid": key.key_id}
    assert len(claims.pop("jti")) == 22, "sixteen bytes"
    assert claims == {
        "iss": ISSUER,
        "sub": ALICE.user_id,
        "aud": SPA.client_id,
        "iat": service.now,
        "exp": service.now + LOGOUT_TOKEN,
        "sid": NOTICE.session_id,
        "events": {EVENT: {}},
    }
    assert "nonce" not in claims
    assert recorded(service) == [("oidc_backchannel_logout_succeeded", "answered 200")]
    assert service.events[0].details == {"session_id": NOTICE.session_id, "attempt": 1}


def test_a_logout_leads_from_the_browser_to_the_application(
    service: Service, application: Receiver, delivery: BackchannelLogout
) -> None:
    id_token = claims_of(service.login_tokens()["id_token"])
    service.send("GET", "/v2/logout")

    assert [deliver(delivery, service, notice) for notice in service.back_channel] == [True]
    heard = claims_of(application.tokens[0])
    assert {name: heard[name] for name in ("sub", "aud", "sid")} == {
        name: id_token[name] for name in ("sub", "aud", "sid")
    }


@pytest.mark.parametrize("status", [200, 204])
def test_frameworks_that_answer_204_confirm_too(
    service: Service, application: Receiver, delivery: BackchannelLogout, status: int
) -> None:
    application.status = status

    assert deliver(delivery, service)


@pytest.mark.parametrize("status", [201, 400, 404, 500, 501, 503])
def test_any_other_answer_is_tried_again(
    service: Service, application: Receiver, delivery: BackchannelLogout, status: int
) -> None:
    application.status = status

    assert not deliver(delivery, service)
    assert recorded(service) == [("oidc_backchannel_logout_failed", f"answered {status}")]
    application.status = 200
    assert deliver(delivery, service, attempt=2)
    first, second = map(claims_of, application.tokens)
    assert first["jti"] != second["jti"], "an application that takes none twice may have taken the first"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(
    service: Service, application: Receiver, delivery: BackchannelLogout, status: int
) -> None:
    """They could lead anywhere, also into our own network."""
    with receiver() as elsewhere:
        application.status, application.headers = status, {"location": elsewhere.url}

        assert not deliver(delivery, service)
        assert len(application.received) == 1
        assert elsewhere.received == []


def test_an_application_that_is_not_there_is_tried_again(service: Service, delivery: BackchannelLogout) -> None:
    with receiver() as gone:
        declare(service, SPA, backchannel_logout_url=gone.url)

    assert not deliver(delivery, service)
    ((event_type, reason),) = recorded(service)
    assert event_type == "oidc_backchannel_logout_failed"
    assert gone.url not in str(reason)


def test_an_application_that_does_not_answer_is_not_waited_for(
    service: Service, application: Receiver, delivery: BackchannelLogout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logout_receivers, "TIMEOUT", urllib3.Timeout(connect=1, read=0.1))
    application.silent = True

    assert not deliver(delivery, service)
    assert recorded(service) == [("oidc_backchannel_logout_failed", "ReadTimeoutError")]


def test_connecting_and_waiting_fit_into_the_functions_time() -> None:
    timeout = logout_receivers.TIMEOUT

    assert timeout.connect_timeout == 2
    assert timeout.read_timeout == 5


def test_what_is_not_delivered_in_the_end_wakes_somebody(
    service: Service, application: Receiver, delivery: BackchannelLogout
) -> None:
    application.status = 500

    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert not deliver(delivery, service, attempt=attempt)

    assert service.events.types == ["oidc_backchannel_logout_failed"] * MOST_ATTEMPTS + ["w"]
    warning = service.events[-1]
    assert (warning.client_id, warning.alarm) == (SPA.client_id, "BackchannelLogoutUndelivered")


@pytest.mark.parametrize("change", ["no address", "no application"])
def test_whoever_wants_to_hear_nothing_any_more_is_left_alone(
    service: Service, application: Receiver, delivery: BackchannelLogout, change: str
) -> None:
    if change == "no address":
        declare(service, SPA, backchannel_logout_url=None)
    else:
        del service.configuration.applications[SPA.client_id]

    assert deliver(delivery, service)
    assert application.received == []
    assert recorded(service) == [("oidc_backchannel_logout_failed", "nobody wants to hear of it any more")]


def test_without_tls_a_token_leaves_no_laptop(
    service: Service, application: Receiver, delivery: BackchannelLogout
) -> None:
    """In the cloud a function's own localhost has Lambda's interfaces."""
    in_the_cloud = dataclasses.replace(delivery, issuer="https://login.example/")

    assert deliver(in_the_cloud, service), "trying again would not mend it"
    assert application.received == []
    assert recorded(service) == [("oidc_backchannel_logout_failed", "the address is not https")]
    assert may_be_sent("https://app.example/", "https://login.example/")


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    service: Service, delivery: BackchannelLogout, tmp_path: Path
) -> None:
    with receiver(self_signed(tmp_path)) as impostor:
        declare(service, SPA, backchannel_logout_url=impostor.url)

        assert not deliver(delivery, service)
        assert impostor.received == []
    assert recorded(service) == [("oidc_backchannel_logout_failed", "SSLError")]


@pytest.mark.parametrize("fault", [StoreUnavailable("secret"), SigningFailed("secret")])
def test_a_fault_of_ours_is_tried_again(
    service: Service, application: Receiver, delivery: BackchannelLogout, fault: Exception
) -> None:
    class Broken:
        def signer(self) -> None:
            raise fault

    faulty = dataclasses.replace(delivery, signing_keys=Broken())  # type: ignore[arg-type] # it has the one verb

    assert not deliver(faulty, service)
    assert application.received == []
    assert service.events.types == ["w", "oidc_backchannel_logout_failed"]
    assert deliver(delivery, service, attempt=2)


def test_a_logout_token_opens_nothing_here(service: Service) -> None:
    """It is signed with the key of ID tokens and access tokens; its type tells it apart."""
    unsigned = logout_token(NOTICE, issuer=harness.ISSUER, token_id="1", now=service.now)
    unsigned.claims.update(aud=f"{harness.ISSUER}userinfo", scope="openid")

    def answers(token: str) -> tuple[int, bool]:
        asked = service.send("GET", "/userinfo", headers={"Authorization": f"Bearer {token}"})
        form = {"client_id": "web", "client_secret": harness.SECRET, "token": token}
        return asked.status, json.loads(service.send("POST", "/oauth/introspect", form).body)["active"]

    assert answers(service.keys.signer().sign(unsigned)) == (401, False)
    assert answers(service.keys.signer().sign(dataclasses.replace(unsigned, token_type="JWT"))) == (200, True)


def self_signed(folder: Path) -> ssl.SSLContext:
    """The server's side of TLS with a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
