"""`heirloom tenant` shows what it will do, says where a file is wrong, and reaches local and deployed stacks alike."""

import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import tenant, tenant_file
from cli.__main__ import main
from cli.tenant_file import Unreadable
from heirloom.adapters.passwords import CHEAPEST, Argon2Passwords
from heirloom.domain.application import ApplicationType
from heirloom.domain.errors import StoreUnavailable
from heirloom.tenant import reading
from heirloom.tenant.remarks import Invalid, Remark
from heirloom.tenant.store import DynamoDBStore, Outdated
from local import processes, stack, template
from local.stack import Endpoints

EXAMPLE = template.ROOT / "examples/tenant.yaml"

SMALL = """\
clients:
  - name: Notes
    client_id: notes
    app_type: regular_web
    client_secret: secret-secret-secret-secret-secret
"""


@pytest.fixture(scope="module", name="aws")
def _aws() -> Iterator[str]:
    with processes.ministack() as aws:
        stack.create(Endpoints(aws, aws), issuer="http://localhost/")
        yield aws


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant, "Argon2Passwords", lambda: Argon2Passwords(CHEAPEST))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tenant.yaml"
    path.write_text(SMALL)
    return path


# ---- The example


def test_the_example_says_nothing_in_vain_or_unwisely() -> None:
    desired = reading.read(tenant_file.load(EXAMPLE).document, now=0)
    assert (desired.ignored, desired.warnings) == ((), ())


def test_the_example_has_one_of_everything() -> None:
    desired = reading.read(tenant_file.load(EXAMPLE).document, now=0)
    assert desired.applications is not None
    assert desired.resource_servers is not None
    kinds = {(one.app_type, one.is_first_party) for one in desired.applications.values()}
    assert kinds == {
        (ApplicationType.SINGLE_PAGE, True),
        (ApplicationType.NATIVE, True),
        (ApplicationType.REGULAR_WEB, True),
        (ApplicationType.SINGLE_PAGE, False),
        (ApplicationType.NON_INTERACTIVE, True),
    }
    assert desired.client_grants
    assert {api.allow_offline_access for api in desired.resource_servers.values()} == {True, False}
    assert len(desired.users) == 2


def test_reuse_can_be_watched_within_a_minute() -> None:
    """The demonstration waits until the single-page application's leeway is over."""
    desired = reading.read(tenant_file.load(EXAMPLE).document, now=0)
    assert desired.applications is not None
    assert 5 <= desired.applications["notes-spa"].refresh_token.leeway <= 15


# ---- Reading

BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 8)}]\n" for before, name in itertools.pairwise("abcdefghi")
)
"""Nine lines that stand for 134 million values."""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("clients: [", ":1: expected the node content"),
        ("tenant: {}\nclients: []\ntenant: {}\n", ":3: tenant is there twice"),
        ("clients:\n  - name: a\n    name: b\n", ":3: name is there twice"),
        ("clients: &a [*a]\n", ":1: contains itself"),
        ("a: !!python/object:os.system {}\n", ":1: could not determine a constructor"),
        ("a: 1\n---\nb: 2\n", ":2: but found another document"),
        ("a: 1\nb: \x01\n", ":2: unacceptable character"),
        ("? [a]\n: 1\n", ":1: found unhashable key"),
        ("a: " + "[" * 101, ":1: nested too deeply"),
        ("a: " + "{" * 1_000_000, ":1: nested too deeply"),
        ("".join(f"{' ' * depth}a:\n" for depth in range(2000)), ": nested too deeply"),
        (BOMB, ":1: more than 500000 values"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(path: Path, text: str, problem: str) -> None:
    path.write_text(text)
    with pytest.raises(Unreadable) as refused:
        tenant_file.load(path)
    assert str(refused.value).startswith(f"{path}{problem}")


def test_a_file_that_is_no_text_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Unreadable, match="not UTF-8"):
        tenant_file.load(path)


def test_a_remark_finds_its_line_or_the_nearest_above(path: Path) -> None:
    file = tenant_file.load(path)
    remark = Remark(("clients", 0, "client_id"), "is wrong")
    assert str(file.locate(remark)) == f"{path}:3: clients[0].client_id: is wrong"
    remark = Remark(("clients", 0, "refresh_token", "leeway"), "is wrong")
    assert str(file.locate(remark)) == f"{path}:2: clients[0].refresh_token.leeway: is wrong"


def test_anchors_and_merges_may_spare_repetition(path: Path) -> None:
    path.write_text(
        "clients:\n"
        "  - &one {name: One, client_id: one, app_type: native}\n"
        "  - <<: *one\n    name: Two\n    client_id: two\n    callbck: []\n"
    )
    file = tenant_file.load(path)
    assert file.document == {
        "clients": [
            {"name": "One", "client_id": "one", "app_type": "native"},
            {"name": "Two", "client_id": "two", "app_type": "native", "callbck": []},
        ]
    }
    with pytest.raises(Invalid) as refused:
        reading.read(file.document, now=0)
    assert [str(file.locate(remark)).partition(": ")[0] for remark in refused.value.remarks] == [f"{path}:6"]


# ---- The command


def test_a_plan_is_shown_and_not_made(aws: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(["tenant", "plan", str(path), "--endpoint", aws]) == 0
        assert capsys.readouterr().out == "  + application notes\n1 to create\n"


def test_applying_says_what_it_did_and_then_that_nothing_is_left(
    aws: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(SMALL.replace("client_id: notes", "client_id: applied"))
    assert main(["tenant", "apply", "--yes", str(path), "--endpoint", aws]) == 0
    assert capsys.readouterr().out == "  + application applied\n1 to create\n"
    assert main(["tenant", "apply", "--yes", str(path), "--endpoint", aws]) == 0
    assert capsys.readouterr().out == "no changes\n"
    changed = SMALL.replace("client_id: notes", "client_id: applied").replace("name: Notes", "name: Other")
    path.write_text(changed)
    assert main(["tenant", "apply", "--yes", str(path), "--endpoint", aws]) == 0
    assert capsys.readouterr().out == '  ~ application applied\n      name: "Notes" → "Other"\n1 to update\n'
    path.write_text("clients: []")
    assert main(["tenant", "apply", "--yes", str(path), "--endpoint", aws]) == 1
    told = capsys.readouterr()
    assert told.out == "  - application applied\n1 to delete\n"
    assert "nothing was changed: application applied would be deleted; say --allow-delete" in told.err
    assert main(["tenant", "apply", "--yes", str(path), "--endpoint", aws, "--allow-delete"]) == 0


def test_a_secret_that_was_made_up_is_shown_once(aws: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("".join(line for line in SMALL.splitlines(keepends=True) if "client_secret" not in line))
    assert main(["tenant", "apply", "--yes", str(path), "--endpoint", aws]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[-1].startswith("client secret of notes, shown this once: ")
    assert len(told.split()[-1]) == 64
    assert main(["tenant", "apply", "--yes", str(path), "--endpoint", aws]) == 0
    assert capsys.readouterr().out == "no changes\n"
    path.write_text("clients: []")
    assert main(["tenant", "apply", "--yes", str(path), "--endpoint", aws, "--allow-delete"]) == 0


def test_what_is_ignored_and_what_is_unwise_is_said(aws: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(SMALL + "    refresh_token: {leeway: 0}\nrules: []\n")
    assert main(["tenant", "plan", str(path), "--endpoint", aws]) == 0
    assert capsys.readouterr().err.splitlines() == [
        f"warning: {path}:6: clients[0].refresh_token.leeway: 0: one lost answer logs the user out",
        "not supported, ignored:",
        f"  {path}:7: rules: not supported",
    ]


@pytest.mark.parametrize("text", ["clients: [", "clients:\n  - name: 7\n"])
def test_a_file_with_mistakes_ends_with_2(aws: str, path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(text)
    assert main(["tenant", "apply", "--yes", str(path), "--endpoint", aws]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"{path}:")


def test_a_store_that_is_not_there_ends_with_1(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tenant", "plan", str(path), "--endpoint", "http://127.0.0.1:9"]) == 1
    assert "the stack does not answer as it should: list application: " in capsys.readouterr().err


# ---- Consent


class Terminal(io.StringIO):
    """Standard input of a person who types this."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("typed", ["y\n", "yes\n", " YES \n"])
def test_at_a_terminal_a_person_is_asked(
    aws: str, path: Path, typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert main(["tenant", "apply", str(path), "--endpoint", aws]) == 0
    told = capsys.readouterr()
    assert told.out == "  + application notes\n1 to create\n"
    assert told.err == "Change this? [y/N] "
    delete(aws, path)


@pytest.mark.parametrize("typed", ["\n", "n\n", "", "yep\n"])
def test_whoever_does_not_agree_changes_nothing(
    aws: str, path: Path, typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert main(["tenant", "apply", str(path), "--endpoint", aws]) == 1
    assert "nothing was changed" in capsys.readouterr().err
    main(["tenant", "plan", str(path), "--endpoint", aws])
    assert "1 to create" in capsys.readouterr().out


def test_nobody_is_asked_about_no_changes(aws: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    path.write_text("clients: []")
    assert main(["tenant", "apply", str(path), "--endpoint", aws]) == 0


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_where_nobody_can_be_asked_nothing_happens_without_yes(
    aws: str, path: Path, flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipeline that forgot it fails at its first run, not at the first one that changes something."""
    monkeypatch.setattr("sys.stdin", Terminal("y\n") if flags else io.StringIO("y\n"))
    assert main(["tenant", "apply", str(path), "--endpoint", aws, *flags]) == 2
    told = capsys.readouterr()
    assert "say --yes" in told.out + told.err
    main(["tenant", "plan", str(path), "--endpoint", aws])
    assert "1 to create" in capsys.readouterr().out


def delete(aws: str, path: Path) -> None:
    """Leave the stack empty for the next test."""
    path.write_text("clients: []\nresourceServers: []\n")
    assert main(["tenant", "apply", "--yes", str(path), "--endpoint", aws, "--allow-delete"]) == 0


# ---- For programs


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    """The one JSON object of a command; nothing else is said."""
    told = capsys.readouterr()
    assert told.err == ""
    return json.loads(told.out)


def test_a_plan_for_programs(aws: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(SMALL + "    refresh_token: {leeway: 0}\nrules: []\n")

    assert main(["tenant", "plan", str(path), "--endpoint", aws, "--json"]) == 0

    assert answer(capsys) == {
        "changes": [{"action": "create", "kind": "application", "id": "notes", "differences": []}],
        "summary": {"create": 1, "update": 0, "delete": 0},
        "warnings": [
            {
                "file": str(path),
                "line": 6,
                "path": "clients[0].refresh_token.leeway",
                "text": "0: one lost answer logs the user out",
            }
        ],
        "ignored": [{"file": str(path), "line": 7, "path": "rules", "text": "not supported"}],
    }


def test_differences_for_programs_have_values_and_no_secret(
    aws: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["tenant", "apply", "--yes", str(path), "--endpoint", aws])
    capsys.readouterr()
    path.write_text(SMALL.replace("secret-s", "another-s") + "    refresh_token: {leeway: 30}\n")

    assert main(["tenant", "apply", str(path), "--endpoint", aws, "--json", "--yes"]) == 0

    told = answer(capsys)
    assert told["changes"][0]["differences"] == [
        {"property": "client_secret", "confidential": True},
        {"property": "refresh_token.leeway", "before": 60, "after": 30},
    ]
    assert "secret-secret" not in json.dumps(told)
    assert told["client_secrets"] == {}
    delete(aws, path)


def test_a_secret_that_was_made_up_is_in_the_answer_to_the_apply_that_made_it(
    aws: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text("".join(line for line in SMALL.splitlines(keepends=True) if "client_secret" not in line))

    assert main(["tenant", "apply", str(path), "--endpoint", aws, "--json", "--yes"]) == 0

    made_up = answer(capsys)["client_secrets"]
    assert list(made_up) == ["notes"]
    assert len(made_up["notes"]) == 64
    main(["tenant", "apply", str(path), "--endpoint", aws, "--json", "--yes"])
    assert answer(capsys)["client_secrets"] == {}
    delete(aws, path)


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_secret_that_was_made_up_is_shown_whatever_fails_afterwards(
    aws: str, path: Path, flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stack has it by then, and nobody can ask for it again."""
    two = "clients:\n" + "".join(
        f"  - {{name: {name}, client_id: {name}, app_type: regular_web}}\n" for name in ("first", "second", "third")
    )
    path.write_text(two)
    put = DynamoDBStore.put

    def fail_at_the_third(self: DynamoDBStore, kind: str, name: str, document: str, *, replacing: str | None) -> None:
        if name == "third":
            raise Outdated("application third")
        put(self, kind, name, document, replacing=replacing)
        if name == "second":
            raise StoreUnavailable("put application")

    monkeypatch.setattr(DynamoDBStore, "put", fail_at_the_third)
    assert main(["tenant", "apply", str(path), "--endpoint", aws, "--yes", *flags]) == 1
    told = capsys.readouterr().out
    assert main(["tenant", "apply", str(path), "--endpoint", aws, "--yes", *flags]) == 1
    again = capsys.readouterr().out
    monkeypatch.undo()
    if flags:
        assert set(json.loads(told)["client_secrets"]) == {"first", "second"}
        assert json.loads(again)["client_secrets"] == {}, "the third was not stored"
        assert json.loads(told)["error"]["status"] == 1
    else:
        assert "client secret of first, shown this once" in told
        assert "client secret of second, shown this once" in told
        assert "third, shown" not in again
    delete(aws, path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("clients: [", {"line": 1, "path": "", "text": "expected the node content, but found '<stream end>'"}),
        ("clients:\n  - name: 7\n", {"line": 2, "path": "clients[0].name", "text": "Input should be a valid string"}),
    ],
)
def test_mistakes_for_programs_have_their_lines(
    aws: str, path: Path, text: str, problem: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(text)

    assert main(["tenant", "plan", str(path), "--endpoint", aws, "--json"]) == 2

    error = answer(capsys)["error"]
    assert error["status"] == 2
    assert str(path) in error["message"]
    assert {"file": str(path), **problem} in error["problems"]


def test_a_refused_deletion_for_programs_shows_the_plan(
    aws: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["tenant", "apply", "--yes", str(path), "--endpoint", aws])
    capsys.readouterr()
    path.write_text("clients: []")

    assert main(["tenant", "apply", str(path), "--endpoint", aws, "--json", "--yes"]) == 1

    told = answer(capsys)
    assert told["summary"]["delete"] == 1
    assert "--allow-delete" in told["error"]["message"]
    delete(aws, path)


# ---- An export of Auth0


def test_the_keywords_of_an_export_get_their_values_from_the_deploy_clis_config(
    aws: str, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text("clients:\n  - {name: '##NAME##', app_type: native, callbacks: @@CALLBACKS@@}\n")
    config = tmp_path / "config.json"
    config.write_text('{"AUTH0_KEYWORD_REPLACE_MAPPINGS": {"NAME": "Notes", "CALLBACKS": ["com.example.notes:/"]}}')

    assert main(["tenant", "plan", str(path), "--endpoint", aws]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{path}:2: clients[0].name: ##NAME## has no value",
        f"{path}:2: clients[0].callbacks: @@CALLBACKS@@ has no value",
    ]
    assert main(["tenant", "plan", str(path), "--config", str(config), "--endpoint", aws]) == 0
    assert "1 to create" in capsys.readouterr().out
    assert main(["tenant", "plan", str(path), "--config", str(path), "--endpoint", aws, "--json"]) == 2
    assert "is no JSON" in answer(capsys)["error"]["message"]


# ---- Export


def test_an_export_is_planned_without_changes(
    aws: str, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["tenant", "apply", "--yes", str(EXAMPLE), "--endpoint", aws])
    to = tmp_path / "exported.yaml"

    assert main(["tenant", "export", str(to), "--endpoint", aws]) == 0

    example = yaml.safe_load(EXAMPLE.read_text())
    counts = (f"{len(example[section])} {section}" for section in ("clients", "resourceServers", "clientGrants"))
    assert capsys.readouterr().out.splitlines()[-1] == f"{to}: {', '.join(counts)}"
    assert main(["tenant", "plan", str(to), "--endpoint", aws]) == 0
    assert capsys.readouterr().out == "no changes\n"
    assert main(["tenant", "export", "-", "--endpoint", aws]) == 0
    assert capsys.readouterr().out == to.read_text()
    assert main(["tenant", "export", "-", "--endpoint", aws, "--json"]) == 0
    told = answer(capsys)
    assert told["file"] is None
    assert told["document"] == yaml.safe_load(to.read_text())
    assert "demo-secret" not in to.read_text()
    delete(aws, path)


def test_an_export_replaces_no_file_unless_told(aws: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = path.read_text()

    assert main(["tenant", "export", str(path), "--endpoint", aws]) == 2

    assert f"{path} exists; say --overwrite" in capsys.readouterr().err
    assert path.read_text() == before
    assert main(["tenant", "export", str(path), "--endpoint", aws, "--overwrite"]) == 0
    assert path.read_text() != before


def test_an_export_that_cannot_be_written_says_so(aws: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tenant", "export", str(tmp_path / "no/such/folder.yaml"), "--endpoint", aws]) == 2
    assert "folder.yaml: No such file or directory" in capsys.readouterr().err


# ---- Deployed stacks


def test_a_deployed_stack_is_found_by_its_name(
    aws: str, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the outputs that template.yaml has."""
    names = ("ConfigurationTable", "UsersTable", "FamiliesTable", "EventBus")
    outputs = template.load().document["Outputs"]
    assert set(names) <= set(outputs)
    resources = template.load().resources
    body = {
        "Resources": {name: {"Type": resources[name]["Type"], "Properties": properties(name)} for name in names},
        "Outputs": {name: {"Value": outputs[name]["Value"]} for name in names},
    }
    stack.client("cloudformation", aws).create_stack(StackName="deployed", TemplateBody=json.dumps(body))
    for name, value in Endpoints(aws, aws).environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    assert main(["tenant", "apply", "--yes", str(path), "--stack", "deployed"]) == 0
    assert capsys.readouterr().out == "  + application notes\n1 to create\n"
    assert main(["tenant", "plan", str(path), "--stack", "deployed"]) == 0
    assert capsys.readouterr().out == "no changes\n"
    assert main(["tenant", "plan", str(path), "--stack", "another"]) == 1
    assert "another" in capsys.readouterr().err


def properties(name: str) -> dict[str, object]:
    """What a table of template.yaml is made of, without the parameters; and a bus."""
    if name == "EventBus":
        return {"Name": "deployed"}
    (table,) = [one for one in template.tables(template.load(), prefix="") if one["TableName"] == name]
    return {key: value for key, value in table.items() if key != "TableName"}
