"""Heirloom itself as a server of the fleet, and what it promises, written down once more."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from heirloom.domain.application import Application
from heirloom.domain.lifetimes import CLOCK_SKEW
from tests.lost_responses.clients import NATIVE, SINGLE_PAGE, TABS, TWO_APIS, WEB
from tests.lost_responses.fleet import Server
from tests.service import NATIVE as NATIVE_APPLICATION
from tests.service import SPA, Service, refusal, tokens
from tests.service import WEB as WEB_APPLICATION

APPLICATIONS: Mapping[str, Application] = {
    SINGLE_PAGE: SPA,
    TWO_APIS: SPA,
    TABS: SPA,
    WEB: WEB_APPLICATION,
    NATIVE: NATIVE_APPLICATION,
}


@dataclass(slots=True)
class Endpoints:
    """The real endpoints on their store. Whatever is no token is a refusal, and a refusal is `invalid_grant`."""

    service: Service
    leeways: Mapping[str, int]

    def __post_init__(self) -> None:
        for kind, leeway in self.leeways.items():
            self.service.set_policy(APPLICATIONS[kind], leeway=leeway)

    def log_in(self, kind: str, now: float) -> str:
        self.service.now_ms = round(now * 1000)
        self.service.cookies.clear()
        return str(self.service.login_tokens(APPLICATIONS[kind])["refresh_token"])

    def present(self, token: str, kind: str, now: float) -> str | None:
        self.service.now_ms = round(now * 1000)
        response = self.service.refresh(token, APPLICATIONS[kind])
        if response.status == 200:
            return str(tokens(response)["refresh_token"])
        assert refusal(response) == (400, "invalid_grant")
        return None


@dataclass(slots=True)
class Session:
    """What an onlooker knows of one."""

    live: str
    ended: bool = False


@dataclass(slots=True)
class Promised:
    """A server that is held to the promise of docs/rotation.md at each answer, whatever its rule looks like inside."""

    server: Server
    leeways: Mapping[str, int]
    late: int = 0
    """Tokens that came later than leeway: what alone may end a session."""
    replays: int = 0
    _sessions: dict[str, Session] = field(default_factory=dict)
    """By each of their tokens."""
    _spent_at_ms: dict[str, int] = field(default_factory=dict)

    def log_in(self, kind: str, now: float) -> str:
        token = self.server.log_in(kind, now)
        self._sessions[token] = Session(token)
        return token

    def present(self, token: str, kind: str, now: float) -> str | None:
        answer, session, now_ms = self.server.present(token, kind, now), self._sessions[token], round(now * 1000)
        leeway = self.leeways[kind]
        window = leeway + CLOCK_SKEW if leeway else -1
        if session.ended:
            assert answer is None, "nothing of an ended session is good"
        elif token == session.live:
            assert answer is not None, "the live token is good"
            assert answer not in self._sessions, "each rotation brings a new token"
            self._spent_at_ms[token] = now_ms
            self._sessions[answer], session.live = session, answer
        elif now_ms - self._spent_at_ms[token] <= window * 1000:
            assert answer == session.live, "a copy within leeway of its spending leads to the live token"
            self.replays += 1
        else:
            assert answer is None, "a later copy cannot be told from theft"
            session.ended = True
            self.late += 1
        return answer
