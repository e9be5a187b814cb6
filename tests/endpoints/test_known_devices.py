"""What sessions and families know of the devices that they are used on."""

import pytest

from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.domain import session
from heirloom.domain.device import UNKNOWN_DEVICE, Device
from heirloom.domain.events import Caller
from heirloom.domain.family import Family
from heirloom.domain.lifetimes import MINUTE
from heirloom.domain.session import Session
from tests.domain.test_device import CHROME
from tests.endpoints.devices import confirm, poll, start
from tests.endpoints.hands import store_calls
from tests.service import ALICE, BOB, NATIVE, SPA, THIRD_PARTY, WEB, Service, family_key_of, tokens

FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
SERVER = "python-requests/2.32.3"


def on(service: Service, user_agent: str, address: str) -> Device:
    """Send what comes from here on from this device."""
    service.user_agent, service.address = user_agent, address
    return Device.of(Caller(address, user_agent, ""))


def family_of(service: Service, refresh_token: str) -> Family:
    """The family of a refresh token."""
    family = service.families.find(family_key_of(refresh_token))
    assert family is not None
    return family


def sessions_of(service: Service, user_id: str = ALICE.user_id) -> list[Session]:
    """The sessions of a user."""
    return DynamoDBSessions(service.client, service.tables["SessionsTable"]).of_user(user_id)


def test_a_family_began_in_the_browser_where_the_person_logged_in_wherever_the_code_was_exchanged(
    service: Service,
) -> None:
    browser = on(service, CHROME, "192.0.2.7")
    code = service.code(WEB)
    server = on(service, SERVER, "2001:db8::5")
    token = tokens(service.exchange(code, WEB))["refresh_token"]

    family = family_of(service, token)
    assert (family.initial_device, family.last_device) == (browser, browser)
    family = family_of(service, service.refreshed(token, WEB))
    assert (family.initial_device, family.last_device) == (browser, server)


@pytest.mark.parametrize("rotation_type", ["rotating", "non-rotating"])
def test_a_family_knows_who_refreshed_last_by_the_same_one_call(service: Service, rotation_type: str) -> None:
    service.set_policy(NATIVE, rotating=rotation_type == "rotating")
    phone = on(service, CHROME, "192.0.2.7")
    token = service.login_tokens(NATIVE)["refresh_token"]
    thief = on(service, SERVER, "203.0.113.99")

    with store_calls(service) as calls:
        token = service.refreshed(token, NATIVE)

    assert calls == ["UpdateItem"]
    family = family_of(service, token)
    assert (family.initial_device, family.last_device) == (phone, thief)


def test_a_family_of_a_device_began_on_the_device_and_not_where_its_person_said_yes(service: Service) -> None:
    device = start(service)
    on(service, CHROME, "192.0.2.7")
    confirm(service, device)
    television = on(service, "ExampleTV/1.0", "192.0.2.8")
    token = tokens(poll(service, device))["refresh_token"]

    family = family_of(service, token)
    assert (family.initial_device, family.last_device) == (television, television)


def test_a_session_knows_where_it_began_where_it_was_used_last_and_by_which_applications(service: Service) -> None:
    first = on(service, CHROME, "192.0.2.7")
    service.log_in()
    began = service.now
    service.wait(session.RENEWAL)
    second = on(service, CHROME, "198.51.100.7")
    service.authorize(WEB, prompt="none")

    (it,) = sessions_of(service)
    assert (it.created_at, it.auth_time, it.used_at) == (began, began, service.now)
    assert (it.initial_device, it.last_device) == (first, second)
    assert it.client_ids == {SPA.client_id, WEB.client_id}


def test_a_session_goes_on_when_the_same_person_logs_in_again(service: Service) -> None:
    first = on(service, CHROME, "192.0.2.7")
    service.log_in()
    began = service.now
    service.wait(MINUTE)
    second = on(service, FIREFOX, "192.0.2.8")
    service.log_in(WEB, prompt="login")

    (it,) = sessions_of(service)
    assert (it.created_at, it.auth_time) == (began, service.now)
    assert (it.initial_device, it.last_device) == (first, second)
    assert it.client_ids == {SPA.client_id, WEB.client_id}


def test_all_sessions_of_a_user_are_listed_and_nobody_elses(service: Service) -> None:
    for email in (ALICE.email, BOB.email, ALICE.email):
        service.cookies.clear()
        service.log_in(email=email)

    assert [it.user_id for it in sessions_of(service)] == [ALICE.user_id] * 2
    assert [it.user_id for it in sessions_of(service, BOB.user_id)] == [BOB.user_id]
    assert sessions_of(service, "auth0|nobody") == []


def test_sessions_and_codes_from_before_devices_were_noted_are_served(service: Service) -> None:
    code = service.code(SPA)
    for table, key, later in (
        ("SessionsTable", ("user_key", "session_id"), "created_at, initial_device, last_device"),
        ("CodesTable", ("code_digest",), "device"),
    ):
        (item,) = service.items(table)
        service.client.update_item(
            TableName=service.tables[table],
            Key={name: item[name] for name in key},
            UpdateExpression=f"REMOVE {later}",
        )

    (it,) = sessions_of(service)
    assert (it.created_at, it.initial_device, it.last_device) == (service.now, UNKNOWN_DEVICE, UNKNOWN_DEVICE)
    token = tokens(service.exchange(code))["refresh_token"]
    assert family_of(service, token).initial_device == UNKNOWN_DEVICE
    assert service.refresh(token).status == 200
    service.wait(session.RENEWAL)
    service.authorize(THIRD_PARTY, prompt="none")
    (it,) = sessions_of(service)
    assert it.last_device == Device.of(Caller(service.address, service.user_agent, ""))
