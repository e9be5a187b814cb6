"""Whether an answer of AWS is one: whole, and from a service of theirs.

botocore takes an answer that breaks off, or is no JSON at all, for one that says nothing. An empty answer to a read
would then be an item that there is not, and the person's code, token or application unknown.
"""

import json
from binascii import crc32
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.client import BaseClient

_PAUSE: Final = 0.05
"""Seconds before a call is made again that was answered with garbage, times the attempt."""


class GarbledAnswer(BotoCoreError):
    """The answer is none; whether the call did anything is unknown."""

    fmt = "The answer was incomplete, or none of the service's"


def document_of(
    headers: Mapping[str, str], content: bytes, decode: Callable[[str], Any] = json.loads
) -> dict[str, Any]:
    """Return the JSON object that an answer is, as *decode* has it; raise `GarbledAnswer`."""
    try:
        document = decode(content.decode())
    except (ValueError, RecursionError):
        raise GarbledAnswer from None
    if not isinstance(document, dict) or not ("x-amzn-requestid" in headers or "__type" in document):
        raise GarbledAnswer
    length, checksum = headers.get("content-length"), headers.get("x-amz-crc32")  # DynamoDB sends the second one
    if length not in {None, str(len(content))} or checksum not in {None, str(crc32(content))}:
        raise GarbledAnswer
    return document


def must_be_whole(client: "BaseClient", *, attempts: int) -> None:
    """Let a client repeat a call that is answered with garbage, *attempts* in all, then raise `GarbledAnswer`."""

    def repeat(response: "tuple[AWSResponse, Any] | None", attempts: int, **_: object) -> float | None:
        may = response is not None and attempts < most and not _is_whole(response[0])
        return _PAUSE * attempts if may else None

    most = attempts
    client.meta.events.register("before-parse", _leave_out_garbage)
    client.meta.events.register("needs-retry", repeat)  # type: ignore[arg-type] # of this one the return value matters
    client.meta.events.register("after-call", _require_whole)


def _leave_out_garbage(response_dict: dict[str, Any], **_: object) -> None:
    """Spare botocore's parser what is no JSON object: it may raise anything. The answer itself stays as it is."""
    try:
        is_object = isinstance(json.loads(response_dict["body"]), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        response_dict["body"] = b"{}"


def _require_whole(http_response: "AWSResponse", **_: object) -> None:
    document_of(http_response.headers, http_response.content)


def _is_whole(response: "AWSResponse") -> bool:
    try:
        document_of(response.headers, response.content)
    except GarbledAnswer:
        return False
    return True
