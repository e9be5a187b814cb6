"""`heirloom keys`: what an operator sees of the keys, and does to them, without ever holding one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cli.__main__ import main
from heirloom.domain.key_rotation import SEEN_BY_INSTANCES, SEEN_BY_VERIFIERS
from local import processes, stack, template
from local.stack import Endpoints

SIGNING, TOKEN = f"{template.PREFIX}SigningKeysSecret", f"{template.PREFIX}TokenKeysSecret"


@pytest.fixture(scope="module", name="aws")
def _aws() -> Iterator[str]:
    with processes.ministack() as aws:
        stack.create(Endpoints(aws, aws), issuer="http://localhost/")
        yield aws


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin when all keys of the one before have been known everywhere for long."""
    moment = Clock.now + SEEN_BY_VERIFIERS
    Clock.now = moment
    monkeypatch.setattr("cli.keys.time.time", lambda: Clock.now)


class Clock:
    now = 2_000_000_000


def run(aws: str, capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert main(["keys", *arguments, "--endpoint", aws]) == status
    said = capsys.readouterr()
    return said.out if status == 0 or "--json" in arguments else said.err


def shown(aws: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(aws, capsys, "show", "--json"))
    return document


def ids(document: dict[str, Any], ring: str) -> dict[str, Any]:
    return {key["state"]: key["id"] for key in document[ring]}


def test_show_tells_ids_states_ages_and_what_comes_next(aws: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = shown(aws, capsys)

    said = run(aws, capsys, "show")

    for ring in ("signing_keys", "token_keys"):
        for key in document[ring]:
            (line,) = (line for line in said.splitlines() if line.split()[:1] == [str(key["id"])])
            assert key["state"] in line
    assert "retired on 20" in said
    assert "current on 20" in said
    assert "days" in said or "hours" in said


def test_neither_of_the_ways_to_show_them_shows_a_secret(aws: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(aws, capsys, "show") + run(aws, capsys, "show", "--json")

    for secret in (SIGNING, TOKEN):
        for key in json.loads(stack.client("secretsmanager", aws).get_secret_value(SecretId=secret)["SecretString"])[
            "keys"
        ]:
            for half in ("private_key", "mac", "derivation"):
                assert key.get(half, "no such half") not in said


def test_rotating_both_lets_the_next_ones_take_over_and_says_since_when(
    aws: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = shown(aws, capsys)

    said = run(aws, capsys, "rotate")

    after = shown(aws, capsys)
    for ring in ("signing_keys", "token_keys"):
        assert ids(after, ring)["current"] == ids(before, ring)["next"]
    assert f"signing key {ids(before, 'signing_keys')['next']}: next → current" in said
    assert "after 300 s" in said


def test_what_may_move_moves_and_the_rest_is_said_to_wait(aws: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(aws, capsys, "rotate")
    Clock.now += SEEN_BY_INSTANCES

    said = run(aws, capsys, "rotate", status=1)

    assert "next → current" in said
    assert "the signing key stays" in said
    assert "the token key stays" not in said


def test_rotating_one_ring_leaves_the_other(aws: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = shown(aws, capsys)

    run(aws, capsys, "rotate", "--token")

    after = shown(aws, capsys)
    assert ids(after, "token_keys")["current"] == ids(before, "token_keys")["next"]
    assert ids(after, "signing_keys") == ids(before, "signing_keys")


def test_rotating_twice_changes_nothing_the_second_time_and_says_when_it_would(
    aws: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(aws, capsys, "rotate")
    before = shown(aws, capsys)

    said = run(aws, capsys, "rotate", status=1)
    document = json.loads(run(aws, capsys, "rotate", "--json", status=1))

    assert shown(aws, capsys) == before
    assert said.count("may take over from") == 2
    assert document["error"]["status"] == 1
    ready = {key["ready_at"] for ring in ("signing_keys", "token_keys") for key in document[ring] if "ready_at" in key}
    assert ready == {Clock.now + SEEN_BY_VERIFIERS, Clock.now + SEEN_BY_INSTANCES}


def test_a_revoked_signing_key_is_gone_and_the_cost_is_said(aws: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = shown(aws, capsys)
    compromised = ids(before, "signing_keys")["current"]

    said = run(aws, capsys, "revoke", "--signing", compromised)

    after = shown(aws, capsys)
    assert compromised not in [key["id"] for key in after["signing_keys"]]
    assert ids(after, "signing_keys")["current"] == ids(before, "signing_keys")["next"]
    assert f"signing key {compromised}: current → gone" in said
    assert "no function signs with it after 60 s" in said
    assert "360 s more" in said


def test_all_signing_keys_are_replaced_if_the_secret_was_read(aws: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = shown(aws, capsys)

    run(aws, capsys, "revoke", "--signing", "all")

    after = shown(aws, capsys)
    assert not {key["id"] for key in before["signing_keys"]} & {key["id"] for key in after["signing_keys"]}
    assert after["token_keys"] == before["token_keys"]


def test_a_revoked_token_key_is_marked_and_no_login_ends(aws: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = shown(aws, capsys)
    compromised = ids(before, "token_keys")["current"]

    said = run(aws, capsys, "revoke", "--token", str(compromised))

    (key,) = (key for key in shown(aws, capsys)["token_keys"] if key["id"] == compromised)
    assert (key["state"], key["compromised"]) == ("retired", True)
    assert "stay good; to end them too, set not_before" in said
    assert "compromised" in run(aws, capsys, "show")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--signing", "unknown"), "NoSuchKey: unknown"),
        (("--token", "250"), "NoSuchKey: 250"),
        (("--token", "one"), "one is no id of a token key"),
    ],
)
def test_a_key_that_there_is_not_is_named_and_nothing_changes(
    aws: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str], problem: str
) -> None:
    before = shown(aws, capsys)

    assert problem in run(aws, capsys, "revoke", *arguments, status=2)

    assert shown(aws, capsys) == before


@pytest.mark.parametrize("arguments", [["revoke"], ["revoke", "--signing"], ["rotate", "--signing", "--token"], []])
def test_what_to_do_must_be_said(aws: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["keys", *arguments, *(["--endpoint", aws] if arguments else [])])

    assert ended.value.code == 2
    assert "usage: heirloom keys" in capsys.readouterr().err
