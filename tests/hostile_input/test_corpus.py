"""Every input of the corpus, given to its target: whatever was found once stays mended."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from heirloom.domain import client_assertion, encoding, scope, session
from heirloom.domain.refresh_token import RefreshToken
from heirloom.http import Response
from tests.hostile_input import corpus, targets
from tests.hostile_input.corpus import inputs, run
from tests.hostile_input.targets import TARGETS, check


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_the_inputs_of_the_corpus_break_nothing(target: str) -> None:
    paths = inputs(target)
    assert paths, "a target without inputs would show nothing"

    for path in paths:
        try:
            run(target, path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{path.relative_to(corpus.CORPUS)}: {error!r}") from error


def test_every_folder_of_the_corpus_is_a_targets() -> None:
    assert {path.name for path in corpus.CORPUS.iterdir()} == TARGETS.keys()


def test_every_endpoint_is_a_target() -> None:
    public = {("GET", "/login"), *(route for route in targets.world().service.routes if "/.well-known/" in route[1])}
    routes = {route for route in targets.world().service.routes if route[0] != "OPTIONS"} - public

    named = {"_".join((method.lower(), *path.strip("/").split("/"))) for method, path in routes}
    assert named <= TARGETS.keys(), "those that are left out read nothing"


def test_a_file_has_the_name_of_its_content() -> None:
    for target in TARGETS:
        for path in inputs(target):
            assert path.name == corpus.named(path.read_bytes())


def test_no_input_holds_a_secret_of_a_run() -> None:
    """They stand there by their names."""
    for path in corpus.CORPUS.rglob("*"):
        if path.is_file():
            assert not [name for name, value in targets.world().good.items() if value in path.read_bytes()]


# ---- The targets notice


def broken(target: str) -> str:
    """What the first input says that breaks a target."""
    for path in inputs(target):
        try:
            run(target, path.read_bytes())
        except Exception as error:  # noqa: BLE001 - whatever it is
            return repr(error)
    return ""


def raising(*_: object, **__: object) -> Any:
    raise KeyError("ours")


@pytest.mark.parametrize(
    ("owner", "name", "changed", "target"),
    [
        (RefreshToken, "parse", raising, "refresh_token"),
        (RefreshToken, "parse", raising, "post_oauth_token"),
        (encoding, "decode", lambda text: base64.urlsafe_b64decode(text + "=="), "session_cookie"),
        (client_assertion, "check", raising, "jwt_assertion"),
        (scope, "LONGEST", 10**9, "scopes"),
        (session, "parse_cookie", raising, "get_account"),
    ],
)
def test_a_broken_parser_is_noticed(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, changed: Callable[..., Any], target: str
) -> None:
    targets.world()
    monkeypatch.setattr(owner, name, changed)

    assert broken(target)


PAGE = {"content-type": "text/html; charset=utf-8", "content-security-policy": "default-src 'none'"}


@pytest.mark.parametrize(
    "response",
    [
        Response(303, headers={"location": "https://app.example/\r\nset-cookie: x=y"}),
        Response(200, headers={"x": "é"}),
        Response(200, cookies=("x=y\n",)),
        Response(200, "<p><script>alert(1)</script>", PAGE),
        Response(200, "<img src=x onerror=alert(1)>", PAGE),
        Response(200, '<a href="javascript:alert(1)">', PAGE),
        Response(200, "<object data=x>", PAGE),
    ],
)
def test_what_an_input_puts_into_an_answer_is_noticed(response: Response) -> None:
    with pytest.raises(AssertionError):
        check(response)
