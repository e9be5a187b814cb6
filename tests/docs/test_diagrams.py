"""Diagrams on the pages stay within the part of Mermaid that was seen to be drawn. Its own parser needs a browser."""

import re
from collections.abc import Iterator

import pytest

from local.template import ROOT

DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LABEL = r'(?:"[^"]+"|[^"()\[\]{}|]+)'
SHAPES = (r"\[%s\]", r"\(%s\)", r"\(\[%s\]\)", r"\[\(%s\)\]", r"\[\[%s\]\]", r"\{%s\}", r"\{\{%s\}\}")
NODE = rf"\w+(?:{'|'.join(shape % LABEL for shape in SHAPES)})?"
NODES = rf"{NODE}(?: & {NODE})*"
ARROW = r"(?:-->|-\.->|-- [^-]+ -->|-\. [^.]+ \.->)"
LINES = {
    "flowchart": [
        r"flowchart (?:LR|TB|TD)",
        rf"{NODES}(?: {ARROW} {NODES})*",
        r"subgraph \w+\[[^\]]+\]",
        "end",
    ],
    "sequenceDiagram": [
        "sequenceDiagram",
        r"(?:participant|actor) \w+(?: as .+)?",
        r"\w+--?>>\w+: [^;#]+",
        r"Note over \w+(?:,\w+)?: [^;#]+",
        r"(?:alt|else|opt|loop) [^;#]+",
        "end",
    ],
    "stateDiagram-v2": ["stateDiagram-v2", r"(?:\[\*\]|\w+) --> (?:\[\*\]|\w+)(?:: [^:;]+)?"],
}


def diagrams() -> Iterator[tuple[str, str]]:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for number, diagram in enumerate(DIAGRAM.findall(page.read_text("utf-8"))):
            yield f"{page.stem}-{number}", diagram


def mistakes(diagram: str) -> list[str]:
    """The lines that say nothing we know, and what is left open."""
    lines = [line.strip() for line in diagram.splitlines() if line.strip()]
    kind = lines[0].split()[0]
    known = LINES.get(kind, [])
    wrong = [line for line in lines if not any(re.fullmatch(pattern, line) for pattern in known)]
    opened = sum(line.startswith(("subgraph ", "alt ", "opt ", "loop ")) for line in lines)
    if opened != lines.count("end"):
        wrong.append("blocks that are not closed")
    if kind == "sequenceDiagram":
        known_here = {line.split()[1] for line in lines if line.startswith(("participant ", "actor "))}
        spoken = {name for line in lines for name in re.findall(r"^(\w+)--?>>(\w+):", line) for name in name}
        wrong += sorted(spoken - known_here)
    return wrong


@pytest.mark.parametrize("diagram", [pytest.param(diagram, id=name) for name, diagram in diagrams()])
def test_a_diagram_can_be_drawn(diagram: str) -> None:
    assert mistakes(diagram) == []


@pytest.mark.parametrize(
    "diagram",
    [
        "flowchart LR\n    a[one --> b[two]",
        "flowchart LR\n    a -> b",
        "flowchart LR\n    subgraph s[text]\n    a --> b",
        "flowchart LR\n    a[with (brackets)] --> b",
        "sequenceDiagram\n    participant a\n    a->>b: nobody",
        "sequenceDiagram\n    participant a\n    alt one\n    a->>a: text",
        "graph of something",
    ],
)
def test_a_wrong_diagram_is_found(diagram: str) -> None:
    assert mistakes(diagram)
