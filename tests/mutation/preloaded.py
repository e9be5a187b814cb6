"""What every process that judges a mutant anew has imported already: nothing of the product, and no test."""

import aws_lambda_powertools
import bcrypt
import boto3
import cachetools
import cryptography
import httpx
import hypothesis
import jinja2
import jwt
import pydantic
import pytest
import ua_parser
import yaml

__all__ = [
    "aws_lambda_powertools",
    "bcrypt",
    "boto3",
    "cachetools",
    "cryptography",
    "httpx",
    "hypothesis",
    "jinja2",
    "jwt",
    "pydantic",
    "pytest",
    "ua_parser",
    "yaml",
]
