"""Queries and scans, which DynamoDB answers by the page."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def items_of(read: Callable[..., Any], **request: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - boto3's own
    """Yield the items of a client's `query` or `scan`; a page is asked for when its first item is needed."""
    while True:
        page = read(**request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
