"""`make cost`: counts the calls of every kind of request anew and writes the tables of docs/cost.md.

With `--check` it writes nothing, and ends with 1 where the page says something else.
"""

import difflib
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks import assumptions, costing, operations, prices
from benchmarks.costing import MILLION, Bill, Costs, cognito
from benchmarks.operations import Counted
from benchmarks.tables import filled, table
from local import template

PAGE: Final = template.ROOT / "docs/cost.md"

TENANTS: Final = (10_000, 1_000_000, 100_000_000)
"""Monthly active users of the examples."""

A_MONTH_OF_A_USER: Final[Mapping[str, float]] = {
    operations.LOGIN: 4,
    operations.EXCHANGE: 4,
    operations.SILENT: 8,
    operations.REFRESH: 120,
    operations.REPLAY: 1,
    operations.USERINFO: 4,
    operations.LOGOUT: 1,
}
FAMILIES_OF_A_USER: Final = 3


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    written = PAGE.read_text("utf-8")
    page = filled(
        written,
        tables(Costs(template.load(), template.load(template.ROOT / "edge/template.yaml"), operations.counted())),
    )
    if "--check" in arguments:
        lines = difflib.unified_diff(written.splitlines(), page.splitlines(), "docs/cost.md", "counted", lineterm="")
        difference = "\n".join(lines)
        print(difference, end="\n" if difference else "")
        return 1 if difference else 0
    PAGE.write_text(page, "utf-8")
    print(f"{PAGE} has what was counted")
    return 0


def tables(costs: Costs) -> dict[str, str]:
    """Return the tables of the page by their names."""
    counted = costs.counted
    return {
        "calls": _calls(costs),
        "a million": _a_million(costs),
        "idle families": _idle(costs),
        "a month": table(("", "dollars"), [*_lines(costs.a_month()), ("**together**", _money(costs.a_month().total))]),
        "signatures": _signatures(costs),
        "edge": _edge(costs),
        "tenants": _tenants(costs),
        "assumptions": _assumptions(counted),
        "prices": _prices(),
    }


def _calls(costs: Costs) -> str:
    names = ("", "requests", "DynamoDB calls", "write units", "read units", "other calls", "JWTs", "log bytes", "sent")
    rows = []
    for name, usage in costs.counted.operations.items():
        dynamodb = [f"{count} {call}" for call, count in _by_service(usage.calls, "dynamodb")]
        others = [
            f"{count} {call}" for service in ("events", "sqs") for call, count in _by_service(usage.calls, service)
        ]
        rows.append(
            (
                name,
                len(usage.functions),
                ", ".join(dynamodb) or "none",
                usage.write_units,
                usage.read_units,
                ", ".join(others) or "none",
                usage.signatures,
                f"{usage.log_bytes:,}",
                f"{usage.sent_bytes:,}",
            )
        )
    return table(names, rows)


def _by_service(calls: Mapping[str, int], service: str) -> list[tuple[str, int]]:
    prefix = f"{service}."
    return sorted((name.removeprefix(prefix), count) for name, count in calls.items() if name.startswith(prefix))


def _a_million(costs: Costs) -> str:
    bills = {name: costs.a_million(name) for name in costs.counted.operations}
    bills["**a login, whole**"] = bills[operations.LOGIN] + bills[operations.EXCHANGE]
    services = list(next(iter(bills.values())).lines)
    rows = [(name, *map(_money, bill.lines.values()), f"**{_money(bill.total)}**") for name, bill in bills.items()]
    return table(("a million times", *services, "together"), rows)


def _idle(costs: Costs) -> str:
    bill = costs.idle_families()
    size = costs.counted.family_bytes
    rows = [("bytes of a family", str(size)), *_lines(bill), ("**together**", f"**{_money(bill.total)}**")]
    return table(("a million families, a month", ""), rows)


def _signatures(costs: Costs) -> str:
    rows = []
    for name in (operations.REFRESH, operations.EXCHANGE, operations.MACHINE):
        alternatives = [costs.signed_by_kms(name, price) for price in _KMS]
        rows.append((name, _money(costs.a_million(name).total), *(f"+ {_money(dollars)}" for dollars in alternatives)))
    return table(("a million times", "signed in the function", "by KMS, RSA 2048", "by KMS, P-256"), rows)


_KMS: Final = (prices.KMS_RSA_SIGNATURES, prices.KMS_EC_SIGNATURES)


def _edge(costs: Costs) -> str:
    bills = {name: costs.before(name) for name in (operations.LOGIN, operations.EXCHANGE, operations.REFRESH)}
    bills["a month, whatever comes"] = costs.edge_a_month()
    rows = [
        (name, *(f"+ {_money(dollars)}" for dollars in bill.lines.values()), f"+ {_money(bill.total)}")
        for name, bill in bills.items()
    ]
    return table(("a million times", "CloudFront", "WAF", "together"), rows)


def _tenants(costs: Costs) -> str:
    one = Bill({})
    edge = Bill({})
    for name, times in A_MONTH_OF_A_USER.items():
        one += costs.a_million(name).times(times / MILLION)
        edge += costs.before(name).times(times / MILLION)
    one += costs.idle_families().times(FAMILIES_OF_A_USER / MILLION)
    rows = []
    for users in TENANTS:
        whole = one.times(users).total + costs.a_month().total
        rows.append(
            (
                f"{users:,}",
                f"**{_whole(whole)}**",
                f"{whole / users:.5f}",
                f"+ {_whole(edge.times(users).total + costs.edge_a_month().total)}",
                _whole(cognito(users, prices.COGNITO_LITE)),
                _whole(cognito(users, prices.COGNITO_ESSENTIALS)),
            )
        )
    names = ("active users", "a month", "each", "CloudFront and WAF", "Cognito Lite", "Cognito Essentials")
    return table(names, rows)


def _assumptions(counted: Counted) -> str:
    shared = (
        f"{counted.configuration_reads} read units a minute, {counted.secret_reads} secrets in "
        f"{costing.SECRET_CACHE_MINUTES} minutes, for {costing.REQUESTS_A_MINUTE} requests a minute"
    )
    billed = (
        f"{costing.CPU_MARGIN} × these ÷ the share of a core that goes with the function's memory, "
        f"and {assumptions.CALL_MS} for each AWS call"
    )
    month = ", ".join(f"{times:g} × {name}" for name, times in A_MONTH_OF_A_USER.items())
    cpu = ", ".join(f"{name} {milliseconds:g}" for name, milliseconds in costing.CPU_MS.items())
    return table(
        ("what", "assumed"),
        [
            ("ms of a whole core", cpu),
            ("ms for which Lambda bills", billed),
            ("requests that meet a fresh environment", f"{costing.COLD_SHARE:.0%}"),
            ("what an environment reads again when its caches have aged", shared),
            ("requests that X-Ray traces", f"{costing.TRACED_SHARE:.0%}"),
            ("an active user's month", month),
            ("families of an active user", str(FAMILIES_OF_A_USER)),
        ],
    )


def _prices() -> str:
    rows = [
        (name, f"{price.dollars:.10f}".rstrip("0").rstrip("."), price.unit, price.source)
        for name, price in prices.ALL.items()
    ]
    rows.append(("Cognito Lite", _tiers(prices.COGNITO_LITE), "active user and month", prices.COGNITO_SOURCE))
    rows.append(
        ("Cognito Essentials", _tiers(prices.COGNITO_ESSENTIALS), "active user and month", prices.COGNITO_SOURCE)
    )
    return table(("", "dollars", "for a", "source"), [(*row[:3], f"<{row[3]}>") for row in rows])


def _tiers(tiers: tuple[tuple[float, float], ...]) -> str:
    told = [f"{price:g} up to {up_to:,.0f}" for up_to, price in tiers[:-1]]
    return ", ".join([*told, f"{tiers[-1][1]:g} above"])


def _lines(bill: Bill) -> list[tuple[str, str]]:
    return [(name, _money(dollars)) for name, dollars in bill.lines.items()]


def _money(dollars: float) -> str:
    return f"{dollars:,.2f}"


def _whole(dollars: float) -> str:
    return f"{dollars:,.0f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
