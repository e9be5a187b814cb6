"""Honest people and applications on a store that fails: what they hear, and what they have in the end.

Whatever is answered is compared with what the store holds, past the proxy.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from statistics import quantiles

from heirloom.adapters.attributes import string
from heirloom.domain import authorization_code
from heirloom.domain.lifetimes import LEEWAY
from heirloom.http import Response
from tests.endpoints.hands import family_of
from tests.endpoints.reading import kind, read
from tests.faults import unavailable
from tests.service import ALICE, BOB, PASSWORD, Service, answered, octets_of
from tests.unreliable_store.conftest import Bench

HEADINGS = (
    "| calls that fail | requests | calls | faults | retries by the SDK | by clients | sessions | sessions lost"
    " | wrong answers | logins begun again | p50, ms | p99, ms | worst, ms |\n|" + " --- |" * 13
)
PATIENCE = 200
"""Requests after which an honest client would ask somebody."""


@dataclass
class Figures:
    """What a campaign showed."""

    rate: float
    requests: int = 0
    calls: int = 0
    injected: Counter[str] = field(default_factory=Counter)
    sdk_retries: int = 0
    client_retries: int = 0
    sessions: int = 0
    revoked: int = 0
    lost: int = 0
    begun_again: int = 0
    """Logins whose code counted as used when it came again: none of their tokens had reached anybody."""
    paused: int = 0
    """Logins that were asked to slow down, since attempts that failed are counted."""
    wrong: list[str] = field(default_factory=list)
    """Answers that are not true."""
    seconds: list[float] = field(default_factory=list)

    def __add__(self, other: "Figures") -> "Figures":
        """Both together."""
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__}
        return Figures(**{name: mine if name == "rate" else mine + more for name, (mine, more) in pairs.items()})

    @property
    def row(self) -> str:
        """A line of the table in docs/reliability.md."""
        hundredths = quantiles(self.seconds, n=100, method="inclusive")
        cells = (
            f"{self.rate:.0%}",
            f"{self.requests:,}",
            f"{self.calls:,}",
            f"{self.injected.total():,}",
            f"{self.sdk_retries:,}",
            f"{self.client_retries:,}",
            f"{self.sessions:,}",
            f"**{self.lost}**",
            f"**{len(self.wrong)}**",
            f"{self.begun_again}",
            f"{hundredths[49] * 1000:.0f}",
            f"{hundredths[98] * 1000:.0f}",
            f"{max(self.seconds) * 1000:.0f}",
        )
        return "| " + " | ".join(cells) + " |"


@dataclass
class Campaign:
    """People log in, applications exchange codes, refresh and revoke; each goes on as its protocol allows."""

    bench: Bench
    figures: Figures
    random: Random
    alive: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def run(self, logins: range, *, refreshes: int) -> Figures:
        """Let people log in, each with so many refreshes; every second of them revokes in the end."""
        before = [(proxy.calls, proxy.repeated, Counter(proxy.injected)) for proxy in self.bench.proxies]
        first = len(self.bench.functions.seconds)
        self._fail_at(self.figures.rate)
        for number in logins:
            token = self.log_in(number)
            for _ in range(refreshes):
                if token is not None:
                    token = self.refresh(token)
                    self.service.wait(self.random.choice((1, LEEWAY + 2, 3600)))
            if token is not None and number % 2 == 1:
                self.revoke(token)
            elif token is not None:
                self.alive.append(token)
        self._fail_at(0)
        self.figures.seconds += self.bench.functions.seconds[first:]
        self.figures.requests += len(self.bench.functions.seconds) - first
        for proxy, (calls, repeated, injected) in zip(self.bench.proxies, before, strict=True):
            self.figures.calls += proxy.calls - calls
            self.figures.sdk_retries += proxy.repeated - repeated
            self.figures.injected += proxy.injected - injected
        self._take_stock()
        return self.figures

    @property
    def service(self) -> Service:
        """The hands."""
        return self.bench.service

    # ---- What people and applications do

    def log_in(self, number: int) -> str | None:
        """Log in as one of two people in a fresh browser, and return the refresh token."""
        for _ in range(PATIENCE):
            code = self._code((ALICE, BOB)[number % 2].email, f"192.0.2.{number % 250 + 1}")
            response = self._until_heard(lambda code=code: self.service.exchange(code), unavailable)  # type: ignore[misc]
            if response.status == 200:
                self.figures.sessions += 1
                return self._tokens_of(response)
            # RFC 6749 §4.1.2: a code that was used is refused. It is true if the store says so.
            if _error(response) != "invalid_grant" or not self._is_used(code):
                self._wrong("exchange", response)
                return None
            self.figures.begun_again += 1
        raise AssertionError("nobody gets in")

    def refresh(self, token: str) -> str | None:
        """Refresh, as often as that takes, and return the next token; `None` if the session is lost."""
        response = self._until_heard(lambda: self.service.refresh(token), unavailable)
        if response.status == 200:
            return self._tokens_of(response)
        self.figures.lost += 1
        self._wrong("refresh", response)
        return None

    def revoke(self, token: str) -> None:
        """Revoke, as often as that takes."""
        response = self._until_heard(lambda: self.service.revoke(token), unavailable)
        if (response.status, response.body) != (200, "") or family_of(self.service, token).revoked_at is None:
            self._wrong("revoke", response)
        self.figures.revoked += 1
        self.ended.append(token)

    def _code(self, email: str, address: str) -> str:
        self.service.cookies.clear()
        self.service.address = address
        page = self._until_heard(self.service.authorize, _unavailable_page)
        if page.status != 200 or kind(page) != "login":
            self._wrong("authorize", page)
        form = {**read(page).forms[-1].fields, "email": email, "password": PASSWORD, "action": "sign_in"}
        for _ in range(PATIENCE):
            response = self._until_heard(lambda: self.service.send("POST", "/login", form), _unavailable_page)
            if response.status == 303:
                code = answered(response).get("code", "")
                if not self._is_stored(code):
                    self._wrong("login", response)
                return code
            if response.status != 429:
                self._wrong("login", response)
            self.figures.paused += 1
            self.service.wait(int(response.headers["retry-after"]))
        raise AssertionError("nobody gets in")

    def _until_heard(self, act: Callable[[], Response], try_again: Callable[[Response], bool]) -> Response:
        """The first answer that is none of a fault. After each one of those, what Retry-After says is waited."""
        for _ in range(PATIENCE):
            response = act()
            self.service.wait(self.bench.functions.seconds[-1])
            if response.status < 500:
                return response
            if not try_again(response):
                self._wrong("fault", response)
            self.figures.client_retries += 1
            self.service.wait(1)
        raise AssertionError("the store never answers")

    # ---- What is true

    def _tokens_of(self, response: Response) -> str:
        document = json.loads(response.body)
        token = str(document["refresh_token"])
        family = family_of(self.service, token)
        octets = octets_of(token)
        # As `RefreshToken.digest` has it: without the key id before the user key, and without the MAC.
        live = hashlib.sha256(octets[:1] + octets[2:-16]).digest()
        if family.live_digest != live or family.revoked_at is not None or "access_token" not in document:
            self._wrong("tokens that do not live", response)
        return token

    def _is_stored(self, code: str) -> bool:
        return bool(self._code_item(code))

    def _is_used(self, code: str) -> bool:
        return "used_at" in self._code_item(code)

    def _code_item(self, code: str) -> dict[str, object]:
        answer = self.service.client.get_item(
            TableName=self.service.tables["CodesTable"],
            Key={"code_digest": string(authorization_code.digest(code))},
            ConsistentRead=True,
        )
        return dict(answer.get("Item", {}))

    def _take_stock(self) -> None:
        """With the store well again: who is logged in is, who is logged out is, and nobody's family has forked."""
        self.service.wait(LEEWAY + 2)
        for token in self.alive:
            response = self.service.refresh(token)
            if response.status != 200:
                self.figures.lost += 1
                self._wrong("afterwards", response)
        for token in self.ended:
            response = self.service.refresh(token)
            if (response.status, _error(response)) != (400, "invalid_grant"):
                self._wrong("revoked, and alive", response)

    def _wrong(self, what: str, response: Response) -> None:
        self.figures.wrong.append(f"{what}: {response.status} {response.body[:300]}")

    def _fail_at(self, rate: float) -> None:
        for proxy in self.bench.proxies:
            proxy.rate = rate


def _error(response: Response) -> str:
    if not response.headers.get("content-type", "").startswith("application/json"):
        return ""
    return str(json.loads(response.body).get("error"))


def _unavailable_page(response: Response) -> bool:
    """Tell whether a person, or the browser for them, hears to try again."""
    return response.status == 503 and response.headers["retry-after"] == "1" and "secret" not in response.body
