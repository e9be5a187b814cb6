"""User enumeration: an answer tells the attacker who has an account, a login or a device here."""

import dataclasses
from collections.abc import Callable
from urllib.parse import urlencode

import bcrypt
import pytest

from heirloom.adapters.users import DynamoDBUsers
from heirloom.http import Response
from tests.attacks.attacker import attacker, nothing_changes, shown
from tests.endpoints.devices import enter, start
from tests.endpoints.hands import block, push
from tests.endpoints.reading import kind, sign_in
from tests.service import ALICE, BOB, PASSWORD, SPA, Service, authorization_request, claims_of, tokens

NOBODY = "nobody@example.com"


@pytest.fixture(name="people")
def _people(service: Service) -> dict[str, str]:
    """Addresses by what there is to know about them."""
    users = DynamoDBUsers(service.client, service.tables["UsersTable"])
    imported = bcrypt.hashpw(b"an old password", bcrypt.gensalt(4)).decode()
    users.put(
        dataclasses.replace(ALICE, user_id="auth0|i", email="imported@example.com", password_hash=imported),
        replacing=None,
    )
    block(service, BOB)
    people = {"known": ALICE.email, "unknown": NOBODY, "blocked": BOB.email, "imported": "imported@example.com"}
    people["impossible"] = "no address at all"
    return people


def all_alike(service: Service, people: dict[str, str], ask: Callable[[Service, str], Response]) -> Response:
    """Ask about everybody from a browser of its own, check that all answers are alike to the byte, and return one."""
    answers, answer = {}, None
    for name, email in people.items():
        browser = attacker(service)
        answer = ask(browser, email)
        own = (email.replace("@", "@<wbr>"), email, urlencode({"": email})[1:], browser.csrf)
        answers[name] = shown(answer, *own)
    assert answer is not None
    assert len(set(map(repr, answers.values()))) == 1, answers
    return answer


def test_a_refused_login_tells_nothing(service: Service, people: dict[str, str]) -> None:
    """RFC 6819 §4.4.3.6, RFC 6819 §4.2.1: wrong password, no such person, blocked, imported with an old hash."""
    answer = all_alike(service, people, lambda it, email: it.log_in(email=email, password="wrong horse"))

    assert (answer.status, kind(answer)) == (400, "login")
    assert sorted(service.events.types) == ["fp", "fp", "fp", "fu", "fu"], "the log knows"
    assert "code" in service.log_in().headers["location"]


def test_the_right_password_of_somebody_who_is_blocked_tells_nothing(service: Service, people: dict[str, str]) -> None:
    """RFC 6819 §4.4.3.6: a stolen password of a blocked account looks like a wrong one."""
    answer = all_alike(
        service, {"blocked": BOB.email, "unknown": NOBODY}, lambda it, email: it.log_in(email=email, password=PASSWORD)
    )
    assert answer.status == 400
    assert people["blocked"] == BOB.email


@pytest.mark.parametrize("password", ["", "x" * 1025, "wrong\x00", "\ud7ff", " "])
def test_an_odd_password_tells_nothing(service: Service, people: dict[str, str], password: str) -> None:
    """RFC 6819 §4.4.3.6: empty, too long, with what some hashes stop at."""
    answer = all_alike(service, people, lambda it, email: it.log_in(email=email, password=password))
    assert answer.status == 400


def test_a_hint_tells_nothing(service: Service, people: dict[str, str]) -> None:
    """RFC 6819 §4.2.1, RFC 9700 §4.17: `login_hint` fills in a field, whoever it names."""
    assert kind(all_alike(service, people, lambda it, email: it.authorize(login_hint=email))) == "login"
    silent = all_alike(service, people, lambda it, email: it.authorize(login_hint=email, prompt="none"))
    assert "login_required" in silent.headers["location"]
    assert push(service, login_hint=ALICE.email).status == push(service, login_hint=NOBODY).status == 201


def test_the_brakes_tell_nothing(service: Service, people: dict[str, str]) -> None:
    """RFC 6819 §4.4.3.6, RFC 6819 §4.3.5: pauses grow for somebody who is not there as for somebody who is."""

    def ask(browser: Service, email: str) -> Response:
        browser.address = f"198.51.100.{sorted(people.values()).index(email)}"
        for _ in range(6):
            browser.log_in(email=email, password="wrong horse")
        return browser.log_in(email=email, password=PASSWORD)

    answer = all_alike(service, people, ask)
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")


def test_who_is_logged_in_somewhere_is_not_told_to_other_pages(service: Service) -> None:
    """RFC 9700 §4.17, RFC 6819 §4.4.1.8: without the session's cookie every page is that of a stranger."""
    service.log_in()
    asks: list[Callable[[Service], Response]] = [
        lambda it: it.send("GET", "/account"),
        lambda it: it.authorize(prompt="none"),
        lambda it: it.send("GET", "/v2/logout"),
        lambda it: it.send("GET", "/oidc/logout"),
        lambda it: it.send("GET", "/activate"),
        lambda it: it.send("GET", "/login"),
    ]
    for ask in asks:
        before, after = attacker(service), attacker(service)
        after.address = before.address
        first = shown(ask(before), before.csrf)
        assert shown(ask(after), after.csrf) == first
        assert ALICE.email not in repr(first)
    assert kind(service.send("GET", "/account")) == "account"


@pytest.mark.parametrize("path", ["/v2/logout", "/oidc/logout"])
def test_a_logout_tells_a_stranger_nothing_about_a_session_that_a_hint_names(service: Service, path: str) -> None:
    """RFC 9700 §4.17, RFC 6819 §4.6.7: an ID token from somebody's log, of a session that lives and one that ended."""
    live = service.login_tokens()["id_token"]
    ended = attacker(service)
    over = ended.login_tokens()["id_token"]
    ended.send("GET", "/v2/logout")
    with nothing_changes(service):
        answers = [shown(attacker(service).send("GET", path, query={"id_token_hint": it})) for it in (live, over)]
    assert answers[0] == answers[1]


def test_a_silent_question_about_somebody_else_tells_nothing(service: Service) -> None:
    """RFC 9700 §4.17, RFC 6819 §4.4.1.8: a page asks with a stranger's ID token whether the visitor is that person."""
    theirs = attacker(service)
    hint = theirs.login_tokens(email=BOB.email)["id_token"]
    nobody = attacker(service).authorize(id_token_hint=hint, prompt="none")
    service.log_in()
    somebody_else = service.authorize(id_token_hint=hint, prompt="none")

    assert shown(nobody) == shown(somebody_else)
    assert "code=" in theirs.authorize(id_token_hint=hint, prompt="none").headers["location"]


def test_every_wrong_code_of_a_device_is_answered_alike(service: Service) -> None:
    """RFC 6819 §4.4.1.3, RFC 6819 §4.3.5: that one was good once is not told (RFC 8628 §5.1)."""
    expired = start(service)["user_code"]
    service.wait(3600)
    answers = set()
    for code in (expired, "BCDF-GHJK", "BCDFGHJK"):
        browser = attacker(service)
        answer = enter(browser, code)
        answers.add(repr(shown(answer, code, browser.csrf)))
    assert len(answers) == 1
    assert kind(enter(attacker(service), start(service)["user_code"])) == "login"


def test_userinfo_does_not_tell_why_somebody_is_gone(service: Service) -> None:
    """RFC 6819 §4.6.5, RFC 9700 §4.9.2: blocked and deleted look alike to whoever still has a token."""
    answers = set()
    for user in (ALICE, BOB):
        browser = attacker(service)
        token = tokens(browser.exchange(browser.code(SPA, email=user.email)))["access_token"]
        assert claims_of(token)["sub"] == user.user_id
        if user is ALICE:
            block(service, user)
        else:
            service.client.delete_item(TableName=service.tables["UsersTable"], Key={"user_id": {"S": user.user_id}})
        answer = service.send("GET", "/userinfo", headers={"authorization": f"Bearer {token}"})
        answers.add(repr(shown(answer)))
    assert len(answers) == 1
    assert "401" in answers.pop()


def test_a_form_that_carries_somebodys_request_on_says_nothing_about_them(service: Service) -> None:
    """RFC 6819 §4.4.3.6: the hidden request of the login form may name anybody, too."""
    answers = set()
    for email in (ALICE.email, NOBODY):
        browser = attacker(service)
        page = browser.authorize(login_hint=email)
        answers.add(
            repr(
                shown(
                    sign_in(browser, page, "third@example.com", "wrong"),
                    email,
                    urlencode({"": email})[1:],
                    browser.csrf,
                )
            )
        )
    assert len(answers) == 1
    assert authorization_request(SPA)["client_id"] == "spa"
