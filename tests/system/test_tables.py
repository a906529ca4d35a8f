"""DynamoDB tables through real clients: boto3's client and resource, and the aws command line. Texts of errors are those
that DynamoDB gives for the same request."""

import base64
import concurrent.futures
import decimal
import json
import re

import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from lambent import new_name
from tables_api import create_table

from functions_api import refused

KB = 1024
ITEM_LIMIT = 400 * KB
INVALID = "One or more parameter values were invalid: "


@pytest.fixture(scope="module")
def db(server):
    return server.client("dynamodb")


@pytest.fixture(scope="module")
def loose(server):
    """A client that sends what boto3 itself would refuse."""
    return server.client("dynamodb", config={"parameter_validation": False})



@pytest.fixture(scope="module")
def simple(db):
    """A table with a hash key only; tests use ids of their own."""
    return create_table(db)


@pytest.fixture(scope="module")
def ranged(db):
    """A table with a number as range key."""
    return create_table(db, range_type="N")


@pytest.fixture
def own():
    return new_name("item")


def validation(message):
    return (400, "ValidationException", message)


CONDITION_FAILED = (400, "ConditionalCheckFailedException", "The conditional request failed")
NO_TABLE = (400, "ResourceNotFoundException", "Requested resource not found")


# ---- the life of a table


def test_a_table_is_created_described_listed_and_deleted(db):
    name = new_name("t")
    made = db.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                           AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"},
                                                 {"AttributeName": "at", "AttributeType": "N"}],
                           KeySchema=[{"AttributeName": "id", "KeyType": "HASH"},
                                      {"AttributeName": "at", "KeyType": "RANGE"}])["TableDescription"]
    assert made["TableStatus"] in ("CREATING", "ACTIVE")
    assert made["TableArn"] == f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"
    db.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    table = db.describe_table(TableName=name)["Table"]
    assert table["TableStatus"] == "ACTIVE" and table["TableName"] == name
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}]
    assert {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]} == {"id": "S", "at": "N"}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["ItemCount"] == 0 and table["TableId"] and table["CreationDateTime"] == made["CreationDateTime"]
    assert db.describe_table(TableName=made["TableArn"])["Table"]["TableId"] == table["TableId"]
    assert name in names(db)

    assert db.delete_table(TableName=name)["TableDescription"]["TableStatus"] == "DELETING"
    db.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    assert name not in names(db)
    gone = (400, "ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")
    assert refused(db.describe_table, TableName=name) == gone
    assert refused(db.delete_table, TableName=name) == gone
    for call, members in ((db.get_item, {"Key": {"id": {"S": "a"}}}), (db.put_item, {"Item": {"id": {"S": "a"}}}),
                          (db.delete_item, {"Key": {"id": {"S": "a"}}}), (db.update_item, {"Key": {"id": {"S": "a"}}}),
                          (db.scan, {})):
        assert refused(call, TableName=name, **members) == NO_TABLE


def names(db):
    return [name for page in db.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 3})
            for name in page["TableNames"]]


def test_a_table_name_is_taken_once_even_at_the_same_moment(db):
    name = new_name("t")

    def attempt(_):
        try:
            return create_table(db, name=name)
        except db.exceptions.ResourceInUseException as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Message"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(8)))
    assert outcomes.count(name) == 1
    assert outcomes.count((400, f"Table already exists: {name}")) == 7


def test_a_new_table_of_an_old_name_is_empty(db):
    name = create_table(db)
    db.put_item(TableName=name, Item={"id": {"S": "old"}})
    db.delete_table(TableName=name)
    db.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    create_table(db, name=name)
    assert db.scan(TableName=name)["Items"] == []
    assert "Item" not in db.get_item(TableName=name, Key={"id": {"S": "old"}})


ID = {"AttributeName": "id", "AttributeType": "S"}
HASH = {"AttributeName": "id", "KeyType": "HASH"}


@pytest.mark.parametrize("members, message", [
    ({"KeySchema": [HASH, {"AttributeName": "at", "KeyType": "RANGE"}]},
     INVALID + "Some table key attributes are not defined in AttributeDefinitions. Keys: [id, at], "
     "AttributeDefinitions: [id]"),
    ({"AttributeDefinitions": [ID, {"AttributeName": "unused", "AttributeType": "S"}]},
     INVALID + "Number of attributes in KeySchema does not exactly match number of attributes defined in "
     "AttributeDefinitions"),
    ({"BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
     INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"),
    ({"BillingMode": "PROVISIONED"},
     INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"),
    ({"KeySchema": [HASH, {"AttributeName": "id", "KeyType": "RANGE"}]},
     "Both the Hash Key and the Range Key element in the KeySchema have the same name"),
    ({"KeySchema": [{"AttributeName": "id", "KeyType": "RANGE"}]},
     "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
    ({"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "SS"}]},
     "…1 validation error detected: Value 'SS' at 'attributeDefinitions.1.member.attributeType' failed to satisfy "
     "constraint: Member must satisfy enum value set: ["),
    ({"TableName": "ab"}, "TableName must be at least 3 characters long and at most 255 characters long"),
    ({"TableName": "with space"}, "…Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
    ({"TableName": "x" * 256}, "TableName must be at least 3 characters long and at most 255 characters long"),
    ({"TableName": None}, "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must "
                          "not be null"),
    ({"KeySchema": None}, "…KeySchema"),
], ids=["undefined key", "unused attribute", "two billings", "no throughput", "same name twice", "no hash", "type", "short name",
        "wrong name", "long name", "no name", "no key"])
def test_create_refuses_wrong_definitions(db, loose, members, message):
    name = new_name("t")
    members = {"TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [ID], "KeySchema": [HASH],
               **members}
    status, code, text = refused(loose.create_table, **{k: v for k, v in members.items() if v is not None})
    assert (status, code) == (400, "ValidationException")
    assert text == message if not message.startswith("…") else message[1:] in text, text
    assert name not in names(db)


# ---- values


EVERY_TYPE = {
    "text": {"S": "grüße, 世界 \U0001F600 \u0000 \" \\ end"},
    "empty text": {"S": ""},
    "number": {"N": "-0.1"},
    "binary": {"B": bytes(range(256))},
    "empty binary": {"B": b""},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "nothing": {"NULL": True},
    "list": {"L": [{"S": "a"}, {"N": "1"}, {"L": []}, {"M": {}}, {"NULL": True}]},
    "empty list": {"L": []},
    "map": {"M": {"": {"S": "an empty name inside a map"}, "nested": {"M": {"deep": {"B": b"\0\xff"}}}}},
    "texts": {"SS": ["a", "b", ""]},
    "numbers": {"NS": ["1", "-2.5", "30"]},
    "binaries": {"BS": [b"\x01", b"\x02\x03"]},
}


def test_every_type_comes_back_as_it_went(db, simple, own):
    item = {"id": {"S": own}, **EVERY_TYPE}
    item["map"] = {"M": {"nested": item["map"]["M"]["nested"]}}
    db.put_item(TableName=simple, Item=item)
    read = db.get_item(TableName=simple, Key={"id": {"S": own}}, ConsistentRead=True)["Item"]
    for name in ("texts", "numbers", "binaries"):
        (kind, members), = item[name].items()
        assert sorted(read.pop(name)[kind]) == sorted(members)
        del item[name]
    assert read == item


@pytest.mark.parametrize("given, read", [
    ("0", "0"), ("-0", "0"), ("00012.500", "12.5"), ("1e3", "1000"), ("1E-3", "0.001"), ("+5", "5"), (".5", "0.5"),
    ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ("-0.12345678901234567890123456789012345678", "-0.12345678901234567890123456789012345678"),
    ("9.9999999999999999999999999999999999999E+125", "9" * 38 + "0" * 88),
    ("-9.9999999999999999999999999999999999999E+125", "-" + "9" * 38 + "0" * 88),
    ("1E-130", "0." + "0" * 129 + "1"),
    ("100000000000000000000000000000000000000000", "100000000000000000000000000000000000000000"),
])
def test_numbers_keep_38_digits(db, simple, own, given, read):
    db.put_item(TableName=simple, Item={"id": {"S": own}, "n": {"N": given}})
    assert db.get_item(TableName=simple, Key={"id": {"S": own}})["Item"]["n"] == {"N": read}


@pytest.mark.parametrize("given, message", [
    ("123456789012345678901234567890123456789", "Attempting to store more than 38 significant digits in a Number"),
    ("1E+126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ("1E-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
    ("abc", "The parameter cannot be converted to a numeric value: abc"),
    ("1 2", "The parameter cannot be converted to a numeric value: 1 2"),
    ("", "The parameter cannot be converted to a numeric value"),
    ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
    ("0x10", "The parameter cannot be converted to a numeric value: 0x10"),
])
def test_numbers_that_are_none_are_refused(db, simple, own, given, message):
    assert refused(db.put_item, TableName=simple, Item={"id": {"S": own}, "n": {"N": given}}) == validation(message)
    assert "Item" not in db.get_item(TableName=simple, Key={"id": {"S": own}})


def test_arithmetic_is_decimal(db, simple, own):
    db.put_item(TableName=simple, Item={"id": {"S": own}, "n": {"N": "0.1"}, "m": {"N": "9" * 38}})
    update = {"TableName": simple, "Key": {"id": {"S": own}}, "ReturnValues": "UPDATED_NEW"}
    assert db.update_item(UpdateExpression="SET n = n + :x", ExpressionAttributeValues={":x": {"N": "0.2"}},
                          **update)["Attributes"] == {"n": {"N": "0.3"}}
    assert db.update_item(UpdateExpression="SET n = n - :x", ExpressionAttributeValues={":x": {"N": "1"}},
                          **update)["Attributes"] == {"n": {"N": "-0.7"}}
    assert db.update_item(UpdateExpression="ADD m :x", ExpressionAttributeValues={":x": {"N": "1"}},
                          **update)["Attributes"] == {"m": {"N": "1" + "0" * 38}}


@pytest.mark.parametrize("value, message", [
    ({"SS": []}, INVALID + "An string set  may not be empty"),
    ({"NS": []}, INVALID + "An number set  may not be empty"),
    ({"BS": []}, INVALID + "Binary sets should not be empty"),
    ({"SS": ["a", "a"]}, INVALID + "Input collection [a, a] contains duplicates."),
    ({"NS": ["1", "1.0"]}, INVALID + "Input collection [1, 1] contains duplicates."),
    ({"NULL": False}, INVALID + "Null attribute value types must have the value of true"),
    ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"S": "a", "N": "1"}, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
                           "supported datatypes"),
], ids=str)
def test_values_that_are_none_are_refused(db, loose, simple, own, value, message):
    item = {"id": {"S": own}, "x": value}
    assert refused(loose.put_item, TableName=simple, Item=item) == validation(message)
    assert "Item" not in db.get_item(TableName=simple, Key={"id": {"S": own}})


def nested(depth):
    value = {"S": "bottom"}
    for _ in range(depth):
        value = {"L": [value]}
    return value


def test_nesting_goes_to_32_levels(db, simple, own):
    db.put_item(TableName=simple, Item={"id": {"S": own}, "x": nested(32)})
    assert db.get_item(TableName=simple, Key={"id": {"S": own}})["Item"]["x"] == nested(32)
    for depth in (33, 60):
        status, code, message = refused(db.put_item, TableName=simple, Item={"id": {"S": own}, "x": nested(depth)})
        assert (status, code) == (400, "ValidationException") and "Nesting Levels have exceeded" in message, depth


def test_an_item_has_400_kb_and_not_a_byte_more(db, simple, own):
    overhead = len("id") + len(own) + len("x")
    largest = {"id": {"S": own}, "x": {"S": "x" * (ITEM_LIMIT - overhead)}}
    db.put_item(TableName=simple, Item=largest)
    assert db.get_item(TableName=simple, Key={"id": {"S": own}})["Item"] == largest
    larger = {**largest, "x": {"B": b"x" * (ITEM_LIMIT - overhead + 1)}}
    assert refused(db.put_item, TableName=simple, Item=larger) == validation(
        "Item size has exceeded the maximum allowed size")
    assert refused(db.update_item, TableName=simple, Key={"id": {"S": own}}, UpdateExpression="SET y = :y",
                   ExpressionAttributeValues={":y": {"S": ""}}) == validation(
        "Item size to update has exceeded the maximum allowed size")
    assert db.get_item(TableName=simple, Key={"id": {"S": own}})["Item"] == largest
    db.delete_item(TableName=simple, Key={"id": {"S": own}})


# ---- keys


@pytest.mark.parametrize("item, message", [
    ({"x": {"S": "1"}}, INVALID + "Missing the key id in the item"),
    ({"id": {"S": "a"}}, INVALID + "Missing the key at in the item"),
    ({"id": {"N": "1"}, "at": {"N": "1"}}, INVALID + "Type mismatch for key id expected: S actual: N"),
    ({"id": {"S": "a"}, "at": {"M": {}}}, INVALID + "Type mismatch for key at expected: N actual: M"),
    ({"id": {"S": ""}, "at": {"N": "1"}},
     "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string "
     "value. Key: id"),
    ({"id": {"S": "x" * 2049}, "at": {"N": "1"}},
     INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
], ids=["no hash", "no range", "hash type", "range type", "empty", "long"])
def test_items_without_a_right_key_are_refused(db, ranged, item, message):
    assert refused(db.put_item, TableName=ranged, Item=item) == validation(message)


@pytest.mark.parametrize("key", [
    {"id": {"S": "a"}}, {"id": {"S": "a"}, "at": {"S": "1"}}, {"id": {"S": "a"}, "other": {"N": "1"}},
    {"id": {"S": "a"}, "at": {"N": "1"}, "more": {"N": "1"}},
], ids=["partly", "wrong type", "wrong name", "too much"])
def test_keys_that_are_not_the_tables_are_refused(db, ranged, key):
    wrong = validation("The provided key element does not match the schema")
    assert refused(db.get_item, TableName=ranged, Key=key) == wrong
    assert refused(db.delete_item, TableName=ranged, Key=key) == wrong
    assert refused(db.update_item, TableName=ranged, Key=key) == wrong


def test_long_keys_and_binary_keys(db, own):
    table = create_table(db, hash_type="B", range_type="B")
    key = {"id": {"B": b"\0" * 2048}, "at": {"B": b"\xff" * 1024}}
    db.put_item(TableName=table, Item={**key, "x": {"S": own}})
    assert db.get_item(TableName=table, Key=key)["Item"]["x"] == {"S": own}
    assert refused(db.put_item, TableName=table, Item={**key, "at": {"B": b"\xff" * 1025}}) == validation(
        INVALID + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
    for at in (b"\x00\x00", b"\x00", b"\x01", b"\xff", b"\x00\xff\x00"):
        db.put_item(TableName=table, Item={"id": {"B": b"\0"}, "at": {"B": at}})
    found = db.query(TableName=table, KeyConditionExpression="id = :id",
                     ExpressionAttributeValues={":id": {"B": b"\0"}})["Items"]
    assert [i["at"]["B"] for i in found] == [b"\x00", b"\x00\x00", b"\x00\xff\x00", b"\x01", b"\xff"]


# ---- changes


def test_return_values_of_put_update_and_delete(db, simple, own):
    key = {"id": {"S": own}}
    assert "Attributes" not in db.put_item(TableName=simple, Item={**key, "x": {"N": "1"}}, ReturnValues="ALL_OLD")
    assert db.put_item(TableName=simple, Item={**key, "x": {"N": "2"}, "y": {"S": "y"}},
                       ReturnValues="ALL_OLD")["Attributes"] == {**key, "x": {"N": "1"}}
    seen = {}
    for wanted in ("ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW", "NONE"):
        seen[wanted] = db.update_item(TableName=simple, Key=key, UpdateExpression="ADD x :one", ReturnValues=wanted,
                                      ExpressionAttributeValues={":one": {"N": "1"}}).get("Attributes")
    assert seen == {"ALL_OLD": {**key, "x": {"N": "2"}, "y": {"S": "y"}}, "UPDATED_OLD": {"x": {"N": "3"}},
                    "ALL_NEW": {**key, "x": {"N": "5"}, "y": {"S": "y"}}, "UPDATED_NEW": {"x": {"N": "6"}}, "NONE": None}
    assert db.delete_item(TableName=simple, Key=key, ReturnValues="ALL_OLD")["Attributes"]["x"] == {"N": "7"}
    assert "Attributes" not in db.delete_item(TableName=simple, Key=key, ReturnValues="ALL_OLD")
    assert refused(db.put_item, TableName=simple, Item=key, ReturnValues="ALL_NEW") == validation(
        "ReturnValues can only be ALL_OLD or NONE")
    status, code, message = refused(db.put_item, TableName=simple, Item=key, ReturnValues="SOME")
    assert (status, code) == (400, "ValidationException")
    assert message.startswith("1 validation error detected: Value 'SOME' at 'returnValues' failed to satisfy constraint: "
                              "Member must satisfy enum value set: [")


def test_conditions_decide_whether_something_changes(db, simple, own):
    key = {"id": {"S": own}}
    first = {**key, "x": {"N": "1"}}
    db.put_item(TableName=simple, Item=first, ConditionExpression="attribute_not_exists(id)")
    assert refused(db.put_item, TableName=simple, Item={**key, "x": {"N": "2"}},
                   ConditionExpression="attribute_not_exists(id)") == CONDITION_FAILED
    assert refused(db.update_item, TableName=simple, Key=key, UpdateExpression="SET x = :n",
                   ConditionExpression="x > :n", ExpressionAttributeValues={":n": {"N": "1"}}) == CONDITION_FAILED
    assert refused(db.delete_item, TableName=simple, Key=key, ConditionExpression="x = :n",
                   ExpressionAttributeValues={":n": {"S": "1"}}) == CONDITION_FAILED
    with pytest.raises(db.exceptions.ConditionalCheckFailedException) as caught:
        db.delete_item(TableName=simple, Key=key, ConditionExpression="attribute_not_exists(x)",
                       ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert caught.value.response["Item"] == first
    assert db.get_item(TableName=simple, Key=key)["Item"] == first
    db.delete_item(TableName=simple, Key=key, ConditionExpression="x IN (:a, :b) AND NOT begins_with(id, :z)",
                   ExpressionAttributeValues={":a": {"N": "7"}, ":b": {"N": "1"}, ":z": {"S": "zzz"}})
    assert "Item" not in db.get_item(TableName=simple, Key=key)
    missing = {"id": {"S": own + "-missing"}}
    assert refused(db.update_item, TableName=simple, Key=missing, UpdateExpression="SET x = :n",
                   ConditionExpression="attribute_exists(id)",
                   ExpressionAttributeValues={":n": {"N": "1"}}) == CONDITION_FAILED
    assert "Item" not in db.get_item(TableName=simple, Key=missing)


@pytest.mark.parametrize("expression, result", [
    ("SET l[1] = :new", {"l": ["a", "new", "c"]}),
    ("SET l[9] = :new", {"l": ["a", "b", "c", "new"]}),
    ("SET m.k.deep = :new", {"m": {"k": {"deep": "new"}, "rest": 1}}),
    ("SET l = list_append(l, :list)", {"l": ["a", "b", "c", "new"]}),
    ("SET l = list_append(:list, l)", {"l": ["new", "a", "b", "c"]}),
    ("SET fresh = if_not_exists(fresh, :new), n = if_not_exists(n, :new)", {"fresh": "new"}),
    ("SET fresh = n, n = n + :one", {"fresh": 5, "n": 6}),
    ("REMOVE l[0], l[2], m.rest", {"l": ["b"], "m": {"k": {}}}),
    ("ADD n :one, tags :tag, count :one", {"n": 6, "tags": {"x", "y", "z"}, "count": 1}),
    ("DELETE tags :xz", {"tags": {"y"}}),
    ("DELETE tags :xy", {"tags": None}),
    ("SET n = :one REMOVE m ADD count :one DELETE tags :xz", {"n": 1, "m": None, "count": 1, "tags": {"y"}}),
])
def test_update_expressions(server, simple, own, expression, result):
    table = server.resource("dynamodb").Table(simple)
    start = {"id": own, "n": 5, "l": ["a", "b", "c"], "m": {"k": {}, "rest": 1}, "tags": {"x", "y"}}
    table.put_item(Item=start)
    values = {":new": "new", ":list": ["new"], ":one": 1, ":tag": {"z"}, ":xz": {"x", "z"}, ":xy": {"x", "y"}}
    used = {k: v for k, v in values.items() if re.search(k + r"\b", expression)}
    names = {"#count": "count"} if "count" in expression else {}
    table.update_item(Key={"id": own}, UpdateExpression=expression.replace("count", "#count"),
                      **({"ExpressionAttributeValues": used} if used else {}),
                      **({"ExpressionAttributeNames": names} if names else {}))
    expected = {k: v for k, v in {**start, **result}.items() if v is not None}
    assert table.get_item(Key={"id": own})["Item"] == expected


UPDATE = {"ExpressionAttributeValues": {":x": {"N": "1"}}}


@pytest.mark.parametrize("members, message", [
    ({"UpdateExpression": "SET id = :x", **UPDATE},
     INVALID + "Cannot update attribute id. This attribute is part of the key"),
    ({"UpdateExpression": "SET x = :x, x.y = :x", **UPDATE},
     "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; "
     "path one: [x], path two: [x, y]"),
    ({"UpdateExpression": "SET x = :x SET y = :x", **UPDATE},
     'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;'),
    ({"UpdateExpression": "SET name = :x", **UPDATE},
     "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name"),
    ({"UpdateExpression": "SET x = :y", **UPDATE},
     "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :y"),
    ({"UpdateExpression": "SET #x = :x", **UPDATE},
     "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: #x"),
    ({"UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": {"N": "1"}, ":unused": {"N": "1"}}},
     "Value provided in ExpressionAttributeValues unused in expressions: keys: {:unused}"),
    ({"UpdateExpression": "SET x = :x", "ExpressionAttributeNames": {"#unused": "y"}, **UPDATE},
     "Value provided in ExpressionAttributeNames unused in expressions: keys: {#unused}"),
    ({"UpdateExpression": "REMOVE x", "ExpressionAttributeValues": {}}, "ExpressionAttributeValues must not be empty"),
    ({"UpdateExpression": ""}, "Invalid UpdateExpression: The expression can not be empty;"),
    ({"UpdateExpression": "SET x = = :x", **UPDATE},
     'Invalid UpdateExpression: Syntax error; token: "=", near: "= = :x"'),
    ({"UpdateExpression": "SET x = text + :x", **UPDATE},
     "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: text"),
    ({"UpdateExpression": "SET x = word + :x", **UPDATE},
     "An operand in the update expression has an incorrect data type"),
    ({"UpdateExpression": "SET x = absent + :x", **UPDATE},
     "The provided expression refers to an attribute that does not exist in the item"),
    ({"UpdateExpression": "SET absent.y = :x", **UPDATE},
     "The document path provided in the update expression is invalid for update"),
    ({"UpdateExpression": "ADD word :x", **UPDATE}, "An operand in the update expression has an incorrect data type"),
    ({"UpdateExpression": "SET x = size(word)"},
     "Invalid UpdateExpression: The function is not allowed in an update expression; function: size"),
    ({"UpdateExpression": "SET x = nonsense(word)"}, "Invalid UpdateExpression: Invalid function name; function: nonsense"),
    ({"UpdateExpression": "SET x = :x", "ConditionExpression": "x >", **UPDATE},
     'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: ">"'),
    ({"UpdateExpression": "SET x = :x", "ConditionExpression": "size(x)", **UPDATE},
     "Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: size"),
    ({"UpdateExpression": "SET x = :x", "ConditionExpression": "x BETWEEN :x AND :low",
      "ExpressionAttributeValues": {":x": {"N": "1"}, ":low": {"N": "0"}}},
     "Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
     "lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {N:0}"),
], ids=lambda v: v.get("UpdateExpression", "") + v.get("ConditionExpression", "") if isinstance(v, dict) else "")
def test_wrong_updates_are_refused_in_dynamodbs_words(db, loose, simple, own, members, message):
    key = {"id": {"S": own}}
    item = {**key, "word": {"S": "a"}, "x": {"N": "0"}}
    db.put_item(TableName=simple, Item=item)
    assert refused(loose.update_item, TableName=simple, Key=key, **members) == validation(message)
    assert db.get_item(TableName=simple, Key=key)["Item"] == item


def test_concurrent_updates_of_one_item_all_count(db, simple, own):
    def add(_):
        db.update_item(TableName=simple, Key={"id": {"S": own}}, UpdateExpression="ADD hits :one",
                       ExpressionAttributeValues={":one": {"N": "1"}})

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(200)))
    assert db.get_item(TableName=simple, Key={"id": {"S": own}})["Item"]["hits"] == {"N": "200"}


def test_get_projects(db, simple, own):
    db.put_item(TableName=simple, Item={"id": {"S": own}, "a": {"L": [{"N": "0"}, {"N": "1"}]},
                                        "m": {"M": {"x": {"S": "x"}, "y": {"S": "y"}}}, "name": {"S": "n"}})
    got = db.get_item(TableName=simple, Key={"id": {"S": own}}, ProjectionExpression="a[1], m.x, #n, absent",
                      ExpressionAttributeNames={"#n": "name"}, ReturnConsumedCapacity="TOTAL")
    assert got["Item"] == {"a": {"L": [{"N": "1"}]}, "m": {"M": {"x": {"S": "x"}}}, "name": {"S": "n"}}
    assert got["ConsumedCapacity"]["CapacityUnits"] == 0.5 and got["ConsumedCapacity"]["TableName"] == simple


# ---- query and scan


@pytest.fixture(scope="module")
def filled(server, db):
    """Two hash keys with 40 items each; the range key is a text n00 … n39."""
    name = create_table(db, range_type="S")
    with server.resource("dynamodb").Table(name).batch_writer() as batch:
        for who in ("alice", "bob"):
            for n in range(40):
                batch.put_item({"id": who, "at": f"n{n:02}", "n": n, "even": n % 2 == 0})
    return name


@pytest.fixture
def table(server, filled):
    return server.resource("dynamodb").Table(filled)


def ats(answer):
    return [item["at"] for item in answer["Items"]]


@pytest.mark.parametrize("condition, expected", [
    (Key("at").eq("n07"), [7]), (Key("at").lt("n02"), [0, 1]), (Key("at").lte("n02"), [0, 1, 2]),
    (Key("at").gt("n37"), [38, 39]), (Key("at").gte("n37"), [37, 38, 39]),
    (Key("at").between("n10", "n12"), [10, 11, 12]), (Key("at").begins_with("n3"), list(range(30, 40))),
    (Key("at").begins_with("x"), []), (Key("at").between("n12", "n12"), [12]),
], ids=["=", "<", "<=", ">", ">=", "between", "begins_with", "nothing", "between one"])
def test_query_by_every_condition_on_the_range_key(table, condition, expected):
    answer = table.query(KeyConditionExpression=Key("id").eq("bob") & condition)
    assert ats(answer) == [f"n{n:02}" for n in expected]
    assert answer["Count"] == answer["ScannedCount"] == len(expected)
    backwards = table.query(KeyConditionExpression=Key("id").eq("bob") & condition, ScanIndexForward=False)
    assert ats(backwards) == ats(answer)[::-1]


@pytest.mark.parametrize("forward", [True, False])
def test_query_in_pages_gives_everything_once(db, filled, forward):
    pages = list(db.get_paginator("query").paginate(
        TableName=filled, KeyConditionExpression="id = :id", ExpressionAttributeValues={":id": {"S": "alice"}},
        ScanIndexForward=forward, PaginationConfig={"PageSize": 7}))
    assert [len(p["Items"]) for p in pages] == [7, 7, 7, 7, 7, 5]
    expected = [f"n{n:02}" for n in range(40)]
    assert [i["at"]["S"] for p in pages for i in p["Items"]] == (expected if forward else expected[::-1])
    assert pages[0]["LastEvaluatedKey"] == {"id": {"S": "alice"}, "at": {"S": "n06" if forward else "n33"}}
    assert "LastEvaluatedKey" not in pages[-1]


def test_limit_counts_before_the_filter(table):
    answer = table.query(KeyConditionExpression=Key("id").eq("bob"), FilterExpression=Attr("even").eq(True), Limit=9)
    assert (answer["Count"], answer["ScannedCount"]) == (5, 9) and answer["LastEvaluatedKey"]["at"] == "n08"
    counted = table.query(KeyConditionExpression=Key("id").eq("bob"), Select="COUNT")
    assert counted["Count"] == 40 and "Items" not in counted
    exact = table.query(KeyConditionExpression=Key("id").eq("bob") & Key("at").lte("n08"), Limit=9)
    assert exact["Count"] == 9


def test_numbers_sort_by_value(db, ranged, own):
    values = ["-1000", "-3.5", "-3", "-0.001", "0", "0.0001", "1", "2", "9.5", "10", "1E+20", "1.5E+100"]
    for value in reversed(values):
        db.put_item(TableName=ranged, Item={"id": {"S": own}, "at": {"N": value}})
    ask = {"TableName": ranged, "KeyConditionExpression": "id = :id AND #at BETWEEN :low AND :high",
           "ExpressionAttributeNames": {"#at": "at"},
           "ExpressionAttributeValues": {":id": {"S": own}, ":low": {"N": "-3.25"}, ":high": {"N": "10.0"}}}
    found = [decimal.Decimal(i["at"]["N"]) for i in db.query(**ask)["Items"]]
    assert found == [decimal.Decimal(v) for v in values[2:10]]
    everything = db.query(TableName=ranged, KeyConditionExpression="id = :id",
                          ExpressionAttributeValues={":id": {"S": own}})["Items"]
    assert [decimal.Decimal(i["at"]["N"]) for i in everything] == [decimal.Decimal(v) for v in values]


@pytest.mark.parametrize("condition, values, message", [
    ("#at = :x", {":x": {"S": "a"}}, "Query condition missed key schema element: id"),
    ("id = :x AND n = :x", {":x": {"S": "a"}}, "Query condition missed key schema element: at"),
    ("id > :x", {":x": {"S": "a"}}, "Query key condition not supported"),
    ("id = :x", {":x": {"N": "1"}}, INVALID + "Condition parameter type does not match schema type"),
    ("id = :x OR #at = :x", {":x": {"S": "a"}}, "Invalid KeyConditionExpression: Invalid operator used in "
                                                "KeyConditionExpression: OR"),
    ("id = :x AND #at <> :x", {":x": {"S": "a"}}, "Invalid KeyConditionExpression: Invalid operator used in "
                                                  "KeyConditionExpression: <>"),
    ("id = :x AND #at BETWEEN :y AND :x", {":x": {"S": "a"}, ":y": {"S": "b"}},
     "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower "
     "bound; lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}"),
    ("id = :x AND id = :x", {":x": {"S": "a"}},
     "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"),
])
def test_wrong_key_conditions_are_refused(db, filled, condition, values, message):
    names = {"ExpressionAttributeNames": {"#at": "at"}} if "#at" in condition else {}
    assert refused(db.query, TableName=filled, KeyConditionExpression=condition, ExpressionAttributeValues=values,
                   **names) == validation(message)


def test_other_wrong_queries_and_scans_are_refused(db, loose, filled):
    alice = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "alice"}}}
    assert refused(db.query, TableName=filled) == validation(
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    assert refused(db.query, TableName=filled, FilterExpression="id = :id", **alice) == validation(
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: id")
    assert refused(db.query, TableName=filled, ExclusiveStartKey={"id": {"S": "alice"}}, **alice) == validation(
        "The provided starting key is invalid")
    assert refused(db.query, TableName=filled, ExclusiveStartKey={"id": {"S": "bob"}, "at": {"S": "n00"}},
                   **alice)[:2] == (400, "ValidationException")
    assert refused(db.query, TableName=filled, IndexName="none", **alice) == validation(
        "The table does not have the specified index: none")
    status, code, message = refused(loose.scan, TableName=filled, Limit=0)
    assert (status, code) == (400, "ValidationException")
    assert message == ("1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have "
                       "value greater than or equal to 1")
    assert refused(db.scan, TableName=filled, Segment=2, TotalSegments=2) == validation(
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than "
        "TotalSegments: 2")
    assert refused(db.scan, TableName=filled, TotalSegments=2) == validation(
        "The Segment parameter is required but was not present in the request when parameter TotalSegments is present")


def test_scan_segments_share_the_table_without_overlap(db, server):
    name = create_table(db)
    with server.resource("dynamodb").Table(name).batch_writer() as batch:
        for n in range(100):
            batch.put_item({"id": f"k{n}"})
    parts = []
    for segment in range(4):
        pages = db.get_paginator("scan").paginate(TableName=name, Segment=segment, TotalSegments=4,
                                                  PaginationConfig={"PageSize": 6})
        parts.append([i["id"]["S"] for page in pages for i in page["Items"]])
    assert sorted(sum(parts, [])) == sorted(f"k{n}" for n in range(100))
    assert sum(bool(part) for part in parts) >= 3, "the keys are spread over the segments"


@pytest.mark.parametrize("attr, count", [
    (Attr("n").gte(38), 4), (Attr("n").between(3, 4) & Attr("even").eq(True), 2), (Attr("absent").not_exists(), 80),
    (Attr("absent").exists(), 0), (Attr("n").is_in([1, 2, 99]), 4), (Attr("at").contains("39"), 2),
    (Attr("at").size().eq(3), 80), (Attr("n").attribute_type("N"), 80), (~Attr("id").eq("bob"), 40),
    (Attr("n").lt(1) | Attr("n").gt(38), 4), (Attr("n").ne(0), 78), (Attr("n").eq("0"), 0),
], ids=range(12))
def test_scan_filters(table, attr, count):
    answer = table.scan(FilterExpression=attr)
    assert (answer["Count"], answer["ScannedCount"]) == (count, 80)


def test_a_page_ends_at_one_megabyte(db):
    name = create_table(db, range_type="N")
    for n in range(4):
        db.put_item(TableName=name, Item={"id": {"S": "a"}, "at": {"N": str(n)}, "x": {"S": "x" * 390 * KB}})
    pages = list(db.get_paginator("scan").paginate(TableName=name))
    assert [len(p["Items"]) for p in pages] == [2, 2] or [len(p["Items"]) for p in pages] == [3, 1]
    assert [i["at"]["N"] for p in pages for i in p["Items"]] == ["0", "1", "2", "3"]


# ---- the resource, batches, transactions


def test_the_resource_speaks_python(server, simple, own):
    table = server.resource("dynamodb").Table(simple)
    item = {"id": own, "price": decimal.Decimal("12.50"), "tags": {"a", "b"}, "numbers": {1, 2}, "data": Binary(b"\0\1"),
            "nested": {"list": [None, True, {"x": 1}]}, "blobs": {Binary(b"x")}}
    table.put_item(Item=item)
    assert table.get_item(Key={"id": own})["Item"] == item
    with pytest.raises(TypeError):
        table.put_item(Item={"id": own, "x": 0.1})
    assert table.table_status == "ACTIVE" and table.name in [t.name for t in server.resource("dynamodb").tables.all()]


def test_the_batch_writer_writes_and_deletes(server, ranged, own):
    table = server.resource("dynamodb").Table(ranged)
    with table.batch_writer(overwrite_by_pkeys=["id", "at"]) as batch:
        for n in range(60):
            batch.put_item(Item={"id": own, "at": n % 50, "n": n})
    mine = table.query(KeyConditionExpression=Key("id").eq(own))["Items"]
    assert [(int(i["at"]), int(i["n"])) for i in mine] == [(n, n + 50 if n < 10 else n) for n in range(50)]
    with table.batch_writer() as batch:
        for n in range(49):
            batch.delete_item(Key={"id": own, "at": n})
    assert table.query(KeyConditionExpression=Key("id").eq(own))["Count"] == 1


def test_batches_refuse_too_much_and_the_same_key_twice(db, simple, own):
    def puts(keys):
        return {simple: [{"PutRequest": {"Item": {"id": {"S": k}}}} for k in keys]}

    assert refused(db.batch_write_item, RequestItems=puts([own, own])) == validation(
        "Provided list of item keys contains duplicates")
    assert refused(db.batch_write_item, RequestItems=puts(f"{own}{n}" for n in range(26)))[:2] == (
        400, "ValidationException")
    assert refused(db.batch_get_item, RequestItems={simple: {"Keys": [{"id": {"S": f"{own}{n}"}} for n in range(101)]}}
                   )[:2] == (400, "ValidationException")
    assert refused(db.batch_write_item, RequestItems={**puts([own]), "no-such-table": puts(["a"])[simple]}) == NO_TABLE
    assert "Item" not in db.get_item(TableName=simple, Key={"id": {"S": own}})
    db.batch_write_item(RequestItems=puts(f"{own}{n}" for n in range(25)))
    got = db.batch_get_item(RequestItems={simple: {"Keys": [{"id": {"S": f"{own}{n}"}} for n in range(30)]}})
    assert {i["id"]["S"] for i in got["Responses"][simple]} == {f"{own}{n}" for n in range(25)}
    assert got["UnprocessedKeys"] == {}


def test_transactions_happen_wholly_or_not_at_all(db, simple, own):
    def put(key):
        return {"Put": {"TableName": simple, "Item": {"id": {"S": own + key}}}}

    check = {"ConditionCheck": {"TableName": simple, "Key": {"id": {"S": own + "absent"}},
                                "ConditionExpression": "attribute_exists(id)"}}
    with pytest.raises(db.exceptions.TransactionCanceledException) as caught:
        db.transact_write_items(TransactItems=[put("a"), check])
    assert caught.value.response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]")
    assert [r["Code"] for r in caught.value.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert "Item" not in db.get_item(TableName=simple, Key={"id": {"S": own + "a"}})
    db.transact_write_items(TransactItems=[put("a"), put("b")])
    got = db.transact_get_items(TransactItems=[{"Get": {"TableName": simple, "Key": {"id": {"S": own + k}}}}
                                               for k in ("a", "b", "c")])["Responses"]
    assert [bool(r.get("Item")) for r in got] == [True, True, False]


# ---- indexes


def test_global_and_local_indexes_follow_the_table(server, db):
    name = create_table(
        db, range_type="N",
        more_attributes=[{"AttributeName": "owner", "AttributeType": "S"}, {"AttributeName": "rank", "AttributeType": "N"}],
        GlobalSecondaryIndexes=[{"IndexName": "by-owner", "Projection": {"ProjectionType": "ALL"},
                                 "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"},
                                               {"AttributeName": "rank", "KeyType": "RANGE"}]}],
        LocalSecondaryIndexes=[{"IndexName": "by-rank", "Projection": {"ProjectionType": "KEYS_ONLY"},
                                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"},
                                              {"AttributeName": "rank", "KeyType": "RANGE"}]}])
    table = server.resource("dynamodb").Table(name)
    for n in range(6):
        table.put_item(Item={"id": "a", "at": n, "rank": 10 - n, "owner": "odd" if n % 2 else "even", "x": n})
    table.put_item(Item={"id": "a", "at": 99, "x": "in no index"})

    def odd():
        return [int(i["at"]) for i in table.query(IndexName="by-owner",
                                                  KeyConditionExpression=Key("owner").eq("odd"))["Items"]]

    assert odd() == [5, 3, 1]
    local = table.query(IndexName="by-rank", KeyConditionExpression=Key("id").eq("a") & Key("rank").gte(8))["Items"]
    assert local == [{"id": "a", "at": n, "rank": 10 - n} for n in (2, 1, 0)]
    table.update_item(Key={"id": "a", "at": 3}, UpdateExpression="SET #o = :o", ExpressionAttributeNames={"#o": "owner"},
                      ExpressionAttributeValues={":o": "even"})
    table.delete_item(Key={"id": "a", "at": 1})
    assert odd() == [5]
    pages = list(db.get_paginator("query").paginate(
        TableName=name, IndexName="by-owner", KeyConditionExpression="#o = :o", ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": {"S": "even"}}, PaginationConfig={"PageSize": 3}))
    assert [i["at"]["N"] for p in pages for i in p["Items"]] == ["4", "3", "2", "0"]
    assert set(pages[0]["LastEvaluatedKey"]) == {"id", "at", "owner", "rank"}
    assert table.scan(IndexName="by-owner")["Count"] == 5
    assert refused(table.query, IndexName="by-owner", ConsistentRead=True,
                   KeyConditionExpression=Key("owner").eq("odd")) == validation(
        "Consistent reads are not supported on global secondary indexes")
    assert refused(table.put_item, Item={"id": "a", "at": 1, "owner": 5, "rank": 1})[:2] == (400, "ValidationException")


# ---- the wire, the command line, restarts


def test_the_command_line_does_all_of_it(server, tmp_path):
    name = new_name("cli")
    cli = server.cli
    cli("dynamodb", "create-table", "--table-name", name, "--billing-mode", "PAY_PER_REQUEST",
        "--attribute-definitions", "AttributeName=id,AttributeType=S", "--key-schema", "AttributeName=id,KeyType=HASH")
    item = {"id": {"S": "a"}, "data": {"B": "grüße"}, "n": {"N": "1"}}  # this command line takes binary as text
    file = tmp_path / "item.json"
    file.write_text(json.dumps(item))
    cli("dynamodb", "put-item", "--table-name", name, "--item", f"file://{file}")
    shown = cli("dynamodb", "get-item", "--table-name", name, "--key", '{"id":{"S":"a"}}').json["Item"]
    assert shown == {**item, "data": {"B": base64.b64encode("grüße".encode()).decode()}}
    assert cli("dynamodb", "scan", "--table-name", name, "--query", "Count").json == 1
    failed = cli("dynamodb", "put-item", "--table-name", name, "--item", '{"id":{"S":"a"}}', "--condition-expression",
                 "attribute_not_exists(id)", check=False)
    assert failed.returncode != 0
    assert "ConditionalCheckFailedException" in failed.stderr and "The conditional request failed" in failed.stderr
    cli("dynamodb", "delete-table", "--table-name", name)
    cli("dynamodb", "wait", "table-not-exists", "--table-name", name)


def test_everything_survives_a_restart_and_kill_9(new_server):
    server = new_server().start()
    db = server.client("dynamodb")
    name, dropped = create_table(db, range_type="N"), create_table(db)
    item = {"id": {"S": "a"}, "at": {"N": "1"}, "data": {"B": b"\0" * 1000}, "m": {"M": {"x": {"NS": ["1", "2"]}}}}
    db.put_item(TableName=name, Item=item)
    db.delete_table(TableName=dropped)
    before = db.describe_table(TableName=name)["Table"]
    server.restart()
    db = server.client("dynamodb")
    assert db.get_item(TableName=name, Key={"id": {"S": "a"}, "at": {"N": "1"}})["Item"] == item
    db.put_item(TableName=name, Item={"id": {"S": "a"}, "at": {"N": "2"}})
    server.kill()
    server.start()
    db = server.client("dynamodb")
    assert names(db) == [name]
    after = db.describe_table(TableName=name)["Table"]
    for member in ("TableId", "KeySchema", "AttributeDefinitions", "CreationDateTime", "TableStatus", "TableArn"):
        assert after[member] == before[member]
    assert [i["at"]["N"] for i in db.scan(TableName=name)["Items"]] == ["1", "2"]
