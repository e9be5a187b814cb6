"""Runs in any order, at any time, cut off anywhere or two at once: what instances and verifiers hold is always enough.

An instance acts on any version of a secret that was in force within the last hour, a verifier on any set of keys that
was published within the last day and whatever lies between: nobody's cache is assumed to be fresh.
"""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from heirloom.adapters import key_requests
from heirloom.domain import lifetimes
from heirloom.domain.key_rotation import DERIVATIONS_WALKED, SEEN_BY_INSTANCES, SEEN_BY_VERIFIERS, SIGNATURES_CHECKED
from heirloom.domain.lifetimes import DAY, HOUR, MINUTE
from tests.faults import AFTER, BEFORE, Killed
from tests.keys import PERIOD, SIGNING, TOKEN, Keys

HELD_BY_INSTANCES = lifetimes.CACHED_KEYS_IN_NEED
HELD_BY_VERIFIERS = DAY + lifetimes.CACHED_CONFIGURATION + 2 * lifetimes.CACHED_JWKS
LONGEST_FAMILY = 45 * DAY
START = 1_800_000_000

type Document = dict[str, Any]


class Timeline(list[tuple[int, Document]]):
    """What stood somewhere, and since when."""

    def note(self, now: int, document: Document | None) -> None:
        if document is not None and (not self or self[-1][1] != document):
            self.append((now, document))

    def within(self, span: int, now: int) -> list[Document]:
        """Everything that stood at some time of the last so many seconds."""
        ends = [since for since, _ in self[1:]] + [now + 1]
        return [document for (_, document), end in zip(self, ends, strict=True) if end >= now - span]


class Rotations(RuleBasedStateMachine):
    """A stack from its first second on, with keys that are quick to make."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = Keys()
        self.now = START
        self.revoked: set[str | int] = set()
        self.secret, self.token_secret, self.published = Timeline(), Timeline(), Timeline()
        self.signed: dict[str, int] = {}
        """When each key may have signed last."""
        self.derived: dict[int, int] = {}
        self.minted: dict[int, int] = {}
        self.keys.rotation.rotate(self.now)
        self.keys.allow_families(LONGEST_FAMILY)
        self.look()

    # ---- What happens

    @rule(
        seconds=st.sampled_from(
            (
                1,
                MINUTE,
                HOUR,
                SEEN_BY_INSTANCES,
                DERIVATIONS_WALKED,
                DAY,
                SEEN_BY_VERIFIERS,
                SIGNATURES_CHECKED,
                PERIOD,
                LONGEST_FAMILY,
            )
        )
    )
    def time_passes(self, seconds: int) -> None:
        # An instance may do its work at the very end of what it may hold, so look at both ends of a long pause.
        for step in (min(seconds, HELD_BY_INSTANCES), seconds - min(seconds, HELD_BY_INSTANCES)):
            self.now += step
            self.look()

    @rule(ahead=st.lists(st.sampled_from(["signing", "token"]), unique=True))
    def runs(self, ahead: list[str]) -> None:
        self.ask({"action": "rotate", "ahead": ahead})

    @rule(call=st.integers(0, 25), when=st.sampled_from([BEFORE, AFTER]), ahead=st.booleans())
    def runs_and_dies(self, call: int, when: str, *, ahead: bool) -> None:
        """At one of its calls, which was made or was not."""
        self.keys.steps.fail(when, Killed(), calls=range(call, call + 1))
        try:
            self.ask({"action": "rotate", "ahead": ["signing", "token"] if ahead else []})
        except Killed:
            self.look()
        self.keys.steps.actions = {}

    @rule(call=st.integers(0, 25), ahead=st.booleans(), thief=st.booleans())
    def two_run_at_once(self, call: int, *, ahead: bool, thief: bool) -> None:
        """A second one begins and ends between two calls of the first."""

        def second() -> None:
            self.keys.steps.actions = {}
            self.ask({"action": "rotate"})
            if thief:
                self.somebody_may_have("signing", "current")

        self.keys.steps.interpose(BEFORE, second, calls=range(call, call + 1))
        self.ask({"action": "rotate", "ahead": ["signing", "token"] if ahead else []})
        self.keys.steps.actions = {}

    @rule(ring=st.sampled_from(["signing", "token"]), state=st.sampled_from(["current", "next", "retired", "all"]))
    def somebody_may_have(self, ring: str, state: str) -> None:
        standing = self.keys.states(SIGNING if ring == "signing" else TOKEN)
        named = [key_id for key_id, it in standing.items() if state in {it, "all"}]
        if not named:
            return
        self.revoked |= set(named)
        request = {"action": "revoke", "ring": ring} | ({} if state == "all" else {"keys": named})
        self.ask(request)
        after = self.keys.states(SIGNING if ring == "signing" else TOKEN)
        assert not {key_id for key_id in named if after.get(key_id) in {"current", "next"}}
        if ring == "signing":
            assert not set(named) & set(after), "old keys are out at once"
            assert not set(named) & set(self.keys.table.published)

    def ask(self, request: Document) -> None:
        answer = key_requests.answer(request, self.keys.rotation, self.now)
        assert "error" not in answer, answer
        self.look()

    # ---- What must hold

    def look(self) -> None:
        """Note what stands now, and what instances may do with what they hold."""
        self.secret.note(self.now, self.keys.secrets_manager.document(SIGNING))
        self.token_secret.note(self.now, self.keys.secrets_manager.document(TOKEN))
        self.published.note(self.now, {"kids": self.keys.table.published})
        for document in self.secret.within(HELD_BY_INSTANCES, self.now):
            self.signed[current(document)["kid"]] = self.now
        for document in self.token_secret.within(HELD_BY_INSTANCES, self.now):
            self.minted[current(document)["id"]] = self.now
            self.derived[current(document)["id"]] = self.now

    @invariant()
    def whoever_checks_a_token_has_its_key(self) -> None:
        held = [set(one["kids"]) for one in self.published.within(HELD_BY_VERIFIERS, self.now)]
        first = set(self.published[0][1]["kids"])
        for kid, last in self.signed.items():
            if kid in self.revoked or self.now > last + lifetimes.LONGEST_ACCESS_TOKEN:
                continue
            assert kid in held[-1]
            assert all(kid in one for one in held) or kid in first or self.emergency(kid)

    def emergency(self, kid: str) -> bool:
        """Tell whether a key began to sign early since the one before it had to go."""
        for (_, before), (_, after) in zip(self.secret, self.secret[1:], strict=False):
            if current(after)["kid"] == kid != current(before)["kid"]:
                return current(before)["kid"] in self.revoked
        return False

    @invariant()
    def whatever_one_instance_mints_every_other_one_knows(self) -> None:
        held = self.token_secret.within(HELD_BY_INSTANCES, self.now)
        for document in held:
            mint = current(document)
            for other in held:
                macs = {key["id"]: key.get("mac") for key in other["keys"] if "mac" in key}
                if mint["id"] in macs:
                    assert macs[mint["id"]] == mint["mac"], "one id, one key"
                else:
                    assert self.token_emergency(mint["id"]), "it reloads, since it knows no such id"

    def token_emergency(self, key_id: int) -> bool:
        for (_, before), (_, after) in zip(self.token_secret, self.token_secret[1:], strict=False):
            if current(after)["id"] == key_id != current(before)["id"]:
                return current(before)["id"] in self.revoked
        return False

    @invariant()
    def what_may_be_presented_is_known_and_walked(self) -> None:
        keys = {key["id"]: key for key in self.token_secret[-1][1]["keys"]}
        for key_id, last in self.derived.items():
            if self.now <= last + lifetimes.LONGEST_LEEWAY + lifetimes.CLOCK_SKEW:
                assert "derivation" in keys[key_id]
        for key_id, last in self.minted.items():
            if self.now <= last + LONGEST_FAMILY:
                assert "mac" in keys[key_id]

    @invariant()
    def what_no_longer_signs_has_no_private_half(self) -> None:
        for key in self.secret[-1][1]["keys"]:
            assert ("private_key" in key) is (key["state"] in {"current", "next"})

    @rule()
    def a_run_leaves_nothing_to_do(self) -> None:
        self.ask({"action": "rotate"})
        for key in self.keys.of(TOKEN):
            assert ("derivation" in key) is (key["state"] in {"next", "current", "retired"})
            assert "derivation" not in key or self.now < key.get("retired_at", self.now) + DERIVATIONS_WALKED
        assert self.keys.table.published == [key["kid"] for key in self.keys.of(SIGNING)]
        for secret in (SIGNING, TOKEN):
            assert len(self.keys.secrets_manager.stages(secret)) == 1, "former values have no label"
        writes = self.keys.writes
        self.ask({"action": "rotate"})
        assert self.keys.writes == writes, "a run that changes nothing writes nothing"


def current(document: Document) -> Document:
    (key,) = (key for key in document["keys"] if key["state"] == "current")
    return dict(key)


TestRotations = pytest.mark.usefixtures("quick_keys")(Rotations.TestCase)
TestRotations.settings = settings(max_examples=100, stateful_step_count=40)
