"""What all contenders share: DynamoDB Local with a table for each of them, and the example's tenant for ours."""

import base64
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli import tenant_file
from local import processes, stack, template
from local.stack import Endpoints

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ISSUER: Final = "https://login.example/"
PEER_TABLES: Final[Mapping[str, str]] = {"OIDC_PROVIDER_TABLE": "oidc-provider", "OPENAUTH_TABLE": "openauth"}


@dataclass(frozen=True, slots=True)
class Stores:
    """Running stores, and the environment of a process that uses them."""

    dynamodb: str
    environment: Mapping[str, str]

    def through(self, endpoint: str) -> dict[str, str]:
        """Return the environment of a process whose DynamoDB is at another endpoint."""
        return {**self.environment, "AWS_ENDPOINT_URL_DYNAMODB": endpoint}

    def family(self) -> dict[str, Any]:
        """Return the item of some family as DynamoDB's JSON has it; raise `LookupError` before the first login."""
        client: DynamoDBClient = stack.client("dynamodb", self.dynamodb)
        for item in client.scan(TableName=self.environment["FAMILIES_TABLE"])["Items"]:
            if item.get("generation") == {"N": "0"}:
                encoded: dict[str, Any] = _encoded(item)
                return encoded
        raise LookupError("nobody has logged in")


@contextmanager
def running(prefix: str = template.PREFIX, *, dynamodb: str | None = None) -> Iterator[Stores]:
    """Run stores until the block ends, with a DynamoDB Local of their own if there is none yet."""
    if dynamodb is None:
        with processes.dynamodb_local() as started, running(prefix, dynamodb=started) as stores:
            yield stores
        return
    with processes.ministack() as others:
        environment = stack.create(Endpoints(dynamodb, others), issuer=ISSUER, prefix=prefix)
        tenant_file.seed(tenant_file.load(template.ROOT / "examples/tenant.yaml"), stack.store(dynamodb, environment))
        _create_peer_tables(stack.client("dynamodb", dynamodb), prefix)
        peers = {variable: prefix + name for variable, name in PEER_TABLES.items()}
        yield Stores(dynamodb, {**environment, **peers, **_PROCESS})


_PROCESS: Final[Mapping[str, str]] = {
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "NODE_ENV": "production",
    "PATH": os.environ.get("PATH", os.defpath),
    "PYTHONPATH": f"{template.ROOT / 'layers/shared'}{os.pathsep}{template.ROOT}",
    "PYTHONUNBUFFERED": "1",  # each line of the log is written when it is logged, as in Lambda
}


def _create_peer_tables(client: "DynamoDBClient", prefix: str) -> None:
    """Create the tables as the peers' documentation asks for them, with an index of keys alone for oidc-provider."""
    client.create_table(
        TableName=prefix + PEER_TABLES["OIDC_PROVIDER_TABLE"],
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "grant_id", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "grant",
                "KeySchema": [{"AttributeName": "grant_id", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    client.create_table(
        TableName=prefix + PEER_TABLES["OPENAUTH_TABLE"],
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )


def _encoded(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: _encoded(one) for name, one in value.items()}
        case list():
            return [_encoded(one) for one in value]
        case _:
            return value


def node() -> str:
    """Return the path of node; raise `NotStarted`."""
    found = shutil.which("node")
    if found is None:
        raise processes.NotStarted("node is missing: install Node 20 or newer")
    return found
