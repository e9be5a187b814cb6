import json
from pathlib import Path

import pytest

from local import invoke, template
from local.artifacts import Artifacts, Failed
from local.template import Function


@pytest.mark.parametrize("arguments", [[], ["token"], ["token/nothing"], ["../pyproject"], ["token/refresh", "more"]])
def test_an_event_that_there_is_not_is_answered_with_those_that_there_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke.main(arguments) == 2
    assert "\n  token/refresh\n" in capsys.readouterr().err


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    """A function and two layers, as small as they come."""
    for folder, module, content in (
        ("GreetFunction", "app", "import os, sys\nfrom below import name\ncount = 0\n"),
        ("DependenciesLayer/python", "below", "name = 'layer'\n"),
        ("SharedLayer/python", "below", "name = 'lower layer'\n"),
    ):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / f"{module}.py").write_text(content)
    with (tmp_path / "GreetFunction/app.py").open("a") as file:
        file.write(
            "def handler(event, context):\n"
            "    global count\n"
            "    count += 1\n"
            "    print('a line of log')\n"
            "    if event.get('fail'): raise RuntimeError('broken')\n"
            "    return [count, name, context.function_name, os.environ['ONE'], 'HOME' in os.environ,\n"
            "            any('site-packages' in path for path in sys.path)]\n"
        )
    return Artifacts(tmp_path)


GREET = Function("GreetFunction", Path("functions/greet"), "app.handler")


def test_a_built_function_sees_its_layers_its_environment_and_nothing_else(
    artifacts: Artifacts, capsys: pytest.CaptureFixture[str]
) -> None:
    """One process answers them all, as a warm one does; what it logs is no answer."""
    answers = artifacts.answers(GREET, [{}, {}], {"ONE": "1"})

    rest = ["layer", "GreetFunction", "1", False, False]
    assert answers == [[1, *rest], [2, *rest]]
    assert capsys.readouterr().err == "a line of log\n" * 2


def test_a_function_that_raises_says_so(artifacts: Artifacts) -> None:
    with pytest.raises(Failed, match="broken"):
        artifacts.answers(GREET, [{"fail": True}], {"ONE": "1"})


def test_a_container_gets_local_values_and_what_was_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SAM hands on only the variables of the template; the caller's account is no variable of it."""
    sam = tmp_path / "sam"
    sam.write_text('#!/bin/sh\necho "$@" > arguments; cat > event; echo $AWS_ACCESS_KEY_ID > account\nexit 3\n')
    sam.chmod(0o755)
    monkeypatch.setattr(invoke, "SAM", sam)
    monkeypatch.chdir(tmp_path)
    document = template.load()
    environment = {"ISSUER": "i", "AWS_ACCESS_KEY_ID": "test", "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1"}

    status = invoke._with_sam(  # noqa: SLF001 - the rest of the way needs Docker
        document, template.functions(document)["TokenFunction"], {"a": 1}, Artifacts(tmp_path), environment
    )

    written = json.loads((tmp_path / "local.json").read_text())
    variables = written["Globals"]["Function"]["Environment"]["Variables"]
    assert status == 3
    assert set(variables) == {"ISSUER", "AWS_ENDPOINT_URL_DYNAMODB"}
    assert written["Resources"]["TokenFunction"]["Properties"]["CodeUri"] == "TokenFunction"
    assert written["Resources"]["SharedLayer"]["Properties"]["ContentUri"] == "SharedLayer"
    assert (tmp_path / "arguments").read_text().startswith("local invoke TokenFunction ")
    assert json.loads((tmp_path / "event").read_text()) == {"a": 1}
    assert (tmp_path / "account").read_text() == "test\n"
