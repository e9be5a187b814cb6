"""The mutants of a module: copies of its source, each with one small fault.

The faults that Cosmic Ray knows and six of ours, without those that another one implies: a test that notices
`a and b` become `b` notices `a or b`; one that notices a condition always true, and one that notices it never true,
notice its negation.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes, get_ast  # type: ignore[import-untyped]
from cosmic_ray.mutating import mutate_code  # type: ignore[import-untyped]
from cosmic_ray.operators import (  # type: ignore[import-untyped]
    binary_operator_replacement,
    boolean_replacer,
    break_continue,
    comparison_operator_replacement,
    number_replacer,
    remove_decorator,
    unary_operator_replacement,
    zero_iteration_for_loop,
)

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/shared/heirloom"

_BINARY = (
    "Add_Sub",
    "Sub_Add",
    "Mul_FloorDiv",
    "FloorDiv_Mul",
    "Mod_FloorDiv",
    "Pow_Mul",
    "BitOr_BitAnd",
    "BitAnd_BitOr",
)
_COMPARISONS = ("Eq_NotEq", "NotEq_Eq", "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Is_IsNot", "IsNot_Is")
_UNARY = ("Delete_Not", "Delete_USub")

_QUANTIFIERS = {"any": "all", "all": "any", "min": "max", "max": "min"}

_QUIET_DECORATORS = re.compile(r"@(dataclass|override|enum\.unique|final|runtime_checkable|cache)\b")
"""They change speed, or what a mistaken programmer could do: no answer of the service."""


class _Condition:
    """A condition that always holds, or never."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        for condition, values in self.conditions(node):
            for _ in values:
                yield condition.start_pos, condition.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        every = [(condition, value) for condition, values in self.conditions(node) for value in values]
        condition, value = every[index]
        place = next(number for number, child in enumerate(node.children) if child is condition)
        node.children[place] = _keyword(condition, value)
        return node

    @staticmethod
    def conditions(node: Any) -> list[tuple[Any, tuple[str, ...]]]:
        if node.type in {"if_stmt", "while_stmt"}:
            # An endless loop is no news.
            values = ("True", "False") if node.type == "if_stmt" else ("False",)
            words = [number for number, child in enumerate(node.children) if _text(child) in {"if", "elif", "while"}]
            return [(node.children[number + 1], values) for number in words]
        if node.type == "test":  # parso's name for `a if b else c`
            return [(node.children[2], ("True", "False"))]
        if node.type == "comp_if":
            return [(node.children[1], ("True", "False"))]
        return []


class _Handler:
    """An exception that is not caught."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        for caught in self._caught(node):
            yield caught.start_pos, caught.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        caught = self._caught(node)[index]
        siblings = caught.parent.children
        place = next(number for number, child in enumerate(siblings) if child is caught)
        siblings[place] = _keyword(caught, "ZeroDivisionError")
        return node

    @staticmethod
    def _caught(node: Any) -> list[Any]:
        if node.type != "except_clause":
            return []
        expression = node.children[1]
        if expression.type == "atom" and expression.children[1].type == "testlist_comp":
            return list(expression.children[1].children[::2])
        return [expression]


class _Membership:
    """An `in` that is a `not in`, or the other way round, where it is no condition."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        if node.type == "comparison" and not any(node is one for one, _ in _Condition.conditions(node.parent)):
            for operator in node.children[1::2]:
                if _text(operator) in {"in", "not in"}:
                    yield operator.start_pos, operator.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        places = [number for number, child in enumerate(node.children) if _text(child) in {"in", "not in"}]
        operator = node.children[places[index]]
        node.children[places[index]] = _keyword(operator, "not in" if _text(operator) == "in" else "in")
        return node


class _Quantifier:
    """An `any` that is an `all`, a `min` that is a `max`, or the other way round."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        if node.type == "atom_expr" and _text(node.children[0]) in _QUANTIFIERS and _text(node.children[1])[0] == "(":
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        assert index == 0
        node.children[0] = _keyword(node.children[0], _QUANTIFIERS[_text(node.children[0])])
        return node


class _Operand:
    """An `and` or `or` without one of its operands."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        if node.type in {"and_test", "or_test"}:
            for operand in node.children[::2]:
                yield operand.start_pos, operand.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        unit = "True" if node.type == "and_test" else "False"
        if index * 2 == len(node.children) - 1:  # the last one gives the value: the one before gives it then
            node.children = node.children[: index * 2 - 1]
        else:
            node.children[index * 2] = _keyword(node.children[index * 2], unit)
        return node


class _Statement:
    """A call, or a `raise`, that is not made."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        if node.type == "simple_stmt":
            statement = node.children[0]
            is_call = statement.type == "atom_expr" and _text(statement.children[-1]).startswith("(")
            if is_call or statement.type in {"raise_stmt", "await_expr"}:
                yield statement.start_pos, statement.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        assert index == 0
        node.children[0] = _keyword(node.children[0], "pass")
        return node


def _keyword(instead_of: Any, word: str) -> Any:
    leaf = instead_of.get_first_leaf()
    return parso.python.tree.Keyword(word, instead_of.start_pos, prefix=leaf.prefix)


def _text(node: Any) -> str:
    return str(node.get_code()).strip()


_OPERATORS: list[Any] = [
    operator()
    for operator in (
        *(getattr(binary_operator_replacement, f"ReplaceBinaryOperator_{name}") for name in _BINARY),
        *(getattr(comparison_operator_replacement, f"ReplaceComparisonOperator_{name}") for name in _COMPARISONS),
        *(getattr(unary_operator_replacement, f"ReplaceUnaryOperator_{name}") for name in _UNARY),
        boolean_replacer.ReplaceTrueWithFalse,
        boolean_replacer.ReplaceFalseWithTrue,
        break_continue.ReplaceBreakWithContinue,
        break_continue.ReplaceContinueWithBreak,
        number_replacer.NumberReplacer,
        remove_decorator.RemoveDecorator,
        zero_iteration_for_loop.ZeroIterationForLoop,
        _Condition,
        _Handler,
        _Membership,
        _Quantifier,
        _Operand,
        _Statement,
    )
]


@dataclass(frozen=True)
class Mutant:
    """One fault: lines that became others."""

    module: str
    """`domain.family`"""
    place: str
    """The qualified name of its outermost function, or what else it defines."""
    lines: tuple[int, int]
    """The first and the last line of the function's body, or of the statement outside of every function."""
    line: int
    was: str
    becomes: str
    source: str = field(repr=False)
    """The whole module's, mutated."""
    in_body: bool
    """Inside the body of a function; else the module has to be made anew."""

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.place}: {self.was!r} became {self.becomes!r}"


def path_of(module: str) -> Path:
    """Return the file of `domain.family`."""
    return PACKAGE.joinpath(*module.split(".")).with_suffix(".py")


def mutants_of(module: str, source: str | None = None) -> list[Mutant]:
    """Return the mutants of a module, in the order of its lines; *source* stands in for its file's."""
    source = path_of(module).read_text() if source is None else source
    return sorted(_mutants(module, source), key=lambda one: one.line)


def _mutants(module: str, source: str) -> Iterator[Mutant]:
    lines = source.splitlines(keepends=True)
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.TypeAlias | ast.Import | ast.ImportFrom) or _is_for_types(statement):
            continue
        first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", ()))])
        text = "".join(lines[first - 1 : statement.end_lineno])
        bodies = list(_bodies(statement, ()))
        for line, mutated in _faults(text):
            whole = "".join([*lines[: first - 1], mutated, *lines[statement.end_lineno or 0 :]])
            if mutated == text or not _compiles(whole):
                continue
            number = first - 1 + line
            inside = next((body for body in bodies if body[1] <= number <= body[2]), None)
            place, start, end = inside or (_name(statement), first, statement.end_lineno or 0)
            was, becomes = _difference(text, mutated)
            yield Mutant(module, place, (start, end), number, was, becomes, whole, inside is not None)


def _faults(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each mutation of one statement."""
    tree = get_ast(text)
    nodes = list(ast_nodes(tree))
    for operator in _OPERATORS:
        places = [(node, start) for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, (node, (line, _)) in enumerate(places):
            if not _is_quiet(node):
                mutated = mutate_code(text, operator, occurrence)
                if mutated is not None:
                    yield line, mutated


def _is_quiet(node: Any) -> bool:
    """Tell whether a change here changes no answer: in a type that nothing reads, or in a signature's `*`."""
    child, parent = node, node.parent
    if node.type == "decorator" and _QUIET_DECORATORS.match(_text(node)):
        return True
    while parent is not None:
        quiet = (
            parent.type in {"tfpdef", "import_from"}
            or (parent.type == "decorator" and _QUIET_DECORATORS.match(_text(parent)))
            or (parent.type == "parameters" and child.type != "param")
            or (parent.type == "param" and child is not parent.default)
            or (parent.type == "annassign" and child is parent.children[1])
            or (parent.type == "funcdef" and child is parent.annotation)
        )
        if quiet:
            return True
        child, parent = parent, parent.parent
    return False


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _difference(source: str, mutated: str) -> tuple[str, str]:
    """Return the lines that differ, without their indentation."""
    before, after = source.splitlines(), mutated.splitlines()
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    return " ".join(line.strip() for line in before), " ".join(line.strip() for line in after)


def _is_for_types(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test)


def _bodies(node: ast.stmt, path: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    """Yield the outermost functions, each with the first and the last line of its body."""
    if isinstance(node, ast.FunctionDef):
        yield ".".join((*path, node.name)), node.body[0].lineno, node.end_lineno or 0
    elif isinstance(node, ast.ClassDef):
        for child in node.body:
            yield from _bodies(child, (*path, node.name))


def _name(statement: ast.stmt) -> str:
    """Return what a statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return statement.name
    names = [it.id for it in ast.walk(statement) if isinstance(it, ast.Name) and isinstance(it.ctx, ast.Store)]
    return next(iter(names), "")
