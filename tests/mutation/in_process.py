"""A store inside of the process: a client of boto3 whose calls a function answers.

With it, a mutant of an endpoint costs milliseconds. tests/mutation/shadow.py compares it with DynamoDB Local.
"""

import base64
import copy
import json
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests import service as harness
from tests.interleavings import store
from tests.interleavings.store import Answer, Call, Failure, State

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class Store:
    """Answers the calls of a client, one after the other, and keeps what they wrote."""

    def __init__(self) -> None:
        self.state: State = {}
        self._lock = Lock()

    def answer(self, model: Any, params: Mapping[str, Any], **_: object) -> tuple[AWSResponse, Any]:
        """Return what botocore takes for an answer, and sends nothing."""
        with self._lock:
            answer, self.state = store.apply(self.state, call_of(model, params))
        parsed = copy.deepcopy(_parsed(answer))  # what a test does to it is no write
        raw: Any = None  # nobody reads an answer twice
        return AWSResponse(params["url"], 400 if isinstance(answer, Failure) else 200, HTTPHeaders(), raw), parsed


def call_of(model: Any, params: Mapping[str, Any]) -> Call:
    """Return what a client asks, as botocore's event `before-call` has it."""
    return Call(model.name, json.loads(params["body"], object_hook=_with_octets))


def _with_octets(value: dict[str, Any]) -> dict[str, Any]:
    """Return a value as the client has it: JSON has no bytes."""
    return {"B": base64.b64decode(value["B"])} if isinstance(value.get("B"), str) else value


def _parsed(answer: Answer) -> Mapping[str, Any]:
    if isinstance(answer, Failure):
        return {"Error": {"Code": answer.code, "Message": ""}, **answer.more, "ResponseMetadata": {}}
    return {**answer, "ResponseMetadata": {}}


def tables() -> tuple["DynamoDBClient", Mapping[str, str]]:
    """Return what the fixture `tables` is else: a client, and the tables' names by their logical ids."""
    client = boto3.client("dynamodb")
    client.meta.events.register("before-call.dynamodb", harness.note_writes)
    # The last of those that hear of every call: a test lets some of them fail.
    client.meta.events.register_last("before-call", Store().answer)
    return client, {name: name for name in store.key_names()}
