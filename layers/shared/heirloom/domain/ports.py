"""What the endpoints need of the world. Every store verb may raise `StoreUnavailable`."""

from __future__ import annotations  # a port names types of everything, and whoever imports one needs few of them

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from heirloom.domain.application import Application, Tenant
    from heirloom.domain.authorization_code import AuthorizationCode
    from heirloom.domain.backchannel_logout import LogoutNotice
    from heirloom.domain.claims import UnsignedToken
    from heirloom.domain.client_grant import ClientGrant
    from heirloom.domain.client_key import ClientKey
    from heirloom.domain.consent import Consent
    from heirloom.domain.device import Device
    from heirloom.domain.device_authorization import Confirmation, DeviceAuthorization
    from heirloom.domain.dpop import SignedClaims
    from heirloom.domain.events import Event, LoggedEvent
    from heirloom.domain.family import Family, Rotation
    from heirloom.domain.guessing import Attempts
    from heirloom.domain.logout_request import IdTokenHint
    from heirloom.domain.migration import Migration
    from heirloom.domain.pushed_request import PushedRequest
    from heirloom.domain.refresh_token import FamilyKey
    from heirloom.domain.resource_server import ResourceServer
    from heirloom.domain.session import Session, SessionKey
    from heirloom.domain.token_keys import TokenKeyring
    from heirloom.domain.user import User


class Configuration(Protocol):
    """The tenant file as applied, from a cache that is at most a minute old."""

    def application(self, client_id: str) -> Application | None:
        """Return an application."""

    def resource_server(self, identifier: str) -> ResourceServer | None:
        """Return an API."""

    def client_grant(self, client_id: str, audience: str) -> ClientGrant | None:
        """Return what an application may get for itself at an API."""

    def tenant(self) -> Tenant:
        """Return the tenant's settings."""

    def is_web_origin(self, origin: str) -> bool:
        """Tell whether any application registered *origin*."""


class RotationRefused(Exception):
    """The condition of a rotation did not hold; `family` is the item as it stood, `None` if there is none."""

    def __init__(self, family: Family | None) -> None:
        """Take the *family* as the store returned it."""
        super().__init__("rotation refused")
        self.family = family


class Families(Protocol):
    """Token families and the users' epochs."""

    def rotate(self, rotation: Rotation) -> Family:
        """Exchange the presented token by one conditional write and return the family after it.

        Raise `RotationRefused`.
        """

    def revoke(self, key: FamilyKey, *, client_id: str, because: str, now: int) -> Family | None:
        """Revoke a family of this client durably and return it; `None` when it is unknown or another client's.

        A family that was revoked before keeps its time and reason.
        """

    def migrate(self, family: Family, migration: Migration) -> None:
        """Bring a family in line with its application's settings; nothing happens to one that has been meanwhile."""

    def settle(self, family: Family) -> None:
        """Note that a family which began to rotate is like any other: nobody of its kind is left behind."""

    def find(self, key: FamilyKey) -> Family | None:
        """Return a family, strongly consistent."""

    def of_user(self, user_id: str) -> list[Family]:
        """Return all families of a user, dead ones too, strongly consistent."""

    def end_logins(
        self,
        user_id: str,
        *,
        because: str,
        now: int,
        client_id: str | None = None,
        audience: str | None = None,
        last: FamilyKey | None = None,
        tell: Callable[[Family], None] | None = None,
    ) -> list[Family]:
        """End the logins of a user, and return the families that were alive; *tell* hears of each once it is revoked.

        Of all applications, sessions included; or those of one application, or of that at one API. Once it has
        returned, no token of these logins works, and none that was under way becomes a family. The *last* family is
        revoked after all others: whoever repeats a call that failed on the way still finds it alive.
        """

    def epoch(self, user_key: bytes, client_id: str | None = None) -> int:
        """Return the epoch of the user, or of the user at one application, strongly consistent.

        It counts how often their logins were ended: 0 for somebody who never lost one.
        """


class Replays(Protocol):
    """Spent tokens that were presented again within leeway."""

    def note(self, key: FamilyKey, generation: int, *, now: int) -> frozenset[int]:
        """Note that a generation was replayed, and return those of which that was noted before, as far as is known."""


class ExchangeRefused(Exception):
    """A code could not be exchanged; `code` is the item as it stands now, `None` if its login has ended."""

    def __init__(self, code: AuthorizationCode | None) -> None:
        """Take the *code* as the store returned it."""
        super().__init__("exchange refused")
        self.code = code


class Codes(Protocol):
    """Authorization codes."""

    def put(self, code: AuthorizationCode) -> None:
        """Store a new code."""

    def find(self, digest: str) -> AuthorizationCode | None:
        """Return a code, strongly consistent."""

    def exchange(self, code: AuthorizationCode, family: Family | None, *, attempt: str, now: int) -> None:
        """Mark the code used and store the *family*, all or nothing.

        Only while the user's epoch is the code's and its session has not ended, so no login slips past either end.

        Raise `ExchangeRefused`.
        """


class PollRefused(Exception):
    """A poll was not noted; `authorization` is what stands under the device code, `None` if it is unknown."""

    def __init__(self, authorization: DeviceAuthorization | None) -> None:
        """Take the *authorization* as the store returned it."""
        super().__init__("poll refused")
        self.authorization = authorization


class DeviceExchangeRefused(Exception):
    """A device code was not exchanged; `authorization` is what stands there, `None` if an epoch has passed."""

    def __init__(self, authorization: DeviceAuthorization | None) -> None:
        """Take the *authorization* as the store returned it."""
        super().__init__("exchange refused")
        self.authorization = authorization


class DeviceCodes(Protocol):
    """What devices asked for, under their device codes and user codes."""

    def put(self, authorization: DeviceAuthorization, *, now: int) -> bool:
        """Store a new authorization, unless another live one has its user code; return whether it was stored."""

    def find(self, digest: str) -> DeviceAuthorization | None:
        """Return an authorization by its device code's digest, strongly consistent."""

    def with_user_code(self, user_code: str) -> DeviceAuthorization | None:
        """Return an authorization by the letters and digits of its user code, strongly consistent."""

    def decide(self, digest: str, confirmation: Confirmation | None, *, now: int) -> bool:
        """Note a yes, or `None` for a no; return false if it was too late for that."""

    def poll(self, digest: str, *, client_id: str, now_ms: int) -> None:
        """Note a poll of this client's that came in time and before a decision; else raise `PollRefused`."""

    def slow_down(self, digest: str, *, now_ms: int) -> None:
        """Note a poll that came before its time: the next one must wait longer than this one had to."""

    def exchange(
        self, digest: str, confirmation: Confirmation, family: Family | None, *, attempt: str, now: int
    ) -> None:
        """Mark the device code used and store the *family*, if the user's epochs are still those of the yes.

        All or nothing. Raise `DeviceExchangeRefused`.
        """


class PushedRequests(Protocol):
    """Pushed authorization requests."""

    def put(self, pushed: PushedRequest) -> None:
        """Store a new request."""

    def find(self, digest: str) -> PushedRequest | None:
        """Return a request, strongly consistent."""

    def spend(self, digest: str) -> bool:
        """Mark a request spent, durably, and return whether this call did."""


class Sessions(Protocol):
    """Login sessions."""

    def put(self, session: Session) -> None:
        """Store a new session."""

    def find(self, key: SessionKey) -> Session | None:
        """Return a session, strongly consistent."""

    def of_user(self, user_id: str) -> list[Session]:
        """Return all sessions of a user, ended and expired ones too, strongly consistent."""

    def renew(self, key: SessionKey, *, used_at: int, idle_expires_at: int, device: Device) -> None:
        """Note that a session was used; nothing happens to one that ended meanwhile."""

    def replace(self, session: Session) -> bool:
        """Put a new login of the same person in the place of the one before; return whether that had not ended."""

    def take_part(self, key: SessionKey, *, client_id: str, at_most: int) -> bool:
        """Note an application that takes part in a session.

        Return whether it is noted: not when the session has ended, or has *at_most* so many already.
        """

    def end(self, key: SessionKey, *, now: int) -> Session | None:
        """End a session durably and return it as it stands; `None` when there is none (any more).

        It opens nothing then, no code of it becomes a family, and no application joins it. One that ended before keeps
        its time: whoever was interrupted can go on.
        """

    def forget(self, key: SessionKey) -> None:
        """Delete an ended session, after all that follows from its end is done."""


class BackChannel(Protocol):
    """The way to applications that want to hear of the end of a session."""

    def notify(self, notices: Iterable[LogoutNotice]) -> None:
        """Take over *notices* durably, to be delivered later."""


class Undeliverable(Exception):
    """An application did not answer. The text says why, and names no address."""


class LogoutReceivers(Protocol):
    """The applications' ends of the back channel."""

    def post(self, url: str, *, logout_token: str) -> int:
        """Send a logout token and return the status of the answer; raise `Undeliverable`."""


class Users(Protocol):
    """The built-in user store."""

    def id_of(self, email: str) -> str | None:
        """Return the id of the user with this normalised address."""

    def by_id(self, user_id: str) -> User | None:
        """Return a user, strongly consistent."""

    def replace_hash(self, user: User, password_hash: str) -> bool:
        """Store another hash of the same password; return whether the user still had the one that was read."""

    def after(self, user_id: str | None, *, at_most: int) -> list[User]:
        """Return *at_most* so many users of those that come after one; `None` for the first. Their order is no meaning.

        It reads the table itself, so its cost grows with what it returns, and what was written just now may be missing.
        """

    def delete(self, user_id: str) -> bool:
        """Delete a user; return whether there was one."""


class RefreshTokenMetadata(Protocol):
    """What somebody noted about families, beside them: their own items stay as small as they are."""

    def of_user(self, user_key: bytes) -> dict[bytes, dict[str, str]]:
        """Return what was noted about a user's families, by their ids, strongly consistent."""

    def find(self, key: FamilyKey) -> dict[str, str]:
        """Return what was noted about a family, strongly consistent."""

    def put(self, family: Family, metadata: Mapping[str, str]) -> None:
        """Note *metadata* in the place of what was noted before; it goes when the family does."""

    def delete(self, key: FamilyKey, *, now: int) -> None:
        """Forget what was noted about a family."""


class Log(Protocol):
    """The events that were emitted, read again."""

    def newest(self, wanted: Mapping[str, str], *, at_most: int) -> list[LoggedEvent]:
        """Return *at_most* so many events with these members, the newest first."""

    def after(self, log_id: str | None, *, at_most: int) -> list[LoggedEvent]:
        """Return *at_most* so many events that come after one, the oldest first; raise `ValueError` for no such id."""

    def find(self, log_id: str) -> LoggedEvent | None:
        """Return one event."""


class Consents(Protocol):
    """What people agreed to, by application and API."""

    def of_user(self, user_key: bytes) -> list[Consent]:
        """Return all that a person agreed to, strongly consistent."""

    def granted(self, *, user_key: bytes, client_id: str, audience: str) -> frozenset[str] | None:
        """Return the scope that was agreed to; `None` if the person was never asked."""

    def grant(self, *, user_key: bytes, client_id: str, audience: str, scope: frozenset[str], now: int) -> None:
        """Remember that *scope* was agreed to, besides what was before."""

    def withdraw(self, *, user_key: bytes, client_id: str, audience: str) -> None:
        """Forget what was agreed to: the person is asked again."""

    def withdraw_all(self, user_key: bytes) -> None:
        """Forget all that a person ever agreed to."""


class LoginAttempts(Protocol):
    """Counters of login attempts, by bucket."""

    def find(self, buckets: tuple[str, ...]) -> dict[str, Attempts]:
        """Return the attempts of *buckets*, strongly consistent; an empty one is missing."""

    def add(self, bucket: str, *, at_most: int, now: int) -> bool:
        """Count an attempt if the bucket holds *at_most* so many by now; return whether it did."""

    def take_back(self, bucket: str) -> None:
        """Count one attempt less: it was the owner's."""

    def clear(self, bucket: str) -> None:
        """Empty a bucket."""

    def forget(self, bucket: str, *, last_at: int) -> None:
        """Empty a bucket to which nothing was added after *last_at*."""

    def remember(self, bucket: str, *, now: int) -> None:
        """Note a success under *bucket*."""


class SingleUse(Protocol):
    """What may be presented once: the `jti` of DPoP proofs and of client assertions."""

    def claim(self, identifier: str, *, expires_at: int) -> bool:
        """Take *identifier* durably and return whether nobody had; remembered until epoch second *expires_at*."""


class Assertions(Protocol):
    """Signatures of client assertions."""

    def claims(self, assertion: str, keys: Iterable[ClientKey]) -> Mapping[str, object]:
        """Return what an assertion says that one of *keys* signed; raise `InvalidClient`."""


class Passwords(Protocol):
    """Password hashes: ours, and those that users brought with them."""

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Tell whether *password* matches; does as much for no hash as for a new one, and is then false."""

    def needs_rehash(self, password: str, password_hash: str) -> bool:
        """Tell whether *password*, which matches, should be hashed anew."""

    def hash(self, password: str) -> str:
        """Return a new hash."""


class Pace(Protocol):
    """Lets a refused login take as long whoever it was about: hashes of several kinds differ in what they cost."""

    def begin(self) -> float:
        """Return the time, by a clock of its own."""

    def keep(self, begun: float) -> None:
        """Return when a refusal of what begun then is due."""


class TokenKeys(Protocol):
    """The keyring behind refresh tokens."""

    def keyring(self) -> TokenKeyring:
        """Return the keyring from a cache with a wall-clock age."""

    def reloaded(self) -> TokenKeyring:
        """Return the keyring read anew, unless that was done within seconds."""


class Signer(Protocol):
    """A loaded private key."""

    def sign(self, token: UnsignedToken) -> str:
        """Return the JWT in compact form (RFC 7519)."""


class SigningKeys(Protocol):
    """The keys that sign tokens."""

    def signer(self) -> Signer:
        """Return the current key, loaded: what can fail, fails here."""


class Verifier(Protocol):
    """Verification of our own tokens with the published keys."""

    def access_token(self, token: str, *, audience: str | None, now: int) -> dict[str, object]:
        """Return the claims of a valid access token for *audience* (`None`: for any); raise `InvalidToken`."""

    def id_token_hint(self, token: str) -> IdTokenHint:
        """Return what an ID token of ours says, expired or not; raise `InvalidToken`."""


class ProofVerifier(Protocol):
    """Signatures of DPoP proofs."""

    def verify(self, text: str) -> SignedClaims:
        """Return what a proof claims whose signature is that of the key in it; raise `InvalidDPoPProof`."""


class Events(Protocol):
    """The log and the metrics."""

    def emit(self, event: Event) -> None:
        """Record an event."""
