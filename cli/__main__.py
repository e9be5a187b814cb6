"""`heirloom`: the operator's commands on a stack, a deployed one or a local one.

Exit statuses: 0, it is done; 1, the stack does not answer or does not allow it; 2, a file or an argument is no good and
nothing was changed; 130, interrupted.
"""

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from cli import edge, keys, output, tenant, user
from cli.output import Failure, Status
from cli.target import NotThisRelease
from heirloom.domain.errors import StoreUnavailable

_SUBCOMMANDS = (tenant, user, keys, edge)


def main(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except Failure as failure:
        return output.fail(options, failure)
    except (StoreUnavailable, ClientError, BotoCoreError, NotThisRelease) as fault:
        return output.fail(options, Failure(f"the stack does not answer as it should: {fault}"))
    except KeyboardInterrupt:
        return output.fail(options, Failure("interrupted", status=Status.INTERRUPTED))


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    first, _, rest = str(__doc__).partition("\n")
    heirloom = argparse.ArgumentParser(
        prog="heirloom",
        description=first.partition(": ")[2].capitalize(),
        epilog=rest.strip(),
    )
    heirloom.add_argument("--version", action="version", version=f"heirloom {_version()}")
    subparsers = heirloom.add_subparsers(metavar="COMMAND", required=True)
    for subcommand in _SUBCOMMANDS:
        subcommand.add_parser(subparsers)
    return heirloom


def _version() -> str:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
