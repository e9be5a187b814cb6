"""What an SDK sends, sent to our endpoints by its URL, and what every SDK does with the answers."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from botocore.exceptions import EndpointConnectionError

from heirloom.domain.application import Application, secret_digest
from heirloom.domain.redirect_uri import check_registrable
from heirloom.http import Response
from tests.endpoints.reading import kind, read, sign_in
from tests.service import ALICE, ISSUER, NATIVE, WEB, Service

DOMAIN = "login.example"
"""What Auth0's SDKs ask for: the issuer's host."""

ODD_SECRET = "half %2B of+it = ~escaped*: 0123456789é"
"""A client secret that encoders treat in different ways."""

STATE = "4b2f8c1d"
NONCE = "n-0S6_WzA2Mj"
UNKNOWN = {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}

type Document = dict[str, Any]


# ---- Applications


def web_application(service: Service, **changes: object) -> Application:
    """Declare and return an application with a secret that a careless encoding would change."""
    application = dataclasses.replace(WEB, secret_digest=secret_digest(ODD_SECRET), **changes)  # type: ignore[arg-type]
    service.declare(application)
    return application


def native_application(service: Service, callback: str) -> Application:
    """Declare and return a native application with its callback."""
    check_registrable(callback, native=True)
    application = dataclasses.replace(NATIVE, callbacks=frozenset({callback}))
    service.declare(application)
    return application


# ---- Requests


def get(service: Service, url: str, headers: Mapping[str, str] | None = None) -> Response:
    """Send a GET."""
    parts = urlsplit(url)
    return service.send("GET", _path(service, "GET", url), headers=headers, query=parts.query)


def post_form(
    service: Service, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> Response:
    """Post a form. What the person's browser holds is not sent along: this comes from the application."""
    return _post(
        service, url, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    )


def post_json(
    service: Service, url: str, document: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Response:
    """Post a JSON object."""
    return _post(service, url, json.dumps(document), {"Content-Type": "application/json", **(headers or {})})


def _post(service: Service, url: str, body: str, headers: Mapping[str, str]) -> Response:
    held, service.cookies = service.cookies, {}
    try:
        return service.send("POST", _path(service, "POST", url), headers=headers, body=body.encode())
    finally:
        service.cookies = held


def _path(service: Service, method: str, url: str) -> str:
    assert url.startswith(ISSUER), url
    path = url.removeprefix(ISSUER.removesuffix("/")).partition("?")[0]
    assert (method, path) in service.routes, f"the API answers 404 to {method} {path}"
    return path


def callback(service: Service, url: str) -> dict[str, str]:
    """Send a person to an authorization URL, log them in, and return what their browser brings back."""
    shown = get(service, url)
    if kind(shown) == "login":
        shown = sign_in(service, shown, ALICE.email)
    if kind(shown) == "form_post":
        return read(shown).forms[-1].fields
    assert kind(shown) == "redirect", read(shown).text
    return dict(parse_qsl(urlsplit(shown.headers["location"]).query))


def authorization_url(endpoint: str, parameters: Mapping[str, str]) -> str:
    """Return an authorization URL."""
    return f"{endpoint}?{urlencode(parameters)}"


# ---- Answers


def document_of(response: Response, status: int = 200) -> Document:
    """Return the JSON object of an answer."""
    assert response.status == status, response.body
    assert response.headers["content-type"] == "application/json"
    document: Document = json.loads(response.body)
    assert isinstance(document, dict)
    return document


def claims_of(service: Service, id_token: str, application: Application) -> Document:
    """Return the claims of an ID token, once the published key, issuer, audience and times are found right."""
    header = jwt.get_unverified_header(id_token)
    published = document_of(get(service, f"{ISSUER}.well-known/jwks.json"))["keys"]
    (key,) = [key for key in published if key["kid"] == header["kid"]]
    assert header["alg"] == key["alg"] == "RS256"
    claims: Document = jwt.decode(
        id_token,
        jwt.PyJWK(key),
        algorithms=["RS256"],
        audience=application.client_id,
        issuer=ISSUER,
        options={"require": ["iss", "sub", "aud", "exp", "iat"], "verify_exp": False, "verify_iat": False},
    )
    assert claims["iat"] <= service.now < claims["exp"]
    return claims


def same_login(first: Document, refreshed: Document) -> bool:
    """Tell whether a refreshed ID token is of the same login as the first one (OpenID Connect Core §12.2)."""
    return all(first.get(name) == refreshed.get(name) for name in ("iss", "sub", "aud", "auth_time", "sid", "azp"))


def is_json(response: Response) -> bool:
    """Tell whether a library that tries to parse the body, whatever its type, gets something out of it."""
    try:
        json.loads(response.body)
    except ValueError:
        return False
    return True


@contextmanager
def store_down(service: Service) -> Iterator[None]:
    """Let every call to the store fail meanwhile, before it does anything."""

    def fail(**_: object) -> NoReturn:
        raise EndpointConnectionError(endpoint_url="http://dynamodb.example")

    service.client.meta.events.register("before-call.dynamodb", fail)
    try:
        yield
    finally:
        service.client.meta.events.unregister("before-call.dynamodb", fail)
