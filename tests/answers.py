"""What holds for every answer that a service gave in a test."""

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from heirloom.http import Request, Response
from tests.docs import logs_page
from tests.endpoints.reading import kind
from tests.service import Service

SECRETS = {"access_token", "client_secret", "code", "code_verifier", "csrf", "email", "id_token", "password"}
SECRETS |= {"client_assertion", "device_code", "refresh_token", "request_uri", "token"}
DESCRIPTION = re.compile(r"[\x20\x21\x23-\x5B\x5D-\x7E]+", re.ASCII)
SHORTEST_SECRET = 12
"""Characters; what is shorter and looks like a secret is a test's nonsense."""


def check(service: Service) -> None:
    """Check every answer of a service: its status, its headers; and its events: documented, and without a secret."""
    logs_page.check(service.events)
    recorded = repr(list(service.events))
    for request, response in service.transcript:
        leaked = [secret for secret in _secrets(request, response) if secret in recorded]
        assert not leaked, "events hold no secret"
        assert response.status < 500 or response.status == 503, response.body
        check_answer(request, response)


def check_answer(request: Request, response: Response) -> None:
    """Check one answer: its headers, and the members of a refusal."""
    if request.path.startswith("/.well-known/"):
        return
    if response.headers.get("content-type", "").startswith("text/html") or response.status == 303:
        _check_browser_answer(response)
    else:
        _check_answer_to_an_application(request, response)


def _secrets(request: Request, response: Response) -> Iterator[str]:
    texts = [request.query, request.body.decode(errors="replace")]
    texts += [response.headers.get("location", "").partition("?")[2]]
    pairs = [pair for text in texts for pair in parse_qsl(text)]
    pairs += [pair for name, value in pairs if name == "request" for pair in parse_qsl(value)]
    if response.headers.get("content-type") == "application/json" and response.body:
        pairs += [(name, str(value)) for name, value in json.loads(response.body).items()]
    found = [value for name, value in pairs if name in SECRETS]
    found += [request.headers.get("authorization", "").partition(" ")[2], *request.cookies.values()]
    found += [cookie.partition("=")[2].partition(";")[0] for cookie in response.cookies]
    found.append(request.headers.get("dpop", ""))
    return (secret for secret in found if len(secret) >= SHORTEST_SECRET)


def _check_browser_answer(response: Response) -> None:
    headers = response.headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers, "no script of another origin reads a page"
    for cookie in response.cookies:
        assert re.fullmatch(
            r"__Host-heirloom-csrf=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure"
            r"|__Host-heirloom-notice=[a-z_]*; Path=/; HttpOnly; Max-Age=(60|0); SameSite=Lax; Secure"
            r"|__Host-heirloom=[\w.-]*; Path=/; HttpOnly; Max-Age=\d+; SameSite=None; Secure",
            cookie,
            re.ASCII,
        )
    if response.status == 303:
        answer = dict(parse_qsl(urlsplit(headers["location"]).query))
        assert DESCRIPTION.fullmatch(answer.get("error_description", "none")), "RFC 6749 §4.1.2.1"
        return
    policy = headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in headers["content-security-policy"]
    if kind(response) != "web_message":
        assert "frame-ancestors 'none'" in policy, "what a person clicks on can never be framed"


def _check_answer_to_an_application(request: Request, response: Response) -> None:
    assert not response.cookies
    if request.method == "OPTIONS":
        return
    assert response.headers["cache-control"] == "no-store"
    assert "access-control-allow-credentials" not in response.headers
    if response.status in {400, 401, 403} and request.path != "/userinfo":
        document = json.loads(response.body)
        kept = {"refresh_token"} if document["error"] == "use_dpop_nonce" else set()
        assert document.keys() - kept == {"error", "error_description"}
        assert DESCRIPTION.fullmatch(document["error_description"]), "RFC 6749 §5.2"
