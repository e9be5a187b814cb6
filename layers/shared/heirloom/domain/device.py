"""The device that a request came from: its address and its user agent, in as few bytes as they need.

A family's item has about a hundred bytes left for two of them, and one user agent is longer. But most say the same
words, so they are deflated with a dictionary of these: a common browser's takes about ten bytes.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final, Self

from heirloom.domain.events import Caller

LONGEST_USER_AGENT: Final = 160
"""Characters; what comes after them tells nobody more."""

_WORDS: Final = (
    b"Go-http-client/1.1 node undici axios/1. curl/8. Java/ Apache-HttpClient/ python-requests/2. python-httpx/0."
    b" AppName/1.0 CFNetwork/1. Darwin/2 Dart/3. (dart:io) okhttp/4. okhttp/5. Dalvik/2.1.0 (Linux; U; Android 1 Build/"
    b" Instagram [FBAN/FBIOS;FBAV/ Electron/ YaBrowser/ Vivaldi/ OPR/ DuckDuckGo/ GSA/ EdgiOS/ EdgA/ OPT/ FxiOS/ CriOS/"
    b" Web0S; SmartTV; Tizen 7.0) TV CrOS x86_64 14541.0.0) Pixel SM-S9 SM-A SamsungBrowser/2 HeadlessChrome/1"
    b" Mozilla/5.0 (Android 1; Mobile; rv:1 Gecko/1"
    b" Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:1 Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:1"
    b" Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:1.0) Gecko/20100101 Firefox/1"
    b" Mozilla/5.0 (iPad; CPU OS 1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
    b" Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18."
    b" Mobile/15E148 Safari/604.1 Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1"
    b" Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1"
    b" Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1.0.0.0 Mobile Safari/537.36"
    b" Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1.0.0.0 Safari/537.36"
    b" Edg/1.0.0.0"
)
"""What is stored is read with these words: they never change. The most common ones are the last, and the nearest."""

_CONTROLS: Final = bytes((*range(0x20), 0x7F))

_WINDOW: Final = -11
"""Raw deflate, with a window of 2 KB: the words and the longest user agent."""
_MEMORY: Final = 4
"""How much of it zlib takes: little is quicker, for so short a text."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device as it is stored, read only where somebody looks at it; false if nothing is known of it."""

    packed: bytes = b""
    """The number of bytes of its address, these, and its deflated user agent."""

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """Return the device of a request, with what of its user agent is printable."""
        printable = caller.user_agent.encode("ascii", "ignore").translate(None, _CONTROLS).decode()
        return cls(_pack(_octets(caller.address), printable[:LONGEST_USER_AGENT].strip()))

    def __bool__(self) -> bool:
        """Tell whether anything is known of it."""
        return bool(self.packed)

    @property
    def address(self) -> str:
        """Return the IP address, empty if it is not known."""
        try:
            return str(ip_address(self._octets))
        except ValueError:  # as of the user agent
            return ""

    @property
    def user_agent(self) -> str:
        """Return the user agent, or its beginning; empty if it is not known."""
        deflated = self.packed[1 + len(self._octets) :]
        try:
            return zlib.decompressobj(_WINDOW, _WORDS).decompress(deflated, LONGEST_USER_AGENT).decode("ascii")
        except (zlib.error, UnicodeDecodeError):  # not ours, and nothing to fail for
            return ""

    def within(self, size: int) -> Self:
        """Return the device in at most *size* bytes: with less of its user agent, or nothing if that is not enough."""
        surplus = len(self.packed) - size
        if surplus <= 0:
            return self
        user_agent = self.user_agent
        if not user_agent:
            return type(self)()
        # A byte too much is a character, or more.
        return type(self)(_pack(self._octets, user_agent[:-surplus])).within(size)

    @property
    def _octets(self) -> bytes:
        return self.packed[1 : 1 + self.packed[0]] if self.packed else b""


UNKNOWN_DEVICE: Final = Device()


def _octets(address: str) -> bytes:
    try:
        ip = ip_address(address)
    except ValueError:
        return b""
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).packed


def _pack(octets: bytes, user_agent: str) -> bytes:
    if not user_agent:
        return bytes([len(octets)]) + octets if octets else b""
    return bytes([len(octets)]) + octets + _deflated(user_agent)


@lru_cache(256)  # there are as many in use as there are versions of browsers
def _deflated(user_agent: str) -> bytes:
    deflating = zlib.compressobj(9, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _WORDS)
    return deflating.compress(user_agent.encode()) + deflating.flush()
