"""Nothing that decides lives in memory: instances come and go between any two requests."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from heirloom.adapters import configuration
from heirloom.adapters.configuration import APPLICATION, RESOURCE_SERVER, TENANT, DynamoDBConfiguration
from heirloom.adapters.secret import Secret
from heirloom.adapters.token_keys import SecretTokenKeys
from heirloom.domain import encoding
from heirloom.domain.application import GrantType
from heirloom.domain.lifetimes import DAY, HOUR, LEEWAY
from heirloom.domain.refresh_token import RefreshToken
from heirloom.domain.token_keys import KeyState, TokenKey
from heirloom.http import Response
from tests.endpoints.hands import declare, family_of, restarted, set_tenant
from tests.faults import AFTER, BEFORE, Killed, Steps
from tests.service import API, SPA, Service, octets_of, refusal, token_key, tokens

REFUSED = (400, "invalid_grant")


def test_case_02_what_was_spent_stays_spent_across_restarts(service: Service) -> None:
    """Keycloak CVE-2026-9802: after a restart of the node, rotated tokens were accepted again."""
    first = service.login_tokens()["refresh_token"]
    service = restarted(service)
    second = service.refreshed(first)

    service = restarted(service)
    assert service.refreshed(first) == second, "within leeway another instance answers alike"

    service = restarted(service)
    service.wait(LEEWAY + 2)
    assert refusal(service.refresh(first)) == REFUSED
    for token in (first, second):
        assert refusal(restarted(service).refresh(token)) == REFUSED


@pytest.mark.parametrize("end", ["revoked", "idle", "marked"])
def test_case_02_what_has_ended_stays_ended_across_restarts(service: Service, end: str) -> None:
    """Keycloak CVE-2026-9802: a restart was as good as a new login."""
    service.set_policy(idle_lifetime=DAY)
    token = service.login_tokens()["refresh_token"]
    if end == "revoked":
        assert service.revoke(token).status == 200
    elif end == "idle":
        service.wait(DAY)
    else:
        service.wait(1)
        set_tenant(service, not_before=service.now)

    for _ in range(2):
        service = restarted(service)
        assert refusal(service.refresh(token)) == REFUSED


class SecretsManager:
    """The one secret of the token keys."""

    def __init__(self, *keys: TokenKey) -> None:
        self.keys = keys

    def get_secret_value(self, **_: object) -> dict[str, str]:
        return {"SecretString": json.dumps({"keys": [_document(key) for key in self.keys]})}


def _document(key: TokenKey) -> dict[str, object]:
    derivation = encoding.encode(key.derivation) if key.derivation else None
    return {"id": key.key_id, "state": key.state, "mac": encoding.encode(key.mac), "derivation": derivation}


def with_caches(service: Service, secrets_manager: SecretsManager) -> Service:
    """An instance with the real caches of settings and keys, whose ages are told by the clock of *service*."""

    def clock() -> float:
        return service.now_ms / 1000

    instance = restarted(service)
    client: Any = secrets_manager
    keys = SecretTokenKeys.of(Secret(client, "token-keys"))
    keys.cache.clock = clock
    settings = DynamoDBConfiguration(service.client, service.tables["ConfigurationTable"], clock=clock)
    token = instance.routes["POST", "/oauth/token"]
    clients = replace(token.clients, configuration=settings)
    refresh = replace(token.grants[GrantType.REFRESH_TOKEN], configuration=settings, token_keys=keys)
    token = replace(token, configuration=settings, clients=clients, grants={GrantType.REFRESH_TOKEN: refresh})
    instance.routes = {("POST", "/oauth/token"): token}
    return instance


def apply(service: Service) -> None:
    """Store what this service has declared, as applying a tenant file does."""
    declared = service.configuration
    documents = [
        (APPLICATION, SPA.client_id, configuration.encode(declared.applications[SPA.client_id])),
        (RESOURCE_SERVER, API, configuration.encode(declared.apis[API])),
        (TENANT, TENANT, configuration.encode(declared.settings)),
    ]
    for kind, name, document in documents:
        item = {"kind": {"S": kind}, "id": {"S": name}, "document": {"S": document}}
        service.client.put_item(TableName=service.tables["ConfigurationTable"], Item=item)


def thawed(frozen: Service, service: Service) -> Service:
    """A frozen instance, with all it had in memory, at the present moment."""
    frozen.now_ms = service.now_ms
    return frozen


def rekey(service: Service, secrets_manager: SecretsManager, *keys: TokenKey) -> None:
    """Let these be the token keys of the stack from now on."""
    service.keys.become(*keys)
    secrets_manager.keys = keys


def test_case_02_an_instance_thawed_after_a_day_decides_by_what_is_true_today(service: Service) -> None:
    """Keycloak CVE-2026-9802: here SnapStart restores an instance with caches of another day."""
    one, two = service.keys.seen.keys.values()
    three = token_key(3, KeyState.CURRENT)
    secrets_manager = SecretsManager(one, two)
    apply(service)
    frozen = with_caches(service, secrets_manager)
    spent, marked, kept = (service.login_tokens()["refresh_token"] for _ in range(3))
    live = frozen.refreshed(spent)

    service.wait(DAY)
    rekey(service, secrets_manager, replace(one, state=KeyState.MAC_ONLY, derivation=None), three)
    kept = thawed(frozen, service).refreshed(kept)
    assert octets_of(kept)[1] == 3, "minted with the key of today"
    assert refusal(thawed(frozen, service).refresh(spent)) == REFUSED
    assert refusal(service.refresh(live)) == REFUSED, "reuse was detected by it"

    service.wait(HOUR)
    declare(service, SPA, not_before=service.now - DAY)
    apply(service)
    assert refusal(thawed(frozen, service).refresh(marked)) == REFUSED, "revoked in mass since"


def test_case_02_an_instance_thawed_after_its_application_was_removed_refuses_it(service: Service) -> None:
    """Keycloak CVE-2026-9802: what an instance remembers from before it slept is no authority."""
    apply(service)
    frozen = with_caches(service, SecretsManager(*service.keys.seen.keys.values()))
    token = frozen.refreshed(service.login_tokens()["refresh_token"])
    key = {"kind": {"S": APPLICATION}, "id": {"S": SPA.client_id}}
    service.client.delete_item(TableName=service.tables["ConfigurationTable"], Key=key)
    service.wait(61)

    assert refusal(thawed(frozen, service).refresh(token)) == (401, "invalid_client")


def test_case_04_the_state_is_durable_before_anything_is_signed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keycloak #52666: rotation state lived in a session that was never stored, and was lost with it."""
    stored: list[list[bytes]] = []
    sign = type(service.keys.signer()).sign

    def observed(*arguments: Any) -> str:
        stored.append([item["live_digest"]["B"] for item in service.items("FamiliesTable")])
        return sign(*arguments)

    monkeypatch.setattr(type(service.keys.signer()), "sign", observed)
    token = service.login_tokens()["refresh_token"]
    assert stored == [[digest_of(service, token)]] * 2, "an access token and an ID token, both after the write"
    stored.clear()
    token = service.refreshed(token)
    assert stored == [[digest_of(service, token)]] * 2
    assert restarted(service).refreshed(token) != token


def digest_of(service: Service, token: str) -> bytes:
    """What the store holds of a live token."""
    return RefreshToken.parse(token, service.keys.seen).digest()


# ---- Killed at any moment


def a_refresh(service: Service) -> Callable[[Service], Response]:
    token = service.login_tokens()["refresh_token"]
    return lambda instance: instance.refresh(token)


def a_first_rotation(service: Service) -> Callable[[Service], Response]:
    service.set_policy(rotating=False)
    token = service.login_tokens()["refresh_token"]
    service.set_policy(rotating=True)
    return lambda instance: instance.refresh(token)


def a_retry(service: Service) -> Callable[[Service], Response]:
    token = service.login_tokens()["refresh_token"]
    service.refreshed(token)
    service.wait(LEEWAY)
    return lambda instance: instance.refresh(token)


def an_exchange(service: Service) -> Callable[[Service], Response]:
    code = service.code()
    return lambda instance: instance.exchange(code)


def a_reuse(service: Service) -> Callable[[Service], Response]:
    token = service.login_tokens()["refresh_token"]
    service.refreshed(token)
    service.wait(LEEWAY + 2)
    return lambda instance: instance.refresh(token)


def a_revocation(service: Service) -> Callable[[Service], Response]:
    token = service.login_tokens()["refresh_token"]
    return lambda instance: instance.revoke(token)


def killed_at_every_call(
    service: Service, steps: Steps, when: str, prepare: Callable[[Service], Callable[[Service], Response]]
) -> list[Response]:
    """What a fresh instance answers after the first one was killed at each of its calls to the store in turn."""
    answers: list[Response] = []
    while True:
        known = {item["family_id"]["S"] for item in service.items("FamiliesTable")}
        act = prepare(service)
        steps.fail(when, Killed(), calls=range(len(answers), len(answers) + 1))
        try:
            act(service)
        except Killed:
            answers.append(act(restarted(service)))
        else:
            steps.actions = {}
            return answers
        new = [item for item in service.items("FamiliesTable") if item["family_id"]["S"] not in known]
        families = [item for item in new if "client_id" in item]
        assert len(families) == 1, "one login, one family, whatever happened"


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize(("prepare", "calls"), [(a_refresh, 1), (a_first_rotation, 4), (a_retry, 2)])
def test_case_14_a_refresh_that_was_killed_anywhere_is_simply_repeated(
    service: Service, steps: Steps, when: str, prepare: Callable[[Service], Callable[[Service], Response]], calls: int
) -> None:
    """OpenAuth #2, #234: a crash between its two writes stranded the client, or forked the family."""
    answers = killed_at_every_call(service, steps, when, prepare)

    for answer in answers[-1:]:
        token = tokens(answer)["refresh_token"]
        assert family_of(service, token).generation == 1
        assert service.refreshed(token) != token
    assert len(answers) == calls


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_case_14_reuse_is_punished_by_the_next_instance_if_the_first_was_killed(
    service: Service, steps: Steps, when: str
) -> None:
    """OpenAuth #234: what a crash left behind no longer detected anything."""
    answers = killed_at_every_call(service, steps, when, a_reuse)

    assert [refusal(answer) for answer in answers] == [REFUSED] * 2
    assert [item["revoked_because"]["S"] for item in service.items("FamiliesTable")] == ["reuse"] * 3


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_case_14_a_revocation_that_was_killed_is_repeated(service: Service, steps: Steps, when: str) -> None:
    """OpenAuth #2: half of a revocation left tokens alive."""
    (answer,) = killed_at_every_call(service, steps, when, a_revocation)

    assert answer.status == 200
    assert all("revoked_at" in item for item in service.items("FamiliesTable"))


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_case_14_a_revocation_of_a_whole_grant_that_was_killed_anywhere_is_repeated(
    service: Service, steps: Steps, when: str
) -> None:
    """OpenAuth #2: the same where a revocation ends the person's other devices too."""
    set_tenant(service, revocation_ends_grant=True)
    for call in count():
        devices = [service.login_tokens()["refresh_token"] for _ in range(3)]
        code = service.code()
        steps.fail(when, Killed(), calls=range(call, call + 1))
        try:
            service.revoke(devices[1])
        except Killed:
            assert restarted(service).revoke(devices[1]).status == 200
        else:
            break
        assert [refusal(service.refresh(token)) for token in devices] == [REFUSED] * 3
        assert refusal(service.exchange(code)) == REFUSED
    steps.actions = {}
    assert call == 7, "find, consent, epoch, list, three devices"


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_case_14_a_killed_code_exchange_has_happened_or_has_not(service: Service, steps: Steps, when: str) -> None:
    """OpenAuth #2: here code and family change in one transaction; what got lost with its answer was never sent."""
    answers = killed_at_every_call(service, steps, when, an_exchange)

    done = 1 if when == AFTER else 2  # the call from which on the transaction is done
    assert [answer.status for answer in answers] == [200] * done + [400] * (len(answers) - done)
    assert len(answers) == 3


def test_case_14_a_late_repetition_does_not_begin_its_window_anew(service: Service) -> None:
    """OpenAuth #2: a late second write reset the time at which the token counted as used."""
    first = service.login_tokens()["refresh_token"]
    second = service.refreshed(first)
    before = family_of(service, first)
    for _ in range(6):
        service.wait(10)
        assert restarted(service).refreshed(first) == second
    assert family_of(service, first) == before

    service.wait(2)

    assert refusal(service.refresh(first)) == REFUSED
