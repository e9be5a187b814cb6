"""Makes the first keys of a fresh stack: CloudFormation's custom resource, or `{"action": "provision"}` by hand."""

import os
import time
from typing import Any

from aws_lambda_powertools import Logger

from heirloom.adapters import aws, custom_resource, provisioning
from heirloom.adapters.settings import Settings

logger = Logger()


def handler(event: dict[str, Any], context: object) -> dict[str, str]:  # noqa: ARG001 - Lambda passes both
    """Make the keys that are missing. Neither an update of the stack nor its end takes one away."""
    if event.get("action") == "provision":
        _provision()
        return {"status": "SUCCESS"}
    failure = None
    if event["RequestType"] != "Delete":
        try:
            _provision()
        except Exception as error:
            logger.exception("no keys")
            failure = f"{type(error).__name__}: see the log of this function"
    custom_resource.answer(event, resource_id="first-keys", failure=failure)
    return {"status": "FAILED" if failure else "SUCCESS"}


def _provision() -> None:
    settings = Settings.of(os.environ)
    provisioning.provision(
        aws.secrets_manager(),
        aws.dynamodb(),
        signing_keys_secret=settings.signing_keys_secret,
        token_keys_secret=settings.token_keys_secret,
        configuration_table=settings.configuration_table,
        now=int(time.time()),
    )
    logger.info("the keys are there, and the public ones are published")
