"""`make sbom`: writes what the layer holds, for programs (`heirloom.cdx.json`, CycloneDX) and for people.

Versions and hashes are those of the layer's lock; licences and who needs whom are what the packages say of themselves.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, Final

from packaging.utils import canonicalize_name

from supply_chain import layer, locks

SBOM: Final = locks.ROOT / "heirloom.cdx.json"
PAGE: Final = locks.ROOT / "docs/supply-chain.md"

_TOOLS: Final = locks.ROOT / ".tools/audit/bin"
_TABLE: Final = re.compile(r"(?<=<!-- table: layer -->\n).*?(?=<!-- end -->)", re.DOTALL)
_VALIDATE: Final = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(str(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()) or "") or 0)
"""


class Invalid(Exception):
    """The document is no CycloneDX; the message says where."""


def sbom() -> dict[str, Any]:
    """Return the software bill of materials of the layer, CycloneDX 1.6, checked against its schema.

    Raise `Invalid`, or `CalledProcessError` in the words of cyclonedx-py.
    """
    python = locks.ROOT / ".venv/bin/python"
    flags = [
        "--no-validate",
        "--output-format",
        "JSON",
        "--spec-version",
        "1.6",
        "--pyproject",
        str(locks.ROOT / "pyproject.toml"),
    ]
    done = subprocess.run([_TOOLS / "cyclonedx-py", "environment", *flags, python], capture_output=True, check=True)
    document: dict[str, Any] = json.loads(done.stdout)
    pins = layer.pins()
    document["components"] = [
        {**one, "externalReferences": [_files(pins[name])]}  # instead of links to chats and sponsors
        for one in document["components"]
        if (name := canonicalize_name(one["name"])) in pins
    ]
    for tool in document["metadata"]["tools"]["components"]:
        del tool["externalReferences"]
    kept = {one["bom-ref"] for one in document["components"]} | {document["metadata"]["component"]["bom-ref"]}
    document["dependencies"] = [
        {**one, "dependsOn": [other for other in one.get("dependsOn", ()) if other in kept]}
        for one in document["dependencies"]
        if one["ref"] in kept
    ]
    validate(document)
    return document


def validate(document: dict[str, Any]) -> None:
    """Check a document against CycloneDX's schema; raise `Invalid`."""
    text = json.dumps(document)
    done = subprocess.run([_TOOLS / "python", "-c", _VALIDATE], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Invalid(done.stderr)


def _files(one: locks.Locked) -> dict[str, Any]:
    """Where the package's files are, and the hashes of those that may be installed."""
    hashes = [{"alg": "SHA-256", "content": each.removeprefix("sha256:")} for each in one.hashes]
    return {"type": "distribution", "url": f"https://pypi.org/project/{one.name}/{one.version}/", "hashes": hashes}


def table(shipped: Iterable[layer.Shipped]) -> str:
    """Return the table of the page: what the layer holds, and why."""
    lines = ["| package | version | imported by | through | licence | MB |", "|---|---|---|---|---|---|"]
    for one in shipped:
        ours, through = (", ".join(f"`{name}`" for name in names) for names in (one.ours, one.through))
        lines.append(f"| {one.name} | {one.version} | {ours} | {through} | {one.licence} | {one.size / 1e6:.1f} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write both."""
    SBOM.write_text(json.dumps(sbom(), indent=2) + "\n", "utf-8")
    written = PAGE.read_text("utf-8")
    rows = table(layer.shipped())
    PAGE.write_text(_TABLE.sub(lambda _: rows, written), "utf-8")
    print(f"{SBOM.relative_to(locks.ROOT)} and {PAGE.relative_to(locks.ROOT)} have what the layer holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
