"""What a function that starts from a snapshot has in it (SnapStart)."""

import importlib
import os


def holds(*modules: str) -> None:
    """Import *modules* if this process is about to become a snapshot, where they cost the requests after it nothing.

    Any other process imports them when a request needs them.
    """
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        for module in modules:
            importlib.import_module(module)
