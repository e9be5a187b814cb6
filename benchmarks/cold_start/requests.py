"""What is asked of a fresh process: for every function its sample event, with codes and tokens that are good."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from cli import tenant_file
from local import processes, stack, template
from local.artifacts import Artifacts
from local.stack import Endpoints
from local.template import ROOT

type Event = dict[str, Any]

ISSUER: Final = "https://login.example/"
_OPERATOR: Final = "operations:demo-secret-that-everybody-can-read-0003"
_ASKED: Final = {
    "authorize": "authorize/authorize",
    "token": "token/refresh",
    "revoke": "revoke/introspect",
    "jwks": "jwks/keys",
    "userinfo": "userinfo/get",
    "management": "management/refresh_tokens",
    "backchannel_logout": "backchannel_logout/logout",
    "rotate_keys": "rotate_keys/show",
}
"""The sample event of each function."""


class Refused(RuntimeError):
    """A function refused what is good, so that its time says nothing."""


@dataclass(slots=True)
class Requests:
    """A login of the example's person, and what may be asked because of it."""

    environment: Mapping[str, str]
    """Leads a function to the local stack."""
    access_token: str
    operator_token: str
    refresh_tokens: list[str] = field(repr=False)
    """The newest of each family; it is spent by whoever asks."""

    def of(self, function: str) -> list[Event]:
        """Return two requests to a function, one after the other."""
        name = _ASKED[function]
        match function:
            case "token":
                return [sample(name, refresh_token=self.refresh_tokens.pop(0)) for _ in range(2)]
            case "revoke":
                return [sample(name, token=self.access_token)] * 2
            case "userinfo":
                return [_with_bearer(sample(name), self.access_token)] * 2
            case "management":
                return [_with_bearer(sample(name), self.operator_token)] * 2
            case _:
                return [sample(name)] * 2

    def heard(self, function: str, answers: list[Any]) -> None:
        """Take the answers of a function, and the refresh tokens in them; raise `Refused`."""
        for answer in answers:
            if answer.get("statusCode", 200) != 200:  # noqa: PLR2004 - HTTP's
                raise Refused(f"{function}: {answer}")
            if function == "token":
                tokens = _tokens(answer)
                self.refresh_tokens.append(tokens["refresh_token"])
                self.access_token = tokens["access_token"]  # the one before grows old meanwhile


def title(function: str) -> str:
    """Return what is asked of a function: `POST /oauth/token`."""
    return str(sample(_ASKED[function]).get("routeKey", _ASKED[function]))


@contextmanager
def served(artifacts: Artifacts) -> Iterator[Requests]:
    """Run the stores, log somebody in by the built functions, and yield what can be asked."""
    functions = {one.name: one for one in template.functions(template.load()).values()}
    with processes.dynamodb_local() as dynamodb, processes.ministack() as others:
        environment = stack.create(Endpoints(dynamodb, others), issuer=ISSUER)
        tenant_file.seed(tenant_file.load(ROOT / "examples/tenant.yaml"), stack.store(dynamodb, environment))

        def ask(function: str, event: Event) -> Any:  # noqa: ANN401 - JSON
            with redirect_stderr(StringIO()):  # what it logs
                (answer,) = artifacts.answers(functions[function], [event], environment)
            return answer

        def log_in() -> dict[str, str]:
            location = urlsplit(ask("authorize", sample("authorize/login"))["headers"]["location"])
            (code,) = parse_qs(location.query)["code"]
            return _tokens(ask("token", sample("token/code", code=code)))

        people = [log_in() for _ in range(2)]
        operator = sample("token/client_credentials", audience=f"{ISSUER}api/v2/", scope="")
        operator["headers"]["authorization"] = f"Basic {base64.b64encode(_OPERATOR.encode()).decode()}"
        yield Requests(
            environment,
            access_token=people[0]["access_token"],
            operator_token=_tokens(ask("token", operator))["access_token"],
            refresh_tokens=[one["refresh_token"] for one in people],
        )


def sample(name: str, **form: str) -> Event:
    """Return a sample event, with these members of its form."""
    event: Event = json.loads((ROOT / f"events/{name}.json").read_text("utf-8"))
    if form:
        given = parse_qs(base64.b64decode(event["body"]).decode())
        event["body"] = base64.b64encode(urlencode({**given, **form}, doseq=True).encode()).decode()
    return event


def _tokens(answer: Mapping[str, Any]) -> dict[str, str]:
    tokens: dict[str, str] = json.loads(answer["body"])
    return tokens


def _with_bearer(event: Event, token: str) -> Event:
    return {**event, "headers": {**event["headers"], "authorization": f"Bearer {token}"}}
