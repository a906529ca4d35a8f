"""Keeps PDFs in a DynamoDB table with the key name (partition) and part (sort), both strings.

A document is one head item and as many part items as its size needs, since an item holds 400 KB at most:

    name         part                                       other attributes
    letter.md    head                                       version, parts, sha256, bytes, pages, words, created
    letter.md    20261104T101500.000000-5f0c1a2b#00000      data
    letter.md    20261104T101500.000000-5f0c1a2b#00001      data

Every upload gets a new version. Its parts are written first; then the head, which makes them the document, replaces the
one that the writer has seen, and only that one. So a reader that follows the head never sees half a document, and of two
writers at once one tries again. Whoever replaces a version deletes its parts.
"""
import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

MAX_ITEM = 400 * 1024  # bytes of an item, attribute names included
HEAD = "head"  # sorts after every version, since versions begin with a digit
ABANDONED_AFTER = timedelta(minutes=20)  # a function runs 15 minutes at most
ATTEMPTS = 5


class NoSuchDocument(Exception):
    pass


class DamagedDocument(Exception):
    pass


class TooManyWriters(Exception):
    pass


@dataclass
class Document:
    name: str
    version: str
    parts: int
    bytes: int
    pages: int
    words: int
    sha256: str
    created: str


class DocumentStore:
    """`table` is a boto3 DynamoDB Table resource."""

    def __init__(self, table, now=lambda: datetime.now(timezone.utc)):
        self.table = table
        self.now = now

    def save(self, name: str, pdf: bytes, pages: int, words: int) -> Document:
        """Makes `pdf` the document of that name. Raises TooManyWriters where others keep doing the same."""
        now = self.now()
        version = f"{now:%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:8]}"
        parts = list(split(pdf, part_room(name, version)))
        document = Document(
            name=name,
            version=version,
            parts=len(parts),
            bytes=len(pdf),
            pages=pages,
            words=words,
            sha256=hashlib.sha256(pdf).hexdigest(),
            created=now.isoformat(timespec="seconds"),
        )
        for index, data in enumerate(parts):
            self.table.put_item(Item={"name": name, "part": part_key(version, index), "data": data})
        replaced = self._put_head(document)
        if replaced:
            self._delete_parts(name, Key("part").begins_with(replaced + "#"))
        abandoned_before = f"{now - ABANDONED_AFTER:%Y%m%dT%H%M%S.%f}"
        self._delete_parts(name, Key("part").lt(abandoned_before))
        return document

    def load(self, name: str) -> tuple[Document, bytes]:
        """The document and its PDF, whole and unaltered, or NoSuchDocument or DamagedDocument."""
        seen = None
        for _ in range(ATTEMPTS):
            document = self.head(name)
            if document.version == seen:
                break  # not replaced while it was read, so the parts are really gone
            seen = document.version
            parts = list(self._query(Key("name").eq(name) & Key("part").begins_with(seen + "#")))
            pdf = b"".join(bytes(part["data"]) for part in parts)
            if len(parts) == document.parts and hashlib.sha256(pdf).hexdigest() == document.sha256:
                return document, pdf
        raise DamagedDocument(f"the parts of {name!r} are not what was saved")

    def head(self, name: str) -> Document:
        for item in self._query(Key("name").eq(name) & Key("part").eq(HEAD)):
            return _document(item)
        raise NoSuchDocument(f"there is no document {name!r}")

    def list(self) -> list[Document]:
        """All documents by name. Reads the whole table: fine for a shelf of documents, not for a library."""
        asked = {"FilterExpression": Attr("part").eq(HEAD), "ConsistentRead": True}
        return sorted(map(_document, _pages(self.table.scan, asked)), key=lambda document: document.name)

    def _put_head(self, document: Document) -> str | None:
        """Returns the version that the head named before."""
        item = {"part": HEAD, **vars(document)}
        for _ in range(ATTEMPTS):
            try:
                seen = self.head(document.name).version
                unchanged = Attr("version").eq(seen)
            except NoSuchDocument:
                seen, unchanged = None, Attr("name").not_exists()
            try:
                self.table.put_item(Item=item, ConditionExpression=unchanged)
                return seen
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
        self._delete_parts(document.name, Key("part").begins_with(document.version + "#"))
        raise TooManyWriters(f"{document.name!r} is being saved by others at the same time")

    def _delete_parts(self, name: str, which) -> None:
        keys = self._query(Key("name").eq(name) & which, ProjectionExpression="#part", names={"#part": "part"})
        for part in [item["part"] for item in keys]:
            self.table.delete_item(Key={"name": name, "part": part})

    def _query(self, condition, names: dict | None = None, **asked) -> Iterator[dict]:
        if names:
            asked["ExpressionAttributeNames"] = names
        return _pages(self.table.query, {"KeyConditionExpression": condition, "ConsistentRead": True, **asked})


def _pages(operation, asked: dict) -> Iterator[dict]:
    """The items of a query or scan, which answers with 1 MB at a time."""
    while True:
        answer = operation(**asked)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        asked = {**asked, "ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _document(item: dict) -> Document:
    numbers = {field: int(item[field]) for field in ("parts", "bytes", "pages", "words")}
    return Document(item["name"], item["version"], sha256=item["sha256"], created=item["created"], **numbers)


def part_key(version: str, index: int) -> str:
    return f"{version}#{index:05}"


def part_room(name: str, version: str) -> int:
    """How many bytes of data make a part item exactly MAX_ITEM bytes: names and strings count in UTF-8, binary as it is."""
    return MAX_ITEM - len("name" + "part" + "data") - len(name.encode()) - len(part_key(version, 0))


def split(pdf: bytes, room: int) -> Iterator[bytes]:
    for start in range(0, len(pdf), room):
        yield pdf[start : start + room]
