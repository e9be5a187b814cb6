"""Random histories of the service: after each step, what it answered and what it stored must be what the model says."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from heirloom.adapters.families import item_key
from heirloom.adapters.passwords import CHEAPEST, Argon2Passwords
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain import authorization_code, encoding
from heirloom.domain.application import RefreshTokenPolicy
from heirloom.domain.family import Family as StoredFamily
from heirloom.domain.lifetimes import DAY, HOUR
from heirloom.domain.refresh_token import FamilyKey, user_key
from heirloom.domain.user import User
from tests.endpoints.hands import at_once
from tests.faults import AFTER, BEFORE, FAULTS, Steps, lost_on_the_wire
from tests.invariants import History, Kind, Request, Sighting, broken
from tests.model_based import deeds, schedules
from tests.model_based.deeds import DEEDS, DEVICE, PERSON, Act, Drawn, EndLogins, LogOut, People, Redeem
from tests.model_based.model import SLOTS, Answer, Code, Deed, Family, Model, Moment, Outcome, Position
from tests.model_based.schedules import Legal
from tests.model_based.stack import APPLICATIONS, OFFERED_LEEWAYS, OFFERED_LIFETIMES, Function, Stack
from tests.model_based.world import Device, Person, Tokens, digest_of, key_id_of
from tests.proofs import Key
from tests.service import NATIVE, PASSWORD, answered

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

FUNCTION = st.integers(0, 2)
CALL = st.integers(0, 4)
WHEN = st.sampled_from([BEFORE, AFTER])
FAULT = st.sampled_from(sorted(FAULTS))
MOST_SKEW_MS = 5000
SKEW_MS = st.integers(-MOST_SKEW_MS, MOST_SKEW_MS)
APPLICATION = st.integers(0, 3)
PAUSES_MS = (1, 500, 999, 1000, 1001, 10_000, 11_000, 59_000, 60_000, 61_000, 61_001, 70_000)
LEAPS = (600, 600, HOUR, HOUR + 1, HOUR + 2, HOUR + 2, 2 * HOUR + 1, 5 * HOUR, DAY, DAY, 31 * DAY, 366 * DAY)

_numbers = itertools.count()


@cache
def _password_hash() -> str:
    return Argon2Passwords(CHEAPEST).hash(PASSWORD)


class Histories(RuleBasedStateMachine):
    """People, devices, thieves and operators, with the service between them."""

    store: "ClassVar[tuple[list[DynamoDBClient], Mapping[str, str]]]"
    reached: ClassVar[Counter[tuple[str, Outcome]]] = Counter()
    """How often each outcome came of each kind of deed."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = Stack(*self.store)
        self.model = Model()
        self.users = DynamoDBUsers(self.stack.functions[0].client, self.stack.tables["UsersTable"])
        self.people = People([self._person() for _ in range(2)], [], Tokens())
        self.requests = itertools.count()
        self.moments = itertools.count()
        self.seen: list[Request] = []
        self.sightings: list[Sighting] = []

    def _person(self) -> Person:
        name = f"person-{next(_numbers)}"
        user = User(f"auth0|{name}", f"{name}@example.com", _password_hash(), claims={"name": name})
        self.users.put(user, replacing=None)
        return Person(user)

    # ---- What happens to the machines

    @initialize(skews=st.tuples(*[SKEW_MS] * 3), applications=st.tuples(FUNCTION, FUNCTION))
    def begins(self, skews: tuple[int, ...], applications: tuple[int, ...]) -> None:
        for function, skew_ms in zip(self.stack.functions, skews, strict=True):
            function.skew_ms = skew_ms
        for person, application in enumerate(applications):
            self.logs_in(person, application, function=0)

    @rule(ms=st.sampled_from(PAUSES_MS))
    def a_while_passes(self, ms: int) -> None:
        self.stack.now_ms += ms

    @rule(seconds=st.sampled_from(LEAPS), rotates=st.booleans())
    def time_leaps(self, seconds: int, *, rotates: bool) -> None:
        self.stack.now_ms += seconds * 1000
        if rotates:
            self.stack.rotate_keys()

    @rule(function=FUNCTION, skew_ms=SKEW_MS)
    def a_clock_is_set(self, function: int, skew_ms: int) -> None:
        self.stack.functions[function].skew_ms = skew_ms

    @rule(function=FUNCTION, cut_off=st.booleans())
    def a_function_restarts(self, function: int, *, cut_off: bool) -> None:
        """*cut_off*: it reaches Secrets Manager only as often as it must."""
        self.stack.functions[function].cut_off = cut_off
        self.stack.functions[function].restart()

    @rule(ahead=st.booleans())
    def the_keys_rotate(self, *, ahead: bool) -> None:
        self.stack.rotate_keys(ahead=ahead)

    @rule()
    def the_store_deletes_what_has_expired(self) -> None:
        """Some day, long after; and nothing that anybody could use."""
        client, table = self.stack.functions[0].client, self.stack.tables["FamiliesTable"]
        for name, family in list(self.model.families.items()):
            key = item_key(FamilyKey(user_key(family.user_id), encoding.decode(family.family_id)))
            item = client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
            if int(item["expires_at"]["N"]) < self.stack.now:
                assert family.ended_by_itself(self._policy(family.client_id), self.stack.now)
                client.delete_item(TableName=table, Key=key)
                del self.model.families[name]

    # ---- What operators change

    @rule(
        application=APPLICATION,
        change=st.one_of(
            st.fixed_dictionaries({"leeway": st.sampled_from(OFFERED_LEEWAYS)}),
            st.fixed_dictionaries({"idle_lifetime": st.sampled_from(OFFERED_LIFETIMES)}),
            st.fixed_dictionaries({"absolute_lifetime": st.sampled_from(OFFERED_LIFETIMES)}),
            st.fixed_dictionaries({"rotating": st.booleans()}),
            st.fixed_dictionaries({"revoke_on_logout": st.booleans()}),
        ),
    )
    def an_application_is_changed(self, application: int, change: dict[str, Any]) -> None:
        self.stack.set_policy(APPLICATIONS[application].client_id, **change)

    @rule(
        what=st.sampled_from(["a mark", "a block", *["nothing"] * 4]),
        application=st.none() | APPLICATION,
        person=PERSON,
        function=FUNCTION,
    )
    def an_operator_intervenes(self, what: str, application: int | None, person: int, function: int) -> None:
        """Seldom, since not much is left after it."""
        if what == "a mark":
            self.all_families_until_now_are_revoked(application)
        elif what == "a block" or self.people.persons[person].blocked:
            self.an_operator_blocks_or_unblocks(person, function)

    def all_families_until_now_are_revoked(self, application: int | None) -> None:
        """Of an application, or all of them: by a mark in the settings, which functions hear of within a minute."""
        settings = self.stack.settings
        if application is None:
            settings.not_before = self.stack.now
        else:
            client_id = APPLICATIONS[application].client_id
            changed = dataclasses.replace(settings.applications[client_id], not_before=self.stack.now)
            settings.applications[client_id] = changed

    def an_operator_blocks_or_unblocks(self, person: int, function: int) -> None:
        them = self.people.persons[person]
        stored = self.users.by_id(them.user.user_id)
        assert stored is not None
        them.blocked = not them.blocked
        self.users.put(dataclasses.replace(stored, blocked=them.blocked), replacing=stored)
        if them.blocked:
            self.happens(EndLogins(person), function)

    # ---- What people, devices and thieves do

    @rule(
        person=PERSON,
        application=APPLICATION,
        function=FUNCTION,
        has_key=st.sampled_from([True, True, False]),
        redeems=st.booleans(),
    )
    def logs_in(
        self, person: int, application: int, function: int, *, has_key: bool = False, redeems: bool = True
    ) -> None:
        them, asking, there = self.people.persons[person], APPLICATIONS[application], self.stack.functions[function]
        there.moment(-1)
        there.service.cookies = them.cookies
        response = there.service.authorize(asking)
        if response.status == 303:
            assert not them.blocked
        elif them.blocked:
            return
        else:
            response = there.service.log_in(asking, them.user.email)
        code = answered(response)["code"]
        stored = there.service.codes.find(authorization_code.digest(code))
        assert stored is not None
        grant, name = stored.grant, len(self.people.devices)
        epochs = stored.epoch, stored.application_epoch
        assert epochs == self.model.epochs_of(them.user.user_id, asking.client_id), "of a session that has ended"
        assert grant.session_id not in self.model.ended_sessions
        self.model.codes[name] = Code(
            user_id=grant.user_id,
            client_id=grant.client_id,
            session_id=grant.session_id,
            scope=deeds.GRANTED,
            audience=deeds.AUDIENCE,
            auth_time=grant.auth_time,
            epochs=epochs,
            expires_at=stored.expires_at,
        )
        them.session_id = grant.session_id
        key = Key() if has_key and asking.client_id == NATIVE.client_id else None
        device = Device(name, them, asking, code, grant.session_id, logged_in=next(self.moments), key=key)
        self.people.devices.append(device)
        if redeems:
            self.happens(Redeem(0), function)

    @rule(person=PERSON, application=APPLICATION, function=FUNCTION, everywhere=st.booleans())
    def a_login_ends_under_way(self, person: int, application: int, function: int, *, everywhere: bool) -> None:
        """Between the code and its exchange: everywhere, or in this browser."""
        self.logs_in(person, application, function, redeems=False)
        self.happens(EndLogins(person) if everywhere else LogOut(person), function)
        self.happens(Redeem(0), (function + 1) % 3)

    @rule(device=DEVICE, function=FUNCTION, late_ms=st.sampled_from([-1, 0, 999, 1000, 1001]))
    def an_answer_is_lost_and_the_copy_comes_at_the_edge(self, device: int, function: int, late_ms: int) -> None:
        """So long after leeway, by the clock of the other function that it comes to."""
        first, second = self.stack.functions[function], self.stack.functions[(function + 1) % 3]
        leeway = self._policy(self.people.device(device).application.client_id).leeway
        self.happens(deeds.Refresh(device, arrives=False), function)
        self.stack.now_ms += max(0, leeway * 1000 + late_ms + first.skew_ms - second.skew_ms)
        self.happens(deeds.Refresh(device), (function + 1) % 3)

    @rule(device=DEVICE)
    def a_thief_copies(self, device: int) -> None:
        robbed = self.people.device(device)
        robbed.stolen = robbed.held

    @rule(deed=DEEDS, function=FUNCTION)
    def happens(self, deed: Drawn, function: int) -> None:
        step = Step.begin(self, [(deed, function)])
        seen = [step.sends[0]()]
        legal = [schedules.alone(self.model, step.begins[0])]
        (act,) = step.acts
        if act.presented is not None and not self.stack.knows_key(key_id_of(act.presented)):
            # Its function may know the key still, or know it no more, or ask Secrets Manager in vain.
            self._needs_its_key_no_more(act)
            assert act.not_known is not None
            legal += [Legal((Answer(it),), legal[0].world) for it in (act.not_known, Outcome.UNAVAILABLE)]
        step.conclude(seen, legal)

    @rule(deed=DEEDS, function=FUNCTION, call=CALL, when=WHEN, fault=FAULT)
    def happens_with_a_fault(self, deed: Drawn, function: int, call: int, when: str, fault: str) -> None:
        step = Step.begin(self, [(deed, function)])
        if self._lacks_a_key(step):
            return
        legal = schedules.with_a_call_lost(self.model, step.begins[0], call, when)
        with Steps.of(step.functions[0].client) as steps:
            steps.fail(when, FAULTS[fault], calls=range(call, call + 1))
            seen = [step.sends[0]()]
        step.conclude(seen, [legal])

    @rule(deed=DEEDS, function=FUNCTION, operation=st.sampled_from(["UpdateItem", "TransactWriteItems"]))
    def happens_and_the_sdk_repeats(self, deed: Drawn, function: int, operation: str) -> None:
        """The answer to the first call of its kind gets lost on the wire."""
        step = Step.begin(self, [(deed, function)])
        if self._lacks_a_key(step):
            return
        legal = schedules.with_a_call_repeated(self.model, step.begins[0], operation)
        with lost_on_the_wire(step.functions[0].client, AFTER, requests=1, operation=operation):
            seen = [step.sends[0]()]
        step.conclude(seen, [legal])

    @rule(deed=DEEDS, other=DEEDS, function=FUNCTION, call=CALL, when=WHEN)
    def one_happens_amid_another(self, deed: Drawn, other: Drawn, function: int, call: int, when: str) -> None:
        step = Step.begin(self, [(deed, function), (other, (function + 1) % 3)])
        if self._lacks_a_key(step) or not schedules.happens_amid(self.model, step.begins[0], call):
            return
        legal = schedules.one_amid_another(self.model, step.begins[0], step.begins[1], call, when)
        amid: list[Observed] = []
        with Steps.of(step.functions[0].client) as steps:
            steps.interpose(when, lambda: amid.append(step.sends[1]()), calls=range(call, call + 1))
            seen = [step.sends[0]()]
        assert amid, "the model expects so many calls to the store"
        step.conclude(seen + amid, [legal])

    @rule(deed=DEEDS, other=DEEDS, function=FUNCTION)
    def two_happen_at_once(self, deed: Drawn, other: Drawn, function: int) -> None:
        step = Step.begin(self, [(deed, function), (other, (function + 1) % 3)])
        if self._lacks_a_key(step):
            return
        seen = at_once(step.sends)
        step.conclude(seen, schedules.at_once(self.model, step.begins[0], step.begins[1]))

    @rule(device=DEVICE, other=deeds.REFRESHES, function=FUNCTION)
    def two_copies_at_once(self, device: int, other: deeds.Refresh, function: int) -> None:
        """Of tokens of the same device."""
        self.two_happen_at_once(deeds.Refresh(device), replace(other, device=device), function)

    # ---- What must hold

    def teardown(self) -> None:
        """Ask what always holds of the whole history."""
        breaches = broken(History(tuple(self.seen), tuple(self.sightings)))
        assert not breaches, "\n".join(breaches)

    # ---- What is known of them

    def differences(self, world: Model, stored: Mapping[str, StoredFamily], persons: Collection[str]) -> list[str]:
        """Tell in what the store is not as the model says."""
        expected = {it.family_id: (name, it) for name, it in world.families.items() if it.user_id in persons}
        if expected.keys() != stored.keys():
            return [f"families {sorted(stored)}, not {sorted(expected)}"]
        pairs = [(name, family, stored[family_id]) for family_id, (name, family) in expected.items()]
        return [it for name, family, found in pairs for it in self._unlike(name, family, found)]

    def _unlike(self, name: int, family: Family, found: StoredFamily) -> Iterator[str]:
        known = range(max(0, family.generation - SLOTS), family.generation)
        expected: dict[str, tuple[object, object]] = {
            "client_id": (found.grant.client_id, family.client_id),
            "session_id": (found.grant.session_id, family.session_id),
            "scope": (found.grant.scope, family.scope),
            "key": (found.key_thumbprint, family.key),
            "created_at": (found.created_at, family.created_at),
            "absolute_expires_at": (found.absolute_expires_at, family.absolute_expires_at),
            "exchanged_at": (found.exchanged_at, family.exchanged_at),
            "idle_expires_at": (found.idle_expires_at, family.idle_expires_at),
            "non_rotating": (found.non_rotating, family.non_rotating),
            "generation": (found.generation, family.generation),
            "revoked_because": (found.revoked_because, family.revoked_because),
            "spent": (
                {slot: spent.at_ms for slot, spent in found.superseded.items()},
                {generation % SLOTS: family.spent_at_ms[generation] for generation in known},
            ),
        }
        live = self.people.tokens.texts.get(Position(name, family.generation))
        if live is not None:
            expected["live token"] = (found.live_digest, digest_of(live))
        for attribute, (is_so, should_be) in expected.items():
            if is_so != should_be:
                yield f"{attribute} of family {name} is {is_so}, not {should_be}"

    def hears(self, act: Act, seen: deeds.Seen, at: Moment) -> None:
        """Let whoever asked have the answer, if it arrives; and ask what a device may rely on."""
        outcome = seen.answer.outcome
        if act.ends_with_session and outcome is Outcome.DONE:
            act.person.session_id = None
        device, token = act.device, seen.answer.token
        if device is None or act.kind not in {Kind.REFRESH, Kind.CODE}:
            return
        text = None if token is None else self.people.tokens.texts[token]
        if act.kind is Kind.CODE:
            device.held = text if act.arrives and text is not None else device.held
        elif not act.honest:
            device.stolen = text if text is not None and act.presented == device.stolen else device.stolen
        elif act.presented == device.held:
            self._device_hears(device, act, outcome, text, at)

    def _device_hears(self, device: Device, act: Act, outcome: Outcome, text: str | None, at: Moment) -> None:
        """A device that nobody robbed may repeat what had no answer, for as long as no clock can be wrong about it."""
        now_ms = self.stack.now_ms
        if outcome is Outcome.REUSED and not device.shared:
            leeway = at.policy(device.application.client_id).leeway
            since_ms = 0 if device.sent_at_ms is None else now_ms - device.sent_at_ms
            assert leeway == 0 or since_ms > leeway * 1000 - 2 * MOST_SKEW_MS, "logged out for nothing"
        if text is not None and act.arrives:
            device.held, device.sent_at_ms = text, None
        elif text is not None or outcome is Outcome.UNAVAILABLE:
            device.sent_at_ms = now_ms if device.sent_at_ms is None else device.sent_at_ms

    # ---- What is known of them

    def _policy(self, client_id: str) -> RefreshTokenPolicy:
        return self.stack.settings.applications[client_id].refresh_token

    def _lacks_a_key(self, step: "Step") -> bool:
        presented = [act.presented for act in step.acts if act.presented is not None]
        return not all(self.stack.knows_key(key_id_of(text)) for text in presented)

    def _needs_its_key_no_more(self, act: Act) -> None:
        """What the rotation of keys promises."""
        family = None if act.position is None else self.model.families.get(act.position.family)
        if family is not None:
            assert family.ended_by_itself(self._policy(family.client_id), self.stack.now), "its key is gone"


@dataclass(frozen=True)
class Observed:
    """What came of one request, and when."""

    began: int
    seen: deeds.Seen
    answered: int


@dataclass(frozen=True)
class Step:
    """One or two deeds that are about to happen, each at a function of its own."""

    histories: Histories
    deeds: tuple[Drawn, ...]
    acts: tuple[Act, ...]
    functions: tuple[Function, ...]
    moments: tuple[Moment, ...]
    sends: tuple[Callable[[], Observed], ...]

    @classmethod
    def begin(cls, histories: Histories, happening: Sequence[tuple[Drawn, int]]) -> Self:
        """Prepare these deeds, each at the function of that number."""
        acts = tuple(deed.act(histories.people) for deed, _ in happening)
        functions = tuple(histories.stack.functions[number] for _, number in happening)
        moments = tuple(function.moment(next(histories.requests)) for function in functions)
        prepared = [act.prepare(function) for act, function in zip(acts, functions, strict=True)]

        def observed(send: Callable[[], deeds.Seen]) -> Observed:
            return Observed(next(histories.moments), send(), next(histories.moments))

        sends = tuple(partial(observed, send) for send in prepared)
        return cls(histories, tuple(deed for deed, _ in happening), acts, functions, moments, sends)

    @property
    def begins(self) -> list[schedules.Begin]:
        """How the deeds begin in a world of the model."""
        return [partial(_predicted, act, moment) for act, moment in zip(self.acts, self.moments, strict=True)]

    def conclude(self, observed: Sequence[Observed], legal: Iterable[Legal]) -> None:
        """Find what happened among what may happen, and go on from there."""
        histories = self.histories
        answers = tuple(it.seen.answer for it in observed)
        persons = {act.person.user.user_id for act in self.acts}
        stored, ids = self._stored(persons), self._ids_of_new_families()
        differences = []
        for candidate in legal:
            for name, family_id in ids.items():
                if name in candidate.world.families:
                    candidate.world.families[name].family_id = family_id
            unlike = histories.differences(candidate.world, stored, persons)
            if candidate.answers == answers and not unlike:
                histories.model = candidate.world
                break
            differences.append(f"expected {candidate.answers}, and {unlike or 'the store as it is'}")
        else:
            raise AssertionError("\n".join([f"seen {answers}", *differences]))
        for deed, answer in zip(self.deeds, answers, strict=True):
            histories.reached[type(deed).__name__, answer.outcome] += 1
        self._record(observed, stored.values())
        for act in self.acts:
            if act.device is not None and act.kind is Kind.REFRESH:
                act.device.shared |= not act.honest
        for act, one, at in zip(self.acts, observed, self.moments, strict=True):
            histories.hears(act, one.seen, at)

    def _stored(self, persons: Collection[str]) -> dict[str, StoredFamily]:
        """The families of those whom this is about, by their ids."""
        families = self.functions[0].service.families
        return {encoding.encode(it.key.family_id): it for person in sorted(persons) for it in families.of_user(person)}

    def _ids_of_new_families(self) -> dict[int, str]:
        """The ids of families that these deeds began, by name: also of those of which nobody heard."""
        ids = {}
        for device in {id(act.device): act.device for act in self.acts if act.device}.values():
            if device.name not in self.histories.model.families:
                code = self.functions[0].service.codes.find(authorization_code.digest(device.code))
                if code is not None and code.family is not None:
                    ids[device.name] = encoding.encode(code.family.family_id)
        return ids

    def _record(self, observed: Sequence[Observed], stored: Iterable[StoredFamily]) -> None:
        """Add to the history what an onlooker saw."""
        requests: list[Request] = []
        for act, moment, one in zip(self.acts, self.moments, observed, strict=True):
            requests += _requests(act, moment, one, self.histories.stack)
        requests.sort(key=lambda it: it.began)
        by = len(self.histories.seen) if len(requests) == 1 else None
        at = next(self.histories.moments)
        if len(self.acts) > 1:
            # What one of them did may be why the other was refused, and nobody looked in between.
            late = next(self.histories.moments)
            requests = [it if it.answered is None else replace(it, answered=late) for it in requests]
        self.histories.seen += requests
        self.histories.sightings += [Sighting(at, family, by) for family in stored]


def _predicted(act: Act, moment: Moment, world: Model) -> Deed:
    return act.predict(world, moment)


def _requests(act: Act, moment: Moment, one: Observed, stack: Stack) -> list[Request]:
    """A request as an onlooker saw it; a logout once for each application whose families it ends."""
    request = Request(
        by=f"{type(act).__name__} at {moment.now_ms}",
        kind=act.kind,
        began=one.began,
        at_ms=moment.now_ms,
        answered=one.answered,
        response=one.seen.response,
        **act.observed,
    )
    if act.client_id is not None:
        policy = moment.policy(act.client_id)
        return [
            replace(
                request,
                leeway=policy.leeway,
                rotates=policy.rotating,
                idle_lifetime=policy.idle_lifetime,
                not_before=moment.not_before(act.client_id),
            )
        ]
    if act.ends_with_session:
        return [_logout_of(request, client_id, moment, stack) for client_id in moment.applications]
    return [request]


def _logout_of(request: Request, client_id: str, moment: Moment, stack: Stack) -> Request:
    """A logout, for the families of one application: they must end if all functions say so, and may if one does."""
    held = [it.service.configuration.applications for it in stack.functions]
    copies = [
        copy[client_id] for copy in (moment.applications, stack.settings.applications, *held) if client_id in copy
    ]
    say_so = [application.refresh_token.revoke_on_logout for application in copies]
    if all(say_so):
        return replace(request, client_id=client_id)
    if any(say_so):
        return replace(request, client_id=client_id, answered=None, response=None)
    return replace(request, client_id=client_id, kind=Kind.OTHER)
