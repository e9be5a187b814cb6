"""The sample events are events, of routes that there are, and the functions of their folders answer them."""

import base64
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventV2Model

from cli import tenant_file
from local import processes, stack, template
from local.stack import Endpoints

ROOT = Path(__file__).parents[2]
TEMPLATE = template.load()
ROUTES = template.routes(TEMPLATE)
EVENTS: dict[str, dict[str, Any]] = {
    f"{path.parent.name}/{path.stem}": json.loads(path.read_text())
    for name in sorted(set(ROUTES.values()))
    for path in sorted((ROOT / "events" / name).glob("*.json"))
}

OF_ANOTHER_STACK = ("code", "code_confidential", "device_code", "refresh", "refresh_json")

every_event = pytest.mark.parametrize("name", EVENTS)


@every_event
def test_an_event_is_one_of_payload_format_2(name: str) -> None:
    model = APIGatewayProxyEventV2Model.model_validate(EVENTS[name])
    event = APIGatewayProxyEventV2(EVENTS[name])
    assert model.version == event.version == "2.0"
    method, path = model.routeKey.split()
    assert method in {event.request_context.http.method, "ANY"}
    proxied = (event.path_parameters or {}).get("proxy", "")
    assert event.raw_path == event.request_context.http.path == path.replace("{proxy+}", proxied)
    assert event.request_context.route_key == event.route_key


@every_event
def test_an_event_agrees_with_itself(name: str) -> None:
    """As API Gateway would have made it of one request."""
    event = EVENTS[name]
    assert event["rawQueryString"] == urlencode(event.get("queryStringParameters", {}))
    assert all(header == header.lower() for header in event["headers"])
    assert "cookie" not in event["headers"]
    assert event["requestContext"]["http"]["userAgent"] == event["headers"]["user-agent"]
    if "body" in event:
        octets = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"].encode()
        assert len(octets) == int(event["headers"]["content-length"])
        assert event["isBase64Encoded"] == (event["headers"]["content-type"] == "application/x-www-form-urlencoded")


@every_event
def test_an_event_is_for_the_function_of_its_folder(name: str) -> None:
    assert ROUTES[EVENTS[name]["routeKey"]] == name.partition("/")[0]


def test_every_route_has_an_event() -> None:
    assert {event["routeKey"] for event in EVENTS.values()} == set(ROUTES)


def test_every_function_has_an_event() -> None:
    folders = {path.parent.name for path in ROOT.glob("events/*/*.json")}
    assert folders == {function.name for function in template.functions(TEMPLATE).values()}


# ---- What the functions answer


@pytest.fixture(scope="module", name="answers")
def _answers() -> Iterator[Mapping[str, dict[str, Any]]]:
    """What each event's function answers to it, on a fresh stack with the example tenant."""
    with processes.ministack() as aws:
        environment = stack.create(Endpoints(aws, aws), issuer="http://localhost:8400/")
        tenant_file.seed(tenant_file.load(ROOT / "examples/tenant.yaml"), stack.store(aws, environment))
        names = defaultdict(list)
        for name in EVENTS:
            names[name.partition("/")[0]].append(name)
        answers: dict[str, dict[str, Any]] = {}
        for function, own in names.items():
            answers |= dict(zip(own, invoked(function, [EVENTS[name] for name in own], environment), strict=True))
        yield answers


def invoked(function: str, events: list[dict[str, Any]], environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """What a function answers in a process of its own, which finds the code where Lambda would."""
    path = [ROOT / "functions" / function, ROOT / "layers/shared"]
    done = subprocess.run(
        [sys.executable, "-P", ROOT / "local/lambda_process.py", "app.handler"],
        input="".join(json.dumps(event) + "\n" for event in events),
        env={
            **environment,
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_LAMBDA_FUNCTION_NAME": function,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@every_event
def test_an_event_is_answered(answers: Mapping[str, dict[str, Any]], name: str) -> None:
    status = answers[name]["statusCode"]
    assert status not in {404, 405}
    assert status < 500, answers[name]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("authorize/authorize", 200),
        ("authorize/authorize_post", 200),
        ("authorize/silent", 200),
        ("authorize/login", 303),
        ("authorize/logout", 303),
        ("authorize/oidc_logout", 303),
        ("authorize/oidc_logout_post", 200),
        ("authorize/device_code", 200),
        ("authorize/activation_page", 200),
        ("authorize/account_page", 200),
        ("authorize/account", 200),
        ("authorize/pushed_authorization", 201),
        ("authorize/pushed_authorization_preflight", 204),
        ("jwks/keys", 200),
        ("management/openapi", 200),
        ("jwks/openid_configuration", 200),
        ("jwks/oauth_authorization_server", 200),
        ("revoke/revoke", 200),
        ("revoke/introspect", 200),
        ("revoke/preflight", 204),
        ("token/client_credentials", 200),
        ("token/preflight", 204),
        ("userinfo/preflight", 204),
    ],
)
def test_what_needs_no_secret_of_the_stack_succeeds(
    answers: Mapping[str, dict[str, Any]], name: str, status: int
) -> None:
    assert answers[name]["statusCode"] == status


@pytest.mark.parametrize(
    "name", ["token/code", "token/code_confidential", "token/device_code", "token/refresh", "token/refresh_json"]
)
def test_codes_and_tokens_of_another_stack_are_refused(answers: Mapping[str, dict[str, Any]], name: str) -> None:
    assert answers[name]["statusCode"] == 400
    assert json.loads(answers[name]["body"])["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "name",
    [
        "userinfo/get",
        "userinfo/post_header",
        "userinfo/post_body",
        "management/refresh_tokens",
        "management/revoke",
    ],
)
def test_access_tokens_of_another_issuer_are_refused(answers: Mapping[str, dict[str, Any]], name: str) -> None:
    assert answers[name]["statusCode"] == 401
    assert 'error="invalid_token"' in answers[name]["headers"]["www-authenticate"]


def test_the_login_ends_with_a_code_for_the_application(answers: Mapping[str, dict[str, Any]]) -> None:
    location = answers["authorize/login"]["headers"]["location"]
    address, _, query = location.partition("?")
    assert address == "http://localhost:8401/"
    assert parse_qs(query).keys() == {"code", "state", "iss"}
