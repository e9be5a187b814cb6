"""Verification of what clients signed."""

from collections.abc import Iterable

import jwt

from heirloom.domain.client_assertion import LONGEST
from heirloom.domain.client_key import ClientKey
from heirloom.domain.errors import InvalidClient

_TYPES = ("jwt", "client-authentication+jwt")
"""In lower case. A JWT of another type was signed for another purpose (RFC 8725 §3.11)."""


class JwtAssertions:
    """The port `Assertions`."""

    def claims(self, assertion: str, keys: Iterable[ClientKey]) -> dict[str, object]:
        """Return what an assertion says that one of *keys* signed; raise `InvalidClient`."""
        try:
            return _verified(assertion, keys)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise InvalidClient(reason=f"client assertion: {type(error).__name__}") from None


def _verified(assertion: str, keys: Iterable[ClientKey]) -> dict[str, object]:
    if len(assertion) > LONGEST:
        raise InvalidClient(reason="client assertion: too long")
    header = jwt.get_unverified_header(assertion)
    if str(header.get("typ", _TYPES[0])).lower() not in _TYPES:
        raise InvalidClient(reason="client assertion: a JWT of another type")
    algorithm = str(header.get("alg"))
    for key in keys:
        if key.may_have_signed(algorithm=algorithm, key_id=header.get("kid")):
            try:
                return _claims(assertion, key, algorithm)
            except jwt.InvalidSignatureError:
                continue
    raise InvalidClient(reason="client assertion: signed by no registered key")


def _claims(assertion: str, key: ClientKey, algorithm: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(
        assertion,
        jwt.PyJWK.from_json(key.jwk, algorithm),
        algorithms=[algorithm],
        # What the claims must be is a rule of the domain.
        options={
            "verify_aud": False,
            "verify_exp": False,
            "verify_iat": False,
            "verify_iss": False,
            "verify_jti": False,
            "verify_nbf": False,
            "verify_sub": False,
        },
    )
    return claims
