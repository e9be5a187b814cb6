"""Notes what the product logs in this process, and the secrets that pass: tests/log_scan.py looks for these in those.

The run of the tests names a folder; each process that knows it writes a file there. A program that is no test takes
part as `python -m tests.log_recorder local.run`.
"""

import atexit
import json
import logging
import os
import re
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import base as metrics
from aws_lambda_powertools.metrics.provider.cloudwatch_emf import cloudwatch
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from heirloom.adapters import web
from heirloom.adapters.events import LoggedEvents
from heirloom.adapters.passwords import Argon2Passwords
from heirloom.adapters.secret import Secret
from heirloom.adapters.signing_keys import JwtSigner
from heirloom.adapters.versioned_secret import VersionedSecret
from heirloom.domain import encoding
from heirloom.domain.refresh_token import RefreshToken
from heirloom.domain.session import SessionCookie
from heirloom.http import Request, Response
from tests import secrecy

FOLDER: Final = "HEIRLOOM_LOG_SCAN"
"""The variable with the folder; without it nothing is noted."""

RUN: Final = re.compile(r"[A-Za-z0-9_+/-]{20,}", re.ASCII)
"""What may be a secret, or a part of one."""

SHORTEST_SECRET: Final = 12
FILLER: Final = "x"
"""What tests make of whatever is to be too long, be it a password or a user's id: no secret is."""
MOST_SECRETS: Final = 200_000
"""Of one process. Of what comes after it one in a hundred is noted: a soak issues millions."""

_KEYS: Final = frozenset({"client_secret", "derivation", "mac", "private_key"})
"""Members of documents in Secrets Manager."""


class Recorder:
    """Appends to one file. A line that differs from an earlier one by its ids alone is noted by these ids alone."""

    def __init__(self, folder: Path) -> None:
        self.lines = self.secrets = 0
        self._known: set[int] = set()
        self._lock = threading.RLock()
        # Line by line: a process that is killed has written what it noted.
        self._file = (folder / f"{os.getpid()}.jsonl").open("a", buffering=1, encoding="utf-8")
        atexit.register(self.close)

    def secret(self, value: str | bytes) -> None:
        """Note a secret."""
        if isinstance(value, bytes):
            self.secret(encoding.encode(value))
            self.secret(value.hex())
        elif len(value) >= SHORTEST_SECRET and set(value) != {FILLER} and self._is_new(("secret", value)):
            self.secrets += 1
            if self.secrets <= MOST_SECRETS or self.secrets % 100 == 0:
                self._write(secret=value, secrets=self.secrets)

    def line(self, text: str) -> None:
        """Note what was logged, be it one line or several."""
        where = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0] or " ".join(sys.argv[:2])
        for line in text.splitlines():
            self.lines += 1
            if self._is_new(("line", RUN.sub("", line))):
                self._write(line=line, where=where, lines=self.lines)
            elif runs := [run for run in RUN.findall(line) if self._is_new(("run", run))]:
                self._write(line=" ".join(runs), where=where, lines=self.lines)

    def count(self) -> None:
        """Write how much there was."""
        if not self._file.closed:
            self._write(lines=self.lines, secrets=self.secrets)

    def close(self) -> None:
        """Write how much there was, and no more."""
        self.count()
        self._file.close()

    def _is_new(self, what: tuple[str, str]) -> bool:
        key = hash(what)
        with self._lock:
            if key in self._known:
                return False
            self._known.add(key)
            return True

    def _write(self, **members: object) -> None:
        with self._lock:
            if not self._file.closed:
                self._file.write(json.dumps(members) + "\n")


_recorder: Recorder | None = None


def secret(*values: str | bytes) -> None:
    """Note secrets."""
    if _recorder is not None:
        for value in values:
            _recorder.secret(value)


def line(text: str) -> None:
    """Note what was logged."""
    if _recorder is not None:
        _recorder.line(text)


def exchanged(request: Request | None, response: Response | None) -> None:
    """Note the secrets of a request and of its answer."""
    if request is not None:
        secret(*secrecy.of_request(request))
    if response is not None:
        secret(*secrecy.of_response(response))


def count() -> None:
    """Write how much there was so far."""
    if _recorder is not None:
        _recorder.count()


def start() -> None:
    """Note from now on, in this process, if a folder is named."""
    global _recorder  # noqa: PLW0603 - there is one of a process, as there is one of its log
    if _recorder is not None or FOLDER not in os.environ:
        return
    _recorder = Recorder(Path(os.environ[FOLDER]))
    _watch_lines()
    _watch_secrets()


class _Handler(logging.Handler):
    """What Lambda would write of loggers that are not ours."""

    def emit(self, record: logging.LogRecord) -> None:
        line(self.format(record))


def _watch_lines() -> None:
    for owner, name in ((LambdaPowertoolsFormatter, "format"), (LoggedEvents, "line")):
        _after(owner, name, lambda written, *_: line(written))
    for module in (metrics, cloudwatch):
        vars(module)["print"] = _printed
    logging.getLogger().addHandler(_Handler(logging.WARNING))
    _after(subprocess, "run", _note_function_process)


def _printed(*values: object) -> None:
    line(" ".join(map(str, values)))
    print(*values)  # noqa: T201 - the line is the metric


def _watch_secrets() -> None:
    _after(RefreshToken, "text", lambda text, *_: secret(text))
    _after(jwt.PyJWS, "encode", _note_signature)
    _after(JwtSigner, "sign", _note_signature)
    _after(Argon2Passwords, "hash", lambda made, _, password: secret(made, password))
    _after(Argon2Passwords, "verify", lambda _, __, password, known: secret(password, known or ""))
    _after(Secret, "document", lambda document, *_: _note_keys(document))
    _after(VersionedSecret, "read", lambda version, *_: _note_keys(version.document))
    _after(VersionedSecret, "replace", lambda _, __, ___, document: _note_keys(document))
    _after(web, "request_of", lambda request, *_, **__: exchanged(request, None))
    _after(web, "answer_of", lambda _, response: exchanged(None, response))
    _after(httpx.Client, "send", lambda response, *_, **__: _note_http(response))
    value = SessionCookie.value.fget  # type: ignore[attr-defined] # a property, mypy

    def noted(cookie: SessionCookie) -> str:
        secret(cookie.secret)
        return str(value(cookie))

    SessionCookie.value = property(noted)  # type: ignore[assignment, method-assign]


def _after(owner: Any, name: str, note: Callable[..., object]) -> None:
    """Let *note* see what a function returned, and what it was given."""
    function = getattr(owner, name)

    @wraps(function)
    def watched(*given: Any, **named: Any) -> Any:
        returned = function(*given, **named)
        note(returned, *given, **named)
        return returned

    setattr(owner, name, watched)


def _note_signature(token: str, *given: Any, **named: Any) -> None:
    """A JWT by its payload and signature; and the private key, which only its owner has."""
    secret(*token.split(".")[1:])
    key = named.get("key", given[2] if len(given) > 2 else None)  # self, payload, key
    if isinstance(key, RSAPrivateKey):
        numbers = key.private_numbers()
        secret(*(encoding.encode(n.to_bytes(-(-n.bit_length() // 8))) for n in (numbers.d, numbers.p, numbers.q)))
    elif isinstance(key, EllipticCurvePrivateKey):
        secret(key.private_numbers().private_value.to_bytes(-(-key.key_size // 8)))
    elif isinstance(key, str | bytes):
        secret(key)


def _note_keys(document: object) -> None:
    match document:
        case dict():
            for name, value in document.items():
                if name in _KEYS and isinstance(value, str):
                    secret(value)
                else:
                    _note_keys(value)
        case list():
            for element in document:
                _note_keys(element)


def _note_http(response: httpx.Response) -> None:
    if response.is_closed:  # and not one that is streamed
        cookies = tuple(response.headers.get_list("set-cookie"))
        exchanged(None, Response(response.status_code, response.text, dict(response.headers), cookies))


def _note_function_process(done: "subprocess.CompletedProcess[str]", *given: Any, **_: object) -> None:
    """A function in a process of its own, without this module: events in, answers out, its log on standard error."""
    command = given[0] if given else ""
    if not isinstance(command, list) or not any("lambda_process.py" in str(word) for word in command):
        return
    line(done.stderr)
    for text in done.stdout.splitlines():
        note_answer(json.loads(text))


def note_answer(answer: Mapping[str, Any] | None) -> None:
    """Note what a function answered."""
    if answer and "statusCode" in answer:
        cookies = tuple(answer.get("cookies", ()))
        exchanged(None, Response(answer["statusCode"], answer.get("body", ""), answer.get("headers", {}), cookies))


def main(module: str) -> None:
    """Run a module as the program that it is, and note what it logs."""
    start()
    sys.argv = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    # Not this copy, which is called `__main__`: the one that the tests' helpers import.
    from tests import log_recorder

    log_recorder.main(sys.argv[1])
