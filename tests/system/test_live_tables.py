"""Tables that change while they live: settings, indexes, tags, expiry, streams, backups; the older parameters, PartiQL,
and a mapper (PynamoDB) that knows nothing of this server. Across kills of the server where that matters."""

import time

import pytest
from lambent import new_name, wait_for
from tables_api import create_table
from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from functions_api import refused

HASH = [{"AttributeName": "id", "KeyType": "HASH"}]
ID = [{"AttributeName": "id", "AttributeType": "S"}]
COLOUR = {"Create": {"IndexName": "by_colour", "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
                     "Projection": {"ProjectionType": "ALL"}}}
COLOUR_TYPE = [{"AttributeName": "colour", "AttributeType": "S"}]


@pytest.fixture(scope="module")
def db(server):
    return server.client("dynamodb")



def fill(db, table, count, start=0):
    for first in range(start, start + count, 25):
        db.batch_write_item(RequestItems={table: [
            {"PutRequest": {"Item": {"id": {"S": str(n)}, "colour": {"S": "red" if n % 2 else "blue"}}}}
            for n in range(first, min(first + 25, start + count))]})


def coloured(db, table, colour):
    pages = db.get_paginator("query").paginate(
        TableName=table, IndexName="by_colour", KeyConditionExpression="colour = :c",
        ExpressionAttributeValues={":c": {"S": colour}})
    return sum(page["Count"] for page in pages)


def index_of(db, table):
    return db.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [{}])[0].get("IndexStatus")


# ---- settings and tags


def test_settings_of_a_table_change(db):
    table = create_table(db, BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})
    answer = db.update_table(TableName=table, ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})
    assert answer["TableDescription"]["TableStatus"] == "UPDATING"
    described = db.describe_table(TableName=table)["Table"]
    assert described["TableStatus"] == "ACTIVE" and described["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    db.update_table(TableName=table, BillingMode="PAY_PER_REQUEST")
    assert db.describe_table(TableName=table)["Table"]["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    db.update_table(TableName=table, DeletionProtectionEnabled=True, TableClass="STANDARD_INFREQUENT_ACCESS")
    assert refused(db.delete_table, TableName=table)[:2] == (400, "ValidationException")
    assert db.describe_table(TableName=table)["Table"]["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    db.update_table(TableName=table, DeletionProtectionEnabled=False)
    assert refused(db.update_table, TableName=table)[1] == "ValidationException"
    assert refused(db.update_table, TableName="no-such-table", BillingMode="PAY_PER_REQUEST")[1] == "ResourceNotFoundException"
    db.delete_table(TableName=table)


def test_tags_limits_and_endpoints(db):
    table = create_table(db, Tags=[{"Key": "owner", "Value": "me"}, {"Key": "old", "Value": "1"}])
    arn = db.describe_table(TableName=table)["Table"]["TableArn"]
    db.tag_resource(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "you"}])
    db.untag_resource(ResourceArn=arn, TagKeys=["old"])
    assert db.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "owner", "Value": "you"}]
    assert refused(db.list_tags_of_resource, ResourceArn=arn + "x")[1] == "ResourceNotFoundException"
    assert db.describe_limits()["TableMaxReadCapacityUnits"] == 40000
    assert db.describe_endpoints()["Endpoints"][0]["Address"]


# ---- indexes


def test_an_index_is_added_while_writes_go_on_and_removed(db):
    table = create_table(db)
    fill(db, table, 1000)
    answer = db.update_table(TableName=table, AttributeDefinitions=COLOUR_TYPE, GlobalSecondaryIndexUpdates=[COLOUR])
    assert answer["TableDescription"]["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    fill(db, table, 200, start=1000)
    db.delete_item(TableName=table, Key={"id": {"S": "1"}})
    wait_for(lambda: index_of(db, table) == "ACTIVE", "the index to be filled")
    assert (coloured(db, table, "red"), coloured(db, table, "blue")) == (599, 600)
    db.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_colour"}}])
    assert refused(coloured, db, table, "red")[1] == "ValidationException"
    wait_for(lambda: index_of(db, table) is None, "the index to be gone")
    assert refused(db.update_table, TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_colour"}}])[1] \
        == "ResourceNotFoundException"


def test_filling_an_index_goes_on_after_a_kill(new_server):
    server = new_server().start()
    db = server.client("dynamodb")
    table = create_table(db)
    fill(db, table, 3000)
    db.update_table(TableName=table, AttributeDefinitions=COLOUR_TYPE, GlobalSecondaryIndexUpdates=[COLOUR])
    server.kill()
    server.start()
    db = server.client("dynamodb")
    wait_for(lambda: index_of(db, table) == "ACTIVE", "the index to be filled")
    assert (coloured(db, table, "red"), coloured(db, table, "blue")) == (1500, 1500)


# ---- streams and expiry


def stream_records(streams, arn, iterator_type="TRIM_HORIZON"):
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=iterator_type)["ShardIterator"]
    records = []
    while iterator:
        page = streams.get_records(ShardIterator=iterator, Limit=3)
        if not page["Records"]:
            break
        records += page["Records"]
        iterator = page.get("NextShardIterator")
    return records


STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_a_stream_tells_every_change_in_order(server, db):
    streams = server.client("dynamodbstreams")
    table = create_table(db, StreamSpecification=STREAM)
    arn = db.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    assert [s["StreamArn"] for s in streams.list_streams(TableName=table)["Streams"]] == [arn]
    for n in range(5):
        db.put_item(TableName=table, Item={"id": {"S": "a"}, "n": {"N": str(n)}})
    db.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": {"id": {"S": "b"}}}},
                                           {"Delete": {"TableName": table, "Key": {"id": {"S": "a"}}}}])
    records = stream_records(streams, arn)
    assert [r["eventName"] for r in records] == ["INSERT"] + ["MODIFY"] * 4 + ["INSERT", "REMOVE"]
    assert [r["dynamodb"].get("OldImage", {}).get("n", {}).get("N") for r in records[:5]] == [None, "0", "1", "2", "3"]
    numbers = [r["dynamodb"]["SequenceNumber"] for r in records]
    assert numbers == sorted(set(numbers))
    assert records[0]["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES" and records[0]["eventSource"] == "aws:dynamodb"
    assert stream_records(streams, arn, "LATEST") == []
    db.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["StreamStatus"] == "DISABLED"
    assert len(stream_records(streams, arn)) == 7


@pytest.mark.parametrize("view, images", [
    ("KEYS_ONLY", set()), ("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"}), ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"})])
def test_a_streams_view_decides_what_a_record_holds(server, db, view, images):
    table = create_table(db, StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
    described = db.describe_table(TableName=table)["Table"]
    assert described["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": view}
    one, two = {"id": {"S": "a"}, "n": {"N": "1"}}, {"id": {"S": "a"}, "n": {"N": "2"}, "l": {"L": [{"B": b"x"}]}}
    db.put_item(TableName=table, Item=one)
    db.put_item(TableName=table, Item=two)
    db.put_item(TableName=table, Item=two)  # changes nothing: no record
    db.delete_item(TableName=table, Key={"id": {"S": "a"}})
    db.delete_item(TableName=table, Key={"id": {"S": "a"}})  # deletes nothing: no record
    records = [each["dynamodb"] for each in stream_records(server.client("dynamodbstreams"), described["LatestStreamArn"])]
    whole = [{"NewImage": one}, {"OldImage": one, "NewImage": two}, {"OldImage": two}]
    assert [{name: each[name] for name in ("NewImage", "OldImage") if name in each} for each in records] == [
        {name: image for name, image in each.items() if name in images} for each in whole]
    assert all(each["Keys"] == {"id": {"S": "a"}} and each["StreamViewType"] == view and each["SizeBytes"] > 0 for each in records)


def test_a_stream_has_what_was_acknowledged_before_a_kill(new_server):
    server = new_server().start()
    db = server.client("dynamodb")
    table = create_table(db, StreamSpecification=STREAM)
    arn = db.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    for n in range(30):
        db.put_item(TableName=table, Item={"id": {"S": str(n)}})
    server.kill()
    server.start()
    db = server.client("dynamodb")
    db.put_item(TableName=table, Item={"id": {"S": "after"}})
    ids = [r["dynamodb"]["Keys"]["id"]["S"] for r in stream_records(server.client("dynamodbstreams"), arn)]
    assert ids == [str(n) for n in range(30)] + ["after"]


def test_expired_items_go_within_a_minute_and_the_stream_says_so(server, db):
    table = create_table(db, StreamSpecification=STREAM)
    now = int(time.time())
    db.put_item(TableName=table, Item={"id": {"S": "old"}, "ends": {"N": str(now - 60)}})
    db.put_item(TableName=table, Item={"id": {"S": "young"}, "ends": {"N": str(now + 3600)}})
    db.put_item(TableName=table, Item={"id": {"S": "soon"}, "ends": {"N": str(now + 5)}})
    db.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})
    wait_for(lambda: db.describe_time_to_live(TableName=table)["TimeToLiveDescription"] ==
             {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}, "expiry to be enabled")
    for name in ("old", "soon"):
        wait_for(lambda: "Item" not in db.get_item(TableName=table, Key={"id": {"S": name}}), "the item to expire", 60)
    assert "Item" in db.get_item(TableName=table, Key={"id": {"S": "young"}})
    db.delete_item(TableName=table, Key={"id": {"S": "young"}})
    arn = db.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    removed = [r for r in stream_records(server.client("dynamodbstreams"), arn) if r["eventName"] == "REMOVE"]
    assert [r["dynamodb"]["OldImage"]["id"]["S"] for r in removed] == ["old", "soon", "young"]
    service = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert [r.get("userIdentity") for r in removed] == [service, service, None], "the last is a client's"


# ---- backups


def test_a_backup_is_restored_across_a_kill(new_server):
    server = new_server().start()
    db = server.client("dynamodb")
    table = create_table(db, AttributeDefinitions=ID + COLOUR_TYPE, GlobalSecondaryIndexes=[COLOUR["Create"]])
    fill(db, table, 500)
    arn = db.create_backup(TableName=table, BackupName="before")["BackupDetails"]["BackupArn"]
    db.put_item(TableName=table, Item={"id": {"S": "later"}})
    wait_for(lambda: db.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE",
             "the backup")
    assert [b["BackupName"] for b in db.list_backups(TableName=table)["BackupSummaries"]] == ["before"]
    other = new_name("t")
    assert db.restore_table_from_backup(TargetTableName=other, BackupArn=arn)["TableDescription"]["TableStatus"] == "CREATING"
    server.kill()
    server.start()
    db = server.client("dynamodb")
    db.get_waiter("table_exists").wait(TableName=other, WaiterConfig={"Delay": 1})
    assert db.scan(TableName=other, Select="COUNT")["Count"] == 500
    assert coloured(db, other, "red") == 250
    assert refused(db.restore_table_from_backup, TargetTableName=other, BackupArn=arn)[1] == "TableAlreadyExistsException"
    db.delete_backup(BackupArn=arn)
    assert refused(db.describe_backup, BackupArn=arn)[1] == "BackupNotFoundException"


def test_continuous_backups_are_described_and_cannot_be_had(db):
    table = create_table(db)
    described = db.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    assert refused(db.update_continuous_backups, TableName=table,
                   PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})[1] == "ContinuousBackupsUnavailableException"
    assert refused(db.create_backup, TableName="no-such-table", BackupName="abc")[1] == "TableNotFoundException"


# ---- accounting


def test_capacity_and_collections_are_counted(db):
    table = create_table(db, AttributeDefinitions=ID + [{"AttributeName": "at", "AttributeType": "N"}] + COLOUR_TYPE,
                   KeySchema=HASH + [{"AttributeName": "at", "KeyType": "RANGE"}],
                   LocalSecondaryIndexes=[{"IndexName": "local", "Projection": {"ProjectionType": "KEYS_ONLY"},
                                           "KeySchema": HASH + [{"AttributeName": "colour", "KeyType": "RANGE"}]}],
                   GlobalSecondaryIndexes=[COLOUR["Create"]])
    item = {"id": {"S": "a"}, "at": {"N": "1"}, "colour": {"S": "red"}, "data": {"S": "x" * 3000}}

    def put(**changes):
        answer = db.put_item(TableName=table, Item={**item, **changes}, ReturnConsumedCapacity="INDEXES",
                             ReturnItemCollectionMetrics="SIZE")
        used = answer["ConsumedCapacity"]
        local, glob = (used.get(k, {}) for k in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"))
        assert answer["ItemCollectionMetrics"]["ItemCollectionKey"] == {"id": {"S": "a"}}
        return (used["CapacityUnits"], used["Table"]["CapacityUnits"], local.get("local", {}).get("CapacityUnits"),
                glob.get("by_colour", {}).get("CapacityUnits"))

    assert put() == (7, 3, 1, 3)
    assert put() == (3, 3, None, None), "nothing changed"
    assert put(data={"S": "y" * 10}) == (6, 3, None, 3), "the larger of before and after"
    assert put(colour={"S": "blue"}) == (3 + 3 + 2 + 1 + 0, 3, 2, 4), "an entry moved is a removal and a write"
    used = db.query(TableName=table, IndexName="local", KeyConditionExpression="id = :i", ConsistentRead=True,
                    Select="ALL_ATTRIBUTES", ExpressionAttributeValues={":i": {"S": "a"}},
                    ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert (used["Table"]["CapacityUnits"], used["LocalSecondaryIndexes"]["local"]["CapacityUnits"]) == (1, 1)


def test_an_item_collection_has_a_limit(new_server):
    db = new_server("--limits-item-collection-bytes", "10KiB").start().client("dynamodb")
    table = create_table(db, range_type="N", more_attributes=COLOUR_TYPE,
                         LocalSecondaryIndexes=[{"IndexName": "by_colour", "Projection": {"ProjectionType": "ALL"},
                                                 "KeySchema": HASH + [{"AttributeName": "colour", "KeyType": "RANGE"}]}])

    def item(n, data=2000):
        return {"id": {"S": "a"}, "at": {"N": str(n)}, "colour": {"S": "red"}, "data": {"S": "x" * data}}

    exceeded = (400, "ItemCollectionSizeLimitExceededException", "Collection size exceeded.")
    for n in range(2):
        answer = db.put_item(TableName=table, Item=item(n), ReturnItemCollectionMetrics="SIZE")
        assert answer["ItemCollectionMetrics"] == {"ItemCollectionKey": {"id": {"S": "a"}}, "SizeEstimateRangeGB": [0.0, 1.0]}
    assert refused(db.put_item, TableName=table, Item=item(2)) == exceeded
    assert refused(db.update_item, TableName=table, Key={"id": {"S": "a"}, "at": {"N": "1"}}, UpdateExpression="SET more = :m",
                   ExpressionAttributeValues={":m": {"S": "x" * 2000}}) == exceeded
    assert refused(db.batch_write_item, RequestItems={table: [{"PutRequest": {"Item": item(2)}}]}) == exceeded
    with pytest.raises(db.exceptions.TransactionCanceledException) as cancelled:
        db.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": item(2)}}])
    assert cancelled.value.response["CancellationReasons"] == [
        {"Code": "ItemCollectionSizeLimitExceeded", "Message": "Collection size exceeded."}]
    db.put_item(TableName=table, Item=item(1, 1000))
    db.delete_item(TableName=table, Key={"id": {"S": "a"}, "at": {"N": "0"}})
    db.put_item(TableName=table, Item=item(2))


# ---- the older parameters, PartiQL


def test_the_older_parameters(db):
    table = create_table(db)
    key = {"TableName": table, "Key": {"id": {"S": "a"}}}
    db.put_item(TableName=table, Item={"id": {"S": "a"}, "n": {"N": "1"}}, Expected={"id": {"Exists": False}})
    assert refused(db.put_item, TableName=table, Item={"id": {"S": "a"}}, Expected={"id": {"Exists": False}})[1] == \
        "ConditionalCheckFailedException"
    answer = db.update_item(**key, AttributeUpdates={"n": {"Action": "ADD", "Value": {"N": "4"}}, "s": {"Value": {"S": "x"}}},
                            Expected={"n": {"Value": {"N": "1"}}}, ReturnValues="ALL_NEW")
    assert answer["Attributes"] == {"id": {"S": "a"}, "n": {"N": "5"}, "s": {"S": "x"}}
    assert db.get_item(**key, AttributesToGet=["n"])["Item"] == {"n": {"N": "5"}}
    found = db.query(TableName=table, KeyConditions={"id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}},
                     QueryFilter={"n": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "5"}, {"N": "6"}]}})
    assert found["Count"] == 1
    assert db.scan(TableName=table, ScanFilter={"s": {"ComparisonOperator": "NOT_NULL"}})["Count"] == 1
    assert refused(db.get_item, **key, AttributesToGet=["n"], ProjectionExpression="n") == (
        400, "ValidationException", "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}")


def test_partiql(db):
    table = create_table(db, AttributeDefinitions=ID + [{"AttributeName": "at", "AttributeType": "N"}],
                   KeySchema=HASH + [{"AttributeName": "at", "KeyType": "RANGE"}])
    for n in range(10):
        db.execute_statement(Statement=f"INSERT INTO \"{table}\" VALUE {{'id': ?, 'at': {n}}}", Parameters=[{"S": "a"}])
    assert refused(db.execute_statement, Statement=f"INSERT INTO \"{table}\" VALUE {{'id': 'a', 'at': 1}}")[1] == \
        "DuplicateItemException"
    select = {"Statement": f"SELECT at FROM \"{table}\" WHERE id = ? AND at >= 3 ORDER BY at DESC", "Parameters": [{"S": "a"}]}
    page = db.execute_statement(**select, Limit=4, ReturnConsumedCapacity="TOTAL")
    assert [i["at"]["N"] for i in page["Items"]] == ["9", "8", "7", "6"] and page["ConsumedCapacity"]["CapacityUnits"] == 0.5
    page = db.execute_statement(**select, NextToken=page["NextToken"])
    assert [i["at"]["N"] for i in page["Items"]] == ["5", "4", "3"] and "NextToken" not in page
    changed = db.execute_statement(Statement=f"UPDATE \"{table}\" SET n = 1 WHERE id = 'a' AND at = 2 RETURNING ALL NEW *")
    assert changed["Items"] == [{"id": {"S": "a"}, "at": {"N": "2"}, "n": {"N": "1"}}]
    batch = db.batch_execute_statement(Statements=[
        {"Statement": f"SELECT * FROM \"{table}\" WHERE id = 'a' AND at = {n}"} for n in (2, 99)])["Responses"]
    assert batch[0]["Item"]["n"] == {"N": "1"} and "Item" not in batch[1]
    with pytest.raises(db.exceptions.TransactionCanceledException) as cancelled:
        db.execute_transaction(TransactStatements=[{"Statement": f"DELETE FROM \"{table}\" WHERE id = 'a' AND at = 1"},
                                                   {"Statement": f"UPDATE \"{table}\" SET n = 2 WHERE id = 'a' AND at = 99"}])
    assert [r["Code"] for r in cancelled.value.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert refused(db.execute_statement, Statement="SELEC")[1] == "ValidationException"


# ---- a mapper from PyPI, as it is


def test_pynamodb(server):
    settings = server.settings()

    class ByOwner(GlobalSecondaryIndex):
        class Meta:
            index_name = "by_owner"
            projection = AllProjection()
        owner = UnicodeAttribute(hash_key=True)

    class Note(Model):
        class Meta:
            table_name = new_name("t")
            host = settings["AWS_ENDPOINT_URL"]
            region = "us-east-1"
            billing_mode = "PAY_PER_REQUEST"
            aws_access_key_id = settings["AWS_ACCESS_KEY_ID"]
            aws_secret_access_key = settings["AWS_SECRET_ACCESS_KEY"]
        book = UnicodeAttribute(hash_key=True)
        page = NumberAttribute(range_key=True)
        owner = UnicodeAttribute(null=True)
        words = UnicodeSetAttribute(null=True)
        by_owner = ByOwner()

    Note.create_table(wait=True)
    with Note.batch_write() as batch:
        for page in range(60):
            batch.save(Note("b", page, owner="me" if page % 3 else "you", words={"x", str(page)}))
    assert Note.get("b", 7).words == {"x", "7"}
    assert [n.page for n in Note.query("b", Note.page.between(10, 12), scan_index_forward=False)] == [12, 11, 10]
    assert sum(1 for _ in Note.by_owner.query("me")) == 40
    assert sum(1 for _ in Note.scan(Note.words.contains("x"), page_size=7)) == 60
    note = Note.get("b", 1)
    note.update(actions=[Note.owner.set("she"), Note.words.delete({"x"})], condition=Note.owner == "me")
    assert (note.owner, note.words) == ("she", {"1"})
    with pytest.raises(Exception, match="conditional request failed"):
        note.delete(condition=Note.owner == "me")
    with pytest.raises(Note.DoesNotExist):
        Note.get("b", 1000)
    Note.delete_table()
