"""The `claims` parameter: claims that are asked for by name (OpenID Connect Core §5.5)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from heirloom.domain.errors import InvalidRequest, UnmetAuthenticationRequirements
from heirloom.domain.user import SCOPE_OF_CLAIM

LONGEST = 4096

type Member = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """Names of claims about the person, by where they shall be returned."""

    userinfo: frozenset[str] = frozenset()
    id_token: frozenset[str] = frozenset()
    subjects: frozenset[str] | None = None
    """Whom alone the answer may be about; `None` for anybody."""

    def userinfo_beyond(self, scope: frozenset[str]) -> frozenset[str]:
        """Return what `/userinfo` shall tell beyond what *scope* asks for."""
        return frozenset(name for name in self.userinfo if SCOPE_OF_CLAIM[name] not in scope)

    @property
    def scopes(self) -> frozenset[str]:
        """Return the scope values under which people know these claims."""
        return frozenset(SCOPE_OF_CLAIM[name] for name in self.userinfo | self.id_token)


def parse(text: str | None) -> ClaimsRequest:
    """Return what is asked for by name.

    §5.5: "Any members used that are not understood MUST be ignored", and so are claims that nobody has here; those
    that every ID token has need no asking. Raise `InvalidRequest`, or `UnmetAuthenticationRequirements`.
    """
    if text is None:
        return ClaimsRequest()
    document = _object(_json(text), "claims")
    userinfo, id_token = _member(document, "userinfo"), _member(document, "id_token")
    acr = id_token.get("acr", {})
    if acr.get("essential") is True and ("value" in acr or "values" in acr):
        # §5.5.1.1: "MUST treat that outcome as a failed authentication attempt". We vouch for no class of context.
        raise UnmetAuthenticationRequirements("No authentication context class can be vouched for")
    return ClaimsRequest(
        userinfo=frozenset(userinfo.keys() & SCOPE_OF_CLAIM.keys()),
        id_token=frozenset(id_token.keys() & SCOPE_OF_CLAIM.keys()),
        subjects=_subjects([member["sub"] for member in (userinfo, id_token) if "sub" in member]),
    )


def _json(text: str) -> object:
    if len(text) > LONGEST:
        raise InvalidRequest(f"claims must have at most {LONGEST} characters")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequest("claims is not JSON") from None


def _object(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidRequest(f"{name} must be a JSON object")
    return value


def _member(document: Mapping[str, object], name: str) -> Member:
    """Return the claims of a member: each null, "requested in the default manner", or an object."""
    if name not in document:
        return {}
    requested = _object(document[name], f"claims: {name}")
    return {claim: {} if value is None else _checked(value) for claim, value in requested.items()}


def _checked(value: object) -> Mapping[str, object]:
    individual = _object(value, "claims: what is asked of a claim")
    if not isinstance(individual.get("essential", False), bool):
        raise InvalidRequest("claims: essential must be true or false")
    if not isinstance(individual.get("values", []), list):
        raise InvalidRequest("claims: values must be a list")
    return individual


def _subjects(requests: list[Mapping[str, object]]) -> frozenset[str] | None:
    """Return whom every request for `sub` allows (§5.5.1), as an `id_token_hint` would name them."""
    allowed: frozenset[str] | None = None
    for request in requests:
        values = [request["value"]] if "value" in request else request.get("values")
        if not isinstance(values, list):
            continue
        named = frozenset(value for value in values if isinstance(value, str))
        allowed = named if allowed is None else allowed & named
    return allowed
