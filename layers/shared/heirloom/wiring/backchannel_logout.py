"""The backchannel_logout function."""

from functools import cache

from heirloom.adapters.logout_receivers import HttpLogoutReceivers
from heirloom.adapters.secret import Secret
from heirloom.adapters.signing_keys import SecretSigningKeys
from heirloom.endpoints.backchannel_logout import BackchannelLogout
from heirloom.wiring.common import configuration, events, secrets_manager, settings


@cache
def delivery() -> BackchannelLogout:
    """Return what works on the queue."""
    return BackchannelLogout(
        issuer=settings().issuer,
        configuration=configuration(),
        signing_keys=SecretSigningKeys.of(
            Secret(secrets_manager(), settings().signing_keys_secret), configuration().published
        ),
        receivers=HttpLogoutReceivers(),
        events=events(),
    )
