"""Calls of AWS services by the AWS JSON protocol, over connections that are kept alive.

botocore's way of a call, its model, its events and its parser, takes three times what the rest of a refresh takes but
its signatures, and half of a cold start. Here it is one POST, signed, sent and read; docs/decisions has the figures.
What a call returns and raises is what botocore's client would return and raise.
"""

import json
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from time import gmtime, sleep, strftime
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

from heirloom.adapters import answers, deadline
from heirloom.adapters.aws_credentials import Credentials
from heirloom.adapters.connection import Connection, Unintelligible
from heirloom.adapters.retries import CONNECT_TIMEOUT, READ_TIMEOUT, Retries, RetryQuota
from heirloom.adapters.sigv4 import Signer

_OK: Final = 200

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a service's model says of how it is called."""

    signing_name: str
    environment_name: str
    """How variables such as `AWS_ENDPOINT_URL_DYNAMODB` call it."""
    target_prefix: str
    json_version: str
    backoff: float
    """Seconds; see `Retries`."""


DYNAMODB: Final = Protocol("dynamodb", "DYNAMODB", "DynamoDB_20120810", "1.0", backoff=0.025)
SECRETS_MANAGER: Final = Protocol("secretsmanager", "SECRETS_MANAGER", "secretsmanager", "1.1", backoff=0.05)


@dataclass(slots=True)
class Service:
    """A service at its endpoint. Threads may share it: each call has a connection for itself."""

    protocol: Protocol
    endpoint: str
    region: str
    credentials: Callable[[], Credentials]
    authorities: str | None = None
    """A file of the certificate authorities to trust instead of the system's."""
    _host: str = field(init=False, repr=False)
    _port: int = field(init=False, repr=False)
    _authority: str = field(init=False, repr=False)
    _signer: Signer = field(init=False, repr=False)
    _quota: RetryQuota = field(default_factory=RetryQuota, repr=False)
    _idle: list[Connection] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        url = urlsplit(self.endpoint)
        self._host, self._authority = url.hostname or "", url.netloc
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._signer = Signer(self.region, self.protocol.signing_name)

    def call(self, operation: str, parameters: Document) -> Document:
        """Return what the service answers; raise `ClientError` for a refusal, a `BotoCoreError`, or `OutOfTime`."""
        body = _encode(parameters).encode()
        retries = Retries(self._quota, self.protocol.backoff)
        with deadline.held():
            while True:
                try:
                    document = self._attempt(operation, body)
                except (ClientError, BotoCoreError) as error:
                    pause = retries.pause_after(error)
                    if pause is None:
                        raise
                    sleep(pause)
                else:
                    retries.succeeded()
                    return document

    def close(self) -> None:
        """Close the connections that wait for their next call."""
        while connection := self._waiting():
            connection.close()

    def __del__(self) -> None:
        self.close()

    def _attempt(self, operation: str, body: bytes) -> Document:
        connection = self._connection()
        try:
            answer = connection.exchange(self._request(operation, body))
            document = answers.document_of(answer.headers, answer.content, _decode)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self.endpoint, error=error) from error
        except (OSError, Unintelligible) as error:
            raise ConnectionClosedError(endpoint_url=self.endpoint, error=error) from error
        except answers.GarbledAnswer:
            connection.lasts = False
            raise
        finally:
            if connection.lasts:
                self._idle.append(connection)
            else:
                connection.close()
        if answer.status != _OK:
            raise _refusal(operation, answer.status, document)
        return document

    def _request(self, operation: str, body: bytes) -> bytes:
        credentials = self.credentials()
        headers = {
            "content-type": f"application/x-amz-json-{self.protocol.json_version}",
            "host": self._authority,
            "x-amz-date": strftime("%Y%m%dT%H%M%SZ", gmtime()),
            "x-amz-target": f"{self.protocol.target_prefix}.{operation}",
        }
        if credentials.token:
            headers["x-amz-security-token"] = credentials.token
        headers["authorization"] = self._signer.authorization(
            headers, body, access_key=credentials.access_key, secret_key=credentials.secret_key
        )
        headers["content-length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body

    def _connection(self) -> Connection:
        """Return a connection that is open, as far as one can know."""
        while connection := self._waiting():
            if connection.is_silent():
                return connection
            connection.close()
        try:
            return Connection.opened(
                self._host, self._port, self._tls(), connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT
            )
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=self.endpoint, error=error) from error
        except ssl.SSLError as error:
            raise SSLError(endpoint_url=self.endpoint, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self.endpoint, error=error) from error

    def _waiting(self) -> Connection | None:
        """Return the connection that waits since the shortest time; another thread may be faster."""
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _tls(self) -> ssl.SSLContext | None:
        return _trusting(self.authorities) if self.endpoint.startswith("https:") else None


@cache
def _trusting(authorities: str | None) -> ssl.SSLContext:
    """Return what checks certificates. All services share it: to read the authorities takes longer than a refresh."""
    return ssl.create_default_context(cafile=authorities)


def _refusal(operation: str, status: int, document: Document) -> ClientError:
    """Return the error that botocore would make of an answer, with all that the answer says."""
    code = str(document.get("__type", "")).rpartition("#")[2] or str(status)
    message = document.get("message") or document.get("Message", "")
    answer: Any = {
        **document,
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)


def _encoded(value: object) -> str:
    """Return octets as JSON has them."""
    if not isinstance(value, bytes):
        raise TypeError(f"no JSON for {type(value).__name__}")
    return b64encode(value).decode()


def _decoded(value: Document) -> Document:
    """Return an attribute value with its octets. An attribute that is called B has an object there, and no string."""
    if "B" in value and isinstance(octets := value["B"], str) and len(value) == 1:
        return {"B": b64decode(octets)}
    if "BS" in value and isinstance(members := value["BS"], list) and len(value) == 1:
        return {"BS": [b64decode(member) for member in members]}
    return value


_encode: Final = json.JSONEncoder(check_circular=False, default=_encoded).encode
_decode: Final = json.JSONDecoder(object_hook=_decoded).decode
