"""Somebody at a browser, and the application that they log in to, at the gateway of a deployed stack."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from heirloom.domain.application import Application
from tests.service import ALICE, CALLBACK, ORIGIN, PASSWORD, SPA, VERIFIER, authorization_request


class Person:
    """Somebody at a browser. It keeps cookies itself: they are for https, and ministack speaks http."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.cookies: dict[str, str] = {}

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = self.http.request(method, path, headers=headers if self.cookies else {}, **arguments)
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, rest = cookie.partition("=")
            assert "Secure" in cookie
            self.cookies[name] = rest.partition(";")[0]
        self.http.cookies.clear()
        return answer

    def submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Send the page's last form, filled in."""
        assert page.headers["content-type"].startswith("text/html"), page.text
        (*_, form) = re.findall(r'<form[^>]* action="(/\w+)"[^>]*>(.*?)</form>', page.text, re.DOTALL)
        action, inside = form
        inputs = re.findall(r"<input[^>]*>", inside)
        hidden = {_attribute(one, "name"): _attribute(one, "value") for one in inputs if 'type="hidden"' in one}
        return self.request("POST", action, data={**hidden, **fields})

    def code(
        self,
        application: Application,
        query: Mapping[str, str] | None = None,
        *,
        email: str = ALICE.email,
        password: str = PASSWORD,
    ) -> str:
        """Log in, unless that is done, consent if asked, and return the code that the application gets."""
        answer = self.request("GET", "/authorize", params=query or authorization_request(application))
        if 'name="password"' in answer.text:
            answer = self.submit(answer, email=email, password=password, action="sign_in")
        if 'name="decision"' in answer.text:
            answer = self.submit(answer, decision="allow")
        assert answer.status_code == 303, answer.text
        location = urlsplit(answer.headers["location"])
        answered = parse_qs(location.query)
        assert answer.headers["location"].startswith(f"{CALLBACK}?")
        assert answered["state"] == ["some state"]
        return answered["code"][0]


def _attribute(tag: str, name: str) -> str:
    (value,) = re.findall(rf'\s{name}="([^"]*)"', tag)
    return unescape(value)


def token(browser: httpx.Client, form: Mapping[str, str]) -> httpx.Response:
    return browser.post("/oauth/token", data=dict(form), headers={"origin": ORIGIN})


def exchange(browser: httpx.Client, code: str, application: Application = SPA) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "client_id": application.client_id,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    answer = token(browser, form)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def refresh(browser: httpx.Client, refresh_token: str, application: Application = SPA) -> httpx.Response:
    form = {"grant_type": "refresh_token", "client_id": application.client_id, "refresh_token": refresh_token}
    return token(browser, form)
