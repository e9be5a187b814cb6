"""DynamoDB's attribute values, as the low-level client has them.

The resource-level client would translate by itself, at ten times the cost and with every number a `Decimal`.
"""


def string(value: str) -> dict[str, str]:
    """Return a string attribute."""
    return {"S": value}


def number(value: int) -> dict[str, str]:
    """Return a number attribute."""
    return {"N": str(value)}


def binary(value: bytes) -> dict[str, bytes]:
    """Return a binary attribute."""
    return {"B": value}
