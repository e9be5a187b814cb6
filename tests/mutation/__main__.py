"""Which faults no test notices: `python -m tests.mutation domain.family` (or `domain`, for all of its modules).

Prints the mutants that survived, and a line for each module. `--tests` names other tests than TESTS, `--minutes` ends
it so long after the tests ran once, `--report` writes a JSON file of what was found. `--outside` tries what is
outside of functions too (constants, defaults, decorators): each needs a process that imports everything anew.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.mutation import explanations
from tests.mutation.jury import ARGUMENTS, Jury
from tests.mutation.mutants import PACKAGE, mutants_of

TESTS = ("tests/domain",)
"""Those that ask a rule and nothing else: a store makes no rule clearer, and a mutant slower."""

MODULES = (
    "domain.family",
    "domain.replays",
    "domain.session",
    "domain.pkce",
    "domain.scope",
    "domain.application",
    "domain.guessing",
    "domain.encoding",
    "domain.lifetimes",
    "domain.key_rotation",
    "domain.key_schedule",
    "domain.dpop",
    "domain.dpop_nonce",
    "domain.refresh_token",
    "domain.token_keys",
    "domain.redirect_uri",
    "domain.authorization",
    "domain.authorization_code",
    "domain.client_assertion",
    "domain.logout_request",
    "domain.multi_resource",
    "domain.resource_server",
    "domain.resource_indicator",
    "domain.device",
    "domain.device_authorization",
    "domain.claims",
    "domain.claims_request",
    "domain.migration",
    "domain.user",
    "domain.client_grant",
    "domain.backchannel_logout",
    "domain.errors",
    "domain.client_key",
    "domain.management_api",
    "domain.pushed_request",
    "domain.user_code",
    "domain.ports",
)
"""Those of which every survivor is explained, the token family's first."""


def main() -> int:
    """Try the mutants of the modules that were named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--outside", action="store_true")
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    report: dict[str, dict[str, object]] = {}

    def work(jury: Jury) -> None:
        ends = time.monotonic() + arguments.minutes * 60
        for module in (name for named in arguments.modules for name in _modules(named)):
            if time.monotonic() > ends:
                break
            report[module] = _tried(module, jury, ends, outside=arguments.outside)
            if arguments.report:
                arguments.report.write_text(json.dumps(report, indent=1))

    code = pytest.main([*ARGUMENTS, *arguments.tests], plugins=[Jury(work)])
    return int(code) or int(any(one["unexplained"] for one in report.values()))


def _modules(named: str) -> list[str]:
    if "." in named:
        return [named]
    return [f"{named}.{file.stem}" for file in sorted((PACKAGE / named).glob("[!_]*.py"))]


def _tried(module: str, jury: Jury, ends: float, *, outside: bool) -> dict[str, object]:
    """Return how many mutants of a module came to which end, and say which nobody noticed."""
    explained, counts, unexplained = explanations.of(module), Counter[str](), []
    started = time.monotonic()
    for mutant in mutants_of(module):
        if not (mutant.in_body or outside):
            continue
        if time.monotonic() > ends:
            counts["not tried"] += 1
            continue
        if (mutant.place, mutant.was, mutant.becomes) in explained:
            counts["explained"] += 1
            continue
        verdict, _ = jury.try_(mutant)
        counts[verdict] += 1
        if verdict == "survived":
            unexplained.append(str(mutant))
        if verdict != "killed":
            _say(f"{verdict}: {mutant}")
    line = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
    _say(f"{module}: {line} ({time.monotonic() - started:.0f} s)")
    return {**counts, "unexplained": unexplained}


def _say(line: str) -> None:
    sys.__stderr__.write(f"{line}\n")  # type: ignore[union-attr] # pytest keeps the other one to itself


if __name__ == "__main__":
    sys.exit(main())
