"""Which faults no test notices: `python -m tests.mutation domain.family` (or `domain`, for all of its modules).

Prints the mutants that survived, and a line for each module. `--tests` names other judges than JUDGES, `--minutes` ends
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
from tests.mutation.jury import ARGUMENTS, InProcess, Jury
from tests.mutation.mutants import PACKAGE, mutants_of


def requests(*names: str) -> tuple[str, ...]:
    """Return files of tests that send requests."""
    return tuple(f"tests/endpoints/test_{name}.py" for name in names)


JUDGES = {
    "endpoints.revoke": requests("revoke"),
    "endpoints.introspect": requests("introspect", "dpop"),
    "endpoints.client": requests("client_assertions", "token"),
    "endpoints.revocations": requests("revoke", "operator", "token"),
    "endpoints.session_ending": requests("session_ending", "logout", "account"),
    "endpoints.logout": requests("logout"),
    "endpoints.client_credentials": requests("client_credentials"),
    "endpoints.proof_of_possession": requests("dpop"),
    "endpoints.token": requests("token", "refresh", "client_credentials", "dpop", "device"),
    "endpoints.issuance": requests("token", "refresh", "client_credentials", "dpop"),
}
"""Whose tests judge a module, if not all of its package: tests/domain ask rules and nothing else.

Of these, each mutant gets the tests that execute it. A store inside of the process answers them.
"""

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
    "endpoints.revoke",
    "endpoints.introspect",
    "endpoints.client",
    "endpoints.revocations",
    "endpoints.session_ending",
    "endpoints.logout",
    "endpoints.client_credentials",
    "endpoints.proof_of_possession",
    "endpoints.token",
    "endpoints.issuance",
)
"""Those of which every survivor is explained, the token family's first."""


def main() -> int:
    """Try the mutants of the modules that were named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--tests", nargs="+")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--outside", action="store_true")
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    modules = [name for named in arguments.modules for name in _modules(named)]
    judges = {module: arguments.tests or judges_of(module) for module in modules}
    report: dict[str, dict[str, object]] = {}

    def work(jury: Jury) -> None:
        ends = time.monotonic() + arguments.minutes * 60
        for module in modules:
            if time.monotonic() > ends:
                break
            report[module] = _tried(module, jury, ends, outside=arguments.outside)
            if arguments.report:
                arguments.report.write_text(json.dumps(report, indent=1))

    tests = dict.fromkeys(test for ones in judges.values() for test in ones)
    code = pytest.main([*ARGUMENTS, *tests], plugins=[InProcess(), Jury(work, judges)])
    return int(code) or int(any(one["unexplained"] for one in report.values()))


def judges_of(module: str) -> tuple[str, ...]:
    """Return whose tests judge a module."""
    return JUDGES.get(module, (f"tests/{module.partition('.')[0]}",))


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
