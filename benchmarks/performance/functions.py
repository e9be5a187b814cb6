"""The real functions in one process, called with events as Lambda calls them."""

import base64
import copy
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from benchmarks.performance import control
from benchmarks.performance.control import Message
from local import gateway, template
from local.gateway import Context, Event, Handler

LOGIN_PAGE: Final = "login page"
LOGIN: Final = "login, with the password"
AUTHORIZE: Final = "authorize, with a session"
EXCHANGE: Final = "code exchange"
JWKS: Final = "JWKS"

_CLIENT: Final = "notes-spa"
_ATTEMPTS: Final = 3


class Refused(RuntimeError):
    """A function answered with an error."""


@dataclass(slots=True)
class Took:
    """The milliseconds of each call to one kind of request."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Functions:
    """The handlers behind the routes of the template, and what their calls took."""

    handlers: Mapping[str, tuple[str, Handler]]
    took: dict[str, Took] = field(default_factory=dict)

    def call(self, name: str, event: Event) -> dict[str, Any]:
        """Answer an event by the function of its route; raise `Refused` for an error."""
        function, handler = self.handlers[event["routeKey"]]
        context = Context(function, "3f1c2a64-8b1d-4a5e-9c7f-2d6b0e8a1c35")
        answer, wall, cpu = control.timed(lambda: handler(event, context))
        if answer["statusCode"] >= 400:  # noqa: PLR2004 - HTTP's
            raise Refused(f"{name}: {answer}")
        took = self.took.setdefault(name, Took())
        took.wall_ms.append(wall)
        took.cpu_ms.append(cpu)
        return dict(answer)

    def logged_in(self) -> str:
        """Return the refresh token of a login; begin anew where a busy machine made it fail."""
        for _ in range(_ATTEMPTS - 1):
            with suppress(Refused):
                return self.log_in()
        return self.log_in()

    def log_in(self) -> str:
        """Log somebody in who was never here, and once more by their session; return a refresh token."""
        page = self.call(LOGIN_PAGE, sample("authorize/authorize"))
        cookies = _cookies(page)
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page["body"])
        person = {"action": "sign_in", "email": "alice@example.com", "password": "correct horse battery staple"}
        form = {name: unescape(value) for name, value in hidden} | person
        entered = self.call(LOGIN, sample("authorize/login", form=form, cookies=cookies))
        self.call(EXCHANGE, _exchange(entered))
        again = self.call(AUTHORIZE, sample("authorize/authorize", cookies=cookies | _cookies(entered)))
        return str(json.loads(self.call(EXCHANGE, _exchange(again))["body"])["refresh_token"])


def refresh(refresh_token: str) -> Event:
    """Return the event of a refresh."""
    form = {"grant_type": "refresh_token", "client_id": _CLIENT, "refresh_token": refresh_token}
    return sample("token/refresh", form=form)


def sample(name: str, *, form: Mapping[str, str] | None = None, cookies: Mapping[str, str] | None = None) -> Event:
    """Return a sample event as `events/` has it, with this form and these cookies in place of its own."""
    event = copy.deepcopy(_SAMPLES[name])
    event.pop("cookies", None)
    if form is not None:
        event["body"] = base64.b64encode(urlencode(form).encode()).decode()
    if cookies:
        event["cookies"] = [f"{cookie}={value}" for cookie, value in cookies.items()]
    return event


_SAMPLES: Final[Mapping[str, Event]] = {
    name: json.loads((template.ROOT / f"events/{name}.json").read_text("utf-8"))
    for name in ("authorize/authorize", "authorize/login", "token/code", "token/refresh", "jwks/keys")
}


def _exchange(answer: Mapping[str, Any]) -> Event:
    """Return the event of the exchange of the code in an answer; the sample's verifier fits the sample's challenge."""
    (code,) = parse_qs(urlsplit(answer["headers"]["location"]).query)["code"]
    form = dict(pair for pair in _form_of(_SAMPLES["token/code"]) if pair[0] != "code")
    return sample("token/code", form=form | {"code": code})


def _form_of(event: Event) -> list[tuple[str, str]]:
    return [(name, value) for name, (value,) in parse_qs(base64.b64decode(event["body"]).decode()).items()]


def _cookies(answer: Mapping[str, Any]) -> dict[str, str]:
    pairs = (cookie.partition(";")[0].partition("=") for cookie in answer.get("cookies", ()))
    return {name: value for name, _, value in pairs}


def main() -> None:
    """Answer the benchmark: `log_in` so many times, and tell what each kind of request took, with a refresh token."""
    functions = Functions(gateway.handlers(template.load()))

    def log_in(message: Message) -> Message:
        functions.took.clear()
        tokens = [functions.logged_in() for _ in range(message["times"])]
        for _ in range(message["times"]):
            functions.call(JWKS, sample("jwks/keys"))
        took = {name: {"wall_ms": it.wall_ms, "cpu_ms": it.cpu_ms} for name, it in functions.took.items()}
        return {"took": took, "tokens": tokens}

    control.serve({}, {"log_in": log_in})


if __name__ == "__main__":
    main()
