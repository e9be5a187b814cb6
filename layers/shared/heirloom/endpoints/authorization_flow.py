"""The way of an authorization request: opened, put to a person who is logged in and agrees, answered with a code."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from heirloom import http, pages
from heirloom.domain import (
    authorization,
    authorization_code,
    claims,
    encoding,
    lifetimes,
    pushed_request,
    redirect_uri,
    scope,
    session,
)
from heirloom.domain.application import Application, pushing_required
from heirloom.domain.authorization import (
    AuthorizationRequest,
    AuthorizationResponse,
    Prompt,
    ReplyTo,
    ResponseMode,
    UnknownApplication,
    Untrusted,
)
from heirloom.domain.authorization_code import AuthorizationCode
from heirloom.domain.claims_request import ClaimsRequest
from heirloom.domain.device import Device
from heirloom.domain.errors import (
    AccessDenied,
    ConsentRequired,
    Fault,
    InteractionRequired,
    InvalidRequest,
    InvalidRequestUri,
    InvalidToken,
    LoginRequired,
    OAuthError,
)
from heirloom.domain.events import Event, EventType
from heirloom.domain.family import LARGEST_SCOPE_AND_AUDIENCE, Grant, room_for_profile, userinfo_claims_size
from heirloom.domain.ports import (
    Codes,
    Configuration,
    Consents,
    Events,
    Families,
    PushedRequests,
    Sessions,
    Users,
    Verifier,
)
from heirloom.domain.pushed_request import PushedRequest
from heirloom.domain.resource_indicator import unknown_audience
from heirloom.domain.resource_server import ResourceServer
from heirloom.domain.session import Session
from heirloom.domain.user import User, claims_for
from heirloom.endpoints.browser import Browser, ForgedPost
from heirloom.endpoints.requested_access import consent_required, requested_access
from heirloom.http import Parameters, Request, Response
from heirloom.pages import ErrorKind, RequestedScope


class Answerable(Exception):
    """A refusal that goes back to the application."""

    def __init__(self, reply_to: ReplyTo, application: Application, error: OAuthError) -> None:
        """Take where to answer, and the *error*."""
        super().__init__(error.reason)
        self.reply_to = reply_to
        self.application = application
        self.error = error


class Interaction(Protocol):
    """What a person logs in for: an authorization request, or a device that waits for their word."""

    @property
    def query(self) -> str:
        """Return what our pages carry on, and what it is opened with again."""

    @property
    def parameters(self) -> Parameters:
        """Return the parameters with which the browser came."""

    @property
    def application(self) -> Application | None:
        """Return the application that asks; `None`: the person wants to see their account."""

    @property
    def login_hint(self) -> str:
        """Return the address that the application expects the person to type."""

    @property
    def redirect_source(self) -> str | None:
        """Return where the person goes on to, as a Content-Security-Policy names it; `None`: they stay here."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A valid authorization request, and what it may be granted."""

    query: str
    """The request as it came: our pages carry it on, and it is validated anew each time it returns."""
    parameters: Parameters
    application: Application
    request: AuthorizationRequest
    api: ResourceServer | None
    audience: str
    scope: frozenset[str]
    hinted_user: str | None
    """Whom `id_token_hint` names: nobody else may be answered about (OpenID Connect Core §3.1.2.2)."""
    pushed: PushedRequest | None = None

    def is_meant_for(self, user: User) -> bool:
        """Tell whether *user* is whom the application asks about."""
        subjects = self.request.claims.subjects
        return self.hinted_user in {None, user.user_id} and (subjects is None or user.user_id in subjects)

    @property
    def consent_scope(self) -> frozenset[str]:
        """Return what a person is asked to agree to: claims asked for by name are told under their scope."""
        return self.scope | self.request.claims.scopes if scope.OPENID in self.scope else self.scope

    @property
    def login_hint(self) -> str:
        """Return the address that the application expects the person to type."""
        return self.request.login_hint

    @property
    def redirect_source(self) -> str:
        """Return the redirect target as a Content-Security-Policy names it."""
        return redirect_uri.content_source(self.request.reply_to.redirect_uri)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A person with a session."""

    session: Session
    user: User

    def grants(
        self,
        application: Application,
        *,
        audience: str,
        values: frozenset[str],
        requested: ClaimsRequest = ClaimsRequest(),  # noqa: B008 - it is frozen
    ) -> Grant:
        """Return what an application gets from this person, who agreed to it or need not be asked.

        *requested* are the claims that were asked for by name.
        """
        grant = Grant(
            client_id=application.client_id,
            user_id=self.user.user_id,
            session_id=self.session.key.session_id,
            audience=audience,
            scope=values,
            auth_time=self.session.auth_time,
        )
        if scope.OPENID not in values:
            return grant
        grant = replace(grant, userinfo_claims=requested.userinfo_beyond(values))
        profile = claims_for(self.user, values, requested.id_token)
        return grant.with_profile(claims.fitting(profile, room_for_profile(grant)))


@dataclass(frozen=True, slots=True)
class AuthorizationFlow:
    """What the authorization, login and consent endpoints share."""

    browser: Browser
    configuration: Configuration
    families: Families
    codes: Codes
    pushed_requests: PushedRequests
    sessions: Sessions
    users: Users
    consents: Consents
    verifier: Verifier
    events: Events

    def guard(
        self,
        request: Request,
        parameters: Parameters,
        act: Callable[[], Response],
        *,
        event_type: EventType = EventType.FAILED_LOGIN,
    ) -> Response:
        """Return what *act* returns, or what a person or an application can make of its failure."""
        try:
            return act()
        except Answerable as refused:
            client_id = refused.application.client_id
            silent = isinstance(refused.error, (LoginRequired, ConsentRequired, InteractionRequired))
            event_type = EventType.FAILED_SILENT_AUTHENTICATION if silent else EventType.FAILED_LOGIN
            self._record(event_type, request, refused.error.reason, client_id=client_id)
            return self.deliver(AuthorizationResponse.with_error(refused.reply_to, refused.error), refused.application)
        except Untrusted as untrusted:
            kind = ErrorKind.wrong_redirect
            if isinstance(untrusted, UnknownApplication):
                kind = ErrorKind.unknown_application
            return self.fail(request, parameters, kind, status=400, reason=str(untrusted), event_type=event_type)
        except OAuthError as error:
            kind = ErrorKind.start_again if isinstance(error, InvalidRequestUri) else ErrorKind.invalid_request
            detail = error.description
            return self.fail(
                request, parameters, kind, status=400, reason=error.reason, detail=detail, event_type=event_type
            )
        except ForgedPost as forged:
            return self.fail(
                request, parameters, ErrorKind.expired_form, status=403, reason=f"not our form: {forged}", detail=None
            )
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
            response = self._error_page(request, parameters, ErrorKind.temporary_fault, 503, None)
            return response.with_headers({"retry-after": "1"})

    def fail(
        self,
        request: Request,
        parameters: Parameters,
        kind: ErrorKind,
        *,
        status: int,
        reason: str,
        detail: str | None = "",
        event_type: EventType = EventType.FAILED_LOGIN,
    ) -> Response:
        """Return an error page, and note why; *detail* is for the developer (empty: the reason)."""
        self._record(event_type, request, reason, client_id=None)
        return self._error_page(request, parameters, kind, status, reason if detail == "" else detail)

    def open(self, query: str, now: int, *, begun: bool = False) -> Opened:
        """Return the authorization request that *query* makes, or the pushed one that it refers to.

        *begun* tells that it comes from a page of ours. Raise `Untrusted`, `InvalidRequest`, `InvalidRequestUri` or
        `Answerable`.
        """
        parameters = http.parameters_of(query)
        application = self.configuration.application(parameters.get("client_id", ""))
        if application is None:
            raise UnknownApplication("client_id is missing or names no registered application")
        request_uri = parameters.get("request_uri", "")
        if not request_uri.startswith(pushed_request.PREFIX):
            return self.validate(query, application)
        found = self.pushed_requests.find(pushed_request.digest(request_uri))
        pushed = pushed_request.redeem(found, client_id=application.client_id, now=now, begun=begun)
        # RFC 9126 §4: nothing beside the reference counts, so our pages carry nothing else on.
        query = urlencode({"client_id": application.client_id, "request_uri": request_uri})
        return self.validate(query, application, pushed)

    def validate(self, query: str, application: Application, pushed: PushedRequest | None = None) -> Opened:
        """Return the request that *query* makes, or that was *pushed*; raise `Untrusted` or `Answerable`."""
        parameters = http.parameters_of(query if pushed is None else pushed.query)
        reply_to = authorization.reply_to(parameters, application)
        try:
            if pushed is None and pushing_required(self.configuration.tenant(), application):
                raise InvalidRequest("Authorization requests of this application must be pushed")
            request = authorization.parse(parameters, application, reply_to)
            access = requested_access(
                audience=request.audience,
                values=request.scope,
                application=application,
                configuration=self.configuration,
                issuer=self.browser.issuer,
                unknown=unknown_audience(parameters),
            )
            by_name = request.claims.userinfo_beyond(access.scope)
            if access.size + userinfo_claims_size(by_name) > LARGEST_SCOPE_AND_AUDIENCE:
                raise InvalidRequest("Too many claims are asked for by name: ask for their scopes")
            return Opened(
                query=query,
                parameters=parameters,
                application=application,
                request=request,
                api=access.api,
                audience=access.audience,
                scope=access.scope,
                hinted_user=self._hinted_user(parameters.get("id_token_hint")),
                pushed=pushed,
            )
        except OAuthError as error:
            raise Answerable(reply_to, application, error) from None

    def held_session(self, request: Request) -> Session | None:
        """Return the session whose cookie this browser has, be it expired, ended or of a blocked user."""
        cookie = session.parse_cookie(request.cookies.get(self.browser.cookies.session, ""))
        if cookie is None:
            return None
        found = self.sessions.find(cookie.key)
        return found if found is not None and session.opens(cookie, found) else None

    def logged_in(self, request: Request) -> LoggedIn | None:
        """Return who is logged in in this browser, if somebody is."""
        held = self.held_session(request)
        return None if held is None else self.person_of(held, request)

    def person_of(self, held: Session, request: Request) -> LoggedIn | None:
        """Return who is logged in by a session, if it is good now; else note why not."""
        tenant, epoch = self.configuration.tenant(), self.families.epoch(held.key.user_key)
        because = session.ended_because(held, epoch=epoch, tenant=tenant, now=request.now)
        user = self.users.by_id(held.user_id) if because is None else None
        if user is None or user.blocked:
            self._note_end(held, because or ("user_deleted" if user is None else "user blocked"), request)
            return None
        if request.now - held.used_at >= session.RENEWAL:
            idle = lifetimes.ends_at(request.now, tenant.idle_session_lifetime)
            device = Device.of(request.caller)
            self.sessions.renew(held.key, used_at=request.now, idle_expires_at=idle, device=device)
        return LoggedIn(held, user)

    def proceed(self, opened: Opened, person: LoggedIn, request: Request) -> Response:
        """Return the answer to a person who is logged in: the consent page, or the way back with a code."""
        if not opened.is_meant_for(person.user):
            error = LoginRequired("Somebody else is logged in than the request names")
            raise Answerable(opened.request.reply_to, opened.application, error)
        if not self.consent_needed(opened, person):
            return self.send_code(opened, person, request)
        if Prompt.NONE in opened.request.prompt:
            raise Answerable(opened.request.reply_to, opened.application, ConsentRequired("Consent required"))
        csrf, cookies = self.browser.csrf_of(request)
        descriptions = opened.api.scopes if opened.api else {}
        page = pages.consent(
            language=self.browser.language(request, opened.parameters),
            application=opened.application.name,
            logo_uri=opened.application.logo_uri,
            account=person.user.email,
            api=opened.api.name if opened.api else None,
            scopes=[
                RequestedScope(value, descriptions.get(value)) for value in scope.render(opened.consent_scope).split()
            ],
            request=opened.query,
            csrf=csrf,
            redirect_source=opened.redirect_source,
            redirect_host=urlsplit(opened.request.reply_to.redirect_uri).netloc or opened.redirect_source,
        )
        return self.browser.show(page).with_cookies(cookies)

    def consent_needed(self, opened: Opened, person: LoggedIn) -> bool:
        """Tell whether the person must be asked first."""
        if Prompt.CONSENT in opened.request.prompt:
            return True
        if not consent_required(opened.application, opened.api):
            return False
        granted = self.consents.granted(
            user_key=person.session.key.user_key, client_id=opened.application.client_id, audience=opened.audience
        )
        return granted is None or not opened.consent_scope <= granted

    def send_code(self, opened: Opened, person: LoggedIn, request: Request) -> Response:
        """Return the way back to the application with a fresh code."""
        text = encoding.encode(secrets.token_bytes(32))
        self.take_part(opened.application, person, request)
        self.codes.put(
            AuthorizationCode(
                digest=authorization_code.digest(text),
                grant=person.grants(
                    opened.application, audience=opened.audience, values=opened.scope, requested=opened.request.claims
                ),
                redirect_uri=opened.request.reply_to.redirect_uri,
                challenge=opened.request.challenge,
                nonce=opened.request.nonce,
                key_thumbprint=opened.request.key_thumbprint,
                epoch=person.session.epoch,
                application_epoch=self.families.epoch(person.session.key.user_key, opened.application.client_id),
                expires_at=request.now + lifetimes.AUTHORIZATION_CODE,
                device=Device.of(request.caller),
            )
        )
        if opened.pushed is not None and not self.pushed_requests.spend(opened.pushed.digest):
            # Another tab came first. This code stays here and dies: a fault before this line costs nothing so.
            raise pushed_request.spent_meanwhile()
        silent = Prompt.NONE in opened.request.prompt
        self._warn_about_offline_access(opened, request)
        self._record(
            EventType.SILENT_AUTHENTICATION if silent else EventType.LOGIN,
            request,
            "a code was sent",
            client_id=opened.application.client_id,
            user_id=person.user.user_id,
        )
        return self.deliver(AuthorizationResponse.with_code(opened.request.reply_to, text), opened.application)

    def take_part(self, application: Application, person: LoggedIn, request: Request) -> None:
        """Note the application in the session before it has a code, so that whoever wants to hear of the end does.

        Where the session has ended meanwhile, its code will be refused.
        """
        client_id, key = application.client_id, person.session.key
        if client_id in person.session.client_ids:
            return
        told = application.backchannel_logout_url is not None
        at_most = session.MOST_CLIENT_IDS if told else session.MOST_UNTOLD_CLIENT_IDS
        if not self.sessions.take_part(key, client_id=client_id, at_most=at_most) and told:
            reason = "the session has ended, or has too many applications: this one will not hear of its end"
            self._record(EventType.WARNING, request, reason, client_id=client_id, user_id=person.user.user_id)

    def deny(self, opened: Opened) -> Response:
        """Return the way back of a person who said no."""
        raise Answerable(
            opened.request.reply_to, opened.application, AccessDenied("User did not authorize the request")
        )

    def deliver(self, response: AuthorizationResponse, application: Application) -> Response:
        """Return the answer in the response mode that was asked for."""
        uri = response.reply_to.redirect_uri
        # RFC 9207: an application of several servers sees which one answers, and falls for no mix-up.
        parameters = {**response.parameters, "iss": self.browser.issuer}
        match response.reply_to.mode:
            case ResponseMode.FORM_POST:
                source = redirect_uri.content_source(uri)
                return self.browser.show(
                    pages.form_post(redirect_uri=uri, parameters=parameters, redirect_source=source)
                )
            case ResponseMode.WEB_MESSAGE:
                return self.browser.show(
                    pages.web_message(
                        target_origin=redirect_uri.origin(uri) or "",
                        response=parameters,
                        frame_ancestors=sorted(application.web_origins),
                    )
                )
            case ResponseMode.QUERY:
                separator = "&" if urlsplit(uri).query else "?"
                return self.browser.redirect(f"{uri}{separator}{urlencode(parameters)}")

    def _hinted_user(self, id_token_hint: str | None) -> str | None:
        if id_token_hint is None:
            return None
        try:
            return self.verifier.id_token_hint(id_token_hint).user_id
        except InvalidToken as error:
            raise InvalidRequest(error.description, reason=error.reason) from None

    def _warn_about_offline_access(self, opened: Opened, request: Request) -> None:
        denied = scope.grant(opened.request.scope, opened.application, opened.api).offline_access_denied
        if denied is not None:
            reason = f"offline_access was dropped: {denied}"
            self._record(EventType.WARNING, request, reason, client_id=opened.application.client_id)

    def _error_page(
        self, request: Request, parameters: Parameters, kind: ErrorKind, status: int, detail: str | None
    ) -> Response:
        language = self.browser.language(request, parameters)
        page = pages.error(language=language, kind=kind, detail=detail, request_id=request.caller.request_id)
        return self.browser.show(page, status)

    def _note_end(self, held: Session, because: str, request: Request) -> None:
        details = {"session_id": held.key.session_id, "endedBecause": because}
        reason = "the browser's session has ended"
        self.events.emit(Event(EventType.WARNING, request.caller, user_id=held.user_id, reason=reason, details=details))

    def _record(
        self, event_type: EventType, request: Request, reason: str, *, client_id: str | None, user_id: str | None = None
    ) -> None:
        self.events.emit(Event(event_type, request.caller, client_id=client_id, user_id=user_id, reason=reason))
