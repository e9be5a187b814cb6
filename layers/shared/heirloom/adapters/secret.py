"""JSON documents in Secrets Manager, and what is made of them, kept for a while."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heirloom.adapters.aws import translated_faults
from heirloom.adapters.cached import Cached
from heirloom.domain import lifetimes
from heirloom.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

RELOAD_PAUSE = 10

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret that holds a JSON document."""

    client: "SecretsManagerClient"
    secret_id: str

    def document(self) -> Document:
        """Return the document; raise `StoreUnavailable`, also while the secret is still empty."""
        with translated_faults("read secret"):
            text = self.client.get_secret_value(SecretId=self.secret_id).get("SecretString")
        if not text:
            raise StoreUnavailable("read secret: empty")
        document: Document = json.loads(text)
        return document

    def cached[T](self, read: Callable[[Document], T], clock: Callable[[], float] = time.time) -> Cached[T]:
        """Return what *read* makes of the document, as a value that is kept."""
        return Cached(
            lambda: read(self.document()),
            clock,
            lifetime=lifetimes.CACHED_KEYS,
            stale_lifetime=lifetimes.CACHED_KEYS_IN_NEED,
            reload_pause=RELOAD_PAUSE,
        )
