"""Calls of AWS services by the AWS JSON protocol, over connections that are kept alive.

botocore's way of a call, its model, its events and its parser, takes three times what the rest of a refresh takes but
its signatures, and half of a cold start. Here it is one POST, signed, sent and read; docs/decisions has the figures.
What a call returns and raises is what botocore's client would return and raise.
"""

import json
import select
import socket
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
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
from heirloom.adapters.retries import CONNECT_TIMEOUT, READ_TIMEOUT, Retries, RetryQuota
from heirloom.adapters.sigv4 import Signer

_OK: Final = 200

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a service's model says of how it is called."""

    signing_name: str
    target_prefix: str
    json_version: str
    backoff: float
    """Seconds; see `Retries`."""


DYNAMODB: Final = Protocol("dynamodb", "DynamoDB_20120810", "1.0", backoff=0.025)
SECRETS_MANAGER: Final = Protocol("secretsmanager", "secretsmanager", "1.1", backoff=0.05)


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
    _signer: Signer = field(init=False, repr=False)
    _quota: RetryQuota = field(default_factory=RetryQuota, repr=False)
    _idle: list[HTTPConnection] = field(default_factory=list, repr=False)
    _tls: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._host = urlsplit(self.endpoint).netloc
        self._signer = Signer(self.region, self.protocol.signing_name)

    def call(self, operation: str, parameters: Document) -> Document:
        """Return what the service answers; raise `ClientError` for a refusal, a `BotoCoreError`, or `OutOfTime`."""
        body = json.dumps(parameters, default=_encoded).encode()
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
        while self._idle:
            self._idle.pop().close()

    def __del__(self) -> None:
        self.close()

    def _attempt(self, operation: str, body: bytes) -> Document:
        connection, kept = self._connection(), False
        try:
            response, content = self._exchanged(connection, self._request(operation, body))
            headers = {name.lower(): value for name, value in response.getheaders()}
            document = answers.document_of(headers, content, _decoded)
            kept = not response.will_close
        finally:
            if kept:
                self._idle.append(connection)
            else:
                connection.close()
        if response.status != _OK:
            raise _refusal(operation, response.status, document)
        return document

    def _exchanged(self, connection: HTTPConnection, request: bytes) -> tuple[HTTPResponse, bytes]:
        try:
            connection.sock.sendall(request)
            with HTTPResponse(connection.sock, method="POST") as response:
                response.begin()
                return response, response.read()
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self.endpoint, error=error) from error
        except (OSError, HTTPException) as error:
            raise ConnectionClosedError(endpoint_url=self.endpoint, error=error) from error

    def _request(self, operation: str, body: bytes) -> bytes:
        credentials = self.credentials()
        headers = {
            "content-type": f"application/x-amz-json-{self.protocol.json_version}",
            "host": self._host,
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

    def _connection(self) -> HTTPConnection:
        """Return a connection that is open, as far as one can know."""
        while self._idle:
            connection = self._idle.pop()
            readable = select.poll()
            readable.register(connection.sock, select.POLLIN)
            # While no answer is due, there is something to read only when the service has hung up.
            if not readable.poll(0):
                return connection
            connection.close()
        return self._connected()

    def _connected(self) -> HTTPConnection:
        connection = self._new_connection()
        try:
            connection.connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=self.endpoint, error=error) from error
        except ssl.SSLError as error:
            raise SSLError(endpoint_url=self.endpoint, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self.endpoint, error=error) from error
        connection.sock.settimeout(READ_TIMEOUT)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return connection

    def _new_connection(self) -> HTTPConnection:
        if self.endpoint.startswith("http:"):
            return HTTPConnection(self._host, timeout=CONNECT_TIMEOUT)
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self.authorities)
        return HTTPSConnection(self._host, timeout=CONNECT_TIMEOUT, context=self._tls)


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
    if len(value) != 1:
        return value
    match value:
        case {"B": str(octets)}:
            return {"B": b64decode(octets)}
        case {"BS": [*members]}:
            return {"BS": [b64decode(member) for member in members]}
        case _:
            return value
