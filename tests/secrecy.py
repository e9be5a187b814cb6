"""Where the secrets are in requests and answers."""

import html
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from heirloom.http import Request, Response

KNOWN_TO_CALLERS = {"client_assertion", "client_secret", "code_verifier", "password"}
"""Parameters that a caller keeps to itself, and sends."""
ISSUED = {"access_token", "client_secret", "code", "csrf", "device_code", "id_token", "refresh_token", "request_uri"}
"""What we issue, by its name in answers."""

_FIELD = re.compile(r'name="(\w+)" value="([^"]*)"')
_MESSAGE = re.compile(r'data-response="([^"]*)"')


def pairs_of(text: str) -> list[tuple[str, str]]:
    """The parameters of a query or form, and of the request that our own forms carry along in one."""
    pairs = parse_qsl(text)
    return pairs + [pair for name, value in pairs if name == "request" for pair in parse_qsl(value)]


def of_request(request: Request) -> Iterator[str]:
    """What the sender of a request proves something with, and nobody else may know."""
    text = request.body.decode(errors="replace")
    for name, value in [*pairs_of(request.query), *pairs_of(text), *_members(text)]:
        if name in KNOWN_TO_CALLERS:
            # Of an assertion the last part is the proof; an attacker may send something else there, with ids in it.
            yield value.rpartition(".")[2] if name == "client_assertion" else value
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        yield value


def of_response(response: Response) -> Iterator[str]:
    """What an answer issues."""
    found = parse_qsl(urlsplit(response.headers.get("location", "")).query)
    if "json" in response.headers.get("content-type", ""):
        found += _members(response.body)
    elif "html" in response.headers.get("content-type", ""):
        found += [(name, html.unescape(value)) for name, value in _FIELD.findall(response.body)]
        found += [pair for message in _MESSAGE.findall(response.body) for pair in _members(html.unescape(message))]
    for name, value in found:
        if name in ISSUED:
            yield value
    for cookie in response.cookies:
        name, _, rest = cookie.partition("=")
        if not name.endswith("notice"):
            # Of a session's cookie the last part is the secret, and the others are ids.
            yield rest.partition(";")[0].rpartition(".")[2]


def _members(text: str) -> list[tuple[str, str]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [(str(name), str(value)) for name, value in document.items()] if isinstance(document, dict) else []
