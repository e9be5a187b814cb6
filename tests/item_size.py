"""What an item costs: DynamoDB charges by its size."""

from collections.abc import Mapping
from typing import Any


def size_of(item: Mapping[str, Any]) -> int:
    """Bytes of an item as DynamoDB counts them (developer guide, "Item sizes and formats"), rounded up."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:  # noqa: PLR0911 - one type, one answer
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            return (len(content) + 1) // 2 + 1
        case "BOOL":
            return 1
        case "SS":
            return 3 + sum(len(it.encode()) + 1 for it in content)
        case "L":
            return 3 + sum(_value_size(it) + 1 for it in content)
        case _:
            assert kind == "M"
            return 3 + sum(len(name.encode()) + _value_size(it) + 1 for name, it in content.items())
