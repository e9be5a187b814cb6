"""DPoP proofs as clients make them, and as nobody should."""

import dataclasses
import hashlib
import json
import secrets
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from heirloom.domain import encoding
from heirloom.domain.application import Application
from heirloom.http import Response
from tests.service import ISSUER, SPA, Service, tokens

TOKEN_ENDPOINT = f"{ISSUER}oauth/token"
USERINFO = f"{ISSUER}userinfo"


@cache
def rsa_private_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key of a client: making one is slow, so there is one of each size."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclasses.dataclass
class Key:
    """A client's key, and the proofs that it makes with it."""

    private: Any = dataclasses.field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    algorithm: str = "ES256"

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as a JWK."""
        write = ECAlgorithm.to_jwk if self.algorithm.startswith("ES") else RSAAlgorithm.to_jwk
        jwk: dict[str, Any] = json.loads(write(self.private.public_key()))
        return {name: value for name, value in jwk.items() if name in {"kty", "crv", "x", "y", "n", "e"}}

    @property
    def thumbprint(self) -> str:
        """RFC 7638 §3."""
        canonical = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return encoding.encode(hashlib.sha256(canonical.encode()).digest())

    def sign(self, claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
        """A proof with these claims, and with changes to its header; `None` takes a member out."""
        whole = {"typ": "dpop+jwt", "jwk": self.jwk, **(header or {})}
        members = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(claims, self.private, self.algorithm, headers=members)

    def proof(self, now: int, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A proof for the token endpoint made at epoch second *now*, with changes; `None` takes a claim out."""
        claims = {"jti": secrets.token_urlsafe(16), "htm": "POST", "htu": TOKEN_ENDPOINT, "iat": now, **changes}
        return self.sign({name: value for name, value in claims.items() if value is not None}, header)


def ath(access_token: str) -> str:
    """RFC 9449 §4.2."""
    return encoding.encode(hashlib.sha256(access_token.encode()).digest())


@dataclasses.dataclass
class Prover:
    """A client with a key, as a library that speaks DPoP would behave."""

    service: Service
    key: Key = dataclasses.field(default_factory=Key)
    nonce: str | None = None

    def header(self, **changes: Any) -> dict[str, str]:
        """A proof for the token endpoint, made now, with the nonce that it holds."""
        return {"DPoP": self.key.proof(self.service.now, **{"nonce": self.nonce, **changes})}

    def learn_nonce(self) -> str:
        """Ask for nothing, and hear which nonce to use."""
        response = self.service.refresh("nothing", SPA, self.header(nonce=None))
        self.nonce = response.headers["dpop-nonce"]
        return self.nonce

    def code(self, application: Application = SPA, **changes: str | None) -> str:
        """Log in."""
        return self.service.code(application, **changes)

    def login_tokens(self, application: Application = SPA, **changes: str | None) -> dict[str, Any]:
        """Log in and exchange the code with a proof."""
        code = self.code(application, **changes)
        if not application.confidential:
            self.learn_nonce()
        return tokens(self.service.exchange(code, application, self.header()))

    def refresh(self, token: str, application: Application = SPA, **changes: Any) -> Response:
        """Exchange a refresh token with a proof; *changes* are of its claims."""
        return self.service.refresh(token, application, self.header(**changes))

    def userinfo(self, access_token: str, scheme: str = "DPoP", **changes: Any) -> Response:
        """Ask `/userinfo`; *changes* are of the proof's claims."""
        claims = {"htm": "GET", "htu": USERINFO, "ath": ath(access_token), "nonce": None, **changes}
        headers = {"Authorization": f"{scheme} {access_token}", "DPoP": self.key.proof(self.service.now, **claims)}
        return self.service.send("GET", "/userinfo", headers=headers)
