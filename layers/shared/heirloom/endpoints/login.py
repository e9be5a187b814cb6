"""`POST /login`: a person proves who they are with a password."""

import dataclasses
import secrets
from dataclasses import dataclass

from heirloom.domain import encoding, guessing, refresh_token, session
from heirloom.domain.authorization import Prompt
from heirloom.domain.device import Device
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.events import Event, EventType
from heirloom.domain.ports import LoginAttempts, Pace, Passwords
from heirloom.domain.session import Session, SessionCookie, SessionKey
from heirloom.domain.user import User, normalised_email
from heirloom.endpoints import account, activation
from heirloom.endpoints.account import AccountVisit
from heirloom.endpoints.activation import Activation, ActivationFlow
from heirloom.endpoints.authorization_flow import AuthorizationFlow, Interaction, LoggedIn, Opened
from heirloom.endpoints.authorize import login_page
from heirloom.endpoints.brakes import Brakes
from heirloom.endpoints.session_ending import SessionEnding
from heirloom.http import Parameters, Request, Response
from heirloom.pages import ErrorKind, LoginProblem

LONGEST_EMAIL = 320
LONGEST_PASSWORD = 1024
"""Characters; beyond it, hashing is only work for us."""

NOBODY = "no user"
"""No user's id: those have no spaces."""


@dataclass(frozen=True, slots=True)
class LoginPage:
    """`GET /login`: nothing starts here, but people reload and bookmark what they see."""

    flow: AuthorizationFlow

    def __call__(self, request: Request) -> Response:
        """Answer with a page that sends the person back to the application."""
        return self.flow.fail(request, {}, ErrorKind.start_again, status=400, reason="GET /login", detail=None)


@dataclass(frozen=True, slots=True)
class LoginEndpoint:
    """Takes the login form."""

    flow: AuthorizationFlow
    activations: ActivationFlow
    ending: SessionEnding
    attempts: LoginAttempts
    passwords: Passwords
    pace: Pace

    def __call__(self, request: Request) -> Response:
        """Answer with the way back to the application, the consent page, or the form again."""
        return self.activations.guard(request, {}, lambda: self._login(request))

    def _login(self, request: Request) -> Response:
        parameters = request.body_parameters()
        self.flow.browser.require_own_form(request, parameters)
        opened = self._open(parameters.get("request", ""), request.now)
        if parameters.get("action") == "continue":
            return self._continue(opened, request)
        email, password = parameters.get("email", ""), parameters.get("password", "")
        if not email or not password or len(email) > LONGEST_EMAIL or len(password) > LONGEST_PASSWORD:
            return login_page(
                self.flow, opened, request, status=400, email=email[:LONGEST_EMAIL], problem=LoginProblem.missing_field
            )
        return self._with_password(opened, parameters, request)

    def _open(self, carried: str, now: int) -> Opened | Activation | AccountVisit:
        if carried.startswith(activation.CARRIED):
            return self.activations.open(carried)
        if carried.startswith(account.CARRIED):
            return AccountVisit.carried(carried)
        return self.flow.open(carried, now, begun=True)

    def _proceed(self, opened: Opened | Activation | AccountVisit, person: LoggedIn, request: Request) -> Response:
        if isinstance(opened, Activation):
            return self.activations.proceed(opened, person, request)
        if isinstance(opened, AccountVisit):
            self._record(EventType.LOGIN, request, opened, reason="to the account page", user_id=person.user.user_id)
            return self.flow.browser.redirect(opened.address)
        return self.flow.proceed(opened, person, request)

    def _with_password(
        self, opened: Opened | Activation | AccountVisit, parameters: Parameters, request: Request
    ) -> Response:
        email = normalised_email(parameters["email"])
        brakes = Brakes(self.attempts, email, guessing.network(request.caller.address), request.now)
        pause = brakes.count()
        if pause > 0:
            self._record(EventType.FAILED_LOGIN_TOO_MANY_ATTEMPTS, request, opened, reason=f"paused for {pause} s")
            problem = LoginProblem.slow_down
            page = login_page(
                self.flow, opened, request, status=429, email=parameters["email"], problem=problem, retry_after=pause
            )
            return page.with_headers({"retry-after": str(pause)})
        begun = self.pace.begin()
        # Whoever asks for an address that nobody has waits as long: the same questions are put to the store.
        user_id = self.flow.users.id_of(email) or NOBODY
        # The epoch before the password: if both change meanwhile, the login carries the old epoch and is void.
        epoch = self.flow.families.epoch(refresh_token.user_key(user_id))
        user = self.flow.users.by_id(user_id)
        matches = self.passwords.verify(parameters["password"], user.password_hash if user else None)
        if user is None or not matches or user.blocked:
            self._record_failure(user, request, opened, matches=matches)
            problem = LoginProblem.wrong_credentials
            self.pace.keep(begun)
            return login_page(self.flow, opened, request, status=400, email=parameters["email"], problem=problem)
        brakes.release()
        self._upgrade_hash(user, parameters["password"], request)
        return self._begin_session(user, epoch, opened, request)

    def _upgrade_hash(self, user: User, password: str, request: Request) -> None:
        """Replace the hash that an imported user brought, now that the password is known; nobody is logged out."""
        if not self.passwords.needs_rehash(password, user.password_hash):
            return
        try:
            self.flow.users.replace_hash(user, self.passwords.hash(password))
        except StoreUnavailable as fault:  # the old one will do until the next login
            self.flow.events.emit(Event.of_fault(fault, request.caller))

    def _begin_session(
        self, user: User, epoch: int, opened: Opened | Activation | AccountVisit, request: Request
    ) -> Response:
        """Give every login a cookie of its own: whatever the browser held before opens nothing of this person's."""
        tenant = self.flow.configuration.tenant()
        previous = self._leave(user, request)
        # The same person again: one session, so that one logout ends all that came from it.
        session_id = previous.key.session_id if previous else _new_session_id()
        cookie = _new_cookie(user, session_id)
        device = Device.of(request.caller)
        begun = session.begin(
            cookie=cookie, user_id=user.user_id, epoch=epoch, tenant=tenant, device=device, now=request.now
        )
        if previous is None:
            self.flow.sessions.put(begun)
        elif self.flow.sessions.replace(resumed := session.go_on(previous, begun)):
            begun = resumed
        else:  # ended meanwhile
            cookie = _new_cookie(user, _new_session_id())
            begun = dataclasses.replace(begun, key=cookie.key, secret_digest=session.secret_digest(cookie.secret))
            self.flow.sessions.put(begun)
        set_cookie = self.flow.browser.cookies.set_session(cookie.value, tenant.session_lifetime)
        response = self.activations.guard(
            request, opened.parameters, lambda: self._proceed(opened, LoggedIn(begun, user), request)
        )
        return response.with_cookies([set_cookie])

    def _leave(self, user: User, request: Request) -> Session | None:
        """Return the session in which *user* is logged in already; end the one of anybody else.

        So is one that a logout left unfinished: its cookie, with which that could go on, is about to be replaced.
        """
        held = self.flow.held_session(request)
        if held is None:
            return None
        person = self.flow.person_of(held, request)
        if person is not None and person.user.user_id == user.user_id:
            return person.session
        if person is not None or held.ended_at is not None:
            self.ending.end([held], request, client_id=None, reason="a login took its place")
        return None

    def _continue(self, opened: Opened | Activation | AccountVisit, request: Request) -> Response:
        """Go on with the account that the chooser showed, if its session still serves this request."""
        person = self.flow.logged_in(request)
        if person is None or (isinstance(opened, Opened) and not _serves(opened, person, request.now)):
            return login_page(self.flow, opened, request)
        return self._proceed(opened, person, request)

    def _record_failure(self, user: User | None, request: Request, opened: Interaction, *, matches: bool) -> None:
        if user is None:
            self._record(EventType.FAILED_LOGIN_UNKNOWN_USER, request, opened, reason="unknown user")
            return
        event_type = EventType.FAILED_LOGIN if matches else EventType.FAILED_LOGIN_WRONG_PASSWORD
        reason = "blocked user" if matches else "wrong password"
        self._record(event_type, request, opened, reason=reason, user_id=user.user_id)

    def _record(
        self, event_type: EventType, request: Request, opened: Interaction, *, reason: str, user_id: str | None = None
    ) -> None:
        client_id = opened.application.client_id if opened.application else None
        self.flow.events.emit(Event(event_type, request.caller, client_id=client_id, user_id=user_id, reason=reason))


def _new_session_id() -> str:
    return encoding.encode(secrets.token_bytes(session.SESSION_ID_BYTES))


def _new_cookie(user: User, session_id: str) -> SessionCookie:
    key = SessionKey(refresh_token.user_key(user.user_id), session_id)
    return SessionCookie(key, secrets.token_bytes(session.SECRET_BYTES))


def _serves(opened: Opened, person: LoggedIn, now: int) -> bool:
    return (
        opened.is_meant_for(person.user)
        and Prompt.LOGIN not in opened.request.prompt
        and not opened.request.login_needed(person.session.auth_time, now)
    )
