"""A call without botocore is a call with it: the same request, the same answer, the same errors."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

from heirloom.adapters import aws_credentials, deadline, direct
from heirloom.adapters.aws_json import DYNAMODB, SECRETS_MANAGER, Service
from heirloom.adapters.deadline import MARGIN, OutOfTime
from heirloom.adapters.families import DynamoDBFamilies, item_of
from heirloom.adapters.paging import items_of
from tests.domain.lines import line
from tests.sdk import tls
from tests.service import store
from tests.unreliable_store.functions import Invocation

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "access",
    "AWS_SECRET_ACCESS_KEY": "hidden",
    "AWS_SESSION_TOKEN": "token",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="module", name="families")
def _families(dynamodb_endpoint: str) -> Iterator[tuple[Any, Any, str]]:
    """The families table: a client of boto3's, a direct one, and its name."""
    with store(dynamodb_endpoint, "direct-") as (client, tables):
        yield client, direct_client(dynamodb_endpoint), tables["FamiliesTable"]


def direct_client(endpoint: str) -> direct.DynamoDB:
    """A direct client of what answers at *endpoint*."""
    client = direct.dynamodb(ENVIRONMENT | {"AWS_ENDPOINT_URL_DYNAMODB": endpoint})
    assert client is not None
    return client


ITEM = item_of(line(3).family)
KEY = {name: ITEM[name] for name in ("user_key", "family_id")}
ODD = {"S": 'Ω "quoted" \\ \n \u2028 💎'}
WRITTEN = {
    **ITEM,
    "odd": ODD,
    "B": {"B": b"\x00\xff"},
    "map": {"M": {"B": {"M": {"B": {"B": b""}}}, "S": {"S": ""}}},
    "octets": {"BS": [b"one", b"two"]},
    "list": {"L": [{"NULL": True}, {"BOOL": False}, {"N": "1.5"}, {"B": b"x"}]},
}

OPERATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "put": ("put_item", {"Item": WRITTEN}),
    "get": ("get_item", {"Key": KEY, "ConsistentRead": True}),
    "get nothing": ("get_item", {"Key": {**KEY, "family_id": {"S": "none"}}}),
    "update": (
        "update_item",
        {
            "Key": KEY,
            "UpdateExpression": "SET live_digest = :octets",
            "ExpressionAttributeValues": {":octets": {"B": bytes(range(256))}},
            "ReturnValues": "ALL_NEW",
        },
    ),
    "condition failed": (
        "update_item",
        {
            "Key": KEY,
            "UpdateExpression": "SET attempt = :one",
            "ConditionExpression": "attempt = :other",
            "ExpressionAttributeValues": {":one": {"S": "one"}, ":other": {"S": "other"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ),
    "wrong expression": ("update_item", {"Key": KEY, "UpdateExpression": "SET"}),
    "query": (
        "query",
        {"KeyConditionExpression": "user_key = :key", "ExpressionAttributeValues": {":key": KEY["user_key"]}},
    ),
    "scan": ("scan", {"Limit": 1}),
    "delete": ("delete_item", {"Key": KEY, "ReturnValues": "ALL_OLD"}),
}
WITH_TABLES: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "batch": ("batch_get_item", lambda table: {"RequestItems": {table: {"Keys": [KEY]}}}),
    "transaction": (
        "transact_write_items",
        lambda table: {"TransactItems": [{"Put": {"TableName": table, "Item": ITEM}}]},
    ),
    "canceled transaction": (
        "transact_write_items",
        lambda table: {
            "TransactItems": [
                {
                    "Put": {
                        "TableName": table,
                        "Item": ITEM,
                        "ConditionExpression": "attribute_not_exists(family_id)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                }
            ],
            "ClientRequestToken": "again",
        },
    ),
    "no such table": ("get_item", lambda _: {"TableName": "elsewhere", "Key": KEY}),
}
ALL: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    **{
        name: (verb, partial(lambda more, table: {"TableName": table, **more}, more))
        for name, (verb, more) in OPERATIONS.items()
    },
    **WITH_TABLES,
}


def heard(client: Any, verb: str, request: dict[str, Any]) -> Any:
    """What a call returns, or raises, but for what names the one call."""
    try:
        answer = getattr(client, verb)(**request)
    except ClientError as error:
        answer = {**error.response, "raised": str(error), "operation": error.operation_name}
        answer["ResponseMetadata"] = error.response["ResponseMetadata"]["HTTPStatusCode"]
        for spelling in ("message", "Message", "__type"):  # botocore moves them to `Error`
            answer.pop(spelling, None)
        return answer
    answer.pop("ResponseMetadata", None)
    return answer


@pytest.mark.parametrize("name", ALL)
def test_an_answer_is_that_of_boto3(families: tuple[Any, Any, str], name: str) -> None:
    boto, ours, table = families
    verb, request = ALL[name]
    answers = []
    for client in (boto, ours):
        boto.put_item(TableName=table, Item=WRITTEN)
        answers.append(heard(client, verb, request(table)))

    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", ALL)
def test_a_request_is_that_of_boto3(families: tuple[Any, Any, str], name: str) -> None:
    """The body byte by byte, and all that says what to do with it; the signature is compared in test_sigv4."""
    boto, _, table = families
    verb, request = ALL[name]
    theirs: list[AWSPreparedRequest] = []
    boto.meta.events.register("before-send.dynamodb", lambda request, **_: theirs.append(request))

    heard(boto, verb, request(table))
    with recorded() as (endpoint, requests):
        heard(direct_client(endpoint), verb, request(table))

    [(target, kind, body)] = requests
    sent: Any = theirs[0]
    assert sent.headers["x-amz-target"].decode() == target
    assert sent.headers["content-type"].decode() == kind
    assert without_token(sent.body) == without_token(body)


def without_token(body: bytes) -> bytes:
    """A body without what is drawn for each transaction; nothing else is left out."""
    document = json.loads(body)
    drawn = document.pop("ClientRequestToken", None)
    return body if drawn in {None, "again"} else json.dumps(document).encode()


@contextmanager
def recorded() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """A service that takes everything and returns nothing, and what it was asked."""
    requests: list[tuple[str, str, bytes]] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            requests.append((self.headers["x-amz-target"], self.headers["content-type"], body))
            answered(self, b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with served(Taking) as endpoint:
        yield endpoint, requests


def answered(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Answer with *body*, as a service of AWS does."""
    handler.send_response(200)
    handler.send_header("x-amzn-RequestId", "1")
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


# ---- Connections


class Line:
    """A service that counts its connections, and hangs up when it is told to."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self.bodies: list[bytes] = []
        self.hangs_up_after: set[int] = set()
        """Numbers of requests after whose answer the connection ends, without a word about it."""
        self.drops: set[int] = set()
        """Numbers of requests that are read and never answered."""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        line = self

        class Counting(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                line.connections += 1

            def do_POST(self) -> None:
                line.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                line.requests += 1
                if line.requests in line.drops:
                    self.close_connection = True
                    return
                answered(self, b"{}")
                self.close_connection = line.requests in line.hangs_up_after

            def log_message(self, *_: object) -> None:
                pass

        return Counting


@pytest.fixture(name="line")
def _line() -> Iterator[tuple[Line, Service]]:
    line = Line()
    with served(line.handler()) as endpoint, closing(direct_client(endpoint).service) as service:
        yield line, service


def test_a_connection_is_kept(line: tuple[Line, Service]) -> None:
    server, service = line

    for _ in range(5):
        service.call("GetItem", {})

    assert (server.connections, server.requests) == (1, 5)


def test_a_connection_that_was_closed_meanwhile_is_replaced_and_nothing_is_sent_twice(
    line: tuple[Line, Service],
) -> None:
    server, service = line
    server.hangs_up_after = {1}
    service.call("GetItem", {})
    _until_closed(service)

    with patch("heirloom.adapters.aws_json.sleep", side_effect=AssertionError("that is no retry")):
        service.call("GetItem", {})

    assert (server.connections, server.requests) == (2, 2)


def _until_closed(service: Service) -> None:
    """Wait until the end of the connection has arrived."""
    [connection] = service._idle  # noqa: SLF001 - there is no other way to see it
    while connection.is_silent():
        time.sleep(0.01)


def test_a_connection_that_breaks_off_is_a_reason_to_try_again(line: tuple[Line, Service]) -> None:
    server, service = line
    server.drops = {1, 2}

    assert service.call("GetItem", {}) == {}
    assert (server.connections, server.requests) == (3, 3)


def test_after_the_last_attempt_the_fault_is_told(line: tuple[Line, Service]) -> None:
    server, service = line
    server.drops = {1, 2, 3}

    with pytest.raises(ConnectionClosedError):
        service.call("GetItem", {})
    assert server.requests == 3


def test_a_transaction_that_is_sent_again_is_the_same_one_and_the_next_one_another(line: tuple[Line, Service]) -> None:
    """Else DynamoDB would refuse its own work: the second time the condition of the first no longer holds."""
    server, service = line
    server.drops = {1, 2}
    client = direct.DynamoDB(service)

    client.transact_write_items(TransactItems=[])
    client.transact_write_items(TransactItems=[])

    tokens = [json.loads(body)["ClientRequestToken"] for body in server.bodies]
    assert len(tokens) == 4
    assert len(set(tokens[:3])) == 1
    assert tokens[3] != tokens[0]
    assert {len(token) for token in tokens} == {32}


def test_threads_share_a_service(line: tuple[Line, Service]) -> None:
    server, service = line
    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(service.call, "GetItem", {}) for _ in range(80)]

    assert [answer.result() for answer in answers] == [{}] * 80
    assert server.requests == 80
    assert server.connections <= 4


def test_an_interrupted_call_leaves_no_connection_on_which_its_answer_could_come_later() -> None:
    """The next call would take it for its own."""
    with silent() as endpoint, closing(direct_client(endpoint).service) as service:
        with deadline.of(Invocation(time.monotonic() + MARGIN + 0.2)), pytest.raises(OutOfTime):
            service.call("GetItem", {})

        assert service._idle == []  # noqa: SLF001 - there is no other way to see it


def test_after_the_deadline_no_call_begins(line: tuple[Line, Service]) -> None:
    server, service = line

    with deadline.of(Invocation(time.monotonic())), pytest.raises(OutOfTime):
        service.call("GetItem", {})

    assert server.requests == 0


@contextmanager
def silent() -> Iterator[str]:
    """A service that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def closed_port() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(("place", "error"), [(silent, ReadTimeoutError), (closed_port, EndpointConnectionError)])
def test_nobody_there_is_a_fault(place: Any, error: type[BotoCoreError]) -> None:
    with (
        place() as endpoint,
        closing(direct_client(endpoint).service) as service,
        patch("heirloom.adapters.aws_json.READ_TIMEOUT", 0.05),
        pytest.raises(error),
    ):
        service.call("GetItem", {})


def test_a_service_whose_authority_is_not_known_hears_nothing(tmp_path: Path) -> None:
    """Neither the request nor the token in it."""
    line = Line()
    with served(line.handler()) as plain, tls.before(port_of(plain), tls.certificate(tmp_path)) as endpoint:
        client = direct.dynamodb(ENVIRONMENT | {"AWS_ENDPOINT_URL": endpoint.rstrip("/")})
        assert client is not None
        with closing(client.service), pytest.raises(SSLError):
            client.get_item()

    assert line.requests == 0


def test_a_service_whose_authority_is_named_is_trusted_and_its_connection_kept(tmp_path: Path) -> None:
    line = Line()
    with served(line.handler()) as plain, tls.before(port_of(plain), tls.certificate(tmp_path)) as endpoint:
        client = direct.dynamodb(
            ENVIRONMENT | {"AWS_ENDPOINT_URL": endpoint.rstrip("/"), "AWS_CA_BUNDLE": str(tmp_path / tls.AUTHORITY)}
        )
        assert client is not None
        with closing(client.service):
            assert [client.get_item() for _ in range(3)] == [{}] * 3

    assert (line.connections, line.requests) == (1, 3)


def port_of(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])


# ---- Where the functions call


def test_without_anything_odd_the_endpoint_is_that_of_botocore_in_every_region() -> None:
    called = {}
    for service, make in (("dynamodb", direct.dynamodb), ("secretsmanager", direct.secrets_manager)):
        session = boto3.Session()
        for partition in session.get_available_partitions():
            for region in session.get_available_regions(service, partition_name=partition):
                if region == "local":
                    continue
                client = make(ENVIRONMENT | {"AWS_DEFAULT_REGION": region})
                expected = session.client(service, region_name=region).meta.endpoint_url
                called[service, region] = client is not None
                assert client is None or client.service.endpoint == expected

    assert sum(called.values()) > 60
    assert not called["dynamodb", "cn-north-1"]
    assert called["dynamodb", "us-gov-west-1"]


@pytest.mark.parametrize(
    "odd",
    ["HTTPS_PROXY", "https_proxy", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_PROFILE", "ALL_PROXY"],
)
def test_what_only_botocore_knows_is_left_to_it(odd: str) -> None:
    assert direct.dynamodb(ENVIRONMENT | {odd: "something"}) is None
    assert direct.secrets_manager(ENVIRONMENT | {odd: "something"}) is None


def test_without_a_region_botocore_decides() -> None:
    assert direct.dynamodb({}) is None


def test_endpoints_are_given_as_to_botocore() -> None:
    given = {"AWS_ENDPOINT_URL": "http://all.example", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://secrets.example"}
    with patch.dict(os.environ, ENVIRONMENT | given):
        for service, make in (("dynamodb", direct.dynamodb), ("secretsmanager", direct.secrets_manager)):
            client = make(os.environ)
            assert client is not None
            assert client.service.endpoint == boto3.Session().client(service).meta.endpoint_url


def test_protocols_are_those_of_the_models() -> None:
    for protocol in (DYNAMODB, SECRETS_MANAGER):
        metadata = boto3.client(protocol.signing_name, region_name="us-east-1").meta.service_model.metadata
        assert metadata["targetPrefix"] == protocol.target_prefix
        assert metadata["jsonVersion"] == protocol.json_version
        assert metadata.get("signingName", metadata["endpointPrefix"]) == protocol.signing_name
        assert metadata["signatureVersion"] == "v4"


# ---- Credentials


def test_where_lambda_starts_from_a_snapshot_credentials_come_from_its_address_and_are_renewed() -> None:
    """Each expires within the time in which botocore asks again, so each call has new ones."""
    asked: list[str] = []

    class Address(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["authorization"])
            body = {"AccessKeyId": f"access-{len(asked)}", "SecretAccessKey": "s", "Token": "t", "Expiration": soon()}
            answered(self, json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with served(Address) as address:
        environment = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{address}/2021-04-23/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "key of the environment",
        }
        with patch.dict(os.environ, environment), patch.dict(os.environ):
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
                os.environ.pop(name, None)
            credentials = aws_credentials.source(os.environ)
            given = [credentials() for _ in range(3)]

    assert [one.access_key for one in given] == ["access-2", "access-3", "access-4"]
    assert {one.token for one in given} == {"t"}
    assert set(asked) == {"key of the environment"}


def soon() -> str:
    """A minute from now."""
    return (datetime.now(UTC) + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


# ---- Pages


def test_every_page_of_a_query_is_read(families: tuple[Any, Any, str]) -> None:
    boto, ours, table = families
    keys = [{**KEY, "family_id": {"S": f"{number:03}"}} for number in range(7)]
    for key in keys:
        boto.put_item(TableName=table, Item={**ITEM, **key})
    request = {
        "TableName": table,
        "KeyConditionExpression": "user_key = :key",
        "ExpressionAttributeValues": {":key": KEY["user_key"]},
        "Limit": 2,
    }

    for client in (boto, ours):
        found = {item["family_id"]["S"] for item in items_of(client.query, **request)}
        assert {key["family_id"]["S"] for key in keys} <= found


def test_the_stores_work_with_either(families: tuple[Any, Any, str]) -> None:
    boto, ours, table = families
    family = line(5).family
    boto.put_item(TableName=table, Item=item_of(family))

    found = [DynamoDBFamilies(client, table).find(family.key) for client in (boto, ours)]

    assert found == [family, family]
