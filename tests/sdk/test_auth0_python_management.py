"""auth0-python's `ManagementClient`: a program of an operator looks at logins, ends them, and administers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from auth0.authentication import GetToken
from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError
from auth0.management.errors import ForbiddenError, NotFoundError
from auth0.management.types import ResourceServerScope

from heirloom.domain import management_api
from tests.sdk import running
from tests.sdk.running import API, CALLBACK, EMAIL, PASSWORD, SECRET, SUBJECT, World
from tests.sdk.story import python_version

SDK = {"sdk": "auth0-python", "version": python_version("auth0-python")}

pytestmark = [  # the SDK's
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*invalid escape sequence:SyntaxWarning"),
]

CONNECTION = "Username-Password-Authentication"


def tenant_file(world: World) -> dict[str, Any]:
    """Return the usual tenant, with a program that may do anything and one that may read users."""
    tenant = running.tenant_file(world)
    for name, scope in (("operations", [*management_api.SCOPES]), ("support", ["read:users"])):
        machine = {"name": name, "client_id": name, "client_secret": SECRET, "app_type": "non_interactive"}
        tenant["clients"].append(machine)
        grant = {"client_id": name, "audience": f"{world.issuer}api/v2/", "scope": scope}
        tenant.setdefault("clientGrants", []).append(grant)
    return tenant


@pytest.fixture(scope="module", name="managed")
def _managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running.secure_world(tmp_path_factory.mktemp("management"), tenant_file) as world:
        yield world


@contextmanager
def client(world: World, **credentials: str) -> Iterator[ManagementClient]:
    """The SDK, which gets its tokens itself unless it is given one."""
    with httpx.Client(verify=world.verify) as http:
        yield ManagementClient(domain=urlsplit(world.issuer).netloc, **credentials, httpx_client=http)  # type: ignore[arg-type] # it has more of them


@pytest.fixture(name="api")
def _api(managed: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[ManagementClient]:
    monkeypatch.setenv("SSL_CERT_FILE", str(managed.authority))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(managed.authority))
    with client(managed, client_id="operations", client_secret=SECRET) as api:
        yield api


@pytest.fixture(name="token")
def _token(managed: World, api: ManagementClient) -> str:
    """A refresh token of alice's, at the application `post`."""
    assert api is not None
    query = {
        "client_id": "post",
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid offline_access",
        "audience": API,
        "state": "s",
    }
    callback = running.log_in(str(httpx.URL(f"{managed.issuer}authorize", params=query)), verify=managed.verify)
    domain = urlsplit(managed.issuer).netloc
    code = running.parameter(callback, "code")
    answer = GetToken(domain, "post", SECRET).authorization_code(code, CALLBACK)
    return str(answer["refresh_token"])


def test_it_lists_a_users_refresh_tokens_and_revokes_them(managed: World, api: ManagementClient, token: str) -> None:
    live = managed.present(token, "post", client_secret=SECRET).json()["refresh_token"]
    listed = list(api.users.refresh_token.list(SUBJECT, take=1))
    assert len(listed) == 1
    (shown,) = (it for it in api.refresh_tokens.list(user_id=SUBJECT, client_id="post"))
    assert (shown.id, shown.client_id, shown.user_id) == (listed[0].id, "post", SUBJECT)
    assert shown.id is not None
    assert api.refresh_tokens.get(shown.id).rotating is True
    updated = api.refresh_tokens.update(shown.id, refresh_token_metadata={"device": "phone"})
    assert updated.refresh_token_metadata == {"device": "phone"}

    api.refresh_tokens.revoke(user_id=SUBJECT)

    refused = managed.present(live, "post", client_secret=SECRET)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert list(api.users.refresh_token.list(SUBJECT)) == []
    with pytest.raises(NotFoundError):
        api.refresh_tokens.get(shown.id)


def test_it_revokes_one_and_those_of_an_application(managed: World, api: ManagementClient, token: str) -> None:
    (shown,) = api.refresh_tokens.list(user_id=SUBJECT)
    assert shown.id is not None
    api.refresh_tokens.delete(shown.id)
    assert managed.present(token, "post", client_secret=SECRET).status_code == 400

    api.users.refresh_token.delete(SUBJECT)
    api.refresh_tokens.revoke(user_id=SUBJECT, client_id="post")
    api.refresh_tokens.revoke(ids=[shown.id])


def test_it_sees_device_credentials(api: ManagementClient, token: str) -> None:
    assert token
    (credential,) = api.device_credentials.list(user_id=SUBJECT, type="rotating_refresh_token")
    assert credential.client_id == "post"
    assert credential.device_name is not None
    assert credential.device_name.startswith("python-httpx/")
    api.device_credentials.delete(str(credential.id))
    assert list(api.device_credentials.list(user_id=SUBJECT)) == []


def test_it_lists_sessions_and_ends_them(api: ManagementClient, managed: World, token: str) -> None:
    sessions = list(api.users.sessions.list(SUBJECT))
    newest = max(sessions, key=lambda it: str(it.authenticated_at))
    assert api.sessions.get(str(newest.id)).user_id == SUBJECT

    for session in sessions:
        api.sessions.revoke(str(session.id))

    assert managed.present(token, "post", client_secret=SECRET).status_code == 400
    assert list(api.users.sessions.list(SUBJECT)) == []
    api.sessions.delete(str(newest.id))
    api.users.sessions.delete(SUBJECT)


def test_it_makes_changes_and_deletes_applications(api: ManagementClient) -> None:
    made = api.clients.create(name="Made", app_type="regular_web", callbacks=["https://made.example/callback"])
    assert made.client_id
    assert made.client_secret
    assert made.client_id in {it.client_id for it in api.clients.list(per_page=2)}
    assert api.clients.update(made.client_id, name="Renamed").name == "Renamed"
    rotated = api.clients.rotate_secret(made.client_id)
    assert rotated.client_secret not in {None, made.client_secret}
    assert api.clients.get(made.client_id).client_secret is None

    api.clients.delete(made.client_id)

    with pytest.raises(NotFoundError) as refused:
        api.clients.get(made.client_id)
    assert refused.value.body["errorCode"] == "inexistent_client"


def test_it_makes_changes_and_deletes_apis_and_grants(api: ManagementClient) -> None:
    made = api.resource_servers.create(
        identifier="https://made.example/api", scopes=[ResourceServerScope(value="read:all")]
    )
    assert made.id
    assert api.resource_servers.update(made.id, name="Made").name == "Made"
    assert api.resource_servers.get(made.id).identifier == made.identifier
    assert made.identifier in {it.identifier for it in api.resource_servers.list()}
    grant = api.client_grants.create(client_id="support", audience="https://made.example/api", scope=["read:all"])
    assert grant.id
    assert [it.id for it in api.client_grants.list(client_id="support", audience=made.identifier)] == [grant.id]
    assert api.client_grants.update(grant.id, scope=[]).scope == []
    api.client_grants.delete(grant.id)
    api.resource_servers.delete(made.id)


def test_it_makes_finds_changes_and_deletes_users(api: ManagementClient) -> None:
    made = api.users.create(connection=CONNECTION, email="carol@example.com", password="a long password", name="Carol")
    assert made.user_id
    assert [it.user_id for it in api.users.list(q='email:"carol@example.com"')] == [made.user_id]
    assert [it.user_id for it in api.users.list_users_by_email(email="carol@example.com")] == [made.user_id]
    assert made.user_id in {it.user_id for it in api.users.list(per_page=1)}
    assert api.users.update(made.user_id, blocked=True).blocked is True
    assert api.users.get(made.user_id).name == "Carol"
    api.users.delete(made.user_id)
    with pytest.raises(NotFoundError):
        api.users.get(made.user_id)


def test_it_reads_grants_and_the_tenant(api: ManagementClient) -> None:
    assert list(api.user_grants.list(user_id=SUBJECT)) == []
    api.user_grants.delete_by_user_id(user_id=SUBJECT)
    assert api.tenants.settings.get().friendly_name == "Heirloom"


def test_it_reads_the_log(api: ManagementClient, token: str) -> None:
    assert token
    types = set()
    for event in api.logs.list(per_page=50):
        types.add(event.type)
        if {"s", "seacft", "sapi"} <= types:
            break
    assert {"s", "seacft", "sapi"} <= types
    first = next(iter(api.logs.list(per_page=1)))
    assert first.log_id is not None
    assert api.logs.get(first.log_id).type == first.type


def test_it_hears_that_its_scope_does_not_reach(managed: World, api: ManagementClient) -> None:
    assert api is not None
    with client(managed, client_id="support", client_secret=SECRET) as support:
        assert support.users.get(SUBJECT).email == EMAIL

        with pytest.raises(ForbiddenError) as refused:
            support.users.delete(SUBJECT)

    assert refused.value.body["errorCode"] == "insufficient_scope"
    assert refused.value.body["message"] == "Insufficient scope, expected any of: delete:users"


def test_without_a_token_it_hears_401(managed: World) -> None:
    with client(managed, token="nonsense") as stranger, pytest.raises(ApiError) as refused:
        stranger.users.get(SUBJECT)

    assert refused.value.status_code == 401
    assert PASSWORD not in str(refused.value)
