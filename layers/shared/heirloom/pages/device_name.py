"""What a device is called, from what it says of itself: "Chrome on Windows"."""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

_LONGEST = 40
"""Characters of a name that nobody knows."""

_SYSTEMS = {"Mac OS X": "macOS", "Chrome OS": "ChromeOS"}
_BROWSERS = {"Mobile Safari UI/WKWebView": "Safari"}


class DeviceKind(StrEnum):
    """What is drawn beside a device."""

    phone = "phone"
    computer = "computer"
    program = "program"


class DeviceName(NamedTuple):
    """The program and the system, each empty if it does not say."""

    browser: str
    system: str
    kind: DeviceKind


@lru_cache(maxsize=512)
def device_name(user_agent: str) -> DeviceName:
    """What a device with this user agent is; one that nobody knows is called what it says, as far as that is short."""
    # Thousands of expressions: nobody else should wait for them.
    from ua_parser import parse_os, parse_user_agent  # noqa: PLC0415

    program, os = parse_user_agent(user_agent), parse_os(user_agent)
    if program is None and os is None:
        known = user_agent if len(user_agent) <= _LONGEST else f"{user_agent[: _LONGEST - 1].rstrip()}…"
        return DeviceName(known, "", DeviceKind.program)
    system = os.family if os else ""
    if system == "iOS":
        kind, system = DeviceKind.phone, next((it for it in ("iPad", "iPhone") if it in user_agent), system)
    elif system in {"Android", "Windows Phone", "KaiOS"}:
        kind = DeviceKind.phone
    else:
        kind = DeviceKind.computer if system else DeviceKind.program
    return DeviceName(_browser(program.family) if program else "", _SYSTEMS.get(system, system), kind)


def _browser(family: str) -> str:
    """The name by which people know it, on a phone as on a desk."""
    name = _BROWSERS.get(family, family)
    return " ".join(word for word in name.split() if word not in {"Mobile", "iOS"}) or name
