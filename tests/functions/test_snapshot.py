"""SnapStart: one import, continued in any number of environments, hours or weeks later. Each has what must be its own.

On Lambda the snapshot is taken after the import and before the first request. So an import may leave behind nothing
that is secret, unique or of its time, and what is made afterwards must differ from one environment to the next.
"""

import base64
import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from cli import tenant_file
from local import processes, stack, template
from local.stack import Endpoints
from local.template import ROOT
from tests.template.test_release import UNATTENDED

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

FOLDER = Path(__file__).parent
FUNCTIONS = sorted(one.name for name, one in template.functions(template.load()).items() if name not in UNATTENDED)
DAY = 86_400
CHALLENGE = "viGGZwgqjo-Y_tOnjJEcb7_mhVTzJwLzCPNPMuOfiiI"
"""What the sample requests come with, and a login page carries on."""

type Event = dict[str, Any]
type Environments = list[dict[str, Any]]


def run(program: str, function: str, environment: Mapping[str, str], told: Any = None) -> Any:
    """Run a program of this folder with a function on its path, and return what it prints."""
    path = f"{ROOT / 'layers/shared'}:{ROOT / 'functions' / function}"
    done = subprocess.run(
        [sys.executable, FOLDER / program],
        env={"PYTHONPATH": path, "PYTHONHASHSEED": "0", **environment},
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# ---- The import


@cache
def left_behind(function: str, which: int) -> Any:
    """What one of several imports of a function leaves behind."""
    assert which < 2
    return run("left_behind.py", function, {})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_import_makes_nothing_that_a_request_needs(function: str) -> None:
    """No client, no connection, no credentials, no key: all are made for the first request, after the thaw."""
    left = left_behind(function, 0)

    assert left["made"] == []
    assert (left["clients"], left["sessions"], left["sockets"], left["keys"]) == (0, 0, 0, [])
    assert left["random"] == [], "the module random is seeded by its import: all environments would draw the same"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_import_leaves_the_same_state_every_time(function: str) -> None:
    """So there is no secret, no id and no time in it."""
    first, second = (left_behind(function, which)["state"] for which in range(2))

    assert len(first) > 100
    assert first == second


# ---- Two environments from one snapshot


@pytest.fixture(scope="module")
def aws(dynamodb_endpoint: str) -> Iterator[dict[str, str]]:
    """The environment of the functions, in a stack with the example's tenant."""
    with processes.ministack() as local_aws:
        environment = stack.create(
            Endpoints(dynamodb_endpoint, local_aws), issuer="https://login.example/", prefix="snapshot-"
        )
        tenant_file.seed(tenant_file.load(ROOT / "examples/tenant.yaml"), stack.store(dynamodb_endpoint, environment))
        yield environment


def event(name: str, **form: str) -> Event:
    """A sample event, with these members of its form."""
    sample: Event = json.loads((ROOT / f"events/{name}.json").read_text())
    if form:
        sample = copy.deepcopy(sample)
        given = parse_qs(base64.b64decode(sample["body"]).decode())
        sample["body"] = base64.b64encode(urlencode({**given, **form}, doseq=True).encode()).decode()
    return sample


def thawed(
    function: str, aws: Mapping[str, str], *asked: list[Event], before: tuple[Event, ...] = (), later: int = 0
) -> Environments:
    """Answers and calls of environments that continue one import of the function."""
    environments: Environments = run(
        "snapshot.py", function, aws, {"before": before, "later": later, "restored": asked}
    )
    return environments


def test_what_environments_of_one_snapshot_draw_is_their_own(aws: dict[str, str], dynamodb_endpoint: str) -> None:
    """CSRF values, sessions, codes, references, families, tokens, their ids, and the ids of attempts."""
    at_login = [event(f"authorize/{name}") for name in ("authorize", "login", "pushed_authorization", "device_code")]
    logins = thawed("authorize", aws, at_login, at_login)
    codes = [parse_qs(urlsplit(one["answers"][1]["headers"]["location"]).query)["code"][0] for one in logins]
    machine = event("token/client_credentials")
    exchanges = thawed("token", aws, *([event("token/code", code=code), machine] for code in codes))
    spent = [json.loads(one["answers"][0]["body"])["refresh_token"] for one in exchanges]
    refreshes = thawed("token", aws, *([event("token/refresh", refresh_token=one)] for one in spent))

    for environments in (logins, exchanges, refreshes):
        answers = [one["answers"] for one in environments]
        assert all(answer["statusCode"] < 400 for one in answers for answer in one), answers
        first, second = (drawn(one) for one in answers)
        assert first
        assert first & second <= {CHALLENGE}
    assert len(attempts(aws, dynamodb_endpoint)) == 2


def test_what_was_cached_before_the_snapshot_is_read_anew_when_it_is_too_old(aws: dict[str, str]) -> None:
    """On Lambda nothing is; were it, its age would be the wall clock's, which does not stand still in the snapshot."""
    (login,) = thawed("authorize", aws, [event("authorize/login")])
    code = parse_qs(urlsplit(login["answers"][0]["headers"]["location"]).query)["code"][0]
    (exchange,) = thawed("token", aws, [event("token/code", code=code)])
    first = json.loads(exchange["answers"][0]["body"])["refresh_token"]
    before = (event("token/refresh", refresh_token=first),)

    (at_once,) = thawed("token", aws, [event("token/client_credentials")], before=before)
    (next_day,) = thawed("token", aws, [event("token/client_credentials")], before=before, later=DAY)

    assert [one["answers"][0]["statusCode"] for one in (at_once, next_day)] == [200, 200]
    assert "GetSecretValue" not in at_once["calls"]
    assert "GetSecretValue" in next_day["calls"]
    assert next_day["calls"].count("GetItem") > at_once["calls"].count("GetItem")


@pytest.mark.parametrize("function", ["authorize", "jwks", "revoke", "token", "userinfo"])
def test_after_a_thaw_no_request_waits_for_an_import(function: str, aws: dict[str, str]) -> None:
    """What only some requests need is in the snapshot all the same: there it costs nothing. People wait for these."""
    asked = [json.loads(path.read_text()) for path in sorted((ROOT / "events" / function).glob("*.json"))]
    snapshot = {**aws, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}

    (restored,) = thawed(function, snapshot, asked)

    assert len(restored["answers"]) == len(asked) > 0
    assert restored["imported"] == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_where_there_is_no_snapshot_nothing_is_imported_in_advance(function: str) -> None:
    assert not left_behind(function, 0)["imported"]


def drawn(answers: list[dict[str, Any]]) -> set[str]:
    """Values that somebody drew: all that is long and no word in answers, and what tokens hold of the kind."""
    texts = [
        text
        for answer in answers
        for text in (*answer.get("cookies", []), answer["headers"].get("location", ""), answer["body"])
    ]
    claims = [
        json.loads(base64.urlsafe_b64decode(payload + "=="))
        for text in texts
        for payload in re.findall(r"eyJ[\w-]+\.([\w-]+)\.", text)
    ]
    outside = [re.sub(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "", text) for text in texts]
    return {found for text in outside for found in re.findall(r"[\w-]{32,}", text) if re.search(r"\d", found)} | {
        one[name] for one in claims for name in ("jti", "sid") if name in one
    }


def attempts(aws: Mapping[str, str], endpoint: str) -> set[str]:
    """Ids of the requests that rotated last, of all families that have rotated."""
    dynamodb: DynamoDBClient = stack.client("dynamodb", endpoint)
    items = dynamodb.scan(TableName=aws["FAMILIES_TABLE"])["Items"]
    return {item["attempt"]["S"] for item in items if "generation" in item and item["generation"]["N"] != "0"}
