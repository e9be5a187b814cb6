"""A device without a browser, and the person who has one elsewhere."""

import json
from collections.abc import Mapping
from typing import Any

from heirloom.domain.application import Application, GrantType
from heirloom.http import Response
from tests.endpoints.reading import kind, read, sign_in, submit
from tests.service import ALICE, API, NATIVE, Service, with_changes, with_secret


def ask(service: Service, application: Application = NATIVE, **changes: str | None) -> Response:
    """Ask for a device's codes."""
    form = {
        "client_id": application.client_id,
        "scope": "openid profile offline_access read:notes",
        "audience": API,
    }
    return service.send("POST", "/oauth/device/code", with_changes(with_secret(form, application), changes))


def start(service: Service, application: Application = NATIVE, **changes: str | None) -> dict[str, Any]:
    """Return a device's codes."""
    response = ask(service, application, **changes)
    document: dict[str, Any] = json.loads(response.body)
    assert response.status == 200, document
    return document


def poll(
    service: Service,
    device: dict[str, Any],
    application: Application = NATIVE,
    headers: Mapping[str, str] | None = None,
    **changes: str | None,
) -> Response:
    """Ask for the device's tokens."""
    form = {
        "grant_type": GrantType.DEVICE_CODE.value,
        "client_id": application.client_id,
        "device_code": device["device_code"],
    }
    return service.send("POST", "/oauth/token", with_changes(with_secret(form, application), changes), headers)


def enter(service: Service, user_code: str) -> Response:
    """Open the page for codes and type one."""
    return submit(service, service.send("GET", "/activate"), user_code=user_code)


def confirmation(service: Service, device: dict[str, Any], email: str = ALICE.email) -> Response:
    """Enter the code and log in, if that is asked: the page that asks about the device."""
    shown = enter(service, device["user_code"])
    return sign_in(service, shown, email) if kind(shown) == "login" else shown


def decide(service: Service, shown: Response, decision: str = "allow") -> Response:
    """Press a button of the page that asks about the device."""
    assert kind(shown) == "device", read(shown).heading
    return submit(service, shown, decision=decision)


def confirm(service: Service, device: dict[str, Any], email: str = ALICE.email) -> None:
    """Enter the code, log in and say yes."""
    assert kind(decide(service, confirmation(service, device, email))) == "device_connected"
