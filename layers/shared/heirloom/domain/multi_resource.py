"""Multi-resource refresh tokens: one login, access tokens for several APIs (Auth0's MRRT).

An application's `policies` say what it may get, by exchanging a refresh token, beyond what the person granted. Nobody
is asked again, so they hold for first-party applications alone, at APIs that skip consent for those.
"""

from dataclasses import replace

from heirloom.domain import scope
from heirloom.domain.application import Application
from heirloom.domain.family import Grant
from heirloom.domain.resource_server import ResourceServer


def adds(application: Application, api: ResourceServer | None) -> frozenset[str]:
    """Return the scope that the application's policies add at *api*; none at an API that is gone."""
    if api is None or not application.is_first_party or not api.skip_consent_for_first_party:
        return frozenset()
    return application.refresh_token.policies.get(api.identifier, frozenset()).intersection(api.scopes)


def granted(
    grant: Grant, requested: frozenset[str], application: Application, api: ResourceServer | None
) -> tuple[Grant, frozenset[str]]:
    """Return *grant* as it is at *api*, and what of *requested* it has there; all of that if nothing is requested.

    Of the original scope only the standard values count at another API: `read` at one is not `read` at the next. What
    is not granted is left out, even when nothing remains: a refusal would come too late to spare the token.
    """
    moved = api is not None and api.identifier != grant.audience
    values = grant.scope & scope.STANDARD_SCOPES if moved else grant.scope
    values |= adds(application, api)
    there = grant if api is None else replace(grant, audience=api.identifier)
    return there, values & requested if requested else values
