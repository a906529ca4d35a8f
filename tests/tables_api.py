"""What the tests of tables share."""

from lambent import new_name


def create_table(db, hash_type="S", range_type=None, name=None, more_attributes=(), **members):
    """Creates a table with the keys `id` and, where it has one, `at`; its name once it is active."""
    name = name or new_name("t")
    key = [("id", "HASH", hash_type)] + ([("at", "RANGE", range_type)] if range_type else [])
    attributes = [{"AttributeName": n, "AttributeType": t} for n, _, t in key] + list(more_attributes)
    db.create_table(**{"TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": attributes,
                       "KeySchema": [{"AttributeName": n, "KeyType": k} for n, k, _ in key], **members})
    db.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name
