"""What is made of measured numbers, and what the page says of them."""

import dataclasses
import re
import sys
import time
from typing import Any

import pytest

from benchmarks import tables
from benchmarks.performance import chains, contender, page
from benchmarks.performance.chains import Chain
from benchmarks.performance.contender import ContenderFailed
from benchmarks.performance.results import FOLDER, HANDLER, MEASURED, OURS, SERVERS, Results
from benchmarks.performance.summary import quantile, ratio

RESULTS = Results.read(MEASURED)


def test_a_quantile_is_a_value_that_was_seen() -> None:
    values = [float(value) for value in range(100, 0, -1)]

    assert [quantile(values, share) for share in (0.5, 0.95, 0.99, 1)] == [50, 95, 99, 100]
    assert quantile([7.0], 0.01) == 7


def test_a_ratio_is_made_within_each_round() -> None:
    """A machine that was slow for one round changes nothing, as it was slow for both."""
    ours, theirs = [1.0, 1.0, 50.0, 1.0, 1.2], [2.0, 2.0, 100.0, 2.0, 2.0]

    assert ratio(ours, theirs) == ratio([1.0, 1.0, 1.0, 1.0, 1.2], [2.0, 2.0, 2.0, 2.0, 2.0])
    assert ratio(ours, theirs).median == 0.5


def test_a_contender_that_ends_says_why() -> None:
    with pytest.raises(ContenderFailed, match="no store here"):
        running_to_its_end([sys.executable, "-c", "raise SystemExit('no store here')"])
    with pytest.raises(ContenderFailed, match="no token either"):
        running_to_its_end([sys.executable, "-c", f"{HELLO}; input(); raise SystemExit('no token either')"])


HELLO = "import os; os.write(int(os.environ['CONTROL_FD']), b'{}\\n')"


def running_to_its_end(command: list[str]) -> None:
    with contender.running(command, {}) as one:
        one.ask("refresh")


class Slow(Chain):
    """A chain whose every exchange takes at least 20 ms."""

    def refresh(self) -> None:
        time.sleep(0.02)


def test_at_a_rate_that_is_too_high_each_waits_for_those_before_it() -> None:
    """Due every 10 ms: the tenth has waited for nine others, and its time says so."""
    took = chains.at_a_rate([Slow("http://127.0.0.1:1/", "token")], seconds=0.0999, rate=100)

    assert len(took) == 10
    assert took[9] > 110


def test_a_failure_of_one_chain_is_everybody_s() -> None:
    class Broken(Chain):
        def refresh(self) -> None:
            raise RuntimeError("503")

    with pytest.raises(RuntimeError, match="503"):
        chains.as_fast_as_they_can([Slow("http://h/", ""), Broken("http://h/", "")], seconds=0.1)


def test_the_page_says_what_was_measured() -> None:
    """`make bench` writes both."""
    text = page.PAGE.read_text("utf-8")

    assert tables.filled(text, page.tables(RESULTS)) == text


def test_a_table_without_a_place_on_the_page_is_refused() -> None:
    with pytest.raises(KeyError, match="lost"):
        tables.filled(page.PAGE.read_text("utf-8"), {"lost": ""})


def test_the_pictures_have_the_page_s_numbers_and_the_reader_s_ink() -> None:
    pictures = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.svg")}
    said = {name: set(re.findall(r">([0-9.]+)</text>", picture)) for name, picture in pictures.items()}

    assert {f"{line.cpu:.1f}" for line in RESULTS.refresh.values()} <= said["processor_time"]
    dollars = {name: RESULTS.refresh[name] for name in SERVERS}
    assert {f"{line.dynamodb_dollars + line.compute_dollars:.2f}" for line in dollars.values()} <= said["cost"]
    for picture in pictures.values():
        assert "prefers-color-scheme" in picture
        assert "currentColor" in picture
        assert len(picture) < 50_000
    assert all(f"performance/{name}.svg" in page.PAGE.read_text("utf-8") for name in pictures)


@pytest.mark.parametrize(
    ("name", "change", "target"),
    [
        (HANDLER, {"calls": {"GetItem": 1, "UpdateItem": 1}}, "DynamoDB calls"),
        (HANDLER, {"cpu_ms": [99.0]}, "processor time of the handler"),
        (OURS, {"cpu_ms": [99.0]}, "processor time over HTTP"),
        (OURS, {"per_second": [1.0]}, "exchanges per second"),
    ],
)
def test_a_target_that_is_missed_is_told(name: str, change: dict[str, Any], target: str) -> None:
    one_round = {
        each: dataclasses.replace(line, cpu_ms=[50.0], per_second=[50.0], calls={"UpdateItem": 1})
        for each, line in RESULTS.refresh.items()
    }
    changed = dataclasses.replace(one_round[name], **change)
    results = dataclasses.replace(RESULTS, refresh=one_round | {name: changed})

    seen = {one.holds for one in results.targets if one.name.startswith(target)}

    assert seen == {False}
