"""Keeps the keys: asked by a schedule, by an operator, and by CloudFormation as `Custom::FirstKeys`."""

import time
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from heirloom.adapters import custom_resource, key_requests
from heirloom.wiring.rotate_keys import rotation

logger = Logger()
_ROTATE = {"action": "rotate"}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Move the keys whose time has come, or do what an operator asks; `adapters.key_requests` has the documents.

    To CloudFormation: make the keys that are missing. Neither an update of the stack nor its end takes one away.
    """
    if "RequestType" not in event:
        return _answered(event)
    failure = None
    if event["RequestType"] != "Delete":
        try:
            _answered(_ROTATE)
        except Exception as error:
            logger.exception("no keys")
            failure = f"{type(error).__name__}: see the log of this function"
    custom_resource.answer(event, resource_id="first-keys", failure=failure)
    return {"status": "FAILED" if failure else "SUCCESS"}


def _answered(request: dict[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    answer = key_requests.answer(request, rotation(), now)
    if "error" in answer:
        logger.error("keys_request_refused", extra={"request": request, **answer})
        return answer
    for moved in answer["moved"]:
        logger.info("key_moved", extra=moved)
    if answer["token_key_ids_exhausted"]:
        logger.error("token_key_ids_exhausted")
    for name, ring in (("SigningKeyAge", "signing_keys"), ("TokenKeyAge", "token_keys")):
        if answer[ring]:
            with single_metric(name=name, unit=MetricUnit.Seconds, value=key_requests.age(answer[ring], now)):
                pass
    return answer
