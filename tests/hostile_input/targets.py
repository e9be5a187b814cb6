"""What hostile inputs are given to, and what must hold whatever they are: a function of bytes for each.

A parser raises its documented refusals alone, and what it takes is checked a second time by other means. An endpoint
answers as the protocol has it, without a fault, and changes nothing for whom it refuses. `$code`, `$refresh` and their
like in an input stand for good values (`world.World`), so no file of the corpus holds one.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from cli import tenant_file
from heirloom.adapters import client_keys
from heirloom.adapters.client_assertions import JwtAssertions
from heirloom.adapters.client_keys import UnusableKey
from heirloom.adapters.dpop import JwtProofVerifier
from heirloom.adapters.edge import PROOF, VIEWER_ADDRESS, Edge
from heirloom.adapters.events import record
from heirloom.adapters.own_tokens import PublishedKeysVerifier
from heirloom.domain import (
    claims_request,
    client_assertion,
    dpop,
    encoding,
    redirect_uri,
    scope,
    session,
    user_code,
)
from heirloom.domain.device import LONGEST_USER_AGENT, Device
from heirloom.domain.errors import (
    InvalidClient,
    InvalidDPoPProof,
    InvalidRequest,
    InvalidScope,
    InvalidToken,
    OAuthError,
)
from heirloom.domain.events import Caller
from heirloom.domain.refresh_token import Forged, RefreshToken
from heirloom.domain.token_keys import KeyState, TokenKey, TokenKeyring, UnknownTokenKey
from heirloom.http import Request, Response, client_credentials, parameters_of
from heirloom.management.pagination import decoded
from heirloom.management.problem import BadQuery
from heirloom.pages import choose_language, policy
from heirloom.pages.catalogue import LANGUAGES
from heirloom.pages.device_name import device_name
from heirloom.tenant import addresses, importing, reading
from heirloom.tenant.remarks import Invalid, Remarks
from local.template import ROOT
from tests import answers
from tests.endpoints.assertions import SIGNING, ec, keys
from tests.hostile_input.world import HARMLESS, World
from tests.service import ISSUER, NATIVE, SPA, START, Declared, rsa_key

type Target = Callable[[bytes], object]

HEADER = re.compile(r"[\x20-\x7E]*", re.ASCII)
STATUSES = {200, 201, 204, 303, 400, 401, 403, 404, 405, 409, 413, 429}

TARGETS: dict[str, Target] = {}


def target(function: Target) -> Target:
    """Register a target under its name."""
    TARGETS[function.__name__] = function
    return function


@cache
def world() -> World:
    """The one world of this process."""
    return World()


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")


# ---- Tokens

_KEY = TokenKey(key_id=1, state=KeyState.CURRENT, mac=b"m" * 32, derivation=b"d" * 32)
KEYRING = TokenKeyring.of(_KEY)


@target
def refresh_token(data: bytes) -> None:
    """A token of 62 bytes is completed by its MAC, so that more than its shape is looked at."""
    if data.startswith(b"sealed:"):
        body = data[7:69].ljust(62, b"\x00")
        data = b"hrt_" + encoding.encode(body + _mac(body)).encode()
    text = text_of(data)
    try:
        token = RefreshToken.parse(text, KEYRING)
    except (Forged, UnknownTokenKey):
        return
    assert re.fullmatch(r"hrt_[A-Za-z0-9_-]{104}", text)
    octets = base64.urlsafe_b64decode(text[4:])
    assert octets[62:] == _mac(octets[:62])
    assert token.text(KEYRING) == text


def _mac(body: bytes) -> bytes:
    return hmac.digest(b"m" * 32, b"heirloom refresh token mac 1\x00" + body, hashlib.sha256)[:16]


@target
def session_cookie(data: bytes) -> None:
    text = text_of(data)
    cookie = session.parse_cookie(text)
    if cookie is not None:
        assert re.fullmatch(r"[A-Za-z0-9_-]{11}\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", text)
        assert cookie.value == text


def jws(data: bytes, sign: Callable[[bytes], bytes], replaced: Mapping[bytes, bytes]) -> str:
    """`signed:` and two lines are header and payload of a JWS with a good signature; anything else is itself."""
    if not data.startswith(b"signed:"):
        return text_of(data)
    for name, value in replaced.items():
        data = data.replace(name, value)
    header, _, payload = data[7:].partition(b"\n")
    parts = f"{encoding.encode(header)}.{encoding.encode(payload)}"
    return f"{parts}.{encoding.encode(sign(parts.encode()))}"


def _rs256(octets: bytes) -> bytes:
    return rsa_key().sign(octets, PKCS1v15(), SHA256())


def _es256(octets: bytes) -> bytes:
    r, s = decode_dss_signature(ec().sign(octets, ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


@cache
def _verifier() -> PublishedKeysVerifier:
    return PublishedKeysVerifier(ISSUER, Declared({}, {}).published_keys)


@target
def access_token(data: bytes) -> None:
    token = jws(data, _rs256, {})
    with contextlib.suppress(InvalidToken):
        claims = _verifier().access_token(token, audience="https://notes.example/api", now=START)
        assert token.count(".") == 2
        assert claims["iss"] == ISSUER
        assert isinstance(claims["exp"], int)
        assert claims["exp"] + 30 >= START
        audience = claims["aud"]
        assert "https://notes.example/api" in (audience if isinstance(audience, list) else [audience])


@target
def id_token_hint(data: bytes) -> None:
    token = jws(data, _rs256, {})
    with contextlib.suppress(InvalidToken):
        hint = _verifier().id_token_hint(token)
        assert all(isinstance(text, str) for text in (hint.client_id, hint.session_id, hint.user_id))


@target
def jwt_assertion(data: bytes) -> None:
    text = jws(data, _es256, {b"$client": SIGNING.client_id.encode()})
    parameters = {"client_assertion_type": client_assertion.TYPE, "client_assertion": text}
    request = Request("POST", "/oauth/token", Caller("", "", ""), START * 1000)
    try:
        credentials = client_credentials(request, parameters)
        claims = JwtAssertions().claims(text, keys())
        good = client_assertion.check(claims, client_id=credentials.client_id, audiences=frozenset({ISSUER}), now=START)
    except (InvalidClient, InvalidRequest):
        return
    assert data.startswith(b"signed:"), "nobody else has the key"
    assert good.client_id == claims["iss"] == claims["sub"] == credentials.client_id
    assert claims["aud"] in (ISSUER, [ISSUER] * len(claims["aud"]))  # type: ignore[arg-type] # a list, if no text
    assert START < good.expires_at <= START + 3600 + 60


@target
def dpop_proof(data: bytes) -> None:
    jwk = json.dumps(json.loads(keys()[1].jwk)).encode()
    text = jws(data, _es256, {b"$jwk": jwk})
    uri = f"{ISSUER}oauth/token"
    with contextlib.suppress(InvalidDPoPProof):
        signed = JwtProofVerifier().verify(text)
        proof = dpop.proof_of(signed, method="POST", uri=uri)
        dpop.check_age(proof, dpop.WITHOUT_NONCE, now=START)
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", proof.thumbprint)
        assert signed.claims["htm"] == "POST"
        assert str(signed.claims["htu"]).lower().startswith("https://login.example")


# ---- Parts of requests


@target
def basic_header(data: bytes) -> None:
    header = b"Basic " + base64.b64encode(data[6:]) if data.startswith(b"plain:") else data
    request = Request("POST", "/oauth/token", Caller("", "", ""), START * 1000, {"authorization": text_of(header)})
    with contextlib.suppress(InvalidClient, InvalidRequest):
        credentials = client_credentials(request, {})
        name, _, secret = base64.b64decode(text_of(header)[6:].strip()).partition(b":")
        assert credentials.client_id
        assert len(credentials.client_id) <= len(name)
        assert bool(credentials.secrets) is bool(secret)


@target
def query(data: bytes) -> None:
    text = text_of(data)
    with contextlib.suppress(InvalidRequest):
        taken = parameters_of(text)
        pairs = parse_qsl(text, keep_blank_values=True)
        assert all(taken.values())
        assert taken.keys() <= {name for name, _ in pairs}
        assert len({name for name, _ in pairs} - {"resource"}) == sum(name != "resource" for name, _ in pairs)


@target
def body(data: bytes) -> None:
    """The first line is the content type."""
    content_type, _, content = data.partition(b"\n")
    headers = {"content-type": text_of(content_type)}
    request = Request("POST", "/oauth/token", Caller("", "", ""), START * 1000, headers, body=content)
    with contextlib.suppress(InvalidRequest):
        taken = request.body_parameters()
        assert all(taken.values())
        json.dumps(taken, ensure_ascii=False).encode()
        if headers["content-type"].partition(";")[0].strip().lower() == "application/json":
            assert taken.keys() <= json.loads(content).keys()


@target
def callback(data: bytes) -> None:
    text = text_of(data)
    for application, native in ((SPA, False), (NATIVE, True)):
        if redirect_uri.registered(text, application.callbacks, native=native) and text not in application.callbacks:
            assert native
            assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]{1,5}/callback", text)
    remarks = Remarks()
    addresses.check_redirects(("callbacks",), [text], remarks, native=False)
    if not remarks.problems:
        assert urlsplit(text).scheme in {"http", "https"}
        assert HEADER.fullmatch(text)
        policy.redirect_source(redirect_uri.content_source(text))


@target
def claims(data: bytes) -> None:
    text = text_of(data)
    with contextlib.suppress(OAuthError):
        asked = claims_request.parse(text)
        document = json.loads(text)
        assert asked.userinfo <= document.get("userinfo", {}).keys()
        assert asked.id_token <= document.get("id_token", {}).keys()


@target
def scopes(data: bytes) -> None:
    text = text_of(data)
    with contextlib.suppress(InvalidScope):
        values = scope.parse(text)
        assert len(values) <= 100
        assert all(re.fullmatch(r"[!#-\[\]-~]{1,1024}", value) for value in values)
        assert scope.parse(scope.render(values)) == values


@target
def accept_language(data: bytes) -> None:
    locales, _, header = text_of(data).partition("\n")
    assert choose_language(locales, header) in LANGUAGES


@target
def device(data: bytes) -> None:
    """`packed:` is what a store may hold; anything else is an address and a user agent."""
    if data.startswith(b"packed:"):
        held = Device(data[7:])
        assert len(held.user_agent) <= LONGEST_USER_AGENT
        assert len(held.within(50).packed) <= 50
        assert isinstance(held.address, str)
        return
    address, _, user_agent = text_of(data).partition("\n")
    known = Device.of(Caller(address, user_agent, ""))
    assert len(known.user_agent) <= LONGEST_USER_AGENT
    assert Device(known.packed) == known
    device_name.__wrapped__(user_agent[:LONGEST_USER_AGENT])


@target
def typed_code(data: bytes) -> None:
    assert re.fullmatch(r"[A-Z0-9]*", user_code.bare(text_of(data)))


@target
def checkpoint(data: bytes) -> None:
    with contextlib.suppress(BadQuery):
        decoded(text_of(data)).encode()


@target
def viewer_address(data: bytes) -> None:
    edge = Edge((hashlib.sha256(b"proof").digest(),), direct_access=False)
    address = edge.viewer_address({PROOF: "proof", VIEWER_ADDRESS: text_of(data)})
    assert address is None or re.fullmatch(r"[0-9a-fA-F.:]+(%.*)?", address)


# ---- Files


@target
def tenant(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        Path(file.name).write_bytes(data)
        with contextlib.suppress(tenant_file.Unreadable, Invalid):
            desired = reading.read(tenant_file.load(Path(file.name)).document, now=START)
            for application in (desired.applications or {}).values():
                assert all(re.match(r"https?:|[a-z][a-z0-9+.-]*:", uri) for uri in application.callbacks)
                assert all(HEADER.fullmatch(uri) for uri in application.callbacks)


@target
def imported_user(data: bytes) -> None:
    with contextlib.suppress(ValueError, RecursionError):
        entry = json.loads(data)
        remarks = Remarks()
        try:
            user = importing.read(entry, remarks)
        except (ValueError, RecursionError) as error:
            raise AssertionError(f"raised {error!r}") from error
        assert user is None or re.fullmatch(r"[\x21-\x7E]{1,280}", user.user_id)
        assert user is not None or remarks.problems
        assert user is None or json.dumps([user.email, user.claims], ensure_ascii=False).encode()


@target
def client_key(data: bytes) -> None:
    if data.startswith(b"{"):
        try:
            members = json.loads(data)
        except (ValueError, RecursionError):
            return
        with contextlib.suppress(UnusableKey):
            key = client_keys.of_jwk(members)
            assert json.loads(key.jwk).keys() in ({"kty", "n", "e"}, {"kty", "crv", "x", "y"})
        return
    with contextlib.suppress(UnusableKey):
        client_keys.of_pem(text_of(data), algorithm=None, key_id=None)


# ---- Endpoints


def endpoint(method: str, path: str) -> Target:
    """The query in the first line, header fields in the next, and after an empty line the body."""

    def run(data: bytes) -> None:
        it = world()
        it.restore()
        head, _, content = it.filled(data).partition(b"\n\n")
        first, *fields = text_of(head).split("\n")
        headers = dict(field.partition(":")[::2] for field in fields if ":" in field)
        request = it.request(method, path, first, {name: value.strip() for name, value in headers.items()}, content)
        response = it.sent(request)
        answers.check_answer(request, response)
        check(response)
        assert response.status in STATUSES
        if response.status >= 400 or "error=" in response.headers.get("location", ""):
            polled = {"DeviceCodesTable"} if path == "/oauth/token" else set()
            assert it.memory.written <= HARMLESS | polled, "what is refused changes nothing"
        for event in it.service.events:
            line = json.dumps(record(event))
            assert "\n" not in line
            assert len(line) < 20_000

    return run


@target
def management(data: bytes) -> None:
    """`METHOD path?query` in the first line, and the body after it; the token may do anything."""
    it = world()
    it.restore()
    head, _, content = it.filled(data).partition(b"\n")
    method, _, rest = text_of(head).partition(" ")
    path, _, asked = rest.partition("?")
    headers = {"authorization": f"Bearer {it.good[b'$administrator'].decode()}", "content-type": "application/json"}
    request = it.request(method, f"/api/v2/{path}", asked, headers, content)
    response = it.api(request)
    check(response)
    assert response.status in STATUSES
    if response.body:
        json.loads(response.body)
    if response.status >= 400:
        assert it.memory.written <= HARMLESS
    for pattern in it.searched.patterns:
        assert re.fullmatch(r'\{ \(\$\.\w+ = "[^"\\]*"\)( && \(\$\.\w+ = "[^"\\]*"\))* \}', pattern)


def check(response: Response) -> None:
    """No input ends a header, and none becomes a part of a page."""
    for text in (*response.headers, *response.headers.values(), *response.cookies):
        assert HEADER.fullmatch(text), "a header is one line of ASCII"
    if "html" in response.headers.get("content-type", ""):
        page = Page(response.headers["content-security-policy"])
        page.feed(response.body)
        page.close()


@cache
def known_tags() -> Mapping[str, frozenset[str]]:
    """The elements of our templates, and the attributes of each."""
    known: dict[str, set[str]] = {"wbr": set(), "bdi": {"dir"}}  # pages.document's own
    for path in (ROOT / "layers/shared/heirloom/pages/templates").glob("*.html"):
        source = re.sub(r"\{[%#].*?[%#]\}|\{\{.*?\}\}", "", path.read_text(), flags=re.DOTALL)
        for name, attributes in re.findall(r"<([a-z][a-z0-9-]*)((?:\s+[a-zA-Z-]+(?:=\"[^\"]*\")?)*)", source):
            known.setdefault(name, set()).update(re.findall(r"\s([a-zA-Z-]+)", attributes))
        for name in re.findall(r"<([a-z][a-z0-9-]*)", source):
            known.setdefault(name, set())
    return {name: frozenset(attributes) for name, attributes in known.items()}


class Page(HTMLParser):
    """A page that has nothing but what our templates write."""

    def __init__(self, security_policy: str) -> None:
        super().__init__()
        self._policy, self._within = security_policy, ""

    def handle_data(self, data: str) -> None:
        if self._within in {"script", "style"}:
            assert policy.digest(data) in self._policy, f"a {self._within} that is not ours"

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser passes it
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        assert tag in known_tags(), f"<{tag}> is none of ours"
        for name, value in attrs:
            assert not name.startswith("on"), "a handler"
            if name in {"href", "src", "action", "formaction"}:
                assert re.match(r"(https?|com\.example\.notes|mailto):|/|#|data:image/|$", value or ""), (
                    f"{name}={value}"
                )


for _route in (
    ("GET", "/authorize"),
    ("POST", "/authorize"),
    ("POST", "/login"),
    ("POST", "/consent"),
    ("GET", "/v2/logout"),
    ("GET", "/oidc/logout"),
    ("POST", "/oidc/logout"),
    ("GET", "/activate"),
    ("POST", "/activate"),
    ("GET", "/account"),
    ("POST", "/account"),
    ("POST", "/oauth/par"),
    ("POST", "/oauth/device/code"),
    ("POST", "/oauth/token"),
    ("POST", "/oauth/revoke"),
    ("POST", "/oauth/introspect"),
    ("GET", "/userinfo"),
    ("POST", "/userinfo"),
    ("OPTIONS", "/oauth/token"),
):
    TARGETS["_".join((_route[0].lower(), *_route[1].strip("/").split("/")))] = endpoint(*_route)
