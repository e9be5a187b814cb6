"""The whole service on a store in memory, and what is good in it: hostile inputs are made around that."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from heirloom.adapters import web
from heirloom.adapters.families import item_of
from heirloom.adapters.log import CloudWatchLog
from heirloom.adapters.passwords import CHEAPEST, Argon2Passwords
from heirloom.domain import device_authorization, refresh_token
from heirloom.domain.application import GrantType
from heirloom.domain.events import Caller
from heirloom.domain.user import User
from heirloom.http import Request, Response
from local import template
from tests.endpoints.assertions import SIGNING, assertion
from tests.endpoints.devices import start
from tests.endpoints.hands import push
from tests.hostile_input.memory import Memory
from tests.management.administrator import Administrator
from tests.proofs import Key
from tests.service import ALICE, BOB, NATIVE, PASSWORD, SECRET, WEB, Service, answered, tokens

HARMLESS = frozenset({"LoginAttemptsTable", "SingleUseTable"})
"""Where a refused request may leave something: that it came."""

WILLING = frozenset(
    {"ConfigurationTable", "DeviceCodesTable", "LoginAttemptsTable", "PushedRequestsTable", "SessionsTable"}
)
"""Where conditions hold, so that what comes after is reached."""


class Searched:
    """CloudWatch Logs, which finds nothing; `patterns` is what it was asked."""

    def __init__(self) -> None:
        self.patterns: list[str] = []

    def filter_log_events(self, **call: Any) -> dict[str, Any]:
        self.patterns.append(call["filterPattern"])
        return {"events": []}


class World:
    """A service in which somebody has logged in, and the values that they and their applications hold."""

    def __init__(self) -> None:
        keys = {
            table["TableName"]: tuple(key["AttributeName"] for key in table["KeySchema"])
            for table in template.tables(template.load(), prefix="")
        }
        self.memory = Memory(keys, WILLING)
        for user in (ALICE, BOB):
            self._put_user(dataclasses.replace(user, password_hash=Argon2Passwords(CHEAPEST).hash(PASSWORD)))
        self.service = Service.of(self.memory, {name: name for name in keys})  # type: ignore[arg-type] # as much of it
        self.service.declare(dataclasses.replace(WEB, grant_types=frozenset(GrantType)))
        self.service.declare(SIGNING)
        self.administrator = Administrator(self.service)
        self.searched = Searched()
        self.administrator.log = CloudWatchLog(lambda: self.searched, "/aws/lambda/x/", lambda: self.service.now)  # type: ignore[assignment, return-value, arg-type]
        self.api = self.administrator._api()  # noqa: SLF001 - once more, with the log
        self.key = Key()
        self.good = self._good()
        self.cookies = dict(self.service.cookies)
        self.kept = dict(self.memory.items)

    def restore(self) -> None:
        """Let everything be as it was at first."""
        service = self.service
        self.memory.items = dict(self.kept)
        self.memory.written.clear()
        self.searched.patterns.clear()
        service.transcript.clear()
        service.events.clear()

    def request(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Request:
        """What a function is given: what came through the API, as it makes an event of it."""
        event = {
            "rawQueryString": query,
            "headers": dict(headers),
            "requestContext": {"http": {"method": method, "path": path}},
            "body": body.decode("utf-8", "replace"),
        }
        agent = next((value for name, value in headers.items() if name.lower() == "user-agent"), "")
        caller = Caller("192.0.2.1", agent, "request-1")
        request = web.request_of(event, web.headers_of(event), caller, now_ms=self.service.now_ms)
        return dataclasses.replace(request, body=body, cookies={**self.cookies, **request.cookies})

    def filled(self, text: bytes) -> bytes:
        """*text* with the good values in the places of their names."""
        if b"$" in text:
            for name, value in self.good.items():
                text = text.replace(name, value)
        return text

    def sent(self, request: Request) -> Response:
        """What the endpoint of a request answers."""
        response: Response = self.service.routes[request.method, request.path](request)
        return response

    def _put_user(self, user: User) -> None:
        users = "UsersTable"
        item: dict[str, Any] = {
            "user_id": {"S": user.user_id},
            "email": {"S": user.email},
            "password_hash": {"S": user.password_hash},
            "blocked": {"BOOL": False},
            "claims": {"S": json.dumps(dict(user.claims))},
        }
        pointer: dict[str, Any] = {"user_id": {"S": f"email:{user.email}"}, "target": {"S": user.user_id}}
        self.memory.items.update({(users, each["user_id"]["S"]): each for each in (item, pointer)})

    def _good(self) -> dict[bytes, bytes]:
        service = self.service
        document = tokens(service.exchange(service.code()))
        family = self._revoke(document["refresh_token"])
        code = answered(service.authorize())["code"]
        device = start(service, NATIVE)
        request_uri = json.loads(push(service).body)["request_uri"]
        values = {
            "$access": document["access_token"],
            "$administrator": self.administrator.token(),
            "$assertion": assertion(jti="hostile"),
            "$code": code,
            "$csrf": service.csrf,
            "$device": device["device_code"],
            "$digest": device_authorization.digest(device["device_code"]),
            "$family": family,
            "$id_token": document["id_token"],
            "$proof": self.key.proof(service.now),
            "$refresh": document["refresh_token"],
            "$request_uri": request_uri,
            "$secret": SECRET,
            "$user_code": device["user_code"],
        }
        # The longest first: a name may begin another one.
        ordered = sorted(values.items(), key=lambda pair: -len(pair[0]))
        return {name.encode(): value.encode() for name, value in ordered}

    def _revoke(self, token: str) -> str:
        """Let the family be a revoked one: the store can rotate none, and would disagree with the rules about it."""
        parsed = refresh_token.RefreshToken.parse(token, self.service.keys.seen)
        family = self.service.families.find(parsed.family)
        assert family is not None
        revoked = {"revoked_at": {"N": str(self.service.now)}, "revoked_because": {"S": "test"}}
        item = {**item_of(family), **revoked}
        self.memory.put_item(TableName="FamiliesTable", Item=item)
        return f"{item['user_key']['S']}.{item['family_id']['S']}"
