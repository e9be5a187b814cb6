"""Under whose name calls of AWS are signed."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Credentials(NamedTuple):
    """What signs a request. Temporary ones, as all of a function are, come with a token."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        return f"Credentials(access_key={self.access_key!r})"


def source(environment: Mapping[str, str]) -> Callable[[], Credentials]:
    """Return what gives the credentials for a call; raise botocore's `NoCredentialsError`.

    Lambda puts them into the environment. Where it starts from snapshots, which outlive all credentials, it has an
    address for them instead: botocore asks there, and again before they expire.
    """
    access_key = environment.get("AWS_ACCESS_KEY_ID")
    secret_key = environment.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        found = Credentials(access_key, secret_key, environment.get("AWS_SESSION_TOKEN"))
        return lambda: found
    return _source_of_botocore()


def _source_of_botocore() -> Callable[[], Credentials]:
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - half of a cold start, for who needs none of it
    from botocore.session import get_session  # noqa: PLC0415 - as above

    found = get_session().get_credentials()
    if found is None:
        raise NoCredentialsError

    def frozen() -> Credentials:
        at_once: Any = found.get_frozen_credentials()
        return Credentials(at_once.access_key, at_once.secret_key, at_once.token)

    return frozen
