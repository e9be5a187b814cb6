"""auth0-spa-js with `useDpop`: tokens that are bound to a key which the browser does not give away."""

import json

import jwt
import pytest
from playwright.sync_api import BrowserContext, Route

from tests.sdk.running import EMAIL, SUBJECT, World
from tests.sdk.story import npm_version
from tests.sdk.test_auth0_spa_js import SpaJs

SDK = {"sdk": "auth0-spa-js", "version": npm_version("examples/browser", "@auth0/auth0-spa-js")}
CACHES = pytest.mark.parametrize("cache", ["memory", "localstorage"])

USERINFO = """
async (auth0, url) => {
  const getAccessToken = () => auth0.getTokenSilently({ detailedResponse: true });
  const fetcher = auth0.createFetcher({ dpopNonceId: "userinfo", getAccessToken });
  const response = await fetcher.fetchWithAuth(url);
  return await response.json();
}
"""


def logged_in(world: World, context: BrowserContext, cache: str) -> SpaJs:
    """The SDK with DPoP, after a login."""
    return SpaJs.logged_in(context, world, cacheLocation=cache, useDpop=True)


def key_of(client: SpaJs) -> str:
    """The key to which the access token is bound."""
    claims = jwt.decode(client.tokens().access_token, options={"verify_signature": False})
    thumbprint: str = claims["cnf"]["jkt"]
    return thumbprint


@CACHES
def test_with_dpop_it_logs_in_refreshes_and_asks_for_userinfo(
    world: World, context: BrowserContext, cache: str
) -> None:
    client = logged_in(world, context, cache)
    key, seen = key_of(client), {client.tokens().refresh_token}
    assert client.email == EMAIL

    for _ in range(3):
        client.refresh()
        assert key_of(client) == key
        seen.add(client.tokens().refresh_token)

    assert len(seen) == 4
    answer = client.auth0.evaluate(USERINFO, f"{world.issuer}userinfo")
    assert answer["sub"] == SUBJECT
    assert client.window.complaints == []


@CACHES
def test_with_dpop_a_stolen_refresh_token_is_of_no_use_and_nobody_is_logged_out(
    world: World, context: BrowserContext, cache: str
) -> None:
    client = logged_in(world, context, cache)

    answer = world.present(client.tokens().refresh_token, client.client_id)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert world.last_event("fertft")["reason"] == "key_proof"
    assert client.refusal() is None


@CACHES
def test_with_dpop_an_old_nonce_is_replaced_and_the_refresh_token_is_not_forgotten(
    world: World, context: BrowserContext, cache: str
) -> None:
    """The worker forgets its token at any JSON answer that has none."""
    client = logged_in(world, context, cache)
    for _ in range(2):
        client.auth0.evaluate("auth0 => auth0.setDpopNonce('of another day')")
        before = len(client.window.answers)

        assert client.refusal() is None

        demand, answer = client.window.answers[before:]
        assert (demand.status, demand.json()["error"]) == (400, "use_dpop_nonce")
        assert answer.status == 200


@CACHES
def test_with_dpop_an_answer_that_is_lost_logs_nobody_out(world: World, context: BrowserContext, cache: str) -> None:
    """The SDK repeats the request with the proof it had, and a proof is good once."""
    client = logged_in(world, context, cache)
    spent = client.tokens().refresh_token
    lost: list[str] = []

    def lose(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().json()["refresh_token"])
            route.abort()

    context.route("**/oauth/token", lose)
    assert client.refusal() is None
    context.unroute("**/oauth/token")

    assert [client.tokens().refresh_token] == lost, "the live token, which is the one that was lost"
    assert world.last_event("sertft")["details"]["replayed"] is True
    assert client.refusal() is None
    assert spent not in json.dumps(lost)
