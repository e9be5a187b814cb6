"""The services that requests need, called directly: with the verbs of boto3's clients, and without botocore.

Only where the environment is as plain as Lambda's. Proxies, FIPS endpoints, other partitions: all that is botocore's.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

from heirloom.adapters import aws_credentials
from heirloom.adapters.aws_json import DYNAMODB, SECRETS_MANAGER, Document, Protocol, Service

_PLAIN_REGION: Final = re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx|us-gov)-[a-z]+-\d")
_NOT_PLAIN: Final = frozenset(
    {
        "ALL_PROXY",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_PROFILE",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_USE_FIPS_ENDPOINT",
        "HTTPS_PROXY",
        "HTTP_PROXY",
    }
)


def _verb(operation: str) -> Callable[..., Document]:
    def call(self: "DynamoDB | SecretsManager", **parameters: Any) -> Document:  # noqa: ANN401 - each operation's own
        return self.service.call(operation, parameters)

    return call


class DynamoDB:
    """The operations on items."""

    def __init__(self, service: Service) -> None:
        self.service = service

    batch_get_item = _verb("BatchGetItem")
    delete_item = _verb("DeleteItem")
    get_item = _verb("GetItem")
    put_item = _verb("PutItem")
    query = _verb("Query")
    scan = _verb("Scan")
    update_item = _verb("UpdateItem")

    def transact_write_items(self, **parameters: Any) -> Document:  # noqa: ANN401 - as the verbs
        """Write all of several items or none; the token lets DynamoDB know the same transaction when it comes again."""
        parameters.setdefault("ClientRequestToken", secrets.token_hex(16))
        return self.service.call("TransactWriteItems", parameters)


class SecretsManager:
    """The reading of secrets."""

    def __init__(self, service: Service) -> None:
        self.service = service

    get_secret_value = _verb("GetSecretValue")


def dynamodb(environment: Mapping[str, str]) -> DynamoDB | None:
    """Return DynamoDB, `None` where the environment is not plain."""
    service = _service(DYNAMODB, environment)
    return None if service is None else DynamoDB(service)


def secrets_manager(environment: Mapping[str, str]) -> SecretsManager | None:
    """Return Secrets Manager, `None` where the environment is not plain."""
    service = _service(SECRETS_MANAGER, environment)
    return None if service is None else SecretsManager(service)


def _service(protocol: Protocol, environment: Mapping[str, str]) -> Service | None:
    region = environment.get("AWS_DEFAULT_REGION", "")
    if not _PLAIN_REGION.fullmatch(region) or not _NOT_PLAIN.isdisjoint(name.upper() for name in environment):
        return None
    return Service(
        protocol,
        endpoint=_endpoint(protocol, region, environment),
        region=region,
        credentials=aws_credentials.source(environment),
        authorities=environment.get("AWS_CA_BUNDLE"),
    )


def _endpoint(protocol: Protocol, region: str, environment: Mapping[str, str]) -> str:
    own, all_services = f"AWS_ENDPOINT_URL_{protocol.environment_name}", "AWS_ENDPOINT_URL"
    given = environment.get(own) or environment.get(all_services)
    return given or f"https://{protocol.signing_name}.{region}.amazonaws.com"
