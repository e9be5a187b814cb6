"""What `sam build` makes of this project, built for this machine: what Lambda would run, where Lambda would look."""

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from local.stores import ACCOUNT
from local.template import ROOT, Function

ARCHITECTURE: Final = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
SAM: Final = ROOT / "scripts/sam"
HOST: Final = ROOT / ".aws-sam/host"
"""Where SAM keeps what it built for this machine, beside what it builds to be deployed."""


class Failed(RuntimeError):
    """A build or a function ended badly; the message is what it printed."""


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The folder that `sam build` filled."""

    folder: Path

    @property
    def template(self) -> Path:
        """The template that names what was built."""
        return self.folder / "template.yaml"

    def import_path(self, function: Function) -> list[Path]:
        """Where the function's imports are looked for: its zip, then its layers."""
        layers = [self.folder / layer / "python" for layer in ("DependenciesLayer", "SharedLayer")]
        return [self.folder / function.logical_id, *layers]

    def answers(
        self, function: Function, events: Iterable[Mapping[str, Any]], environment: Mapping[str, str]
    ) -> list[Any]:
        """What the function answers to each event, one after the other in one process.

        The process sees the built code and Python's own library, nothing of this project's environment. What the
        function logs goes to standard error. Raise `Failed` if it raises.
        """
        command = [sys.executable, "-S", "-P", str(ROOT / "local/lambda_process.py"), function.handler]
        variables = {
            "PYTHONPATH": os.pathsep.join(map(str, self.import_path(function))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_LAMBDA_FUNCTION_NAME": function.logical_id,
        }
        done = subprocess.run(
            command,
            input="".join(json.dumps(event) + "\n" for event in events),
            env={**environment, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise Failed(done.stderr)
        sys.stderr.write(done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def built() -> Iterator[Artifacts]:
    """Build what changed since the last time, and keep the result until the block ends. Raise `Failed` in SAM's words.

    SAM empties its folder before each build, so two at once wait for each other, and each works on links of its own.
    """
    HOST.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=HOST) as folder:
        copy = Path(folder, "build")
        with (HOST / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            build(ROOT / "template.yaml", HOST, "--cached", "--parallel")
            shutil.copytree(HOST / "build", copy, copy_function=os.link)
        yield Artifacts(copy)


def build(template: Path, folder: Path, *flags: str) -> None:
    """Build what a template names into `build` in the folder; raise `Failed` in SAM's words."""
    folders = ["--build-dir", str(folder / "build"), "--cache-dir", str(folder / "cache")]
    parameters = ["--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    done = subprocess.run(
        [SAM, "build", *flags, "--template-file", str(template), *folders, *parameters],
        env={**os.environ, **ACCOUNT},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(done.stdout + done.stderr)
