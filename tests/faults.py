"""A real client whose calls fail, or among whose calls something else happens."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn, Self

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from heirloom.http import Response

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BEFORE, AFTER = "before the call", "after the call"


def answered_with(code: str, **more: Any) -> ClientError:
    """An error that DynamoDB answers with."""
    answer: Any = {"Error": {"Code": code, "Message": "secret detail"}, **more}
    return ClientError(answer, "Operation")


FAULTS = {
    "unreachable": EndpointConnectionError(endpoint_url="http://dynamodb.secret.example"),
    "no answer in time": ReadTimeoutError(endpoint_url="http://dynamodb.secret.example"),
    "table throttled": answered_with("ProvisionedThroughputExceededException"),
    "account throttled": answered_with("ThrottlingException"),
    "internal error": answered_with("InternalServerError"),
}


class Killed(BaseException):
    """The process ended right here: nothing in it may catch this."""


class Steps:
    """The calls of a client, one by one: right before or right after one of them, something else happens."""

    def __init__(self) -> None:
        self.made = 0
        self.actions: Mapping[int, tuple[str, Callable[[], object]]] = {}
        self._lock = Lock()

    @classmethod
    @contextmanager
    def of(cls, *clients: BaseClient) -> Iterator[Self]:
        """Watch the calls of *clients* meanwhile."""
        steps = cls()
        for client in clients:
            client.meta.events.register("before-call", steps.before)
            client.meta.events.register_last("after-call", steps.after)
        try:
            yield steps
        finally:
            for client in clients:
                client.meta.events.unregister("before-call", steps.before)
                client.meta.events.unregister("after-call", steps.after)

    def interpose(self, when: str, action: Callable[[], object], *, calls: range = range(1)) -> None:
        """Let *action* happen before or after these of the next calls, the next one being 0."""
        self.made = 0
        self.actions = dict.fromkeys(calls, (when, action))

    def fail(self, when: str, fault: BaseException, *, calls: range = range(1)) -> None:
        """Let these calls fail: nothing was done then, or all of it and the answer got lost."""

        def fail() -> NoReturn:
            raise fault

        self.interpose(when, fail, calls=calls)

    def before(self, model: Any, context: dict[str, Any], **_: object) -> None:
        """Take the next step."""
        if model.name == "Scan":
            return  # no call of ours: a test is looking
        with self._lock:
            context["step"] = self.made
            self.made += 1
        self._act(BEFORE, context)

    def after(self, context: dict[str, Any], **_: object) -> None:
        """End a step: the store has answered, and nobody has heard it yet."""
        self._act(AFTER, context)

    def _act(self, now: str, context: Mapping[str, Any]) -> None:
        when, action = self.actions.get(context.get("step", -1), (None, None))
        if action is not None and when == now:
            action()


@contextmanager
def lost_on_the_wire(
    client: BaseClient,
    when: str,
    *,
    requests: int,
    operation: str | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[None]:
    """Let so many of the next requests time out before the store saw them, or after: the SDK repeats what it may.

    Only those of *operation*, if one is named. *meanwhile* happens after the first of them.
    """
    left = requests
    line = URLLib3Session()

    def lose(request: AWSPreparedRequest, event_name: str, **_: object) -> None:
        nonlocal left
        if left == 0 or (operation is not None and not event_name.endswith(f".{operation}")):
            return
        left -= 1
        if when == AFTER:
            line.send(request)
        if left == requests - 1:
            meanwhile()
        raise ReadTimeoutError(endpoint_url=request.url)

    with closing(line), _before_each_request(client, lose):
        yield


@contextmanager
def throttled_on_the_wire(client: "DynamoDBClient", *, requests: int) -> Iterator[None]:
    """Let DynamoDB refuse so many of the next requests as too many; the SDK repeats what it may."""
    left = requests

    def throttle(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        nonlocal left
        if left == 0:
            return None
        left -= 1
        raw: Any = _Body(b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"secret detail"}')
        return AWSResponse(request.url, 400, HTTPHeaders(), raw)

    with _before_each_request(client, throttle):
        yield


class _Body(bytes):
    """The body of an answer, as urllib3 hands it on."""

    __slots__ = ()

    def stream(self) -> Iterator[bytes]:
        yield self


@contextmanager
def _before_each_request(client: BaseClient, handler: Callable[..., Any]) -> Iterator[None]:
    client.meta.events.register("before-send", handler)
    try:
        yield
    finally:
        client.meta.events.unregister("before-send", handler)


def unavailable(response: Response) -> bool:
    """Tell whether an application hears to try again.

    No JSON: auth0-spa-js takes any JSON answer without a refresh token for the end of the session.
    """
    assert "secret" not in response.body
    headers = {name: response.headers.get(name) for name in ("content-type", "retry-after", "cache-control")}
    expected = {"content-type": "text/plain; charset=utf-8", "retry-after": "1", "cache-control": "no-store"}
    return response.status == 503 and headers == expected
