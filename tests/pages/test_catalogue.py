from collections.abc import Iterator, Mapping
from dataclasses import fields
from string import Formatter

import pytest

from heirloom.pages import AccountNotice, ErrorKind, LoginProblem, UserCodeProblem
from heirloom.pages.account_texts import AccountTexts
from heirloom.pages.catalogue import LANGUAGES, Texts, texts_in

OPENID_SCOPES = {"openid", "profile", "email", "address", "phone", "offline_access"}
# What happens to be the same in English.
SAME = {
    "de": {("problem_title", "Problem: {title}"), ("in_api", "In {api}")},
    "fr": {("minutes", "{count} minute"), ("minutes", "{count} minutes")},
    "es": set[tuple[str, str]](),
}

languages = pytest.mark.parametrize("texts", LANGUAGES.values(), ids=LANGUAGES.keys())
translations = pytest.mark.parametrize("texts", [LANGUAGES[tag] for tag in SAME], ids=SAME.keys())


def _every_text(texts: Texts | AccountTexts) -> Iterator[tuple[str, str]]:
    for field in fields(texts):
        match getattr(texts, field.name):
            case str() as text:
                yield field.name, text
            case AccountTexts() as more:
                yield from _every_text(more)
            case Mapping() as several:
                for key, text in several.items():
                    for part in [text] if isinstance(text, str) else text:
                        yield f"{field.name} {key}", part
            case forms:
                for form in forms:
                    yield field.name, form


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_english_german_french_and_spanish_are_spoken() -> None:
    assert {tag: texts.language for tag, texts in LANGUAGES.items()} == {t: t for t in ("en", "de", "fr", "es")}


@languages
def test_every_problem_error_and_openid_scope_has_words(texts: Texts) -> None:
    assert set(texts.problems) == set(LoginProblem)
    assert set(texts.errors) == set(ErrorKind)
    assert set(texts.user_code_problems) == set(UserCodeProblem)
    assert set(texts.scopes) == OPENID_SCOPES
    assert set(texts.account.notices) == set(AccountNotice)
    assert len(set(texts.account.months.split())) == 12


@languages
def test_no_text_is_empty_or_has_markup(texts: Texts) -> None:
    for name, text in _every_text(texts):
        assert text.strip() == text != "", name
        assert not set(text) & set("<>&"), name


@translations
def test_a_translation_names_what_the_original_names(texts: Texts) -> None:
    original = list(_every_text(texts_in("en")))

    assert [(name, _placeholders(text)) for name, text in _every_text(texts)] == [
        (name, _placeholders(text)) for name, text in original
    ]


@translations
def test_nothing_is_left_in_english(texts: Texts) -> None:
    assert set(_every_text(texts)) & set(_every_text(texts_in("en"))) == SAME[texts.language]


def test_an_unknown_language_gets_english() -> None:
    assert texts_in("tlh").language == "en"
