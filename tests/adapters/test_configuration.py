"""What a tenant file says reaches the functions as it was, from a cache that is a minute old at most."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from heirloom.adapters import configuration
from heirloom.adapters.attributes import string
from heirloom.adapters.configuration import DynamoDBConfiguration
from heirloom.domain import lifetimes
from heirloom.domain.application import Application, ApplicationType, AuthenticationMethod, Tenant
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.resource_server import ResourceServer
from tests import service as harness
from tests.service import API, ORIGIN, SPA, WEB

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

type Tables = tuple["DynamoDBClient", Mapping[str, str]]


class Table:
    """The configuration's table, a clock, and the reads so far."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self.client = client
        self.name = name
        self.now = 1_000.0
        self.reads: list[dict[str, Any]] = []

    def put(self, kind: str, name: str, document: str) -> None:
        item = {"kind": string(kind), "id": string(name), "document": string(document)}
        self.client.put_item(TableName=self.name, Item=item)

    def seen(self) -> DynamoDBConfiguration:
        """A configuration with an empty cache."""
        return DynamoDBConfiguration(self.client, self.name, clock=lambda: self.now)


@pytest.fixture
def table(tables: Tables) -> Iterator[Table]:
    harness.empty(*tables)
    client, names = tables
    table = Table(client, names["ConfigurationTable"])

    def note(params: dict[str, Any], **_: object) -> None:
        table.reads.append(json.loads(params["body"]))

    client.meta.events.register("before-call.dynamodb.GetItem", note)
    yield table
    client.meta.events.unregister("before-call.dynamodb.GetItem", note)


applications = st.from_type(Application)
apis = st.builds(ResourceServer, scopes=st.dictionaries(st.text(), st.text()))
tenants = st.from_type(Tenant)


@given(applications)
def test_an_application_survives_its_document(application: Application) -> None:
    assert configuration.decode_application(configuration.encode(application)) == application


@given(st.from_type(ClientGrant))
def test_a_client_grant_survives_its_document(grant: ClientGrant) -> None:
    assert configuration.decode_client_grant(configuration.encode(grant)) == grant


@given(apis)
def test_an_api_survives_its_document(api: ResourceServer) -> None:
    assert configuration.decode_resource_server(configuration.encode(api)) == api


@given(tenants)
def test_a_tenant_survives_its_document(tenant: Tenant) -> None:
    assert configuration.decode_tenant(configuration.encode(tenant)) == tenant


@given(applications, applications)
def test_equal_objects_have_equal_documents_and_others_have_not(one: Application, other: Application) -> None:
    assert (configuration.encode(one) == configuration.encode(other)) == (one == other)


def test_a_document_of_a_later_release_is_read_as_far_as_it_is_known() -> None:
    """A release may be taken back after its tenant file was applied."""
    document = json.loads(configuration.encode(WEB))
    document |= {"shoe_size": 46}
    document["refresh_token"] |= {"colour": "blue"}
    assert configuration.decode_application(json.dumps(document)) == WEB


def test_a_document_of_an_earlier_release_gets_the_defaults() -> None:
    document = json.loads(configuration.encode(SPA))
    del document["require_proof_key"], document["refresh_token"]["leeway"]
    read = configuration.decode_application(json.dumps(document))
    assert read.require_proof_key
    assert read.refresh_token.leeway == 60
    document = json.loads(configuration.encode(ResourceServer(API, "Notes")))
    del document["proof_required_for"]
    assert configuration.decode_resource_server(json.dumps(document)) == ResourceServer(API, "Notes")


def test_no_client_secret_is_in_a_document() -> None:
    assert harness.SECRET not in configuration.encode(WEB)


def test_what_was_applied_is_found(table: Table) -> None:
    api, tenant = ResourceServer(API, "Notes", {"read": "Read"}), Tenant(friendly_name="Mine", not_before=7)
    table.put("application", WEB.client_id, configuration.encode(WEB))
    table.put("resource_server", API, configuration.encode(api))
    table.put("tenant", "tenant", configuration.encode(tenant))
    table.put("web_origin", ORIGIN, "{}")
    table.put("jwks", "jwks", '{"keys":[]}')
    seen = table.seen()
    assert seen.application(WEB.client_id) == WEB
    assert seen.resource_server(API) == api
    assert seen.tenant() == tenant
    assert seen.is_web_origin(ORIGIN)
    assert seen.published_keys() == '{"keys":[]}'


def test_kinds_do_not_mix(table: Table) -> None:
    table.put("application", "one", configuration.encode(SPA))
    assert table.seen().resource_server("one") is None
    assert not table.seen().is_web_origin("one")


def test_before_anything_is_applied_there_are_only_defaults(table: Table) -> None:
    seen = table.seen()
    assert seen.application("spa") is None
    assert seen.resource_server(API) is None
    assert not seen.is_web_origin(ORIGIN)
    assert seen.tenant() == Tenant()
    with pytest.raises(StoreUnavailable, match="no keys are published"):
        seen.published_keys()


def test_what_is_known_is_read_once_a_minute(table: Table) -> None:
    table.put("application", "spa", configuration.encode(SPA))
    table.put("web_origin", ORIGIN, "{}")
    seen = table.seen()
    for _ in range(3):
        assert seen.application("spa") == SPA
        assert seen.is_web_origin(ORIGIN)
    assert len(table.reads) == 2
    table.put("application", "spa", configuration.encode(WEB))
    table.now += lifetimes.CACHED_CONFIGURATION - 1
    assert seen.application("spa") == SPA
    table.now += 1
    assert seen.application("spa") == WEB


def test_a_cache_that_snapstart_restores_hours_later_is_old(table: Table) -> None:
    table.put("application", "spa", configuration.encode(SPA))
    seen = table.seen()
    assert seen.application("spa") == SPA
    table.client.delete_item(TableName=table.name, Key={"kind": string("application"), "id": string("spa")})
    table.now += 6 * 3600
    assert seen.application("spa") is None


def test_what_is_unknown_is_asked_for_each_time(table: Table) -> None:
    """A new application works at once, and invented ids do not push real ones out of the cache."""
    seen = table.seen()
    assert seen.application("new") is None
    table.put("application", "new", configuration.encode(SPA))
    assert seen.application("new") == SPA


def test_reads_are_strongly_consistent(table: Table) -> None:
    """Else the cache's lifetime would not bound the age of what it holds."""
    table.seen().application("spa")
    assert [read["ConsistentRead"] for read in table.reads] == [True]


@pytest.mark.parametrize("name", ["", "x" * 1025, "é" * 513, "\ud800"])
def test_an_id_that_dynamodb_would_refuse_is_unknown_without_a_call(table: Table, name: str) -> None:
    assert table.seen().application(name) is None
    assert table.seen().resource_server(name) is None
    assert not table.seen().is_web_origin(name)
    assert table.reads == []


def test_the_longest_id_is_asked_for(table: Table) -> None:
    assert table.seen().resource_server("x" * 1024) is None
    assert len(table.reads) == 1


def test_a_store_that_does_not_answer_is_a_fault_with_a_name() -> None:
    quick = Config(connect_timeout=0.1, retries={"total_max_attempts": 1})
    client: DynamoDBClient = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:9", config=quick)
    with pytest.raises(StoreUnavailable, match=r"^read application: EndpointConnectionError$"):
        DynamoDBConfiguration(client, "missing", clock=lambda: 0.0).application("spa")


def test_a_missing_table_is_a_fault_with_its_code(table: Table) -> None:
    missing = DynamoDBConfiguration(table.client, "missing", clock=lambda: 0.0)
    with pytest.raises(StoreUnavailable, match=r"^read tenant: ResourceNotFoundException$"):
        missing.tenant()


def test_a_mistake_of_ours_is_no_fault_that_passes(tables: Tables) -> None:
    client, names = tables
    with pytest.raises(ClientError, match="ValidationException"):
        DynamoDBConfiguration(client, names["UsersTable"], clock=lambda: 0.0).application("spa")


def test_a_fault_is_not_remembered(table: Table) -> None:
    table.put("application", "spa", configuration.encode(SPA))
    seen, name = table.seen(), table.name
    seen._table = "missing"  # noqa: SLF001 - the table is gone for a while
    with pytest.raises(StoreUnavailable):
        seen.application("spa")
    seen._table = name  # noqa: SLF001
    assert seen.application("spa") == SPA


def test_enumerations_come_back_as_what_they_are() -> None:
    """Code asks `is` of them, which a plain string of the same text would fail."""
    read = configuration.decode_application(configuration.encode(WEB))
    assert read.app_type is ApplicationType.REGULAR_WEB
    assert read.token_endpoint_auth_method is AuthenticationMethod.CLIENT_SECRET_POST
