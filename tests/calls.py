"""The calls of AWS that functions make, by botocore's clients and without them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import boto3

from heirloom.adapters.aws_json import Document, Service


class Calls(list[str]):
    """Every call of this process, as `dynamodb.UpdateItem`."""


@contextmanager
def noted() -> Iterator[Calls]:
    """Note the calls that are made meanwhile, by clients that are made meanwhile."""
    calls = Calls()
    session = boto3.DEFAULT_SESSION
    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register(  # type: ignore[union-attr] # just made
        "before-call",
        lambda model, **_: calls.append(f"{model.service_model.service_name}.{model.name}"),
    )
    call: Callable[[Service, str, Document], Document] = Service.call

    def noting(service: Service, operation: str, parameters: Document) -> Any:
        calls.append(f"{service.protocol.signing_name}.{operation}")
        return call(service, operation, parameters)

    with patch.object(Service, "call", noting):
        yield calls
    boto3.DEFAULT_SESSION = session
