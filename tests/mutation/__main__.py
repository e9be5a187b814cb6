"""Which faults no test notices: `python -m tests.mutation domain.family` (or `domain`, for all of its modules).

Prints the mutants that survived, and a line for each module. `--tests` names other judges than JUDGES, `--minutes` ends
it so long after the tests ran once, `--report` writes a JSON file of what was found, and `--again` tries only what
survived by such a file. `--outside` tries what is outside of functions too (constants, defaults, decorators): each
needs a process that imports everything anew.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mutation import explanations
from tests.mutation.jury import ARGUMENTS, InProcess, Jury
from tests.mutation.mutants import PACKAGE, Mutant, mutants_of


def requests(*names: str) -> tuple[str, ...]:
    """Return files of tests that send requests, or single tests of one: `dpop::test_…`."""
    parts = [name.partition("::") for name in names]
    return tuple(f"tests/endpoints/test_{file}.py{colons}{test}" for file, colons, test in parts)


LOGINS = "tests/races/test_logins.py"
GIVES_WAY = f"{LOGINS}::test_the_least_recently_used_family_gives_way_to_a_new_login"

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
    "endpoints.refresh": (
        *requests(
            *("refresh", "replays", "multi_resource", "dpop"),
            "changed_settings::test_a_token_begins_to_rotate_and_the_others_of_its_kind_end",
        ),
        "tests/scale/test_last_generation.py",
    ),
    "endpoints.code_exchange": (
        *requests("token", "resource_indicators", "dpop::test_an_api_may_take_bound_tokens_only"),
        GIVES_WAY,
    ),
    "endpoints.first_generation": (
        *requests(
            *("token", "known_devices"),
            "changed_settings::test_a_token_begins_to_rotate_and_the_others_of_its_kind_end",
            "dpop::test_a_public_clients_family_belongs_to_the_key",
            "dpop::test_a_confidential_client_may_use_a_new_key_for_every_request",
        ),
        GIVES_WAY,
        f"{LOGINS}::test_a_login_stands_when_the_limit_cannot_be_checked",
    ),
    "endpoints.login": requests(
        *("login", "known_devices", "imported_hashes"),
        "account::test_whoever_is_not_signed_in_signs_in_first_and_comes_back",
        "account::test_whoever_is_signed_in_goes_on_to_the_account_without_a_password",
        "authorize::test_select_account_offers_the_account_that_is_there",
        "authorize::test_the_choosers_button_does_not_stand_for_a_login",
        "authorize::test_the_choosers_button_without_a_session_leads_to_the_login_page",
        "id_token_hint::test_somebody_else_can_neither_go_on_nor_consent",
        "par::test_the_login_takes_its_time",
        "session_ending::test_whoever_takes_over_the_browser_ends_the_session_of_whom_was_there_whole",
        "session_ending::test_an_expired_session_in_the_browser_is_no_logout_of_whom_it_was",
        "session_ending::test_a_logout_that_was_left_unfinished_is_finished_by_the_next_login",
    ),
    "endpoints.brakes": requests(
        "login",
        "device::test_guessing_from_one_address_is_slowed_down",
        "device::test_somebody_who_is_logged_in_is_slowed_down_at_every_address",
        "device::test_right_codes_are_not_counted",
        "device::test_parallel_guesses_of_one_person_do_not_slip_through_together",
    ),
    "endpoints.authorize": requests(
        *("authorize", "id_token_hint"),
        "account::test_whoever_is_not_signed_in_signs_in_first_and_comes_back",
        "login::test_a_wrong_password_leads_to_the_form_again_and_nothing_else",
    ),
    "endpoints.consent": requests(
        "consent",
        "authorize::test_prompt_login_with_a_consent_page_behind_it_asks_once",
        "authorize::test_a_consent_page_that_was_left_open_does_not_stand_for_the_login_that_was_asked_for",
        "id_token_hint::test_somebody_else_can_neither_go_on_nor_consent",
        "login::test_a_form_without_its_browsers_token_is_refused",
        "par::test_login_and_consent_carry_the_reference_and_nothing_else",
    ),
    "endpoints.device_grant": requests("device"),
    "endpoints.device_authorization": requests("device"),
    "endpoints.userinfo": requests(
        *("userinfo", "claims_request::test_userinfo_tells_what_was_asked_for_by_name"),
        "cross_origin::test_no_answer_is_for_a_foreign_origin",
        "dpop::test_a_bad_proof_is_refused_at_userinfo",
        "dpop::test_a_proof_is_taken_once_at_userinfo_too",
        "faults::test_a_user_who_cannot_be_read_is_not_an_unknown_one",
    ),
    "endpoints.access_tokens": requests("userinfo", "dpop"),
    "endpoints.migration": requests("changed_settings"),
    "endpoints.oidc_logout": requests("oidc_logout"),
    "endpoints.browser": requests("authorize", "login"),
    "endpoints.requested_access": requests("authorize", "par", "device"),
    "endpoints.pushed_authorization": requests(
        "par", "faults::test_a_request_that_was_perhaps_not_stored_gets_no_reference"
    ),
    "endpoints.cross_origin": requests("cross_origin"),
    "endpoints.discovery": requests("discovery"),
    "endpoints.backchannel_logout": requests("backchannel_logout"),
    "endpoints.operator": requests("operator"),
    "endpoints.authorization_flow": requests(
        *("authorize", "consent", "claims_request", "id_token_hint"),
        "par::test_login_and_consent_carry_the_reference_and_nothing_else",
        "par::test_a_reference_is_good_for_one_code",
        "par::test_of_many_at_once_one_gets_a_code",
        "par::test_whoever_must_push_is_not_answered_otherwise",
        "par::test_a_login_that_takes_more_than_an_hour_starts_again",
        "dpop::test_a_code_that_names_a_key_is_exchanged_with_that_key_alone",
        "why_logged_out::test_a_browser_that_is_asked_to_log_in_again_is_told_of",
        "faults::test_a_configuration_that_cannot_be_read_is_no_reason_to_refuse",
        "login::test_a_form_that_is_no_form_gets_an_error_page",
        "login::test_a_form_without_its_browsers_token_is_refused",
        "known_devices::test_a_session_knows_where_it_began_where_it_was_used_last_and_by_which_applications",
        "session_ending::test_applications_that_want_to_hear_have_room_when_the_others_have_none",
        "session_ending::test_a_session_remembers_a_limited_number",
        "session_ending::test_every_application_that_took_part_hears_of_the_end",
    ),
    "endpoints.logins": requests(
        "account",
        "account_faults::test_whichever_call_fails_nobody_hears_that_something_was_ended_and_a_second_try_ends_it",
    ),
    "endpoints.activation": requests("device"),
    "endpoints.account": requests("account"),
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
    "endpoints.refresh",
    "endpoints.code_exchange",
    "endpoints.first_generation",
    "endpoints.login",
    "endpoints.brakes",
    "endpoints.authorize",
    "endpoints.consent",
    "endpoints.device_grant",
    "endpoints.device_authorization",
    "endpoints.userinfo",
    "endpoints.access_tokens",
    "endpoints.migration",
    "endpoints.oidc_logout",
    "endpoints.browser",
    "endpoints.requested_access",
    "endpoints.pushed_authorization",
    "endpoints.cross_origin",
    "endpoints.discovery",
    "endpoints.backchannel_logout",
    "endpoints.operator",
    "endpoints.authorization_flow",
    "endpoints.logins",
    "endpoints.activation",
    "endpoints.account",
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
    parser.add_argument("--again", type=Path)
    arguments = parser.parse_args()
    modules = [name for named in arguments.modules for name in _modules(named)]
    judges = {module: arguments.tests or judges_of(module) for module in modules}
    report: dict[str, dict[str, object]] = {}
    again = json.loads(arguments.again.read_text()) if arguments.again else None

    def work(jury: Jury) -> None:
        ends = time.monotonic() + arguments.minutes * 60
        for module in modules:
            if time.monotonic() > ends:
                break
            mutants = [one for one in mutants_of(module) if one.in_body or arguments.outside]
            if again is not None:
                survived = {_fault(one) for one in again.get(module, {"unexplained": []})["unexplained"]}
                mutants = [one for one in mutants if _fault(str(one)) in survived]
            report[module] = _tried(module, mutants, jury, ends)
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


def _fault(mutant: str) -> str:
    """Return what a mutant does, wherever its line is by now."""
    return mutant.partition(" ")[2]


def _tried(module: str, mutants: Sequence[Mutant], jury: Jury, ends: float) -> dict[str, object]:
    """Return how many mutants of a module came to which end, and say which nobody noticed."""
    explained, counts, unexplained = explanations.of(module), Counter[str](), []
    started = time.monotonic()
    for mutant in mutants:
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
