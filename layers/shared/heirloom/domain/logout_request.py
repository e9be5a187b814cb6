"""The logout request (OpenID Connect RP-Initiated Logout 1.0 §2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from heirloom.domain.application import Application, Tenant
from heirloom.domain.authorization import LONGEST_STATE, UnknownRedirectUri
from heirloom.domain.errors import InvalidRequest
from heirloom.domain.session import Session


@dataclass(frozen=True, slots=True)
class IdTokenHint:
    """An ID token of ours that was sent back: for whom, at which application, from which session it was made."""

    user_id: str
    client_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A valid logout request."""

    application: Application | None
    hint: IdTokenHint | None
    return_to: str | None
    """Where the person goes afterwards, with the application's `state`: known good."""

    def names(self, session: Session) -> bool:
        """Tell whether the application proves to know *session*: then it need not be asked about.

        §2: without that "the OP SHOULD ask the End-User whether to log out", or any page could log people out.
        """
        hint = self.hint
        return hint is not None and hint.user_id == session.user_id and hint.session_id == session.key.session_id


def client_id_of(parameters: Mapping[str, str], hint: IdTokenHint | None) -> str | None:
    """Return which application asks, `None` if the request does not say; raise `InvalidRequest`.

    §2: with both, the server "MUST verify that the Client Identifier matches the one used as the audience".
    """
    client_id = parameters.get("client_id")
    if hint is not None and client_id not in {None, hint.client_id}:
        raise InvalidRequest("client_id and id_token_hint name two applications")
    return hint.client_id if hint is not None else client_id


def parse(
    parameters: Mapping[str, str], *, hint: IdTokenHint | None, application: Application | None, tenant: Tenant
) -> LogoutRequest:
    """Return the request that *parameters* make; raise `InvalidRequest` or `UnknownRedirectUri`."""
    state = parameters.get("state")
    if state is not None and len(quote(state)) > LONGEST_STATE:
        raise InvalidRequest(f"state must have at most {LONGEST_STATE} bytes, percent-encoded")
    return_to = parameters.get("post_logout_redirect_uri")
    if return_to is not None:
        _require_registered(return_to, application, tenant)
        if state is not None:
            return_to += ("&" if urlsplit(return_to).query else "?") + urlencode({"state": state})
    return LogoutRequest(application, hint, return_to)


def _require_registered(return_to: str, application: Application | None, tenant: Tenant) -> None:
    """Return if people may be sent there after a logout: §3, "exactly matched". Raise `UnknownRedirectUri`."""
    # Where no application is named, the tenant's own addresses are the only legitimate ones.
    registered = application.allowed_logout_urls if application else tenant.allowed_logout_urls
    if return_to not in registered:
        raise UnknownRedirectUri("the address to return to is not among the allowed logout URLs")
