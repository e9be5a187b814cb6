"""What the import of a function leaves behind: printed as JSON by a process that imports `app` and does nothing else.

`state` is every value in our modules, written out. `made` names what our caches hold already.
"""

import functools
import gc
import importlib
import json
import socket
import sys
import types
from typing import Any


def main() -> None:
    """Import the function that is on the path, without a network, and print."""
    _cut_the_network()
    importlib.import_module("app")
    modules = {name: module for name, module in sys.modules.items() if _is_ours(name)}
    objects = gc.get_objects()
    caches = [one for one in objects if isinstance(one, type(functools.cache(len)))]
    left = {
        "state": sorted(
            (name, member, json.dumps(_written(value, set())))
            for name, module in modules.items()
            for member, value in vars(module).items()
            if not member.startswith("__")
        ),
        "made": [one.__qualname__ for one in caches if _is_ours(one.__module__) and one.cache_info().currsize],
        "sockets": len([one for one in objects if isinstance(one, socket.socket)]),
        "clients": len([one for one in objects if _is_of(one, "botocore.client", "BaseClient")]),
        "sessions": len([one for one in objects if _is_of(one, "botocore.session", "Session")]),
        "keys": [type(one).__name__ for one in objects if _is_key(one)],
        "imported": sorted({"boto3", "jinja2", "ua_parser"} & set(sys.modules)),
        "random": [name for name, module in modules.items() if sys.modules["random"] in vars(module).values()],
    }
    json.dump(left, sys.stdout)


def _cut_the_network() -> None:
    def refused(*_: object) -> None:
        raise OSError("an import must speak to nobody")

    socket.socket.connect = refused  # type: ignore[method-assign] # for all
    socket.getaddrinfo = refused  # type: ignore[assignment] # for all


def _is_ours(name: str | None) -> bool:
    return name == "app" or (name or "").partition(".")[0] == "heirloom"


def _is_of(one: object, module: str, name: str) -> bool:
    return any(kind.__module__ == module and kind.__name__ == name for kind in type(one).__mro__)


def _is_key(one: object) -> bool:
    kind = type(one)
    return kind.__module__.startswith("cryptography") and kind.__name__.endswith(("PrivateKey", "PublicKey"))


def _written(value: Any, seen: set[int]) -> Any:
    """Write a value out as far as it is made of ours, or of what Python has to make values of."""
    if value is None or isinstance(value, str | bytes | int | float):
        return repr(value)
    if id(value) in seen or isinstance(value, types.ModuleType | type):
        return type(value).__name__
    seen.add(id(value))
    if isinstance(value, dict):
        written: Any = sorted([str(_written(key, seen)), _written(one, seen)] for key, one in value.items())
    elif isinstance(value, list | tuple):
        written = [_written(one, seen) for one in value]
    elif isinstance(value, set | frozenset):
        written = sorted(str(_written(one, seen)) for one in value)
    elif callable(value):
        written = [getattr(value, "__qualname__", ""), _written(getattr(value, "__defaults__", None), seen)]
    else:
        slots = {name: getattr(value, name, None) for name in getattr(type(value), "__slots__", ())}
        written = [type(value).__name__, _written(slots | getattr(value, "__dict__", {}), seen)]
    return written


if __name__ == "__main__":
    main()
