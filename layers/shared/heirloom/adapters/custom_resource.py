"""Answers of a custom resource to CloudFormation, which waits until it hears one."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

_TIMEOUT_S: Final = 10
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def answer(event: Mapping[str, Any], *, resource_id: str, failure: str | None = None) -> None:
    """Tell CloudFormation that its request is done, or why it failed; everybody who sees the stack reads the reason.

    `resource_id` must never change: for CloudFormation another id is another resource, and it deletes the old one.
    Raise `ValueError` if the address to answer at is neither https nor on this machine, and `OSError` if it does not
    take the answer; Lambda then calls again.
    """
    url = event["ResponseURL"]
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in {("http", host) for host in _LOOPBACK}:
        raise ValueError("CloudFormation's response URL must be https")
    body = {
        "Status": "SUCCESS" if failure is None else "FAILED",
        "Reason": failure or "done",
        "PhysicalResourceId": resource_id,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    # The address is signed by S3 for no content type, and urllib would add one of its own.
    request = Request(url, data=json.dumps(body).encode(), method="PUT", headers={"Content-Type": ""})  # noqa: S310 - scheme checked above
    # To urllib a redirect of a PUT is an error, so nobody is sent on from the address that was checked.
    with urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310 - scheme checked above
        pass
