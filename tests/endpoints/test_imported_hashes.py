"""People whose password hashes came from elsewhere: they log in as everybody does, and their hashes become ours."""

import dataclasses
from collections.abc import Callable
from urllib.parse import urlencode

import bcrypt
import pytest

from heirloom.adapters.pace import REFUSAL, SteadyPace
from heirloom.adapters.password_hashes import Cost
from heirloom.adapters.passwords import CHEAPEST, Argon2Passwords
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain.user import User
from heirloom.http import Response
from tests.endpoints.hands import block, store_calls
from tests.endpoints.reading import kind
from tests.faults import AFTER, BEFORE, FAULTS, Steps
from tests.service import ALICE, PASSWORD, SPA, Service, answered, authorization_request, tokens

WRONG = "another horse battery staple"
BCRYPT = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
ARGON2ID = Argon2Passwords(Cost(memory=64, iterations=2, lanes=2)).hash(PASSWORD)
THEIRS = pytest.mark.parametrize("theirs", [BCRYPT, ARGON2ID], ids=["bcrypt", "argon2id"])


def stored(service: Service) -> User:
    user = users(service).by_id(ALICE.user_id)
    assert user is not None
    return user


def users(service: Service) -> DynamoDBUsers:
    return DynamoDBUsers(service.client, service.tables["UsersTable"])


def bring(service: Service, password_hash: str) -> None:
    """Let Alice have this hash."""
    before = stored(service)
    users(service).put(dataclasses.replace(before, password_hash=password_hash), replacing=before)


def log_in(service: Service, password: str = PASSWORD, email: str = ALICE.email) -> Response:
    """Send the form of a page that was opened before."""
    form = {"request": urlencode(authorization_request(SPA)), "csrf": service.csrf}
    return service.send("POST", "/login", {**form, "email": email, "password": password, "action": "sign_in"})


def between_check_and_upgrade(service: Service, action: Callable[[], None]) -> None:
    """Let something happen once the password was found to be right."""
    endpoint = service.routes["POST", "/login"]

    class Passwords(Argon2Passwords):
        def needs_rehash(self, password: str, password_hash: str) -> bool:
            action()
            return super().needs_rehash(password, password_hash)

    service.routes = {
        **service.routes,
        ("POST", "/login"): dataclasses.replace(endpoint, passwords=Passwords(CHEAPEST)),
    }


@pytest.fixture(name="page")
def _page(service: Service) -> Service:
    """The service, its login page open in a browser."""
    service.authorize()
    return service


@THEIRS
def test_a_login_turns_their_hash_into_ours_and_the_next_one_changes_nothing(page: Service, theirs: str) -> None:
    bring(page, theirs)
    before = stored(page)

    assert "code" in answered(log_in(page))

    after = stored(page)
    assert after.password_hash.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert dataclasses.replace(after, password_hash=theirs) == before
    assert "code" in answered(log_in(page))
    assert stored(page) == after
    page.wait(60)
    assert log_in(page, WRONG).status == 400


@THEIRS
def test_a_wrong_password_leaves_their_hash(page: Service, theirs: str) -> None:
    bring(page, theirs)

    assert kind(log_in(page, WRONG)) == "login"

    assert stored(page).password_hash == theirs


def test_a_blocked_user_is_refused_with_whatever_hash(page: Service) -> None:
    bring(page, BCRYPT)
    block(page)

    assert kind(log_in(page)) == "login"

    assert stored(page).password_hash == BCRYPT


def test_an_upgrade_ends_nobodys_session_nor_family(page: Service) -> None:
    """It is the same password: other devices have nothing to fear."""
    bring(page, BCRYPT)
    first = tokens(page.exchange(answered(log_in(page))["code"]))["refresh_token"]
    bring(page, BCRYPT)
    other = Service.of(page.client, page.tables)
    other.now_ms, other.keys = page.now_ms, page.keys
    other.authorize()

    assert "code" in answered(log_in(other))

    assert "code" in answered(page.authorize(prompt="none"))
    assert page.refreshed(first)


def test_an_upgrade_costs_one_call_and_a_hash_of_ours_costs_none(page: Service) -> None:
    with store_calls(page) as usual:
        log_in(page)
    page.cookies.pop("__Host-heirloom")
    bring(page, BCRYPT)
    with store_calls(page) as upgrading:
        log_in(page)

    assert len(upgrading) == len(usual) + 1


@pytest.mark.parametrize("meanwhile", ["password", "upgrade"])
def test_a_password_that_changes_meanwhile_is_not_undone(page: Service, meanwhile: str) -> None:
    bring(page, BCRYPT)
    other = Argon2Passwords(CHEAPEST).hash("a new password" if meanwhile == "password" else PASSWORD)
    between_check_and_upgrade(page, lambda: bring(page, other))

    log_in(page)

    assert stored(page).password_hash == other


def test_somebody_who_is_deleted_meanwhile_does_not_come_back(page: Service) -> None:
    bring(page, BCRYPT)

    def delete() -> None:
        users(page).delete(ALICE.user_id)

    between_check_and_upgrade(page, delete)

    log_in(page)

    assert users(page).by_id(ALICE.user_id) is None
    assert not [item for item in page.items("UsersTable") if item["user_id"]["S"] == ALICE.user_id]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_a_fault_of_the_store_while_upgrading_fails_no_login(page: Service, when: str, fault: Exception) -> None:
    bring(page, BCRYPT)
    with Steps.of(page.client) as steps:
        between_check_and_upgrade(page, lambda: steps.fail(when, fault))

        assert "code" in answered(log_in(page))

    assert page.events.types == ["w", "s"]
    assert "replace password hash" in str(page.events[0].reason)
    assert stored(page).password_hash != BCRYPT or when == BEFORE


def test_every_refusal_is_paced_and_no_other_answer(page: Service) -> None:
    """Hashes of several kinds take different times: those would tell who was imported, and who is nobody."""
    waits: list[float] = []
    endpoint = page.routes["POST", "/login"]
    pace = SteadyPace(clock=lambda: 7.0, sleep=waits.append)
    page.routes = {**page.routes, ("POST", "/login"): dataclasses.replace(endpoint, pace=pace)}

    log_in(page, WRONG)
    bring(page, BCRYPT)
    log_in(page, WRONG)
    log_in(page, email="nobody@example.com")
    block(page)
    log_in(page)
    assert waits == pytest.approx([REFUSAL] * 4)

    unblocked = stored(page)
    users(page).put(dataclasses.replace(unblocked, blocked=False), replacing=unblocked)
    assert "code" in answered(log_in(page))
    assert len(waits) == 4
