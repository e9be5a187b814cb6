"""The operator's commands on the deployed stack, with the permissions that docs/tenant-file.md has, and no others."""

import dataclasses
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import bcrypt
import httpx
import pytest
import yaml

from cli.__main__ import main
from local.stores import ACCOUNT
from local.template import ROOT
from tests.deploy.conftest import STACK
from tests.deploy.person import Person, exchange, refresh
from tests.service import API, CALLBACK, ORIGIN, SPA

if TYPE_CHECKING:
    from tests.deploy.conftest import Stack

IMPORTING = dataclasses.replace(SPA, client_id="importing")
PASSWORD = "a password from elsewhere"
EMAIL = "grace@example.com"


def policy() -> str:
    """The policy that the page shows, for this stack."""
    page = (ROOT / "docs/tenant-file.md").read_text("utf-8")
    text: str
    (text,) = (
        code for code in re.findall(r"^```json\n(.*?)^```$", page, re.DOTALL | re.MULTILINE) if "Statement" in code
    )
    return text.replace("heirloom-prod", STACK)


@pytest.fixture(scope="module", name="operator")
def _operator(stack: "Stack") -> Iterator[dict[str, str]]:
    """The environment of somebody with that policy."""
    iam = stack.client("iam")
    iam.create_user(UserName="operator")
    iam.put_user_policy(UserName="operator", PolicyName="operator", PolicyDocument=policy())
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    yield {
        **os.environ,
        **ACCOUNT,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_ENDPOINT_URL": stack.endpoint,
    }
    iam.delete_access_key(UserName="operator", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="operator", PolicyName="operator")
    iam.delete_user(UserName="operator")


def heirloom(operator: Mapping[str, str], *arguments: str | Path, status: int = 0) -> Any:
    """What a command answers to programs."""
    with (
        patch.dict(os.environ, operator, clear=True),
        patch("boto3.DEFAULT_SESSION", None),  # it would keep the credentials of whoever asked first
        redirect_stdout(io.StringIO()) as answer,
    ):
        ended = main([*map(str, arguments), "--stack", STACK, "--json"])
    assert ended == status, answer.getvalue()
    return json.loads(answer.getvalue())


@pytest.fixture(scope="module", name="tenant")
def _tenant(operator: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file with what was applied before and an application besides; what was there is there again in the end."""
    folder = tmp_path_factory.mktemp("tenant")
    before, after = folder / "before.yaml", folder / "after.yaml"
    heirloom(operator, "tenant", "export", before)
    document = yaml.safe_load(before.read_text())
    document["clients"].append(
        {"name": "Importing", "client_id": IMPORTING.client_id, "app_type": "spa", "callbacks": [CALLBACK]}
        | {"web_origins": [ORIGIN]}
    )
    if API not in (api["identifier"] for api in document["resourceServers"]):
        document["resourceServers"].append(
            {"identifier": API, "allow_offline_access": True, "scopes": [{"value": "read:notes"}]}
        )
    after.write_text(yaml.safe_dump(document))
    yield after
    heirloom(operator, "tenant", "apply", before, "--yes", "--allow-delete")


def test_a_file_is_planned_applied_and_exported_and_then_nothing_changes(
    operator: dict[str, str], tenant: Path, tmp_path: Path
) -> None:
    planned = heirloom(operator, "tenant", "plan", tenant)
    assert IMPORTING.client_id in [change["id"] for change in planned["changes"]]

    assert heirloom(operator, "tenant", "apply", tenant, "--yes")["changes"] == planned["changes"]

    heirloom(operator, "tenant", "export", tmp_path / "exported.yaml")
    for file in (tenant, tmp_path / "exported.yaml"):
        assert heirloom(operator, "tenant", "plan", file)["changes"] == []


def test_somebody_who_was_imported_with_a_hash_of_bcrypt_logs_in_and_gets_tokens(
    operator: dict[str, str], tenant: Path, stack: "Stack", browser: httpx.Client, tmp_path: Path
) -> None:
    heirloom(operator, "tenant", "apply", tenant, "--yes")  # unless the test before has
    brought = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    file = tmp_path / "users.json"
    file.write_text(json.dumps([{"user_id": "grace", "email": EMAIL, "name": "Grace", "password_hash": brought}]))
    assert heirloom(operator, "user", "import", file)["summary"]["created"] == 1

    person = Person(browser)
    tokens = exchange(browser, person.code(IMPORTING, email=EMAIL, password=PASSWORD), IMPORTING)

    assert refresh(browser, tokens["refresh_token"], IMPORTING).status_code == 200
    key = {"user_id": {"S": "auth0|grace"}}
    kept = stack.dynamodb.get_item(TableName=stack.outputs["UsersTable"], Key=key)["Item"]["password_hash"]["S"]
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert heirloom(operator, "user", "import", file)["summary"]["unchanged"] == 1
    file.write_text(json.dumps({"user_id": "grace", "email": EMAIL, "blocked": True}))
    assert heirloom(operator, "user", "import", file)["summary"]["updated"] == 1
    answer = refresh(browser, tokens["refresh_token"], IMPORTING)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    heirloom(operator, "user", "delete", "auth0|grace")


def test_whoever_lacks_a_permission_is_told_so(operator: dict[str, str], stack: "Stack", tmp_path: Path) -> None:
    narrower = json.loads(policy())
    narrower["Statement"][1]["Resource"] = [
        one for one in narrower["Statement"][1]["Resource"] if "ConfigurationTable" not in one
    ]
    iam = stack.client("iam")
    iam.put_user_policy(UserName="operator", PolicyName="operator", PolicyDocument=json.dumps(narrower))
    try:
        told = heirloom(operator, "tenant", "export", tmp_path / "exported.yaml", status=1)
    finally:
        iam.put_user_policy(UserName="operator", PolicyName="operator", PolicyDocument=policy())

    assert "AccessDenied" in told["error"]["message"]
    assert "dynamodb:Query" in told["error"]["message"]
