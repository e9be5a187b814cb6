"""The threat model names tests and files that there are, and has every section of the two documents, once."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest

from local.template import ROOT

PAGE = (ROOT / "docs/threat-model.md").read_text("utf-8")
ROW = re.compile(
    r"^\| (?P<section>\d(?:\.\d+)+) \| (?P<title>[^|]+) \| (?P<how>[^|]+) \| (?P<proof>[^|]*)\|$", re.MULTILINE
)
RFC_9700 = """
2.1 Protecting Redirect-Based Flows
2.1.1 Authorization Code Grant
2.1.2 Implicit Grant
2.2.1 Access Tokens
2.2.2 Refresh Tokens
2.3 Access Token Privilege Restriction
2.4 Resource Owner Password Credentials Grant
2.5 Client Authentication
2.6 Other Recommendations
4.1 Insufficient Redirection URI Validation
4.2 Credential Leakage via Referer Headers
4.3.1 Authorization Code in Browser History
4.3.2 Access Token in Browser History
4.4 Mix-Up Attacks
4.5 Authorization Code Injection
4.6 Access Token Injection
4.7 Cross-Site Request Forgery
4.8 PKCE Downgrade Attack
4.9.1 Access Token Phishing by Counterfeit Resource Server
4.9.2 Compromised Resource Server
4.10.1 Sender-Constrained Access Tokens
4.10.2 Audience-Restricted Access Tokens
4.10.3 Discussion: Preventing Leakage via Metadata
4.11.1 Client as Open Redirector
4.11.2 Authorization Server as Open Redirector
4.12 307 Redirect
4.13 TLS Terminating Reverse Proxies
4.14 Refresh Token Protection
4.15 Client Impersonating Resource Owner
4.16 Clickjacking
4.17 Attacks on In-Browser Communication Flows
"""
RFC_6819 = {"4.1": 5, "4.2": 4, "4.3": 5, "4.4.1": 13, "4.4.2": 6, "4.4.3": 6, "4.5": 4, "4.6": 7}
"""How many threats each section has; 4.4.4 has no sections of its own."""


DOCUMENTS = {"9700": "RFC 9700: best current practice", "6819": "RFC 6819: threats"}
NAMED = re.compile(r"RFC (9700|6819) §([\d.]*\d)")
PLAYED = re.compile(r"\]\(\.\./tests/attacks/(test_\w+\.py)\)")


def part(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@cache
def names_of_tests() -> frozenset[str]:
    found = (
        re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
        for path in ROOT.glob("tests/**/test_*.py")
    )
    return frozenset(name for names in found for name in names)


def test_every_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))

    assert named - names_of_tests() == set()
    assert len(named) > 100


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`([\w/]+\.(?:py|yaml))`", PAGE))

    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_section_of_rfc_9700_that_recommends_something_is_there_once() -> None:
    rows = [f"{row['section']} {row['title']}" for row in ROW.finditer(part("RFC 9700: best current practice"))]
    assert rows == RFC_9700.strip().splitlines()


def test_every_threat_of_rfc_6819_is_there_once() -> None:
    expected = [f"{section}.{number}" for section, count in RFC_6819.items() for number in range(1, count + 1)]
    expected.insert(expected.index("4.5.1"), "4.4.4")

    rows = list(ROW.finditer(part("RFC 6819: threats")))
    assert [row["section"] for row in rows] == expected
    assert len({(row["section"], row["title"]) for row in rows}) == len(rows)


@pytest.mark.parametrize("heading", ["RFC 9700: best current practice", "RFC 6819: threats"])
def test_what_is_met_is_proved_unless_it_is_the_applications(heading: str) -> None:
    unproved = [row["section"] for row in ROW.finditer(part(heading)) if not row["proof"].strip()]
    assert unproved == {"RFC 9700: best current practice": ["4.10.3"], "RFC 6819: threats": ["4.1.4"]}[heading]


def test_every_attacker_has_a_section() -> None:
    attackers = part("Attackers").count("\n| ") - 1
    assert part("What stops each").count("\n### ") == attackers


def attacks() -> Iterator[tuple[str, str, str]]:
    """File, name and docstring of every test that plays an attack."""
    for path in sorted(ROOT.glob("tests/attacks/test_*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield path.name, node.name, ast.get_docstring(node) or ""


def test_every_attack_names_a_section_that_the_page_has() -> None:
    strayed = [
        f"{file}::{name}"
        for file, name, docstring in attacks()
        if not (named := NAMED.findall(docstring)) or not all(row_of(*one) for one in named)
    ]
    assert strayed == []
    assert len(list(attacks())) > 100


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_section_names_the_files_of_the_attacks_that_name_it(document: str) -> None:
    played: dict[str, set[str]] = defaultdict(set)
    for file, _, docstring in attacks():
        for named, section in NAMED.findall(docstring):
            if named == document:
                played[row_of(document, section)].add(file)

    told = {section: set(PLAYED.findall(proof)) for section, proof in proofs(document).items()}
    assert {section: files for section, files in told.items() if files} == played


@cache
def proofs(document: str) -> dict[str, str]:
    """What each section of a document is proved by."""
    return {row["section"]: row["proof"] for row in ROW.finditer(part(DOCUMENTS[document]))}


def row_of(document: str, section: str) -> str:
    """The row in which a section is: its own, or as for RFC 9700 §4.4.1 that of what it is part of; else nothing."""
    while section and section not in proofs(document):
        section = section.rpartition(".")[0]
    return section
