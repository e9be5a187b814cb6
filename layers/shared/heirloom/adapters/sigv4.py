"""AWS Signature Version 4 (AWS General Reference) of the one request that there is here: a POST to `/`.

botocore has a signer, but importing it costs a cold start more than all of this program's own modules together;
tests/adapters/test_sigv4.py holds the two next to each other.
"""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(slots=True)
class Signer:
    """Signs requests to one service. It keeps the key of the day, which is four rounds of HMAC away."""

    region: str
    service: str
    _of_the_day: tuple[str, str, bytes] = field(default=("", "", b""), repr=False)
    """The day, the secret key, and the key made of them: one value, as threads share a signer."""

    def authorization(self, headers: dict[str, str], body: bytes, *, access_key: str, secret_key: str) -> str:
        """Return the header `Authorization` for a POST of *body* to `/` with *headers*, all of which are signed.

        Their names are in lower case; among them are `host` and `x-amz-date` (`20261126T120000Z`).
        """
        date = headers["x-amz-date"]
        scope = f"{date[:8]}/{self.region}/{self.service}/aws4_request"
        names = sorted(headers)
        signed = ";".join(names)
        lines = "".join(f"{name}:{headers[name]}\n" for name in names)
        request = f"POST\n/\n\n{lines}\n{signed}\n{sha256(body).hexdigest()}"
        to_sign = f"{_ALGORITHM}\n{date}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = _hmac(self._key(date[:8], secret_key), to_sign).hex()
        return f"{_ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"

    def _key(self, day: str, secret_key: str) -> bytes:
        made_on, made_of, key = self._of_the_day
        if (made_on, made_of) != (day, secret_key):
            key = f"AWS4{secret_key}".encode()
            for part in (day, self.region, self.service, "aws4_request"):
                key = _hmac(key, part)
            self._of_the_day = day, secret_key, key
        return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), sha256)
