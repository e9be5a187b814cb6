"""The rotate_keys function."""

import os
from functools import cache

from heirloom.adapters import aws
from heirloom.adapters.key_rotation import KeyRotation
from heirloom.adapters.versioned_secret import VersionedSecret
from heirloom.domain import lifetimes
from heirloom.wiring.common import settings


@cache
def rotation() -> KeyRotation:
    """Return the keys of this stack. Nobody waits for their rotation: its clients are boto3's."""
    secrets_manager = aws.secrets_manager()
    return KeyRotation(
        VersionedSecret(secrets_manager, settings().signing_keys_secret),
        VersionedSecret(secrets_manager, settings().token_keys_secret),
        aws.dynamodb(),
        settings().configuration_table,
        signing_key_period=int(os.environ["SIGNING_KEY_ROTATION_DAYS"]) * lifetimes.DAY,
        token_key_period=int(os.environ["TOKEN_KEY_ROTATION_DAYS"]) * lifetimes.DAY,
    )
