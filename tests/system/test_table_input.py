"""What tables are given, byte by byte: numbers that are none through every door, broken text, items at the limit and one byte over
it by each type, and expressions that were mutilated at random."""

import json
import os
import random

import aws_model
import pytest
import raw_aws
from functions_api import refused
from lambent import new_name
from tables_api import create_table

MUTATIONS = int(os.environ.get("MUTATIONS", "100000"))
ITEM_LIMIT = 400 * 1024


@pytest.fixture(scope="module")
def sender(server):
    return raw_aws.Sender(server)


@pytest.fixture(scope="module")
def model():
    return aws_model.Model("dynamodb")


@pytest.fixture(scope="module")
def db(server):
    return server.client("dynamodb")



@pytest.fixture(scope="module")
def table(db):
    return create_table(db)


@pytest.fixture(scope="module")
def numbered(db):
    """A table whose key is a number."""
    return create_table(db, AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}])


def count(db, table):
    return db.scan(TableName=table, Select="COUNT")["Count"]


# ---- numbers ------------------------------------------------------------------------------------------------------

CANNOT = "The parameter cannot be converted to a numeric value: "
NO_NUMBERS = {
    "NaN": CANNOT + "NaN", "Infinity": CANNOT + "Infinity", "-Infinity": CANNOT + "-Infinity", "1e": CANNOT + "1e",
    "--1": CANNOT + "--1", "1.2.3": CANNOT + "1.2.3", "-": CANNOT + "-", ".": CANNOT + ".", "1_000": CANNOT + "1_000",
    "\uff11\uff12": CANNOT + "\uff11\uff12", "\u0661": CANNOT + "\u0661",
    "1" * 39: "Attempting to store more than 38 significant digits in a Number",
    "1." + "1" * 38: "Attempting to store more than 38 significant digits in a Number",
    "1e126": "Number overflow. Attempting to store a number with magnitude larger than supported range",
    "-1e999999999999999999999": "Number overflow. Attempting to store a number with magnitude larger than supported range",
    "1e-131": "Number underflow. Attempting to store a number with magnitude smaller than supported range",
}
# How a number gets in. {table}, {numbered}: with keys that are texts and numbers.
DOORS = {
    "an item": ("PutItem", lambda t, n, v: {"TableName": t, "Item": {"id": {"S": "a"}, "x": v}}),
    "inside a list": ("PutItem", lambda t, n, v: {"TableName": t, "Item": {"id": {"S": "a"}, "x": {"L": [{"M": {"y": v}}]}}}),
    "a set": ("PutItem", lambda t, n, v: {"TableName": t, "Item": {"id": {"S": "a"}, "x": {"NS": ["1", v["N"]]}}}),
    "a key that is written": ("PutItem", lambda t, n, v: {"TableName": n, "Item": {"id": v}}),
    "a key that is read": ("GetItem", lambda t, n, v: {"TableName": n, "Key": {"id": v}}),
    "a key that is deleted": ("DeleteItem", lambda t, n, v: {"TableName": n, "Key": {"id": v}}),
    "a batch": ("BatchWriteItem", lambda t, n, v: {"RequestItems": {t: [
        {"PutRequest": {"Item": {"id": {"S": "a"}}}}, {"PutRequest": {"Item": {"id": {"S": "b"}, "x": v}}}]}}),
    "a transaction": ("TransactWriteItems", lambda t, n, v: {"TransactItems": [
        {"Put": {"TableName": t, "Item": {"id": {"S": "a"}}}}, {"Put": {"TableName": t, "Item": {"id": {"S": "b"}, "x": v}}}]}),
    "a starting key": ("Scan", lambda t, n, v: {"TableName": n, "ExclusiveStartKey": {"id": v}}),
}
# Here the value stands in the message that says which one it is.
NAMED_DOORS = {
    "an update": ("UpdateItem", lambda t, n, v: {"TableName": t, "Key": {"id": {"S": "a"}}, "UpdateExpression": "SET x = :v",
                                                "ExpressionAttributeValues": {":v": v}}),
    "a condition": ("PutItem", lambda t, n, v: {"TableName": t, "Item": {"id": {"S": "a"}}, "ConditionExpression": "x < :v",
                                               "ExpressionAttributeValues": {":v": v}}),
    "a key condition": ("Query", lambda t, n, v: {"TableName": n, "KeyConditionExpression": "id = :v",
                                                 "ExpressionAttributeValues": {":v": v}}),
    "a filter": ("Scan", lambda t, n, v: {"TableName": t, "FilterExpression": "x = :v", "ExpressionAttributeValues": {":v": v}}),
}


@pytest.mark.parametrize("door", [*DOORS, *NAMED_DOORS])
def test_what_is_no_number_is_refused_at_every_door(db, sender, model, table, numbered, door):
    operation, make = {**DOORS, **NAMED_DOORS}[door]
    before = count(db, table), count(db, numbered)
    for text, message in NO_NUMBERS.items():
        answer = sender.send(model, raw_aws.build(model, operation, make(table, numbered, {"N": text})))
        wanted = message if door in DOORS else f"ExpressionAttributeValues contains invalid value: {message} for key :v"
        assert (answer.status, answer.error, answer.message) == (400, "ValidationException", wanted), text
    assert (count(db, table), count(db, numbered)) == before


def test_numbers_are_the_same_however_they_are_written(db, numbered):
    for text in ("-0", "0", "0.0", "-0e5", "+0", "00"):
        db.put_item(TableName=numbered, Item={"id": {"N": text}, "last": {"S": text}})
    assert db.get_item(TableName=numbered, Key={"id": {"N": "0e-7"}})["Item"] == {"id": {"N": "0"}, "last": {"S": "00"}}
    db.put_item(TableName=numbered, Item={"id": {"N": "1.0"}})
    assert "Item" in db.get_item(TableName=numbered, Key={"id": {"N": "10E-1"}})
    assert count(db, numbered) == 2
    message = refused(db.put_item, TableName=numbered, Item={"id": {"N": "5"}, "x": {"NS": ["0", "-0"]}})[2]
    assert "contains duplicates" in message


# ---- text ---------------------------------------------------------------------------------------------------------

BROKEN_TEXT = {  # in the place of X in a JSON text
    "a lone high surrogate": rb"\ud800", "a lone low surrogate": rb"\udc00", "a pair the wrong way round": rb"\udc00\ud83d",
    "a high surrogate before a letter": rb"\ud83dx", "a surrogate in UTF-8": b"\xed\xa0\x80", "an overlong slash": b"\xc0\xaf",
    "a lone continuation": b"\x80", "half a character": b"\xe6\x97", "beyond Unicode": b"\xf4\x90\x80\x80", "no hex": rb"\u12g4",
    "a control character": b"\x01",
}
PLACES = {
    "a value": b'{"TableName": "T", "Item": {"id": {"S": "aX"}}}',
    "a name": b'{"TableName": "T", "Item": {"id": {"S": "a"}, "X": {"S": "b"}}}',
    "a name inside a map": b'{"TableName": "T", "Item": {"id": {"S": "a"}, "m": {"M": {"X": {"S": "b"}}}}}',
    "a set": b'{"TableName": "T", "Item": {"id": {"S": "a"}, "s": {"SS": ["X"]}}}',
    "a table's name": b'{"TableName": "TX", "Item": {"id": {"S": "a"}}}',
    "an expression": b'{"TableName": "T", "Item": {"id": {"S": "a"}}, "ConditionExpression": "attribute_exists(X)"}',
}


@pytest.mark.parametrize("place", PLACES)
def test_broken_text_is_refused_everywhere(db, sender, model, table, place):
    before = count(db, table)
    good = raw_aws.build(model, "PutItem", {})
    for what, text in BROKEN_TEXT.items():
        body = PLACES[place].replace(b'"T', b'"' + table.encode(), 1).replace(b"X", text)
        answer = sender.send(model, raw_aws.Raw(good.method, good.path, good.headers, body))
        assert (answer.status, answer.error) == (400, "SerializationException"), (what, answer.body)
    assert count(db, table) == before


def test_escaped_pairs_and_zero_bytes_are_text_like_any_other(db, sender, model, table):
    body = b'{"TableName": "%s", "Item": {"id": {"S": "pair"}, "x": {"S": "\\ud83d\\ude00\\u0000\\u65e5"}}}' % table.encode()
    good = raw_aws.build(model, "PutItem", {})
    assert sender.send(model, raw_aws.Raw(good.method, good.path, good.headers, body)).status == 200
    assert db.get_item(TableName=table, Key={"id": {"S": "pair"}})["Item"]["x"]["S"] == "\U0001f600\0\u65e5"
    db.delete_item(TableName=table, Key={"id": {"S": "pair"}})


# ---- sizes --------------------------------------------------------------------------------------------------------
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html: names and texts count their
# UTF-8 bytes, null and true a byte, lists and maps three and one for each element.

SIZES = {
    "a name of several bytes a character": ("\u65e5\u672c", {"S": ""}, 6),
    "text of several bytes a character": ("n", {"S": "\U0001f600\u00fc"}, 1 + 6),
    "true": ("n", {"BOOL": True}, 1 + 1),
    "null": ("n", {"NULL": True}, 1 + 1),
    "bytes": ("n", {"B": b"\0\xff\0"}, 1 + 3),
    "a set of texts": ("n", {"SS": ["a", "bcd"]}, 1 + 4),
    "a set of bytes": ("n", {"BS": [b"a", b"bcd"]}, 1 + 4),
    "an empty list": ("n", {"L": []}, 1 + 3),
    "a list": ("n", {"L": [{"S": "ab"}, {"BOOL": True}]}, 1 + 3 + 2 + 2 + 1),
    "an empty map": ("n", {"M": {}}, 1 + 3),
    "a map": ("n", {"M": {"key": {"S": "ab"}}}, 1 + 3 + 1 + 3 + 2),
}


@pytest.mark.parametrize("kind", SIZES)
def test_an_item_at_the_limit_is_kept_and_one_byte_over_it_refused(db, table, kind):
    name, value, size = SIZES[kind]
    own = new_name("size")
    rest = ITEM_LIMIT - len("id") - len(own) - size - len("fill")
    item = {"id": {"S": own}, name: value, "fill": {"S": "x" * rest}}
    over = {**item, "fill": {"S": "x" * (rest + 1)}}
    assert refused(db.put_item, TableName=table, Item=over)[2] == "Item size has exceeded the maximum allowed size"
    assert refused(db.batch_write_item, RequestItems={table: [{"PutRequest": {"Item": over}}]})[2] == (
        "Item size has exceeded the maximum allowed size")
    assert "Item" not in db.get_item(TableName=table, Key={"id": {"S": own}})
    db.put_item(TableName=table, Item=item)
    assert db.get_item(TableName=table, Key={"id": {"S": own}})["Item"] == item
    assert refused(db.update_item, TableName=table, Key={"id": {"S": own}}, UpdateExpression="SET fill = :f",
                   ExpressionAttributeValues={":f": over["fill"]})[2] == "Item size to update has exceeded the maximum allowed size"
    assert db.get_item(TableName=table, Key={"id": {"S": own}})["Item"] == item
    db.delete_item(TableName=table, Key={"id": {"S": own}})


# ---- expressions --------------------------------------------------------------------------------------------------

NAMES = {"#a": "a", "#b": "b-c"}
VALUES = {":one": {"N": "1"}, ":text": {"S": "t"}, ":list": {"L": [{"N": "1"}]}, ":set": {"SS": ["x"]}}
EXPRESSIONS = {
    "UpdateExpression": ["SET #a = :one, #b.x[3] = if_not_exists(n, :one) + :one REMOVE c, d[0]", "ADD n :one DELETE s :set",
                         "SET l = list_append(l, :list), t = :text"],
    "ConditionExpression": ["attribute_exists(#a) AND NOT (n BETWEEN :one AND :one OR contains(t, :text))",
                            "size(#b) >= :one AND n IN (:one, :text) AND attribute_type(t, :text)", "begins_with(t, :text) OR n <> :one"],
    "FilterExpression": ["n = :one AND (#a.x[0] < :one OR attribute_not_exists(#b))"],
    "ProjectionExpression": ["#a, #b.x[1].y, n, l[0]"],
    "KeyConditionExpression": ["id = :text", "(id = :text)"],
    "Statement": ['SELECT a, b."c-d"[0] FROM "TABLE" WHERE id = \'t\' AND (n > 1 OR begins_with("t", \'x\'))',
                  'UPDATE "TABLE" SET n = n + 1 REMOVE a[0] WHERE id = \'t\'', 'DELETE FROM "TABLE" WHERE id = \'none\''],
}
PIECES = ["(", ")", "[", "]", ",", ".", "=", "<>", "<", "+", "-", "AND", "OR", "NOT", "SET", "REMOVE", "IN", "BETWEEN", "#a", "#z", ":one",
          ":zz", "[99999999999]", "[-1]", "''", '"', "'", "size(", "\u00e9", "\0", "  ", "select", "if_not_exists", "0", "1e400", "a" * 300,
          "((((((((((((", "NOT NOT NOT", "*", "?"]


def mutilated(rng, text):
    words = text.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split(" ")
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(words) + 1)
        how = rng.randrange(5)
        if how == 0:
            words[at:at + 1] = []
        elif how == 1:
            words.insert(at, rng.choice(PIECES))
        elif how == 2:
            words[at:at + 1] = [rng.choice(PIECES)]
        elif how == 3:
            words[at:at] = words[rng.randrange(len(words)):][:6] if words else []
        else:
            joined = " ".join(words)
            cut = rng.randrange(len(joined) + 1)
            words = (joined[:cut] + rng.choice(PIECES) * rng.randrange(2) + joined[cut + rng.randrange(3):]).split(" ")
    return " ".join(words)[:4200]


def request_of(member, text, table):
    key = {"id": {"S": "t"}}
    base = {"TableName": table, "ExpressionAttributeNames": NAMES, "ExpressionAttributeValues": VALUES, member: text}
    if member == "UpdateExpression":
        return "UpdateItem", {**base, "Key": key}
    if member == "ConditionExpression":
        return "PutItem", {**base, "Item": key}
    if member == "KeyConditionExpression":
        return "Query", base
    if member == "Statement":
        return "ExecuteStatement", {"Statement": text.replace("TABLE", table)}
    if member == "ProjectionExpression":
        return "GetItem", {"TableName": table, "Key": key, "ExpressionAttributeNames": NAMES, member: text}
    return "Scan", base


def check_mutilated(db, sender, model, number):
    """What is refused says so with DynamoDB's errors and changes nothing."""
    table, rng = create_table(db), random.Random(number)
    seen = {}
    for _ in range(number):
        member = rng.choice(list(EXPRESSIONS))
        text = mutilated(rng, rng.choice(EXPRESSIONS[member]))
        operation, tree = request_of(member, text, table)
        unused = {name: {key: value for key, value in tree[name].items() if key in text} for name in
                  ("ExpressionAttributeNames", "ExpressionAttributeValues") if name in tree}
        tree = {**tree, **{name: value for name, value in unused.items() if value}}
        tree = {name: value for name, value in tree.items() if name not in unused or unused[name]}
        changing = operation in ("UpdateItem", "PutItem", "ExecuteStatement")
        before = db.get_item(TableName=table, Key={"id": {"S": "t"}}).get("Item") if changing else None
        answer = sender.send(model, raw_aws.build(model, operation, tree))
        seen[answer.status, answer.error] = seen.get((answer.status, answer.error), 0) + 1
        assert answer.status == 200 or (answer.status, answer.error) in (
            (400, "ValidationException"), (400, "ConditionalCheckFailedException"), (400, "ResourceNotFoundException"),
            (400, "DuplicateItemException")), (member, text, answer.body)
        assert answer.status == 200 or answer.message, (member, text, answer.body)
        if changing and answer.status != 200:
            assert db.get_item(TableName=table, Key={"id": {"S": "t"}}).get("Item") == before, (member, text)
    db.delete_table(TableName=table)
    return seen


def test_mutilated_expressions_are_refused_in_dynamodbs_words(db, sender, model):
    seen = check_mutilated(db, sender, model, 1500)
    assert seen[400, "ValidationException"] > 500 and seen[200, ""] > 25, json.dumps({str(k): v for k, v in seen.items()})


@pytest.mark.soak
def test_many_mutilated_expressions_are_refused_in_dynamodbs_words(db, sender, model):
    check_mutilated(db, sender, model, MUTATIONS)
