import re

import pytest

from heirloom.pages.document import asset

STYLE = f"{asset('account.css')}\n{asset('style.css')}"

# What is written or drawn on what, and the least contrast (WCAG 2.2 §1.4.3 text, §1.4.11 controls and graphics).
TEXT, CONTROL = 4.5, 3.0
PAIRS = [
    ("text", "surface", TEXT),
    ("text", "tint", TEXT),
    ("muted", "surface", TEXT),
    ("muted", "ground", TEXT),
    ("muted", "tint", TEXT),
    ("muted", "rings", TEXT),
    ("accent", "surface", TEXT),
    ("accent", "tint", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-hover", TEXT),
    ("problem", "problem-tint", TEXT),
    ("problem", "surface", CONTROL),
    ("edge", "surface", CONTROL),
    ("brass", "surface", CONTROL),
    ("brass", "ground", CONTROL),
]


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


_LIGHT, _, _REST = STYLE.partition("@media (prefers-color-scheme: dark)")
SCHEMES = {"light": _colours(_LIGHT), "dark": _colours(_REST)}


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_has_the_contrast_that_wcag_says() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("foreground", "background", "least"), PAIRS)
def test_what_is_shown_stands_out(scheme: str, foreground: str, background: str, least: float) -> None:
    colours = SCHEMES[scheme]

    assert _contrast(colours[foreground], colours[background]) >= least


def test_both_schemes_define_every_colour_and_only_they_do() -> None:
    assert SCHEMES["light"].keys() == SCHEMES["dark"].keys()
    rules = re.sub(r"--[\w-]+: [^;]+;", "", STYLE)
    assert re.findall(r"#[0-9a-f]{3,8}\b", rules) == ["#fff"], "the ground of a logo, which expects a light one"


def test_every_colour_that_is_used_is_defined_and_every_defined_one_is_used() -> None:
    assert set(re.findall(r"var\(--([\w-]+)\)", STYLE)) == {*SCHEMES["light"], "shadow"}


def test_the_stylesheet_loads_nothing() -> None:
    assert not re.search(r"url\(|@import|@font-face|image-set", STYLE)


def test_the_layout_has_no_left_and_no_right() -> None:
    assert not re.search(
        r"(?<![\w-])(left|right|float|((margin|padding|border)-(left|right|top|bottom))|((min-|max-)?(width|height)))"
        r"\s*:(?!.*\) \{)",
        STYLE,
    )


def test_nothing_moves_for_those_who_do_not_want_it() -> None:
    still, _, moving = STYLE.partition("@media (prefers-reduced-motion: no-preference)")

    assert "transition" in moving
    assert not re.search(r"transition|animation", still)
