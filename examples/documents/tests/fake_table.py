"""What storage.py uses of a boto3 Table, in memory, with DynamoDB's limits on items and pages."""
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError


def item_size(item: dict) -> int:
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value) -> int:
    if isinstance(value, str):
        return len(value.encode())
    return len(bytes(value)) if isinstance(value, (bytes, Binary)) else 21  # the most a number takes


class FakeTable:
    def __init__(self):
        self.items: dict[tuple[str, str], dict] = {}
        self.before_put = lambda item: None  # a test's chance to get in between
        self.before_query = lambda: None

    def put_item(self, Item, ConditionExpression=None):
        self.before_put(Item)
        if item_size(Item) > 400 * 1024:
            raise _error("ValidationException", "Item size has exceeded the maximum allowed size")
        key = Item["name"], Item["part"]
        if ConditionExpression is not None and not _holds(ConditionExpression, self.items.get(key, {})):
            raise _error("ConditionalCheckFailedException", "The conditional request failed")
        self.items[key] = {name: Binary(value) if isinstance(value, bytes) else value for name, value in Item.items()}

    def delete_item(self, Key):
        self.items.pop((Key["name"], Key["part"]), None)

    def query(self, KeyConditionExpression, ConsistentRead, ExclusiveStartKey=None, **projection):
        assert ConsistentRead
        self.before_query()
        return self._page(KeyConditionExpression, ExclusiveStartKey)

    def scan(self, FilterExpression, ConsistentRead, ExclusiveStartKey=None):
        assert ConsistentRead
        return self._page(FilterExpression, ExclusiveStartKey)

    def _page(self, condition, after):
        after = (after["name"], after["part"]) if after else ("", "")
        items, read = [], 0
        for key in sorted(key for key in self.items if key > after):
            item = self.items[key]
            if _holds(condition, item):
                items.append(dict(item))
                read += item_size(item)
            if read > 1024 * 1024:
                return {"Items": items, "LastEvaluatedKey": {"name": key[0], "part": key[1]}}
        return {"Items": items}


def _holds(condition, item: dict) -> bool:
    expression = condition.get_expression()
    operator, values = expression["operator"], expression["values"]
    if operator == "AND":
        return all(_holds(value, item) for value in values)
    value = item.get(values[0].name)
    if operator == "attribute_not_exists":
        return value is None
    if value is None:
        return False
    return {"=": value == values[1], "<": value < values[1], "begins_with": value.startswith(values[1])}[operator]


def _error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutItem")
