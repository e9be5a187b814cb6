"""The page about the architecture names what the template has, and what the code stores, and nothing else."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from heirloom.adapters.refresh_token_metadata import DynamoDBRefreshTokenMetadata
from heirloom.domain import key_rotation
from local import template
from local.template import ROOT
from tests.endpoints import devices
from tests.endpoints.hands import declare, pushed
from tests.endpoints.reading import sign_in, submit
from tests.proofs import Prover
from tests.service import ALICE, SPA, THIRD_PARTY, WEB, Service, answered, tokens

TEMPLATE = template.load()
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
TRANSIENT = {"SessionsTable": {"ended_at"}}
"""Attributes of items that are deleted in the same request."""


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of the table below the row of these headings, by the name in their first cell."""
    _, found, rest = PAGE.partition(heading + "\n")
    assert found, heading
    lines = rest.partition("\n\n")[0].splitlines()[1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first.strip("`"): others for first, *others in cells}


def names(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def test_all_that_holds_or_runs_something_is_on_the_page() -> None:
    kinds = ("DynamoDB::Table", "SecretsManager::Secret", "SQS::Queue", "Events::EventBus")
    holding = {name for kind in kinds for name in TEMPLATE.of_type(f"AWS::{kind}")}
    running = {function.name for function in template.functions(TEMPLATE).values()}

    assert {name for name in holding | running if name not in PAGE} == set()
    assert set(re.findall(r"\b[A-Z]\w+(?:Table|Secret|Queue|DeadLetters|Bus)\b", PAGE)) <= holding


def test_every_function_is_there_with_what_it_answers() -> None:
    answers = rows("| function | answers |")
    routes: dict[str, set[str]] = defaultdict(set)
    for route, function in template.routes(TEMPLATE).items():
        routes[function].add(route.partition(" ")[2])

    assert set(answers) == {function.name for function in template.functions(TEMPLATE).values()}
    for function, paths in routes.items():
        told = names(answers[function][0])
        assert all(any(path == it or (it.endswith("/") and path.startswith(it)) for it in told) for path in paths)
        assert all(any(path == it or path.startswith(it) for path in paths) for it in told)


def roles() -> Iterator[tuple[str, str, str]]:
    """Function, action and resource of every permission, without those to log and to trace."""
    functions = TEMPLATE.of_type("AWS::Serverless::Function")
    for logical_id, function in template.functions(TEMPLATE).items():
        role, _ = functions[logical_id]["Role"]["Fn::GetAtt"]
        for policy in TEMPLATE.of_type("AWS::IAM::Role")[role]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                resources: Any = statement["Resource"]
                for resource in resources if isinstance(resources, list) else [resources]:
                    for action in statement["Action"]:
                        if not action.startswith(("logs:CreateLogStream", "logs:PutLogEvents", "xray:")):
                            yield function.name, action, _resource(resource)


def _resource(resource: Any) -> str:
    match resource:
        case {"Fn::GetAtt": [str(logical_id), *_]} | {"Ref": str(logical_id)}:
            return logical_id
        case {"Fn::Sub": str(text)}:
            return str(re.findall(r"\$\{(\w+)", text)[-1])
        case _:
            return str(resource)


def test_every_role_is_told_as_it_is() -> None:
    expected: dict[str, list[set[str]]] = {
        function.name: [set(), set(), set()] for function in template.functions(TEMPLATE).values()
    }
    for function, action, resource in roles():
        writes, reads, also = expected[function]
        if not action.startswith("dynamodb:"):
            also.add(resource)
        elif action.removeprefix("dynamodb:") in {"PutItem", "UpdateItem", "DeleteItem"}:
            writes.add(resource.removesuffix("Table"))
        else:
            reads.add(resource.removesuffix("Table"))
    for writes, reads, _ in expected.values():
        reads.difference_update(writes)
    told = {
        function: [names(cell) for cell in cells]
        for function, cells in rows("| function | writes | reads | also |").items()
    }

    assert told == expected


def test_every_table_is_told_with_its_keys_and_its_end() -> None:
    told = rows("| table | keys | kept | TTL | attributes |")
    tables = TEMPLATE.of_type("AWS::DynamoDB::Table")

    assert set(told) == set(tables)
    for name, properties in tables.items():
        keys, kept, expiry, _ = told[name]
        assert re.findall(r"`([^`]+)`", keys) == [key["AttributeName"] for key in properties["KeySchema"]]
        assert (kept == "yes") is (TEMPLATE.resources[name]["DeletionPolicy"] != "Delete")
        expires = properties.get("TimeToLiveSpecification", {"AttributeName": None})["AttributeName"]
        assert expiry == (f"`{expires}`" if expires else "none")
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert properties["BillingMode"] == "PAY_PER_REQUEST"


def lived(service: Service) -> None:
    """All kinds of logins, refreshes and ends."""
    declare(service, SPA, backchannel_logout_url="https://app.example/logout")
    asked = {"scope": "openid offline_access", "claims": '{"userinfo":{"name":null}}'}
    first = service.login_tokens(SPA, **asked)["refresh_token"]
    service.refreshed(first)
    service.refreshed(first)
    prover = Prover(service)
    prover.login_tokens(SPA, dpop_jkt=prover.key.thumbprint)
    service.revoke(service.login_tokens(WEB)["refresh_token"], WEB)
    service.set_policy(WEB, rotating=False)
    service.refresh(service.login_tokens(WEB)["refresh_token"], WEB)
    service.families.end_logins(ALICE.user_id, because="blocked", now=service.now)
    service.families.end_logins(ALICE.user_id, because="blocked", now=service.now, client_id=SPA.client_id)
    service.cookies.clear()
    query = pushed(service, SPA)
    sign_in(service, service.send("GET", "/authorize", query=query), ALICE.email)
    answered(submit(service, service.log_in(THIRD_PARTY), decision="allow"))
    device = devices.start(service)
    devices.poll(service, device)
    devices.confirm(service, device)
    tokens(devices.poll(service, device))
    service.log_in(SPA, password="wrong")
    noted = DynamoDBRefreshTokenMetadata(service.client, service.tables["FamiliesTable"])
    noted.put(service.families.of_user(ALICE.user_id)[0], {"device": "phone"})


def kind(attribute: str) -> str:
    """An attribute by the name under which the page has it and its like."""
    return re.sub(r"^[0-7]$", "0…7", re.sub(":.*", ":…", attribute))


def test_every_attribute_that_is_stored_is_told_and_no_other(service: Service) -> None:
    told = {table: names(cells[-1]) for table, cells in rows("| table | keys | kept | TTL | attributes |").items()}
    assert told.pop("ConfigurationTable") == {"document"}
    lived(service)

    stored = {}
    for table in told:
        keys = {key["AttributeName"] for key in TEMPLATE.of_type("AWS::DynamoDB::Table")[table]["KeySchema"]}
        found = {kind(name) for item in service.items(table) for name in item}
        stored[table] = (found | TRANSIENT.get(table, set())) - keys
    assert told == stored


def test_the_times_of_keys_are_those_of_the_rules() -> None:
    def told(seconds: int) -> str:
        parts = {"day": seconds // 86400, "hour": seconds % 86400 // 3600, "minute": seconds % 3600 // 60}
        if parts["day"] < 2:
            parts["hour"] += 24 * parts.pop("day")
        return " ".join(f"{count} {unit}s" for unit, count in parts.items() if count)

    keys = PAGE.partition("## Keys\n")[2].partition("\n## ")[0]
    for label, seconds in {
        "a signing key is published before it signs for": key_rotation.SEEN_BY_VERIFIERS,
        "a retired one stays published for": key_rotation.SIGNATURES_CHECKED,
        "a token key is known before it mints for": key_rotation.SEEN_BY_INSTANCES,
        "a retired one derives for": key_rotation.DERIVATIONS_WALKED,
    }.items():
        assert f"| {label} | {told(seconds)} |" in keys


def test_the_layers_are_those_that_are_enforced() -> None:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (contract,) = (it for it in configuration["tool"]["importlinter"]["contracts"] if it["id"] == "layers")
    drawn = PAGE.partition("## Layers of the code")[2]
    pairs = re.findall(r'^    (\w+)\["[^"]*"\](?: --> ([\w &]+))?$', drawn, re.MULTILINE)
    arrows = {(above, below) for above, belows in pairs for below in belows.split(" & ") if below}

    levels = [layer.split(" | ") for layer in contract["layers"]]
    enforced = {(above, below) for one, next_one in pairwise(levels) for above in one for below in next_one}
    assert arrows == enforced | {("functions", "wiring")}
