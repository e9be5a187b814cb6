"""What the functions are told by their environment."""

import dataclasses
from collections.abc import Mapping
from typing import Self


class SettingsIncomplete(Exception):
    """A variable of the environment is missing."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The variables that template.yaml sets, by their names in lower case."""

    issuer: str
    families_table: str
    sessions_table: str
    codes_table: str
    device_codes_table: str
    pushed_requests_table: str
    users_table: str
    grants_table: str
    login_attempts_table: str
    single_use_table: str
    configuration_table: str
    event_bus: str
    backchannel_logout_queue: str
    log_group_prefix: str
    signing_keys_secret: str
    token_keys_secret: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; raise `SettingsIncomplete`, which names what is missing or empty."""
        values = {field.name: environment.get(field.name.upper(), "") for field in dataclasses.fields(cls)}
        missing = sorted(name.upper() for name, value in values.items() if not value)
        if missing:
            raise SettingsIncomplete(", ".join(missing))
        return cls(**values)
