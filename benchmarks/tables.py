"""Tables beside dynalite: items of 250 bytes under wrk, requests signed beforehand; the server checks every signature."""

import concurrent.futures
import datetime
import json
import random
import sys

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import loopback
import ours
import peers
from contender import Contender, NotAvailable, Request

ITEMS = 10_000
IN_PARTITION = 10
IN_BATCH = 25
LOADERS = 4  # processes: one spends most of its time on making and signing requests
AT_ONCE = 10_000  # items that a loader is given
DIFFERENT = 500  # requests that wrk sends in turn
ITEM_BYTES = 250  # names and values, as DynamoDB counts
TABLE = {"TableName": "bench", "BillingMode": "PAY_PER_REQUEST",
         "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"},
                                  {"AttributeName": "sk", "AttributeType": "S"}],
         "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]}


def key_of(number):
    return {"pk": {"S": f"partition-{number // IN_PARTITION:08d}"}, "sk": {"S": f"item-{number % IN_PARTITION:02d}"}}


def item_of(number):
    key = key_of(number)
    taken = sum(len(name) + len(value["S"]) for name, value in key.items())
    return {**key, "text": {"S": random.Random(number).randbytes(ITEM_BYTES).hex()[:ITEM_BYTES - taken - len("text")]}}


def get_item(number):
    return "GetItem", {"TableName": "bench", "Key": key_of(number)}


def put_item(number):
    return "PutItem", {"TableName": "bench", "Item": item_of(number)}


def query(number):
    return "Query", {"TableName": "bench", "KeyConditionExpression": "pk = :p",
                     "ExpressionAttributeValues": {":p": key_of(number)["pk"]}}


# How many items the answer of each holds.
OPERATIONS = {get_item: lambda answer: len(answer.get("Item", {})) == 3,
              put_item: lambda answer: answer == {},
              query: lambda answer: answer["Count"] == IN_PARTITION}


class Caller:
    """Signs requests to one endpoint, and makes them over one kept connection."""

    def __init__(self, port, credentials, region="us-east-1"):
        self.port = port
        self.signer = botocore.auth.SigV4Auth(credentials, "dynamodb", region)
        self.connection = None

    def signed(self, operation, members):
        body = json.dumps(members, separators=(",", ":")).encode()
        request = botocore.awsrequest.AWSRequest("POST", f"http://127.0.0.1:{self.port}/", data=body, headers={
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}"})
        self.signer.add_auth(request)
        return Request("POST", "/", {n: v for n, v in request.headers.items() if n.lower() != "host"}, body)

    def call(self, operation, members):
        request = self.signed(operation, members)
        if not self.connection:
            self.connection = loopback.Connection(self.port)
        status, body = self.connection.call(
            loopback.request_bytes("POST", "/", self.port, request.headers, request.body))
        if status != 200:
            raise NotAvailable(f"{operation} gives {status}: {body[:200]!r}")
        return json.loads(body or b"{}")


    def put_items(self, numbers):
        """For a process of its own."""
        for first in range(numbers.start, numbers.stop, IN_BATCH):
            puts = [{"PutRequest": {"Item": item_of(n)}} for n in range(first, min(first + IN_BATCH, numbers.stop))]
            if self.call("BatchWriteItem", {"RequestItems": {"bench": puts}})["UnprocessedItems"]:
                raise NotAvailable("the table takes no more items")

    def __getstate__(self):
        return {**self.__dict__, "connection": None}


class Tables(Contender):
    """One operation on one table. Each has a server of its own, or shares that of `beside`, started before it."""

    answers = None  # start() looks into them

    def __init__(self, operation, items=ITEMS, beside=None):
        self.title = f"{self.engine} {operation.__name__.title().replace('_', '')}"
        if items != ITEMS:
            self.title += f", {items:,} items"
        super().__init__()
        self.operation, self.items, self.beside = operation, items, beside
        if beside:
            self.group = beside.group

    def start(self, folder):
        if self.beside:
            self.port, self.caller = self.beside.port, self.beside.caller
        else:
            self.start_engine(folder)
            self.load()
        self.sign()
        self.caller.connection = None  # the server closes what was idle while other tables were loaded
        answer = self.caller.call(*self.operation(self.items // 2))
        if not OPERATIONS[self.operation](answer):
            raise NotAvailable(f"answers {str(answer)[:200]}")

    def load(self):
        self.caller.call("CreateTable", TABLE)
        while self.caller.call("DescribeTable", {"TableName": "bench"})["Table"]["TableStatus"] != "ACTIVE":
            pass
        parts = [range(first, min(first + AT_ONCE, self.items)) for first in range(0, self.items, AT_ONCE)]
        with concurrent.futures.ProcessPoolExecutor(LOADERS) as loaders:
            for part, _ in zip(parts, loaders.map(self.caller.put_items, parts)):
                if part.stop % 1_000_000 == 0:
                    print(f"tables: {part.stop:,} of {self.items:,} items", file=sys.stderr)

    def sign(self):
        self.signed_at = datetime.datetime.now(datetime.timezone.utc)
        numbers = random.Random(1)
        self.requests = [self.caller.signed(*self.operation(numbers.randrange(self.items))) for _ in range(DIFFERENT)]

    def refresh(self):
        """Signatures grow old: new ones after five minutes."""
        if datetime.datetime.now(datetime.timezone.utc) - self.signed_at > datetime.timedelta(minutes=5):
            self.sign()


class Lambent(Tables):
    engine = "lambent"

    def start_engine(self, folder):
        self.server = ours.start_server(self.group, folder)
        session = self.server.session()
        self.port = ours.port_of(self.server)
        self.caller = Caller(self.port, session.get_credentials(), session.region_name)

    def server_pid(self):
        return (self.beside or self).server.pid


class Dynalite(Tables):
    """Keeps its data in a LevelDB in files, and answers before they are on disk; it looks at no signature."""

    engine = "dynalite"

    def start_engine(self, folder):
        program = peers.MODULES / "dynalite/cli.js"
        if not program.exists():
            raise NotAvailable("dynalite is not installed (npm)")
        self.port = loopback.free_port()
        self.group.start(["node", program, "--port", self.port, "--path", folder / "data", "--createTableMs", "0"],
                         stdout=open(folder / "log", "wb"), stderr=open(folder / "log", "ab"))
        self.caller = Caller(self.port, botocore.credentials.Credentials("none", "none"))
        tables = self.caller.signed("ListTables", {})
        loopback.wait_for_answer(self.port, loopback.request_bytes("POST", "/", self.port, tables.headers, tables.body),
                                 30)


def contenders(items_of_large):
    """nginx is the floor of an exchange over HTTP. The large table is loaded only where it is asked for."""
    found = [engine(operation) for operation in OPERATIONS for engine in (Lambent, Dynalite)] + [peers.Nginx()]
    if items_of_large > ITEMS:
        large = Lambent(get_item, items_of_large)
        found += [large, Lambent(put_item, items_of_large, beside=large)]
    return found
