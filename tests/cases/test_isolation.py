"""A write touches the one family it is about, and a stranger touches none."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from heirloom.adapters.attributes import string
from heirloom.adapters.families import epoch_key, item_key, item_of
from heirloom.domain import refresh_token
from heirloom.domain.application import Application
from heirloom.domain.family import MOST_FAMILIES, Rotation
from heirloom.domain.lifetimes import LEEWAY
from heirloom.domain.ports import RotationRefused
from heirloom.domain.refresh_token import RefreshToken
from tests.domain.lines import line
from tests.endpoints.hands import at_once, family_of
from tests.races.test_logins import fill
from tests.service import (
    ALICE,
    BOB,
    NATIVE,
    SPA,
    THIRD_PARTY,
    WEB,
    Service,
    answered,
    family_key_of,
    refusal,
    tokens,
)

REFUSED = (400, "invalid_grant")


# ---- Devices and applications of one person


def of_one_session(service: Service) -> tuple[str, str]:
    """Refresh tokens of two applications, for which the person logged in once."""
    spa = service.login_tokens(SPA)
    web = tokens(service.exchange(answered(service.authorize(WEB))["code"], WEB))
    assert len(service.items("SessionsTable")) == 1
    return spa["refresh_token"], web["refresh_token"]


@pytest.mark.parametrize("end", ["revocation", "reuse"])
def test_case_06_the_end_of_one_application_is_not_the_end_of_the_other(service: Service, end: str) -> None:
    """Keycloak #26532, #27275: revoking one client's token killed the offline sessions of the others."""
    spa, web = of_one_session(service)
    if end == "revocation":
        service.revoke(web, WEB)
    else:
        service.refreshed(web, WEB)
        service.wait(LEEWAY + 2)
        service.refresh(web, WEB)

    assert refusal(service.refresh(web, WEB)) == REFUSED
    assert service.refresh(service.refreshed(spa)).status == 200


def test_case_06_applications_of_one_session_take_turns_for_ever(service: Service) -> None:
    """Keycloak #50721: two clients of one session lost each other by refreshing in turns."""
    spa, web = of_one_session(service)

    for _ in range(5):
        service.wait(LEEWAY + 2)
        spa = service.refreshed(spa)
        web = service.refreshed(web, WEB)


def test_case_06_many_tabs_of_two_applications_revoke_nothing(service: Service) -> None:
    """Keycloak #16081: tabs that refreshed together ended all sessions."""
    spa, web = of_one_session(service)
    for _ in range(3):
        tabs = [partial(service.refresh, spa)] * 4 + [partial(service.refresh, web, WEB)] * 4
        answers = [tokens(response)["refresh_token"] for response in at_once(tabs)]
        ((spa,), (web,)) = set(answers[:4]), set(answers[4:])
        service.wait(LEEWAY + 2)


def test_case_18_reuse_on_one_device_is_no_matter_of_the_others(service: Service) -> None:
    """better-auth: reuse revoked all that the person had at the application, on every device."""
    phone, laptop, tablet = (service.login_tokens()["refresh_token"] for _ in range(3))
    spent, phone = phone, service.refreshed(phone)
    service.wait(LEEWAY + 2)
    before = [family_of(service, token) for token in (laptop, tablet)]

    assert refusal(service.refresh(spent)) == REFUSED

    assert refusal(service.refresh(phone)) == REFUSED
    assert [family_of(service, token) for token in (laptop, tablet)] == before
    assert service.refresh(laptop).status == 200
    assert service.refresh(tablet).status == 200


# ---- Strangers


@pytest.mark.parametrize("thief", [NATIVE, THIRD_PARTY, WEB], ids=lambda it: it.client_id)
@pytest.mark.parametrize("generation", [0, 1, 2])
def test_case_16_a_foreign_client_can_neither_use_nor_end_a_family(
    service: Service, thief: Application, generation: int
) -> None:
    """django-oauth-toolkit #1687: a family was revoked before anybody asked whose client had presented its token."""
    presented = [service.login_tokens()["refresh_token"]]
    presented.append(service.refreshed(presented[0]))
    service.wait(LEEWAY + 2)
    presented.append(service.refreshed(presented[1]))
    before = service.contents()

    assert refusal(service.refresh(presented[generation], thief)) == REFUSED
    assert service.revoke(presented[generation], thief).status == 200

    assert service.contents() == before
    assert service.refreshed(presented[1]) == presented[2]


def test_case_16_a_foreign_client_in_a_race_with_the_owner_changes_nothing_for_the_owner(service: Service) -> None:
    """django-oauth-toolkit #1687: the race with the grace period ended in an error of the server."""
    spent = service.login_tokens()["refresh_token"]
    token = service.refreshed(spent)
    for _ in range(3):
        owners = [partial(service.refresh, spent), partial(service.refresh, token)] * 2
        thieves = [partial(service.refresh, it, THIRD_PARTY) for it in (spent, token)] * 2

        responses = at_once([*owners, *thieves])

        assert {refusal(response) for response in responses[4:]} == {REFUSED}
        spent = token
        (token,) = {tokens(response)["refresh_token"] for response in responses[1:4:2]}
        assert {tokens(response)["refresh_token"] for response in responses[:4]} <= {spent, token}


# ---- A family that is bound to a key


def bind(service: Service, token: str, thumbprint: str) -> None:
    """Let a family be one whose login came with a proof of possession."""
    service.client.update_item(
        TableName=service.tables["FamiliesTable"],
        Key=item_key(family_key_of(token)),
        UpdateExpression="SET cnf_jkt = :jkt",
        ExpressionAttributeValues={":jkt": string(thumbprint)},
    )


@pytest.mark.parametrize("ago", [0, LEEWAY + 2], ids=["spent just now", "spent long ago"])
def test_case_07_a_bound_token_without_a_proof_is_refused_and_not_consumed(service: Service, ago: int) -> None:
    """Keycloak #36475: bound tokens were refreshed without a proof, as Spring's server still does."""
    spent = service.login_tokens()["refresh_token"]
    live = service.refreshed(spent)
    bind(service, live, "owners-key")
    service.wait(ago)
    before = service.contents()

    assert refusal(service.refresh(live)) == REFUSED
    assert refusal(service.refresh(spent)) == REFUSED

    assert service.contents() == before
    keyring = service.keys.keyring()
    presented = RefreshToken.parse(live, keyring)
    proven = Rotation(
        presented=presented,
        successor=presented.successor(keyring.current),
        client_id=SPA.client_id,
        attempt="with a proof",
        now_ms=service.now_ms,
        leeway=LEEWAY,
        idle_lifetime=None,
        not_before=0,
        key_thumbprint="owners-key",
    )
    with pytest.raises(RotationRefused):
        service.families.rotate(replace(proven, key_thumbprint="thiefs-key"))
    assert service.families.rotate(proven).generation == 2


# ---- Neighbours


class Neighbourhood:
    """A family of Alice's, amid all that could be hit by a write that is not precise."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.spent = service.login_tokens()["refresh_token"]
        self.live = service.refreshed(self.spent)
        self.laptop = service.login_tokens()["refresh_token"]
        self.web = service.login_tokens(WEB)["refresh_token"]
        self.ended = service.login_tokens()["refresh_token"]
        service.revoke(self.ended)
        self.code = service.code()
        alices_cookies = dict(service.cookies)
        service.cookies.clear()
        self.bobs = service.login_tokens(email=BOB.email)["refresh_token"]
        service.cookies = alices_cookies
        # Eight bytes of a digest name a user: another one may share them, if not for long.
        stranger = line(0, family_id=b"another person's").family
        stranger = replace(stranger, grant=replace(stranger.grant, user_id="auth0|namesake", client_id=SPA.client_id))
        service.client.put_item(TableName=service.tables["FamiliesTable"], Item=item_of(stranger))
        service.wait(1)

    def changed_by(self, act: Callable[[], object]) -> set[str]:
        """What an action wrote, created or deleted, by the name that this class has for it."""
        before = self._rows()
        act()
        after = self._rows()
        written = [row for row in before if row not in after] + [row for row in after if row not in before]
        return {self._name(table, item) for table, item in written}

    def _rows(self) -> list[tuple[str, dict[str, Any]]]:
        return [(table, item) for table, items in self.service.contents().items() for item in items]

    def _name(self, table: str, item: dict[str, Any]) -> str:
        if table != "FamiliesTable":
            return table
        ours = ("live", "laptop", "web", "ended", "bobs")
        names = {str(item_key(family_key_of(getattr(self, name)))): name for name in ours}
        names[str(epoch_key(refresh_token.user_key(ALICE.user_id)))] = "epoch"
        live = item_key(family_key_of(self.live))
        names[str({**live, "family_id": string(f"replays:{live['family_id']['S']}")})] = "replays"
        return names.get(str({key: item[key] for key in ("user_key", "family_id")}), "another family")

    def wait(self, seconds: int) -> Service:
        """Let time pass before what comes next."""
        self.service.wait(seconds)
        return self.service

    def with_idle_lifetime(self, seconds: int) -> Service:
        """Let what comes next be under another policy."""
        self.service.set_policy(idle_lifetime=seconds)
        return self.service


OPERATIONS: dict[str, tuple[Callable[[Neighbourhood], object], set[str]]] = {
    "a rotation": (lambda it: it.service.refreshed(it.live), {"live"}),
    "a replay": (lambda it: it.service.refreshed(it.spent), {"replays"}),
    "a narrower rotation": (lambda it: it.service.refresh(it.live, scope="openid"), {"live"}),
    "a refused scope": (lambda it: it.service.refresh(it.live, scope="nonsense"), set()),
    "reuse": (lambda it: it.wait(LEEWAY + 2).refresh(it.spent), {"live"}),
    "a revocation": (lambda it: it.service.revoke(it.live), {"live"}),
    "a revocation by a spent token": (lambda it: it.service.revoke(it.spent), {"live"}),
    "a second revocation": (lambda it: it.service.revoke(it.ended), set()),
    "a refused refresh": (lambda it: it.service.refresh(it.ended), set()),
    "a foreign client": (lambda it: it.service.refresh(it.live, WEB), set()),
    "a foreign client's revocation": (lambda it: it.service.revoke(it.live, WEB), set()),
    "a wrong secret": (lambda it: it.service.refresh(it.web, WEB, client_secret="wrong"), set()),
    "an expired family": (lambda it: it.with_idle_lifetime(1).refresh(it.live), set()),
    "a code exchange": (lambda it: it.service.exchange(it.code), {"another family", "CodesTable"}),
    "a stolen code": (lambda it: it.service.exchange(it.code, code_verifier="w" * 43), set()),
    "the end of all logins": (
        lambda it: it.service.families.end_logins(ALICE.user_id, because="test", now=it.service.now),
        {"epoch", "live", "laptop", "web"},
    ),
    "the end of the logins at one application": (
        lambda it: it.service.families.end_logins(
            ALICE.user_id, because="test", now=it.service.now, client_id=SPA.client_id
        ),
        {"epoch", "live", "laptop"},
    ),
    "a logout": (
        lambda it: it.service.send("GET", "/v2/logout", query={"client_id": "spa"}),
        {"SessionsTable"},
    ),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_case_19_a_write_leaves_every_other_row_as_it_is(service: Service, operation: str) -> None:
    """Dex #847: a missing WHERE wrote one person's new token over everybody's."""
    neighbourhood = Neighbourhood(service)
    act, expected = OPERATIONS[operation]

    assert neighbourhood.changed_by(lambda: act(neighbourhood)) == expected


def test_case_19_a_code_that_is_used_twice_ends_its_own_family_alone(service: Service) -> None:
    """Dex #847: the same for the revocation that a stolen code brings about."""
    neighbourhood = Neighbourhood(service)
    neighbourhood.live = tokens(service.exchange(neighbourhood.code))["refresh_token"]
    service.wait(30)

    assert neighbourhood.changed_by(lambda: service.exchange(neighbourhood.code)) == {"live"}


def test_case_19_whoever_gives_way_to_a_new_login_is_one_family_of_the_same_application(service: Service) -> None:
    """Dex #847: the same for what a login clears up."""
    service.wait(-1000)
    neighbourhood = Neighbourhood(service)
    service.wait(1000)
    fill(service, MOST_FAMILIES - 3)
    service.wait(1)
    neighbourhood.live = service.refreshed(neighbourhood.live)
    last, one_more = service.code(), service.code()

    assert neighbourhood.changed_by(lambda: service.exchange(last)) == {"another family", "CodesTable"}
    assert neighbourhood.changed_by(lambda: service.exchange(one_more)) == {"laptop", "another family", "CodesTable"}
