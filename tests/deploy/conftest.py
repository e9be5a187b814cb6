"""What `sam build` makes, and a stack of it on a local AWS that enforces IAM. Both are made once for the whole run."""

import json
import os
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
import yaml

from local.artifacts import ARCHITECTURE, SAM, Artifacts, built
from local.processes import ministack
from local.stores import ACCOUNT
from local.template import ROOT, Template, load
from tests import log_recorder
from tests.endpoints.assertions import SIGNING
from tests.service import CALLBACK

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

STACK = "heirloom"
TENANT = Path(__file__).parent / "tenant.yaml"
"""Declares SPA, IMPATIENT (which has no leeway), LEAVING (which hears of logouts), THIRD_PARTY, API and ALICE."""


@dataclass(frozen=True)
class Stack:
    """The deployed stack."""

    endpoint: str
    outputs: dict[str, str]

    def client(self, service: str) -> Any:
        """Return a boto3 client of the administrator."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=ACCOUNT["AWS_DEFAULT_REGION"],
            aws_access_key_id=ACCOUNT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ACCOUNT["AWS_SECRET_ACCESS_KEY"],
        )

    def deploy(self, template: Path, **parameters: str) -> None:
        """Make the stack of a built template, or update it."""
        command = ["deploy", "--template-file", str(template), "--stack-name", STACK, "--resolve-s3"]
        flags = ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar", "--disable-rollback"]
        # What this local AWS knows nothing of is off here, and asserted on the template.
        given = {"Architecture": ARCHITECTURE, "SavedQueries": "false", **parameters}
        done = subprocess.run(
            [SAM, *command, *flags, "--parameter-overrides", *(f"{name}={value}" for name, value in given.items())],
            env={**os.environ, **ACCOUNT, "AWS_ENDPOINT_URL": self.endpoint},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr + failures(self)

    @property
    def dynamodb(self) -> "DynamoDBClient":
        """The tables."""
        client: DynamoDBClient = self.client("dynamodb")
        return client

    @property
    def secrets_manager(self) -> "SecretsManagerClient":
        """The secrets."""
        client: SecretsManagerClient = self.client("secretsmanager")
        return client

    def physical(self, logical_id: str) -> str:
        """Return what CloudFormation calls a resource."""
        answer = self.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=logical_id)
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])

    def named(self, logical_id: str) -> str:
        """Return what functions call a resource: some have an ARN in their environment."""
        return self.outputs[logical_id] if logical_id.endswith("Secret") else self.physical(logical_id)

    def logged(self, function: str) -> str:
        """Return all that a function has logged, by the name of its folder."""
        events = self.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{STACK}/{function}")["events"]
        return "\n".join(event["message"] for event in events)

    def role_of(self, function: str) -> dict[str, Any]:
        """Return the credentials with which the function runs."""
        role = self.client("iam").get_role(RoleName=self.physical(f"{function}Role"))["Role"]["Arn"]
        answer: dict[str, Any] = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return answer

    def browser(self) -> httpx.Client:
        """Return an HTTP client that reaches the API by path: asked by host, ministack takes /login for Cognito's."""
        base = f"{self.endpoint}/_aws/execute-api/{self.outputs['ApiId']}/$default"
        return httpx.Client(base_url=base, trust_env=False, timeout=120)


@pytest.fixture(scope="session")
def template() -> Template:
    return load()


@pytest.fixture(scope="session")
def artifacts() -> Iterator[Artifacts]:
    if platform.system() != "Linux":
        pytest.skip("the layers hold what Lambda runs, which is Linux's")
    with built() as artifacts:
        yield artifacts


@pytest.fixture(scope="session")
def stack(artifacts: Artifacts) -> Iterator[Stack]:
    with ministack(auth=True) as endpoint:
        stack = Stack(endpoint, {})
        stack.deploy(artifacts.template)
        (described,) = stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        stack.outputs.update({one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]})
        yield stack
        log_recorder.line("\n".join(logged(stack)))


def logged(stack: Stack) -> list[str]:
    """What all functions logged."""
    pages = stack.client("logs").get_paginator("filter_log_events")
    groups = [group["logGroupName"] for group in stack.client("logs").describe_log_groups()["logGroups"]]
    return [
        event["message"] for group in groups for page in pages.paginate(logGroupName=group) for event in page["events"]
    ]


def failures(stack: Stack) -> str:
    """What the functions logged, which says more than CloudFormation does."""
    return "\n".join(map(json.dumps, logged(stack)))


def tenant_command(stack: Stack, verb: str, file: Path, *arguments: str) -> str:
    """What `heirloom tenant` says about a tenant file and the deployed stack."""
    done = subprocess.run(
        [ROOT / "bin/heirloom", "tenant", verb, file, "--stack", STACK, *arguments],
        env={**os.environ, **ACCOUNT, "AWS_ENDPOINT_URL": stack.endpoint},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def tenant_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TENANT with SIGNING, whose key is made anew for each run."""
    document = yaml.safe_load(TENANT.read_text())
    (key,) = (json.loads(one.jwk) for one in SIGNING.public_keys if one.key_id is None)
    document["clients"].append(
        {
            "name": "Signing",
            "client_id": SIGNING.client_id,
            "app_type": "regular_web",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [key]},
            "callbacks": [CALLBACK],
        }
    )
    file = tmp_path_factory.mktemp("tenant") / TENANT.name
    file.write_text(json.dumps(document))
    return file


@pytest.fixture(scope="session")
def applied(stack: Stack, tenant_file: Path) -> str:
    """What was printed as the tenant file was applied."""
    return tenant_command(stack, "apply", tenant_file, "--yes")


@pytest.fixture
def browser(stack: Stack) -> Iterator[httpx.Client]:
    with stack.browser() as client:
        yield client
