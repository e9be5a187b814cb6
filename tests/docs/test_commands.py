"""Whatever a page has an operator type, `bin/heirloom` understands."""

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cli.__main__ import parser
from tests.docs.test_links import CODE, PAGES, name_of

LINE = re.compile(r"^\s*(?:\$ )?(?:bin/)?heirloom (?P<arguments>[^\n]*)", re.MULTILINE)
INLINE = re.compile(r"`(?:bin/)?heirloom (?P<arguments>[^`]+)`")


def commands(page: Path) -> Iterator[str]:
    """Yield the arguments of every `heirloom` that a page shows, in a block of commands or in a sentence."""
    text = page.read_text("utf-8")
    for language, code in CODE.findall(text):
        if language in {"", "sh", "bash", "console"}:
            yield from LINE.findall(code.replace("\\\n", " "))
    for arguments in INLINE.findall(CODE.sub("", text)):
        if " --" in arguments:  # else it is a name, and no command to type
            yield arguments.replace("\\|", "|")


@pytest.mark.parametrize("page", [page for page in PAGES if [*commands(page)]], ids=name_of)
def test_every_command_of_a_page_is_understood(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in commands(page):
        with suppress(SystemExit):  # a refusal has been printed by then
            parser().parse_args(shlex.split(arguments.replace("FAMILY_ID", "QQ"), comments=True))
        assert capsys.readouterr().err == "", f"heirloom {arguments}"


def test_there_are_commands_to_check() -> None:
    assert sum(len([*commands(page)]) for page in PAGES) > 3
