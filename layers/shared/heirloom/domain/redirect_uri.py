"""Redirect URIs: which ones may be registered, and which registered one a request names (RFC 6749 §3.1.2, RFC 8252)."""

import re
from urllib.parse import SplitResult, urlsplit

_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1"})
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?((?:[/?].*)?)", re.ASCII)
_PRIVATE_USE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7E]+", re.ASCII)
LONGEST = 1024


class Unregistrable(ValueError):
    """This URI may not be registered; the text says why."""


def check_registrable(uri: str, *, native: bool) -> None:
    """Return if *uri* may be a callback; raise `Unregistrable`.

    `https` anywhere; `http` on localhost and loopback alone; for native applications also a private-use scheme in
    reverse domain order (RFC 8252 §7.1).
    """
    if len(uri) > LONGEST or _PRINTABLE.fullmatch(uri) is None or "\\" in uri:
        raise Unregistrable("must be printable ASCII without spaces or backslashes, at most 1024 characters")
    parts = _split(uri)
    if parts is None or "#" in uri:
        raise Unregistrable("must be an absolute URI without a fragment")
    if "*" in uri:
        raise Unregistrable("must not have wildcards: they are compared exactly")
    if parts.scheme in {"http", "https"}:
        if not parts.hostname or "@" in parts.netloc:
            raise Unregistrable("must have a host and no user name")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK_HOSTS | {"localhost"}:
            raise Unregistrable("must use https, except on localhost")
    elif not (native and _PRIVATE_USE_SCHEME.fullmatch(parts.scheme)):
        raise Unregistrable("must use https, or for native applications a private-use scheme such as com.example.app")


def registered(uri: str, callbacks: frozenset[str], *, native: bool) -> bool:
    """Tell whether *uri* is one of *callbacks*, by exact comparison.

    A native application's loopback callback matches with any port: it learns its port only when it starts
    (RFC 8252 §7.3).
    """
    if uri in callbacks:
        return True
    if not native or (without_port := _without_loopback_port(uri)) is None:
        return False
    return any(_without_loopback_port(callback) == without_port for callback in callbacks)


def origin(uri: str) -> str | None:
    """Return the web origin of an http or https URI, `None` for any other."""
    parts = _split(uri)
    if parts is None or parts.scheme not in {"http", "https"}:
        return None
    return f"{parts.scheme}://{parts.netloc}".lower()


def content_source(uri: str) -> str:
    """Return what a Content-Security-Policy calls the target: its origin, or its scheme for private-use ones."""
    return origin(uri) or f"{urlsplit(uri).scheme}:"


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme else None


def _without_loopback_port(uri: str) -> str | None:
    match = _LOOPBACK.fullmatch(uri)
    return match[1] + match[2] if match and _split(uri) else None
