"""What ends all logins of a person, and how many of them there can be."""

import dataclasses
from collections.abc import Callable

import pytest

from heirloom.adapters.families import item_of
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.family import MOST_FAMILIES, Family
from heirloom.http import Response
from tests.domain.lines import line
from tests.endpoints.hands import at_once
from tests.service import ALICE, BOB, SPA, WEB, Service, answered, family_key_of, refusal, tokens


def end_logins(service: Service) -> int:
    return len(service.families.end_logins(ALICE.user_id, because="password_changed", now=service.now))


def test_once_all_logins_are_ended_no_token_of_the_person_works(service: Service) -> None:
    """On no device, at no application, in or out of leeway."""
    spa, web = service.login_tokens()["refresh_token"], service.login_tokens(WEB)["refresh_token"]
    successor = service.refreshed(spa)

    assert end_logins(service) == 2

    for token, application in ((spa, SPA), (successor, SPA), (web, WEB)):
        assert refusal(service.refresh(token, application)) == (400, "invalid_grant")
    family = service.families.find(family_key_of(web))
    assert family is not None
    assert family.revoked_because == "password_changed"


def test_others_notice_nothing(service: Service) -> None:
    bobs = service.login_tokens(email=BOB.email)["refresh_token"]

    end_logins(service)

    assert service.refresh(bobs).status == 200


def test_a_session_ends_with_them(service: Service) -> None:
    service.login_tokens()
    assert service.authorize().status == 303

    end_logins(service)

    assert service.authorize().status == 200
    assert answered(service.authorize(prompt="none"))["error"] == "login_required"


def test_a_code_that_was_under_way_is_void(service: Service) -> None:
    code = service.code()

    end_logins(service)

    assert refusal(service.exchange(code)) == (400, "invalid_grant")
    assert [item for item in service.items("FamiliesTable") if "client_id" in item] == []


def test_a_login_after_it_is_good(service: Service) -> None:
    service.login_tokens()
    end_logins(service)
    end_logins(service)

    assert service.refresh(service.login_tokens()["refresh_token"]).status == 200


@pytest.mark.parametrize("round_", range(8))
def test_no_login_slips_through_a_race(service: Service, round_: int) -> None:
    """Once the call has answered: whatever a racing exchange got before is revoked, whatever comes later is refused."""
    del round_
    codes = [service.code() for _ in range(6)]
    exchanges: list[Callable[[], Response | int]] = [_exchange(service, code) for code in codes]
    exchanges.insert(3, lambda: end_logins(service))

    answers = at_once(exchanges)

    for answer in answers:
        if isinstance(answer, Response) and answer.status == 200:
            assert refusal(service.refresh(tokens(answer)["refresh_token"])) == (400, "invalid_grant")


def _exchange(service: Service, code: str) -> Callable[[], Response]:
    return lambda: service.exchange(code)


def fill(service: Service, count: int) -> list[Family]:
    """Give Alice *count* live families at the single-page application, the first one used longest ago."""
    families = []
    for number in range(count):
        family = line(0, family_id=number.to_bytes(16)).family
        grant = dataclasses.replace(family.grant, client_id=SPA.client_id)
        families.append(
            dataclasses.replace(
                family,
                grant=grant,
                created_at=service.now - 10,
                exchanged_at=service.now - count + number,
                absolute_expires_at=service.now + 1000,
                idle_expires_at=service.now + 1000,
            )
        )
        service.client.put_item(TableName=service.tables["FamiliesTable"], Item=item_of(families[-1]))
    return families


def alive(service: Service) -> list[bytes]:
    """The families of Alice that are not revoked."""
    return [it.key.family_id for it in service.families.of_user(ALICE.user_id) if it.revoked_at is None]


def test_the_least_recently_used_family_gives_way_to_a_new_login(service: Service) -> None:
    families = fill(service, MOST_FAMILIES)

    newest = family_key_of(service.login_tokens()["refresh_token"])

    assert set(alive(service)) == {it.key.family_id for it in families[1:]} | {newest.family_id}
    cleanup = [event for event in service.events if event.type.value == "resource_cleanup"]
    assert [event.user_id for event in cleanup] == [ALICE.user_id]


def test_up_to_the_limit_nobody_gives_way(service: Service) -> None:
    fill(service, MOST_FAMILIES - 1)

    service.login_tokens()

    assert len(alive(service)) == MOST_FAMILIES
    assert "resource_cleanup" not in service.events.types


def test_another_application_does_not_count(service: Service) -> None:
    fill(service, MOST_FAMILIES)

    service.login_tokens(WEB)

    assert len(alive(service)) == MOST_FAMILIES + 1


def test_a_login_stands_when_the_limit_cannot_be_checked(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[Family]:
        raise StoreUnavailable("list families: throttled")

    monkeypatch.setattr(type(service.families), "of_user", fail)

    assert service.refresh(service.login_tokens()["refresh_token"]).status == 200
    assert [event.alarm for event in service.events if event.alarm] == ["Fault"]
