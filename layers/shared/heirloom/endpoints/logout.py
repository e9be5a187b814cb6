"""`GET /v2/logout`: the session of this browser ends."""

from dataclasses import dataclass

from heirloom import pages
from heirloom.domain.errors import OAuthError
from heirloom.domain.events import EventType
from heirloom.endpoints.authorization_flow import AuthorizationFlow
from heirloom.endpoints.session_ending import SessionEnding
from heirloom.http import Parameters, Request, Response
from heirloom.pages import ErrorKind


@dataclass(frozen=True, slots=True)
class LogoutEndpoint:
    """Ends the session and returns to an address that is registered for it."""

    flow: AuthorizationFlow
    ending: SessionEnding

    def __call__(self, request: Request) -> Response:
        """Answer with the way to `returnTo`, or with a page that says it is done."""
        try:
            parameters = request.query_parameters()
        except OAuthError as error:
            return self.flow.fail(
                request,
                {},
                ErrorKind.invalid_request,
                status=400,
                reason=error.description,
                event_type=EventType.FAILED_LOGOUT,
            )
        return self.flow.guard(
            request, parameters, lambda: self._logout(request, parameters), event_type=EventType.FAILED_LOGOUT
        )

    def _logout(self, request: Request, parameters: Parameters) -> Response:
        return_to = parameters.get("returnTo")
        if return_to is not None and not self._allows(return_to, parameters.get("client_id")):
            return self.flow.fail(
                request,
                parameters,
                ErrorKind.wrong_redirect,
                status=400,
                reason="returnTo is not allowed",
                event_type=EventType.FAILED_LOGOUT,
            )
        held = self.flow.held_session(request)
        if held is not None:
            self.ending.end([held], request, client_id=parameters.get("client_id"))
        browser = self.flow.browser
        language = browser.language(request, parameters)
        done = browser.redirect(return_to) if return_to else browser.show(pages.signed_out(language=language))
        return done.with_cookies([browser.cookies.end_session()])

    def _allows(self, return_to: str, client_id: str | None) -> bool:
        """Tell whether *return_to* is registered: with the application, or with the tenant when none is named."""
        if client_id is None:
            return return_to in self.flow.configuration.tenant().allowed_logout_urls
        application = self.flow.configuration.application(client_id)
        return application is not None and return_to in application.allowed_logout_urls
