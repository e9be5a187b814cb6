"""Keys rotate under load: logins and refreshes go on, nobody's cache is fresher than it must be, and nothing is lost.

Of the instances, one has always just started, and one cannot reach Secrets Manager for as long as it may do without.
Of the verifiers, one keeps the published keys for as long as `Cache-Control` says, behind a cache that does too, and
one for half a day by a rule of its own. None of them asks again when it does not know a key.
"""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, cast

import jwt
import pytest
from botocore.exceptions import EndpointConnectionError
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from heirloom.adapters import configuration, key_documents
from heirloom.adapters.configuration import APPLICATION, RESOURCE_SERVER, TENANT, DynamoDBConfiguration
from heirloom.adapters.key_rotation import KeyRotation, Ring
from heirloom.adapters.secret import Secret
from heirloom.adapters.signing_keys import SecretSigningKeys
from heirloom.adapters.token_keys import SecretTokenKeys
from heirloom.adapters.versioned_secret import VersionedSecret
from heirloom.domain import lifetimes
from heirloom.domain.application import GrantType
from heirloom.domain.family import Family
from heirloom.domain.lifetimes import DAY, HOUR, MINUTE
from heirloom.endpoints.discovery import JwksEndpoint
from tests.endpoints.hands import declare_api, restarted
from tests.faults import Steps
from tests.keys import SIGNING, TOKEN, SecretsManager
from tests.service import API, SPA, Service, octets_of, rsa_key, tokens

PERIOD = 7 * DAY


@pytest.fixture(autouse=True)
def _one_rsa_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making RSA keys takes a second; these have different ids and one key."""
    pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    numbers = count()
    made = lambda: {"kid": f"key-{next(numbers)}", "alg": "RS256", "private_key": pem}  # noqa: E731
    monkeypatch.setattr(key_documents, "new_signing_key", made)


@dataclass
class Clock:
    """The one clock of a test, epoch seconds."""

    now: int

    def __call__(self) -> float:
        return float(self.now)


@dataclass
class Line:
    """The way of one instance to Secrets Manager, which works only every so many seconds."""

    secrets_manager: SecretsManager
    clock: Clock
    down_for: int
    answered_at: dict[str, int] = field(default_factory=dict)

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's name
        if 0 < self.clock.now - self.answered_at.get(SecretId, 0) < self.down_for:
            raise EndpointConnectionError(endpoint_url="http://secretsmanager.example")
        self.answered_at[SecretId] = self.clock.now
        return self.secrets_manager.get_secret_value(SecretId=SecretId)


@dataclass
class Stack:
    """A deployed stack with real caches on real tables."""

    service: Service
    clock: Clock
    rotation: KeyRotation
    secrets_manager: SecretsManager

    def instance(self, *, cut_off_for: int) -> Service:
        """An instance of all functions; it cannot reach Secrets Manager for so long after each time it did."""
        line: Any = Line(self.secrets_manager, self.clock, cut_off_for)
        settings = DynamoDBConfiguration(
            self.service.client, self.service.tables["ConfigurationTable"], clock=self.clock
        )
        token_keys = SecretTokenKeys.of(Secret(line, TOKEN))
        signing_keys = SecretSigningKeys.of(Secret(line, SIGNING), settings.published)
        token_keys.cache.clock = signing_keys.cache.clock = self.clock
        instance = restarted(self.service)
        endpoint = instance.routes["POST", "/oauth/token"]
        grants = {
            name: replace(endpoint.grants[name], configuration=settings, token_keys=token_keys)
            for name in (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)
        }
        endpoint = replace(endpoint, configuration=settings, grants=grants, signing_keys=signing_keys)
        instance.routes = {
            **instance.routes,
            ("POST", "/oauth/token"): endpoint,
            ("GET", "/.well-known/jwks.json"): JwksEndpoint(settings.published_keys),
        }
        return instance

    def at_present(self, instance: Service) -> Service:
        instance.now_ms = self.clock.now * 1000
        return instance


@pytest.fixture
def stack(service: Service) -> Stack:
    """A stack with its first keys, an API with the longest access tokens and families without an end."""
    declare_api(service, API, token_lifetime=lifetimes.LONGEST_ACCESS_TOKEN)
    service.set_policy(absolute_lifetime=None, idle_lifetime=None, leeway=lifetimes.LONGEST_LEEWAY)
    declared = service.configuration
    for kind, name, document in (
        (APPLICATION, SPA.client_id, configuration.encode(declared.applications[SPA.client_id])),
        (RESOURCE_SERVER, API, configuration.encode(declared.apis[API])),
        (TENANT, TENANT, configuration.encode(declared.settings)),
    ):
        item = {"kind": {"S": kind}, "id": {"S": name}, "document": {"S": document}}
        service.client.put_item(TableName=service.tables["ConfigurationTable"], Item=item)
    secrets_manager = SecretsManager(Steps())
    client, table = cast("Any", secrets_manager), service.tables["ConfigurationTable"]
    rotation = KeyRotation(
        VersionedSecret(client, SIGNING),
        VersionedSecret(client, TOKEN),
        service.client,
        table,
        signing_key_period=PERIOD,
        token_key_period=PERIOD,
    )
    rotation.rotate(service.now)
    longest = {"kind": {"S": "longest_family"}, "id": {"S": "longest_family"}, "seconds": {"N": str(lifetimes.NEVER)}}
    service.client.put_item(TableName=table, Item=longest)
    return Stack(service, Clock(service.now), rotation, secrets_manager)


@dataclass
class Verifier:
    """An API that checks access tokens with the keys that it has."""

    fetch: Callable[[], tuple[str, int]]
    clock: Clock
    keeps: int | None = None
    """Seconds; `None` for as long as it was told."""
    keys: jwt.PyJWKSet | None = None
    good_until: int = 0

    def check(self, token: str) -> None:
        if self.keys is None or self.clock.now >= self.good_until:
            document, lifetime = self.fetch()
            self.keys = jwt.PyJWKSet.from_json(document)
            self.good_until = self.clock.now + (self.keeps or lifetime)
        kid = jwt.get_unverified_header(token)["kid"]
        key = next((key for key in self.keys.keys if key.key_id == kid), None)
        assert key is not None, f"at {self.clock.now}: {kid} is not known"
        claims = jwt.decode(
            token, key, algorithms=["RS256"], audience=API, options={"verify_exp": False, "verify_iat": False}
        )
        assert claims["exp"] > self.clock.now


@dataclass
class SharedCache:
    """What stands between verifiers and the service, and keeps the keys for as long as it may."""

    origin: Service
    stack: Stack
    document: str = ""
    good_until: int = 0

    def fetch(self) -> tuple[str, int]:
        if self.stack.clock.now >= self.good_until:
            answer = self.stack.at_present(self.origin).send("GET", "/.well-known/jwks.json")
            (lifetime,) = re.findall(r"max-age=(\d+)", answer.headers["cache-control"])
            self.document, self.good_until = answer.body, self.stack.clock.now + int(lifetime)
        return self.document, lifetimes.CACHED_JWKS


@dataclass
class Device:
    """One login, and how it goes on."""

    stack: Stack
    live: str
    spent: list[tuple[int, str]] = field(default_factory=list)
    """Since when, and which."""
    access_tokens: list[str] = field(default_factory=list)

    def refresh(self, instance: Service) -> str:
        """Refresh, and return the access token."""
        answer = tokens(self.stack.at_present(instance).refresh(self.live))
        self.spent.append((self.stack.clock.now, self.live))
        self.live = answer["refresh_token"]
        return self.kept(answer["access_token"])

    def repeat(self, instance: Service) -> str:
        """Present the oldest token again that was spent within leeway, as if its answer had been lost."""
        since = self.stack.clock.now - lifetimes.LONGEST_LEEWAY
        spent = next(token for at, token in self.spent if at >= since)
        answer = tokens(self.stack.at_present(instance).refresh(spent))
        assert answer["refresh_token"] == self.live, "every copy leads to the live token"
        return self.kept(answer["access_token"])

    def kept(self, access_token: str) -> str:
        self.access_tokens.append(access_token)
        return access_token


def logged_in(stack: Stack, instance: Service) -> str:
    """The first refresh token of a login, the code of which this instance exchanges."""
    code = stack.at_present(stack.service).code()
    return str(tokens(stack.at_present(instance).exchange(code))["refresh_token"])


def steps(clock: Clock, *, rotations: int) -> Iterator[bool]:
    """Let time pass over so many rotations, quickly while nothing happens; yield whether the schedule comes now."""
    for _ in range(rotations):
        for step in (PERIOD - 2 * HOUR, *[20 * MINUTE] * 20, DAY):
            clock.now += step
            yield step > HOUR or clock.now % HOUR < 20 * MINUTE


def test_over_several_rotations_no_verification_fails_and_no_family_is_lost(stack: Stack) -> None:
    old, fresh = stack.instance(cut_off_for=lifetimes.CACHED_KEYS_IN_NEED - MINUTE), stack.instance(cut_off_for=0)
    cache = SharedCache(stack.instance(cut_off_for=0), stack)
    verifiers = [Verifier(cache.fetch, stack.clock), Verifier(cache.fetch, stack.clock, keeps=12 * HOUR)]
    devices = [Device(stack, logged_in(stack, fresh)) for _ in range(2)]
    sleepers = [Device(stack, logged_in(stack, fresh)) for _ in range(3)]
    used_keys: set[int] = set()

    def work(number: int) -> list[str]:
        device = devices[number % len(devices)]
        first, second = (old, fresh) if number < len(devices) else (fresh, old)
        return [device.refresh(first), device.repeat(second)]

    with ThreadPoolExecutor(3) as together:
        for turn, scheduled in enumerate(steps(stack.clock, rotations=3)):
            turns = range(len(devices)) if turn % 2 else range(len(devices), 2 * len(devices))
            running = [together.submit(work, number) for number in turns]
            if scheduled:  # and an operator who cannot wait comes with it
                stack.rotation.rotate(stack.clock.now, ahead=list(Ring))
            for one in running:
                for access_token in one.result():
                    for verifier in verifiers:
                        verifier.check(access_token)
            used_keys |= {octets_of(device.live)[1] for device in devices}

    assert len(used_keys) > 6, "each device went through all rotations"
    issued = [token for device in devices for token in device.access_tokens]
    valid = [token for token in issued if _expires_at(token) > stack.clock.now]
    assert len({jwt.get_unverified_header(token)["kid"] for token in valid}) > 3
    for token in valid:
        for verifier in verifiers:
            verifier.check(token)
    for device, instance in zip(sleepers, (old, fresh, old), strict=True):
        assert octets_of(device.live)[1] == 1, "made many keys ago, and never presented since"
        device.refresh(instance)
    families: list[Family] = stack.service.families.of_user("auth0|alice")
    assert [family.revoked_at for family in families] == [None] * 5


def _expires_at(token: str) -> int:
    return int(jwt.decode(token, options={"verify_signature": False})["exp"])


def test_a_compromised_signing_key_signs_nothing_a_minute_later(stack: Stack) -> None:
    """Not even in an instance whose keys are fresh, nor in one that cannot get others: that one says to try again."""
    busy = stack.instance(cut_off_for=0)
    cut_off = stack.instance(cut_off_for=HOUR)
    device = Device(stack, logged_in(stack, busy))
    other = Device(stack, logged_in(stack, cut_off))
    compromised = jwt.get_unverified_header(device.refresh(busy))["kid"]

    stack.rotation.revoke_signing_keys([compromised], stack.clock.now)
    stack.clock.now += lifetimes.CACHED_CONFIGURATION

    signed_by = jwt.get_unverified_header(device.refresh(busy))["kid"]
    published = json.loads(stack.at_present(busy).send("GET", "/.well-known/jwks.json").body)
    assert compromised not in [key["kid"] for key in published["keys"]]
    assert signed_by in [key["kid"] for key in published["keys"]]
    assert stack.at_present(cut_off).refresh(other.live).status == 503
    stack.clock.now += HOUR
    assert jwt.get_unverified_header(other.refresh(cut_off))["kid"] == signed_by


def test_if_all_signing_keys_were_read_instances_use_the_new_one_as_soon_as_they_see_it(stack: Stack) -> None:
    """Also one whose published keys are older than its secret: it must not take a new key for a revoked one."""
    busy = stack.instance(cut_off_for=0)
    device = Device(stack, logged_in(stack, busy))
    device.refresh(busy)
    former = {key.key_id for key in stack.rotation.signing_keys()}
    stack.clock.now += lifetimes.CACHED_KEYS - 30
    device.refresh(busy)  # the published keys are fresh now, and the secret's time is nearly over

    stack.rotation.revoke_signing_keys(None, stack.clock.now)
    stack.clock.now += 30

    assert jwt.get_unverified_header(device.refresh(busy))["kid"] not in former


@pytest.mark.parametrize("everything", [False, True])
def test_a_compromised_token_key_logs_nobody_out(stack: Stack, *, everything: bool) -> None:
    """Nor does a repetition fail whose first answer was lost before that."""
    old, fresh = stack.instance(cut_off_for=0), stack.instance(cut_off_for=0)
    devices = [Device(stack, logged_in(stack, old)) for _ in range(3)]
    for device in devices:
        device.refresh(old)

    stack.rotation.revoke_token_keys(None if everything else [1], stack.clock.now)

    for device, instance in zip(devices, (fresh, old, fresh), strict=True):
        device.repeat(instance)
        device.refresh(instance)
    stack.clock.now += lifetimes.CACHED_KEYS
    for device in devices:
        device.refresh(old)
        assert octets_of(device.live)[1] == (3 if everything else 2)
