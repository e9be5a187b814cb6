"""What is malformed is refused with a word about it, and changes nothing.

`$code`, `$refresh`, `$access` and `$csrf` stand for good ones: what is wrong is in the rest of the request. The browser
that asks holds a good session, so whatever slipped through would leave a trace in the store.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from heirloom.domain import device_authorization
from heirloom.domain.application import GrantType
from heirloom.http import Response
from tests import service as harness
from tests.endpoints.devices import start
from tests.endpoints.reading import kind
from tests.service import (
    ALICE,
    API,
    CALLBACK,
    CHALLENGE,
    ONLINE_API,
    ORIGIN,
    PASSWORD,
    SECRET,
    SPA,
    THIRD_PARTY,
    VERIFIER,
    WEB,
    Service,
    answered,
    authorization_request,
    tokens,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

AUTHORIZE = urlencode(authorization_request(SPA))
ASK_CONSENT = urlencode(authorization_request(THIRD_PARTY))
LOGIN = "csrf=$csrf&action=sign_in&" + urlencode({"email": ALICE.email, "password": PASSWORD, "request": AUTHORIZE})
CONSENT = f"csrf=$csrf&decision=allow&request={quote(ASK_CONSENT)}"
EXCHANGE = "grant_type=authorization_code&code=$code&" + urlencode(
    {"client_id": "spa", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
)
REFRESH = "grant_type=refresh_token&client_id=spa&refresh_token=$refresh"
INTROSPECT = f"client_id=web&client_secret={SECRET}&token=$refresh"
MACHINE = f"grant_type=client_credentials&client_id=spa&audience={quote(API)}"
PUSHED = "urn:ietf:params:oauth:request_uri:"
REVOKE = "client_id=spa&token=$refresh"
DEVICE = "client_id=native&" + urlencode({"scope": "openid", "audience": API})
END = "csrf=$csrf&everything=all"
POLL = "client_id=native&device_code=$device&grant_type=" + quote(GrantType.DEVICE_CODE, safe="")
ENTER = "csrf=$csrf&user_code=$user_code"
CONFIRM = "csrf=$csrf&decision=allow&request=activate:$digest"


@dataclass(frozen=True)
class Sent:
    """A request."""

    method: str
    path: str
    query: str = ""
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def get(path: str, query: str = "", **headers: str) -> Sent:
    return Sent("GET", path, query, headers=headers)


def post(path: str, body: str | bytes, content_type: str | None = FORM, **headers: str) -> Sent:
    if content_type is not None:
        headers["Content-Type"] = content_type
    return Sent("POST", path, body=body.encode() if isinstance(body, str) else body, headers=headers)


def without(text: str, name: str) -> str:
    """A query or form without one of its parameters."""
    return "&".join(pair for pair in text.split("&") if not pair.startswith(f"{name}="))


def changed(text: str, **values: str) -> str:
    """A query or form with other values, encoded as they must be."""
    for name, value in values.items():
        text = f"{without(text, name)}&{name}={quote(value, safe='$')}"
    return text


def basic(text: str | bytes, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()}"


def authorize(**values: str) -> Sent:
    return get("/authorize", changed(AUTHORIZE, **values))


def token(body: str | bytes, content_type: str | None = FORM, **headers: str) -> Sent:
    return post("/oauth/token", body, content_type, **headers)


def ask_for_codes(body: str | bytes, content_type: str | None = FORM, **headers: str) -> Sent:
    return post("/oauth/device/code", body, content_type, **headers)


def activate(body: str | bytes, content_type: str | None = FORM, **headers: str) -> Sent:
    return post("/activate", body, content_type, **headers)


def par(body: str | bytes, content_type: str | None = FORM, **headers: str) -> Sent:
    return post("/oauth/par", body, content_type, **headers)


def introspect(body: str | bytes, content_type: str | None = FORM) -> Sent:
    return post("/oauth/introspect", body, content_type)


def refresh_with(text: str) -> Sent:
    return token(changed(REFRESH, refresh_token=text))


def refresh_as_json(**values: object) -> Sent:
    return token(
        json.dumps({"grant_type": "refresh_token", "client_id": "spa", "refresh_token": "$refresh"} | values), JSON
    )


def userinfo(header: str) -> Sent:
    return get("/userinfo", Authorization=header)


CODE = "user_code"
"""The page on which a code is entered."""

DEEP = '{"client_id":"spa","token":' + "[" * 15_000 + "]" * 15_000 + "}"

REQUESTS: list[tuple[str, Sent, int, str]] = [
    # ---- /authorize: what is wrong, the request, the status, and the page or the error that goes back
    ("nothing at all", get("/authorize"), 400, "unknown_application"),
    ("no client_id", get("/authorize", without(AUTHORIZE, "client_id")), 400, "unknown_application"),
    ("client_id unknown", authorize(client_id="nobody"), 400, "unknown_application"),
    ("client_id of 5,000 characters", authorize(client_id="x" * 5000), 400, "unknown_application"),
    ("client_id with a NUL", authorize(client_id="spa\x00"), 400, "unknown_application"),
    ("client_id with a line break", authorize(client_id="spa\r\n"), 400, "unknown_application"),
    ("client_id twice, the same", get("/authorize", f"{AUTHORIZE}&client_id=spa"), 400, "invalid_request"),
    ("client_id twice, once empty", get("/authorize", f"{AUTHORIZE}&client_id="), 400, "invalid_request"),
    ("redirect_uri twice", get("/authorize", f"{AUTHORIZE}&redirect_uri=https://evil.example"), 400, "invalid_request"),
    ("state twice", get("/authorize", f"{AUTHORIZE}&state=x"), 400, "invalid_request"),
    ("an unknown parameter twice", get("/authorize", f"{AUTHORIZE}&x=1&x=2"), 400, "invalid_request"),
    (
        "percent-encoding that is no UTF-8",
        get("/authorize", f"{without(AUTHORIZE, 'state')}&state=%ff"),
        400,
        "invalid_request",
    ),
    (
        "percent-encoded surrogate",
        get("/authorize", f"{without(AUTHORIZE, 'state')}&state=%ed%a0%80"),
        400,
        "invalid_request",
    ),
    ("101 parameters", get("/authorize", AUTHORIZE + "".join(f"&p{n}=1" for n in range(100))), 400, "invalid_request"),
    ("semicolons between parameters", get("/authorize", AUTHORIZE.replace("&", ";")), 400, "unknown_application"),
    ("no redirect_uri", get("/authorize", without(AUTHORIZE, "redirect_uri")), 400, "wrong_redirect"),
    ("redirect_uri foreign", authorize(redirect_uri="https://evil.example/callback"), 400, "wrong_redirect"),
    ("redirect_uri a script", authorize(redirect_uri="javascript:alert(1)"), 400, "wrong_redirect"),
    ("redirect_uri of 20,000 characters", authorize(redirect_uri=f"{ORIGIN}/{'x' * 20_000}"), 400, "wrong_redirect"),
    ("redirect_uri with a NUL", authorize(redirect_uri=f"{CALLBACK}\x00"), 400, "wrong_redirect"),
    (
        "redirect_uri with a broken port",
        authorize(redirect_uri="https://app.example:x/callback"),
        400,
        "wrong_redirect",
    ),
    ("redirect_uri with a broken host", authorize(redirect_uri="https://[::1/callback"), 400, "wrong_redirect"),
    ("no response_type", get("/authorize", without(AUTHORIZE, "response_type")), 303, "invalid_request"),
    ("response_type empty", authorize(response_type=""), 303, "invalid_request"),
    ("response_type token", authorize(response_type="token"), 303, "unsupported_response_type"),
    ("response_type code id_token", authorize(response_type="code id_token"), 303, "unsupported_response_type"),
    ("response_mode unknown", authorize(response_mode="fragment"), 303, "invalid_request"),
    ("response_mode of 5,000 characters", authorize(response_mode="x" * 5000), 303, "invalid_request"),
    ("scope of 5,000 characters", authorize(scope="x" * 5000), 303, "invalid_scope"),
    ("scope with 101 values", authorize(scope=" ".join(map(str, range(101)))), 303, "invalid_scope"),
    ("scope with a quotation mark", authorize(scope='openid "'), 303, "invalid_scope"),
    ("scope with a line break", authorize(scope="openid\nprofile"), 303, "invalid_scope"),
    ("scope with a NUL", authorize(scope="openid\x00"), 303, "invalid_scope"),
    ("scope not ASCII", authorize(scope="öpenid"), 303, "invalid_scope"),
    ("state of 5,000 characters", authorize(state="x" * 5000), 303, "invalid_request"),
    ("nonce of 5,000 characters", authorize(nonce="x" * 5000), 303, "invalid_request"),
    ("audience unknown", authorize(audience="https://nowhere.example/"), 303, "access_denied"),
    ("audience of 5,000 characters", authorize(audience="x" * 5000), 303, "access_denied"),
    ("audience with a NUL", authorize(audience="\x00"), 303, "access_denied"),
    ("resource unknown", authorize(audience="", resource="https://nowhere.example/"), 303, "invalid_target"),
    ("resource with a slash more", authorize(audience="", resource=f"{API}/"), 303, "invalid_target"),
    ("resource relative", authorize(audience="", resource="/api"), 303, "invalid_target"),
    ("resource with a fragment", authorize(audience="", resource=f"{API}#x"), 303, "invalid_target"),
    ("resource of 5,000 characters", authorize(audience="", resource=f"x:{'x' * 5000}"), 303, "invalid_target"),
    ("resource with a NUL", authorize(audience="", resource="x:\x00"), 303, "invalid_target"),
    ("resource twice", get("/authorize", f"{AUTHORIZE}&resource={API}&resource={ONLINE_API}"), 303, "invalid_target"),
    ("resource beside another audience", authorize(resource=ONLINE_API), 303, "invalid_target"),
    ("claims no JSON", authorize(claims="email"), 303, "invalid_request"),
    ("claims a list", authorize(claims="[]"), 303, "invalid_request"),
    ("claims deep", authorize(claims='{"userinfo":' + "[" * 2000), 303, "invalid_request"),
    ("claims of 5,000 characters", authorize(claims='{"x":"' + "x" * 5000 + '"}'), 303, "invalid_request"),
    ("max_age negative", authorize(max_age="-1"), 303, "invalid_request"),
    ("max_age a fraction", authorize(max_age="0.5"), 303, "invalid_request"),
    ("max_age of 5,000 digits", authorize(max_age="9" * 5000), 303, "invalid_request"),
    ("max_age in Arabic digits", authorize(max_age="٣"), 303, "invalid_request"),
    ("prompt unknown", authorize(prompt="create"), 303, "invalid_request"),
    ("prompt none and another", authorize(prompt="none login"), 303, "invalid_request"),
    ("no challenge", get("/authorize", without(AUTHORIZE, "code_challenge")), 303, "invalid_request"),
    ("challenge plain", authorize(code_challenge_method="plain"), 303, "invalid_request"),
    (
        "challenge without a method",
        get("/authorize", without(AUTHORIZE, "code_challenge_method")),
        303,
        "invalid_request",
    ),
    ("challenge padded", authorize(code_challenge=CHALLENGE + "="), 303, "invalid_request"),
    ("dpop_jkt of 5,000 characters", authorize(dpop_jkt="A" * 5000), 303, "invalid_request"),
    ("dpop_jkt that is none", authorize(dpop_jkt="x"), 303, "invalid_request"),
    ("challenge of 5,000 characters", authorize(code_challenge="A" * 5000), 303, "invalid_request"),
    ("a request object", authorize(request="eyJ.e30."), 303, "request_not_supported"),
    ("a request object by reference", authorize(request_uri="https://evil.example/"), 303, "request_uri_not_supported"),
    ("a registration", authorize(registration="{}"), 303, "registration_not_supported"),
    ("a form without its type", post("/authorize", AUTHORIZE, None), 400, "invalid_request"),
    ("a form as text", post("/authorize", AUTHORIZE, "text/plain"), 400, "invalid_request"),
    ("a form with parts", post("/authorize", AUTHORIZE, "multipart/form-data"), 400, "invalid_request"),
    ("a form that is no UTF-8", post("/authorize", AUTHORIZE.encode() + b"&x=\xff"), 400, "invalid_request"),
    ("a form of 40,000 bytes", post("/authorize", AUTHORIZE + "&x=" + "x" * 40_000), 400, "invalid_request"),
    ("a form with state twice", post("/authorize", AUTHORIZE + "&state=x"), 400, "invalid_request"),
    (
        "a form beside a query",
        Sent("POST", "/authorize", AUTHORIZE, b"", {"Content-Type": FORM}),
        400,
        "unknown_application",
    ),
    ("a reference unknown", authorize(request_uri=PUSHED + "A" * 43), 400, "start_again"),
    ("a reference empty", authorize(request_uri=PUSHED), 400, "start_again"),
    ("a reference of 5,000 characters", authorize(request_uri=PUSHED + "x" * 5000), 400, "start_again"),
    ("a reference with a NUL", authorize(request_uri=PUSHED + "\x00"), 400, "start_again"),
    (
        "a reference twice",
        get("/authorize", f"client_id=spa&request_uri={PUSHED}&request_uri=x"),
        400,
        "invalid_request",
    ),
    ("a reference without a client", get("/authorize", f"request_uri={PUSHED}x"), 400, "unknown_application"),
    # ---- /oauth/par
    ("par: nothing at all", par(""), 400, "invalid_request"),
    ("par: no type", par(AUTHORIZE, None), 400, "invalid_request"),
    ("par: text", par(AUTHORIZE, "text/plain"), 400, "invalid_request"),
    ("par: no UTF-8", par(AUTHORIZE.encode() + b"&x=\xff"), 400, "invalid_request"),
    ("par: percent-encoding that is no UTF-8", par(AUTHORIZE + "&x=%ff"), 400, "invalid_request"),
    ("par: 40,000 bytes", par(AUTHORIZE + "&x=" + "x" * 40_000), 413, "invalid_request"),
    ("par: 101 parameters", par(AUTHORIZE + "".join(f"&p{n}=1" for n in range(100))), 400, "invalid_request"),
    (
        "par: everything in the query",
        Sent("POST", "/oauth/par", AUTHORIZE, b"", {"Content-Type": FORM}),
        400,
        "invalid_request",
    ),
    ("par: JSON list", par("[]", JSON), 400, "invalid_request"),
    ("par: deep JSON", par(DEEP, JSON), 400, "invalid_request"),
    ("par: state twice", par(AUTHORIZE + "&state=x"), 400, "invalid_request"),
    ("par: no client_id", par(without(AUTHORIZE, "client_id")), 400, "invalid_request"),
    ("par: client_id unknown", par(changed(AUTHORIZE, client_id="nobody")), 401, "invalid_client"),
    ("par: client_id with a NUL", par(changed(AUTHORIZE, client_id="\x00")), 401, "invalid_client"),
    ("par: a public client with a secret", par(AUTHORIZE + "&client_secret=x"), 401, "invalid_client"),
    ("par: a confidential client without one", par(changed(AUTHORIZE, client_id="web")), 401, "invalid_client"),
    ("par: Basic that is no base64", par(AUTHORIZE, Authorization="Basic %%%"), 401, "invalid_client"),
    ("par: a reference", par(changed(AUTHORIZE, request_uri=PUSHED + "x")), 400, "invalid_request"),
    ("par: a request object", par(changed(AUTHORIZE, request="eyJ.e30.")), 400, "request_not_supported"),
    (
        "par: redirect_uri foreign",
        par(changed(AUTHORIZE, redirect_uri="https://evil.example/")),
        400,
        "invalid_request",
    ),
    ("par: claims no JSON", par(changed(AUTHORIZE, claims="email")), 400, "invalid_request"),
    ("par: resource twice", par(f"{AUTHORIZE}&resource={API}&resource={API}"), 400, "invalid_target"),
    # ---- /login
    ("login: nothing at all", post("/login", ""), 403, "expired_form"),
    ("login: no csrf", post("/login", without(LOGIN, "csrf")), 403, "expired_form"),
    ("login: csrf wrong", post("/login", changed(LOGIN, csrf="A" * 43)), 403, "expired_form"),
    ("login: csrf twice", post("/login", LOGIN + "&csrf=$csrf"), 400, "invalid_request"),
    ("login: from a foreign origin", post("/login", LOGIN, Origin="https://evil.example"), 403, "expired_form"),
    ("login: email twice", post("/login", LOGIN + "&email=bob%40example.com"), 400, "invalid_request"),
    ("login: no request", post("/login", without(LOGIN, "request")), 400, "unknown_application"),
    ("login: request is nonsense", post("/login", changed(LOGIN, request="%%%&&&===")), 400, "unknown_application"),
    (
        "login: request repeats a parameter",
        post("/login", changed(LOGIN, request=AUTHORIZE + "&state=x")),
        400,
        "invalid_request",
    ),
    (
        "login: request with a foreign address",
        post("/login", changed(LOGIN, request=changed(AUTHORIZE, redirect_uri="https://evil.example/"))),
        400,
        "wrong_redirect",
    ),
    (
        "login: request with a bad prompt",
        post("/login", changed(LOGIN, request=changed(AUTHORIZE, prompt="x"))),
        303,
        "invalid_request",
    ),
    ("login: no password", post("/login", without(LOGIN, "password")), 400, "login"),
    ("login: no email", post("/login", without(LOGIN, "email")), 400, "login"),
    ("login: password of 5,000 characters", post("/login", changed(LOGIN, password="x" * 5000)), 400, "login"),
    ("login: email of 5,000 characters", post("/login", changed(LOGIN, email="x" * 5000)), 400, "login"),
    ("login: email with a NUL", post("/login", changed(LOGIN, email="alice@example.com\x00")), 400, "login"),
    ("login: text", post("/login", LOGIN, "text/plain"), 400, "invalid_request"),
    ("login: no type", post("/login", LOGIN, None), 400, "invalid_request"),
    ("login: no UTF-8", post("/login", LOGIN.encode() + b"\xff"), 400, "invalid_request"),
    ("login: 40,000 bytes", post("/login", LOGIN + "&x=" + "x" * 40_000), 400, "invalid_request"),
    ("login: a JSON object for a password", post("/login", '{"password": {"$ne": ""}}', JSON), 400, "invalid_request"),
    # ---- /consent
    ("consent: nothing at all", post("/consent", ""), 403, "expired_form"),
    ("consent: no csrf", post("/consent", without(CONSENT, "csrf")), 403, "expired_form"),
    ("consent: from a frame without an origin", post("/consent", CONSENT, Origin="null"), 403, "expired_form"),
    ("consent: decision twice", post("/consent", CONSENT + "&decision=deny"), 400, "invalid_request"),
    ("consent: no decision", post("/consent", without(CONSENT, "decision")), 303, "access_denied"),
    ("consent: no request", post("/consent", without(CONSENT, "request")), 400, "unknown_application"),
    (
        "consent: request with a foreign address",
        post("/consent", changed(CONSENT, request=changed(ASK_CONSENT, redirect_uri="https://evil.example/"))),
        400,
        "wrong_redirect",
    ),
    (
        "consent: request with a bad scope",
        post("/consent", changed(CONSENT, request=changed(ASK_CONSENT, scope='"'))),
        303,
        "invalid_scope",
    ),
    ("consent: text", post("/consent", CONSENT, "text/plain"), 400, "invalid_request"),
    ("consent: percent-encoding that is no UTF-8", post("/consent", CONSENT + "&x=%fe"), 400, "invalid_request"),
    # ---- /oidc/logout
    ("oidc logout: hint twice", get("/oidc/logout", "id_token_hint=a&id_token_hint=b"), 400, "invalid_request"),
    ("oidc logout: hint that is no token", get("/oidc/logout", "id_token_hint=a"), 400, "invalid_request"),
    (
        "oidc logout: hint of 20,000 characters",
        get("/oidc/logout", f"id_token_hint={'x' * 20_000}"),
        400,
        "invalid_request",
    ),
    ("oidc logout: hint that is an access token", get("/oidc/logout", "id_token_hint=$access"), 400, "invalid_request"),
    (
        "oidc logout: hint whose header is no object",
        get("/oidc/logout", "id_token_hint=W10.e30.x"),
        400,
        "invalid_request",
    ),
    (
        "oidc logout: address foreign",
        get("/oidc/logout", "client_id=spa&post_logout_redirect_uri=//evil.example"),
        400,
        "wrong_redirect",
    ),
    (
        "oidc logout: address twice",
        get("/oidc/logout", "post_logout_redirect_uri=https://app.example/&post_logout_redirect_uri=x"),
        400,
        "invalid_request",
    ),
    ("oidc logout: client_id unknown", get("/oidc/logout", "client_id=nobody"), 400, "unknown_application"),
    ("oidc logout: state that is no UTF-8", get("/oidc/logout", "state=%ff"), 400, "invalid_request"),
    ("oidc logout: state of 5,000 characters", get("/oidc/logout", f"state={'x' * 5000}"), 400, "invalid_request"),
    ("oidc logout: text", post("/oidc/logout", "client_id=spa", "text/plain"), 400, "invalid_request"),
    ("oidc logout: body that is no UTF-8", post("/oidc/logout", "state=%ff"), 400, "invalid_request"),
    ("oidc logout: JSON list", post("/oidc/logout", "[]", JSON), 400, "invalid_request"),
    (
        "oidc logout: confirmation of nothing good",
        post("/oidc/logout", "csrf=$csrf&request=%22%ff"),
        400,
        "invalid_request",
    ),
    (
        "oidc logout: confirmation of a bad address",
        post("/oidc/logout", "csrf=$csrf&request=post_logout_redirect_uri%3Dx"),
        400,
        "wrong_redirect",
    ),
    # ---- /oauth/device/code
    ("device: nothing at all", ask_for_codes(""), 400, "invalid_request"),
    ("device: no client_id", ask_for_codes(without(DEVICE, "client_id")), 400, "invalid_request"),
    ("device: client_id unknown", ask_for_codes(changed(DEVICE, client_id="nobody")), 401, "invalid_client"),
    ("device: client_id twice", ask_for_codes(DEVICE + "&client_id=native"), 400, "invalid_request"),
    ("device: without the grant", ask_for_codes(changed(DEVICE, client_id="spa")), 400, "unauthorized_client"),
    ("device: a public client with a secret", ask_for_codes(DEVICE + "&client_secret=x"), 401, "invalid_client"),
    ("device: Basic that is no base64", ask_for_codes(DEVICE, Authorization="Basic %%%"), 401, "invalid_client"),
    ("device: no secret", ask_for_codes(changed(DEVICE, client_id="web")), 401, "invalid_client"),
    ("device: scope of 5,000 characters", ask_for_codes(changed(DEVICE, scope="x" * 5000)), 400, "invalid_scope"),
    ("device: scope with a line break", ask_for_codes(changed(DEVICE, scope="openid\nx")), 400, "invalid_scope"),
    ("device: scope twice", ask_for_codes(DEVICE + "&scope=openid"), 400, "invalid_request"),
    ("device: audience unknown", ask_for_codes(changed(DEVICE, audience="https://x/")), 400, "invalid_target"),
    (
        "device: audience of 5,000 characters",
        ask_for_codes(changed(DEVICE, audience="x" * 5000)),
        400,
        "invalid_target",
    ),
    ("device: audience with a NUL", ask_for_codes(changed(DEVICE, audience="\x00")), 400, "invalid_target"),
    ("device: text", ask_for_codes(DEVICE, "text/plain"), 400, "invalid_request"),
    ("device: no UTF-8", ask_for_codes(DEVICE.encode() + b"&x=\xff"), 400, "invalid_request"),
    ("device: 40,000 bytes", ask_for_codes(DEVICE + "&x=" + "x" * 40_000), 400, "invalid_request"),
    ("device: JSON list", ask_for_codes("[]", JSON), 400, "invalid_request"),
    ("device: deep JSON", ask_for_codes(DEEP, JSON), 400, "invalid_request"),
    # ---- /activate
    ("activate: a link with a code twice", get("/activate", "user_code=x&user_code=y"), 400, "invalid_request"),
    ("activate: a link that is no UTF-8", get("/activate", "user_code=%ff"), 400, "invalid_request"),
    ("activate: a link with a code of 20,000 characters", get("/activate", f"user_code={'x' * 20_000}"), 200, CODE),
    ("activate: a link with a script for a code", get("/activate", "user_code=%3Cscript%3E"), 200, CODE),
    ("activate: nothing at all", activate(""), 403, "expired_form"),
    ("activate: no csrf", activate(without(ENTER, "csrf")), 403, "expired_form"),
    ("activate: csrf wrong", activate(changed(ENTER, csrf="A" * 43)), 403, "expired_form"),
    ("activate: from a foreign origin", activate(ENTER, Origin="https://evil.example"), 403, "expired_form"),
    ("activate: from a frame without an origin", activate(CONFIRM, Origin="null"), 403, "expired_form"),
    ("activate: no code", activate(without(ENTER, "user_code")), 400, CODE),
    ("activate: code twice", activate(ENTER + "&user_code=x"), 400, "invalid_request"),
    ("activate: code unknown", activate(changed(ENTER, user_code="BBBB-BBBB")), 400, CODE),
    ("activate: code with a letter more", activate(changed(ENTER, user_code="$user_codeB")), 400, CODE),
    ("activate: code of 20,000 characters", activate(changed(ENTER, user_code="B" * 20_000)), 400, CODE),
    ("activate: code with a NUL", activate(changed(ENTER, user_code="BBBB\x00BBBB")), 400, CODE),
    ("activate: the digest for a code", activate(changed(ENTER, user_code="$digest")), 400, CODE),
    ("activate: the device code for a code", activate(changed(ENTER, user_code="$device")), 400, CODE),
    ("activate: text", activate(ENTER, "text/plain"), 400, "invalid_request"),
    ("activate: no UTF-8", activate(ENTER.encode() + b"\xff"), 400, "invalid_request"),
    ("activate: 40,000 bytes", activate(ENTER + "&x=" + "x" * 40_000), 400, "invalid_request"),
    ("activate: decision twice", activate(CONFIRM + "&decision=deny"), 400, "invalid_request"),
    ("activate: a digest unknown", activate(changed(CONFIRM, request="activate:" + "0" * 64)), 400, CODE),
    ("activate: a digest cut short", activate(changed(CONFIRM, request="activate:" + "0" * 63)), 400, CODE),
    ("activate: a digest in capitals", activate(changed(CONFIRM, request="activate:" + "A" * 64)), 400, CODE),
    ("activate: a pointer for a digest", activate(changed(CONFIRM, request="activate:user_code:B")), 400, CODE),
    ("activate: a digest with a line break", activate(changed(CONFIRM, request="activate:$digest\n")), 400, CODE),
    ("activate: an authorization request", activate(changed(CONFIRM, request=AUTHORIZE)), 400, CODE),
    ("login: a digest unknown", post("/login", changed(LOGIN, request="activate:" + "0" * 64)), 400, CODE),
    # ---- /account
    ("account: a place twice", get("/account", "all=a&all=b"), 400, "invalid_request"),
    ("account: a place that is no UTF-8", get("/account", "all=%ff"), 400, "invalid_request"),
    ("account: a place of 20,000 characters", get("/account", f"all={'x' * 20_000}"), 200, "account"),
    ("account: a language of 20,000 characters", get("/account", f"ui_locales={'x' * 20_000}"), 200, "account"),
    ("account: nothing at all", post("/account", "", FORM), 403, "expired_form"),
    ("account: no csrf", post("/account", without(END, "csrf"), FORM), 403, "expired_form"),
    ("account: csrf wrong", post("/account", changed(END, csrf="A" * 43), FORM), 403, "expired_form"),
    ("account: from a foreign origin", post("/account", END, FORM, Origin="https://x.example"), 403, "expired_form"),
    ("account: from a frame without an origin", post("/account", END, FORM, Origin="null"), 403, "expired_form"),
    ("account: two buttons of a name", post("/account", END + "&everything=others", FORM), 400, "invalid_request"),
    ("account: text", post("/account", END, "text/plain"), 400, "invalid_request"),
    ("account: no UTF-8", post("/account", END.encode() + b"\xff", FORM), 400, "invalid_request"),
    ("account: 40,000 bytes", post("/account", END + "&x=" + "x" * 40_000, FORM), 400, "invalid_request"),
    ("account: deep JSON", post("/account", DEEP, JSON), 400, "invalid_request"),
    # ---- /v2/logout
    (
        "logout: returnTo foreign",
        get("/v2/logout", "client_id=spa&returnTo=https://evil.example/"),
        400,
        "wrong_redirect",
    ),
    (
        "logout: returnTo twice",
        get("/v2/logout", "client_id=spa&returnTo=https://app.example/&returnTo=x"),
        400,
        "invalid_request",
    ),
    ("logout: returnTo that is no UTF-8", get("/v2/logout", "client_id=spa&returnTo=%ff"), 400, "invalid_request"),
    (
        "logout: returnTo of 20,000 characters",
        get("/v2/logout", f"client_id=spa&returnTo={'x' * 20_000}"),
        400,
        "wrong_redirect",
    ),
    (
        "logout: client_id of 5,000 characters",
        get("/v2/logout", f"client_id={'x' * 5000}&returnTo=x"),
        400,
        "wrong_redirect",
    ),
    (
        "logout: returnTo without an application",
        get("/v2/logout", "returnTo=https://app.example/"),
        400,
        "wrong_redirect",
    ),
    # ---- /oauth/token: bodies
    ("token: nothing at all", token(""), 400, "invalid_request"),
    ("token: no type", token(REFRESH, None), 400, "invalid_request"),
    ("token: text", token(REFRESH, "text/plain"), 400, "invalid_request"),
    ("token: two types", token(REFRESH, f"{FORM}, {JSON}"), 400, "invalid_request"),
    ("token: a form that says it is JSON", token(REFRESH, JSON), 400, "invalid_request"),
    ("token: JSON that says it is a form", token('{"client_id":"spa"}', FORM), 400, "invalid_request"),
    ("token: no UTF-8", token(REFRESH.encode() + b"&x=\xff"), 400, "invalid_request"),
    ("token: UTF-16", token(REFRESH.encode("utf-16"), FORM), 400, "invalid_request"),
    ("token: percent-encoding that is no UTF-8", token(REFRESH + "&x=%ff"), 400, "invalid_request"),
    ("token: 40,000 bytes", token(REFRESH + "&x=" + "x" * 40_000), 400, "invalid_request"),
    ("token: 101 parameters", token(REFRESH + "".join(f"&p{n}=1" for n in range(100))), 400, "invalid_request"),
    (
        "token: everything in the query",
        Sent("POST", "/oauth/token", REFRESH, b"", {"Content-Type": FORM}),
        400,
        "invalid_request",
    ),
    ("token: JSON list", token("[]", JSON), 400, "invalid_request"),
    ("token: JSON list of pairs", token('[["client_id","spa"]]', JSON), 400, "invalid_request"),
    ("token: JSON string", token('"client_id=spa"', JSON), 400, "invalid_request"),
    ("token: JSON null", token("null", JSON), 400, "invalid_request"),
    ("token: JSON cut short", token('{"client_id":"spa"', JSON), 400, "invalid_request"),
    ("token: JSON with a byte order mark", token('\ufeff{"client_id":"spa"}', JSON), 400, "invalid_request"),
    ("token: JSON twice", token('{"client_id":"spa"}{"client_id":"spa"}', JSON), 400, "invalid_request"),
    (
        "token: JSON with a name twice",
        token('{"client_id":"spa","grant_type":"refresh_token","refresh_token":"$refresh","client_id":"spa"}', JSON),
        400,
        "invalid_request",
    ),
    ("token: JSON with a list", refresh_as_json(refresh_token=["$refresh"]), 400, "invalid_request"),
    ("token: JSON with an object", refresh_as_json(scope={"openid": True}), 400, "invalid_request"),
    ("token: JSON with true", refresh_as_json(scope=True), 400, "invalid_request"),
    ("token: JSON with a fraction", refresh_as_json(max_age=1.5), 400, "invalid_request"),
    ("token: JSON with NaN", token('{"client_id":"spa","x":NaN}', JSON), 400, "invalid_request"),
    (
        "token: JSON with a number of 5,000 digits",
        token('{"client_id":"spa","x":' + "9" * 5000 + "}", JSON),
        400,
        "invalid_request",
    ),
    (
        "token: JSON with a lone surrogate",
        token('{"client_id":"spa","grant_type":"refresh_token","refresh_token":"\\ud800"}', JSON),
        400,
        "invalid_request",
    ),
    (
        "token: JSON with a lone surrogate in a name",
        token('{"client_id":"spa","\\udfff":"x"}', JSON),
        400,
        "invalid_request",
    ),
    ("token: deep JSON", token(DEEP, JSON), 400, "invalid_request"),
    ("token: JSON with 101 names", token(json.dumps({f"p{n}": "x" for n in range(101)}), JSON), 400, "invalid_request"),
    # ---- /oauth/token: the proof of possession
    ("token: DPoP empty", token(REFRESH, DPoP=""), 400, "invalid_dpop_proof"),
    ("token: DPoP nonsense", token(REFRESH, DPoP="x"), 400, "invalid_dpop_proof"),
    ("token: DPoP twice", token(EXCHANGE, DPoP="e30.e30.AA, e30.e30.AA"), 400, "invalid_dpop_proof"),
    ("token: DPoP of nothing", token(EXCHANGE, DPoP="e30.e30.AA"), 400, "invalid_dpop_proof"),
    ("token: DPoP not ASCII", token(REFRESH, DPoP="é.é.é"), 400, "invalid_dpop_proof"),
    ("token: DPoP of 9,000 characters", token(REFRESH, DPoP="e30.e30." + "A" * 9000), 400, "invalid_dpop_proof"),
    (
        "token: DPoP with typ of a list",
        token(REFRESH, DPoP="eyJhbGciOiJFUzI1NiIsInR5cCI6W119.e30.AA"),
        400,
        "invalid_dpop_proof",
    ),
    # ---- /oauth/token: the client
    ("token: no client_id", token(without(REFRESH, "client_id")), 400, "invalid_request"),
    ("token: client_id unknown", token(changed(REFRESH, client_id="nobody")), 401, "invalid_client"),
    ("token: client_id of 5,000 characters", token(changed(REFRESH, client_id="x" * 5000)), 401, "invalid_client"),
    ("token: client_id with a NUL", token(changed(REFRESH, client_id="\x00")), 401, "invalid_client"),
    ("token: client_id twice", token(REFRESH + "&client_id=spa"), 400, "invalid_request"),
    ("token: a public client with a secret", token(REFRESH + "&client_secret=x"), 401, "invalid_client"),
    (
        "token: a secret twice",
        token(changed(REFRESH, client_id="web") + f"&client_secret={SECRET}&client_secret=x"),
        400,
        "invalid_request",
    ),
    (
        "token: a secret of 5,000 characters",
        token(changed(REFRESH, client_id="web", client_secret="x" * 5000)),
        401,
        "invalid_client",
    ),
    ("token: Basic that is no base64", token(REFRESH, Authorization="Basic !!!"), 401, "invalid_client"),
    (
        "token: Basic with a character that is not base64's",
        token(
            without(REFRESH, "client_id"), Authorization=f"{basic(f'web:{SECRET}')[:10]}!{basic(f'web:{SECRET}')[10:]}"
        ),
        401,
        "invalid_client",
    ),
    ("token: Basic in base64url", token(REFRESH, Authorization="Basic d2Vi_-8="), 401, "invalid_client"),
    ("token: Basic not padded", token(REFRESH, Authorization="Basic d2ViOng"), 401, "invalid_client"),
    ("token: Basic not ASCII", token(REFRESH, Authorization="Basic é"), 401, "invalid_client"),
    ("token: Basic empty", token(REFRESH, Authorization="Basic "), 401, "invalid_client"),
    ("token: Basic without a colon", token(REFRESH, Authorization=basic("web")), 401, "invalid_client"),
    (
        "token: Basic without a name",
        token(without(REFRESH, "client_id"), Authorization=basic(f":{SECRET}")),
        401,
        "invalid_client",
    ),
    (
        "token: Basic that is no UTF-8",
        token(without(REFRESH, "client_id"), Authorization=basic(b"web:\xff\xfe")),
        401,
        "invalid_client",
    ),
    (
        "token: Basic with a name of 5,000 characters",
        token(without(REFRESH, "client_id"), Authorization=basic("x" * 5000 + ":y")),
        401,
        "invalid_client",
    ),
    (
        "token: Basic with NULs",
        token(without(REFRESH, "client_id"), Authorization=basic("web\x00:\x00")),
        401,
        "invalid_client",
    ),
    (
        "token: Basic for another client than the body",
        token(REFRESH, Authorization=basic(f"web:{SECRET}")),
        401,
        "invalid_client",
    ),
    (
        "token: Basic twice",
        token(REFRESH, Authorization=f"{basic(f'web:{SECRET}')}, {basic(f'web:{SECRET}')}"),
        401,
        "invalid_client",
    ),
    (
        "token: Basic and a secret in the body",
        token(changed(REFRESH, client_id="web", client_secret=SECRET), Authorization=basic(f"web:{SECRET}")),
        400,
        "invalid_request",
    ),
    (
        "token: Basic and an assertion",
        token(changed(REFRESH, client_id="web", client_assertion="eyJ"), Authorization=basic(f"web:{SECRET}")),
        400,
        "invalid_request",
    ),
    (
        "token: an assertion alone",
        token(changed(REFRESH, client_id="web", client_assertion="eyJ")),
        401,
        "invalid_client",
    ),
    (
        "token: another scheme for a confidential client",
        token(changed(REFRESH, client_id="web"), Authorization="Bearer $access"),
        401,
        "invalid_client",
    ),
    # ---- /oauth/token: grants
    ("token: no grant_type", token(without(REFRESH, "grant_type")), 400, "invalid_request"),
    ("token: grant_type unknown", token(changed(REFRESH, grant_type="password")), 400, "unsupported_grant_type"),
    (
        "token: grant_type in capitals",
        token(changed(REFRESH, grant_type="REFRESH_TOKEN")),
        400,
        "unsupported_grant_type",
    ),
    ("token: grant_type twice", token(REFRESH + "&grant_type=refresh_token"), 400, "invalid_request"),
    ("token: no code", token(without(EXCHANGE, "code")), 400, "invalid_request"),
    ("token: code empty", token(changed(EXCHANGE, code="")), 400, "invalid_request"),
    ("token: code unknown", token(changed(EXCHANGE, code="A" * 43)), 400, "invalid_grant"),
    ("token: code of 20,000 characters", token(changed(EXCHANGE, code="x" * 20_000)), 400, "invalid_grant"),
    ("token: code with a NUL", token(changed(EXCHANGE, code="$code\x00")), 400, "invalid_grant"),
    (
        "token: code cut short",
        token(changed(EXCHANGE, code="$half")),
        400,
        "invalid_grant",
    ),
    ("token: code twice", token(EXCHANGE + "&code=$code"), 400, "invalid_request"),
    ("token: no redirect_uri", token(without(EXCHANGE, "redirect_uri")), 400, "invalid_grant"),
    (
        "token: redirect_uri with a slash more",
        token(changed(EXCHANGE, redirect_uri=CALLBACK + "/")),
        400,
        "invalid_grant",
    ),
    ("token: no verifier", token(without(EXCHANGE, "code_verifier")), 400, "invalid_grant"),
    ("token: verifier wrong", token(changed(EXCHANGE, code_verifier="w" * 43)), 400, "invalid_grant"),
    ("token: verifier is the challenge", token(changed(EXCHANGE, code_verifier=CHALLENGE)), 400, "invalid_grant"),
    ("token: verifier too short", token(changed(EXCHANGE, code_verifier="v" * 42)), 400, "invalid_grant"),
    ("token: verifier of 5,000 characters", token(changed(EXCHANGE, code_verifier="v" * 5000)), 400, "invalid_grant"),
    ("token: verifier not ASCII", token(changed(EXCHANGE, code_verifier="é" * 43)), 400, "invalid_grant"),
    ("token: verifier twice", token(EXCHANGE + "&code_verifier=" + VERIFIER), 400, "invalid_request"),
    ("token: a foreign client's code", token(changed(EXCHANGE, client_id="stranger")), 400, "invalid_grant"),
    ("token: no device_code", token(without(POLL, "device_code")), 400, "invalid_request"),
    ("token: device_code empty", token(changed(POLL, device_code="")), 400, "invalid_request"),
    ("token: device_code twice", token(POLL + "&device_code=$device"), 400, "invalid_request"),
    ("token: device_code unknown", token(changed(POLL, device_code="A" * 43)), 400, "invalid_grant"),
    ("token: device_code with a character more", token(changed(POLL, device_code="$deviceA")), 400, "invalid_grant"),
    ("token: device_code of 20,000 characters", token(changed(POLL, device_code="x" * 20_000)), 400, "invalid_grant"),
    ("token: device_code with a NUL", token(changed(POLL, device_code="$device\x00")), 400, "invalid_grant"),
    ("token: device_code not ASCII", token(changed(POLL, device_code="é" * 43)), 400, "invalid_grant"),
    ("token: the digest for a device_code", token(changed(POLL, device_code="$digest")), 400, "invalid_grant"),
    ("token: the user code for a device_code", token(changed(POLL, device_code="$user_code")), 400, "invalid_grant"),
    ("token: a code for a device_code", token(changed(POLL, device_code="$code")), 400, "invalid_grant"),
    ("token: a device code for a code", token(changed(EXCHANGE, code="$device")), 400, "invalid_grant"),
    ("token: a device_code without the grant", token(changed(POLL, client_id="spa")), 400, "unauthorized_client"),
    ("token: resource of another API", token(changed(EXCHANGE, resource=ONLINE_API)), 400, "invalid_target"),
    ("token: resource twice", token(f"{EXCHANGE}&resource={API}&resource={API}"), 400, "invalid_target"),
    ("token: resource with a fragment", token(changed(EXCHANGE, resource=f"{API}#")), 400, "invalid_target"),
    ("token: no refresh_token", token(without(REFRESH, "refresh_token")), 400, "invalid_request"),
    ("token: refresh_token twice", token(REFRESH + "&refresh_token=$refresh"), 400, "invalid_request"),
    ("token: refresh_token cut short", refresh_with("$cut"), 400, "invalid_grant"),
    ("token: refresh_token of its prefix", refresh_with("hrt_"), 400, "invalid_grant"),
    ("token: refresh_token without its prefix", refresh_with("$bare"), 400, "invalid_grant"),
    ("token: refresh_token with a character more", refresh_with("$refreshA"), 400, "invalid_grant"),
    ("token: refresh_token padded", refresh_with("$refresh="), 400, "invalid_grant"),
    ("token: refresh_token with a space", refresh_with("$refresh "), 400, "invalid_grant"),
    ("token: refresh_token with a line break", refresh_with("$refresh\n"), 400, "invalid_grant"),
    ("token: refresh_token with a NUL", refresh_with("$refresh\x00"), 400, "invalid_grant"),
    ("token: refresh_token in the other alphabet", refresh_with("hrt_" + "+/" * 52), 400, "invalid_grant"),
    ("token: refresh_token not ASCII", refresh_with("hrt_" + "é" * 104), 400, "invalid_grant"),
    ("token: refresh_token of zeros", refresh_with("hrt_" + "A" * 104), 400, "invalid_grant"),
    ("token: refresh_token in capitals", refresh_with("$capitals"), 400, "invalid_grant"),
    ("token: refresh_token with a bit flipped", refresh_with("$flipped"), 400, "invalid_grant"),
    ("token: refresh_token of 20,000 characters", refresh_with("hrt_" + "A" * 20_000), 400, "invalid_grant"),
    ("token: an access token for a refresh_token", refresh_with("$access"), 400, "invalid_grant"),
    ("token: a code for a refresh_token", refresh_with("$code"), 400, "invalid_grant"),
    ("token: a foreign client's refresh_token", token(changed(REFRESH, client_id="stranger")), 400, "invalid_grant"),
    ("token: scope of 5,000 characters", token(changed(REFRESH, scope="x" * 5000)), 400, "invalid_scope"),
    ("token: scope with a backslash", token(changed(REFRESH, scope="openid\\")), 400, "invalid_scope"),
    ("token: scope of which nothing was granted", token(changed(REFRESH, scope="write:notes")), 400, "invalid_scope"),
    ("token: client_credentials of a public client", token(MACHINE), 400, "unauthorized_client"),
    ("token: client_credentials without an audience", token(without(MACHINE, "audience")), 400, "invalid_request"),
    ("token: audience twice", token(MACHINE + "&audience=x"), 400, "invalid_request"),
    (
        "token: audience of a list",
        token(json.dumps({"client_id": "spa", "audience": [API]}), JSON),
        400,
        "invalid_request",
    ),
    ("token: resource with a fragment", token(changed(MACHINE, resource=f"{API}#x")), 400, "invalid_target"),
    ("token: client_credentials with a bad scope", token(changed(MACHINE, scope='"')), 400, "invalid_scope"),
    (
        "token: client_credentials without a client grant",
        token(changed(MACHINE, client_id="web", client_secret=SECRET)),
        403,
        "access_denied",
    ),
    (
        "token: client_credentials for an audience of 5,000 characters",
        token(changed(MACHINE, client_id="web", client_secret=SECRET, audience="x" * 5000)),
        403,
        "access_denied",
    ),
    # ---- /oauth/revoke
    ("revoke: nothing at all", post("/oauth/revoke", ""), 400, "invalid_request"),
    ("revoke: no token", post("/oauth/revoke", without(REVOKE, "token")), 400, "invalid_request"),
    ("revoke: token twice", post("/oauth/revoke", REVOKE + "&token=x"), 400, "invalid_request"),
    ("revoke: no client_id", post("/oauth/revoke", without(REVOKE, "client_id")), 400, "invalid_request"),
    ("revoke: client_id unknown", post("/oauth/revoke", changed(REVOKE, client_id="nobody")), 401, "invalid_client"),
    (
        "revoke: a public client with a secret",
        post("/oauth/revoke", REVOKE + "&client_secret=x"),
        401,
        "invalid_client",
    ),
    (
        "revoke: a confidential client without a secret",
        post("/oauth/revoke", changed(REVOKE, client_id="web")),
        401,
        "invalid_client",
    ),
    (
        "revoke: Basic that is no base64",
        post("/oauth/revoke", REVOKE, Authorization="Basic %%%"),
        401,
        "invalid_client",
    ),
    ("revoke: text", post("/oauth/revoke", REVOKE, "text/plain"), 400, "invalid_request"),
    ("revoke: no UTF-8", post("/oauth/revoke", b"\xff"), 400, "invalid_request"),
    ("revoke: 40,000 bytes", post("/oauth/revoke", REVOKE + "&x=" + "x" * 40_000), 400, "invalid_request"),
    ("revoke: deep JSON", post("/oauth/revoke", DEEP, JSON), 400, "invalid_request"),
    (
        "revoke: JSON with a list",
        post("/oauth/revoke", '{"client_id":"spa","token":["$refresh"]}', JSON),
        400,
        "invalid_request",
    ),
    ("revoke: token cut short", post("/oauth/revoke", changed(REVOKE, token="$cut")), 200, ""),
    ("revoke: token with a bit flipped", post("/oauth/revoke", changed(REVOKE, token="$flipped")), 200, ""),
    ("revoke: an access token", post("/oauth/revoke", changed(REVOKE, token="$access")), 200, ""),
    ("revoke: a foreign client's token", post("/oauth/revoke", changed(REVOKE, client_id="stranger")), 200, ""),
    # ---- /oauth/introspect
    ("introspect: nothing at all", introspect(""), 400, "invalid_request"),
    ("introspect: no token", introspect(without(INTROSPECT, "token")), 400, "invalid_request"),
    ("introspect: token twice", introspect(INTROSPECT + "&token=x"), 400, "invalid_request"),
    ("introspect: no client_id", introspect(without(INTROSPECT, "client_id")), 400, "invalid_request"),
    ("introspect: no secret", introspect(without(INTROSPECT, "client_secret")), 401, "invalid_client"),
    ("introspect: secret wrong", introspect(changed(INTROSPECT, client_secret="x")), 401, "invalid_client"),
    ("introspect: a public client", introspect("client_id=spa&token=$refresh"), 401, "invalid_client"),
    (
        "introspect: client_id of 5,000 characters",
        introspect(changed(INTROSPECT, client_id="x" * 5000)),
        401,
        "invalid_client",
    ),
    ("introspect: text", introspect(INTROSPECT, "text/plain"), 400, "invalid_request"),
    ("introspect: no UTF-8", introspect(INTROSPECT.encode() + b"\xff"), 400, "invalid_request"),
    ("introspect: 40,000 bytes", introspect(INTROSPECT + "&x=" + "x" * 40_000), 400, "invalid_request"),
    ("introspect: deep JSON", introspect(DEEP, JSON), 400, "invalid_request"),
    ("introspect: nonsense", introspect(changed(INTROSPECT, token="x")), 200, "inactive"),
    ("introspect: token of 20,000 characters", introspect(changed(INTROSPECT, token="x" * 20_000)), 200, "inactive"),
    ("introspect: token with a NUL", introspect(changed(INTROSPECT, token="$access\x00")), 200, "inactive"),
    ("introspect: token not ASCII", introspect(changed(INTROSPECT, token="é.é.é")), 200, "inactive"),
    (
        "introspect: typ of a list",
        introspect(changed(INTROSPECT, token="eyJhbGciOiJSUzI1NiIsInR5cCI6W119.e30.AA")),
        200,
        "inactive",
    ),
    ("introspect: refresh token cut short", introspect(changed(INTROSPECT, token="$cut")), 200, "inactive"),
    (
        "introspect: refresh token with a bit flipped",
        introspect(changed(INTROSPECT, token="$flipped")),
        200,
        "inactive",
    ),
    ("introspect: a foreign client's refresh token", introspect(INTROSPECT), 200, "inactive"),
    ("introspect: a code", introspect(changed(INTROSPECT, token="$code")), 200, "inactive"),
    ("introspect: an ID token", introspect(changed(INTROSPECT, token="$id_token")), 200, "inactive"),
    # ---- /userinfo
    ("userinfo: no token", get("/userinfo"), 401, ""),
    ("userinfo: DPoP without a proof", userinfo("DPoP $access"), 401, "invalid_dpop_proof"),
    ("userinfo: DPoP nonsense", userinfo("DPoP x"), 401, "invalid_token"),
    ("userinfo: nothing after DPoP", userinfo("DPoP "), 401, ""),
    ("userinfo: a token in the query", get("/userinfo", "access_token=$access"), 401, ""),
    ("userinfo: another scheme", userinfo("Basic $access"), 401, ""),
    ("userinfo: no scheme", userinfo("$access"), 401, ""),
    ("userinfo: nothing after the scheme", userinfo("Bearer "), 401, ""),
    ("userinfo: two tokens", userinfo("Bearer $access $access"), 401, "invalid_token"),
    ("userinfo: two headers in one", userinfo("Bearer $access, Bearer $access"), 401, "invalid_token"),
    ("userinfo: a refresh token", userinfo("Bearer $refresh"), 401, "invalid_token"),
    ("userinfo: nonsense", userinfo("Bearer x"), 401, "invalid_token"),
    ("userinfo: not ASCII", userinfo("Bearer é.é.é"), 401, "invalid_token"),
    ("userinfo: 20,000 characters", userinfo("Bearer $access" + "A" * 20_000), 401, "invalid_token"),
    (
        "userinfo: a token in header and body",
        post("/userinfo", "access_token=$access", Authorization="Bearer $access"),
        400,
        "invalid_request",
    ),
    ("userinfo: a token twice", post("/userinfo", "access_token=$access&access_token=$access"), 400, "invalid_request"),
    ("userinfo: text", post("/userinfo", "access_token=$access", "text/plain"), 400, "invalid_request"),
    ("userinfo: no UTF-8", post("/userinfo", b"access_token=\xff"), 400, "invalid_request"),
    ("userinfo: 40,000 bytes", post("/userinfo", "access_token=" + "x" * 40_000), 400, "invalid_request"),
    # ---- Preflights
    ("preflight: no origin", Sent("OPTIONS", "/oauth/token"), 204, ""),
    (
        "preflight: a foreign origin",
        Sent("OPTIONS", "/oauth/token", headers={"Origin": "https://evil.example"}),
        204,
        "",
    ),
    ("preflight: origin null", Sent("OPTIONS", "/oauth/revoke", headers={"Origin": "null"}), 204, ""),
    ("preflight: an origin of 5,000 characters", Sent("OPTIONS", "/userinfo", headers={"Origin": "x" * 5000}), 204, ""),
    (
        "preflight: an origin with a line break",
        Sent("OPTIONS", "/userinfo", headers={"Origin": f"{ORIGIN}\r\nx: y"}),
        204,
        "",
    ),
]


@pytest.fixture(scope="module", name="service")
def _service(tables: "tuple[DynamoDBClient, Mapping[str, str]]") -> Service:
    """One service for all requests: none of them changes it."""
    harness.empty(*tables)
    service = Service.of(*tables)
    service.declare(replace(WEB, grant_types=frozenset(GrantType)))
    return service


@pytest.fixture(scope="module", name="good")
def _good(service: Service) -> dict[str, str]:
    document = service.login_tokens()
    refresh, code = str(document["refresh_token"]), answered(service.authorize())["code"]
    device = start(service)
    return {
        "$refresh": refresh,
        "$access": document["access_token"],
        "$id_token": document["id_token"],
        "$code": code,
        "$csrf": service.csrf,
        "$device": device["device_code"],
        "$digest": device_authorization.digest(device["device_code"]),
        "$user_code": device["user_code"],
        "$half": code[:21],
        "$cut": refresh[:-1],
        "$bare": refresh.removeprefix("hrt_"),
        "$capitals": refresh.upper(),
        "$flipped": refresh[:50] + ("A" if refresh[50] != "A" else "B") + refresh[51:],
    }


@pytest.fixture(scope="module", name="stored")
def _stored(service: Service, good: dict[str, str]) -> list[object]:
    """What the store held after the last request."""
    assert good
    return [service.contents()]


def outcome(response: Response) -> str:
    """The error in an answer, or the page that a person sees."""
    if response.status == 303:
        location = urlsplit(response.headers["location"])
        assert f"{location.scheme}://{location.netloc}{location.path}" in SPA.callbacks
        return parse_qs(location.query).get("error", ["none: a code was sent"])[0]
    if response.headers.get("content-type", "").startswith("text/html"):
        return kind(response)
    document = json.loads(response.body) if response.body else {"error": ""}
    return "inactive" if document == {"active": False} else str(document.get("error", "no error"))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(sent, (status, error)) for _, sent, status, error in REQUESTS],
    ids=[row[0] for row in REQUESTS],
)
def test_a_malformed_request_is_refused_and_changes_nothing(
    service: Service, good: dict[str, str], stored: list[object], sent: Sent, expected: tuple[int, str]
) -> None:
    query, body, headers = sent.query, sent.body or b"", dict(sent.headers)
    for name, value in good.items():
        query, body = query.replace(name, value), body.replace(name.encode(), value.encode())
        headers = {header: text.replace(name, value) for header, text in headers.items()}
    service.events.clear()
    service.transcript.clear()

    response = service.send(sent.method, sent.path, query=query, body=body, headers=headers)

    before, stored[:] = stored[0], [service.contents()]
    assert (response.status, outcome(response)) == expected
    assert stored == [before]


def test_the_good_values_are_good(service: Service, good: dict[str, str]) -> None:
    """Else the requests above would be refused for the wrong reason. Runs last: it changes things."""

    def send(sent: Sent) -> Response:
        body = sent.body or b""
        for name, value in good.items():
            body = body.replace(name.encode(), value.encode())
        return service.send(sent.method, sent.path, query=sent.query, body=body, headers=sent.headers)

    assert tokens(send(token(EXCHANGE)))
    assert outcome(send(ask_for_codes(DEVICE))) == "no error"
    assert outcome(send(token(POLL))) == "authorization_pending"
    assert kind(send(activate(ENTER))) == "device"
    assert kind(send(activate(CONFIRM))) == "device_connected"
    assert tokens(send(token(POLL)))
    assert "code" in answered(send(get("/authorize", AUTHORIZE)))
    assert send(par(AUTHORIZE)).status == 201
    assert "code" in answered(send(post("/login", LOGIN)))
    assert "code" in answered(send(post("/consent", CONSENT)))
    assert json.loads(send(introspect(changed(INTROSPECT, token="$access"))).body)["active"] is True
    assert tokens(send(token(REFRESH)))
    assert send(post("/oauth/revoke", REVOKE)).status == 200
    assert outcome(send(token(REFRESH))) == "invalid_grant"
