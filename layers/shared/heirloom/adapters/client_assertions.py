"""Verification of what clients signed."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from heirloom.domain.client_assertion import LONGEST
from heirloom.domain.client_key import ClientKey
from heirloom.domain.errors import InvalidClient

if TYPE_CHECKING:
    from jwt.types import Options

_TYPES: Final = ("jwt", "client-authentication+jwt")
"""In lower case. A JWT of another type was signed for another purpose (RFC 8725 §3.11)."""

_THE_SIGNATURE_ALONE: "Final[Options]" = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_jti": False,
    "verify_nbf": False,
    "verify_sub": False,
}
"""What the claims must be is a rule of the domain."""


class JwtAssertions:
    """The port `Assertions`."""

    def claims(self, assertion: str, keys: Iterable[ClientKey]) -> dict[str, object]:
        """Return what an assertion says that one of *keys* signed; raise `InvalidClient`."""
        import jwt  # noqa: PLC0415 - few clients sign, and all others should not wait for it

        if len(assertion) > LONGEST:
            raise InvalidClient(reason="client assertion: too long")
        try:
            header = jwt.get_unverified_header(assertion)
            _require_type(header)
            algorithm = str(header.get("alg"))
            for key in keys:
                if key.may_have_signed(algorithm=algorithm, key_id=header.get("kid")):
                    try:
                        known = jwt.PyJWK.from_json(key.jwk, algorithm)
                        claims: dict[str, object] = jwt.decode(
                            assertion, known, algorithms=[algorithm], options=_THE_SIGNATURE_ALONE
                        )
                    except jwt.InvalidSignatureError:
                        continue
                    return claims
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise InvalidClient(reason=f"client assertion: {type(error).__name__}") from None
        raise InvalidClient(reason="client assertion: signed by no registered key")


def _require_type(header: Mapping[str, object]) -> None:
    if str(header.get("typ", _TYPES[0])).lower() not in _TYPES:
        raise InvalidClient(reason="client assertion: a JWT of another type")
