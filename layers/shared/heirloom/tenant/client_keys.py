"""The public keys of a client that signs assertions, as a tenant file has them."""

from typing import Final

from heirloom.adapters import client_keys
from heirloom.adapters.client_keys import UnusableKey
from heirloom.domain.client_key import ClientKey
from heirloom.tenant import file, properties
from heirloom.tenant.remarks import Path, Remarks

MOST_KEYS: Final = 4
"""Each may have to be tried; two are enough to replace one by the other."""


def of_client(client: file.Client, path: Path, remarks: Remarks) -> tuple[ClientKey, ...]:
    """Return the keys of `jwks` (RFC 7591 §2) or of `client_authentication_methods` (Auth0)."""
    if client.jwks is not None and client.client_authentication_methods:
        remarks.refuse((*path, "jwks"), "must not be given together with client_authentication_methods")
        return ()
    before = len(remarks.problems)
    if client.client_authentication_methods:
        place: Path = (*path, "client_authentication_methods")
        keys = _of_credentials(client.client_authentication_methods, place, remarks)
    else:
        place = (*path, "jwks")
        keys = _of_jwks(client.jwks, place, remarks) if client.jwks is not None else {}
    if len(remarks.problems) > before:
        return ()
    if not keys:
        remarks.refuse(place, "is missing, or has no key: private_key_jwt needs the client's public keys")
    if len(keys) > MOST_KEYS:
        remarks.refuse(place, f"must have at most {MOST_KEYS} keys")
    thumbprints, names = set[str](), set[str]()
    for where, key in keys.items():
        if key.thumbprint in thumbprints or key.key_id in names:
            remarks.refuse(where, "is the key, or has the kid, of another one of this client")
        thumbprints.add(key.thumbprint)
        names |= {key.key_id} if key.key_id else set()
    return tuple(keys.values())


def _of_jwks(jwks: file.JwkSet, path: Path, remarks: Remarks) -> dict[Path, ClientKey]:
    keys: dict[Path, ClientKey] = {}
    for index, jwk in enumerate(jwks.keys):
        where = (*path, "keys", index)
        try:
            keys[where] = client_keys.of_jwk(jwk)
        except UnusableKey as unusable:
            remarks.refuse(where, str(unusable))
    return keys


def _of_credentials(raw: object, path: Path, remarks: Remarks) -> dict[Path, ClientKey]:
    methods = remarks.model(file.ClientAuthenticationMethods, raw, path, properties.CLIENT_AUTHENTICATION_METHODS)
    keys: dict[Path, ClientKey] = {}
    for index, element in enumerate(methods.private_key_jwt.credentials if methods else []):
        where = (*path, "private_key_jwt", "credentials", index)
        credential = remarks.model(file.Credential, element, where, properties.CREDENTIAL)
        if credential is None:
            continue
        if credential.pem is None:
            remarks.refuse((*where, "pem"), "is missing: an export names the key by its id alone, so put the key here")
            continue
        try:
            keys[where] = client_keys.of_pem(credential.pem, algorithm=credential.alg, key_id=credential.kid)
        except UnusableKey as unusable:
            remarks.refuse((*where, "pem"), str(unusable))
    return keys
