"""A store in memory for the fuzzer: it keeps what is put, and no condition of an update holds, but of a few tables.

So no family is rotated or revoked here; what is asked for can be found, and whatever would be written is noted. Parsing
and refusing are looked at, not the rules: those have DynamoDB Local.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

type Item = Mapping[str, Any]


class Memory:
    """As much of boto3's DynamoDB client as the adapters use. *keys* has the key attributes of each table."""

    def __init__(self, keys: Mapping[str, tuple[str, ...]], willing: frozenset[str]) -> None:
        """Take the tables, and those whose updates go through, though they change nothing."""
        self.keys, self._willing = keys, willing
        self.items: dict[tuple[str, ...], Item] = {}
        self.written: set[str] = set()
        """Tables with a write since this was emptied."""

    def get_item(self, **call: Any) -> dict[str, Any]:
        item = self.items.get(self._key(call["TableName"], call["Key"]))
        return {} if item is None else {"Item": item}

    def batch_get_item(self, **call: Any) -> dict[str, Any]:
        found = {
            table: [item for key in wanted["Keys"] if (item := self.items.get(self._key(table, key)))]
            for table, wanted in call["RequestItems"].items()
        }
        return {"Responses": found, "UnprocessedKeys": {}}

    def put_item(self, **call: Any) -> dict[str, Any]:
        key = self._key(call["TableName"], call["Item"])
        if "ConditionExpression" in call and key in self.items and call["TableName"] not in self._willing:
            raise _refused(self.items[key])
        self.items[key] = call["Item"]
        self.written.add(call["TableName"])
        return {}

    def update_item(self, **call: Any) -> dict[str, Any]:
        key = self._key(call["TableName"], call["Key"])
        if "ConditionExpression" in call and call["TableName"] not in self._willing:
            raise _refused(self.items.get(key))
        self.written.add(call["TableName"])
        return {"Attributes": self.items.get(key, call["Key"])}

    def delete_item(self, **call: Any) -> dict[str, Any]:
        if self.items.pop(self._key(call["TableName"], call["Key"]), None):
            self.written.add(call["TableName"])
        return {}

    def transact_write_items(self, **call: Any) -> dict[str, Any]:
        for write in call["TransactItems"]:
            self.written.update(each["TableName"] for name, each in write.items() if name != "ConditionCheck")
            if "Put" in write:
                self.items[self._key(write["Put"]["TableName"], write["Put"]["Item"])] = write["Put"]["Item"]
        return {}

    def query(self, **call: Any) -> dict[str, Any]:
        """All items of a partition, on one page."""
        partition = self.keys[call["TableName"]][0]
        values = list(call["ExpressionAttributeValues"].values())
        return _page(call, [item for item in self._items_of(call["TableName"]) if item[partition] in values])

    def scan(self, **call: Any) -> dict[str, Any]:
        """All items of a table, on one page."""
        return _page(call, self._items_of(call["TableName"]))

    def _items_of(self, table: str) -> list[Item]:
        return [item for key, item in self.items.items() if key[0] == table]

    def _key(self, table: str, item: Item) -> tuple[str, ...]:
        return (table, *(item[name]["S"] for name in self.keys[table]))


def _page(call: Mapping[str, Any], found: Iterable[Item]) -> dict[str, Any]:
    _, present, attribute = call.get("FilterExpression", "").rpartition("attribute_exists(")
    return {"Items": [item for item in found if not present or attribute.rstrip(")") in item]}


def _refused(item: Item | None) -> ClientError:
    answer: Any = {"Error": {"Code": "ConditionalCheckFailedException", "Message": "no"}}
    return ClientError(answer | ({} if item is None else {"Item": item}), "Write")
