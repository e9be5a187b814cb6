"""Verification of our own access tokens and ID tokens, with the keys that everybody can read."""

from collections.abc import Callable
from dataclasses import dataclass

import jwt

from heirloom.domain import lifetimes
from heirloom.domain.errors import InvalidToken
from heirloom.domain.logout_request import IdTokenHint

_TYPES = ("JWT", "at+jwt")  # not a set: a forged header may hold what has no hash
_REQUIRED = ["iss", "sub", "aud", "exp", "iat"]
LONGEST = 8192


@dataclass(frozen=True, slots=True)
class PublishedKeysVerifier:
    """The port `Verifier`."""

    issuer: str
    published_keys: Callable[[], str]

    def access_token(self, token: str, *, audience: str | None, now: int) -> dict[str, object]:
        """Return the claims of a valid access token; raise `InvalidToken`, with one public text."""
        try:
            claims = self._claims(token, [*_REQUIRED, "jti", "scope"], audience)  # ID tokens have neither
            _require_unexpired(claims, now)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise InvalidToken("The access token is invalid or expired", reason=type(error).__name__) from None
        return claims

    def id_token_hint(self, token: str) -> IdTokenHint:
        """Return what an ID token of ours says, expired or not; raise `InvalidToken`."""
        try:
            claims = self._claims(token, [*_REQUIRED, "auth_time", "sid"], None)  # access tokens have no sid
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise InvalidToken("id_token_hint is no ID token of ours", reason=type(error).__name__) from None
        return IdTokenHint(user_id=str(claims["sub"]), client_id=str(claims["aud"]), session_id=str(claims["sid"]))

    def _claims(self, token: str, required: list[str], audience: str | None) -> dict[str, object]:
        if len(token) > LONGEST:
            raise ValueError("too long")
        header = jwt.get_unverified_header(token)
        if header.get("typ") not in _TYPES:
            raise ValueError("of another type")
        keys = {key.key_id: key for key in jwt.PyJWKSet.from_json(self.published_keys()).keys}
        key = keys.get(header.get("kid"))
        if key is None:
            raise ValueError("unknown key")
        claims: dict[str, object] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],  # never the token's own word for it
            audience=audience,
            issuer=self.issuer,
            # The caller's clock decides, as everywhere; PyJWT would read its own.
            options={
                "require": required,
                "verify_aud": audience is not None,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        return claims


def _require_unexpired(claims: dict[str, object], now: int) -> None:
    expires_at = claims["exp"]
    if not isinstance(expires_at, int) or expires_at + lifetimes.CLOCK_SKEW <= now:
        raise ValueError("expired")
