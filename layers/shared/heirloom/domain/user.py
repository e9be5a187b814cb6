"""A person of the built-in user store."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CLAIMS_BY_SCOPE: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name",
        "nickname",
        "given_name",
        "family_name",
        "middle_name",
        "preferred_username",
        "picture",
        "profile",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
"""OpenID Connect Core §5.4, the claims that applications show first."""

SCOPE_OF_CLAIM: Mapping[str, str] = {
    name: value for value in ("profile", "email", "phone", "address") for name in CLAIMS_BY_SCOPE[value]
}
"""In the order of their importance to applications."""


@dataclass(frozen=True, slots=True)
class User:
    """A user; `password_hash` is a PHC string, or as imported one of bcrypt."""

    user_id: str
    email: str
    password_hash: str = field(repr=False)
    blocked: bool = False
    claims: Mapping[str, object] = field(default_factory=dict)
    """Standard claims but `sub` and `email`."""

    @property
    def all_claims(self) -> Mapping[str, object]:
        """Return the claims with the e-mail address among them."""
        return {**self.claims, "email": self.email, "email_verified": self.claims.get("email_verified", False)}


def claims_for(user: User, scope: frozenset[str], named: frozenset[str] = frozenset()) -> dict[str, object]:
    """Return the claims that are *named* and those that *scope* asks for, each in the order of their importance."""
    claims = user.all_claims
    names = [name for name in SCOPE_OF_CLAIM if name in named]
    names += [name for name, value in SCOPE_OF_CLAIM.items() if value in scope]
    return {name: claims[name] for name in names if claims.get(name) is not None}


def normalised_email(text: str) -> str:
    """Return an address as it is looked up: people capitalise theirs as they like."""
    return text.strip().casefold()
