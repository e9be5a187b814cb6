"""What a person agreed to: Auth0's "grant"."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Consent:
    """The scope that an application may have at an API for one person, and when they last agreed (epoch seconds)."""

    client_id: str
    audience: str
    scope: frozenset[str]
    granted_at: int
