"""Every kind of request, sent to the real functions on local stores and counted when all caches are warm."""

import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from io import StringIO
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx

from benchmarks.counting import Meter, Usage
from cli import tenant_file
from heirloom.domain import encoding
from heirloom.domain.lifetimes import CACHED_CONFIGURATION
from local import gateway, processes, stack, template
from local.gateway import Gateway
from local.stack import Endpoints
from local.template import ROOT
from tests.item_size import size_of
from tests.proofs import Key
from tests.service import ISSUER

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_APPLICATION: Final = "notes-spa"
_CALLBACK: Final = "http://localhost:8401/"
_ACCESS: Final = {
    "audience": "https://notes.example.com/api",
    "scope": "openid profile email offline_access read:notes write:notes",
}
_MACHINE: Final = {
    "grant_type": "client_credentials",
    "client_id": "nightly-report",
    "client_secret": "demo-secret-that-everybody-can-read-0002",
    "audience": _ACCESS["audience"],
}
_OPERATOR: Final = {
    "grant_type": "client_credentials",
    "client_id": "operations",
    "client_secret": "demo-secret-that-everybody-can-read-0003",
    "audience": f"{ISSUER}api/v2/",
}
_WEB: Final = {"client_id": "notes-web", "client_secret": "demo-secret-that-everybody-can-read-0001"}
_PERSON: Final = {"email": "alice@example.com", "password": "correct horse battery staple"}
_USER_AGENT: Final = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
    "Safari/537.36"
)
_STARTED: Final = time.time_ns()
_S256: Final = {"code_challenge_method": "S256"}
_WRITE_UNIT: Final = 1024
"""Bytes of an item up to which a write costs one unit."""

LOGIN: Final = "login: the page and the password"
EXCHANGE: Final = "login: the code's exchange"
SILENT: Final = "silent authentication"
REFRESH: Final = "refresh"
REFRESH_DPOP: Final = "refresh with DPoP"
REPLAY: Final = "replay within leeway"
REUSE: Final = "reuse: the family ends"
REVOKE: Final = "revocation"
LOGOUT: Final = "logout"
USERINFO: Final = "userinfo"
JWKS: Final = "JWKS"
MACHINE: Final = "machine's token"
INTROSPECTION: Final = "introspection"
ACCOUNT: Final = "account page"
MANAGEMENT: Final = "Management API: a user's refresh tokens"


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted: the operations with warm caches, what fills these caches, and how large a family is."""

    operations: Mapping[str, Usage]
    configuration_reads: int
    """Read units by which an environment learns an application, its API and the tenant's settings."""
    secret_reads: int
    """Calls by which it learns its keys."""
    family_bytes: int


@dataclass(slots=True)
class _Clock:
    """The time, which stands still until it is put forward: on a busy machine caches would grow old by themselves."""

    ahead: int = 0

    def time(self) -> float:
        return self.time_ns() / 1e9

    def time_ns(self) -> int:
        return _STARTED + self.ahead * 1_000_000_000


@contextmanager
def _stack(meter: Meter) -> Iterator[httpx.Client]:
    """Run the stores, become a fresh environment of every function, and yield a browser that is before the API."""
    with processes.dynamodb_local() as dynamodb, processes.ministack() as others, meter.watching():
        environment = stack.create(Endpoints(dynamodb, others), issuer=ISSUER)
        tenant_file.seed(tenant_file.load(ROOT / "examples/tenant.yaml"), stack.store(dynamodb, environment))
        os.environ |= environment | {"AWS_LAMBDA_FUNCTION_NAME": "function"}
        document = template.load()
        (stage,) = document.of_type("AWS::ApiGatewayV2::Stage").values()
        api = _Api(Gateway(gateway.handlers(document)), stage["AccessLogSettings"]["Format"]["Fn::Sub"], meter)
        with httpx.Client(
            transport=httpx.WSGITransport(api, remote_addr="203.0.113.195"),
            base_url=ISSUER,
            headers={"user-agent": _USER_AGENT},
        ) as browser:
            yield browser


@dataclass(frozen=True, slots=True)
class _Api:
    """The HTTP API with its access log."""

    gateway: Gateway
    log_format: str
    meter: Meter

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:  # noqa: ANN401 - WSGI's own
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        environ["REQUEST_URI"] = f"{path}?{query}" if query else path
        answered: list[Any] = []

        def note(status: str, headers: list[tuple[str, str]], *_: object) -> Any:  # noqa: ANN401 - WSGI's own
            answered.extend((int(status.partition(" ")[0]), headers))
            return start_response(status, headers)

        body = list(self.gateway(environ, note))
        status, headers = answered
        route = f"{environ['REQUEST_METHOD']} {path}"
        function = next(name for key, (name, _) in self.gateway.routes.items() if _answers(key, route))
        self.meter.answered(function, self._line(route, path), status, dict(headers), b"".join(body).decode())
        return body

    def _line(self, route: str, path: str) -> str:
        """Return what the API logs: times and numbers of usual length in place of true ones."""
        told = {
            "requestId": "V0TKmhYUIAMEVFQ=",
            "requestTimeEpoch": "1795687200000",
            "identity.sourceIp": "203.0.113.195",
            "identity.userAgent": _USER_AGENT,
            "routeKey": route,
            "path": path,
            "status": "200",
            "responseLatency": "42",
            "integrationLatency": "40",
        }
        return re.sub(r"\$context\.([\w.]+)", lambda found: told.get(found[1], "-"), self.log_format).replace(
            "${AWS::StackName}", "heirloom-prod"
        )


def _answers(route_key: str, route: str) -> bool:
    """Tell whether a route of the template is the one of a request; the last part of its path may be greedy."""
    (verb, path), (method, asked) = (text.split(" ", 1) for text in (route_key, route))
    prefix, greedy, _ = path.partition("{proxy+}")
    return verb in {"ANY", method} and (asked.startswith(prefix) if greedy else asked == path)


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody with a browser, and the application in it."""

    browser: httpx.Client
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def ask(self, **more: str) -> httpx.Response:
        """Begin a login."""
        names = {"client_id": _APPLICATION, "redirect_uri": _CALLBACK, "response_type": "code"} | _ACCESS
        fresh = {"state": secrets.token_urlsafe(16), "nonce": secrets.token_urlsafe(16)}
        challenge = encoding.encode(sha256(self.verifier.encode()).digest())
        return self.browser.get("/authorize", params=names | fresh | {"code_challenge": challenge} | _S256 | more)

    def log_in(self) -> str:
        """Fill in the login page and return the code."""
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.ask().text)
        form = {name: unescape(value) for name, value in hidden}
        return _code(self.browser.post("/login", data=form | _PERSON | {"action": "sign_in"}))

    def exchange(self, code: str, **headers: str) -> httpx.Response:
        """Exchange a code."""
        form = {"code": code, "redirect_uri": _CALLBACK, "code_verifier": self.verifier}
        return self._token_request({"grant_type": "authorization_code", **form}, headers)

    def refresh(self, refresh_token: str, **headers: str) -> httpx.Response:
        """Exchange a refresh token."""
        return self._token_request({"grant_type": "refresh_token", "refresh_token": refresh_token}, headers)

    def _token_request(self, form: Mapping[str, str], headers: Mapping[str, str]) -> httpx.Response:
        return self.browser.post("/oauth/token", data={"client_id": _APPLICATION, **form}, headers=dict(headers))


def counted() -> Counted:
    """Count all operations, in a process of its own: it becomes the functions.

    The second round counts: by then every cache is warm, and the browser is one from which the person logged in before.
    """
    meter, clock = Meter(StringIO()), _Clock()
    with (
        redirect_stdout(meter.log),
        patch("time.time", clock.time),
        patch("time.time_ns", clock.time_ns),
        _stack(meter) as browser,
    ):
        first, _ = _round(meter, clock, browser)
        operations, family_bytes = _round(meter, clock, browser)
        person = _Person(browser)
        refresh_token = _refresh_token(person.exchange(person.log_in()))
        clock.ahead += CACHED_CONFIGURATION + 1
        with meter.operation() as stale:
            person.refresh(refresh_token)
    for name, usage in operations.items():
        refused = [status for status in usage.statuses if status >= 400]  # noqa: PLR2004 - HTTP's
        if refused and name != REUSE:
            raise RuntimeError(f"{name} was refused: {refused}")
    secret_reads = first[EXCHANGE].calls_of("secretsmanager")
    return Counted(operations, stale.read_units, secret_reads, family_bytes)


def _round(meter: Meter, clock: _Clock, browser: httpx.Client) -> tuple[dict[str, Usage], int]:
    counts: dict[str, Usage] = {}

    def count[T](name: str, act: Callable[[], T]) -> T:
        with meter.operation() as counts[name]:
            return act()

    browser.cookies.clear()
    person = _Person(browser)
    code = count(LOGIN, person.log_in)
    spent = _refresh_token(count(EXCHANGE, lambda: person.exchange(code)))
    count(SILENT, lambda: person.ask(prompt="none", response_mode="web_message"))
    answer = count(REFRESH, lambda: person.refresh(spent))
    family_bytes = _largest_items()["FamiliesTable"]
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    count(REPLAY, lambda: person.refresh(spent))
    count(USERINFO, lambda: browser.get("/userinfo", headers=bearer))
    count(
        INTROSPECTION, lambda: browser.post("/oauth/introspect", data=_WEB | {"token": answer.json()["access_token"]})
    )
    form = {"client_id": _APPLICATION, "token": _refresh_token(answer)}
    count(REVOKE, lambda: browser.post("/oauth/revoke", data=form))
    _with_proof(count, person)
    _caught(count, clock, person)
    operator = {"authorization": f"Bearer {browser.post('/oauth/token', data=_OPERATOR).json()['access_token']}"}
    count(MANAGEMENT, lambda: browser.get("/api/v2/users/auth0%7Calice/refresh-tokens", headers=operator))
    count(ACCOUNT, lambda: browser.get("/account"))
    count(LOGOUT, lambda: browser.get("/v2/logout", params={"client_id": _APPLICATION, "returnTo": _CALLBACK}))
    count(JWKS, lambda: browser.get("/.well-known/jwks.json"))
    count(MACHINE, lambda: browser.post("/oauth/token", data=_MACHINE))
    return counts, family_bytes


def _with_proof(count: Callable[[str, Callable[[], httpx.Response]], httpx.Response], person: _Person) -> None:
    """A login and a refresh of a client that proves a key."""
    key = Key()
    nonce = person.refresh("nothing", dpop=key.proof(int(time.time()))).headers["dpop-nonce"]

    def proof() -> str:
        return key.proof(int(time.time()), nonce=nonce)

    bound = _refresh_token(person.exchange(_code(person.ask()), dpop=proof()))
    count(REFRESH_DPOP, lambda: person.refresh(bound, dpop=proof()))


def _caught(
    count: Callable[[str, Callable[[], httpx.Response]], httpx.Response], clock: _Clock, person: _Person
) -> None:
    """A spent token that is presented when its window has closed."""
    spent = _refresh_token(person.exchange(_code(person.ask())))
    person.refresh(spent)
    clock.ahead += 20
    count(REUSE, lambda: person.refresh(spent))


def _code(answer: httpx.Response) -> str:
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


def _refresh_token(answer: httpx.Response) -> str:
    return str(answer.json()["refresh_token"])


def _largest_items() -> dict[str, int]:
    """Return the size of the largest item of every table that requests write to; raise if one costs a second unit."""
    dynamodb = boto3.client("dynamodb")
    sizes = {}
    for table in template.tables(template.load()):
        name = table["TableName"]
        items = dynamodb.scan(TableName=name)["Items"]
        sizes[name.removeprefix(template.PREFIX)] = max(map(size_of, items), default=0)
    written = {name: size for name, size in sizes.items() if name != "ConfigurationTable"}
    if max(written.values()) > _WRITE_UNIT:
        raise RuntimeError(f"items of more than one write unit: {written}")
    return sizes
