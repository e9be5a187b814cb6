"""Timing: how long an answer takes tells of a secret. No stopwatch here: what is compared, and how, is looked at."""

import ast
import dataclasses
import hmac
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from heirloom.adapters.passwords import Argon2Passwords
from local.template import ROOT
from tests.attacks.attacker import attacker
from tests.endpoints.hands import basic, block, store_calls
from tests.service import ALICE, BOB, SECRET, SPA, WEB, Service, octets_of, tokens

SOURCE = ROOT / "layers/shared/heirloom"
SECRET_NAMES = {
    "access_token", "challenge", "csrf", "live_digest", "mac", "nonce", "password", "password_hash", "proof",
    "refresh_token", "secret", "secret_digest", "token", "verifier",
}  # fmt: skip
"""What variables and attributes are called that hold a secret, or what one is proved against."""

type Compared = list[tuple[bytes, bytes]]


@pytest.fixture(name="compared")
def _compared(monkeypatch: pytest.MonkeyPatch) -> Compared:
    """All that is compared in constant time meanwhile."""
    seen: Compared = []
    compare = hmac.compare_digest

    def noted(a: Any, b: Any) -> bool:
        seen.append(tuple(it.encode() if isinstance(it, str) else bytes(it) for it in (a, b)))  # type: ignore[arg-type] # two
        return compare(a, b)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    return seen


def almost(text: str) -> str:
    """The text but for its last character, which is the last that a comparison from left to right comes to."""
    return text[:-1] + ("A" if text[-1] != "A" else "B")


def with_a_wrong_client_secret(service: Service) -> None:
    service.refresh("any", WEB, basic("web", almost(SECRET)), client_secret=None)


def with_a_wrong_client_secret_in_the_body(service: Service) -> None:
    service.refresh("any", WEB, client_secret=almost(SECRET))


def with_a_wrong_verifier(service: Service) -> None:
    service.exchange(service.code(), code_verifier=almost("v" * 43))


def with_a_session_of_another_secret(service: Service) -> None:
    service.log_in()
    session = service.cookies["__Host-heirloom"]
    service.cookies["__Host-heirloom"] = session[:-2] + ("AA" if session[-2:] != "AA" else "BA")
    service.authorize(prompt="none")


def with_another_csrf_value(service: Service) -> None:
    service.authorize()
    service.send("POST", "/login", {"csrf": almost(service.csrf), "request": ""})


def with_a_refresh_token_of_another_mac(service: Service) -> None:
    service.refresh(almost(service.login_tokens()["refresh_token"]))


@pytest.mark.parametrize(
    "guess",
    [
        with_a_wrong_client_secret,
        with_a_wrong_client_secret_in_the_body,
        with_a_wrong_verifier,
        with_a_session_of_another_secret,
        with_another_csrf_value,
        with_a_refresh_token_of_another_mac,
    ],
)
def test_a_guess_is_compared_as_a_whole(service: Service, compared: Compared, guess: Callable[[Service], None]) -> None:
    """RFC 6819 §4.3.5, RFC 6819 §4.5.3, RFC 6819 §4.4.1.3: two texts of one length, in one time."""
    guess(service)

    wrong = [(a, b) for a, b in compared if a != b]
    assert wrong, "the guess; of a Basic header both readings"
    assert {len(it) for pair in wrong for it in pair} <= {16, 32, 43}, "digests, MACs and what has their length"
    assert all(len(a) == len(b) for a, b in wrong)


def test_no_secret_is_compared_otherwise() -> None:
    """RFC 6819 §4.3.5, RFC 6819 §4.4.1.3, RFC 6819 §4.5.3: no `==` and no `in` has a secret on either side."""
    found = [
        f"{path.relative_to(SOURCE)}: {ast.unparse(comparison)}"
        for folder in ("domain", "endpoints", "adapters", "management")
        for path in sorted((SOURCE / folder).glob("*.py"))
        for comparison in _comparisons(path)
        if any(_name(side) in SECRET_NAMES for side in (comparison.left, *comparison.comparators))
    ]
    assert found == []


def _comparisons(path: Path) -> Iterator[ast.Compare]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Compare) or isinstance(node.ops[0], (ast.Is, ast.IsNot)):
            continue
        if isinstance(node.left, ast.Constant) or isinstance(node.comparators[0], ast.Constant):
            continue  # whether it is empty, or there: not what it is
        yield node


def _name(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=ast.Attribute(value=inner, attr="encode" | "digest")):
            return _name(inner)
    return None


def test_a_comparison_that_leaks_would_be_found(tmp_path: Path) -> None:
    """RFC 6819 §4.3.5: the search above finds what it is for, and nothing that is harmless."""
    module = tmp_path / "leaking.py"
    module.write_text(
        "a = x.secret_digest == y\nb = secret in known\nc = csrf == ''\nd = client_id == y\ne = secret is None"
    )

    found = [
        ast.unparse(it)
        for it in _comparisons(module)
        if any(_name(side) in SECRET_NAMES for side in (it.left, *it.comparators))
    ]
    assert found == ["x.secret_digest == y", "secret in known"]


def test_a_login_costs_one_hash_and_the_same_questions_whoever_it_is_about(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 6819 §4.4.3.6, RFC 6819 §4.3.5: known, unknown, blocked; the hash is what takes the time."""
    block(service, BOB)
    hashed: list[str] = []
    verify = Argon2Passwords.verify

    def counted(self: Argon2Passwords, password: str, password_hash: str | None) -> bool:
        hashed.append("hash")
        return verify(self, password, password_hash)

    monkeypatch.setattr(Argon2Passwords, "verify", counted)
    asked = []
    for email in (ALICE.email, "nobody@example.com", BOB.email):
        browser = attacker(service)
        browser.authorize()
        with store_calls(service) as calls:
            browser.log_in(email=email, password="wrong")
        asked.append([it for it in calls if it != "UpdateItem"])

    assert hashed == ["hash"] * 3
    assert asked[0] == asked[1] == asked[2]
    assert "code" in service.log_in().headers["location"]


def test_a_forged_refresh_token_is_refused_before_anything_is_asked(service: Service) -> None:
    """RFC 6819 §4.5.3, RFC 9700 §4.14: nothing takes longer because a part of the token was right."""
    token = service.login_tokens()["refresh_token"]
    answers, asked = set(), []
    for forged in ("nonsense", "hrt_" + "A" * 104, almost(token), token[:20] + "A" * 88, token + "A"):
        with store_calls(service) as calls:
            answer = attacker(service).refresh(forged)
        answers.add((answer.status, answer.body, tuple(answer.headers.items())))
        asked.append(list(calls))

    assert asked == [[]] * 5
    assert len(answers) == 1
    assert len(octets_of(token)) == 78
    assert service.refreshed(token)


def test_a_refusal_of_a_client_tells_nothing_by_its_answer_or_what_it_asks(service: Service) -> None:
    """RFC 6819 §4.3.5, RFC 6819 §4.4.1.12: unknown client, wrong secret, almost right secret, secret too many."""
    service.declare(dataclasses.replace(WEB, client_id="unset", secret_digest=None))
    answers = set()
    for client_id, secret in (
        ("nobody", SECRET),
        ("web", "wrong"),
        ("web", almost(SECRET)),
        ("web", SECRET + "s"),
        ("spa", SECRET),
        ("unset", SECRET),
    ):
        with store_calls(service) as calls:
            answer = attacker(service).refresh("any", SPA, client_id=client_id, client_secret=secret)
        assert calls == []
        answers.add((answer.status, answer.body, tuple(answer.headers.items())))

    assert len(answers) == 1
    assert tokens(service.refresh(service.login_tokens(WEB)["refresh_token"], WEB))
