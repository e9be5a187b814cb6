"""`GET/POST /account`: a person sees where they are signed in, and signs out what they choose."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from heirloom import http, pages
from heirloom.domain import encoding, scope
from heirloom.domain.application import Application
from heirloom.domain.device import Device
from heirloom.domain.errors import OAuthError
from heirloom.domain.events import EventType
from heirloom.domain.family import Family
from heirloom.endpoints.authorization_flow import AuthorizationFlow, LoggedIn
from heirloom.endpoints.authorize import login_page
from heirloom.endpoints.logins import Logins, is_of_browser, logins_of
from heirloom.endpoints.revocations import Revocations
from heirloom.endpoints.session_ending import SessionEnding
from heirloom.http import Parameters, Request, Response
from heirloom.pages import AccountNotice, ErrorKind, Login, RequestedScope, SignedInApplication, Use

PATH: Final = "/account"

BY_USER: Final = "revoked_by_user"

CARRIED: Final = "account:"
"""Begins what our login page carries on for a person who wants to see their account."""

MOST_IN_OVERVIEW: Final = 5
"""Browsers, and devices of one application; a link leads to the others."""
MOST_BROWSERS: Final = 200
"""As many as an application may have families, on a page of their own."""

_ALL: Final = "all"
_BROWSERS: Final = "browsers"
_APPLICATION: Final = "application:"


@dataclass(frozen=True, slots=True)
class AccountVisit:
    """A person who wants to see their account, and which part of it."""

    parameters: Parameters
    application: None = None
    login_hint: str = ""
    redirect_source: None = None

    @classmethod
    def of(cls, parameters: Parameters) -> "AccountVisit":
        """Return the visit that the parameters of a query or a form ask for."""
        return cls({name: parameters[name] for name in (_ALL, "ui_locales") if name in parameters})

    @classmethod
    def carried(cls, text: str) -> "AccountVisit":
        """Return the visit that a login page carried on; raise `InvalidRequest`."""
        return cls.of(http.parameters_of(text.removeprefix(CARRIED)))

    @property
    def query(self) -> str:
        """Return what our pages carry on."""
        return CARRIED + urlencode(self.parameters)

    @property
    def address(self) -> str:
        """Return the way to the page."""
        return f"{PATH}?{urlencode(self.parameters)}" if self.parameters else PATH

    @property
    def all_browsers(self) -> bool:
        """Tell whether the page shows all browsers, and them alone."""
        return self.parameters.get(_ALL) == _BROWSERS

    @property
    def client_id(self) -> str | None:
        """Return the application of which alone the page shows all devices."""
        wanted = self.parameters.get(_ALL, "")
        return wanted.removeprefix(_APPLICATION) if wanted.startswith(_APPLICATION) else None


@dataclass(frozen=True, slots=True)
class AccountPage:
    """`GET /account`: what is signed in, or the login page first."""

    flow: AuthorizationFlow

    def __call__(self, request: Request) -> Response:
        """Answer with the page."""
        try:
            visit = AccountVisit.of(request.query_parameters())
        except OAuthError as error:
            return self.flow.fail(request, {}, ErrorKind.invalid_request, status=400, reason=error.description)
        return self.flow.guard(request, visit.parameters, lambda: self._show(visit, request))

    def _show(self, visit: AccountVisit, request: Request) -> Response:
        person = self.flow.logged_in(request)
        if person is None:
            return login_page(self.flow, visit, request)
        browser = self.flow.browser
        logins = logins_of(person, self.flow, request.now)
        applications = [it for it in map(self.flow.configuration.application, logins.client_ids) if it]
        overview = not visit.all_browsers and visit.client_id not in {it.client_id for it in applications}
        browsers = self._browsers(logins, person)
        most = MOST_IN_OVERVIEW if overview else MOST_BROWSERS
        if not overview:
            applications = [it for it in applications if it.client_id == visit.client_id]
        csrf, cookies = browser.csrf_of(request)
        notice = request.cookies.get(browser.cookies.notice)
        page = pages.account(
            language=browser.language(request, visit.parameters),
            account=person.user.email,
            viewer=person.session.key.session_id,
            place=visit.parameters,
            csrf=csrf,
            browsers=browsers[:most] if overview or visit.all_browsers else None,
            more_browsers=max(0, len(browsers) - most),
            applications=[self._application(logins, it, person, request, most=most) for it in applications],
            overview=overview,
            notice=AccountNotice(notice) if notice in set(AccountNotice) else None,
        )
        response = browser.show(page).with_cookies(cookies)
        return response if notice is None else response.with_cookies([browser.cookies.take_notice()])

    def _browsers(self, logins: Logins, person: LoggedIn) -> Sequence[Login]:
        """Return the browsers that are signed in, this one first."""
        mine = person.session.key
        sessions = sorted(logins.sessions, key=lambda it: it.key != mine)
        return [
            Login(
                id=it.key.session_id,
                began=_use(it.auth_time, it.initial_device),
                last=_use(it.used_at, it.last_device),
                here=it.key == mine,
                applications=[
                    application.name
                    for client_id in sorted(it.client_ids)
                    if (application := self.flow.configuration.application(client_id))
                ],
            )
            for it in sessions
        ]

    def _application(
        self, logins: Logins, application: Application, person: LoggedIn, request: Request, *, most: int
    ) -> SignedInApplication:
        families, access = logins.families_of(application.client_id), logins.access_of(application.client_id)
        return SignedInApplication(
            client_id=application.client_id,
            name=application.name,
            logo_uri=application.logo_uri,
            logins=[_login(it, person, request) for it in families[:most]],
            total=len(families),
            about_person=_requested(frozenset().union(*access.values()) & scope.STANDARD_SCOPES),
            about_apis=[self._about_api(*it) for it in sorted(access.items()) if it[1] - scope.STANDARD_SCOPES],
            on_server=application.confidential,
        )

    def _about_api(self, audience: str, values: frozenset[str]) -> tuple[str, Sequence[RequestedScope]]:
        api = self.flow.configuration.resource_server(audience)
        special = _requested(values - scope.STANDARD_SCOPES, api.scopes if api else {})
        return (api.name if api else audience), special


@dataclass(frozen=True, slots=True)
class AccountEndpoint:
    """`POST /account`: ends what the person names of their own, and leads back to the page.

    Nobody is asked for the password again. Whatever is ended here can be had again by signing in, and who finds a
    browser open gains nothing by it, while the owner of a lost device may not remember the password.
    """

    flow: AuthorizationFlow
    ending: SessionEnding

    def __call__(self, request: Request) -> Response:
        """Answer with the way back, once all is durable."""
        return self.flow.guard(request, {}, lambda: self._end(request), event_type=EventType.FAILED_LOGOUT)

    def _end(self, request: Request) -> Response:
        parameters = request.body_parameters()
        browser = self.flow.browser
        browser.require_own_form(request, parameters)
        visit = AccountVisit.of(parameters)
        person = self.flow.logged_in(request)
        if person is None or "another_account" in parameters:
            return login_page(self.flow, visit, request)
        if parameters.get("viewer") != person.session.key.session_id:
            return self._back(visit, AccountNotice.somebody_else)
        if parameters.get("everything") == "all":
            self._everywhere(person, request)
            page = pages.signed_out(language=browser.language(request, visit.parameters))
            return browser.show(page).with_cookies([browser.cookies.end_session()])
        return self._back(visit, self._end_named(parameters, person, request))

    def _end_named(self, parameters: Parameters, person: LoggedIn, request: Request) -> AccountNotice:
        """End what the pressed button names."""
        match parameters:
            case {"session": session_id}:
                return self._browser(session_id, person, request)
            case {"family": family_id}:
                return self._device(family_id, person, request)
            case {"application": client_id}:
                return self._application(client_id, person, request)
            case {"everything": "others"}:
                return self._others(person, request)
            case _:
                return AccountNotice.not_signed_in

    def _back(self, visit: AccountVisit, notice: AccountNotice) -> Response:
        browser = self.flow.browser
        return browser.redirect(visit.address).with_cookies([browser.cookies.set_notice(notice)])

    def _browser(self, session_id: str, person: LoggedIn, request: Request) -> AccountNotice:
        """End a session of this person's, with what came from it."""
        logins = logins_of(person, self.flow, request.now)
        for session in (*logins.sessions, *logins.unfinished):
            if session.key.session_id == session_id:
                self.ending.cut_off([session], request, because=BY_USER, reason="signed out by the user")
                return AccountNotice.browser_signed_out
        return AccountNotice.not_signed_in

    def _device(self, family_id: str, person: LoggedIn, request: Request) -> AccountNotice:
        """End a family of this person's."""
        for family in logins_of(person, self.flow, request.now).families:
            if encoding.encode(family.key.family_id) == family_id:
                self._revoke([family], request)
                return AccountNotice.device_signed_out
        return AccountNotice.not_signed_in

    def _application(self, client_id: str, person: LoggedIn, request: Request) -> AccountNotice:
        """End all that an application has of this person: families, codes under way, and what was agreed to."""
        logins = logins_of(person, self.flow, request.now)
        if client_id not in logins.client_ids:
            return AccountNotice.not_signed_in
        # The consents first: the application gets no code without asking from here on, so none follows the revocation.
        for consent in logins.consents:
            if consent.client_id == client_id:
                self.flow.consents.withdraw(
                    user_key=person.session.key.user_key, client_id=client_id, audience=consent.audience
                )
        self._revocations.end_logins(
            person.user.user_id, because=BY_USER, caller=request.caller, now=request.now, client_id=client_id
        )
        return AccountNotice.access_removed

    def _others(self, person: LoggedIn, request: Request) -> AccountNotice:
        """End everything but this browser and the applications in it."""
        here = Device.of(request.caller)
        self._all_but(person, request, lambda family: is_of_browser(family, person.session, here))
        return AccountNotice.others_signed_out

    def _all_but(self, person: LoggedIn, request: Request, stays: Callable[[Family], bool]) -> None:
        """End every other session, and every family but those that stay."""
        mine = person.session.key
        logins = logins_of(person, self.flow, request.now)
        others = [it for it in (*logins.sessions, *logins.unfinished) if it.key != mine]
        self.ending.cut_off(others, request, because=BY_USER, reason="everything else signed out by the user")
        # Those of sessions that are long over, too. Each comes from a session, so none follows.
        families = logins_of(person, self.flow, request.now).families
        self._revoke([it for it in families if not stays(it)], request)

    def _everywhere(self, person: LoggedIn, request: Request) -> None:
        """End everything: all else while this session can still be shown for a second try, then that by the epoch."""
        self._all_but(person, request, lambda _: False)
        self._revocations.end_logins(person.user.user_id, because=BY_USER, caller=request.caller, now=request.now)
        self.ending.cut_off([person.session], request, because=BY_USER, reason="signed out everywhere by the user")

    def _revoke(self, families: Sequence[Family], request: Request) -> None:
        self._revocations.end(families, because=BY_USER, caller=request.caller, now=request.now)

    @property
    def _revocations(self) -> Revocations:
        return Revocations(self.flow.families, self.flow.events)


def _login(family: Family, person: LoggedIn, request: Request) -> Login:
    return Login(
        id=encoding.encode(family.key.family_id),
        began=_use(family.created_at, family.initial_device),
        last=_use(family.exchanged_at, family.last_device),
        here=is_of_browser(family, person.session, Device.of(request.caller)),
    )


def _requested(values: frozenset[str], descriptions: Mapping[str, str] | None = None) -> Sequence[RequestedScope]:
    return [RequestedScope(it, (descriptions or {}).get(it)) for it in scope.render(values).split()]


def _use(at: int, device: Device) -> Use:
    return Use(at, device.address, device.user_agent)
