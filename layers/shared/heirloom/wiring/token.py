"""The token function."""

from functools import cache

from heirloom.adapters.codes import DynamoDBCodes
from heirloom.adapters.device_codes import DynamoDBDeviceCodes
from heirloom.adapters.replays import DynamoDBReplays
from heirloom.adapters.secret import Secret
from heirloom.adapters.signing_keys import SecretSigningKeys
from heirloom.adapters.token_keys import SecretTokenKeys
from heirloom.domain.application import GrantType
from heirloom.endpoints.client_credentials import ClientCredentialsGrant
from heirloom.endpoints.code_exchange import CodeGrant
from heirloom.endpoints.device_grant import DeviceGrant
from heirloom.endpoints.proof_of_possession import TokenRequestProofs
from heirloom.endpoints.refresh import RefreshGrant
from heirloom.endpoints.token import TokenEndpoint
from heirloom.wiring.clients import clients
from heirloom.wiring.common import configuration, dynamodb, events, families, secrets_manager, settings
from heirloom.wiring.proofs import proofs


@cache
def token() -> TokenEndpoint:
    """Return `POST /oauth/token`."""
    token_keys = SecretTokenKeys.of(Secret(secrets_manager(), settings().token_keys_secret))
    tables, issuer = settings(), settings().issuer
    codes = DynamoDBCodes(dynamodb(), tables.codes_table, tables.families_table, tables.sessions_table)
    replays = DynamoDBReplays(dynamodb(), tables.families_table)
    device_codes = DynamoDBDeviceCodes(
        dynamodb(), tables.device_codes_table, tables.families_table, tables.sessions_table
    )
    return TokenEndpoint(
        issuer=issuer,
        configuration=configuration(),
        clients=clients(),
        grants={
            GrantType.AUTHORIZATION_CODE: CodeGrant(configuration(), codes, families(), token_keys, events(), issuer),
            GrantType.REFRESH_TOKEN: RefreshGrant(configuration(), families(), replays, token_keys, events()),
            GrantType.CLIENT_CREDENTIALS: ClientCredentialsGrant(configuration(), events(), issuer),
            GrantType.DEVICE_CODE: DeviceGrant(configuration(), device_codes, families(), token_keys, events()),
        },
        signing_keys=SecretSigningKeys.of(
            Secret(secrets_manager(), settings().signing_keys_secret), configuration().published
        ),
        proofs=TokenRequestProofs(f"{issuer}oauth/token", proofs(), token_keys),
        events=events(),
    )
