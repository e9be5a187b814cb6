"""Which application a request to the token and revocation endpoints comes from (RFC 6749 §2.3)."""

from heirloom import http
from heirloom.domain.application import Application, ClientCredentials
from heirloom.domain.errors import InvalidClient
from heirloom.domain.ports import Configuration
from heirloom.http import Parameters, Request


def identify(
    request: Request, parameters: Parameters, configuration: Configuration
) -> tuple[Application, ClientCredentials]:
    """Return the application that the request claims to come from, and what shall prove it.

    Raise `InvalidRequest` or `InvalidClient`.
    """
    credentials = http.client_credentials(request, parameters)
    application = configuration.application(credentials.client_id)
    if application is None:
        raise InvalidClient(reason="unknown client")
    return application, credentials
