"""`GET/POST /oidc/logout` (OpenID Connect RP-Initiated Logout 1.0): an application asks to log a person out."""

from dataclasses import dataclass
from urllib.parse import urlencode

from heirloom import http, pages
from heirloom.domain import logout_request, redirect_uri
from heirloom.domain.authorization import UnknownApplication
from heirloom.domain.errors import OAuthError
from heirloom.domain.events import Event, EventType
from heirloom.domain.logout_request import LogoutRequest
from heirloom.domain.session import Session
from heirloom.endpoints.authorization_flow import AuthorizationFlow
from heirloom.endpoints.browser import ForgedPost
from heirloom.endpoints.session_ending import SessionEnding
from heirloom.http import Parameters, Request, Response
from heirloom.pages import ErrorKind

CONFIRMATION = "csrf"
"""The field that our own form has, and no application's."""


@dataclass(frozen=True, slots=True)
class OidcLogoutEndpoint:
    """Ends the session of this browser: at once for an application that proves to know it, else if the person agrees.

    A request that is wrong in anything ends nothing and leads nowhere.
    """

    flow: AuthorizationFlow
    ending: SessionEnding

    def __call__(self, request: Request) -> Response:
        """Answer with the way back to the application, with a page that says it is done, or with one that asks."""
        try:
            query, confirmed = self._asked(request)
            parameters = http.parameters_of(query)
        except OAuthError as error:
            kind, reason = ErrorKind.invalid_request, error.description
            return self.flow.fail(request, {}, kind, status=400, reason=reason, event_type=EventType.FAILED_LOGOUT)
        return self.flow.guard(
            request,
            parameters,
            lambda: self._log_out(query, parameters, request, confirmed=confirmed),
            event_type=EventType.FAILED_LOGOUT,
        )

    def _asked(self, request: Request) -> tuple[str, bool]:
        """Return the application's request as a query, and whether the person has confirmed it; raise `InvalidRequest`.

        §2: the server "MUST support the use of the HTTP GET and POST methods".
        """
        if request.method != "POST":
            return request.query, False
        posted = request.body_parameters()
        if CONFIRMATION not in posted:
            return urlencode(posted), False
        try:
            self.flow.browser.require_own_form(request, posted)
        except ForgedPost as forged:
            # Perhaps a page that was open for long: asking again does no harm, and a forger gains nothing.
            event = Event(EventType.FAILED_LOGOUT, request.caller, reason=f"not our form: {forged}")
            self.flow.events.emit(event)
            return posted.get("request", ""), False
        return posted.get("request", ""), True

    def _log_out(self, query: str, parameters: Parameters, request: Request, *, confirmed: bool) -> Response:
        wanted = self._open(parameters)
        held = self.flow.held_session(request)
        if held is not None:
            # One that has ended was agreed on, and then something failed.
            if not (confirmed or wanted.names(held) or held.ended_at is not None):
                return self._confirmation(query, parameters, wanted, held, request)
            client_id = wanted.application.client_id if wanted.application else None
            self.ending.end([held], request, client_id=client_id)
        browser = self.flow.browser
        if wanted.return_to is not None:
            done = browser.redirect(wanted.return_to)
        else:
            done = browser.show(pages.signed_out(language=browser.language(request, parameters)))
        return done.with_cookies([browser.cookies.end_session()])

    def _open(self, parameters: Parameters) -> LogoutRequest:
        """Return the request that *parameters* make; raise `Untrusted`, `InvalidRequest` or `InvalidToken`."""
        text = parameters.get("id_token_hint")
        hint = None if text is None else self.flow.verifier.id_token_hint(text)
        configuration = self.flow.configuration
        client_id = logout_request.client_id_of(parameters, hint)
        application = None if client_id is None else configuration.application(client_id)
        if client_id is not None and application is None:
            raise UnknownApplication("client_id or id_token_hint names no registered application")
        tenant = configuration.tenant()
        return logout_request.parse(parameters, hint=hint, application=application, tenant=tenant)

    def _confirmation(
        self, query: str, parameters: Parameters, wanted: LogoutRequest, held: Session, request: Request
    ) -> Response:
        browser, application = self.flow.browser, wanted.application
        user = self.flow.users.by_id(held.user_id)
        csrf, cookies = browser.csrf_of(request)
        page = pages.confirm_logout(
            language=browser.language(request, parameters),
            application=application.name if application else None,
            logo_uri=application.logo_uri if application else None,
            account=user.email if user else None,
            request=query,
            csrf=csrf,
            redirect_source=redirect_uri.content_source(wanted.return_to) if wanted.return_to else None,
        )
        return browser.show(page).with_cookies(cookies)
