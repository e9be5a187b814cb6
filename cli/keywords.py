"""The keywords of Auth0's deploy CLI, which stand for what differs between tenants.

`##KEY##` stands for a text, and `@@KEY@@`, quoted or not, for any value. One without a value may stay where nothing is
read; elsewhere it would become a callback or a name.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_KEYWORD: Final = re.compile(r"##(\w+)##|(?P<quote>[\"']?)@@(\w+)@@(?P=quote)", re.ASCII)
_READ: Final = ("tenant", "clients", "resourceServers", "clientGrants")

# While YAML is read, those without a value are spelt otherwise: it takes ##KEY## for a comment, and @@KEY@@ for nothing
# that it knows.
_TEXT_MARK, _VALUE_MARK = "\ue000", "\ue001"
_MARKED: Final = re.compile(rf"{_TEXT_MARK}\w+{_TEXT_MARK}|{_VALUE_MARK}\w+{_VALUE_MARK}", re.ASCII)


class Unusable(Exception):
    """The file has no such values; the message says why."""


def of_config(path: Path) -> dict[str, object]:
    """Return the values of the deploy CLI's `config.json`; raise `Unusable`."""
    try:
        config = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Unusable(error.strerror or str(error)) from None
    except ValueError as error:
        raise Unusable(f"is no JSON: {error}") from None
    values = config.get("AUTH0_KEYWORD_REPLACE_MAPPINGS") if isinstance(config, dict) else None
    if not isinstance(values, dict):
        raise Unusable("has no AUTH0_KEYWORD_REPLACE_MAPPINGS")
    return values


def filled(text: str, values: Mapping[str, object]) -> str:
    """Return the text with the values of its keywords, each still in its line."""
    return "".join(_filled(line, values) for line in text.splitlines(keepends=True))


def missing(document: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the places and the keywords that have no value where something is read."""
    if isinstance(document, dict):
        for section in _READ:
            yield from _marked(document.get(section), (section,))


def restored(document: object) -> object:
    """Return the document with the keywords that have no value as they were written."""
    match document:
        case dict():
            return {restored(name): restored(value) for name, value in document.items()}
        case list():
            return [restored(value) for value in document]
        case str():
            return _MARKED.sub(lambda found: _written(found[0]), document)
    return document


def _filled(line: str, values: Mapping[str, object]) -> str:
    def fill(found: re.Match[str]) -> str:
        text, value = found[1], found[3]
        if text is not None and text in values:
            given = values[text]
            # A keyword that stands for several lines would move all that come after it.
            return " ".join(str(given if isinstance(given, str) else json.dumps(given)).splitlines())
        if value is not None and value in values:
            return json.dumps(values[value], ensure_ascii=False)
        if line.lstrip().startswith("#"):
            return found[0]
        quote = found["quote"] or ""
        return (
            f"{_TEXT_MARK}{text}{_TEXT_MARK}" if value is None else f"{quote}{_VALUE_MARK}{value}{_VALUE_MARK}{quote}"
        )

    return _KEYWORD.sub(fill, line)


def _marked(value: object, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    match value:
        case dict():
            for name, inner in value.items():
                yield from _marked(inner, (*at, str(name)))
        case list():
            for index, inner in enumerate(value):
                yield from _marked(inner, (*at, index))
        case str():
            yield from ((at, _written(keyword)) for keyword in _MARKED.findall(value))


def _written(marked: str) -> str:
    return marked.replace(_TEXT_MARK, "##").replace(_VALUE_MARK, "@@")
