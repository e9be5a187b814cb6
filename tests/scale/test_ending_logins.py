"""Ending all that a person has takes as many calls as docs/scale.md says, and whoever is interrupted goes on."""

import secrets
from collections.abc import Callable, Iterable
from itertools import batched
from typing import Any

import pytest

from benchmarks.scale import revoking
from benchmarks.scale.revoking import FAMILIES, WAYS
from heirloom.adapters.attributes import string
from heirloom.adapters.deadline import MARGIN
from heirloom.adapters.events import PUBLISHED
from heirloom.domain import encoding
from heirloom.domain.events import EventType
from local import template
from tests.management.administrator import Administrator
from tests.scale.conftest import Bench
from tests.service import ISSUER, SPA, Service, claims_of

USER = "users/auth0|alice"


def put(service: Service, table: str, items: Iterable[dict[str, Any]]) -> None:
    """Put items into a table, by its logical id."""
    for batch in batched(items, 25, strict=False):
        requests: Any = [{"PutRequest": {"Item": item}} for item in batch]
        assert not service.client.batch_write_item(RequestItems={service.tables[table]: requests})["UnprocessedItems"]


def random_id() -> dict[str, Any]:
    return dict(string(encoding.encode(secrets.token_bytes(16))))


def fill(service: Service, families: int, *, sessions: bool) -> None:
    """Let Alice, who has logged in once, have so many families, from that session or from as many."""
    (family,) = [it for it in service.items("FamiliesTable") if "client_id" in it]
    (session,) = service.items("SessionsTable")
    ids = [session["session_id"], *(random_id() if sessions else session["session_id"] for _ in range(families - 1))]
    clones = [{**family, "family_id": random_id(), "session_id": it} for it in ids[1:]]
    put(service, "FamiliesTable", clones)
    if sessions:
        put(service, "SessionsTable", [{**session, "session_id": it} for it in ids[1:]])


def alive(service: Service) -> int:
    """Families that are not revoked."""
    return len([it for it in service.items("FamiliesTable") if "client_id" in it and "revoked_at" not in it])


def ids(service: Service) -> list[str]:
    """Ids of all families."""
    return [it["family_id"]["S"] for it in service.items("FamiliesTable") if "client_id" in it]


def told(service: Service) -> list[str]:
    """Ids of the families of which the log and the bus heard that they were revoked."""
    return [str(it.details["familyId"]) for it in service.events if it.type is EventType.REFRESH_TOKEN_REVOKED]


def block(admin: Administrator, _: str) -> int:
    return admin.call("PATCH", USER, {"blocked": True}).status


def refresh_tokens(admin: Administrator, _: str) -> int:
    return admin.call("DELETE", f"{USER}/refresh-tokens").status


def sessions(admin: Administrator, _: str) -> int:
    return admin.call("DELETE", f"{USER}/sessions").status


def logout(admin: Administrator, _: str) -> int:
    return admin.service.send("GET", "/v2/logout", query={"client_id": SPA.client_id}).status


def account(admin: Administrator, viewer: str) -> int:
    form = {"csrf": admin.service.csrf, "viewer": viewer, "everything": "all"}
    return admin.service.send("POST", "/account", form, {"origin": ISSUER.rstrip("/")}).status


def application(admin: Administrator, _: str) -> int:
    return admin.call("POST", "refresh-tokens/revoke", {"client_id": SPA.client_id}).status


DEEDS: dict[str, Callable[[Administrator, str], int]] = {
    revoking.EVERYTHING: block,
    revoking.REFRESH_TOKENS: refresh_tokens,
    revoking.SESSIONS: sessions,
    revoking.LOGOUT: logout,
    revoking.ACCOUNT: account,
    revoking.APPLICATION: application,
}


@pytest.fixture(name="admin")
def _admin(bench: Bench) -> Administrator:
    """Somebody who administers, behind the meter, with warm caches."""
    service = bench.metered
    service.set_policy(revoke_on_logout=True)
    admin = Administrator(service)
    admin.call("GET", USER)  # fills caches
    return admin


@pytest.fixture(name="viewer")
def _viewer(admin: Administrator) -> str:
    """The session in which Alice has logged in once."""
    session_id = str(claims_of(admin.service.login_tokens()["id_token"])["sid"])
    admin.service.events.clear()
    return session_id


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("families", [3, 25])
def test_each_way_takes_the_calls_of_the_page(
    bench: Bench, admin: Administrator, viewer: str, name: str, families: int
) -> None:
    fill(bench.service, families, sessions=name == revoking.SESSIONS)

    with bench.meter.counting() as meter:
        status = DEEDS[name](admin, viewer)

    assert status in {200, 202, 303}
    published = [event for event in admin.service.events if event.type in PUBLISHED]
    assert meter.calls.total() + len(published) == WAYS[name].calls(families), meter.calls
    # Whatever else is written does not grow with them.
    assert 0 <= meter.write_units - WAYS[name].writes * families <= 8
    assert alive(bench.service) == (families if name == revoking.APPLICATION else 0)


def test_two_hundred_families_end_within_one_request(bench: Bench, admin: Administrator, viewer: str) -> None:
    """The most that one application may have of one person."""
    fill(bench.service, FAMILIES, sessions=False)

    with bench.meter.counting() as meter:
        assert block(admin, viewer) == 200

    assert alive(bench.service) == 0
    assert sorted(told(admin.service)) == sorted(ids(bench.service))
    assert meter.calls.total() + FAMILIES == WAYS[revoking.EVERYTHING].calls()
    timeout = template.load().document["Globals"]["Function"]["Timeout"]
    assert WAYS[revoking.EVERYTHING].seconds() < timeout - MARGIN


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way.each])
def test_whoever_is_interrupted_goes_on_and_each_family_is_told_of_once(
    bench: Bench, admin: Administrator, viewer: str, name: str
) -> None:
    """A function's time is up when 25 calls are made; there is work for many more."""
    families = 30
    fill(bench.service, families, sessions=name == revoking.SESSIONS)
    left, answers = [families], list[int]()

    while (not answers or answers[-1] == 503) and len(answers) < families:
        bench.meter.allowed = 25
        answers.append(DEEDS[name](admin, viewer))
        bench.meter.allowed = None
        left.append(alive(bench.service))

    assert answers[-1] in {200, 202, 303}
    assert set(answers[:-1]) == {503}
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert sorted(told(admin.service)) == sorted(ids(bench.service))
