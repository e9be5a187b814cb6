"""What the store holds becomes a tenant file's properties, and reading these gives the same again."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from heirloom.domain.application import Application
from heirloom.domain.user import User
from heirloom.tenant import reading, writing
from tests.sdk import machines
from tests.tenant.documents import NATIVE, NOW, SPA, WEB, Document

EXAMPLE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "examples/tenant.yaml").read_text("utf-8"))

CLIENTS: list[Document] = [
    *EXAMPLE["clients"],
    SPA,
    WEB | {"logo_uri": "https://app.example/logo.png", "not_before": NOW - 1, "require_proof_key": False},
    WEB | {"oidc_logout": {"backchannel_logout_urls": ["https://web.example/bye"]}, "allowed_origins": []},
    NATIVE | {"refresh_token": {"rotation_type": "non-rotating", "expiration_type": "non-expiring"}},
    NATIVE | {"refresh_token": {"infinite_token_lifetime": True, "infinite_idle_token_lifetime": True}},
    NATIVE | {"refresh_token": {"policies": [{"audience": "https://a.example", "scope": ["b", "a"]}]}},
    NATIVE | {"refresh_token": {"token_lifetime": 3600, "idle_token_lifetime": 60, "revoke_on_logout": True}},
    NATIVE | {"grant_types": [], "is_first_party": False, "require_proof_of_possession": True},
    {
        "name": "Machine",
        "client_id": "machine",
        "app_type": "non_interactive",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [machines.public_jwk("rsa"), machines.public_jwk("ec") | {"kid": "named", "alg": "ES256"}]},
    },
]
APIS: list[Document] = [
    *EXAMPLE["resourceServers"],
    {"identifier": "urn:a", "proof_of_possession": {"mechanism": "dpop", "required": True}},
]


def read(**sections: object) -> reading.Desired:
    return reading.read(sections, now=NOW)


def client(document: Document) -> Application:
    (application,) = (read(clients=[document]).applications or {}).values()
    return application


@pytest.mark.parametrize("document", CLIENTS, ids=lambda document: document["name"])
def test_a_client_comes_back_without_its_secret(document: Document) -> None:
    application = client(document)

    assert client(writing.client_of(application)) == dataclasses.replace(application, secret_digest=None)


@pytest.mark.parametrize("document", APIS, ids=lambda document: document["identifier"])
def test_an_api_comes_back(document: Document) -> None:
    (api,) = (read(resourceServers=[document]).resource_servers or {}).values()

    assert read(resourceServers=[writing.resource_server_of(api)]).resource_servers == {api.identifier: api}


@pytest.mark.parametrize(
    "document",
    [
        EXAMPLE["tenant"],
        {},
        {"session_lifetime_in_minutes": 7, "idle_session_lifetime_in_minutes": 1, "not_before": NOW},
        {
            "support_url": "https://help.example/",
            "default_audience": "urn:a",
            "flags": {"revoke_refresh_token_grant": True, "require_pushed_authorization_requests": True},
            "device_flow": {"charset": "digits", "mask": "***-***-***"},
        },
    ],
)
def test_the_tenant_comes_back(document: Document) -> None:
    tenant = read(tenant=document).tenant
    assert tenant is not None

    assert read(tenant=writing.tenant_of(tenant)).tenant == tenant


def test_users_come_back_without_their_passwords() -> None:
    for wanted in read(users=EXAMPLE["users"]).users:
        user = User(wanted.user_id, wanted.email, "hash", blocked=bool(wanted.blocked), claims=wanted.claims)

        (again,) = read(users=[writing.user_of(user)]).users

        assert (again.user_id, again.email, again.claims, again.password) == (
            wanted.user_id,
            wanted.email,
            wanted.claims,
            None,
        )
