"""What template.yaml says, for the programs that run the service without AWS: there is no second list of it.

Intrinsic functions are read in their long form (`!Ref X` becomes `{"Ref": "X"}`) and worked out with local values:
a table or a secret is called by its logical id with a prefix, and the issuer is given as the parameter it is.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb.type_defs import CreateTableInputTypeDef

ROOT = Path(__file__).parent.parent
PREFIX = "heirloom-"

# What a template says is checked by `sam validate`; here it is only walked, from one mapping to the next.
type Node = Any


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function: its logical id, the folder of its code and its handler, `module.name`."""

    logical_id: str
    folder: Path
    handler: str

    @property
    def name(self) -> str:
        """Name of the folder, by which events and endpoints know the function: `token`."""
        return self.folder.name


@dataclass(frozen=True, slots=True)
class Template:
    """The parsed template, every intrinsic function in its long form."""

    document: Mapping[str, Node]

    @property
    def resources(self) -> Mapping[str, Node]:
        """Every resource by its logical id."""
        return cast("Mapping[str, Node]", self.document["Resources"])

    def of_type(self, kind: str) -> dict[str, Node]:
        """Properties of all resources of that type, by logical id."""
        return {name: one.get("Properties", {}) for name, one in self.resources.items() if one["Type"] == kind}


def load(path: Path = ROOT / "template.yaml") -> Template:
    """Read a template.

    Raises OSError if there is none and yaml.YAMLError if it is not YAML.
    """
    return Template(yaml.load(path.read_text("utf-8"), _Loader))  # noqa: S506 - a SafeLoader with CloudFormation's tags


def functions(template: Template) -> dict[str, Function]:
    """Every function by its logical id."""
    common = template.document["Globals"]["Function"]
    return {
        logical_id: Function(logical_id, Path(properties["CodeUri"]), properties.get("Handler", common["Handler"]))
        for logical_id, properties in template.of_type("AWS::Serverless::Function").items()
    }


def routes(template: Template) -> dict[str, str]:
    """The function, by the name of its folder, that answers each routeKey: `POST /oauth/token` → `token`."""
    integrations = template.of_type("AWS::ApiGatewayV2::Integration")
    known = functions(template)
    answers = {}
    for route in template.of_type("AWS::ApiGatewayV2::Route").values():
        (integration,) = re.findall(r"^integrations/\$\{(\w+)\}$", route["Target"]["Fn::Sub"])
        answers[route["RouteKey"]] = known[_of_alias(integrations[integration]["IntegrationUri"])].name
    return answers


def tables(template: Template, prefix: str = PREFIX) -> "list[CreateTableInputTypeDef]":
    """Arguments of `create_table` for every table, as far as a local store knows them."""
    understood = ("BillingMode", "AttributeDefinitions", "KeySchema")
    return [
        cast(
            "CreateTableInputTypeDef",
            {"TableName": prefix + logical_id} | {name: properties[name] for name in understood},
        )
        for logical_id, properties in template.of_type("AWS::DynamoDB::Table").items()
    ]


def secrets(template: Template, prefix: str = PREFIX) -> list[str]:
    """Name of every secret. The template gives none of them a value."""
    return [prefix + logical_id for logical_id in template.of_type("AWS::SecretsManager::Secret")]


def event_buses(template: Template, prefix: str = PREFIX) -> list[str]:
    """Name of every event bus."""
    return [prefix + logical_id for logical_id in template.of_type("AWS::Events::EventBus")]


def log_groups(template: Template, prefix: str = PREFIX) -> list[str]:
    """Name of every log group."""
    values = {"AWS::StackName": prefix.removesuffix("-")}
    groups = template.of_type("AWS::Logs::LogGroup").values()
    return [_resolved(group["LogGroupName"], values, {}) for group in groups]


def queues(template: Template) -> dict[str, dict[str, str]]:
    """Attributes of every queue as `create_queue` has them, by logical id; a dead letter queue comes before its own."""
    attributes = {}
    for logical_id, properties in template.of_type("AWS::SQS::Queue").items():
        attributes[logical_id] = {name: _text(value) for name, value in properties.items()}
    return dict(sorted(attributes.items(), key=lambda queue: "RedrivePolicy" in queue[1]))


def consumers(template: Template) -> dict[str, Function]:
    """The function that works on each queue, by the queue's logical id."""
    known = functions(template)
    return {
        mapping["EventSourceArn"]["Fn::GetAtt"][0]: known[_of_alias(mapping["FunctionName"])]
        for mapping in template.of_type("AWS::Lambda::EventSourceMapping").values()
    }


def environment(
    template: Template, *, issuer: str, prefix: str = PREFIX, queues: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Environment variables of the functions, with local tables, secrets, buses and queues.

    *queues* has the queues' URLs by logical id; without it they are called as tables are.

    Raises KeyError if a variable hangs on something that there is not locally.
    """
    values = {name: one.get("Default", "") for name, one in template.document["Parameters"].items()}
    values |= {"Issuer": issuer, "AWS::StackName": prefix.removesuffix("-")}
    kinds = ("AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::Events::EventBus")
    named = [name for kind in kinds for name in template.of_type(kind)]
    values |= {reference: prefix + name for name in named for reference in (name, f"{name}.Id")}
    values |= {name: prefix + name for name in template.of_type("AWS::SQS::Queue")} | dict(queues or {})
    conditions = template.document.get("Conditions", {})
    common = template.document["Globals"]["Function"]
    own = template.of_type("AWS::Serverless::Function").values()
    # Nobody is called as another is by a variable of its own, so that all can share one environment.
    variables = {
        name: value
        for one in (common, *own)
        for name, value in one.get("Environment", {"Variables": {}})["Variables"].items()
    }
    return {name: str(_resolved(value, values, conditions)) for name, value in variables.items()}


def _of_alias(reference: Node) -> str:
    """Logical id of the function whose alias is meant."""
    logical_id, _ = str(reference["Ref"]).split(".")
    return logical_id


def _text(value: Node) -> str:
    """Attribute of a queue: JSON, but for strings."""
    return value if isinstance(value, str) else json.dumps(value)


def _resolved(node: Node, values: Mapping[str, Node], conditions: Mapping[str, Node]) -> Node:
    """What the intrinsic functions in the node amount to; only what the environment needs, and no more than it asks."""
    if not isinstance(node, dict):
        return node

    def work(inner: Node) -> Node:
        return _resolved(inner, values, conditions)

    ((name, argument),) = node.items()
    match name:
        case "Fn::If":
            condition, then, otherwise = argument
            return work(then if work(conditions[condition]) else otherwise)
        case "Fn::Sub":
            return re.sub(r"\$\{([\w:]+)\}", lambda found: str(values[found[1]]), argument)
    simple: dict[str, Callable[[Node], Node]] = {
        "Ref": lambda logical_id: values[logical_id],
        "Fn::GetAtt": lambda path: values[".".join(path)],
        "Condition": lambda condition: work(conditions[condition]),
        "Fn::Equals": lambda pair: work(pair[0]) == work(pair[1]),
        "Fn::Not": lambda one: not work(one[0]),
        "Fn::And": lambda parts: all(map(work, parts)),
        "Fn::Or": lambda parts: any(map(work, parts)),
    }
    return simple[name](argument)


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Node]:
    match node:
        case yaml.ScalarNode():
            value: Node = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = loader.construct_mapping(cast("yaml.MappingNode", node), deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)
