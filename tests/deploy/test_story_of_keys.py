"""Keys rotate on the deployed stack, by an operator who may call one function and see the stack, and nothing else.

What has just started is asked by the function's own name: the alias, through which the gateway goes, has instances that
remember. The keys are younger than any rotation allows, so they are made older first.
"""

import base64
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest

from heirloom.domain.lifetimes import DAY
from local.stores import ACCOUNT
from local.template import ROOT
from tests.deploy.conftest import STACK
from tests.deploy.person import Person, exchange, refresh
from tests.service import API, SPA, octets_of

if TYPE_CHECKING:
    from tests.deploy.conftest import Stack

USER = "operator-of-keys"

pytestmark = pytest.mark.usefixtures("applied")


@pytest.fixture(scope="module")
def operator(stack: "Stack") -> Iterator[dict[str, str]]:
    """The environment of somebody who may do what the page about rotation says, and no more."""
    iam = stack.client("iam")
    iam.create_user(UserName=USER)
    statements = [
        {"Effect": "Allow", "Action": "cloudformation:DescribeStacks", "Resource": "*"},
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": stack.outputs["RotateKeysFunction"]},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=USER, PolicyName="keys", PolicyDocument=policy)
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    yield {
        **os.environ,
        **ACCOUNT,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_ENDPOINT_URL": stack.endpoint,
    }
    iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=USER, PolicyName="keys")
    iam.delete_user(UserName=USER)


def command(operator: Mapping[str, str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """What `heirloom keys` answers."""
    done = subprocess.run(
        [ROOT / "bin/heirloom", "keys", *arguments, "--stack", STACK, "--json"],
        env=operator,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "PRIVATE" not in done.stdout
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def ids(document: dict[str, Any], ring: str) -> dict[str, Any]:
    return {key["state"]: key["id"] for key in document[ring]}


def grow_older(stack: "Stack", seconds: int) -> None:
    """Let the keys have been made so long ago."""
    for secret in ("SigningKeysSecret", "TokenKeysSecret"):
        arn = stack.outputs[secret]
        document = json.loads(stack.secrets_manager.get_secret_value(SecretId=arn)["SecretString"])
        for key in document["keys"]:
            key |= {name: value - seconds for name, value in key.items() if name.endswith(("_at", "_since"))}
        stack.secrets_manager.put_secret_value(SecretId=arn, SecretString=json.dumps(document))


def just_started(stack: "Stack", function: str, sample: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The document with which an instance answers that has just started, under the function's own role."""
    event = json.loads((ROOT / "events" / f"{sample}.json").read_text())
    if form is not None:
        event["body"] = base64.b64encode(urlencode(form).encode()).decode()
    reply = stack.client("lambda").invoke(FunctionName=stack.physical(function), Payload=json.dumps(event))
    answer = json.load(reply["Payload"])
    assert answer["statusCode"] == 200, answer
    document: dict[str, Any] = json.loads(answer["body"])
    return document


def check(token: str, document: dict[str, Any]) -> str:
    """Check an access token with published keys; return the id of its key."""
    kid = jwt.get_unverified_header(token)["kid"]
    jwt.decode(token, jwt.PyJWKSet.from_dict(document)[kid], algorithms=["RS256"], audience=API)
    return str(kid)


def test_keys_rotate_and_a_compromised_one_is_out_at_once(
    stack: "Stack", browser: httpx.Client, operator: Mapping[str, str]
) -> None:
    before = command(operator, "show")
    current, following = (ids(before, "signing_keys")[state] for state in ("current", "next"))
    login = exchange(browser, Person(browser).code(SPA))

    refused = command(operator, "rotate", status=1)
    assert refused["error"]["message"].count("may take over from") == 2, "nobody can have known them for long"
    grow_older(stack, 2 * DAY)
    rotated = command(operator, "rotate")

    assert (ids(rotated, "signing_keys")["retired"], ids(rotated, "signing_keys")["current"]) == (current, following)
    later = refresh(browser, login["refresh_token"])
    assert later.status_code == 200, later.text
    form = {"grant_type": "refresh_token", "client_id": SPA.client_id, "refresh_token": later.json()["refresh_token"]}
    newest = just_started(stack, "TokenFunction", "token/refresh", form)
    assert octets_of(newest["refresh_token"])[1] == ids(rotated, "token_keys")["current"]
    published = browser.get("/.well-known/jwks.json").json()
    assert check(login["access_token"], published) == current
    assert check(newest["access_token"], published) == following
    assert refresh(browser, newest["refresh_token"]).status_code == 200, "a token of the new key, in an older instance"

    revoked = command(operator, "revoke", "--signing", following)

    assert following not in [key["id"] for key in revoked["signing_keys"]]
    published = just_started(stack, "JwksFunction", "jwks/keys")
    assert [key["kid"] for key in published["keys"]] == [key["id"] for key in revoked["signing_keys"]]
    assert check(login["access_token"], published) == current, "of a key that retired in peace"
    secret = stack.secrets_manager.get_secret_value(SecretId=stack.outputs["SigningKeysSecret"])["SecretString"]
    assert following not in secret
