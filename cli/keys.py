"""`heirloom keys`: shows the keys of a stack, rotates them ahead of their time, and takes out compromised ones.

No secret comes to this machine: a deployed stack's function does the work.
"""

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import boto3
from botocore.config import Config

from cli import output, target
from cli.output import Failure, Status
from heirloom.adapters import key_requests
from heirloom.adapters.key_rotation import Ring
from heirloom.domain import lifetimes
from local import stack, stores, template

_RINGS: Final = {Ring.SIGNING: "signing_keys", Ring.TOKEN: "token_keys"}
_ALL: Final = "all"
_PATIENT: Final = Config(read_timeout=90, retries={"total_max_attempts": 1})
"""Making RSA keys takes seconds."""

type Answer = dict[str, Any]


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    keys = subparsers.add_parser(
        "keys",
        help="the keys that sign tokens and make refresh tokens",
        description="Signing keys sign access tokens and ID tokens; token keys make refresh tokens. A schedule rotates"
        " both in a deployed stack.",
    )
    verbs = keys.add_subparsers(metavar="VERB", required=True)

    show = verbs.add_parser(
        "show", help="ids, states, ages and next moves", description="Show the keys and what becomes of them next."
    )
    show.set_defaults(run=_show)

    rotate = verbs.add_parser(
        "rotate",
        help="let the next key take over ahead of its time",
        description="Let the next signing key and the next token key take over now. It is as safe as the schedule: a"
        " key that may not be known everywhere yet stays next, and the command ends with 1 and says from when on it"
        " may. The former keys go on checking what they made.",
    )
    which = rotate.add_mutually_exclusive_group()
    for ring in Ring:
        which.add_argument(
            f"--{ring}", dest="ring", action="store_const", const=ring, help=f"only the {ring} key, not both"
        )
    rotate.set_defaults(run=_rotate)

    revoke = verbs.add_parser(
        "revoke",
        help="take compromised keys out at once",
        description="Replace keys that somebody else may have, at once: give their ids, or `all` of that kind if the"
        " secret was read. Access tokens that a signing key signed are worthless from then on. Refresh tokens that a"
        " token key made stay good; to end them too, set not_before in the tenant file.",
    )
    compromised = revoke.add_mutually_exclusive_group(required=True)
    for ring in Ring:
        compromised.add_argument(f"--{ring}", nargs="+", metavar="ID", help=f"ids of {ring} keys, or `{_ALL}`")
    revoke.set_defaults(run=_revoke)

    for verb in (show, rotate, revoke):
        target.add_arguments(verb)
        output.add_arguments(verb)


def _show(options: argparse.Namespace) -> Status:
    answer = _asked(options, {"action": "show"})
    output.answer(options, answer, _described(answer))
    return Status.DONE


def _rotate(options: argparse.Namespace) -> Status:
    rings = list(Ring) if options.ring is None else [options.ring]
    answer = _asked(options, {"action": "rotate", "ahead": rings})
    waiting = [ring for ring in rings if not _changed(answer, ring)]
    if waiting:
        said = [*_moves(answer), *(_not_yet(answer, ring) for ring in waiting)]
        raise Failure("\n".join(said), beside=answer)
    output.answer(options, answer, [*_moves(answer), _ROTATED])
    return Status.DONE


def _revoke(options: argparse.Namespace) -> Status:
    ring = Ring.SIGNING if options.signing else Ring.TOKEN
    named = options.signing or options.token
    request: Answer = {"action": "revoke", "ring": ring}
    if named != [_ALL]:
        request["keys"] = named if ring is Ring.SIGNING else [_token_key_id(one) for one in named]
    answer = _asked(options, request)
    consequences = _SIGNING_KEY_REVOKED if ring is Ring.SIGNING else _TOKEN_KEY_REVOKED
    output.answer(options, answer, [*_moves(answer), *consequences])
    return Status.DONE


_FOLLOWED: Final = (
    f"{lifetimes.CACHED_KEYS} s, or {lifetimes.CACHED_KEYS_IN_NEED} s where Secrets Manager does not answer"
)
_ROTATED: Final = f"in use everywhere after {_FOLLOWED}; what the former keys made stays good"
_STILL_TAKEN: Final = lifetimes.CACHED_CONFIGURATION + lifetimes.CACHED_JWKS
_SIGNING_KEY_REVOKED: Final = (
    f"no function signs with it after {lifetimes.CACHED_CONFIGURATION} s",
    f"verifiers may take what it signed for {_STILL_TAKEN} s more; empty whatever caches jwks.json in front of them",
)
_TOKEN_KEY_REVOKED: Final = (
    f"no function makes tokens with it after {_FOLLOWED}",
    "refresh tokens that it made stay good; to end them too, set not_before in the tenant file",
)


def _asked(options: argparse.Namespace, request: Answer) -> Answer:
    if options.endpoint is not None:
        dynamodb, secrets_manager = (stack.client(name, options.endpoint) for name in ("dynamodb", "secretsmanager"))
        rotation = stores.rotation(template.load(), dynamodb, secrets_manager)
        answer = key_requests.answer(request, rotation, int(time.time()))
    else:
        answer = _invoked(target.of(options).names["RotateKeysFunction"], request)
    if "error" in answer:
        raise Failure(f"nothing was changed: {answer['error']}: {answer['reason']}", status=Status.INVALID)
    return answer


def _invoked(function: str, request: Answer) -> Answer:
    reply = boto3.client("lambda", config=_PATIENT).invoke(FunctionName=function, Payload=json.dumps(request))
    answer: Answer = json.load(reply["Payload"])
    if "FunctionError" in reply:
        raise Failure(f"{function} failed, and its log says why: {answer.get('errorType')}; the same command goes on")
    return answer


def _token_key_id(text: str) -> int:
    if not text.isdecimal():
        raise Failure(f"{text} is no id of a token key: that is a number", status=Status.INVALID)
    return int(text)


def _changed(answer: Answer, ring: Ring) -> bool:
    return any(move["ring"] == ring and move["to"] == "current" for move in answer["moved"])


def _not_yet(answer: Answer, ring: Ring) -> str:
    """Say from when on the next key may take over."""
    ready = [key["ready_at"] for key in answer[_RINGS[ring]] if key["state"] == "next"]
    if not ready:
        return f"the {ring} key stays: all ids are taken by keys that refresh tokens may hang on"
    return f"the {ring} key stays: the next one must be known everywhere first, and may take over from {_at(*ready)} on"


def _moves(answer: Answer) -> Iterator[str]:
    for move in answer["moved"]:
        yield f"{move['ring']} key {move['id']}: {move['from'] or 'new'} → {move['to'].replace('_', ' ')}"


def _described(answer: Answer) -> Iterator[str]:
    for ring, name in _RINGS.items():
        yield f"{ring} keys"
        keys: list[Answer] = answer[name]
        width = max((len(str(key["id"])) for key in keys), default=0)
        for key in keys:
            state = key["state"].replace("_", " ")
            yield f"  {key['id']:<{width}}  {state:<8}  {', '.join(_remarks(key, answer['now']))}"


def _remarks(key: Answer, now: int) -> Iterable[str]:
    since = next(key[name] for name in ("gone_at", "retired_at", "current_since", "created_at") if name in key)
    yield f"for {_span(now - since)}"
    if key["next_state"] is not None:
        at = "never" if key["moves_at"] is None else f"on {_at(key['moves_at'])}"
        yield f"{key['next_state'].replace('_', ' ')} {at}"
    if key["compromised"]:
        yield "compromised"


def _at(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _span(seconds: int) -> str:
    for unit, length in (("days", lifetimes.DAY), ("hours", lifetimes.HOUR), ("minutes", lifetimes.MINUTE)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
