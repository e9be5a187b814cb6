"""A file of users is read entry by entry, and each knows its line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import json_entries
from cli.json_entries import Entry, Unparsable, entries

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "users.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, text: str | bytes) -> list[Entry]:
    return [*entries(written(folder, text))]


@given(given=st.lists(values, max_size=6), indent=st.sampled_from([None, 1]), chunk=st.integers(1, 40))
def test_an_array_is_read_however_it_is_cut_into_pieces(
    tmp_path_factory: pytest.TempPathFactory, given: list[object], indent: int | None, chunk: int
) -> None:
    text = json.dumps(given, indent=indent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_entries, "_CHUNK", chunk)
        found = read(tmp_path_factory.mktemp("json"), text)

    assert [entry.value for entry in found] == given
    assert [entry.index for entry in found] == [*range(len(given))]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_are_counted_in_arrays_and_in_lines(tmp_path: Path, end: str, mark: str) -> None:
    array = f'{mark}[{end}  {{"a": 1}},{end}{end}  {{"b":{end} "[,"}} , {{"c": 3}}{end}]{end}'
    assert [(entry.line, entry.value) for entry in read(tmp_path, array)] == [
        (2, {"a": 1}),
        (4, {"b": "[,"}),
        (5, {"c": 3}),
    ]
    lines = f'{mark}{{"a": 1}}{end}{end}  {{"b": 2}} {end}{{"c": 3}}'
    assert [(entry.index, entry.line, entry.value) for entry in read(tmp_path, lines)] == [
        (0, 1, {"a": 1}),
        (1, 3, {"b": 2}),
        (2, 4, {"c": 3}),
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "[]", " [ ]\n"])
def test_a_file_may_be_empty(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == []


def test_a_line_that_is_no_json_keeps_no_other_out(tmp_path: Path) -> None:
    found = read(tmp_path, '{"a": 1}\n{"a": \n{"b": 1, "b": 2}\n' + "[" * 100_000 + '\n{"a": 2}\n')

    assert [(entry.index, entry.value) for entry in found if entry.problem is None] == [
        (0, {"a": 1}),
        (4, {"a": 2}),
    ]
    assert [(entry.line, entry.problem) for entry in found if entry.problem is not None][:2] == [
        (2, "Expecting value"),
        (3, "b is there twice"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('[{"a": 1},\n{"a": }\n]', 2, "Expecting value"),
        ('[{"a": 1}\n{"a": 2}]', 2, "expected ',', found '{'"),
        ('[{"a": 1},\n', 2, "Expecting value"),
        ('[{"a": 1}', 1, "expected ',', found ''"),
        ('[{"a": 1},\n{"a": 1, "a": 2}]', 2, "a is there twice"),
        ("[{}]\n{}", 2, "something comes after the array"),
        ("[" * 100_000, 1, "recursion"),
    ],
)
def test_an_array_with_a_mistake_is_refused_with_its_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    with pytest.raises(Unparsable) as refused:
        read(tmp_path, text)
    assert problem in str(refused.value)
    assert refused.value.line == line


@pytest.mark.parametrize("shape", ["[{!r}]", "{!r}"])
def test_what_is_no_text_is_refused(tmp_path: Path, shape: str) -> None:
    with pytest.raises(Unparsable, match="not UTF-8"):
        read(tmp_path, shape.replace("{!r}", '{"a": "X"}').encode().replace(b"X", b"\xff"))


def test_a_long_file_is_not_read_before_its_first_entry_is_out(tmp_path: Path) -> None:
    path = written(tmp_path, "[" + ",\n".join(['{"a": 1}'] * 100_000) + ", nonsense")
    found = entries(path)

    assert next(found) == Entry(0, 1, {"a": 1})
    assert next(found) == Entry(1, 2, {"a": 1})
    with pytest.raises(Unparsable):
        consume(found.__next__)


def consume(act: Callable[[], object]) -> None:
    while True:
        act()
