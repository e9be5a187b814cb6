"""@auth0/auth0-auth-js, and auth0-server-js on it: `AuthClient` on openid-client."""

from urllib.parse import urlencode

from tests.contracts.oauth4webapi import authorized, discovered, error_of, granted
from tests.contracts.replay import (
    DOMAIN,
    ODD_SECRET,
    STATE,
    UNKNOWN,
    post_form,
    same_login,
    store_down,
    web_application,
)
from tests.service import API, CALLBACK, CHALLENGE, VERIFIER, Service

SDK = {"sdk": "@auth0/auth0-auth-js", "version": "1.16.0", "kind": "replayed"}

CLIENT = {"client_id": "web", "client_secret": ODD_SECRET}
TELEMETRY = {"Auth0-Client": "eyJuYW1lIjoiYXV0aDAtYXV0aC1qcyJ9"}


def test_it_logs_in_refreshes_revokes_and_is_refused(service: Service) -> None:
    """The scope is its default one, and no nonce is sent."""
    application = web_application(service)
    metadata = discovered(service, f"https://{DOMAIN}")
    request = {
        "client_id": "web",
        "scope": "openid profile email offline_access",
        "redirect_uri": CALLBACK,
        "audience": API,
        "response_type": "code",
        "state": STATE,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    answer = authorized(service, metadata, f"{metadata['authorization_endpoint']}?{urlencode(request)}", STATE)
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": answer["code"]}
    form |= {"code_verifier": VERIFIER}
    login = granted(service, post_form(service, metadata["token_endpoint"], CLIENT | form, TELEMETRY), application)

    refresh = CLIENT | {"grant_type": "refresh_token", "refresh_token": login["refresh_token"]}
    with store_down(service):
        assert error_of(post_form(service, metadata["token_endpoint"], refresh, TELEMETRY)) is None
    for more in ({}, {"audience": API, "scope": request["scope"]}):
        again = granted(service, post_form(service, metadata["token_endpoint"], refresh | more, TELEMETRY), application)
        assert same_login(login["claims"], again["claims"])

    revocation = CLIENT | {"token": login["refresh_token"]}
    assert post_form(service, metadata["revocation_endpoint"], revocation, TELEMETRY).status == 200
    assert error_of(post_form(service, metadata["token_endpoint"], refresh, TELEMETRY)) == UNKNOWN
