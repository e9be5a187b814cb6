"""The tests that judge mutants, in processes that are forked for one mutant each.

A pytest run collects them all and runs them once, to see which lines each of them executes. Then, for each mutant,
a fork of that process gets the mutated function and runs the tests that execute it, until one fails. What is outside
of functions can be changed only before it is imported: a mutant there, and one that the quick way found to survive,
is tried in a process that imports everything anew. The store is one inside of the process, which a fork has for itself.
Nothing is written: neither to the working tree nor to its caches.
"""

import gc
import importlib.machinery
import multiprocessing
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.mutation.mutants import PACKAGE, ROOT, Mutant, path_of

type Verdict = Literal["killed", "timeout", "survived"]

PATIENCE = 10
"""CPU seconds for one test: none needs two."""
LONGEST = 600
"""Seconds for all tests of one mutant, if they only wait."""

_TOO_LATE = 99  # no exit code of pytest's
_TOOL = sys.monitoring.COVERAGE_ID

settings.register_profile(
    "mutation",
    deadline=None,
    database=None,
    derandomize=True,  # the same mutant, the same verdict
    phases=(Phase.explicit, Phase.generate),  # nobody reads the smallest example
    suppress_health_check=list(HealthCheck),
)
ARGUMENTS = (
    *("-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutation"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # plugins that are imported already have no assertions
)


class Lines:
    """Notes which lines of the product run."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()

    def __enter__(self) -> None:
        sys.monitoring.use_tool_id(_TOOL, "mutation")
        sys.monitoring.register_callback(_TOOL, sys.monitoring.events.LINE, self._note)
        sys.monitoring.set_events(_TOOL, sys.monitoring.events.LINE)

    def __exit__(self, *_: object) -> None:
        sys.monitoring.set_events(_TOOL, 0)
        sys.monitoring.free_tool_id(_TOOL)

    def _note(self, code: CodeType, line: int) -> object:
        if code.co_filename.startswith(str(PACKAGE)):
            self.seen.add((code.co_filename, line))
        return sys.monitoring.DISABLE

    def begin(self) -> None:
        """Forget what ran until now."""
        self.seen = set()
        sys.monitoring.restart_events()


class Jury:
    """A pytest plugin that runs the tests once, and then *work* with itself instead of ending.

    *judges* has the tests of each module, folders or files or single ones.
    """

    def __init__(self, work: Callable[["Jury"], None], judges: Mapping[str, Sequence[str]]) -> None:
        self.work = work
        self.judges = judges
        self.failed: list[str] = []
        self.seconds: dict[pytest.Item, float] = {}
        self.tests_of: dict[tuple[str, int], list[pytest.Item]] = defaultdict(list)
        """By file and line, the quickest test first."""
        self.killers: dict[tuple[str, str], dict[pytest.Item, None]] = defaultdict(dict)
        self.in_fork = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure; in a fork, say so and end."""
        if report.failed:
            if self.in_fork:
                os._exit(1)
            self.failed.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every test once, noting its lines; then work."""
        self.items = session.items
        # What a test is told that the next one is: shares nothing with it but what the whole run shares.
        self.other: Any = SimpleNamespace(listchain=lambda: [session])
        lines = Lines()
        with lines:
            for item in self.items:
                lines.begin()
                started = time.perf_counter()
                item.ihook.pytest_runtest_protocol(item=item, nextitem=self.other)
                self.seconds[item] = time.perf_counter() - started
                for place in lines.seen:
                    self.tests_of[place].append(item)
        if self.failed or session.testsfailed:
            raise session.Failed(f"without any mutant: {', '.join(self.failed)}")
        for tests in self.tests_of.values():
            tests.sort(key=self.seconds.__getitem__)
        self.functions = _functions()
        gc.freeze()  # the forks share these pages as long as nobody counts them
        self.work(self)
        return True

    def try_(self, mutant: Mutant) -> tuple[Verdict, str]:
        """Return the verdict on a mutant, and the test that killed it."""
        judges = tuple(self.judges[mutant.module])
        tests = [test for test in self._tests(mutant) if test.nodeid.startswith(judges)]
        functions = self._changed(mutant) if mutant.in_body else None
        if functions:
            verdict, killer = self._in_a_fork(tests, functions)
            # Nothing remembers from before the fork what an endpoint returned.
            if verdict != "survived" or mutant.module.startswith("endpoints."):
                if killer:
                    known = self.killers[mutant.module, mutant.place]
                    self.killers[mutant.module, mutant.place] = {killer: None, **known}
                return verdict, killer.nodeid if killer else ""
        return anew(mutant, [test.nodeid for test in tests]), ""

    def _tests(self, mutant: Mutant) -> list[pytest.Item]:
        """Return the tests that execute what is mutated, first those that may notice it soonest."""
        path = str(path_of(mutant.module))
        first, last = mutant.lines
        if mutant.in_body:
            known = self.killers[mutant.module, mutant.place]
            lines = [mutant.line, *range(first, last + 1)]
            chosen = {test: None for line in lines for test in self.tests_of.get((path, line), ())}
            return [*known, *(test for test in chosen if test not in known)]
        users = self._users(mutant)
        return sorted(users, key=self.seconds.__getitem__)

    def _users(self, mutant: Mutant) -> set[pytest.Item]:
        """Return the tests of functions that name what is mutated, or that name it themselves."""
        names = {mutant.place.split(".")[0]}
        tests: set[pytest.Item] = set()
        for (file, _, line), functions in self.functions.items():
            if any(names & _names(function.__code__) for function in functions):
                last = max((one for _, _, one in functions[0].__code__.co_lines() if one), default=line)
                tests.update(test for one in range(line, last + 1) for test in self.tests_of.get((file, one), ()))
        tests.update(test for test in self.items if any(name in _source(test.path) for name in names))
        return tests

    def _changed(self, mutant: Mutant) -> list[tuple[FunctionType, CodeType]]:
        path = str(path_of(mutant.module))
        code = compile(mutant.source, path, "exec")
        return [
            (function, one)
            for one in _codes(code)
            for function in self.functions.get((path, one.co_qualname, one.co_firstlineno), ())
            # One that uses other names from around it cannot take the place of this one.
            if one.co_qualname == mutant.place and one.co_freevars == function.__code__.co_freevars
        ]

    def _in_a_fork(
        self, tests: Sequence[pytest.Item], functions: Iterable[tuple[FunctionType, CodeType]]
    ) -> tuple[Verdict, pytest.Item | None]:
        if not tests:
            return "survived", None
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            self._judge(tests, functions, writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            begun = len(pipe.read())  # a byte for each test that began
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            return "survived", None
        return ("timeout" if code in {-signal.SIGPROF, -signal.SIGALRM} else "killed"), tests[begun - 1]

    def _judge(
        self, tests: Sequence[pytest.Item], functions: Iterable[tuple[FunctionType, CodeType]], writing: int
    ) -> None:
        """Run tests on the mutated functions, and end with 0 if none of them fails."""
        try:
            _be_quiet()
            self.in_fork = True
            tests[0].config.pluginmanager.unregister(name="terminalreporter")
            for function, code in functions:
                function.__code__ = code
            signal.alarm(LONGEST)
            for test in tests:
                os.write(writing, b".")
                signal.setitimer(signal.ITIMER_PROF, PATIENCE)
                test.ihook.pytest_runtest_protocol(item=test, nextitem=self.other)
        except BaseException:  # noqa: BLE001 - whatever happens here, it does not happen without the mutant
            os._exit(1)
        os._exit(0)


def anew(mutant: Mutant, tests: Sequence[str]) -> Verdict:
    """Return the verdict of tests in a process that imports the mutant's module, and all that use it, anew."""
    if not tests:
        return "survived"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.mutation.preloaded"])
    process = context.Process(target=_judge_anew, args=(path_of(mutant.module), mutant.source, tests))
    process.start()
    process.join(LONGEST)
    if process.is_alive():
        process.kill()
        process.join()
        return "timeout"
    if process.exitcode == -signal.SIGPROF:
        return "timeout"
    if process.exitcode == _TOO_LATE:
        raise RuntimeError("the product was imported before its mutant could be")
    return "survived" if process.exitcode == 0 else "killed"


class InProcess:
    """A pytest plugin: the store is inside of the process."""

    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> object:
        """Give a store in the place of DynamoDB Local, which is not started."""
        if fixturedef.argname == "dynamodb_endpoint":
            made = "nowhere"
        elif fixturedef.argname == "tables":
            made = import_module("tests.mutation.in_process").tables()  # not above: a process anew has much to import
        else:
            return None
        fixturedef.cached_result = (made, fixturedef.cache_key(request), None)
        return made


class _Patience:
    """A pytest plugin: no test takes for ever."""

    def pytest_runtest_setup(self) -> None:
        """Begin to count a test's time."""
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)


def _judge_anew(path: Path, source: str, tests: Sequence[str]) -> None:
    _be_quiet()
    if any(name.partition(".")[0] == "heirloom" for name in sys.modules):
        os._exit(_TOO_LATE)
    os.chdir(ROOT)
    sys.dont_write_bytecode = True
    original = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, fullname: str) -> CodeType | None:
        return compile(source, self.path, "exec") if self.path == str(path) else original(self, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[assignment,method-assign]
    os._exit(pytest.main(["-x", *ARGUMENTS, *tests], plugins=[InProcess(), _Patience()]))


def _be_quiet() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _functions() -> Mapping[tuple[str, str, int], list[FunctionType]]:
    """Return the functions of the product, by the file, qualified name and first line of their code."""
    found = defaultdict(list)
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename.startswith(str(PACKAGE)):
            code = thing.__code__
            found[code.co_filename, code.co_qualname, code.co_firstlineno].append(thing)
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _names(code: CodeType) -> set[str]:
    return {*code.co_names, *(name for inner in _codes(code) for name in inner.co_names)}


@cache
def _source(path: Path) -> str:
    return path.read_text()
