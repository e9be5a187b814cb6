"""One value that is read from afar and kept for a while."""

from collections.abc import Callable
from dataclasses import dataclass, field

from heirloom.domain.errors import StoreUnavailable


@dataclass(slots=True)
class Cached[T]:
    """A value of `load`, kept for `lifetime` seconds of wall clock: SnapStart restores values of another day.

    While the source fails, the value serves on for up to `stale_lifetime` seconds: old keys beat none.
    """

    load: Callable[[], T]
    clock: Callable[[], float]
    lifetime: float
    stale_lifetime: float
    reload_pause: float
    """Seconds between two reloads that a caller forces: a forger must not make us ask for every token."""
    _value: T | None = field(default=None, repr=False)
    _loaded_at: float = 0.0
    _forced_at: float = 0.0

    def get(self) -> T:
        """Return the value; raise `StoreUnavailable` when there is none that is fresh enough."""
        age = self.clock() - self._loaded_at
        if self._value is not None and 0 <= age < self.lifetime:
            return self._value
        try:
            return self._load()
        except StoreUnavailable:
            if self._value is not None and 0 <= age < self.stale_lifetime:
                return self._value
            raise

    def reloaded(self) -> T:
        """Return the value read anew, or as it is when that was done within `reload_pause`."""
        now = self.clock()
        if 0 <= now - self._forced_at < self.reload_pause:
            return self.get()
        self._forced_at = now
        return self._load()

    def _load(self) -> T:
        value = self.load()
        self._value, self._loaded_at = value, self.clock()
        return value
