"""What pages show of applications, accounts and scopes, which others have named."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from heirloom.pages.catalogue import Texts
from heirloom.pages.document import printable

# What may be the source of an <img>; its origin goes into the policy.
_LOGO = re.compile(r"(https://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?)(?:[/?][!#-&(-;=?-\[\]-~]*)?", re.IGNORECASE)
_EMBEDDED_LOGO = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}")

_NAME = 64
_ACCOUNT = 80
_SENTENCE = 280


@dataclass(frozen=True, slots=True)
class RequestedScope:
    """A scope that an application asks for; *description* is its API's, if it has one."""

    value: str
    description: str | None = None


class Abilities(NamedTuple):
    """What an application will be able to do, in words: about the person, and at the API."""

    about_person: Sequence[str]
    about_api: Sequence[str]


def name(text: str) -> str:
    """The name of an application or API."""
    return printable(text, limit=_NAME) or "–"


def account(text: str) -> str:
    """An account, a host or another thing of that length."""
    return printable(text, limit=_ACCOUNT)


def logo(uri: str | None) -> tuple[str | None, tuple[str, ...]]:
    """An application's picture if *uri* is one, and the origins from which it is loaded."""
    if uri and (match := _LOGO.fullmatch(uri)):
        return uri, (match[1],)
    return (uri, ()) if uri and _EMBEDDED_LOGO.fullmatch(uri) else (None, ())


def abilities(texts: Texts, scopes: Sequence[RequestedScope]) -> Abilities:
    """What *scopes* allow."""
    return Abilities(
        about_person=[texts.scopes[scope.value] for scope in scopes if scope.value in texts.scopes],
        about_api=[
            printable(scope.description or scope.value, limit=_SENTENCE)
            for scope in scopes
            if scope.value not in texts.scopes
        ],
    )


def pause(texts: Texts, seconds: int) -> str:
    """How long to wait. Rounded up: whoever waits as long as we say must not be refused again."""
    count, forms = seconds, texts.seconds
    for size, longer in ((60, texts.minutes), (60, texts.hours)):
        if count < 1.5 * size:
            break
        count, forms = -(-count // size), longer
    return texts.wait.format(duration=forms[count != 1].format(count=count))
