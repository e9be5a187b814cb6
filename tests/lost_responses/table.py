"""The tables of docs/reliability.md: `PYTHONPATH=.:layers/shared .venv/bin/python -m tests.lost_responses.table`."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Final

from tests.lost_responses.clients import NATIVE, SINGLE_PAGE, TABS, TWO_APIS, WEB, killed_apps, kinds
from tests.lost_responses.fleet import Counts, Fleet, Kind, Server
from tests.lost_responses.servers import Heirloom, Peer, PreviousForEver, SiblingsInLeeway, SuccessorInWindow

RATES: Final = (0.05, 0.2, 0.5)
FLEETS: Final = 5
"""Of 20 devices and 50 renewals each: more than 10,000 exchanges at each rate."""

BACK_SOON: Final = 600.0
"""Seconds within which killed apps come back."""

THEFTS_AT: Final = 0.2
"""The rate at which thieves are let in."""

MINUTE, HOUR = 60, 3600
AWAY: Final = {"a minute": MINUTE, "ten minutes": 10 * MINUTE, "an hour": HOUR, "twelve hours": 12 * HOUR}
LEEWAYS: Final = (60, 180, 600, 3600)


def leeways(seconds: int, native: int | None = None) -> Mapping[str, int]:
    """Return these, by kind of client."""
    others = dict.fromkeys((SINGLE_PAGE, TWO_APIS, TABS, WEB), seconds)
    return others | {NATIVE: native or seconds}


RECOMMENDED: Final = leeways(180, native=3600)

RULES: Final[Mapping[str, Callable[[], Server]]] = {
    "no leeway: reuse ends the session (oidc-provider; Keycloak, max reuse 0; Auth0's default)": Peer,
    "the same, reuse remembered for 30 minutes (Hydra)": partial(Peer, forgets=30 * MINUTE),
    "60 s, another successor each time (Auth0 with an overlap period)": SiblingsInLeeway,
    "60 s, the token's own successor; reuse ends nothing (OpenAuth)": partial(SuccessorInWindow, kills=False),
    "the token before the live one is good for ever (Supabase)": PreviousForEver,
    "**Heirloom**, `leeway` 60 everywhere, the default": partial(Heirloom, leeways(60)),
    "**Heirloom**, 180 everywhere": partial(Heirloom, leeways(180)),
    "**Heirloom**, 180, and 3600 for the app that is killed": partial(Heirloom, RECOMMENDED),
}


def total(server: Callable[[], Server], kinds: Sequence[Kind], rate: float, *, thieves: bool = False) -> Counts:
    """Return what happens to all fleets, each with a server of its own."""
    counts = Counts()
    for seed in range(FLEETS):
        counts += Fleet(server(), kinds, seed, rate, thieves=thieves).run()
    return counts


def rule(name: str) -> str:
    """Return a rule's line of the first table."""
    server = RULES[name]
    runs = [total(server, kinds(BACK_SOON), rate) for rate in RATES]
    cells = [str(sum(not loss.overtaken for loss in counts.losses)) for counts in runs]
    overtaken = sum(loss.overtaken for counts in runs for loss in counts.losses)
    return _row(name, *cells, str(overtaken), *_thieves(total(server, kinds(BACK_SOON), THEFTS_AT, thieves=True)))


def killed(leeway: int) -> str:
    """Return a leeway's line of the second table."""
    server = partial(Heirloom, leeways(leeway))
    cells = [str(len(total(server, killed_apps(away), THEFTS_AT).losses)) for away in AWAY.values()]
    thefts = total(server, killed_apps(BACK_SOON), THEFTS_AT, thieves=True)
    return _row(f"{leeway} s", *cells, *_thieves(thefts))


def lines() -> Iterator[str]:
    """Yield the lines of both tables, each after its heading."""
    lost = [f"{rate:.0%}" for rate in RATES]
    yield _row("rule", *lost, "overtaken", "thieves stopped", "after")
    yield from map(rule, RULES)
    yield _row("`leeway`", *(f"back within {away}" for away in AWAY), "thieves stopped", "after")
    yield from map(killed, LEEWAYS)


def _thieves(counts: Counts) -> tuple[str, str]:
    after = median(counts.thieves_stopped_after) / HOUR
    return f"{len(counts.thieves_stopped_after)} of {counts.thefts}", f"{after:.1f} h"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    for line in lines():
        sys.stdout.write(f"{line}\n")
