"""Which addresses a tenant file may have."""

import re
from collections.abc import Sequence
from typing import Final

from heirloom.domain import redirect_uri
from heirloom.domain.redirect_uri import Unregistrable
from heirloom.pages import policy
from heirloom.tenant.remarks import Path, Remarks

_ORIGIN: Final = re.compile(r"https?://([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(:[1-9][0-9]{0,4})?", re.ASCII)


def check_redirects(path: Path, uris: Sequence[str], remarks: Remarks, *, native: bool) -> None:
    """Refuse addresses to which no browser may be sent back."""
    for index, uri in enumerate(uris):
        try:
            redirect_uri.check_registrable(uri, native=native)
            policy.redirect_source(redirect_uri.content_source(uri))  # the pages must be able to name it
        except Unregistrable as unregistrable:
            remarks.refuse((*path, index), str(unregistrable))
        except ValueError:
            remarks.refuse((*path, index), "must have a host of letters, digits, dots and hyphens")


def check_origins(path: Path, origins: Sequence[str], remarks: Remarks) -> None:
    """Refuse what no browser sends as an origin."""
    for index, origin in enumerate(origins):
        try:
            redirect_uri.check_registrable(origin, native=False)
        except Unregistrable as unregistrable:
            remarks.refuse((*path, index), str(unregistrable))
            continue
        spelled_out = origin.startswith("http:") and origin.endswith(":80")
        spelled_out |= origin.startswith("https:") and origin.endswith(":443")
        if _ORIGIN.fullmatch(origin) is None or spelled_out:
            remarks.refuse(
                (*path, index), "must be an origin as browsers send it: https://host or https://host:port, no path"
            )


def check_link(path: Path, uri: str, remarks: Remarks) -> None:
    """Refuse an address to which no page may lead."""
    try:
        redirect_uri.check_registrable(uri, native=False)
    except Unregistrable as unregistrable:
        remarks.refuse(path, str(unregistrable))
