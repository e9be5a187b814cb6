"""Applications, APIs and what machines may get: the rules of the tenant file, one object at a time."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from heirloom.adapters import configuration
from heirloom.domain import management_api
from heirloom.domain.application import secret_digest
from heirloom.domain.client_grant import ClientGrant
from heirloom.tenant import planning, reading
from heirloom.tenant.store import DynamoDBStore
from tests.management.administrator import ADMINISTRATOR, AUDIENCE, Administrator
from tests.sdk import machines
from tests.service import API, ISSUER, SECRET, SPA, WEB, Service

NEW = {"name": "New", "app_type": "regular_web", "callbacks": ["https://new.example/callback"]}
KEYS = {"token_endpoint_auth_method": "private_key_jwt", "app_type": "non_interactive"}


def store(admin: Administrator) -> DynamoDBStore:
    service, tables = admin.service, admin.service.tables
    return DynamoDBStore(
        service.client,
        tables["ConfigurationTable"],
        tables["UsersTable"],
        tables["FamiliesTable"],
        lambda: service.now,
        service.events,
    )


def kept(admin: Administrator, client_id: str) -> bytes | None:
    return admin.applied(client_id).secret_digest


# ---- Applications


def test_an_application_is_made_with_an_id_and_a_secret_that_is_shown_once(
    service: Service, admin: Administrator
) -> None:
    answer = admin.call("POST", "clients", NEW)

    assert answer.status == 201, answer.body
    made = answer.json
    assert (made["name"], made["token_endpoint_auth_method"]) == ("New", "client_secret_post")
    assert len(made["client_id"]) == 32
    assert kept(admin, made["client_id"]) == secret_digest(made["client_secret"])
    read = admin.call("GET", f"clients/{made['client_id']}").json
    assert read == {name: value for name, value in made.items() if name != "client_secret"}
    assert made["client_secret"] not in repr(list(service.events))


def test_it_may_bring_both(admin: Administrator) -> None:
    made = admin.call("POST", "clients", NEW | {"client_id": "mine", "client_secret": "m" * 32}).json

    assert (made["client_id"], made["client_secret"]) == ("mine", "m" * 32)
    assert kept(admin, "mine") == secret_digest("m" * 32)
    assert admin.call("POST", "clients", NEW | {"client_id": "mine"}).problem == (409, "already_exists")
    assert kept(admin, "mine") == secret_digest("m" * 32)


def test_what_keeps_no_secret_gets_none(admin: Administrator) -> None:
    browser = {
        "name": "Browser",
        "app_type": "spa",
        "callbacks": ["https://b.example/"],
        "web_origins": ["https://b.example"],
    }
    made = admin.call("POST", "clients", browser).json
    signer = {"name": "Signer", **KEYS, "jwks": {"keys": [machines.public_jwk("ec")]}}
    signed = admin.call("POST", "clients", signer).json

    assert "client_secret" not in made
    assert "client_secret" not in signed
    assert signed["jwks"]["keys"][0]["crv"] == "P-256"
    assert admin.document(configuration.WEB_ORIGIN, "https://b.example") == configuration.EMPTY


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": None}, "name: is missing"),
        (
            {"app_type": "spa", "token_endpoint_auth_method": "client_secret_post"},
            "token_endpoint_auth_method: must be none",
        ),
        ({"callbacks": ["http://new.example/"]}, "callbacks[0]: "),
        ({"refresh_token": {"leeway": 86400}}, "refresh_token.leeway: "),
        ({"description": "x"}, "description: not supported"),
        ({"grant_types": ["implicit"]}, "grant_types[0]: implicit is not offered"),
        ({"organization_usage": "require"}, "organization_usage: protects something"),
        ({"calbacks": []}, "calbacks: unknown property; did you mean callbacks?"),
        ({"client_id": "with a space"}, "client_id: must be 1 to 32 letters"),
        ({"client_secret": "short"}, "client_secret: must be 32 to 512"),
    ],
)
def test_a_wrong_application_is_refused_with_the_reason(
    admin: Administrator, change: dict[str, Any], said: str
) -> None:
    before = admin.service.items("ConfigurationTable")

    answer = admin.call("POST", "clients", NEW | change)

    assert answer.problem == (400, "invalid_body")
    assert answer.json["message"].startswith("Payload validation error: ")
    assert said in answer.json["message"]
    assert admin.service.items("ConfigurationTable") == before


def test_applications_are_listed_and_filtered(admin: Administrator) -> None:
    names = [it["client_id"] for it in admin.call("GET", "clients").json]
    assert names == ["administrator", "native", "spa", "stranger", "web"]
    by_type = admin.call("GET", "clients", app_type="spa,native", is_first_party="true").json
    assert [it["client_id"] for it in by_type] == ["native", "spa"]
    page = admin.call("GET", "clients", per_page=2, page=1, include_totals="true", fields="client_id,name").json
    assert page == {
        "start": 2,
        "limit": 2,
        "length": 2,
        "total": 5,
        "clients": [{"client_id": "spa", "name": "Notes"}, {"client_id": "stranger", "name": "Stranger"}],
    }
    first = admin.call("GET", "clients", take=3).json
    rest = admin.call("GET", "clients", take=3, from_=first["next"]).json
    assert [it["client_id"] for it in first["clients"] + rest["clients"]] == names
    assert "next" not in rest
    assert "secret" not in admin.call("GET", "clients").body.replace("client_secret_post", "")


def test_a_change_touches_what_it_names_and_nothing_else(admin: Administrator) -> None:
    before = admin.applied("web")
    answer = admin.call("PATCH", "clients/web", {"name": "Other", "refresh_token": {"leeway": 5}})

    assert (answer.status, answer.json["name"], answer.json["refresh_token"]["leeway"]) == (200, "Other", 5)
    expected = dataclasses.replace(
        before, name="Other", refresh_token=dataclasses.replace(before.refresh_token, leeway=5)
    )
    assert admin.applied("web") == expected, "the secret too"


def test_null_is_the_default_again(admin: Administrator) -> None:
    admin.call("PATCH", "clients/web", {"jwt_configuration": {"lifetime_in_seconds": 60}})
    answer = admin.call("PATCH", "clients/web", {"jwt_configuration": None, "allowed_logout_urls": None})

    assert answer.json["jwt_configuration"]["lifetime_in_seconds"] == WEB.id_token_lifetime
    assert answer.json["allowed_logout_urls"] == []


def test_the_way_to_authenticate_changes_with_its_keys_and_secrets(admin: Administrator) -> None:
    to_keys = admin.call("PATCH", "clients/administrator", {**KEYS, "jwks": {"keys": [machines.public_jwk("rsa")]}})
    assert to_keys.status == 200, to_keys.body
    assert kept(admin, "administrator") is None
    assert admin.call("POST", "clients/administrator/rotate-secret").status == 400

    back = admin.call("PATCH", "clients/administrator", {"token_endpoint_auth_method": "client_secret_post"})
    assert back.status == 200, back.body
    assert "jwks" not in back.json
    assert kept(admin, "administrator") == secret_digest(back.json["client_secret"])


def test_an_id_is_for_good(admin: Administrator) -> None:
    assert admin.call("PATCH", "clients/web", {"client_id": "other"}).problem == (400, "invalid_body")
    assert admin.call("PATCH", "clients/web", {"client_id": "web"}).status == 200


def test_a_new_secret_takes_the_place_of_the_old_one(admin: Administrator) -> None:
    answer = admin.call("POST", "clients/web/rotate-secret")

    assert answer.status == 200
    assert kept(admin, "web") == secret_digest(answer.json["client_secret"]) != secret_digest(SECRET)
    assert admin.call("POST", "clients/spa/rotate-secret").problem == (400, "invalid_body")
    assert admin.call("POST", "clients/none/rotate-secret").problem == (404, "inexistent_client")


def test_a_deleted_application_is_gone_with_its_grants_and_origins(admin: Administrator) -> None:
    grant = {"client_id": "administrator", "audience": API, "scope": ["read:notes"]}
    assert admin.call("POST", "client-grants", grant).status == 201
    token = admin.token()

    assert (admin.call("DELETE", "clients/spa").status, admin.call("DELETE", "clients/stranger").status) == (204, 204)
    assert admin.call("DELETE", "clients/administrator", token=token).status == 204

    assert admin.document(configuration.APPLICATION, "spa") is None
    assert admin.document(configuration.WEB_ORIGIN, next(iter(SPA.web_origins))) is None
    assert admin.document(configuration.CLIENT_GRANT, f"administrator {API}") is None
    admin.service.wait(61)
    assert admin.call("GET", "clients", token=token).problem == (403, "insufficient_scope"), (
        "it took its own grant away"
    )


def test_an_application_that_there_is_not_is_not_found(admin: Administrator) -> None:
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert admin.call(method, "clients/none", body).problem == (404, "inexistent_client")


def test_of_two_who_change_one_application_at_once_none_overwrites_the_other(admin: Administrator) -> None:
    token = admin.token()
    bodies = [{"name": f"Name {number}"} for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: admin.call("PATCH", "clients/web", body, token=token), bodies))

    assert {answer.status for answer in answers} <= {200, 409}
    winners = {answer.json["name"] for answer in answers if answer.status == 200}
    assert admin.applied("web").name in winners
    assert {answer.problem for answer in answers if answer.status == 409} <= {(409, "conflict")}


def test_the_file_plans_no_change_of_what_the_api_made(admin: Administrator) -> None:
    made = admin.call("POST", "clients", NEW | {"client_id": "new"}).json
    section = admin.call("GET", "clients").json
    assert made["client_id"] in {it["client_id"] for it in section}

    desired = reading.read({"clients": section}, now=admin.service.now)
    plan = planning.plan(desired, planning.current(store(admin), desired), admin.passwords)

    assert plan.changes == ()


# ---- APIs


def test_apis_are_made_changed_and_deleted(admin: Administrator) -> None:
    new: dict[str, Any] = {
        "identifier": "https://new.example/api",
        "scopes": [{"value": "read:all", "description": "Read all"}],
    }
    answer = admin.call("POST", "resource-servers", new)
    assert answer.status == 201, answer.body
    made = answer.json
    assert (made["identifier"], made["name"], made["is_system"]) == (new["identifier"], new["identifier"], False)

    changed = admin.call("PATCH", f"resource-servers/{made['id']}", {"name": "New", "token_lifetime": 700}).json
    assert (changed["name"], changed["token_lifetime"], changed["scopes"]) == ("New", 700, new["scopes"])
    assert admin.call("GET", f"resource-servers/{new['identifier']}").json == changed
    assert admin.configuration.resource_server(new["identifier"]) is not None
    assert admin.call("PATCH", f"resource-servers/{made['id']}", {"identifier": "urn:x"}).status == 400
    assert admin.call("POST", "resource-servers", new).problem == (409, "already_exists")

    assert admin.call("DELETE", f"resource-servers/{made['id']}").status == 204
    assert admin.document(configuration.RESOURCE_SERVER, new["identifier"]) is None
    assert admin.call("DELETE", f"resource-servers/{made['id']}").problem == (404, "inexistent_resource_server")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"identifier": None}, "identifier: "),
        ({"signing_alg": "HS256"}, "signing_alg: "),
        ({"token_lifetime": 30}, "leeway"),
        ({"enforce_policies": True}, "enforce_policies: protects something"),
        ({"scopes": [{"value": "openid"}]}, "scopes[0].value: openid is a scope of OpenID Connect"),
    ],
)
def test_a_wrong_api_is_refused_with_the_reason(admin: Administrator, change: dict[str, Any], said: str) -> None:
    answer = admin.call("POST", "resource-servers", {"identifier": "urn:new"} | change)

    assert answer.problem == (400, "invalid_body")
    assert said in answer.json["message"]


def test_the_management_api_is_among_them_and_stays_as_it_is(admin: Administrator) -> None:
    listed = {it["identifier"]: it for it in admin.call("GET", "resource-servers").json}

    assert set(listed) == {API, AUDIENCE, "https://online.example/api"}
    system = listed[AUDIENCE]
    assert system["is_system"] is True
    assert {scope["value"] for scope in system["scopes"]} == set(management_api.SCOPES)
    for method, body in (("PATCH", {"name": "Ours"}), ("DELETE", None)):
        assert admin.call(method, f"resource-servers/{system['id']}", body).problem == (400, "invalid_body")
    assert admin.call("POST", "resource-servers", {"identifier": AUDIENCE}).problem == (409, "already_exists")
    other = {"identifier": "https://other.example/api/v2/"}
    assert admin.call("POST", "resource-servers", other).problem == (409, "already_exists")


# ---- Client grants


def test_machines_are_granted_scopes_and_lose_them(admin: Administrator) -> None:
    grant = {"client_id": "administrator", "audience": API, "scope": ["read:notes"]}
    made = admin.call("POST", "client-grants", grant)
    assert made.status == 201, made.body
    assert made.json == {"id": made.json["id"], **grant}
    assert admin.configuration.client_grant("administrator", API) == ClientGrant(
        "administrator", API, frozenset({"read:notes"})
    )
    assert admin.call("POST", "client-grants", grant).problem == (409, "already_exists")
    part = admin.call("GET", "client-grants", take=10, client_id="administrator", audience=API).json
    assert part == {"client_grants": [made.json]}

    path = f"client-grants/{made.json['id']}"
    assert admin.call("PATCH", path, {"scope": []}).json["scope"] == []
    assert admin.call("PATCH", path, {"scope": ["write:all"]}).problem == (400, "invalid_body")
    assert admin.call("DELETE", path).status == 204
    assert admin.call("DELETE", path).problem == (404, "inexistent_client_grant")


def test_scopes_of_the_management_api_are_granted_too(admin: Administrator) -> None:
    machine = dataclasses.replace(ADMINISTRATOR, client_id="machine")
    admin.declare(machine)
    grant = {"client_id": "machine", "audience": AUDIENCE, "scope": ["read:users"]}

    made = admin.call("POST", "client-grants", grant)

    assert made.status == 201, made.body
    assert made.json["audience"] == AUDIENCE
    stored = admin.configuration.client_grant("machine", management_api.AUDIENCE)
    assert stored is not None
    assert stored.scope == {"read:users"}
    more = admin.call("PATCH", f"client-grants/{made.json['id']}", {"scope": ["read:users", "read:logs"]})
    assert more.json["scope"] == ["read:logs", "read:users"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"client_id": "none"}, "client_id: is no client"),
        ({"client_id": "spa"}, "client_id: is a public client"),
        ({"client_id": "web"}, "client_id: is a client without client_credentials"),
        ({"audience": "urn:none"}, "audience: is no API of this tenant"),
        ({"audience": "https://other.example/api/v2/"}, "audience: is another tenant's Management API"),
        ({"audience": AUDIENCE}, "read:notes is no scope of the Management API"),
        ({"scope": ["read:none"]}, "scope[0]: read:none is no scope of the API"),
        ({"subject_type": "user"}, "subject_type: user is not supported"),
        ({"organization_usage": "require"}, "organization_usage"),
    ],
)
def test_a_wrong_grant_is_refused_with_the_reason(admin: Administrator, change: dict[str, Any], said: str) -> None:
    admin.declare(dataclasses.replace(ADMINISTRATOR, client_id="machine"))
    grant = {"client_id": "machine", "audience": API, "scope": ["read:notes"]}

    answer = admin.call("POST", "client-grants", grant | change)

    assert answer.problem == (400, "invalid_body")
    assert said in answer.json["message"]


# ---- The tenant


def test_the_tenants_settings_are_read(admin: Administrator) -> None:
    tenant = dataclasses.replace(admin.service.configuration.settings, friendly_name="Ours")
    admin.put(configuration.TENANT, configuration.TENANT, configuration.encode(tenant))

    settings = admin.call("GET", "tenants/settings").json

    assert (settings["friendly_name"], settings["session_lifetime"]) == ("Ours", 168.0)
    assert admin.call("GET", "tenants/settings", fields="friendly_name").json == {"friendly_name": "Ours"}
    assert ISSUER not in str(settings)
