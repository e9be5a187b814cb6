"""An attacker: a browser and an address of their own, tokens of their own making, and the wish to leave no trace."""

import base64
import dataclasses
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from heirloom.domain import encoding
from heirloom.http import Response
from tests.service import Service

ADDRESS = "203.0.113.66"
EVIL = "https://evil.example"


def attacker(service: Service) -> Service:
    """The same service, used from a browser that has no cookies yet and another network."""
    return dataclasses.replace(service, cookies={}, address=ADDRESS, user_agent="attacker")


@contextmanager
def nothing_changes(service: Service) -> Iterator[None]:
    """Check that what is done meanwhile changes nothing that is stored."""
    before = service.contents()
    yield
    assert service.contents() == before


def shown(response: Response, *own: str) -> tuple[int, dict[str, str], int, str]:
    """All that a caller can tell about an answer, but for the words of their *own* that it repeats."""
    body = response.body
    for word in own:
        body = body.replace(word, "…")
    return response.status, dict(response.headers), len(response.cookies), body


def part_of(document: object) -> str:
    """A part of a JWT."""
    return encoding.encode(json.dumps(document).encode())


def parts_of(token: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims of a JWT, unverified."""
    header, claims, _ = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
    return json.loads(header), json.loads(claims)


def with_hmac(header: Mapping[str, object], claims: Mapping[str, object], key: bytes) -> str:
    """A JWT whose signature is an HMAC under *key*, whatever its header says: libraries refuse to make some."""
    signed = f"{part_of(header)}.{part_of(claims)}"
    return f"{signed}.{encoding.encode(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def unsigned(header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    """A JWT without a signature."""
    return f"{part_of(header)}.{part_of(claims)}."
