"""Where schedules begin, and who takes part in them."""

import secrets
from dataclasses import replace
from functools import cache
from typing import Any
from unittest.mock import patch

from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.domain import encoding, lifetimes, refresh_token
from heirloom.domain.device import UNKNOWN_DEVICE
from heirloom.domain.refresh_token import RefreshToken
from heirloom.domain.session import SECRET_BYTES, SESSION_ID_BYTES, SessionCookie, SessionKey, begin
from heirloom.domain.token_keys import KeyState, TokenKey, TokenKeyring
from tests.interleavings import store
from tests.interleavings.actors import Actor, FunctionsKeys, Hands, Scene, Tape, drawn
from tests.service import ALICE, WEB, Service, answered, tokens

LATE, JUST_NOW = 100, 5
"""Seconds since a token was spent: more than leeway, and less."""


def _key(key_id: int, state: KeyState) -> TokenKey:
    derivation = None if state is KeyState.MAC_ONLY else bytes([key_id]) * 32
    return TokenKey(key_id, state, mac=bytes([100 + key_id]) * 32, derivation=derivation)


RINGS = (
    TokenKeyring.of(_key(1, KeyState.CURRENT), _key(2, KeyState.NEXT)),
    TokenKeyring.of(_key(1, KeyState.RETIRED), _key(2, KeyState.CURRENT)),
    TokenKeyring.of(_key(1, KeyState.MAC_ONLY), _key(2, KeyState.CURRENT)),
    TokenKeyring.of(_key(1, KeyState.MAC_ONLY), _key(2, KeyState.CURRENT), _key(3, KeyState.NEXT)),
    TokenKeyring.of(_key(1, KeyState.MAC_ONLY), _key(2, KeyState.RETIRED), _key(3, KeyState.CURRENT)),
)
"""The token keys in the order of their schedule: what is cached anywhere is no older than the one before."""

TAKEN_OVER, ERASED, UNHEARD_OF = 0, 1, 3
"""Which keyring is stored just before a key takes over, loses its derivation half, takes over unknown to some."""


@cache
def scene(*, rotating: bool = True, leeway: int = 60, ring: int = 0) -> Scene:
    """Return a person with two browsers, signed in at one application in both.

    The family of the second has three tokens (one, if it does not rotate): spent too long ago, spent just now, live.
    There is one more code, too, of the same session. The token keys are as the *ring* of that number has them.
    """
    policy: dict[str, Any] = {"revoke_on_logout": True, "rotating": rotating, "leeway": leeway}
    tape = Tape({})
    keys = FunctionsKeys(RINGS[0], RINGS[0], tape=tape, rings=RINGS)
    client: Any = tape
    with patch.object(secrets, "token_bytes", drawn("scene")):
        service = Service.of(client, {table: table for table in store.key_names()}, keys)
        service.set_policy(**policy)
        issued, sessions = [], []
        for _ in range(2):
            sessions.append(_begin_session(service))
            issued.append(tokens(service.exchange(answered(service.authorize())["code"]))["refresh_token"])
        line = issued[-1:]
        if rotating:
            keys.seen = RINGS[max(0, ring - 1)]
            line.append(service.refreshed(line[-1]))
            service.wait(LATE)
            keys.seen = RINGS[ring]
            line.append(service.refreshed(line[-1]))
            service.wait(JUST_NOW)
        code = answered(service.authorize())["code"]
    assert tape.state is not None
    return Scene(
        state=tape.state,
        now_ms=service.now_ms,
        rings=RINGS,
        ring=ring,
        tokens=tuple(line),
        family=RefreshToken.parse(line[0], RINGS[0]).family,
        code=code,
        cookies=dict(service.cookies),
        session_id=sessions[-1],
        issued=frozenset((*issued, *line)),
        policy=policy,
    )


def _begin_session(service: Service) -> str:
    """Sign the person in, in a new browser; return the session's id."""
    session_id, secret = encoding.encode(secrets.token_bytes(SESSION_ID_BYTES)), secrets.token_bytes(SECRET_BYTES)
    cookie = SessionCookie(SessionKey(refresh_token.user_key(ALICE.user_id), session_id), secret)
    session = begin(
        cookie=cookie,
        user_id=ALICE.user_id,
        epoch=0,
        tenant=service.configuration.tenant(),
        device=UNKNOWN_DEVICE,
        now=service.now,
    )
    DynamoDBSessions(service.client, service.tables["SessionsTable"]).put(session)
    service.cookies = {"__Host-heirloom": cookie.value}
    return session_id


# ---- The cast


def _spent_long_ago(hands: Hands) -> str:
    return hands.scene.tokens[0]


def _spent_just_now(hands: Hands) -> str:
    return hands.scene.tokens[-2]


def _live(hands: Hands) -> str:
    return hands.scene.tokens[-1]


def _with_a_wrong_mac(hands: Hands) -> str:
    token = _live(hands)
    return token[:-1] + ("A" if token[-1] != "A" else "B")


def _guessed(hands: Hands, ahead: int) -> str:
    """Return what somebody makes who stole a MAC key and knows no secret."""
    live = RefreshToken.parse(_live(hands), RINGS[-1])
    return replace(live, generation=live.generation + ahead, secret=b"?" * 32).text(RINGS[-1])


def _exchange_late(hands: Hands) -> None:
    hands.wait(lifetimes.REPEATED_CODE + 1)
    hands.exchange(hands.scene.code)


def _last_word(hands: Hands) -> None:
    hands.refresh(hands.newest_token())
    hands.refresh(_live(hands))


REFRESH = Actor("refresh", lambda it: it.refresh(_live(it)))
REPLAY = Actor("replay", lambda it: it.refresh(_spent_just_now(it)))
REUSE = Actor("reuse", lambda it: it.refresh(_spent_long_ago(it)))
REVOKE = Actor("revoke", lambda it: it.revoke(_live(it)))
REVOKE_BY_SPENT = Actor("revoke by a spent token", lambda it: it.revoke(_spent_long_ago(it)))
REVOKE_GRANT = Actor("revoke the grant", lambda it: it.revoke(_live(it)), tenant={"revocation_ends_grant": True})
LOGOUT = Actor("logout", lambda it: it.log_out())
END_LOGINS = Actor("end of logins", lambda it: it.end_logins())
EXCHANGE = Actor("code exchange", lambda it: it.exchange(it.scene.code), exchanges_codes=True)
EXCHANGE_LATE = Actor("late code exchange", _exchange_late, waits=True, exchanges_codes=True)
FOREIGN_REFRESH = Actor("foreign refresh", lambda it: it.refresh(_live(it), WEB))
FOREIGN_REUSE = Actor("foreign reuse", lambda it: it.refresh(_spent_long_ago(it), WEB))
FOREIGN_REVOKE = Actor("foreign revoke", lambda it: it.revoke(_live(it), WEB))
FOREIGN_EXCHANGE = Actor("foreign code exchange", lambda it: it.exchange(it.scene.code, WEB))
FORGED = Actor("forged refresh", lambda it: it.refresh(_with_a_wrong_mac(it)))
GUESSED = Actor("guessed live token", lambda it: it.refresh(_guessed(it, 0)))
GUESSED_SPENT = Actor("guessed spent token", lambda it: it.refresh(_guessed(it, -1)))
GUESSED_NEXT = Actor("guessed next token", lambda it: it.refresh(_guessed(it, +1)))
NOT_ROTATING = Actor("refresh without rotation", lambda it: it.refresh(_live(it)), policy={"rotating": False})
REPLAY_NOT_ROTATING = Actor(
    "replay without rotation", lambda it: it.refresh(_spent_just_now(it)), policy={"rotating": False}
)
ROTATING = Actor("refresh with rotation", lambda it: it.refresh(_live(it)), policy={"rotating": True})
FAST = Actor("refresh by a fast clock", lambda it: it.refresh(_live(it)), skew_ms=1000)
SLOW = Actor("refresh by a slow clock", lambda it: it.refresh(_live(it)), skew_ms=-1000)
MINUTE = Actor("a minute passes", lambda it: it.wait(lifetimes.LEEWAY + 2), waits=True)
MONTH = Actor("a month passes", lambda it: it.wait(lifetimes.REFRESH_TOKEN), waits=True)
KEYS_TURN = Actor("the keys turn", lambda it: it.turn_keys())
LAST_WORD = Actor("last word", _last_word, last=True)
"""Who holds the newest token presents it when all is over, and who holds the one that was live at the beginning."""


def _cold(actor: Actor) -> Actor:
    """Return an actor whose function reads the keys when it begins, whichever these are then."""

    def act(hands: Hands) -> None:
        hands.read_keys()
        actor.act(hands)

    return replace(actor, name=f"{actor.name} by a cold function", act=act)


EVERYBODY = (
    REFRESH,
    REPLAY,
    REUSE,
    REVOKE,
    REVOKE_BY_SPENT,
    REVOKE_GRANT,
    LOGOUT,
    END_LOGINS,
    EXCHANGE,
    EXCHANGE_LATE,
    FOREIGN_REFRESH,
    FOREIGN_REUSE,
    FOREIGN_REVOKE,
    FOREIGN_EXCHANGE,
    FORGED,
    GUESSED,
    GUESSED_SPENT,
    GUESSED_NEXT,
    NOT_ROTATING,
    REPLAY_NOT_ROTATING,
    FAST,
    SLOW,
    MINUTE,
    MONTH,
)
"""In the scene as it usually is."""

WHERE_KEYS_TURN = (
    REFRESH,
    REPLAY,
    REUSE,
    REVOKE,
    EXCHANGE,
    _cold(REFRESH),
    _cold(REPLAY),
    _cold(REUSE),
    _cold(EXCHANGE),
    KEYS_TURN,
)
"""The token keys go one step on, and functions have cached those of before, or read them."""

WHERE_ROTATION_IS_OFF = (
    REFRESH,
    ROTATING,
    REVOKE,
    LOGOUT,
    END_LOGINS,
    EXCHANGE,
    replace(EXCHANGE, name="code exchange with rotation", policy={"rotating": True}),
    FOREIGN_REFRESH,
    MINUTE,
)
"""The application has just been switched on, or will be off: functions have cached either."""
