"""`GET/POST /activate` (RFC 8628 §3.3): a person enters the code that a device shows, and says yes or no to it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from heirloom import pages
from heirloom.domain import claims, guessing, scope, user_code
from heirloom.domain.application import Application, GrantType
from heirloom.domain.device_authorization import Confirmation, DeviceAuthorization
from heirloom.domain.errors import OAuthError
from heirloom.domain.events import Event, EventType
from heirloom.domain.ports import DeviceCodes, LoginAttempts
from heirloom.domain.resource_server import ResourceServer
from heirloom.domain.user_code import UserCodeCharset
from heirloom.endpoints.authorization_flow import AuthorizationFlow, LoggedIn
from heirloom.endpoints.authorize import login_page
from heirloom.endpoints.brakes import UserCodeBrakes
from heirloom.endpoints.requested_access import consent_required
from heirloom.http import Parameters, Request, Response
from heirloom.pages import ErrorKind, RequestedScope, UserCodeProblem

CARRIED: Final = "activate:"
"""Begins what our pages carry on for a device. No parameter of an authorization request has such a name."""

_CARRIED = re.compile(CARRIED + r"([0-9a-f]{64})", re.ASCII)


class WrongUserCode(Exception):
    """No device waits under what was *entered*: there is none, or it was answered before, or its time is over."""

    def __init__(self, reason: str, entered: str = "") -> None:
        """Take the *reason*, which the person is not told."""
        super().__init__(reason)
        self.reason = reason
        self.entered = entered


@dataclass(frozen=True, slots=True)
class Activation:
    """A device that waits for a person's word, and what its application asks for."""

    authorization: DeviceAuthorization
    application: Application
    api: ResourceServer | None
    parameters: Parameters = field(default_factory=dict)
    login_hint: str = ""
    redirect_source: None = None

    @property
    def query(self) -> str:
        """Return what our pages carry on: the digest, since whoever found the user code need not guess again."""
        return CARRIED + self.authorization.digest


@dataclass(frozen=True, slots=True)
class ActivationFlow:
    """The way of a device: found by its user code, put to a person who is logged in, answered."""

    flow: AuthorizationFlow
    device_codes: DeviceCodes

    def guard(self, request: Request, parameters: Parameters, act: Callable[[], Response]) -> Response:
        """Return what *act* returns, or what a person can make of its failure."""

        def attempt() -> Response:
            try:
                return act()
            except WrongUserCode as wrong:
                self.record(EventType.FAILED_DEVICE_ACTIVATION, request, wrong.reason)
                problem = UserCodeProblem.wrong_code
                return self.code_page(request, status=400, entered=wrong.entered, problem=problem)

        return self.flow.guard(request, parameters, attempt)

    def open(self, carried: str) -> Activation:
        """Return the device that a page carried on; raise `WrongUserCode`."""
        match = _CARRIED.fullmatch(carried)
        if match is None:
            raise WrongUserCode("a page carried nonsense")
        return self.opened(self.device_codes.find(match[1]))

    def opened(self, authorization: DeviceAuthorization | None) -> Activation:
        """Return what an authorization is about; raise `WrongUserCode` when the tenant no longer has that."""
        if authorization is None:
            raise WrongUserCode("unknown code")
        configuration = self.flow.configuration
        application = configuration.application(authorization.client_id)
        if application is None or GrantType.DEVICE_CODE not in application.grant_types:
            raise WrongUserCode("code of an application that may no longer ask")
        api = None
        if authorization.audience != claims.userinfo_audience(self.flow.browser.issuer):
            api = configuration.resource_server(authorization.audience)
            if api is None:
                raise WrongUserCode("code for an API that is gone")
        return Activation(authorization, application, api)

    def proceed(self, activation: Activation, person: LoggedIn, request: Request) -> Response:
        """Return the page that asks the person who is logged in; raise `WrongUserCode`.

        Nobody is spared it, whoever the application belongs to and whatever was agreed to before: that this device is
        the person's own is what they confirm (RFC 8628 §5.4).
        """
        require_pending(activation, request.now)
        browser = self.flow.browser
        csrf, cookies = browser.csrf_of(request)
        descriptions = activation.api.scopes if activation.api else {}
        values = scope.render(activation.authorization.scope).split()
        page = pages.confirm_device(
            language=browser.language(request, activation.parameters),
            application=activation.application.name,
            logo_uri=activation.application.logo_uri,
            user_code=activation.authorization.user_code,
            account=person.user.email,
            api=activation.api.name if activation.api else None,
            scopes=[RequestedScope(value, descriptions.get(value)) for value in values],
            request=activation.query,
            csrf=csrf,
        )
        return browser.show(page).with_cookies(cookies)

    def code_page(
        self,
        request: Request,
        parameters: Parameters | None = None,
        *,
        status: int = 200,
        entered: str = "",
        problem: UserCodeProblem | None = None,
        retry_after: int = 0,
    ) -> Response:
        """Return the page on which a person enters a code, *retry_after* in seconds."""
        browser = self.flow.browser
        csrf, cookies = browser.csrf_of(request)
        page = pages.enter_user_code(
            language=browser.language(request, parameters or {}),
            csrf=csrf,
            user_code=entered,
            digits=self.flow.configuration.tenant().user_code_charset is UserCodeCharset.DIGITS,
            problem=problem,
            retry_after=retry_after,
        )
        return browser.show(page, status).with_cookies(cookies)

    def record(
        self,
        event_type: EventType,
        request: Request,
        reason: str,
        *,
        application: Application | None = None,
        person: LoggedIn | None = None,
    ) -> None:
        """Record an event; user codes stay out of it."""
        client_id = application.client_id if application else None
        user_id = person.user.user_id if person else None
        self.flow.events.emit(Event(event_type, request.caller, client_id=client_id, user_id=user_id, reason=reason))


def require_pending(activation: Activation, now: int) -> None:
    """Return if a person may still decide; raise `WrongUserCode`."""
    if not activation.authorization.pending(now):
        raise WrongUserCode("code that was answered before, or is expired")


@dataclass(frozen=True, slots=True)
class ActivationPage:
    """`GET /activate`: where a code is entered.

    One that comes with the link is only filled in. A link asks the store nothing: anybody can send one, and anything
    may follow it.
    """

    activations: ActivationFlow

    def __call__(self, request: Request) -> Response:
        """Answer with the form."""
        try:
            parameters = request.query_parameters()
        except OAuthError as error:
            return self.activations.flow.fail(
                request,
                {},
                ErrorKind.invalid_request,
                status=400,
                reason=error.description,
                event_type=EventType.FAILED_DEVICE_ACTIVATION,
            )
        entered = parameters.get("user_code", "")[: user_code.LONGEST_ENTRY]
        return self.activations.guard(
            request, parameters, lambda: self.activations.code_page(request, parameters, entered=entered)
        )


@dataclass(frozen=True, slots=True)
class ActivationEndpoint:
    """`POST /activate`: takes the code, and then the decision."""

    activations: ActivationFlow
    attempts: LoginAttempts

    def __call__(self, request: Request) -> Response:
        """Answer with the page that comes next."""
        return self.activations.guard(request, {}, lambda: self._activate(request))

    def _activate(self, request: Request) -> Response:
        parameters = request.body_parameters()
        flow = self.activations.flow
        flow.browser.require_own_form(request, parameters)
        person = flow.logged_in(request)
        if "request" not in parameters:
            return self._enter(parameters.get("user_code", ""), person, request)
        activation = self.activations.open(parameters["request"])
        decision = parameters.get("decision")
        if person is None or decision == "another_account":
            require_pending(activation, request.now)
            return login_page(flow, activation, request)
        return self._decide(activation, person, request, allowed=decision == "allow")

    def _enter(self, entered: str, person: LoggedIn | None, request: Request) -> Response:
        bare = user_code.bare(entered)
        if not bare:
            return self.activations.code_page(request, status=400, problem=UserCodeProblem.missing_code)
        brakes = UserCodeBrakes(
            self.attempts,
            guessing.network(request.caller.address),
            person.session.key.user_key if person else None,
            request.now,
        )
        pause = brakes.count()
        if pause > 0:
            reason = f"paused for {pause} s"
            self.activations.record(EventType.FAILED_DEVICE_ACTIVATION, request, reason, person=person)
            page = self.activations.code_page(
                request, status=429, entered=entered, problem=UserCodeProblem.slow_down, retry_after=pause
            )
            return page.with_headers({"retry-after": str(pause)})
        found = self.activations.device_codes.with_user_code(bare)
        try:
            activation = self.activations.opened(found)
            require_pending(activation, request.now)
        except WrongUserCode as wrong:
            raise WrongUserCode(wrong.reason, entered) from None
        brakes.release()
        if person is None:
            return login_page(self.activations.flow, activation, request)
        return self.activations.proceed(activation, person, request)

    def _decide(self, activation: Activation, person: LoggedIn, request: Request, *, allowed: bool) -> Response:
        authorization, application = activation.authorization, activation.application
        if not _is_repeated(authorization, person, allowed=allowed):
            require_pending(activation, request.now)
            confirmation = self._confirmation(activation, person, request) if allowed else None
            if not self.activations.device_codes.decide(authorization.digest, confirmation, now=request.now):
                raise WrongUserCode("code that was answered meanwhile")
            event_type = EventType.LOGIN if allowed else EventType.DEVICE_DENIED
            reason = "a device was confirmed" if allowed else "a device was not confirmed"
            self.activations.record(event_type, request, reason, application=application, person=person)
        browser = self.activations.flow.browser
        return browser.show(
            pages.device_answered(
                language=browser.language(request, {}), application=application.name, connected=allowed
            )
        )

    def _confirmation(self, activation: Activation, person: LoggedIn, request: Request) -> Confirmation:
        flow, authorization, application = self.activations.flow, activation.authorization, activation.application
        flow.take_part(application, person, request)
        if consent_required(application, activation.api):
            flow.consents.grant(
                user_key=person.session.key.user_key,
                client_id=application.client_id,
                audience=authorization.audience,
                scope=authorization.scope,
                now=request.now,
            )
            self.activations.record(EventType.CONSENT, request, "consent given", application=application, person=person)
        return Confirmation(
            grant=person.grants(application, audience=authorization.audience, values=authorization.scope),
            epoch=person.session.epoch,
            application_epoch=flow.families.epoch(person.session.key.user_key, application.client_id),
        )


def _is_repeated(authorization: DeviceAuthorization, person: LoggedIn, *, allowed: bool) -> bool:
    """Tell whether the same decision was taken before: its answer got lost, or somebody reloads the page."""
    if not allowed:
        return authorization.denied
    before = authorization.confirmation
    return before is not None and before.grant.session_id == person.session.key.session_id
