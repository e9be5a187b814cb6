"""`GET/POST /authorize` (RFC 6749 §3.1, OpenID Connect Core §3.1.2)."""

from dataclasses import dataclass
from urllib.parse import urlencode

from heirloom import http, pages
from heirloom.domain.application import ApplicationType
from heirloom.domain.authorization import Prompt
from heirloom.domain.errors import InteractionRequired, LoginRequired, OAuthError
from heirloom.endpoints.authorization_flow import Answerable, AuthorizationFlow, Interaction, LoggedIn, Opened
from heirloom.http import Request, Response
from heirloom.pages import ErrorKind, LoginProblem


def login_page(
    flow: AuthorizationFlow,
    interaction: Interaction,
    request: Request,
    *,
    status: int = 200,
    email: str | None = None,
    problem: LoginProblem | None = None,
    retry_after: int = 0,
    person: LoggedIn | None = None,
) -> Response:
    """Return the login page of an interaction, *retry_after* in seconds."""
    application = interaction.application
    csrf, cookies = flow.browser.csrf_of(request)
    page = pages.login(
        language=flow.browser.language(request, interaction.parameters),
        application=application.name if application else None,
        logo_uri=application.logo_uri if application else None,
        request=interaction.query,
        csrf=csrf,
        email=interaction.login_hint if email is None else email,
        problem=problem,
        retry_after=retry_after,
        signed_in_as=person.user.email if person else None,
        redirect_source=interaction.redirect_source,
    )
    return flow.browser.show(page, status).with_cookies(cookies)


@dataclass(frozen=True, slots=True)
class AuthorizeEndpoint:
    """Opens an authorization request."""

    flow: AuthorizationFlow

    def __call__(self, request: Request) -> Response:
        """Answer with the way back to the application, or with a page."""
        try:
            query = _query(request)
            parameters = http.parameters_of(query)
        except OAuthError as error:
            return self.flow.fail(request, {}, ErrorKind.invalid_request, status=400, reason=error.description)
        return self.flow.guard(request, parameters, lambda: self._authorize(query, request))

    def _authorize(self, query: str, request: Request) -> Response:
        opened = self.flow.open(query, request.now)
        prompt = opened.request.prompt
        person = self.flow.logged_in(request)
        if person is not None and not _serves(opened, person, request.now):
            person = None
        if Prompt.NONE in prompt:
            return self._silently(opened, person, request)
        if person is None or Prompt.LOGIN in prompt:
            return login_page(self.flow, opened, request)
        if Prompt.SELECT_ACCOUNT in prompt or _could_be_anybody(opened):
            return login_page(self.flow, opened, request, person=person)
        return self.flow.proceed(opened, person, request)

    def _silently(self, opened: Opened, person: LoggedIn | None, request: Request) -> Response:
        if person is None:
            raise Answerable(opened.request.reply_to, opened.application, LoginRequired("Login required"))
        if _could_be_anybody(opened):
            raise Answerable(opened.request.reply_to, opened.application, InteractionRequired("Interaction required"))
        return self.flow.proceed(opened, person, request)


def _serves(opened: Opened, person: LoggedIn, now: int) -> bool:
    """Tell whether a session may answer this request: recent enough, and of the person who is asked about."""
    return opened.is_meant_for(person.user) and not opened.request.login_needed(person.session.auth_time, now)


def _could_be_anybody(opened: Opened) -> bool:
    """Tell whether another program on the person's device could be asking in the application's name.

    RFC 8252 §8.6: no automatic answer to a native application, whose scheme or port any program may take.
    """
    return opened.application.app_type is ApplicationType.NATIVE


def _query(request: Request) -> str:
    """Return the request's parameters as a query; OpenID Connect Core §3.1.2.1 allows a form post as well."""
    return urlencode(request.body_parameters()) if request.method == "POST" else request.query
