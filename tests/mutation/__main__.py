"""Which faults no test notices: `python -m tests.mutation domain.family` (or `domain`, for all of its modules).

Prints the mutants that survived, and a line for each module. `--tests` narrows the tests (`tests/domain`), `--minutes`
ends it so long after the tests ran once, `--report` writes a JSON file of what was found.
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

TESTS = ("tests/domain", "tests/tenant", "tests/adapters", "tests/endpoints", "tests/cases")
"""Those that ask a rule or an endpoint, without a process of their own."""


DOMAIN = (
    "domain.family",
    "domain.refresh_token",
    "domain.replays",
    "domain.pkce",
    "domain.dpop",
    "domain.dpop_nonce",
    "domain.session",
    "domain.authorization_code",
    "domain.token_keys",
    "domain.application",
    "domain.authorization",
    "domain.redirect_uri",
    "domain.scope",
    "domain.encoding",
    "domain.client_assertion",
    "domain.client_key",
    "domain.claims",
    "domain.claims_request",
    "domain.user_code",
    "domain.user",
    "domain.device",
    "domain.device_authorization",
    "domain.logout_request",
    "domain.backchannel_logout",
    "domain.pushed_request",
    "domain.resource_indicator",
    "domain.resource_server",
    "domain.multi_resource",
    "domain.client_grant",
    "domain.migration",
    "domain.guessing",
    "domain.key_rotation",
    "domain.key_schedule",
    "domain.errors",
    "domain.events",
    "domain.consent",
    "domain.management_api",
    "domain.lifetimes",
    "domain.ports",
)
"""All of its modules, those of the token family first."""

ENDPOINTS = (
    "endpoints.refresh",
    "endpoints.code_exchange",
    "endpoints.token",
    "endpoints.client",
    "endpoints.revoke",
    "endpoints.revocations",
    "endpoints.introspect",
    "endpoints.oidc_logout",
    "endpoints.logout",
    "endpoints.session_ending",
    "endpoints.proof_of_possession",
    "endpoints.first_generation",
    "endpoints.issuance",
    "endpoints.access_tokens",
    "endpoints.authorization_flow",
    "endpoints.brakes",
    "endpoints.login",
    "endpoints.device_grant",
    "endpoints.account",
)
"""Those that decide something: the token endpoint's first, then what ends a login, then what begins one."""


def main() -> int:
    """Try the mutants of the modules that were named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("modules", nargs="*", default=[*DOMAIN, *ENDPOINTS])
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    report: dict[str, dict[str, object]] = {}

    def work(jury: Jury) -> None:
        ends = time.monotonic() + arguments.minutes * 60
        for module in (name for named in arguments.modules for name in _modules(named)):
            if time.monotonic() > ends:
                break
            report[module] = _tried(module, jury, ends)
            if arguments.report:
                arguments.report.write_text(json.dumps(report, indent=1))

    code = pytest.main([*ARGUMENTS, *arguments.tests], plugins=[Jury(work)])
    return int(code) or int(any(one["unexplained"] for one in report.values()))


def _modules(named: str) -> list[str]:
    if "." in named:
        return [named]
    return [f"{named}.{file.stem}" for file in sorted((PACKAGE / named).glob("[!_]*.py"))]


def _tried(module: str, jury: Jury, ends: float) -> dict[str, object]:
    """Return how many mutants of a module came to which end, and say which nobody noticed."""
    explained, counts, unexplained = explanations.of(module), Counter[str](), []
    started = time.monotonic()
    for mutant in mutants_of(module):
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
