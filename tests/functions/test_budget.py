"""What a cold start imports is a budget, spent knowingly."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PAID_FOR = {
    "authorize": {
        "aws_lambda_powertools",
        "botocore",
        "cachetools",
        "cryptography",
        "jwt",
    },  # jinja2 with the first page, ua_parser with the first account
    "token": {
        "aws_lambda_powertools",
        "botocore",
        "cachetools",
        "cryptography",
    },  # jwt with the first signed request
    "revoke": {"aws_lambda_powertools", "botocore", "cachetools", "cryptography", "jwt"},
    "jwks": {"aws_lambda_powertools", "botocore", "cachetools"},
    "userinfo": {"aws_lambda_powertools", "botocore", "cachetools", "cryptography", "jwt"},
    "management": {"aws_lambda_powertools", "botocore", "cachetools", "cryptography", "jwt", "pydantic"},
    "backchannel_logout": {"aws_lambda_powertools", "botocore", "cachetools", "cryptography"},
    "rotate_keys": {"aws_lambda_powertools", "botocore", "cachetools", "cryptography"},
}
PRICED = set.union(*PAID_FOR.values()) | {"jinja2", "pydantic", "ua_parser", "aws_xray_sdk", "yaml", "asyncio"}
"""Packages whose import takes noticeable time."""

IMPORT = "import sys, app; print(*{name.split('.')[0] for name in sys.modules}, *sys.modules)"


def modules_of(function: str) -> set[str]:
    """All modules in a fresh process that imported a function and nothing else, without an environment."""
    path = f"{ROOT / 'layers/shared'}:{ROOT / 'functions' / function}"
    run = subprocess.run(
        [sys.executable, "-c", IMPORT], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize("function", sorted(PAID_FOR))
def test_a_function_imports_what_it_uses_and_nothing_else(function: str) -> None:
    """No environment variable is set: importing must need none, nor a network."""
    modules = modules_of(function)

    assert modules & PRICED == PAID_FOR[function]
    assert "aws_lambda_powertools.event_handler" not in modules
    assert "aws_lambda_powertools.utilities.parser" not in modules


def test_every_function_has_its_budget() -> None:
    assert {folder.name for folder in (ROOT / "functions").iterdir() if folder.is_dir()} == set(PAID_FOR)
