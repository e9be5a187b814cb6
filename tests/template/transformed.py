"""What CloudFormation is given once AWS has transformed the template, by the program with which AWS does that.

It runs where ministack has it, since it is no dependency of ours. SAM names a version after the place of its code, and
`sam deploy` names that place after its content: here after the folder, or what a test says.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from local.template import ROOT, Template, load

_PYTHON: Final = ROOT / ".tools/ministack/bin/python"
_PROGRAM: Final = """
import json, logging, sys
logging.disable()
from samtranslator.translator.transform import transform
class Nothing:
    def load(self): return {}
print(json.dumps([transform(*given, Nothing()) for given in json.load(sys.stdin)]))
"""


@dataclass(frozen=True, slots=True)
class Variant:
    """Parameters, and content in place of a function's or a layer's, by logical id."""

    parameters: tuple[tuple[str, str], ...] = ()
    contents: tuple[tuple[str, str], ...] = ()


@cache
def transformed(*variants: Variant) -> tuple[Template, ...]:
    """Return the template as it is deployed in each of these variants."""
    return of(load(), *variants)


def of(template: Template, *variants: Variant) -> tuple[Template, ...]:
    """Return another template so."""
    given = [(_packaged(template, dict(one.contents)), dict(one.parameters)) for one in variants]
    done = subprocess.run(
        [_PYTHON, "-c", _PROGRAM],
        input=json.dumps(given),
        env={"AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return tuple(Template(document) for document in json.loads(done.stdout))


def _packaged(template: Template, contents: Mapping[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(template.document))
    for logical_id, resource in document["Resources"].items():
        for place in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            folder = resource["Properties"][place]
            resource["Properties"][place] = f"s3://bucket/{contents.get(logical_id, folder)}"
    return document
