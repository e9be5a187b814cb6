"""A tenant file is applied by what differs, says so before, and changes nothing the second time."""

import copy
import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from heirloom.adapters.attributes import number, string
from heirloom.adapters.configuration import LONGEST_FAMILY, DynamoDBConfiguration
from heirloom.adapters.families import DynamoDBFamilies, epoch_key, item_of
from heirloom.adapters.passwords import CHEAPEST, Argon2Passwords
from heirloom.adapters.users import DynamoDBUsers, UserConflict
from heirloom.domain import refresh_token
from heirloom.domain.application import AuthenticationMethod, ClientCredentials
from heirloom.domain.errors import InvalidClient, StoreUnavailable
from heirloom.domain.family import Family, Grant
from heirloom.domain.lifetimes import DAY, NEVER
from heirloom.domain.refresh_token import FamilyKey
from heirloom.domain.user import User
from heirloom.tenant import applying, planning, reading
from heirloom.tenant.applying import Applied, DeletionRefused
from heirloom.tenant.planning import Plan
from heirloom.tenant.remarks import Invalid
from heirloom.tenant.store import DynamoDBStore, Outdated
from tests import service as harness
from tests.service import Recorded
from tests.tenant.documents import ADA, API, NOTES_API, NOW, SPA, WEB, WHOLE, changed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

type Document = dict[str, Any]

PASSWORDS = Argon2Passwords(CHEAPEST)


class Stack:
    """A stack's tables, and hands to apply tenant files to them."""

    def __init__(self, client: "DynamoDBClient", tables: Mapping[str, str]) -> None:
        self.client = client
        self.tables = tables
        self.store = DynamoDBStore(
            client,
            configuration_table=tables["ConfigurationTable"],
            users_table=tables["UsersTable"],
            families_table=tables["FamiliesTable"],
            clock=lambda: NOW,
            events=Recorded(),
        )
        self.users = DynamoDBUsers(client, tables["UsersTable"])
        self.families = DynamoDBFamilies(client, tables["FamiliesTable"])

    @property
    def configuration(self) -> DynamoDBConfiguration:
        """What the functions see, without a cache from before."""
        return DynamoDBConfiguration(self.client, self.tables["ConfigurationTable"], clock=lambda: NOW)

    def plan(self, document: Document) -> Plan:
        desired = reading.read(document, now=NOW)
        return planning.plan(desired, planning.current(self.store, desired), PASSWORDS)

    def apply(self, document: Document, *, allow_delete: bool = False) -> Applied:
        return applying.apply(self.plan(document), self.store, PASSWORDS, allow_delete=allow_delete)

    def contents(self) -> list[Any]:
        """Everything in every table."""
        return [self.client.scan(TableName=table, ConsistentRead=True)["Items"] for table in self.tables.values()]


@pytest.fixture
def stack(tables: tuple["DynamoDBClient", Mapping[str, str]]) -> Stack:
    harness.empty(*tables)
    return Stack(*tables)


def headlines(plan: Plan) -> list[str]:
    return [f"{change.action} {change.kind} {change.name}" for change in plan.changes]


def differences(plan: Plan) -> list[str]:
    return [str(difference) for change in plan.changes for difference in change.differences]


# ---- The first time


def test_everything_is_created_in_an_order_in_which_nothing_hangs_in_the_air(stack: Stack) -> None:
    assert headlines(stack.plan(WHOLE)) == [
        f"create resource_server {API}",
        "create tenant tenant",
        "create web_origin https://app.example",
        "create application spa",
        "create application web",
        "create application native",
        "create user auth0|ada",
    ]


def test_planning_changes_nothing(stack: Stack) -> None:
    before = stack.contents()
    stack.plan(WHOLE)
    assert stack.contents() == before


def test_what_was_applied_is_what_the_functions_see(stack: Stack) -> None:
    stack.apply(WHOLE)
    desired = reading.read(WHOLE, now=NOW)
    assert desired.applications is not None
    assert desired.resource_servers is not None
    for client_id, application in desired.applications.items():
        assert stack.configuration.application(client_id) == application
    assert stack.configuration.resource_server(API) == desired.resource_servers[API]
    assert stack.configuration.tenant() == desired.tenant
    assert stack.configuration.is_web_origin("https://app.example")
    assert not stack.configuration.is_web_origin("https://web.example")
    user_id = stack.users.id_of("ada@example.com")
    assert user_id == "auth0|ada"
    user = stack.users.by_id(user_id)
    assert user is not None
    assert PASSWORDS.verify("a long password", user.password_hash)
    assert user.claims == {"name": "Ada"}
    assert not user.blocked


def test_a_second_time_there_is_nothing_to_do(stack: Stack) -> None:
    stack.apply(WHOLE)
    before = stack.contents()
    assert stack.plan(WHOLE).changes == ()
    stack.apply(WHOLE)
    assert stack.contents() == before


def test_no_secret_and_no_password_is_stored_as_it_is(stack: Stack) -> None:
    stack.apply(WHOLE)
    stored = json.dumps(stack.contents(), default=str)
    assert WEB["client_secret"] not in stored
    assert ADA["password"] not in stored


# ---- Changes


def test_a_change_names_the_properties_as_the_file_does(stack: Stack) -> None:
    stack.apply(WHOLE)
    document = changed("clients", 0, "refresh_token", to={"leeway": 10, "infinite_token_lifetime": True})
    document["clients"][0] |= {"callbacks": ["https://app.example/", "https://app.example/2"], "is_first_party": False}
    document["clients"][0]["jwt_configuration"] = {"lifetime_in_seconds": 60}
    document["resourceServers"][0]["scopes"] = [{"value": "write", "description": "Write"}]
    document["tenant"]["session_lifetime"] = 1
    plan = stack.plan(document)
    assert headlines(plan) == [f"update resource_server {API}", "update tenant tenant", "update application spa"]
    assert differences(plan) == [
        'scopes.read:notes: "Read your notes" → none',
        'scopes.write: none → "Write"',
        "idle_session_lifetime: 259200 s → 3600 s",
        "session_lifetime: 604800 s → 3600 s",
        "callbacks: https://app.example/ → https://app.example/, https://app.example/2",
        "is_first_party: true → false",
        "jwt_configuration.lifetime_in_seconds: 36000 s → 60 s",
        "refresh_token.leeway: 60 s → 10 s",
        "refresh_token.token_lifetime: 2592000 s → infinite",
    ]
    stack.apply(document)
    assert stack.plan(document).changes == ()


def test_a_secret_or_a_password_only_says_that_it_changed(stack: Stack) -> None:
    stack.apply(WHOLE)
    document = changed("clients", 1, "client_secret", to="t" * 32)
    document["users"][0]["password"] = "another password"
    plan = stack.plan(document)
    assert differences(plan) == ["client_secret: changed", "password: changed"]
    assert "t" * 32 not in repr(plan)
    assert "another password" not in repr(plan)
    assert "argon2" not in repr(plan)


def test_a_client_that_turns_public_loses_its_secret(stack: Stack) -> None:
    stack.apply(WHOLE)
    plan = stack.plan(changed("clients", 1, "token_endpoint_auth_method", to="none"))
    assert "client_secret: taken away" in differences(plan)


def test_the_same_password_is_not_hashed_anew(stack: Stack) -> None:
    stack.apply(WHOLE)
    before = stack.users.by_id("auth0|ada")
    document = changed("users", 0, "name", to="Ada L.")
    assert differences(stack.plan(document)) == ['name: "Ada" → "Ada L."']
    stack.apply(document)
    after = stack.users.by_id("auth0|ada")
    assert before is not None
    assert after is not None
    assert after.password_hash == before.password_hash


def test_an_origin_goes_with_the_last_application_that_has_it(stack: Stack) -> None:
    document = copy.deepcopy(WHOLE)
    document["clients"].append(SPA | {"client_id": "spa2", "name": "Second"})
    stack.apply(document)
    del document["clients"][0]["web_origins"]
    assert headlines(stack.plan(document)) == ["update application spa"]
    stack.apply(document)
    del document["clients"][3]["web_origins"]
    assert headlines(stack.plan(document)) == ["update application spa2", "delete web_origin https://app.example"]
    stack.apply(document)  # an index is no object: no permission to delete is asked
    assert not stack.configuration.is_web_origin("https://app.example")


def test_origins_for_cross_origin_requests_alone_are_in_the_index_too(stack: Stack) -> None:
    stack.apply(changed("clients", 1, "allowed_origins", to=["https://web.example"]))
    assert stack.configuration.is_web_origin("https://web.example")


def test_an_index_that_lost_an_origin_is_mended(stack: Stack) -> None:
    """An apply that was interrupted leaves it behind."""
    stack.apply(WHOLE)
    stack.store.delete("web_origin", "https://app.example", former="{}")
    assert headlines(stack.plan(WHOLE)) == ["create web_origin https://app.example"]


# ---- What a file leaves open


def test_a_section_that_is_not_there_leaves_everything_of_its_kind(stack: Stack) -> None:
    stack.apply(WHOLE)
    assert stack.plan({}).changes == ()
    assert headlines(stack.plan({"tenant": {"friendly_name": "Other"}})) == ["update tenant tenant"]


def test_users_whom_the_file_does_not_name_are_left_alone(stack: Stack) -> None:
    stack.apply(WHOLE)
    assert stack.plan(changed("users", to=[])).changes == ()


def test_a_missing_secret_is_made_up_once_and_then_kept(stack: Stack) -> None:
    document = copy.deepcopy(WHOLE)
    del document["clients"][1]["client_secret"]
    applied = stack.apply(document)
    (secret,) = applied.secrets.values()
    assert list(applied.secrets) == ["web"]
    assert len(secret) >= 32
    assert secret not in repr(applied)
    application = stack.configuration.application("web")
    assert application is not None
    application.authenticate(ClientCredentials(AuthenticationMethod.CLIENT_SECRET_POST, "web", (secret,)))
    with pytest.raises(InvalidClient):
        application.authenticate(ClientCredentials(AuthenticationMethod.CLIENT_SECRET_POST, "web", ("x" * 32,)))
    assert stack.plan(document).changes == ()
    document["clients"][1]["name"] = "Other"
    assert stack.apply(document).secrets == {}
    after = stack.configuration.application("web")
    assert after is not None
    assert after.secret_digest == application.secret_digest


def test_a_client_that_turns_confidential_gets_a_secret(stack: Stack) -> None:
    stack.apply(WHOLE)
    document = changed("clients", 2, "token_endpoint_auth_method", to="client_secret_post")
    assert list(stack.apply(document).secrets) == ["native"]
    assert stack.plan(document).changes == ()


def test_a_user_keeps_the_password_that_the_file_does_not_have(stack: Stack) -> None:
    stack.apply(WHOLE)
    document = copy.deepcopy(WHOLE)
    del document["users"][0]["password"]
    assert stack.plan(document).changes == ()


def test_a_new_user_needs_a_password(stack: Stack) -> None:
    document = copy.deepcopy(WHOLE)
    del document["users"][0]["password"]
    with pytest.raises(Invalid, match=r"users\[0\]\.password: is missing, and a new user needs one"):
        stack.plan(document)


def test_a_block_stays_until_the_file_says_otherwise(stack: Stack) -> None:
    """Somebody blocked the user by other means: a file that does not speak of it must not let them in again."""
    stack.apply(changed("users", 0, "blocked", to=True))
    assert stack.plan(WHOLE).changes == ()
    assert differences(stack.plan(changed("users", 0, "blocked", to=False))) == ["blocked: true → false"]


def test_a_mark_of_mass_revocation_stays_when_it_leaves_the_file(stack: Stack) -> None:
    """Else the families that it revoked would live again."""
    marked = changed("clients", 0, "not_before", to=NOW - 10)
    marked["tenant"]["not_before"] = NOW - 20
    stack.apply(marked)
    assert stack.plan(WHOLE).changes == ()
    application = stack.configuration.application("spa")
    assert application is not None
    assert application.not_before == NOW - 10


def test_a_mark_of_mass_revocation_does_not_go_back(stack: Stack) -> None:
    marked = changed("clients", 0, "not_before", to=NOW - 10)
    marked["tenant"]["not_before"] = NOW - 20
    stack.apply(marked)
    marked["clients"][0]["not_before"] -= 1
    marked["tenant"]["not_before"] -= 1
    with pytest.raises(Invalid) as refused:
        stack.plan(marked)
    text = "must not be earlier than the one that was applied before: revoked families would live again"
    assert [str(remark) for remark in refused.value.remarks] == [
        f"clients[0].not_before: {text}",
        f"tenant.not_before: {text}",
    ]


# ---- What does not fit what is there


def test_an_api_that_is_added_alone_must_still_outlast_the_leeways(stack: Stack) -> None:
    stack.apply(WHOLE)
    with pytest.raises(Invalid) as refused:
        stack.plan({"resourceServers": [NOTES_API | {"token_lifetime": 60}]})
    assert "the leeway of client spa must be shorter" in str(refused.value)


def test_a_client_that_is_added_alone_must_respect_the_apis_that_are_there(stack: Stack) -> None:
    stack.apply(changed("resourceServers", 0, "token_lifetime", to=100))
    with pytest.raises(Invalid, match=r"clients\[0\]\.refresh_token\.leeway: must be shorter"):
        stack.plan({"clients": [SPA | {"refresh_token": {"leeway": 100}}]})


def test_the_default_audience_must_be_there_in_the_end(stack: Stack) -> None:
    stack.apply(changed("tenant", "default_audience", to=API))
    with pytest.raises(Invalid, match=r"tenant\.default_audience: .* is no API of this tenant"):
        stack.plan({"resourceServers": []})


# ---- Deletion


def test_what_left_the_file_is_deleted_only_by_permission(stack: Stack) -> None:
    stack.apply(WHOLE)
    document = changed("clients", to=[WHOLE["clients"][0]])
    document["resourceServers"] = []
    document["clients"][0] = SPA | {"name": "Changed"}
    before = stack.contents()
    with pytest.raises(DeletionRefused) as refused:
        stack.apply(document)
    assert str(refused.value) == f"application web, application native, resource_server {API}"
    assert stack.contents() == before
    assert [line for line in headlines(stack.plan(document)) if line.startswith("delete")] == [
        "delete application web",
        "delete application native",
        f"delete resource_server {API}",
    ]
    stack.apply(document, allow_delete=True)
    assert stack.configuration.application("web") is None
    assert stack.configuration.resource_server(API) is None
    assert stack.plan(document).changes == ()


def test_the_published_keys_are_no_part_of_the_tenant(stack: Stack) -> None:
    item = {"kind": string("jwks"), "id": string("jwks"), "document": string('{"keys":[]}')}
    stack.client.put_item(TableName=stack.tables["ConfigurationTable"], Item=item)
    stack.apply({"clients": [], "resourceServers": [], "tenant": {}}, allow_delete=True)
    assert stack.configuration.published_keys() == '{"keys":[]}'


# ---- Two at once, and half-way


def test_a_plan_that_was_overtaken_is_not_applied_over_the_other(stack: Stack) -> None:
    stack.apply(WHOLE)
    slow = stack.plan(changed("clients", 0, "name", to="Slow"))
    stack.apply(changed("clients", 0, "name", to="Quick"))
    with pytest.raises(Outdated, match="application spa"):
        applying.apply(slow, stack.store, PASSWORDS)
    application = stack.configuration.application("spa")
    assert application is not None
    assert application.name == "Quick"


def test_what_somebody_else_has_changed_is_not_deleted_by_a_plan_from_before(stack: Stack) -> None:
    stack.apply(WHOLE)
    slow = stack.plan({"clients": []})
    stack.apply(changed("clients", 0, "name", to="Quick"))
    with pytest.raises(Outdated, match="application spa"):
        applying.apply(slow, stack.store, PASSWORDS, allow_delete=True)
    assert stack.configuration.application("spa") is not None


def test_two_that_delete_the_same_thing_are_both_content(stack: Stack) -> None:
    stack.apply(WHOLE)
    slow = stack.plan({"clients": []})
    stack.apply({"clients": []}, allow_delete=True)
    applying.apply(slow, stack.store, PASSWORDS, allow_delete=True)
    assert stack.configuration.application("spa") is None


def test_two_that_create_the_same_thing_do_not_overwrite_each_other(stack: Stack) -> None:
    slow = stack.plan({"clients": [SPA]})
    stack.apply({"clients": [SPA | {"name": "Quick"}]})
    with pytest.raises(Outdated):
        applying.apply(slow, stack.store, PASSWORDS)


def test_an_address_that_somebody_has_is_refused(stack: Stack) -> None:
    stack.users.put(User("auth0|other", "ada@example.com", "hash"), replacing=None)
    with pytest.raises(UserConflict):
        stack.apply(WHOLE)
    assert stack.users.by_id("auth0|ada") is None


def test_an_interrupted_apply_is_completed_by_the_next(stack: Stack) -> None:
    """Whatever the number of writes after which it stops."""
    plan = stack.plan(WHOLE)
    for reached in range(len(plan.changes)):
        harness.empty(stack.client, stack.tables)
        applying.apply(Plan(plan.changes[:reached]), stack.store, PASSWORDS)
        stack.apply(WHOLE)
        assert stack.plan(WHOLE).changes == ()


# ---- Logins that end


def log_in(stack: Stack, user_id: str, family_id: bytes) -> FamilyKey:
    """Give a user a family."""
    key = FamilyKey(refresh_token.user_key(user_id), family_id * 16)
    grant = Grant("spa", user_id, "session", API, frozenset({"openid"}), NOW)
    family = Family(
        key=key,
        grant=grant,
        generation=0,
        live_digest=b"digest",
        superseded={},
        attempt="",
        created_at=NOW,
        absolute_expires_at=NOW + 1000,
        exchanged_at=NOW,
        idle_expires_at=NOW + 1000,
    )
    stack.client.put_item(TableName=stack.tables["FamiliesTable"], Item=item_of(family))
    return key


def vars_of(store: DynamoDBStore) -> Document:
    """What a store is made of, for another kind of it."""
    return {each.name: getattr(store, each.name) for each in dataclasses.fields(store)}


@pytest.mark.parametrize(
    ("change", "because"),
    [({"password": "another password"}, "password changed"), ({"blocked": True}, "user blocked")],
)
def test_a_new_password_and_a_block_end_every_login(stack: Stack, change: Document, because: str) -> None:
    stack.apply(WHOLE)
    mine = [log_in(stack, "auth0|ada", bytes([number])) for number in range(3)]
    theirs = log_in(stack, "auth0|bea", b"b")
    before = stack.families.epoch(mine[0].user_key)
    stack.apply(changed("users", to=[ADA | change]))
    families = [stack.families.find(key) for key in mine]
    assert [(family.revoked_at, family.revoked_because) for family in families if family] == [(NOW, because)] * 3
    assert stack.families.epoch(mine[0].user_key) > before
    other = stack.families.find(theirs)
    assert other is not None
    assert other.revoked_at is None
    assert isinstance(stack.store.events, Recorded)
    assert {event.user_id for event in stack.store.events} == {"auth0|ada"}
    assert stack.store.events.types == ["srrt", "srrt", "srrt", "slo", "slo"], "before the change, and once more after"


def test_any_other_change_leaves_people_logged_in(stack: Stack) -> None:
    stack.apply(WHOLE)
    key = log_in(stack, "auth0|ada", b"a")
    stack.apply(changed("users", to=[ADA | {"email": "new@example.com", "name": "New", "blocked": False}]))
    family = stack.families.find(key)
    assert family is not None
    assert family.revoked_at is None
    assert stack.families.epoch(key.user_key) == 0


def test_a_family_that_ended_before_keeps_its_reason(stack: Stack) -> None:
    stack.apply(WHOLE)
    key = log_in(stack, "auth0|ada", b"a")
    stack.families.revoke(key, client_id="spa", because="reuse", now=NOW - 5)
    stack.store.end_logins("auth0|ada", because="user blocked")
    family = stack.families.find(key)
    assert family is not None
    assert (family.revoked_at, family.revoked_because) == (NOW - 5, "reuse")


def test_ending_logins_makes_no_family_of_the_epoch(stack: Stack) -> None:
    key = refresh_token.user_key("auth0|ada")
    stack.store.end_logins("auth0|ada", because="user blocked")
    item = stack.client.get_item(TableName=stack.tables["FamiliesTable"], Key=epoch_key(key))["Item"]
    assert item == {**epoch_key(key), "epoch": number(1)}


def test_a_block_that_is_interrupted_leaves_nobody_logged_in(stack: Stack) -> None:
    """Once the user is stored, the next plan finds nothing to do: the logins must have ended by then."""
    stack.apply(WHOLE)
    key = log_in(stack, "auth0|ada", b"a")
    blocked = changed("users", 0, "blocked", to=True)

    class Interrupted(DynamoDBStore):
        def put_user(self, user: User, *, replacing: User | None) -> None:
            super().put_user(user, replacing=replacing)
            raise StoreUnavailable("gone")

    with pytest.raises(StoreUnavailable):
        applying.apply(stack.plan(blocked), Interrupted(**vars_of(stack.store)), PASSWORDS)
    assert stack.plan(blocked).changes == ()
    family = stack.families.find(key)
    assert family is not None
    assert family.revoked_at is not None


def test_a_login_between_the_two_ends_does_not_survive(stack: Stack) -> None:
    """Until the new password is stored, the old one still logs in."""
    stack.apply(WHOLE)
    raced: list[FamilyKey] = []

    class Raced(DynamoDBStore):
        def put_user(self, user: User, *, replacing: User | None) -> None:
            raced.append(log_in(stack, user.user_id, b"r"))
            super().put_user(user, replacing=replacing)

    plan = stack.plan(changed("users", 0, "password", to="another password"))
    applying.apply(plan, Raced(**vars_of(stack.store)), PASSWORDS)
    family = stack.families.find(raced[0])
    assert family is not None
    assert family.revoked_at is not None


# ---- How long a family may live, of which the rotation of the keys must know


@pytest.fixture
def noted(stack: Stack) -> "Noted":
    """A stack whose keys were just made: the note is there from then on."""
    item = {"kind": string(LONGEST_FAMILY), "id": string(LONGEST_FAMILY), "seconds": number(0)}
    stack.client.put_item(TableName=stack.tables["ConfigurationTable"], Item=item)
    return Noted(stack)


@dataclasses.dataclass(frozen=True)
class Noted:
    stack: Stack

    @property
    def seconds(self) -> int | None:
        key = {"kind": string(LONGEST_FAMILY), "id": string(LONGEST_FAMILY)}
        item = self.stack.client.get_item(TableName=self.stack.tables["ConfigurationTable"], Key=key).get("Item")
        return int(item["seconds"]["N"]) if item else None

    def allow(self, **policy: object) -> None:
        """Apply the file with these refresh token settings of its web application, the only one."""
        web = {**WEB, "refresh_token": policy}
        self.stack.apply({"clients": [web]}, allow_delete=True)


def test_the_longest_lifetime_of_a_family_is_noted_and_never_shortened(noted: Noted) -> None:
    seen = []
    for days in (30, 300, 40):
        noted.allow(rotation_type="rotating", expiration_type="expiring", token_lifetime=days * DAY, leeway=1)
        seen.append(noted.seconds)

    assert seen == [30 * DAY, 300 * DAY, 300 * DAY]


def test_a_family_without_an_end_is_noted_for_good(noted: Noted) -> None:
    noted.allow(rotation_type="non-rotating", expiration_type="non-expiring")
    noted.allow(rotation_type="rotating", expiration_type="expiring", token_lifetime=DAY, leeway=1)

    assert noted.seconds == NEVER


def test_a_stack_without_the_note_gets_none_since_nobody_knows_its_past(stack: Stack) -> None:
    stack.apply(WHOLE)

    assert Noted(stack).seconds is None


def test_the_lifetime_is_noted_before_it_is_allowed(noted: Noted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a family might be made that nobody waits for."""
    written: list[str] = []
    put_item = noted.stack.client.put_item

    def recorded(**arguments: Any) -> Any:
        written.append(arguments["Item"]["kind"]["S"])
        return put_item(**arguments)

    monkeypatch.setattr(noted.stack.client, "put_item", recorded)
    noted.allow(rotation_type="rotating", expiration_type="expiring", token_lifetime=DAY, leeway=1)

    assert written == [LONGEST_FAMILY, "application"]
