"""Every example of the pages for developers is carried out, from the first to the last of its page."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import yaml

from heirloom.domain.client_grant import ClientGrant
from heirloom.http import Response
from heirloom.tenant import reading
from local.template import ROOT
from tests.docs.examples import Example, Message, examples, kinds, matches, message, parsed
from tests.endpoints.reading import sign_in
from tests.faults import BEFORE, FAULTS, Steps
from tests.management.administrator import Administrator
from tests.proofs import Prover
from tests.service import ALICE, CHALLENGE, ISSUER, VERIFIER, Service

HOST = urlsplit(ISSUER).netloc
PAGES = sorted(page for page in (ROOT / "docs").glob("*.md") if {"http", "yaml"} & kinds(page))
NAME = re.compile(r"\{(\w+)(?:@(\d+))?\}")
EARLIER = re.compile(r"\{(\w+)@(\d+)\}")


class Reader:
    """Somebody who does what a page says."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.known: dict[str, list[str]] = {"code_verifier": [VERIFIER], "code_challenge": [CHALLENGE]}
        self.answer: Response | None = None
        self.fault: BaseException | None = None
        self.prover = Prover(service)
        self.administrator: Administrator | None = None

    def follow(self, example: Example) -> None:
        """Do it."""
        match example.kind:
            case "yaml":
                self._apply(yaml.safe_load(example.text))
            case "wait":
                self.service.wait(int(example.text))
            case "log in":
                self._log_in()
            case "store":
                self.fault = FAULTS[example.text]
            case "request":
                self.known["proof"] = [self.prover.header()["DPoP"]]
                self._send(message(NAME.sub(self._value, example.text)))
            case "answer":
                self._compare(message(EARLIER.sub(self._value, example.text)))

    def _apply(self, document: object) -> None:
        desired = reading.read(document, now=self.service.now)
        assert not desired.ignored
        for application in (desired.applications or {}).values():
            self.service.declare(application)
        self.service.configuration.apis |= dict(desired.resource_servers or {})
        self.service.configuration.client_grants += [
            ClientGrant(grant.client, grant.audience, frozenset(grant.scope)) for grant in desired.client_grants or ()
        ]
        if desired.tenant is not None:
            self.service.configuration.settings = desired.tenant

    def _send(self, request: Message) -> None:
        method, target = request.start.removesuffix(" HTTP/1.1").split(" ", 1)
        headers = dict(request.headers)
        assert headers.pop("host") == HOST
        path, _, query = target.partition("?")
        assert method != "GET" or not request.body
        with Steps.of(self.service.client) as steps:
            if self.fault is not None:
                steps.fail(BEFORE, self.fault, calls=range(10))
            if path.startswith("/api/v2/"):
                self.answer = self._administer(method, path, headers, query, request.body)
            else:
                self.answer = self.service.send(method, path, headers=headers, query=query, body=request.body.encode())
        self.fault = None
        self._note(self.answer)

    def _administer(self, method: str, path: str, headers: dict[str, str], query: str, body: str) -> Response:
        """Ask the Management API of a store that holds what the page has declared so far."""
        self.administrator = self.administrator or Administrator(self.service)
        below = unquote(path.removeprefix("/api/v2/"))
        answer = self.administrator.handled(method, below, body, headers, dict(parse_qsl(query)))
        return Response(answer.status, answer.body, answer.headers)

    def _log_in(self) -> None:
        assert self.answer is not None
        assert self.answer.status == 200, "no page to log in at"
        self.answer = sign_in(self.service, self.answer, ALICE.email)
        self._note(self.answer)

    def _compare(self, shown: Message) -> None:
        assert self.answer is not None
        assert int(shown.start.split(" ")[1]) == self.answer.status, self.answer.body
        for name, value in shown.headers.items():
            pattern = re.escape(value).replace("…", ".+")
            assert re.fullmatch(pattern, self.answer.headers[name]), self.answer.headers[name]
        assert matches(parsed(shown.body), parsed(self.answer.body)), self.answer.body

    def _note(self, answer: Response) -> None:
        document = parsed(answer.body)
        self.prover.nonce = answer.headers.get("dpop-nonce", self.prover.nonce)
        members = list(_members(document))
        if "location" in answer.headers:
            members += parse_qsl(urlsplit(answer.headers["location"]).query)
        for name, value in members:
            if isinstance(value, str):
                self.known.setdefault(name, []).append(value)

    def _value(self, found: re.Match[str]) -> str:
        name, which = found.groups()
        return self.known[name][-1 if which is None else int(which) - 1]


def _members(document: object) -> Iterator[tuple[str, object]]:
    """Yield the members of an answer, and of the objects in it."""
    if isinstance(document, list):
        for element in document:
            yield from _members(element)
    elif isinstance(document, dict):
        for name, value in document.items():
            yield name, value
            yield from _members(value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_happens(service: Service, page: Path) -> None:
    reader = Reader(service)
    for example in examples(page):
        try:
            reader.follow(example)
        except Exception as error:
            raise AssertionError(f"{page.name}:{example.line}: {error}") from error


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_answer_stands_alone(page: Path) -> None:
    """A request whose answer is not shown would prove nothing."""
    shown = [example.kind for example in examples(page) if example.kind in {"request", "answer"}]
    assert shown == ["request", "answer"] * (len(shown) // 2)


@pytest.mark.parametrize(
    ("shown", "answered", "same"),
    [
        ({"a": "…", "b": 1}, {"a": "x", "b": 1}, True),
        ({"a": "…"}, {"a": 1}, False),
        ({"a": "…"}, {"a": "x", "b": 1}, False),
        ({"a": "…", "b": 1}, {"a": "x"}, False),
        ({"a": True}, {"a": 1}, False),
        ([1, "…"], [1, "x"], True),
        ([1], [1, 2], False),
        ("", "", True),
        ("", "text", False),
    ],
)
def test_an_answer_is_compared_whole(shown: object, answered: object, *, same: bool) -> None:
    assert matches(shown, answered) is same
