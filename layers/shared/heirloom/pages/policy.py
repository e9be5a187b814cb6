"""The Content-Security-Policy of each page (CSP Level 3), and what may be written into one."""

import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

_ORIGIN = re.compile(r"(https?)://([a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
_SCHEME = re.compile(r"(?!(?:javascript|data|vbscript|blob|filesystem|about|file):)[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def content_security_policy(
    *,
    style: str,
    images: Iterable[str] = (),
    script: str | None = None,
    form_action: Iterable[str] = (),
    frame_ancestors: Iterable[str] = (),
) -> str:
    """The header's value for a page with this inline style and script; what is not named is forbidden."""
    directives = {
        "default-src": (),
        "style-src": (digest(style),),
        "img-src": ("'self'", "data:", *images),
        **({"script-src": (digest(script),)} if script else {}),
        "form-action": form_action,
        "base-uri": (),
        "frame-ancestors": frame_ancestors,
    }
    return "; ".join(f"{name} {' '.join(sources) or "'none'"}" for name, sources in directives.items())


def digest(inline: str) -> str:
    """The hash source that allows exactly this inline style or script (CSP Level 3 §2.3.1)."""
    return f"'sha256-{b64encode(sha256(inline.encode()).digest()).decode()}'"


def origin(text: str) -> str:
    """*text*, if it is an http or https origin.

    Raises ValueError for anything else: `;`, white space or a wildcard would rewrite the policy it goes into.
    """
    if not _ORIGIN.fullmatch(text):
        raise ValueError(f"not an origin: {text!r}")
    return text


def redirect_source(text: str) -> str:
    """*text* as a source for `form-action`: an origin, or the scheme of a native application (RFC 8252 §7.1).

    Browsers follow `form-action` through the redirects after a POST, so the application's address has to be in it.
    An origin with an IPv6 address or an underscore cannot be written as a source; its scheme stands for it.
    Raises ValueError for what is neither.
    """
    if match := _ORIGIN.fullmatch(text):
        scheme, host = match[1], match[2]
        return f"{scheme}:" if "[" in host or "_" in host else text
    if not _SCHEME.fullmatch(text):
        raise ValueError(f"not an origin or a scheme: {text!r}")
    return text
