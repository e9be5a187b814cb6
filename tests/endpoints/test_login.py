"""`/login`: who may come in, what a stranger learns, and how guessing is slowed down."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest

from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain import guessing
from heirloom.domain.guessing import Attempts
from heirloom.domain.lifetimes import DAY, MINUTE, REMEMBERED_ADDRESS
from heirloom.endpoints.browser import Browser
from heirloom.endpoints.login import LONGEST_EMAIL, LONGEST_PASSWORD, LoginEndpoint
from heirloom.http import Response
from tests.endpoints.hands import at_once, block, raise_epoch, store_calls
from tests.endpoints.reading import kind, read, sign_in, submit
from tests.service import (
    ALICE,
    BOB,
    ORIGIN,
    PASSWORD,
    SPA,
    THIRD_PARTY,
    Service,
    answered,
    authorization_request,
    refusal,
)

SESSION = "__Host-heirloom"
CSRF = "__Host-heirloom-csrf"
WRONG = "another horse battery staple"


def guess(service: Service, email: str = ALICE.email, password: str = WRONG) -> Response:
    """One attempt through a page that was opened before."""
    form = {"request": urlencode(authorization_request(SPA)), "csrf": service.csrf}
    return service.send("POST", "/login", {**form, "email": email, "password": password, "action": "sign_in"})


@pytest.fixture(name="stranger")
def _stranger(service: Service) -> Service:
    """The service, its login page open in a browser."""
    service.authorize()
    return service


# ---- Coming in


def test_the_right_password_leads_back_with_a_code_and_a_session(service: Service) -> None:
    response = service.log_in()

    assert "code" in answered(response)
    assert SESSION in service.cookies
    assert service.events.types == ["s"]


@pytest.mark.parametrize("email", ["ALICE@example.com", "  alice@Example.COM "])
def test_an_address_is_taken_however_it_is_capitalised(service: Service, email: str) -> None:
    assert "code" in answered(service.log_in(email=email))


def test_a_wrong_password_leads_to_the_form_again_and_nothing_else(stranger: Service) -> None:
    before = stranger.contents()

    response = sign_in(stranger, stranger.authorize(), ALICE.email, WRONG)

    assert (response.status, kind(response)) == (400, "login")
    assert read(response).forms[0].fields["email"] == ALICE.email
    assert read(response).forms[0].fields["password"] == ""
    assert SESSION not in stranger.cookies
    assert stranger.contents() == before
    assert stranger.events.types == ["fp"]


def test_the_form_that_comes_back_still_leads_to_the_application(stranger: Service) -> None:
    shown = sign_in(stranger, stranger.authorize(), ALICE.email, WRONG)

    answer = answered(sign_in(stranger, shown, ALICE.email))

    assert answer["state"] == "some state"


@pytest.mark.parametrize(
    ("email", "password"),
    [("", PASSWORD), (ALICE.email, ""), ("a" * 321, PASSWORD), (ALICE.email, "p" * 1025)],
    ids=["no address", "no password", "long address", "long password"],
)
def test_what_cannot_be_right_is_not_even_tried(stranger: Service, email: str, password: str) -> None:
    response = guess(stranger, email, password)

    assert (response.status, kind(response)) == (400, "login")
    assert not stranger.items("LoginAttemptsTable")


@pytest.mark.parametrize(
    ("email", "password"),
    [("a" * LONGEST_EMAIL, WRONG), (ALICE.email, "p" * LONGEST_PASSWORD)],
    ids=["long address", "long password"],
)
def test_what_is_as_long_as_it_may_be_is_tried(stranger: Service, email: str, password: str) -> None:
    assert guess(stranger, email, password).status == 400
    assert stranger.items("LoginAttemptsTable")


def test_a_request_that_was_tampered_with_on_the_way_is_judged_anew(stranger: Service) -> None:
    """The form carries the authorization request: nothing in it is believed because we sent it."""
    request = authorization_request(SPA, redirect_uri="https://evil.example/callback")

    response = submit(stranger, stranger.authorize(), request=urlencode(request), email=ALICE.email, password=PASSWORD)

    assert (response.status, kind(response)) == (400, "wrong_redirect")
    assert SESSION not in stranger.cookies


def test_a_form_that_is_no_form_gets_an_error_page(stranger: Service) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    response = stranger.send("POST", "/login", headers=headers, body=b"email=a&email=b")

    assert (response.status, kind(response)) == (400, "invalid_request")


def test_nothing_starts_at_the_login_page_itself(service: Service) -> None:
    response = service.send("GET", "/login")

    assert (response.status, kind(response)) == (400, "start_again")


def test_a_login_that_a_password_change_overtakes_is_void(stranger: Service) -> None:
    """The epoch is read before the password: if both change meanwhile, the session carries the old one."""
    endpoint = stranger.routes["POST", "/login"]

    class Overtaken:
        def verify(self, password: str, password_hash: str | None) -> bool:
            raise_epoch(stranger)
            return bool(endpoint.passwords.verify(password, password_hash))

        def needs_rehash(self, *_: object) -> bool:
            return False

    stranger.routes = {**stranger.routes, ("POST", "/login"): dataclasses.replace(endpoint, passwords=Overtaken())}

    code = answered(guess(stranger, password=PASSWORD))["code"]

    assert refusal(stranger.exchange(code)) == (400, "invalid_grant")
    assert kind(stranger.authorize()) == "login"


# ---- Sessions and cookies


def test_a_person_who_logs_in_again_keeps_the_session_and_its_former_cookie_is_void(service: Service) -> None:
    """RFC 9700 and OWASP: whatever was planted in the browser, or stolen from it, opens nothing after a login."""
    service.log_in()
    before = service.cookies[SESSION]
    service.wait(DAY)

    sign_in(service, service.authorize(prompt="login"), ALICE.email)

    after = service.cookies[SESSION]
    (item,) = service.items("SessionsTable")
    assert item["session_id"]["S"] == after.split(".")[1] == before.split(".")[1]
    assert int(item["auth_time"]["N"]) == service.now
    service.cookies[SESSION] = before
    assert kind(service.authorize()) == "login"
    service.cookies[SESSION] = after
    assert "code" in answered(service.authorize(prompt="none", max_age="60"))


def test_a_person_whose_session_has_expired_gets_a_new_one(service: Service) -> None:
    service.log_in()
    before = service.cookies[SESSION]
    service.wait(4 * DAY)

    service.log_in()

    assert service.cookies[SESSION].split(".")[1] != before.split(".")[1]


def test_a_session_that_ends_while_its_person_logs_in_again_is_not_revived(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.log_in()
    before = service.cookies[SESSION]
    shown = service.authorize(prompt="login")
    sessions = type(service.routes["POST", "/login"].flow.sessions)
    replace = sessions.replace

    def after_a_logout(self: Any, begun: Any) -> bool:
        self.forget(begun.key)
        return bool(replace(self, begun))

    monkeypatch.setattr(sessions, "replace", after_a_logout)
    sign_in(service, shown, ALICE.email)

    assert service.cookies[SESSION].split(".")[1] != before.split(".")[1]
    assert "code" in answered(service.authorize(prompt="none"))


def test_a_planted_session_is_not_taken_over(service: Service) -> None:
    service.log_in(email=BOB.email)
    bobs = service.cookies[SESSION]

    sign_in(service, service.authorize(prompt="login"), ALICE.email)

    assert service.cookies[SESSION] != bobs
    assert {item["user_id"]["S"] for item in service.items("SessionsTable")} == {ALICE.user_id}


def test_a_failed_login_leaves_the_session_that_was_there(service: Service) -> None:
    service.log_in()

    sign_in(service, service.authorize(prompt="login"), BOB.email, WRONG)

    assert "code" in answered(service.authorize(prompt="none"))


def test_cookies_say_who_may_have_them(service: Service) -> None:
    (csrf,) = service.authorize().cookies
    (session,) = service.log_in().cookies

    assert csrf.startswith(f"{CSRF}=")
    assert csrf.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
    assert session.startswith(f"{SESSION}=")
    assert session.endswith(f"; Path=/; HttpOnly; Max-Age={7 * DAY}; SameSite=None; Secure")


def test_every_cookie_is_of_this_host_alone_and_out_of_the_reach_of_scripts() -> None:
    cookies = Browser("https://login.example/").cookies
    ended = "Path=/; HttpOnly; Max-Age=0; SameSite=None; Secure"

    assert cookies.end_session() == f"__Host-heirloom=; {ended}"
    assert cookies.set_csrf("x") == "__Host-heirloom-csrf=x; Path=/; HttpOnly; SameSite=Lax; Secure"
    notice = "Path=/; HttpOnly; Max-Age=60; SameSite=Lax; Secure"
    assert cookies.set_notice("x") == f"__Host-heirloom-notice=x; {notice}"
    assert cookies.take_notice() == f"__Host-heirloom-notice=; {notice.replace('60', '0')}"


def test_on_plain_localhost_cookies_have_no_prefix_that_browsers_would_refuse() -> None:
    cookies = Browser("http://localhost:8400/").cookies

    assert cookies.set_session("x", 60) == "heirloom=x; Path=/; HttpOnly; Max-Age=60; SameSite=Lax"
    assert cookies.set_csrf("x") == "heirloom-csrf=x; Path=/; HttpOnly; SameSite=Lax"
    assert cookies.set_notice("x") == "heirloom-notice=x; Path=/; HttpOnly; Max-Age=60; SameSite=Lax"


def test_the_login_page_lets_its_form_lead_to_the_application_and_nowhere_else(service: Service) -> None:
    headers = service.authorize().headers

    policy = headers["content-security-policy"].split("; ")
    assert f"form-action 'self' {ORIGIN}" in policy
    assert "script-src" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"


# ---- Forged posts


def without_cookie(service: Service) -> dict[str, str]:
    csrf = service.cookies.pop(CSRF)
    return {"csrf": csrf}


def of_another_browser(service: Service) -> dict[str, str]:
    mine = service.cookies.pop(CSRF)
    service.authorize(prompt="login")
    return {"csrf": mine}


FORGERIES: dict[str, Callable[[Service], dict[str, str]]] = {
    "missing": lambda _: {},
    "empty": lambda _: {"csrf": ""},
    "wrong": lambda _: {"csrf": "A" * 43},
    "truncated": lambda service: {"csrf": service.csrf[:-1]},
    "not ASCII": lambda _: {"csrf": "é" * 43},
    "without its cookie": without_cookie,
    "of another browser": of_another_browser,
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
@pytest.mark.parametrize("path", ["/login", "/consent"])
def test_a_form_without_its_browsers_token_is_refused(service: Service, path: str, forgery: Any) -> None:
    service.log_in(THIRD_PARTY)
    before = service.contents()
    form = {"request": urlencode(authorization_request(THIRD_PARTY)), "email": ALICE.email, "password": PASSWORD}

    response = service.send("POST", path, {**form, "decision": "allow", **forgery(service)})

    assert (response.status, kind(response)) == (403, "expired_form")
    assert service.contents() == before


def test_a_token_that_an_attacker_put_in_both_places_must_still_be_one_of_ours(service: Service) -> None:
    for planted in ("", "x", "A" * 44):
        service.cookies[CSRF] = planted
        form = {"request": urlencode(authorization_request(SPA)), "csrf": planted}

        assert kind(service.send("POST", "/login", form)) == "expired_form"


@pytest.mark.parametrize(
    "origin", [ORIGIN, "null", "https://login.example.evil.example", "http://login.example", "https://login.example/"]
)
@pytest.mark.parametrize("path", ["/login", "/consent"])
def test_a_form_from_another_origin_is_refused_whatever_it_holds(service: Service, path: str, origin: str) -> None:
    service.log_in(THIRD_PARTY)
    before = service.contents()
    form = {"request": urlencode(authorization_request(THIRD_PARTY)), "csrf": service.csrf, "decision": "allow"}

    response = service.send("POST", path, form, {"Origin": origin})

    assert (response.status, kind(response)) == (403, "expired_form")
    assert service.contents() == before


def test_our_own_origin_is_welcome(stranger: Service) -> None:
    form = {"request": urlencode(authorization_request(SPA)), "csrf": stranger.csrf}
    form |= {"email": ALICE.email, "password": PASSWORD}

    assert "code" in answered(stranger.send("POST", "/login", form, {"Origin": "https://login.example"}))


def test_two_tabs_share_one_token(service: Service) -> None:
    first, second = service.authorize(), service.authorize(state="second")

    assert not second.cookies
    assert "code" in answered(sign_in(service, first, ALICE.email))
    assert "code" in answered(sign_in(service, second, ALICE.email))


# ---- What a stranger learns


def attempts_that_look_alike(service: Service) -> Iterator[tuple[str, str]]:
    yield "nobody@example.com", WRONG
    yield ALICE.email, WRONG
    block(service, BOB)
    yield BOB.email, WRONG
    yield BOB.email, PASSWORD


def test_nobody_learns_who_has_an_account_here_or_whose_is_blocked(stranger: Service) -> None:
    answers = set()
    for email, password in attempts_that_look_alike(stranger):
        response = guess(stranger, email, password)
        body = response.body.replace(email, "…").replace(stranger.csrf, "…").replace(email.replace("@", "@<wbr>"), "…")
        answers.add((response.status, body, tuple(sorted(response.headers.items())), response.cookies))

    assert len(answers) == 1


def test_the_log_knows_better(stranger: Service) -> None:
    """Whoever reads it learns why a login failed, whose it was, and at which application."""
    for email, password in attempts_that_look_alike(stranger):
        guess(stranger, email, password)

    assert {event.client_id for event in stranger.events} == {"spa"}
    assert [(event.type, event.reason, event.user_id) for event in stranger.events] == [
        ("fu", "unknown user", None),
        ("fp", "wrong password", ALICE.user_id),
        ("fp", "wrong password", BOB.user_id),
        ("f", "blocked user", BOB.user_id),
    ]


def test_nobody_learns_it_from_how_long_we_take(stranger: Service) -> None:
    """Each question to the store takes milliseconds that can be measured: all attempts ask as many."""
    counts = []
    for email, password in attempts_that_look_alike(stranger):
        with store_calls(stranger) as calls:
            guess(stranger, email, password)
        counts.append(calls.count("GetItem"))

    assert set(counts) == {3}


def test_nobody_learns_it_from_the_brakes(stranger: Service) -> None:
    def statuses(email: str) -> list[int]:
        stranger.address = f"192.0.2.{len(email)}"
        return [guess(stranger, email).status for _ in range(7)]

    assert statuses("nobody@example.com") == statuses(ALICE.email) == [400] * 5 + [429] * 2


# ---- Guessing


def test_a_few_mistakes_are_free_then_each_costs_a_pause_that_doubles(stranger: Service) -> None:
    brake = guessing.ACCOUNT_FROM_ADDRESS
    for _ in range(brake.free_attempts):
        assert guess(stranger).status == 400
    for pause in (2, 4, 8, 16):
        refused = guess(stranger)
        assert (refused.status, refused.headers["retry-after"]) == (429, str(pause))
        assert kind(refused) == "login"
        stranger.wait(pause - 1)
        assert guess(stranger).status == 429
        stranger.wait(1)
        assert guess(stranger).status == 400
    assert "limit_wc" in stranger.events.types


def test_the_right_password_waits_like_any_other(stranger: Service) -> None:
    """Else an attacker would learn of a hit without waiting."""
    for _ in range(5):
        guess(stranger)

    assert guess(stranger, password=PASSWORD).status == 429
    stranger.wait(2)
    assert guess(stranger, password=PASSWORD).status == 303


def test_attempts_during_a_pause_do_not_prolong_it(stranger: Service) -> None:
    for _ in range(5):
        guess(stranger)
    for _ in range(20):
        assert guess(stranger).status == 429

    stranger.wait(2)

    assert guess(stranger).status == 400


def test_no_account_is_locked_for_good(stranger: Service) -> None:
    """However many guesses there were, the longest pause is the longest: then the right password is let in."""
    for _ in range(40):
        guess(stranger)
        stranger.wait(guessing.ACCOUNT_FROM_ADDRESS.longest_pause)

    assert guess(stranger, password=PASSWORD).status == 303


def test_a_success_makes_up_for_the_mistakes_before_it(stranger: Service) -> None:
    for _ in range(4):
        guess(stranger)
    guess(stranger, password=PASSWORD)

    assert [guess(stranger).status for _ in range(5)] == [400] * 5


def test_a_day_without_attempts_is_a_fresh_start(stranger: Service) -> None:
    for _ in range(5):
        guess(stranger)
    stranger.wait(DAY)

    assert [guess(stranger).status for _ in range(6)] == [400] * 5 + [429]


def test_one_address_that_tries_many_accounts_is_slowed_down(stranger: Service) -> None:
    for number in range(guessing.ADDRESS.free_attempts):
        assert guess(stranger, f"user{number}@example.com").status == 400

    assert guess(stranger, "another@example.com").status == 429
    stranger.address = "192.0.2.2"
    assert guess(stranger, "another@example.com").status == 400


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
    ],
)
def test_an_ipv6_network_counts_as_one_address(stranger: Service, first: str, second: str, *, one: bool) -> None:
    stranger.address = first
    for _ in range(5):
        guess(stranger)
    stranger.address = second

    assert guess(stranger).status == (429 if one else 400)


def from_many_addresses(service: Service) -> None:
    """Strangers fill the account's own bucket."""
    for number in range(guessing.ACCOUNT.free_attempts):
        service.address = f"198.51.100.{number}"
        assert guess(service).status == 400
    service.address = "198.51.100.200"
    assert guess(service).status == 429


def test_many_addresses_that_try_one_account_are_slowed_down_and_its_owner_waits_a_little(stranger: Service) -> None:
    from_many_addresses(stranger)
    stranger.address = "203.0.113.7"

    assert guess(stranger, password=PASSWORD).status == 429
    stranger.wait(guessing.ACCOUNT.longest_pause)
    assert guess(stranger, password=PASSWORD).status == 303


def test_an_owner_who_logged_in_from_an_address_lately_does_not_wait_for_strangers(stranger: Service) -> None:
    stranger.address = "203.0.113.7"
    guess(stranger, password=PASSWORD)
    from_many_addresses(stranger)

    stranger.address = "203.0.113.7"
    assert guess(stranger).status == 400
    assert guess(stranger, password=PASSWORD).status == 303


def test_an_address_is_not_remembered_for_ever(stranger: Service) -> None:
    stranger.address = "203.0.113.7"
    guess(stranger, password=PASSWORD)
    stranger.wait(REMEMBERED_ADDRESS)
    from_many_addresses(stranger)

    stranger.address = "203.0.113.7"
    assert guess(stranger, password=PASSWORD).status == 429


def test_a_remembered_address_still_has_its_own_brake(stranger: Service) -> None:
    guess(stranger, password=PASSWORD)

    assert [guess(stranger).status for _ in range(6)] == [400] * 5 + [429]


def test_whoever_has_an_account_cannot_use_it_to_guess_at_others(stranger: Service) -> None:
    """A success takes back its own attempt and no other."""
    for number in range(guessing.ADDRESS.free_attempts):
        guess(stranger, f"user{number}@example.com")
        if number % 10 == 0:
            assert guess(stranger, BOB.email, PASSWORD).status == 303

    assert guess(stranger, "another@example.com").status == 429


def test_people_who_share_an_address_log_in_as_often_as_they_like(
    stranger: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guessing, "ADDRESS", guessing.Brake(free_attempts=2, first_pause=60, longest_pause=300))

    assert [guess(stranger, email, PASSWORD).status for email in (ALICE.email, BOB.email) * 3] == [303] * 6


def test_an_owners_logins_do_not_make_room_for_strangers(stranger: Service) -> None:
    """From a remembered address the account's bucket is not counted, so nothing is taken back from it either."""
    guess(stranger, password=PASSWORD)
    from_many_addresses(stranger)
    stranger.address = "192.0.2.1"
    for _ in range(5):
        assert guess(stranger, password=PASSWORD).status == 303

    stranger.address = "198.51.100.201"
    assert guess(stranger).status == 429


class Together:
    """Login attempts of which a number look at the brakes at one and the same moment."""

    def __init__(self, attempts: Any, callers: int) -> None:
        self.attempts = attempts
        self.barrier = threading.Barrier(callers)

    def find(self, buckets: tuple[str, ...]) -> dict[str, Attempts]:
        found: dict[str, Attempts] = self.attempts.find(buckets)
        self.barrier.wait(timeout=30)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.attempts, name)


def send_together(service: Service, emails: list[str]) -> list[int]:
    """The statuses of guesses that all looked at the brakes before any of them was counted."""
    endpoint: LoginEndpoint = service.routes["POST", "/login"]
    attempts: Any = Together(endpoint.attempts, len(emails))
    service.routes = {**service.routes, ("POST", "/login"): dataclasses.replace(endpoint, attempts=attempts)}
    return sorted(response.status for response in at_once([partial(guess, service, email) for email in emails]))


def test_guesses_at_one_account_in_parallel_count_like_any_others(stranger: Service) -> None:
    assert send_together(stranger, [ALICE.email] * 8) == [400] + [429] * 7


def test_guesses_in_parallel_after_a_day_of_silence_count_like_any_others(stranger: Service) -> None:
    """Whoever empties a bucket that is forgotten must not empty it of what came since."""
    guess(stranger)
    stranger.wait(DAY)

    assert send_together(stranger, [ALICE.email] * 8) == [400] + [429] * 7


def test_guesses_at_many_accounts_in_parallel_are_few(stranger: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many people may share an address, but not so many that a burst after each pause would be worth an attack."""
    monkeypatch.setattr(guessing, "ADDRESS", guessing.Brake(free_attempts=2, first_pause=60, longest_pause=300))

    assert send_together(stranger, [f"user{number}@example.com" for number in range(8)]) == [400] * 3 + [429] * 5


def test_passwords_are_compared_however_a_keyboard_composes_them(stranger: Service) -> None:
    users = DynamoDBUsers(stranger.client, stranger.tables["UsersTable"])
    stored = users.by_id(ALICE.user_id)
    assert stored is not None
    hashed = stranger.routes["POST", "/login"].passwords.hash("pässwörter")
    users.put(dataclasses.replace(stored, password_hash=hashed), replacing=stored)

    assert guess(stranger, password="pa\u0308sswo\u0308rter").status == 303
    stranger.wait(MINUTE)
    assert guess(stranger, password="passworter").status == 400
