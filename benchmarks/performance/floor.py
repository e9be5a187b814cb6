"""The floor: the least that any refresh must do, as cheaply as one would write it by hand in Python.

It has what no server of this kind can leave out, and nothing else:

* the digests of the token that is presented and of the one that follows, by which the store knows them;
* one `UpdateItem` on the same kind of item as ours, with the same expressions and the same `ReturnValues`, signed by
  Signature Version 4 over a connection that is kept alive. The key of the day is derived once a day. The request is
  written by hand and sent at once; the answer is read by Python's own `http.client`, which takes whatever HTTP allows;
* the claims of an access token and an ID token as ours, made of the item that comes back, and two RS256 signatures with
  2048 bits. The header of a JWT is encoded once: it is the same for all;
* the answer as JSON.

It reads no form, knows no application, checks no MAC, derives nothing, judges nothing, logs nothing, and tries nothing
twice. A test holds its expressions and the length of its tokens to those of the real function.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.performance import control
from benchmarks.performance.control import Message

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_TOKEN_BYTES: Final = 78
_ISSUER: Final = "https://login.example/"
_CLIENT: Final = "notes-spa"
_SLOTS: Final = 8
_SIGNED: Final = "content-type;host;x-amz-date;x-amz-target"
_JSON: Final = "application/x-amz-json-1.0"
_json: Final = json.JSONEncoder(separators=(",", ":")).encode

UPDATE: Final = (
    "SET exchanged_at = :now, idle_expires_at = :idle, attempt = :attempt,"
    " last_device = if_not_exists(no_room, :device), expires_at = :gone, generation = :next,"
    " live_digest = :successor, superseded_at.#slot = :spent"
)
CONDITION: Final = (
    "live_digest = :presented AND client_id = :client AND attribute_not_exists(revoked_at)"
    " AND idle_expires_at > :now AND absolute_expires_at > :now AND exchanged_at > :idle_since"
    " AND created_at >= :not_before AND attribute_not_exists(cnf_jkt)"
)


@dataclass(slots=True)
class DynamoDB:
    """One connection to DynamoDB, and the key of the day that signs its requests."""

    host: str
    region: str
    key_id: str
    secret_key: str
    connection: http.client.HTTPConnection = field(init=False)
    day: str = ""
    day_key: bytes = b""

    def __post_init__(self) -> None:
        """Connect."""
        self.connection = http.client.HTTPConnection(self.host)
        self.connection.connect()

    def call(self, action: str, document: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one call; raise `RuntimeError` for a refusal."""
        body = _json(document).encode()
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        target = f"DynamoDB_20120810.{action}"
        head = (
            f"POST / HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: {_JSON}\r\nContent-Length: {len(body)}\r\n"
            f"X-Amz-Date: {moment}\r\nX-Amz-Target: {target}\r\n"
            f"Authorization: {self._authorization(moment, target, body)}\r\n\r\n"
        )
        self.connection.send(head.encode() + body)
        with http.client.HTTPResponse(self.connection.sock, method="POST") as response:
            response.begin()
            text = response.read()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(text.decode())
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _authorization(self, moment: str, target: str, body: bytes) -> str:
        day = moment[:8]
        if day != self.day:
            key = f"AWS4{self.secret_key}".encode()
            for part in (day, self.region, "dynamodb", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self.day, self.day_key = day, key
        scope = f"{day}/{self.region}/dynamodb/aws4_request"
        request = (
            f"POST\n/\n\ncontent-type:{_JSON}\nhost:{self.host}\nx-amz-date:{moment}\nx-amz-target:{target}\n\n"
            f"{_SIGNED}\n{hashlib.sha256(body).hexdigest()}"
        )
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self.day_key, to_sign.encode(), "sha256").hex()
        return f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"


@dataclass(slots=True)
class Floor:
    """One family, exchanged again and again."""

    dynamodb: DynamoDB
    table: str
    family: dict[str, Any]
    """The item's primary key."""
    generation: int = 0
    device: str = ""
    private_key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    padding: PKCS1v15 = field(default_factory=PKCS1v15)
    algorithm: SHA256 = field(default_factory=SHA256)
    header: str = field(
        default_factory=lambda: _encoded(
            json.dumps({"alg": "RS256", "kid": _encoded(secrets.token_bytes(32)), "typ": "JWT"}).encode()
        )
    )

    @classmethod
    def begin(cls, dynamodb: DynamoDB, table: str, item: dict[str, Any], token: str) -> "Floor":
        """Store a copy of a family as a login left it, as another family whose live token this is."""
        family = {"user_key": item["user_key"], "family_id": {"S": _encoded(secrets.token_bytes(16))}}
        dynamodb.call("PutItem", {"TableName": table, "Item": item | family | {"live_digest": _digest(token)}})
        device = str(item.get("last_device", {"B": ""})["B"])
        return cls(dynamodb, table, family, int(item["generation"]["N"]), device)

    def refresh(self, presented: str) -> str:
        """Exchange a token; return the answer's body."""
        now_ms = time.time_ns() // 1_000_000
        now = now_ms // 1000
        successor = f"hrt_{_encoded(secrets.token_bytes(_TOKEN_BYTES))}"
        answer = self.dynamodb.call(
            "UpdateItem",
            {
                "TableName": self.table,
                "Key": self.family,
                "UpdateExpression": UPDATE,
                "ConditionExpression": CONDITION,
                "ExpressionAttributeNames": {"#slot": str(self.generation % _SLOTS)},
                "ExpressionAttributeValues": {
                    ":presented": _digest(presented),
                    ":client": {"S": _CLIENT},
                    ":now": {"N": str(now)},
                    ":idle_since": {"N": str(now - _DAY)},
                    ":not_before": {"N": "0"},
                    ":idle": {"N": str(now + _DAY)},
                    ":attempt": {"S": secrets.token_urlsafe(16)},
                    ":device": {"B": self.device},
                    ":gone": {"N": str(now + 2 * _DAY)},
                    ":next": {"N": str(self.generation + 1)},
                    ":successor": _digest(successor),
                    ":spent": {"L": [{"N": str(now_ms)}, {"N": "1"}]},
                },
                "ReturnValues": "ALL_NEW",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            },
        )
        self.generation += 1
        return self._answer(answer["Attributes"], successor, now)

    def _answer(self, item: dict[str, Any], successor: str, now: int) -> str:
        user_id, scope = item["user_id"]["S"], " ".join(sorted(item["scope"]["SS"]))
        access_token = {
            "iss": _ISSUER,
            "sub": user_id,
            "aud": [item["audience"]["S"], f"{_ISSUER}userinfo"],
            "iat": now,
            "exp": now + 600,
            "scope": scope,
            "jti": _encoded(secrets.token_bytes(16)),
            "family_id": item["family_id"]["S"],
            "azp": _CLIENT,
            "gty": "refresh_token",
        }
        id_token = json.loads(item["profile"]["S"]) | {
            "iss": _ISSUER,
            "sub": user_id,
            "aud": _CLIENT,
            "iat": now,
            "exp": now + 10 * _HOUR,
            "auth_time": int(item["auth_time"]["N"]),
            "sid": item["session_id"]["S"],
        }
        document = {
            "access_token": self._signed(access_token),
            "token_type": "Bearer",
            "expires_in": 600,
            "scope": scope,
            "id_token": self._signed(id_token),
            "refresh_token": successor,
        }
        return _json(document)

    def _signed(self, claims: dict[str, Any]) -> str:
        body = f"{self.header}.{_encoded(_json(claims).encode())}"
        return f"{body}.{_encoded(self.private_key.sign(body.encode(), self.padding, self.algorithm))}"


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _digest(token: str) -> dict[str, str]:
    return {"B": base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()}


def main() -> None:
    """Answer the benchmark: `begin` with the item of a family, then `refresh` so many times."""
    address = urlsplit(os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
    dynamodb = DynamoDB(
        address.netloc,
        os.environ["AWS_REGION"],
        os.environ["AWS_ACCESS_KEY_ID"],
        os.environ["AWS_SECRET_ACCESS_KEY"],
    )
    floors: list[Floor] = []
    live = [f"hrt_{_encoded(secrets.token_bytes(_TOKEN_BYTES))}"]

    def begin(message: Message) -> Message:
        floors.append(Floor.begin(dynamodb, os.environ["FAMILIES_TABLE"], message["item"], live[0]))
        return {}

    def refresh(message: Message) -> Message:
        wall, cpu, body = [], [], ""
        for _ in range(message["times"]):
            body, took, used = control.timed(lambda: floors[0].refresh(live[0]))
            live[0] = json.loads(body)["refresh_token"]
            wall.append(took)
            cpu.append(used)
        return {"wall_ms": wall, "cpu_ms": sum(cpu), "body": body}

    control.serve({}, {"begin": begin, "refresh": refresh})


if __name__ == "__main__":
    main()
