"""The catalogue of bugs that other servers had is complete."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CASES = range(1, 33)


def functions() -> Iterator[ast.FunctionDef]:
    """The tests of this folder."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for statement in ast.parse(path.read_text()).body:
            if isinstance(statement, ast.FunctionDef) and statement.name.startswith("test_case_"):
                yield statement


def test_every_case_is_there() -> None:
    """A soak test alone does not count: `make test` does not run it."""
    found = {
        int(function.name.split("_")[2])
        for function in functions()
        if not any("soak" in ast.unparse(decorator) for decorator in function.decorator_list)
    }

    assert sorted(set(CASES) - found) == []


def test_every_case_names_the_server_that_had_it() -> None:
    for function in functions():
        assert re.fullmatch(r"test_case_\d\d_\w+", function.name)
        assert re.match(r"[^:.]+: .+", ast.get_docstring(function) or ""), function.name
