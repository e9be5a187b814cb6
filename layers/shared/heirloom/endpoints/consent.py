"""`POST /consent`: a person agrees, or not."""

from dataclasses import dataclass

from heirloom.domain import lifetimes
from heirloom.domain.authorization import Prompt
from heirloom.domain.events import Event, EventType
from heirloom.endpoints.authorization_flow import AuthorizationFlow, LoggedIn, Opened
from heirloom.endpoints.authorize import login_page
from heirloom.http import Request, Response


@dataclass(frozen=True, slots=True)
class ConsentEndpoint:
    """Takes the consent form."""

    flow: AuthorizationFlow

    def __call__(self, request: Request) -> Response:
        """Answer with the way back to the application."""
        return self.flow.guard(request, {}, lambda: self._consent(request))

    def _consent(self, request: Request) -> Response:
        parameters = request.body_parameters()
        self.flow.browser.require_own_form(request, parameters)
        opened = self.flow.open(parameters.get("request", ""), request.now, begun=True)
        person = self.flow.logged_in(request)
        if person is None or not _login_suffices(opened, person, request.now):
            return login_page(self.flow, opened, request)
        if parameters.get("decision") != "allow":
            return self.flow.deny(opened)
        self.flow.consents.grant(
            user_key=person.session.key.user_key,
            client_id=opened.application.client_id,
            audience=opened.audience,
            scope=opened.consent_scope,
            now=request.now,
        )
        self.flow.events.emit(
            Event(
                EventType.CONSENT,
                request.caller,
                client_id=opened.application.client_id,
                user_id=person.user.user_id,
                reason="consent given",
            )
        )
        return self.flow.send_code(opened, person, request)


def _login_suffices(opened: Opened, person: LoggedIn, now: int) -> bool:
    """Tell whether the login still serves: this form could be posted without the login page that came before it."""
    if not opened.is_meant_for(person.user):
        return False
    fresh = now - person.session.auth_time <= lifetimes.FRESH_LOGIN
    if Prompt.LOGIN in opened.request.prompt:
        return fresh
    return fresh or not opened.request.login_needed(person.session.auth_time, now)
