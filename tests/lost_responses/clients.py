"""How clients repeat a refresh whose answer did not come: the retries of real SDKs, in a few lines each.

Numbers in capitals are the SDKs' own, at the versions in the lock files. What people do in between is an assumption,
and drawn at random.
"""

from functools import partial
from typing import Final

from tests.lost_responses.fleet import Behaviour, Exchange, Kind, Outcome, Renewal, Reply

SPA_JS_TRIES: Final = 3
SPA_JS_TIMEOUT: Final = 10.0
"""auth0-spa-js 2.27.0: `getJSON` in src/http.ts, DEFAULT_SILENT_TOKEN_RETRY_COUNT and DEFAULT_FETCH_TIMEOUT_MS."""

OIDC_CLIENT_TIMEOUT: Final = 10.0
OIDC_CLIENT_PAUSE: Final = 5.0
"""oidc-client-ts 3.5.0: `silentRequestTimeoutInSeconds`, and `SilentRenewService`, which tries again after timeouts."""

OPENID_CLIENT_TIMEOUT: Final = 30.0
"""openid-client 6.8.9: `timeout` of its Configuration. It tries nothing again."""

APP_AUTH_TIMEOUT: Final = 10.0
"""AppAuth for Android: the read timeout of DefaultConnectionBuilder. It tries nothing again."""

AGAIN: Final = (2.0, 15.0)
"""Seconds until the application, or the person before it, asks again after an error."""

KILLED: Final = 0.5
"""How often an app that gets no answer was killed while it waited, or suspended."""


def asks_again(renewal: Renewal) -> float:
    """Return the seconds until somebody does."""
    return renewal.random.uniform(*AGAIN)


def auth0_spa_js(renewal: Renewal, api: str = "") -> Behaviour:
    """Three tries at once, each with the token that it had at first; then an error, and the application asks again.

    With several APIs (`useMrrt`) there is one token for each, which begins as a copy: whatever answer comes replaces
    the presented token wherever it is (`updateRefreshTokens` in src/worker/token.worker.ts).
    """
    device = renewal.device
    while True:
        token = device.copies.get(api, device.token)
        for _ in range(SPA_JS_TRIES):
            reply: Reply = yield Exchange(token, SPA_JS_TIMEOUT)
            if reply is Outcome.REFUSED:
                return
            if isinstance(reply, str):
                replaced = {name: reply for name, copy in device.copies.items() if copy == token}
                device.copies.update(replaced | {api: reply})
                if device.token == token:
                    device.token = reply
                return
        yield asks_again(renewal)


def oidc_client_ts(renewal: Renewal) -> Behaviour:
    """One tab of several that share a store, without a lock: each presents what the store has when its timer fires.

    After a timeout it tries again by itself, for ever; after a broken connection it does not.
    """
    device = renewal.device
    while True:
        reply: Reply = yield Exchange(device.token, OIDC_CLIENT_TIMEOUT)
        if reply is Outcome.REFUSED:
            return
        if isinstance(reply, str):
            device.token = reply
            return
        yield OIDC_CLIENT_PAUSE if reply is Outcome.SILENCE else asks_again(renewal)


def web_application(renewal: Renewal) -> Behaviour:
    """One request of several that came with one cookie: the last answer stays in the session. Nothing is repeated.

    The person sees an error, and loads the page again; whoever finds new tokens in the session needs none.
    """
    device = renewal.device
    while device.token == renewal.expired:
        reply: Reply = yield Exchange(device.token, OPENID_CLIENT_TIMEOUT)
        if reply is Outcome.REFUSED:
            return
        if isinstance(reply, str):
            device.token = reply
            return
        yield asks_again(renewal)


def native_app(renewal: Renewal, away: float) -> Behaviour:
    """An app that keeps its token on the disk. Killed while it waits, it comes back within *away* seconds."""
    device = renewal.device
    while True:
        reply: Reply = yield Exchange(device.token, APP_AUTH_TIMEOUT)
        if reply is Outcome.REFUSED:
            return
        if isinstance(reply, str):
            device.token = reply
            return
        killed = renewal.random.random() < KILLED
        yield renewal.log_uniform(2, away) if killed else asks_again(renewal)


NATIVE: Final = "app that is killed"
SINGLE_PAGE: Final = "auth0-spa-js"
TWO_APIS: Final = "auth0-spa-js, two APIs"
TABS: Final = "oidc-client-ts, three tabs"
WEB: Final = "web application, four requests"


def killed_apps(away: float) -> list[Kind]:
    """Return nothing but apps that come back within *away* seconds after they were killed."""
    return [Kind(NATIVE, [partial(native_app, away=away)], apart=0)]


def kinds(away: float) -> list[Kind]:
    """Return all kinds of clients, in equal shares. Killed apps come back within *away* seconds."""
    first, second = partial(auth0_spa_js, api="first"), partial(auth0_spa_js, api="second")
    return [
        Kind(SINGLE_PAGE, [auth0_spa_js], apart=0),
        Kind(TWO_APIS, [first, second], apart=1800),
        Kind(TABS, [oidc_client_ts] * 3, apart=1),
        Kind(WEB, [web_application] * 4, apart=0.2),
        *killed_apps(away),
    ]
