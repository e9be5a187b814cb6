"""A tenant with machines: each proves who it is by a key of its own, or by its secret."""

from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.endpoints.assertions import ec, rsa
from tests.sdk.running import API, SECRET, World

SCOPE = "read:notes"


@cache
def private_pem(name: str) -> str:
    """The private key of a machine, as SDKs take it."""
    key = key_of(name)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_of(name: str) -> RSAPrivateKey | EllipticCurvePrivateKey:
    """The key of the machine whose client id begins with its kind."""
    return rsa(name) if name.startswith("rsa") else ec(name)


def public_jwk(name: str) -> dict[str, Any]:
    """What a machine registers."""
    key = key_of(name)
    if isinstance(key, RSAPrivateKey):
        return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return ECAlgorithm.to_jwk(key.public_key(), as_dict=True)


def tenant_file(_: World) -> dict[str, Any]:
    """Return a tenant of machines."""
    clients: list[dict[str, Any]] = [{"name": "secret", "client_id": "secret", "client_secret": SECRET}]
    for name in ("rsa", "ec"):
        keys = {"jwks": {"keys": [public_jwk(name)]}}
        clients.append({"name": name, "client_id": name, "token_endpoint_auth_method": "private_key_jwt", **keys})
    return {
        "clients": [client | {"app_type": "non_interactive"} for client in clients],
        "resourceServers": [{"identifier": API, "name": "Notes API", "scopes": [{"value": SCOPE}]}],
        "clientGrants": [{"client_id": it["name"], "audience": API, "scope": [SCOPE]} for it in clients],
    }
