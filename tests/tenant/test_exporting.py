"""What is exported and planned again changes nothing, whatever was applied; and no secret is in it."""

from collections.abc import Mapping
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from cli import tenant_file
from heirloom.adapters.passwords import CHEAPEST, Argon2Passwords
from heirloom.domain.user import User
from heirloom.tenant import applying, exporting, planning, reading
from heirloom.tenant.store import Outdated
from tests.sdk import machines
from tests.tenant.documents import ADA, NOW, WHOLE, Document

PASSWORDS = Argon2Passwords(CHEAPEST)
SECRET = "a client secret that must not come out"


class Memory:
    """The port `Store` in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, str]] = {}
        self.users: dict[str, User] = {}

    def documents(self, kind: str) -> dict[str, str]:
        return dict(self.kept.get(kind, {}))

    def put(self, kind: str, name: str, document: str, *, replacing: str | None) -> None:
        if self.documents(kind).get(name) != replacing:
            raise Outdated(name)
        self.kept.setdefault(kind, {})[name] = document

    def delete(self, kind: str, name: str, *, former: str) -> None:
        assert self.kept[kind].pop(name) == former

    def user(self, user_id: str) -> User | None:
        return self.users.get(user_id)

    def put_user(self, user: User, *, replacing: User | None) -> None:
        assert self.user(user.user_id) == replacing
        self.users[user.user_id] = user

    def end_logins(self, user_id: str, *, because: str) -> None:
        raise AssertionError(f"{user_id} {because}")


def plan(document: object, store: Memory) -> planning.Plan:
    desired = reading.read(document, now=NOW)
    return planning.plan(desired, planning.current(store, desired), PASSWORDS)


def applied(document: object, store: Memory | None = None) -> Memory:
    store = store or Memory()
    applying.apply(plan(document, store), store, PASSWORDS)
    return store


# ---- Files


def optional(**properties: SearchStrategy[Any]) -> SearchStrategy[Document]:
    return st.fixed_dictionaries({}, optional=properties)


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20) | st.sampled_from(
    ["yes", "null", "1e5", "2026-01-31", "#", ": a", "- a", "&a", " a ", "\x85\u2028", "'\"", "=", "0x1F"]
)
scopes = st.lists(st.from_regex(r"[a-z]{1,8}:[a-z]{1,8}", fullmatch=True), unique=True, max_size=4)
seconds = st.integers(3700, 31_557_600)
past = st.sampled_from([0, 1, NOW - 1, NOW])
urls = st.lists(
    st.sampled_from([f"https://{host}.example/{path}" for host in "ab" for path in ("", "%C3%A9", "a?b=c&d")]),
    unique=True,
)
origins = st.lists(st.sampled_from(["https://a.example", "http://localhost:3000", "https://b.example:8443"]))

a_tenant: SearchStrategy[Document] = optional(
    friendly_name=text,
    support_url=st.just("https://help.example/"),
    allowed_logout_urls=urls,
    flags=optional(revoke_refresh_token_grant=st.booleans(), require_pushed_authorization_requests=st.booleans()),
    device_flow=st.sampled_from([{}, {"charset": "digits", "mask": "***-*** ***"}, {"mask": "********"}]),
    not_before=past,
)


def session_lifetimes(idle: int, more: int) -> Document:
    return {"session_lifetime_in_minutes": idle + more, "idle_session_lifetime": idle / 60}


tenants = a_tenant | st.builds(session_lifetimes, st.integers(1, 9999), st.integers(0, 999))


@st.composite
def refresh_tokens(draw: DrawFn, *, first_party: bool, may_stay: bool) -> Document:
    idle = draw(seconds)
    settings = draw(
        optional(
            leeway=st.integers(0, 3600),
            token_lifetime=st.integers(idle, 31_557_600),
            infinite_token_lifetime=st.booleans(),
            revoke_on_logout=st.booleans(),
        )
    )
    if "token_lifetime" in settings:
        settings["idle_token_lifetime"] = idle
    if first_party:
        settings |= draw(
            optional(
                infinite_idle_token_lifetime=st.booleans(),
                policies=st.lists(
                    st.fixed_dictionaries({"audience": st.from_regex("urn:[a-z]", fullmatch=True), "scope": scopes}),
                    unique_by=lambda one: one["audience"],
                    max_size=2,
                ),
            )
        )
    if may_stay and first_party:
        settings |= draw(
            st.sampled_from([{}, {"rotation_type": "non-rotating"}])
            | st.just({"rotation_type": "non-rotating", "expiration_type": "non-expiring"})
        )
    if settings.get("infinite_idle_token_lifetime") and not settings.get("infinite_token_lifetime"):
        del settings["infinite_idle_token_lifetime"]
    return settings


@st.composite
def clients(draw: DrawFn, client_id: str) -> Document:
    kind = draw(st.sampled_from(["spa", "native", "regular_web", "non_interactive"]))
    first_party = draw(st.booleans())
    client = {"name": draw(text), "client_id": client_id, "app_type": kind, "is_first_party": first_party}
    client |= draw(
        optional(
            oidc_conformant=st.booleans(),
            callbacks=urls,
            allowed_logout_urls=urls,
            web_origins=origins,
            allowed_origins=origins,
            logo_uri=st.just("https://cdn.example/logo.png"),
            require_proof_of_possession=st.booleans(),
            require_pushed_authorization_requests=st.booleans(),
            refresh_token=refresh_tokens(first_party=first_party, may_stay=kind != "spa"),
            jwt_configuration=optional(lifetime_in_seconds=st.integers(1, 2_592_000)),
            oidc_logout=st.sampled_from([{}, {"backchannel_logout_urls": ["https://a.example/bye"]}]),
            grant_types=st.lists(st.sampled_from(["authorization_code", "refresh_token"]), unique=True),
            not_before=past,
        )
    )
    if kind in {"regular_web", "non_interactive"}:
        method = draw(st.sampled_from(["client_secret_post", "client_secret_basic", "private_key_jwt"]))
        client |= {"token_endpoint_auth_method": method, "require_proof_key": draw(st.booleans())}
        if method == "private_key_jwt":
            client["jwks"] = {"keys": draw(st.sampled_from(KEYS))}
        elif draw(st.booleans()):
            client["client_secret"] = SECRET
        client["grant_types"] = ["authorization_code", "refresh_token", "client_credentials"]
    return client


KEYS: list[list[Document]] = [
    [machines.public_jwk("rsa")],
    [machines.public_jwk("rsa") | {"alg": "PS256", "kid": "a: b"}, machines.public_jwk("ec")],
]

apis = st.fixed_dictionaries(
    {"identifier": st.from_regex(r"urn:[a-z]", fullmatch=True), "token_lifetime": st.integers(3700, 2_592_000)},
    optional={
        "name": text,
        "scopes": st.lists(
            st.fixed_dictionaries(
                {"value": st.from_regex(r"[a-z]{1,8}:[a-z]", fullmatch=True)}, optional={"description": text}
            ),
            unique_by=lambda scope: scope["value"],
            max_size=3,
        ),
        "allow_offline_access": st.booleans(),
        "token_dialect": st.sampled_from(["access_token", "rfc9068_profile"]),
        "skip_consent_for_verifiable_first_party_clients": st.booleans(),
        "proof_of_possession": st.sampled_from(
            [
                {"mechanism": "dpop", "required": True, "required_for": "public_clients"},
                {"mechanism": "dpop", "required": True},
                {"mechanism": "dpop"},
            ]
        ),
    },
)


@st.composite
def files(draw: DrawFn) -> Document:
    document: Document = {
        "clients": [draw(clients(f"client-{number}")) for number in range(draw(st.integers(0, 3)))],
        "resourceServers": draw(st.lists(apis, unique_by=lambda api: api["identifier"], max_size=3)),
    }
    machine_ids = [
        one["client_id"] for one in document["clients"] if "client_credentials" in one.get("grant_types", [])
    ]
    document["clientGrants"] = [
        {"client_id": client_id, "audience": api["identifier"], "scope": [one["value"] for one in api["scopes"]]}
        for client_id in machine_ids
        for api in document["resourceServers"]
        if "scopes" in api and draw(st.booleans())
    ]
    if draw(st.booleans()):
        document["tenant"] = draw(tenants)
        if document["resourceServers"] and draw(st.booleans()):
            document["tenant"]["default_audience"] = document["resourceServers"][0]["identifier"]
    return document


@given(files())
@settings(max_examples=100)
def test_an_export_is_a_file_that_changes_nothing_where_it_came_from(document: Document) -> None:
    store = applied(document)

    rendered = tenant_file.rendered(exporting.document(store))

    assert plan(yaml.safe_load(rendered), store).changes == ()
    assert SECRET not in rendered


@given(files())
@settings(max_examples=30)
def test_an_export_makes_the_same_tenant_elsewhere_but_for_the_secrets(document: Document) -> None:
    store = applied(document)
    told = exporting.document(store)

    assert exporting.document(applied(told)) == told


def test_users_and_their_passwords_stay_where_they_are() -> None:
    store = applied(WHOLE)

    told = exporting.document(store)

    assert set(told) == {"tenant", "clients", "resourceServers", "clientGrants"}
    for secret in (ADA["email"], ADA["password"], store.users[ADA["user_id"]].password_hash, "s" * 32):
        assert secret not in tenant_file.rendered(told)
    assert plan(told, store).changes == ()


def test_what_has_its_default_is_not_said() -> None:
    (said,) = (one for one in exporting.document(applied(WHOLE))["clients"] if one["client_id"] == "spa")

    assert said == {
        "name": "Notes",
        "client_id": "spa",
        "app_type": "spa",
        "token_endpoint_auth_method": "none",
        "callbacks": ["https://app.example/"],
        "web_origins": ["https://app.example"],
        "grant_types": ["authorization_code", "refresh_token"],
        "refresh_token": {"token_lifetime": 2592000, "idle_token_lifetime": 2592000},
    }


def test_a_tenant_to_which_nothing_was_applied_has_no_settings_of_its_own() -> None:
    empty: Mapping[str, object] = exporting.document(Memory())

    assert empty == {"clients": [], "resourceServers": [], "clientGrants": []}
    assert plan(empty, Memory()).changes == ()
