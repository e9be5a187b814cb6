"""How the template is read, on templates small enough to see."""

import json
from pathlib import Path
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest
import yaml

from local.template import (
    PREFIX,
    ROOT,
    Function,
    Template,
    consumers,
    environment,
    functions,
    load,
    queues,
    routes,
    secrets,
    tables,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = """
Parameters:
  Issuer: {Type: String, Default: ""}
  Level: {Type: String, Default: INFO}
Conditions:
  HasIssuer: !Not [!Equals [!Ref Issuer, ""]]
  Never: !And [!Condition HasIssuer, !Equals [a, b]]
  Sometimes: !Or [!Condition Never, !Condition HasIssuer]
Resources:
  Things: {Type: AWS::DynamoDB::Table, Properties: {}}
  Keys: {Type: AWS::SecretsManager::Secret}
"""


@pytest.fixture
def reading(tmp_path: Path) -> "Callable[[str], Template]":
    def read(variables: str) -> Template:
        path = tmp_path / "template.yaml"
        inside = indent(dedent(variables), " " * 8)
        path.write_text(f"{HEAD}Globals:\n  Function:\n    Environment:\n      Variables:\n{inside}\n")
        return load(path)

    return read


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("3", "3"),
        ("!Ref Level", "INFO"),
        ("!Ref Issuer", "http://localhost/"),
        ("!Ref Things", "p-Things"),
        ("!GetAtt Keys.Id", "p-Keys"),
        ('!Sub "${Issuer}path of ${Things}"', "http://localhost/path of p-Things"),
        ("!If [HasIssuer, yes it has, !Ref Nowhere]", "yes it has"),
        ("!If [Never, a, !If [Sometimes, b, c]]", "b"),
    ],
)
def test_intrinsic_functions_become_local_values(
    reading: "Callable[[str], Template]", value: str, expected: str
) -> None:
    assert environment(reading(f"X: {value}"), issuer="http://localhost/", prefix="p-") == {"X": expected}


def test_ours_leads_every_queue_to_a_function(template: Template) -> None:
    assert {queue: function.name for queue, function in consumers(template).items()} == {
        "BackchannelLogoutQueue": "backchannel_logout"
    }


def test_a_queue_comes_after_its_dead_letters_and_its_attributes_are_text(template: Template) -> None:
    dead_letters, queue = queues(template).items()

    assert dead_letters == (
        "BackchannelLogoutDeadLetters",
        {"SqsManagedSseEnabled": "true", "MessageRetentionPeriod": "1209600"},
    )
    assert queue[1]["VisibilityTimeout"] == "60"
    assert json.loads(queue[1]["RedrivePolicy"])["maxReceiveCount"] == 5


@pytest.mark.parametrize("value", ["!Ref Api", '!Sub "${AWS::Region}"', "!GetAtt Things.Arn", "!Select [0, [a]]"])
def test_what_there_is_not_locally_is_an_error(reading: "Callable[[str], Template]", value: str) -> None:
    """A variable that is silently wrong would be found by whoever debugs what uses it."""
    with pytest.raises(KeyError):
        environment(reading(f"X: {value}"), issuer="http://localhost/")


def test_tags_are_read_in_their_long_form(reading: "Callable[[str], Template]") -> None:
    template = reading(
        """
        a: !GetAtt Keys.Outputs.Id
        b: !GetAtt [Keys, Id]
        c: !Condition Never
        d: !Transform {Name: x}
        """
    )

    assert template.document["Globals"]["Function"]["Environment"]["Variables"] == {
        "a": {"Fn::GetAtt": ["Keys", "Outputs.Id"]},
        "b": {"Fn::GetAtt": ["Keys", "Id"]},
        "c": {"Condition": "Never"},
        "d": {"Fn::Transform": {"Name": "x"}},
    }


def test_a_tag_cannot_make_python_objects(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("x: !!python/object/apply:os.getcwd []")

    with pytest.raises(yaml.YAMLError):
        load(path)


def test_ours_names_every_store_after_its_logical_id(template: Template) -> None:
    variables = environment(template, issuer="http://localhost:8400/")
    names = {table["TableName"] for table in tables(template)} | set(secrets(template))

    assert variables["ISSUER"] == "http://localhost:8400/"
    assert {value for name, value in variables.items() if name.endswith(("_TABLE", "_SECRET"))} == names
    assert variables["FAMILIES_TABLE"] == f"{PREFIX}FamiliesTable"


def test_ours_leads_every_route_to_a_function(template: Template) -> None:
    found = routes(template)

    assert found["POST /oauth/token"] == "token"
    assert found["GET /v2/logout"] == "authorize"
    assert set(found.values()) == {one.name for one in functions(template).values()} - {
        "rotate_keys",
        "backchannel_logout",
    }
    assert functions(template)["TokenFunction"] == Function("TokenFunction", Path("functions/token"), "app.handler")
    assert (ROOT / "functions/token/app.py").is_file()
