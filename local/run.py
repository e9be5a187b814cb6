"""`make run`: the whole service on this machine, until Ctrl-C.

PORT (8400) is where it serves, and the port after it shows the demonstration; TENANT (examples/tenant.yaml) is the
tenant file. ISSUER is the address of whatever stands before it and speaks TLS, such as a tunnel; by default nothing
does. Ends with 2 when one of them cannot be used.
"""

import dataclasses
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from cli import tenant_file
from cli.tenant_file import File, Unreadable
from heirloom.tenant import reading
from heirloom.tenant.remarks import Invalid
from local import demo, function_log, gateway, processes, queues, shipping, stack, template
from local.gateway import Gateway, PortTaken
from local.processes import NotStarted
from local.stack import Endpoints

_PORT: Final = 8400


class Unusable(Exception):
    """A setting of this run is no good; the message says which and why."""


def main(settings: Mapping[str, str]) -> int:
    """Serve until a signal comes, and return the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    # It may come at any time, also while things start: whatever has started by then is ended on the way out.
    with suppress(KeyboardInterrupt):
        try:
            port = _port(settings.get("PORT") or str(_PORT))
            issuer = _issuer(settings.get("ISSUER", "")) or f"http://localhost:{port}/"
            file = _tenant_file(settings.get("TENANT"), port)
            with _running(port, issuer, file) as address:
                print(f"ready {address}", flush=True)
                signal.pause()
        except (Unusable, PortTaken) as unusable:
            print(unusable, file=sys.stderr)
            return 2
        except NotStarted as failure:
            print(failure, file=sys.stderr)
            return 1
    return 0


@contextmanager
def _running(port: int, issuer: str, file: File) -> Iterator[str]:
    """Run everything until the block ends; yield the service's address."""
    with ExitStack() as running:
        # The ports first: that one is taken should not come out after half a second's work.
        sockets = [_listen(port, running), _listen(port + 1, running)]
        aws = running.enter_context(processes.ministack())
        environment = stack.create(Endpoints(aws, aws), issuer=issuer)
        tenant_file.seed(file, stack.store(aws, environment))
        _become(environment)
        document = template.load()
        handlers = gateway.handlers(document)
        log = running.enter_context(function_log.watched())
        running.enter_context(shipping.shipping(log, aws, environment["LOG_GROUP_PREFIX"]))
        for consumer in queues.consumers(document, Endpoints(aws, aws)):
            running.enter_context(queues.consuming(consumer))
        running.enter_context(gateway.serving(Gateway(handlers), sockets[0]))
        print(f"local AWS at {aws}, with the tenant of {file.path}")
        demonstration = demo.application(issuer, environment, log)
        print(f"demonstration at {running.enter_context(gateway.serving(demonstration, sockets[1]))}")
        yield issuer


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65535:  # noqa: PLR2004 - the highest port but one
        raise Unusable(f"PORT={text} is no port below 65535")
    return int(text)


def _issuer(text: str) -> str:
    """Return the issuer if it is one that the template would take."""
    parameter = template.load().document["Parameters"]["Issuer"]
    if not re.fullmatch(parameter["AllowedPattern"], text):
        raise Unusable(f"ISSUER={text} {parameter['ConstraintDescription']}")
    return text


def _tenant_file(name: str | None, port: int) -> File:
    """Read the tenant file, before anything starts that would have to be ended because of it."""
    path = Path(name) if name else template.ROOT / "examples/tenant.yaml"
    try:
        file = tenant_file.load(path)
    except Unreadable as unreadable:
        raise Unusable(str(unreadable)) from None
    if not name:
        file = dataclasses.replace(file, document=_moved(file.document, port + 1))
    try:
        reading.read(file.document, now=int(time.time()))
    except Invalid as invalid:
        raise Unusable("\n".join(map(str, file.located(invalid.remarks)))) from None
    return file


def _moved(document: object, port: int) -> object:
    """Return the example with the demonstration's address on another port: it has the usual one."""
    match document:
        case dict():
            return {name: _moved(value, port) for name, value in document.items()}
        case list():
            return [_moved(value, port) for value in document]
        case str():
            return document.replace(f"http://localhost:{_PORT + 1}", f"http://localhost:{port}")
    return document


def _become(environment: Mapping[str, str]) -> None:
    """Take on the functions' environment: they run in this process. A person's own AWS settings are none of theirs."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(environment)


def _end(*_: object) -> None:
    """Begin to end, and let no second signal interrupt that."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _listen(port: int, running: ExitStack) -> list[socket.socket]:
    sockets = gateway.listen(port)
    for one in sockets:
        running.callback(one.close)
    return sockets


if __name__ == "__main__":
    sys.exit(main(os.environ))
