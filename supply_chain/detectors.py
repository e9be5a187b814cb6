"""What detect-secrets, which loads this file itself, looks for besides its own list, and where it need not look."""

import re
from collections.abc import Iterable
from typing import Final

from detect_secrets.plugins.base import RegexBasedDetector

_WORTH_A_LOOK: Final = re.compile(r"(?=[\w+/=-]*(?:\d|[A-Z]{2}))[\w+/=-]{16,}|PRIVATE KEY|://[^/\s]*@", re.ASCII)


class HeirloomRefreshTokenDetector(RegexBasedDetector):
    """Our own refresh tokens: whoever pastes one into an issue or a test hands out a login."""

    secret_type = "Heirloom Refresh Token"
    denylist: Iterable[re.Pattern[str]] = (re.compile(r"hrt_[A-Za-z0-9_-]{104}(?![A-Za-z0-9_-])"),)


def is_plain(line: str) -> bool:
    """Say whether a line cannot hold a secret: no long word with digits or capitals, no PEM header, no user in a URL.

    Nine lines of ten are prose and code; every detector would look at each of them.
    """
    return not _WORTH_A_LOOK.search(line)
