"""What is always true of families, whatever was asked, in whatever order, and whatever failed meanwhile.

A `History` is what somebody saw who watched from outside:

* the **requests**, each with who sent it, what it brought, when it began, and when it was answered and with what.
  One that was never answered (its function died, or its answer got lost) has `answered=None` and may have done
  anything that it could have done;
* the **sightings**: a family's item, strongly consistent, as it stood at a moment. Few or many: an invariant says
  less about what nobody looked at, and never something wrong. `by` names the request that just wrote it, if known;
* the **issued** refresh tokens, which were handed out before the history begins.

Moments (`began`, `answered`, `at`) are numbers that grow with real time: positions in a list, or seconds of one
clock that everybody shares. `at_ms` is something else: what the clock of the answering function said, in epoch
milliseconds. When in doubt, `began` is too early and `answered` too late.

Every invariant is a function that yields a line for each breach; `broken` asks them all.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from hashlib import sha256
from itertools import pairwise
from math import inf

from heirloom.domain import encoding, lifetimes
from heirloom.domain.errors import UNKNOWN_REFRESH_TOKEN
from heirloom.domain.family import SLOTS, Family, Grant
from heirloom.domain.refresh_token import PREFIX, FamilyKey, well_formed
from heirloom.http import Response


class Kind(StrEnum):
    """What a request asks for."""

    REFRESH = "refresh"
    CODE = "code exchange"
    REVOKE = "revoke"
    LOGOUT = "logout"
    END_LOGINS = "end of a user's logins"
    OTHER = "something else"
    """Whatever changes no family."""


@dataclass(frozen=True)
class Request:
    """One request, and what became of it. Empty is what does not apply to its kind."""

    by: str
    """Who sent it: for people to read, no invariant asks."""
    kind: Kind
    began: float
    at_ms: int
    answered: float | None = None
    response: Response | None = None
    """`None` while there is no answer. That of an operator's command is 204, or 503."""
    client_id: str = ""
    """REFRESH, CODE, REVOKE: the client that it proved to be. LOGOUT, END_LOGINS: whose families go, empty for all."""
    token: str = ""
    """REFRESH, REVOKE: the refresh token that was presented."""
    ends_grant: bool = False
    """REVOKE: whether that function knew the tenant as one where it ends all of the grant, on every device."""
    code: str = ""
    logged_in: float = -inf
    """CODE: when the person had logged in."""
    session_id: str = ""
    """LOGOUT: the session that ends."""
    user_id: str = ""
    """END_LOGINS: whose."""
    leeway: int = lifetimes.LEEWAY
    """REFRESH: seconds, as the answering function knew the application's setting."""
    rotates: bool = True
    idle_lifetime: int | None = None
    not_before: int = 0
    """REFRESH: more of what that function knew of the application. Families created before `not_before` are dead."""

    @property
    def succeeded(self) -> bool:
        """Tell whether it did all that it was asked for."""
        return self.response is not None and self.response.status in {200, 204, 303}

    @property
    def logged_out(self) -> bool:
        """Tell whether it was told that the token is no good: other refusals leave whoever asked what they have."""
        return self.response is not None and _document(self.response.body).get("error") == "invalid_grant"

    @property
    def refused(self) -> bool:
        """Tell whether it was told no."""
        return self.response is not None and 400 <= self.response.status < 500

    @cached_property
    def answer(self) -> str:
        """The refresh token of a successful answer to REFRESH or CODE, if it has one."""
        if self.kind not in {Kind.REFRESH, Kind.CODE} or self.response is None or self.response.status != 200:
            return ""
        return str(_document(self.response.body).get("refresh_token", ""))

    def __str__(self) -> str:
        """Return it in a line."""
        status = self.response.status if self.response else "no answer"
        return f"{self.by}: {self.kind}, from {self.began} to {self.answered}: {status}"


@dataclass(frozen=True)
class Sighting:
    """A family as it stood."""

    at: float
    family: Family
    by: int | None = None
    """The request (its index) whose write this shows, and nobody else's."""


@dataclass(frozen=True)
class Token:
    """What a refresh token says of itself, whoever made it."""

    family: FamilyKey
    generation: int
    digest: bytes


@dataclass(frozen=True)
class History:
    """What was seen. Requests are in the order of their beginning, sightings in that of their moments."""

    requests: tuple[Request, ...]
    sightings: tuple[Sighting, ...]
    issued: frozenset[str] = frozenset()

    @cached_property
    def by_family(self) -> dict[FamilyKey, list[Sighting]]:
        """The sightings of each family."""
        families: dict[FamilyKey, list[Sighting]] = {}
        for sighting in self.sightings:
            families.setdefault(sighting.family.key, []).append(sighting)
        return families

    def before(self, key: FamilyKey, moment: float) -> Family | None:
        """Return a family as it was last seen up to *moment*."""
        seen = [it.family for it in self.by_family.get(key, ()) if it.at <= moment]
        return seen[-1] if seen else None

    def after(self, key: FamilyKey, moment: float) -> Family | None:
        """Return a family as it was first seen from *moment* on."""
        return next((it.family for it in self.by_family.get(key, ()) if it.at >= moment), None)

    def owner(self, key: FamilyKey) -> str | None:
        """Return the client to which a family belongs, if it was ever seen."""
        seen = self.by_family.get(key)
        return seen[0].family.grant.client_id if seen else None

    @cached_property
    def handed_out(self) -> dict[str, float]:
        """Every refresh token that anybody has from us, with the moment from which somebody had it."""
        tokens = dict.fromkeys(self.issued, -inf)
        for request in self.requests:
            if request.answer and request.answered is not None:
                tokens[request.answer] = min(request.answered, tokens.get(request.answer, inf))
        return tokens

    @cached_property
    def presentations(self) -> list["Presentation"]:
        """The refreshes and revocations by whom the family belongs to, with a genuine token of it."""
        found = []
        for request in self.requests:
            if request.kind in {Kind.REFRESH, Kind.REVOKE} and request.token in self.handed_out:
                token = parsed(request.token)
                if token is not None and request.client_id == self.owner(token.family):
                    found.append(Presentation(request, token))
        return found

    def spent(self, token: Token, *, until: float) -> Sighting | None:
        """Return the first sighting in which a token was spent, if that was until then."""
        seen = self.by_family.get(token.family, ())
        first = next((it for it in seen if it.family.generation > token.generation), None)
        return first if first is not None and first.at <= until else None


@dataclass(frozen=True)
class Presentation:
    """A genuine token in a request of its own client."""

    request: Request
    token: Token

    def late(self, history: History, *, by_when: float, tolerance: int = 0) -> bool:
        """Tell whether its token had been spent more than leeway and *tolerance* seconds before, as seen *by_when*."""
        spent = history.spent(self.token, until=by_when)
        if spent is None or (spent.by is not None and history.requests[spent.by] is self.request):
            return False  # it spent the token itself, and the SDK asked once more
        known = spent.family.superseded.get(self.token.generation % SLOTS)
        seen_at_once = known is not None and spent.family.generation - self.token.generation <= SLOTS
        ago = max(0, self.request.at_ms - known.at_ms) if known is not None and seen_at_once else inf
        family = history.before(self.token.family, by_when)
        forgotten = family is not None and family.generation - self.token.generation > SLOTS
        leeway = self.request.leeway
        return forgotten or leeway == 0 or ago > (leeway + tolerance) * 1000


@cache
def parsed(text: str) -> Token | None:
    """Return what *text* says of itself, if it has the shape of a refresh token."""
    if not well_formed(text):
        return None
    octets = encoding.decode(text.removeprefix(PREFIX))
    identity = octets[2:62]
    return Token(
        family=FamilyKey(identity[:8], identity[8:24]),
        generation=int.from_bytes(identity[24:28]),
        digest=sha256(octets[:1] + identity).digest(),
    )


# ---- The invariants


def a_family_has_one_live_generation(history: History) -> Iterator[str]:
    """A family is handed from one generation to the next, and each of them is one token (docs/architecture.md, Data).

    What was granted and when it must end is never written again.
    """
    for key, seen in history.by_family.items():
        digests: dict[int, bytes] = {}
        for sighting in seen:
            family = sighting.family
            if digests.setdefault(family.generation, family.live_digest) != family.live_digest:
                yield f"{_name(key)}: two tokens of generation {family.generation} were live"
        for before, after in pairwise(seen):
            if after.family.generation < before.family.generation:
                yield f"{_name(key)}: from generation {before.family.generation} back to {after.family.generation}"
            if (after.family.grant, after.family.created_at) != (before.family.grant, before.family.created_at):
                yield f"{_name(key)}: the grant was changed"
            if after.family.absolute_expires_at > before.family.absolute_expires_at:
                yield f"{_name(key)}: the absolute end was put off"


def a_revoked_family_stays_revoked(history: History) -> Iterator[str]:
    """A revocation is set once, and the item stays as evidence (docs/architecture.md, Data)."""
    for key, seen in history.by_family.items():
        for before, after in pairwise(seen):
            end = (before.family.revoked_at, before.family.revoked_because)
            if before.family.revoked_at is None:
                continue
            if (after.family.revoked_at, after.family.revoked_because) != end:
                yield f"{_name(key)}: the revocation was changed"
            if after.family.generation != before.family.generation:
                yield f"{_name(key)}: rotated after its revocation"


def every_answer_carries_the_live_token(history: History) -> Iterator[str]:
    """A successful answer has the token that was live at a moment between question and answer (docs/rotation.md)."""
    for request in history.requests:
        if request.kind is Kind.REFRESH and request.succeeded and not request.answer:
            yield f"{request}: no refresh token"
        token = parsed(request.answer) if request.answer else None
        if token is None or request.answered is None:
            continue
        before, after = history.before(token.family, request.began), history.after(token.family, request.answered)
        last = history.before(token.family, inf)
        if before is not None and not _is_or_follows(token, before):
            yield f"{request}: generation {token.generation}, which was spent before it began"
        if after is None and last is not None and last.generation < token.generation:
            continue  # nobody has looked since
        if after is not None and not _leads_to(token, after):
            yield f"{request}: generation {token.generation}, which was not live yet, or never"


def answers_never_fork(history: History) -> Iterator[str]:
    """Copies of one token lead to the same line: each generation has one text (docs/rotation.md, An example)."""
    texts: dict[tuple[FamilyKey, int], str] = {}
    for text in (*history.issued, *(it.answer for it in history.requests if it.answer)):
        token = parsed(text)
        if token is None:
            yield f"an answer without a token of ours: {text}"
        elif texts.setdefault((token.family, token.generation), text) != text:
            yield f"{_name(token.family)}: two texts for generation {token.generation}"


def an_answer_leads_onwards(history: History) -> Iterator[str]:
    """The answer is further on the presented token's line, and at least as far as every answer of before it began."""
    answers = [(it, token) for it in history.requests if (token := parsed(it.answer))]
    for request, token in answers:
        presented = parsed(request.token)
        if presented is not None:
            if token.family != presented.family:
                yield f"{request}: a token of another family"
            elif token.generation < presented.generation + request.rotates:
                yield f"{request}: from generation {presented.generation} to {token.generation}"
        for earlier, its in answers:
            ahead = its.family == token.family and its.generation > token.generation
            if ahead and earlier.answered is not None and earlier.answered < request.began:
                yield f"{request}: generation {token.generation}, after {its.generation} had been answered"


def nobody_is_logged_out_without_a_cause(history: History) -> Iterator[str]:
    """An honest client that follows the protocol is refused only for a thief, a revocation or an expiry.

    docs/rotation.md, What an application sees.

    It follows the protocol if it presents the token that it was answered last, again at once when there was no
    answer or a 503. Here: a refusal has a cause that somebody gave before it was answered. That this very token was
    spent more than leeway before is a cause, and also what a client that follows the protocol never does.
    """
    for request, token in ((it.request, it.token) for it in history.presentations):
        if request.kind is Kind.REFRESH and request.logged_out and request.answered is not None:
            family = history.before(token.family, request.answered)
            if (family is None or not _ended_by_itself(family, request)) and not _may_have_ended(
                history, token.family, until=request.answered
            ):
                yield f"{request}: refused without a cause"


def a_family_is_revoked_only_for_a_cause(history: History) -> Iterator[str]:
    """Its client, its person, its operator, or a copy that came too late: nothing else ends it (docs/rotation.md)."""
    for key, seen in history.by_family.items():
        for before, after in pairwise(seen):
            if before.family.revoked_at is None and after.family.revoked_at is not None:
                if not _may_have_ended(history, key, until=after.at):
                    yield f"{_name(key)}: revoked ({after.family.revoked_because}) without a cause"
                break


def both_holders_are_out_once_one_is_late(history: History) -> Iterator[str]:
    """A token that is presented more than leeway after it was spent is refused, and ends its family.

    docs/rotation.md, The promise.

    The refusal is answered only once that is durable. One second of leeway is for the clocks of two functions.
    """
    for presentation in history.presentations:
        request, token = presentation.request, presentation.token
        if request.kind is not Kind.REFRESH or not presentation.late(
            history, by_when=request.began, tolerance=lifetimes.CLOCK_SKEW
        ):
            continue
        if request.succeeded:
            yield f"{request}: a token that was spent too long before"
        before = history.before(token.family, request.began)
        if request.refused and request.answered is not None and not (before and _ended_by_itself(before, request)):
            yield from _alive_since(history, token.family, request.answered, f"after {request}")


def nothing_works_after_a_revocation(history: History) -> Iterator[str]:
    """Once a revoke, a logout or the end of a user's logins is answered, no token of what it ends works.

    That holds for logins that were under way: no code of before becomes a family after
    (docs/architecture.md, Revocation).
    """
    for presentation in history.presentations:
        request = presentation.request
        if request.kind is Kind.REVOKE and request.succeeded and request.answered is not None:
            yield from _alive_since(history, presentation.token.family, request.answered, f"after {request}")
    for request in history.requests:
        if request.kind in {Kind.LOGOUT, Kind.END_LOGINS} and request.succeeded and request.answered is not None:
            for key in history.by_family:
                if _is_ended_by(request, key, history):
                    yield from _alive_since(history, key, request.answered, f"after {request}")


def a_foreign_client_or_forger_changes_nothing(history: History) -> Iterator[str]:
    """Whoever is not a family's client, or has no token that was handed out, gets nothing and harms nobody.

    docs/rotation.md, When exactly.
    """
    mine = {id(it.request) for it in history.presentations}
    for index, request in enumerate(history.requests):
        if request.kind not in {Kind.REFRESH, Kind.REVOKE} or id(request) in mine:
            continue
        token = parsed(request.token)
        if token is not None and history.owner(token.family) is None:
            continue  # of a family that nobody looked at
        if request.kind is Kind.REFRESH and request.succeeded:
            yield f"{request}: answered, though foreign or forged"
        if token is not None:
            seen = history.by_family.get(token.family, [])
            for before, after in pairwise(seen):
                if after.by == index and after.family != before.family:
                    yield f"{request}: changed the family, though foreign or forged"


def a_code_becomes_one_family(history: History) -> Iterator[str]:
    """An authorization code is exchanged once (RFC 6749 §4.1.2; docs/architecture.md, One login)."""
    exchanged: dict[str, Request] = {}
    for request in history.requests:
        if request.kind is Kind.CODE and request.succeeded:
            first = exchanged.setdefault(request.code, request)
            if first is not request:
                yield f"{request}: the code was exchanged before by {first}"


def nobody_lives_on_after_expiry(history: History) -> Iterator[str]:
    """Every end is part of the condition: a family past one of them answers nobody.

    docs/rotation.md, How long a family lives.
    """
    for request in history.requests:
        token = parsed(request.token) if request.kind is Kind.REFRESH and request.succeeded else None
        family = history.before(token.family, request.began) if token else None
        if family is not None and _ended_by_itself(family, request):
            yield f"{request}: after the family's end"


def every_answer_is_as_specified(history: History) -> Iterator[str]:
    """200, 4xx as RFC 6749 §5.2 and RFC 7009 §2.2 have them, or 503 with `Retry-After` and without JSON.

    docs/errors.md.
    """
    for request in history.requests:
        response = request.response
        if response is not None and (wrong := _wrong_with(response, request.kind)):
            yield f"{request}: {wrong}: {response.body[:200]}"


INVARIANTS: tuple[Callable[[History], Iterator[str]], ...] = (
    a_family_has_one_live_generation,
    a_revoked_family_stays_revoked,
    every_answer_carries_the_live_token,
    answers_never_fork,
    an_answer_leads_onwards,
    nobody_is_logged_out_without_a_cause,
    a_family_is_revoked_only_for_a_cause,
    both_holders_are_out_once_one_is_late,
    nothing_works_after_a_revocation,
    a_foreign_client_or_forger_changes_nothing,
    a_code_becomes_one_family,
    nobody_lives_on_after_expiry,
    every_answer_is_as_specified,
)


def broken(history: History) -> list[str]:
    """Return each breach of an invariant, with the invariant's name; nothing when all is well."""
    return [f"{invariant.__name__}: {breach}" for invariant in INVARIANTS for breach in invariant(history)]


# ---- What they share


def _is_or_follows(token: Token, family: Family) -> bool:
    same = token.generation == family.generation and token.digest == family.live_digest
    return same or token.generation > family.generation


def _leads_to(token: Token, family: Family) -> bool:
    same = token.generation == family.generation and token.digest == family.live_digest
    return same or token.generation < family.generation


def _ended_by_itself(family: Family, request: Request) -> bool:
    now, idle = request.at_ms // 1000, request.idle_lifetime
    ends = min(family.absolute_expires_at, family.idle_expires_at, inf if idle is None else family.exchanged_at + idle)
    return ends <= now or family.created_at < request.not_before


def _alive_since(history: History, key: FamilyKey, moment: float, why: str) -> Iterator[str]:
    """Yield what shows that a family was alive after *moment*."""
    for presentation in history.presentations:
        request = presentation.request
        if presentation.token.family == key and request.began > moment and request.answer:
            yield f"{request}: answered {why}"
    for request in history.requests:
        token = parsed(request.answer) if request.kind is Kind.CODE and request.began > moment else None
        if token is not None and token.family == key:
            yield f"{request}: answered {why}"
    for sighting in history.by_family.get(key, ()):
        if sighting.at > moment and sighting.family.revoked_at is None:
            yield f"{_name(key)}: alive at {sighting.at}, {why}"


def _is_ended_by(request: Request, key: FamilyKey, history: History) -> bool:
    """Tell whether an end of a session or of a user's logins has to end a family."""
    first = history.by_family[key][0]
    grant = first.family.grant
    if request.client_id not in {"", grant.client_id}:
        return False
    if request.kind is Kind.LOGOUT:
        return grant.session_id == request.session_id
    if grant.user_id != request.user_id:
        return False
    exchange = next((it for it in history.requests if (token := parsed(it.answer)) and token.family == key), None)
    if exchange is None and first.by is not None:
        exchange = history.requests[first.by]
    logged_in = exchange.logged_in if exchange is not None and exchange.kind is Kind.CODE else -inf
    known_before = first.at <= request.began
    return known_before or (exchange is not None and logged_in < request.began)


def _may_have_ended(history: History, key: FamilyKey, *, until: float) -> bool:
    """Tell whether anybody gave a cause for the end of a family before *until*."""
    presented = (it for it in history.presentations if it.token.family == key and it.request.began < until)
    others = (it for it in history.requests if it.began < until)
    return any(_may_end(it, history, until) for it in presented) or any(
        _may_end_unseen(it, key, history) for it in others
    )


def _may_end(presentation: Presentation, history: History, until: float) -> bool:
    request = presentation.request
    by_when = min(until, inf if request.answered is None else request.answered)
    return request.kind is Kind.REVOKE or presentation.late(history, by_when=by_when)


def _may_end_unseen(  # noqa: PLR0911 - one kind, one answer
    request: Request, key: FamilyKey, history: History
) -> bool:
    """Tell whether a request may end a family none of whose tokens it brings."""
    seen = history.by_family.get(key)
    if seen is None:
        return False
    grant = seen[0].family.grant
    match request.kind:
        case Kind.LOGOUT:
            return request.session_id == grant.session_id
        case Kind.END_LOGINS:
            return request.user_id == grant.user_id and request.client_id in {"", grant.client_id}
        case Kind.REFRESH:
            return _begins_to_rotate_beside(request, key, history)
        case Kind.CODE:
            return _repeats_the_code_of(request, key, history)
        case Kind.REVOKE:
            token = parsed(request.token)
            other = history.before(token.family, inf) if token is not None and request.ends_grant else None
            return other is not None and _what(other.grant) == _what(grant)
        case Kind.OTHER:
            return False


def _what(grant: Grant) -> tuple[str, str, str]:
    return grant.user_id, grant.client_id, grant.audience


def _begins_to_rotate_beside(request: Request, key: FamilyKey, history: History) -> bool:
    """Tell whether a refresh may have begun to rotate another family: what did not rotate beside it ends then."""
    token = parsed(request.token)
    if token is None or token.family == key or not request.rotates:
        return False
    both = [history.by_family.get(it, []) for it in (key, token.family)]
    return all(any(sighting.family.non_rotating is not None for sighting in seen) for seen in both)


def _repeats_the_code_of(request: Request, key: FamilyKey, history: History) -> bool:
    """Tell whether a code exchange came more than ten seconds after the one that made a family."""
    for other in history.requests:
        token = parsed(other.answer)
        made_it = token is not None and token.family == key
        maybe = not other.succeeded and not other.refused  # whoever heard nothing good may have made it
        if other is not request and other.code == request.code and (made_it or maybe):
            return request.at_ms - other.at_ms > lifetimes.REPEATED_CODE * 1000
    return False


def _wrong_with(response: Response, kind: Kind) -> str:  # noqa: PLR0911 - one kind, one answer
    if kind is Kind.END_LOGINS:
        return "" if response.status in {204, 503} else "no answer of ours"
    if response.status == 503:
        json_like = response.headers.get("content-type", "").startswith("application/json")
        return "503 without Retry-After, or with JSON" if "retry-after" not in response.headers or json_like else ""
    match kind:
        case Kind.REFRESH | Kind.CODE if response.status == 200:
            return "" if _document(response.body).keys() >= _TOKEN_ANSWER else "no token answer"
        case Kind.REVOKE if response.status == 200:
            return "a body" if response.body else ""
        case Kind.REFRESH | Kind.CODE | Kind.REVOKE:
            return _wrong_with_refusal(response, kind)
        case Kind.LOGOUT:
            return "" if response.status in {200, 303, 400} else "no answer of ours"
        case Kind.OTHER:
            return "" if response.status < 500 else "no answer of ours"


def _wrong_with_refusal(response: Response, kind: Kind) -> str:
    document = _document(response.body)
    error = document.get("error")
    if (response.status, error) not in _REFUSALS:
        return "no answer of ours"
    if kind is Kind.REFRESH and error == "invalid_grant" and document["error_description"] != UNKNOWN_REFRESH_TOKEN:
        return "tells more than that the token is no good"
    return "" if response.headers.get("cache-control") == "no-store" else "may be cached"


_TOKEN_ANSWER = {"access_token", "token_type", "expires_in"}
_REFUSALS = {
    (400, "invalid_request"),
    (400, "invalid_grant"),
    (400, "invalid_scope"),
    (400, "invalid_target"),
    (400, "unauthorized_client"),
    (400, "unsupported_grant_type"),
    (400, "invalid_dpop_proof"),
    (400, "use_dpop_nonce"),
    (401, "invalid_client"),
}


def _document(body: str) -> dict[str, object]:
    """Return a JSON object; nothing when *body* is none."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _name(key: FamilyKey) -> str:
    return f"family {encoding.encode(key.family_id)}"
