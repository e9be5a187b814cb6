"""What an operator types after a page, on a local AWS instead of an account."""

import base64
import copy
import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from cli.__main__ import main
from local import stack
from local.stack import Endpoints
from tests.docs.test_links import CODE
from tests.functions.test_events import EVENTS, invoked

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def commands(markdown: str) -> list[str]:
    """Return the commands that a page, or a part of one, has an operator type."""
    blocks = [code for language, code in CODE.findall(markdown) if not language]
    return [line for block in blocks for line in block.splitlines()]


class Stack:
    """A stack of its own on a local AWS, whose functions begin afresh with every request."""

    def __init__(self, endpoint: str, **names: str) -> None:
        """*names* are what stands for the words that a page has in their place, besides the stack's own name."""
        self.endpoint = endpoint
        self.environment = stack.create(Endpoints(endpoint, endpoint), issuer="http://localhost:8400/")
        self.dynamodb: DynamoDBClient = stack.client("dynamodb", endpoint)
        self.names = {"--stack": "--endpoint", "heirloom-prod": endpoint, **names}

    def send(self, event: str, **form: str) -> dict[str, Any]:
        """Send a sample event, with other parameters in its form."""
        changed = copy.deepcopy(EVENTS[event])
        body = form_of(event) | form
        if body:
            changed["body"] = base64.b64encode(urlencode(body).encode()).decode()
        (answer,) = invoked(event.partition("/")[0], [changed], self.environment)
        return answer

    def log_in(self, application: Mapping[str, str] | None = None, **person: str) -> dict[str, Any]:
        """Return the tokens of a new login: of the sample events, or of another application and person."""
        request = {**dict(parse_qsl(form_of("authorize/login")["request"])), **(application or {})}
        answer = self.send("authorize/login", request=urlencode(request), **person)
        code = parse_qs(urlsplit(answer["headers"]["location"]).query)["code"][0]
        same = {name: request[name] for name in ("client_id", "redirect_uri")}
        tokens: dict[str, Any] = json.loads(self.send("token/code", code=code, **same)["body"])
        return tokens

    def type(self, command: str) -> None:
        """Do what a command says."""
        program, *words = [self.names.get(word, word) for word in shlex.split(command, comments=True)]
        if program == "bin/heirloom":
            assert main(words) == 0, command
            return
        assert (program, words[0]) == ("aws", "dynamodb")
        waits = words[1] == "wait"
        verb, *options = words[2 if waits else 1 :]
        arguments = _arguments(options)
        if waits:
            waiter: Any = self.dynamodb.get_waiter(verb.replace("-", "_"))  # type: ignore[call-overload]  # any of them
            waiter.wait(**arguments)
            return
        answer = getattr(self.dynamodb, verb.replace("-", "_"))(**arguments)
        if "BackupDetails" in answer:
            self.names["BACKUP"] = answer["BackupDetails"]["BackupArn"]


def form_of(event: str) -> dict[str, str]:
    """Return the form of a sample event."""
    return dict(parse_qsl(base64.b64decode(EVENTS[event].get("body", "")).decode()))


def _arguments(options: list[str]) -> dict[str, Any]:
    """Return boto3's arguments for those of the AWS CLI."""
    arguments: dict[str, Any] = {}
    words = iter(options)
    for option in words:
        name = "".join(map(str.capitalize, option.removeprefix("--no-").removeprefix("--").split("-")))
        if option.endswith("-enabled"):
            arguments[name] = not option.startswith("--no-")
            continue
        value = next(words)
        pairs = [pair.split("=") for pair in value.split(",")]
        structure = {
            key: text[0] == "true" if text[0] in {"true", "false"} else text[0] for key, *text in pairs if text
        }
        arguments[name] = structure or value
    return arguments
