"""What stands in for API Gateway hands over events as it does, and answers as it does."""

import base64
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventV2Model

from local import gateway, template
from local.gateway import Context, Event, Gateway, Handler, PortTaken

type Answer = tuple[int, http.client.HTTPMessage, bytes]


class Api:
    """A gateway in front of one handler, which a test may replace."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.contexts: list[object] = []
        self.result: Any = {"statusCode": 200}
        self.address = ("", 0)

    def __call__(self, event: Event, context: object) -> Any:
        self.events.append(event)
        self.contexts.append(context)
        return self.result(event, context) if callable(self.result) else self.result

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        answer = response.status, response.headers, response.read()
        connection.close()
        return answer


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    keys = ("GET /one", "POST /one", "OPTIONS /one", "ANY /all/{proxy+}")
    routes: dict[str, tuple[str, Handler]] = dict.fromkeys(keys, ("one", api))
    sockets = gateway.listen(0)
    api.address = sockets[0].getsockname()[:2]
    with gateway.serving(Gateway(routes), sockets):
        yield api


# ---- In


def test_an_event_is_one_of_payload_format_2(api: Api) -> None:
    api.send("POST", "/one?a=1&a=2&b=", b"x=1", {"content-type": "application/x-www-form-urlencoded", "cookie": "a=b"})
    (event,) = api.events
    model = APIGatewayProxyEventV2Model.model_validate(event)
    assert (model.version, model.routeKey, model.rawPath, model.rawQueryString) == (
        "2.0",
        "POST /one",
        "/one",
        "a=1&a=2&b=",
    )
    assert event["queryStringParameters"] == {"a": "1,2", "b": ""}
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["routeKey"] == "POST /one"
    assert json.loads(json.dumps(event)) == event


def test_header_names_are_in_lower_case_and_values_of_one_name_are_joined(api: Api) -> None:
    connection = http.client.HTTPConnection(*api.address, timeout=10)
    connection.putrequest("GET", "/one")
    for name, value in (("X-Twice", "a"), ("X-Twice", "b"), ("Authorization", "Bearer x"), ("X-Name", "Łucja")):
        connection.putheader(name, value.encode())
    connection.endheaders()
    connection.getresponse().read()
    connection.close()
    (event,) = api.events
    assert event["headers"]["x-twice"] == "a, b"
    assert event["headers"]["authorization"] == "Bearer x"
    assert event["headers"]["x-name"] == "Łucja"


def test_what_a_caller_says_of_proxies_is_handed_on(api: Api) -> None:
    """API Gateway keeps it and adds to it: a function must not believe it, and here it can be seen not to."""
    headers = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Host": "evil.example", "Forwarded": "for=198.51.100.7"}
    api.send("GET", "/one", headers=headers)
    (event,) = api.events
    assert {name: event["headers"][name.lower()] for name in headers} == headers
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


def test_cookies_are_a_list_and_no_header(api: Api) -> None:
    api.send("GET", "/one", headers={"Cookie": "a=1; b=2=3;c"})
    (event,) = api.events
    assert event["cookies"] == ["a=1", "b=2=3", "c"]
    assert "cookie" not in event["headers"]


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"a": "\xc3\xa9"}', ('{"a": "é"}', False)),
        ("text/plain; charset=utf-8", b"hello", ("hello", False)),
        ("application/x-www-form-urlencoded", b"a=1", (base64.b64encode(b"a=1").decode(), True)),
        ("application/octet-stream", b"\x00\xff", (base64.b64encode(b"\x00\xff").decode(), True)),
        ("application/json", b"\xff", (base64.b64encode(b"\xff").decode(), True)),
    ],
)
def test_bodies_are_text_only_where_an_http_api_has_them_so(
    api: Api, content_type: str, body: bytes, expected: tuple[str, bool]
) -> None:
    api.send("POST", "/one", body, {"Content-Type": content_type})
    (event,) = api.events
    assert (event["body"], event["isBase64Encoded"]) == expected


def test_what_is_not_there_is_not_in_the_event(api: Api) -> None:
    api.send("GET", "/one")
    (event,) = api.events
    assert not event.keys() & {"body", "cookies", "queryStringParameters"}
    assert event["isBase64Encoded"] is False


def test_each_request_has_an_id_which_the_answer_repeats(api: Api) -> None:
    first, second = (api.send("GET", "/one")[1]["apigw-requestid"] for _ in range(2))
    assert [event["requestContext"]["requestId"] for event in api.events] == [first, second]
    assert first != second


def test_a_function_learns_about_its_invocation(api: Api) -> None:
    api.send("GET", "/one")
    (context,) = api.contexts
    assert isinstance(context, Context)
    assert context.function_name == "one"
    assert context.invoked_function_arn.endswith(":function:one")
    assert context.get_remaining_time_in_millis() > 0


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_greedy_route_takes_what_is_below_it_with_any_method(api: Api, method: str) -> None:
    assert api.send(method, "/all/users/auth0%7Calice%2Fx%2525?q=1")[0] == 200

    (event,) = api.events
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "ANY /all/{proxy+}"
    assert event["requestContext"]["http"]["method"] == method
    # As HTTP APIs have it: decoded but for the percent sign, and not once more.
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/all/users/auth0|alice/x%2525"
    assert event["pathParameters"] == {"proxy": "users/auth0|alice/x%2525"}


@pytest.mark.parametrize("path", ["/all", "/all/", "/allusers"])
def test_a_greedy_route_needs_something_to_take(api: Api, path: str) -> None:
    assert api.send("GET", path)[0] == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/two"), ("PUT", "/one"), ("GET", "/one/"), ("GET", "//one"), ("GET", "/%6fne"), ("HEAD", "/one")],
)
def test_what_is_no_route_is_not_found(api: Api, method: str, path: str) -> None:
    status, headers, body = api.send(method, path)
    assert (status, headers["content-type"]) == (404, "application/json")
    assert body == (b"" if method == "HEAD" else b'{"message":"Not Found"}')
    assert api.events == []


def test_requests_that_an_http_api_would_not_take_are_refused(api: Api) -> None:
    assert api.send("GET", "/one", headers={"X-Long": "x" * 10_240})[0] == 431
    assert api.send("POST", "/one", headers={"Content-Length": str(10 * 2**20 + 1)})[0] == 413
    assert api.events == []


# ---- Out


def test_an_answer_has_status_headers_every_cookie_and_body(api: Api) -> None:
    api.result = {
        "statusCode": 303,
        "headers": {"Location": "https://app.example/", "x-number": 7},
        "cookies": ["a=1; Path=/", "b=2"],
        "body": "é",
    }
    status, headers, body = api.send("GET", "/one")
    assert (status, headers["location"], headers["x-number"], body.decode()) == (303, "https://app.example/", "7", "é")
    assert headers.get_all("set-cookie") == ["a=1; Path=/", "b=2"]
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert headers["server"] is None


def test_a_binary_body_is_decoded(api: Api) -> None:
    api.result = {"statusCode": 200, "body": base64.b64encode(b"\x00\xff").decode(), "isBase64Encoded": True}
    assert api.send("GET", "/one")[2] == b"\x00\xff"


def test_an_answer_without_a_status_is_a_document(api: Api) -> None:
    api.result = {"a": 1}
    status, headers, body = api.send("GET", "/one")
    assert (status, headers["content-type"], json.loads(body)) == (200, "application/json", {"a": 1})


def test_a_function_that_raises_is_an_internal_server_error(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: Event, context: object) -> None:
        raise KeyError(event["routeKey"], context)

    api.result = fail
    status, _, body = api.send("GET", "/one")
    assert (status, body) == (500, b'{"message":"Internal Server Error"}')
    assert "one failed" in caplog.text


def test_requests_are_answered_side_by_side(api: Api) -> None:
    meeting = threading.Barrier(8, timeout=10)

    def meet(_event: Event, _context: object) -> dict[str, Any]:
        meeting.wait()
        return {"statusCode": 200}

    api.result = meet
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(api.send("GET", "/one")[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8


# ---- Around


def test_it_listens_on_loopback_only() -> None:
    sockets = gateway.listen(0)
    try:
        assert {one.getsockname()[0] for one in sockets} <= {"127.0.0.1", "::1"}
        assert len({one.getsockname()[1] for one in sockets}) == 1
    finally:
        for one in sockets:
            one.close()


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is taken"):
            gateway.listen(port)


def test_it_is_gone_when_its_block_ends() -> None:
    sockets = gateway.listen(0)
    address = sockets[0].getsockname()
    threads = threading.active_count()
    with gateway.serving(Gateway({}), sockets), socket.create_connection(address, timeout=5):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)
    assert threading.active_count() == threads


def test_every_route_of_the_template_has_the_handler_of_its_function() -> None:
    document = template.load()
    loaded = gateway.handlers(document)
    assert {route_key: name for route_key, (name, _) in loaded.items()} == template.routes(document)
    modules = {name: handler.__module__ for name, handler in loaded.values()}
    assert modules == {name: f"functions.{name}.app" for name in modules}
