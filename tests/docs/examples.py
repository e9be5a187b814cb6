"""What the pages for developers show, taken from them as it stands: settings, requests, answers, and time between them.

    ```yaml               a tenant file, or some of it: applied
    ```http               a request, and below it what it is answered with
    <!-- wait: 61 -->     seconds pass
    <!-- log in: spa -->  somebody logs in at that application, who has the parameters of the next `GET /authorize`
    <!-- store: unreachable -->  the store fails so during the next request

`{name}` in a request is what an answer had under that name last, `{name@1}` what it had first; `{proof}` is a proof of
possession for the token endpoint. In an answer, `…` is any text, and `{name@1}` the same text as then; all members that
it shows are there with these values, and no others are.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_EXAMPLE = re.compile(
    r"^```(?P<kind>yaml|http)\n(?P<text>.*?)^```$|^<!-- (?P<verb>wait|log in|store): (?P<argument>\S+) -->$",
    re.DOTALL | re.MULTILINE,
)
_FENCE = re.compile(r"^```(\w*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """One thing that a page shows: `kind` is yaml, request, answer, wait, log in or store."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Message:
    """An HTTP message: its first line, its headers by names in lower case, its body."""

    start: str
    headers: dict[str, str]
    body: str


def examples(page: Path) -> Iterator[Example]:
    """Yield what a page shows, in order."""
    markdown = page.read_text("utf-8")
    for found in _EXAMPLE.finditer(markdown):
        line = markdown.count("\n", 0, found.start()) + 1
        if found["verb"]:
            yield Example(found["verb"], found["argument"], line)
        elif found["kind"] == "yaml":
            yield Example("yaml", found["text"], line)
        else:
            yield Example("answer" if found["text"].startswith("HTTP/") else "request", found["text"], line)


def kinds(page: Path) -> set[str]:
    """Return the languages of all code that a page shows."""
    return set(_FENCE.findall(page.read_text("utf-8"))[::2])


def message(text: str) -> Message:
    """Return the message that an example shows. A form may be spread over lines that begin with `&`."""
    head, _, body = text.partition("\n\n")
    start, *lines = head.replace("\n&", "&").replace("\n?", "?").split("\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    return Message(start, {name.lower(): value for name, value in headers.items()}, body.strip().replace("\n&", "&"))


def matches(shown: object, answered: object) -> bool:
    """Tell whether an answer is what an example shows."""
    if shown == "…":
        return isinstance(answered, str)
    if isinstance(shown, dict) and isinstance(answered, dict):
        return shown.keys() == answered.keys() and all(matches(shown[name], answered[name]) for name in shown)
    if isinstance(shown, list) and isinstance(answered, list):
        return len(shown) == len(answered) and all(map(matches, shown, answered))
    return shown == answered and type(shown) is type(answered)


def parsed(body: str) -> object:
    """Return the JSON value of a body, or the body itself where it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return body
