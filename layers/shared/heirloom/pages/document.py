"""How a page is put together: templates, the stylesheet, and text that others wrote."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from heirloom.pages.catalogue import Texts
from heirloom.pages.policy import content_security_policy

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
_JOINERS = "\u200c\u200d"  # hold Persian words and emoji together
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls and directions, half characters, separators


@dataclass(frozen=True, slots=True)
class Page:
    """A document and the value of the Content-Security-Policy header that it must be served with."""

    html: str
    content_security_policy: str


def page(
    template: str,
    *,
    texts: Texts,
    title: str,
    more_style: str | None = None,
    images: Iterable[str] = (),
    script: str | None = None,
    form_action: Iterable[str] = (),
    frame_ancestors: Iterable[str] = (),
    **values: object,
) -> Page:
    """*template* filled with *values* in the language of *texts*; *script* and *more_style* name files beside it."""
    style = "\n".join(asset(name) for name in ("style.css", more_style) if name)
    code = asset(script) if script else None
    html = (
        _environment()
        .get_template(template)
        .render(
            texts=texts,
            title=title,
            style=Markup(style),  # noqa: S704 -- a constant file
            script=Markup(code) if code else None,  # noqa: S704 -- a constant file
            **values,
        )
    )
    return Page(
        # A lone surrogate, which JSON can smuggle in, has no UTF-8: the answer could not be sent.
        html.encode(errors="replace").decode(),
        content_security_policy(
            style=style, images=images, script=code, form_action=form_action, frame_ancestors=frame_ancestors
        ),
    )


@cache
def asset(name: str) -> str:
    """The text of a stylesheet or script, as it stands in the document and in the policy's hash."""
    return (_TEMPLATES / name).read_text(encoding="utf-8").strip()


def printable(text: str, *, limit: int) -> str:
    """*text* in one line, without invisible and direction-changing characters, at most *limit* characters."""
    line = " ".join(text.split())
    shown = "".join(c for c in line if c in _JOINERS or unicodedata.category(c) not in _INVISIBLE)
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


@cache
def _environment() -> "Environment":
    # Jinja takes longer to import than all else here, and those who only ask for a language show no page.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["fill"] = _fill
    return environment


def _fill(text: str, **names: str) -> Markup:
    # <bdi>: a name's writing direction must not turn the sentence around it. <wbr>: where an address may break.
    at = Markup("@<wbr>")
    parts = {name: Markup("<bdi>{}</bdi>").format(at.join(value.split("@"))) for name, value in names.items()}
    return escape(text).format(**parts)
