"""Who asks for a logout, of which session, and where the person goes afterwards."""

from dataclasses import replace

import pytest

from heirloom.domain import logout_request
from heirloom.domain.application import Application, ApplicationType, AuthenticationMethod, Tenant
from heirloom.domain.authorization import LONGEST_STATE, UnknownRedirectUri
from heirloom.domain.errors import InvalidRequest
from heirloom.domain.logout_request import IdTokenHint, LogoutRequest
from heirloom.domain.session import Session, SessionKey

HINT = IdTokenHint("auth0|alice", "spa", "session-1")
SPA = Application(
    "spa",
    "App",
    ApplicationType.SINGLE_PAGE,
    AuthenticationMethod.NONE,
    allowed_logout_urls=frozenset({"https://app.example/", "https://app.example/bye?x=1"}),
)
TENANT = Tenant(allowed_logout_urls=frozenset({"https://tenant.example/"}))
SESSION = Session(
    key=SessionKey(b"\x00" * 8, "session-1"),
    user_id="auth0|alice",
    secret_digest=b"",
    created_at=0,
    auth_time=0,
    epoch=0,
    used_at=0,
    idle_expires_at=0,
    absolute_expires_at=0,
)


def parsed(application: Application | None = SPA, /, **parameters: str) -> LogoutRequest:
    return logout_request.parse(parameters, hint=HINT, application=application, tenant=TENANT)


@pytest.mark.parametrize(
    ("hint", "named"),
    [
        (HINT, True),
        (replace(HINT, client_id="another"), True),
        (replace(HINT, user_id="auth0|bob"), False),
        (replace(HINT, session_id="session-2"), False),
        (None, False),
    ],
)
def test_a_session_is_named_by_its_person_and_its_id(hint: IdTokenHint | None, *, named: bool) -> None:
    assert LogoutRequest(application=None, hint=hint, return_to=None).names(SESSION) is named


def test_an_application_asks_by_its_id_or_by_its_hint() -> None:
    assert logout_request.client_id_of({}, None) is None
    assert logout_request.client_id_of({"client_id": "app"}, None) == "app"
    assert logout_request.client_id_of({}, HINT) == "spa"
    assert logout_request.client_id_of({"client_id": "spa"}, HINT) == "spa"


@pytest.mark.parametrize("client_id", ["app", ""])
def test_a_hint_of_another_application_is_refused(client_id: str) -> None:
    with pytest.raises(InvalidRequest, match="two applications"):
        logout_request.client_id_of({"client_id": client_id}, HINT)


def test_a_request_that_says_nothing_leads_nowhere() -> None:
    assert parsed() == LogoutRequest(SPA, HINT, None)
    assert parsed(state="s").return_to is None


@pytest.mark.parametrize(
    ("address", "state", "return_to"),
    [
        ("https://app.example/", None, "https://app.example/"),
        ("https://app.example/", "a b&c", "https://app.example/?state=a+b%26c"),
        ("https://app.example/", "", "https://app.example/?state="),
        ("https://app.example/bye?x=1", "s", "https://app.example/bye?x=1&state=s"),
    ],
)
def test_the_person_goes_where_the_application_said_with_its_state(
    address: str, state: str | None, return_to: str
) -> None:
    parameters = {"post_logout_redirect_uri": address} | ({} if state is None else {"state": state})

    assert parsed(**parameters).return_to == return_to


def test_without_an_application_only_the_tenants_own_addresses_are_known() -> None:
    assert parsed(None, post_logout_redirect_uri="https://tenant.example/").return_to == "https://tenant.example/"
    for application, address in ((None, "https://app.example/"), (SPA, "https://tenant.example/")):
        with pytest.raises(UnknownRedirectUri):
            parsed(application, post_logout_redirect_uri=address)


@pytest.mark.parametrize("address", ["", "https://app.example", "https://app.example/?", "https://evil.example/"])
def test_nobody_is_sent_to_an_address_that_is_not_registered_exactly(address: str) -> None:
    with pytest.raises(UnknownRedirectUri):
        parsed(post_logout_redirect_uri=address)


@pytest.mark.parametrize("state", ["s" * LONGEST_STATE, "é" * (LONGEST_STATE // 6)])
def test_a_state_may_be_as_long_as_its_limit(state: str) -> None:
    parsed(state=state)
    with pytest.raises(InvalidRequest, match="state"):
        parsed(state=state + "é")
