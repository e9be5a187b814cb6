import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.pages import choose_language
from heirloom.pages.catalogue import LANGUAGES


@pytest.mark.parametrize(
    ("ui_locales", "accept_language", "language"),
    [
        pytest.param(None, None, "en", id="english where nobody asks for anything"),
        pytest.param("fr", "de", "fr", id="the application's wish goes before the browser's"),
        pytest.param("nl fr-CA de", None, "fr", id="the first of the application's wishes that we speak"),
        pytest.param("nl", "de", "de", id="the browser's wish where none of the application's can be had"),
        pytest.param(None, "de-CH-1996", "de", id="a variant falls back to its language"),
        pytest.param(None, "FR-ca", "fr", id="case does not matter"),
        pytest.param(None, "es;q=0.5, de;q=0.9, fr;q=0.8", "de", id="the highest weight"),
        pytest.param(None, "es, de", "es", id="among equals the first"),
        pytest.param(None, "nl, de;q=0.7, fr;q=0.3", "de", id="the highest weight among those that we speak"),
        pytest.param(None, "de;q=0, nl", "en", id="a weight of nothing is a refusal"),
        pytest.param(None, "*", "en", id="anything"),
        pytest.param(None, "nl, *;q=0.5", "en", id="anything else"),
        pytest.param(None, "zh-Hant-CN-x-private1-private2", "en", id="nothing that we speak"),
        pytest.param("de-a-nl", None, "de", id="a single letter goes with what follows it"),
        pytest.param("x-de", None, "en", id="a private tag is no language"),
        pytest.param(None, "de;q=2, fr;q=nan, es;q=0.4", "es", id="a malformed weight is passed over"),
        pytest.param("de\r\nSet-Cookie:", ",;,fr ; q=0.4 ,,", "de", id="malformed tags are passed over"),
        pytest.param("deutsch", "french", "en", id="a longer word is another word"),
    ],
)
def test_the_best_language_that_we_speak_is_chosen(
    ui_locales: str | None, accept_language: str | None, language: str
) -> None:
    assert choose_language(ui_locales, accept_language) == language


@given(st.none() | st.text(), st.none() | st.text(alphabet="abcdefr-,;=q.01* \t"))
def test_whatever_is_asked_a_language_that_we_speak_is_chosen(
    ui_locales: str | None, accept_language: str | None
) -> None:
    assert choose_language(ui_locales, accept_language) in LANGUAGES
