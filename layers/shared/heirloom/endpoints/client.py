"""Which application a request comes from, and its proof (RFC 6749 §2.3)."""

from dataclasses import dataclass

from heirloom import http
from heirloom.domain import client_assertion
from heirloom.domain.application import Application, AuthenticationMethod, ClientCredentials
from heirloom.domain.errors import InvalidClient
from heirloom.domain.ports import Assertions, Configuration, SingleUse
from heirloom.http import Parameters, Request


@dataclass(frozen=True, slots=True)
class ClientAuthentication:
    """How every endpoint that applications call knows them.

    First `identify`, whose application may read the answer across origins even if it proves nothing; then
    `authenticate`.
    """

    issuer: str
    configuration: Configuration
    assertions: Assertions
    single_use: SingleUse

    def identify(self, request: Request, parameters: Parameters) -> tuple[Application, ClientCredentials]:
        """Return the application that the request claims to come from, and what shall prove it.

        Raise `InvalidRequest` or `InvalidClient`.
        """
        credentials = http.client_credentials(request, parameters)
        application = self.configuration.application(credentials.client_id)
        if application is None:
            raise InvalidClient(reason="unknown client")
        return application, credentials

    def authenticate(self, request: Request, application: Application, credentials: ClientCredentials) -> None:
        """Return if *credentials* prove to be *application*; raise `InvalidClient`, or a fault.

        An assertion is taken once. What it claims is asked only after its signature, so that nobody else can use up
        a client's `jti` or fill the store with their own.
        """
        if credentials.method is not AuthenticationMethod.PRIVATE_KEY_JWT:
            application.authenticate(credentials)
            return
        if not application.signs_assertions:
            raise InvalidClient(reason="client assertion: the client does not authenticate so")
        assertion = client_assertion.check(
            self.assertions.claims(credentials.assertion, application.public_keys),
            client_id=application.client_id,
            audiences=self._audiences(request),
            now=request.now,
        )
        if not self.single_use.claim(assertion.identifier, expires_at=assertion.expires_at):
            raise InvalidClient(reason="client assertion: presented before")

    def _audiences(self, request: Request) -> frozenset[str]:
        """Return the exact names by which clients know us: the issuer, the token endpoint, the endpoint they call."""
        return frozenset({self.issuer, f"{self.issuer}oauth/token", f"{self.issuer}{request.path.removeprefix('/')}"})
