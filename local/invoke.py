"""`make invoke EVENT=token/refresh`: sends a sample event to the function of its folder, as built for Lambda.

With Docker `sam local invoke` runs it in Lambda's own image, else this machine's Python does. Either way on a local AWS
of its own, with the keys and the tenant of `make run`. Ends with 2 when there is no such event.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from cli import tenant_file
from local import artifacts, cloudformation, processes, stack, template
from local.artifacts import ARCHITECTURE, SAM, Artifacts
from local.stack import Endpoints
from local.template import ROOT, Function, Template

_ISSUER = "http://localhost:8400/"

type Event = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    names = sorted(str(path.relative_to(ROOT / "events").with_suffix("")) for path in ROOT.glob("events/*/*.json"))
    if len(arguments) != 1 or arguments[0] not in names:
        print("EVENT is one of", *names, sep="\n  ", file=sys.stderr)
        return 2
    (name,) = arguments
    event: Event = json.loads((ROOT / "events" / f"{name}.json").read_text("utf-8"))
    document = template.load()
    (function,) = (one for one in template.functions(document).values() if one.name == name.partition("/")[0])
    with artifacts.built() as built, processes.ministack() as aws, cloudformation.listening() as waiting:
        environment = stack.create(Endpoints(aws, aws), issuer=_ISSUER)
        tenant_file.seed(tenant_file.load(ROOT / "examples/tenant.yaml"), stack.store(aws, environment))
        if "ResponseURL" in event:
            event["ResponseURL"] = waiting.url
        if _docker_works():
            return _with_sam(document, function, event, built, environment)
        if platform.system() != "Linux":
            print("what is built for Lambda runs on Linux: start Docker", file=sys.stderr)
            return 1
        (answer,) = built.answers(function, [event], environment)
        print(json.dumps(answer, indent=2))
        for heard in waiting.heard:
            print("CloudFormation heard:", json.dumps(heard, indent=2))
    return 0


def _docker_works() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    # The client tells its own version without a daemon, the server's not.
    command = [docker, "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _with_sam(
    document: Template, function: Function, event: Event, built: Artifacts, environment: Mapping[str, str]
) -> int:
    """Let SAM run the function in a container.

    It hands a function the caller's credentials and only those variables that the template has, so it gets the template
    with local values in their place, and boto3's endpoints besides.
    """
    network = ["--docker-network", "host"] if platform.system() == "Linux" else []
    variables = {
        name: value if network else value.replace("http://127.0.0.1:", "http://host.docker.internal:")
        for name, value in environment.items()
        if not name.startswith("AWS_") or name.startswith("AWS_ENDPOINT_URL")
    }
    common = document.document["Globals"]["Function"] | {"Environment": {"Variables": variables}}
    local = {**document.document, "Globals": {"Function": common}, "Resources": _as_built(document)}
    path = built.folder / "local.json"
    path.write_text(json.dumps(local), "utf-8")
    flags = ["--template", str(path), "--event", "-", "--parameter-overrides", f"Architecture={ARCHITECTURE}", *network]
    return subprocess.run(
        [SAM, "local", "invoke", function.logical_id, *flags],
        input=json.dumps(event),
        env={**os.environ, **environment},
        text=True,
        check=False,
    ).returncode


def _as_built(document: Template) -> dict[str, Any]:
    """The template's resources with the places where `sam build` put functions and layers."""
    places = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
    return {
        name: one | {"Properties": one["Properties"] | {places[one["Type"]]: name}} if one["Type"] in places else one
        for name, one in document.resources.items()
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
