"""The applications' ends of the back channel, over HTTP."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

import urllib3

from heirloom.domain.ports import Undeliverable

TIMEOUT = urllib3.Timeout(connect=2, read=5)
"""Seconds: both fit into the function's ten."""


@dataclass(frozen=True, slots=True)
class HttpLogoutReceivers:
    """The port `LogoutReceivers`. Certificates are checked, redirects are not followed, bodies are not read."""

    pool: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def post(self, url: str, *, logout_token: str) -> int:
        """Send a logout token as a form (OpenID Connect Back-Channel Logout §2.5) and return the answer's status."""
        try:
            response = self.pool.request(
                "POST",
                url,
                body=urlencode({"logout_token": logout_token}),
                headers={"content-type": "application/x-www-form-urlencoded", "user-agent": "Heirloom"},
                timeout=TIMEOUT,
                retries=False,  # the queue tries again
                redirect=False,
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Undeliverable(type(error).__name__) from error
        # Nothing of the answer is wanted but its status, and its body could be endless.
        response.close()
        return response.status
