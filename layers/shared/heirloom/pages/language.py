"""The language of a page, from what the application and the browser ask for."""

import re
from collections.abc import Iterator

from heirloom.pages.catalogue import DEFAULT_LANGUAGE, LANGUAGES

# A weight is at most three decimals (RFC 9110 §12.4.2).
_RANGE = re.compile(r"\s*([A-Za-z0-9*-]{1,64})\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")


def choose_language(ui_locales: str | None, accept_language: str | None) -> str:
    """The language to speak: what the application asked for, else what the browser prefers, else English.

    `ui_locales` lists language tags, the preferred one first (OpenID Connect Core §3.1.2.1). Each wish is looked up
    as RFC 4647 §3.4 says: `de-CH-1996` finds `de`. Whatever is malformed is passed over.
    """
    for wish in [*(ui_locales or "").split(), *_weighted(accept_language or "")]:
        for tag in _fallbacks(wish.lower()):
            if tag in LANGUAGES:
                return tag
    return DEFAULT_LANGUAGE


def _weighted(accept_language: str) -> list[str]:
    ranges = [
        (float(match[2] or 1), match[1]) for part in accept_language.split(",") if (match := _RANGE.fullmatch(part))
    ]
    return [tag for weight, tag in sorted(ranges, key=lambda range_: -range_[0]) if weight]


def _fallbacks(tag: str) -> Iterator[str]:
    subtags = tag.split("-")
    while subtags:
        yield "-".join(subtags)
        subtags.pop()
