"""The document service of examples/documents, deployed by its own script with the aws command line and used over its URLs."""
import base64
import http.client
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import lambent
import pytest
from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/documents"
PACKED = ROOT / "build/examples/documents"
TEXTS = EXAMPLE / "texts"

sys.path.append(str(EXAMPLE))
import storage  # noqa: E402

_deployments: dict[str, SimpleNamespace] = {}  # by endpoint: packing and deploying take their time


@pytest.fixture
def documents(server):
    """The deployed service: .upload(...), .download(...), .invoke(...), .table."""
    if server.endpoint not in _deployments:
        _deployments[server.endpoint] = _deploy(server)
    return _deployments[server.endpoint]


def _deploy(server) -> SimpleNamespace:
    urls = dict(line.split("=", 1) for line in _script(server, "deploy.sh").splitlines() if "_URL=" in line)
    table = server.resource("dynamodb").Table("documents")

    def invoke(function, event):
        answer = server.client("lambda").invoke(FunctionName=f"documents-{function}", Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload

    return SimpleNamespace(
        upload=lambda path, body, method="POST": _request(server, urls["UPLOAD_URL"], method, path, body),
        download=lambda path, method="GET": _request(server, urls["DOWNLOAD_URL"], method, path),
        invoke=invoke,
        table=table,
    )


def _script(server, name: str, **variables) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(ROOT / "build"),  # so that no settings of the user's play a part
        **server.settings(),
        "AWS": str(lambent.AWS),
        "OUT": str(PACKED),
        **variables,
    }
    ran = subprocess.run([EXAMPLE / name], env=environment, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def _pages(pdf: bytes) -> list[str]:
    """The text of each page."""
    text = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    return text.split("\f")[:-1]


def _request(server, url: str, method: str, path: str, body: bytes | None = None):
    """(status, headers, body). Connects to the server and names the function's host, as names under localhost are not
    resolved everywhere."""
    where = urlsplit(server.endpoint)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=120)
    try:
        sent = urlsplit(url)
        headers = {"Host": sent.netloc, "Content-Type": "application/x-www-form-urlencoded"}  # as curl --data-binary does
        connection.request(method, sent.path.rstrip("/") + path, body, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def _items(documents, name: str) -> list[dict]:
    asked = {"KeyConditionExpression": Key("name").eq(name), "ConsistentRead": True}
    items = []
    while True:
        answer = documents.table.query(**asked)
        items += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return items
        asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def test_a_letter_goes_up_as_text_and_comes_back_as_a_pdf(documents):
    status, _, body = documents.upload("/letter.md", (TEXTS / "letter.md").read_bytes())
    made = json.loads(body)
    assert (status, made["name"], made["pages"], made["parts"]) == (200, "letter.md", 2, 1)
    slip = next(found for found in made["misspelt"] if found["word"] == "seperate")
    assert (slip["line"], slip["column"], slip["suggestions"][0]) == (35, 92, "separate")
    status, headers, body = documents.download("/letter.md")
    assert (status, headers["content-type"]) == (200, "application/pdf")
    assert "letter.pdf" in headers["content-disposition"]
    assert len(body) == made["bytes"]
    first, second = _pages(body)
    assert "A letter to the reading room" in first and "Page 1 of 2" in first
    assert "seperate once at 35:92: separate?" in second


def test_a_novel_is_split_over_items_and_comes_back_whole(documents):
    made = documents.invoke("upload", {"name": "novel.md", "text": (TEXTS / "pride-and-prejudice.md").read_text()})
    assert made["pages"] > 200 and made["parts"] >= 2
    parts = [item["part"] for item in _items(documents, "novel.md")]
    assert parts == [f"{made['version']}#{index:05}" for index in range(made["parts"])] + ["head"]
    status, _, body = documents.download("/novel.md")
    assert status == 200 and len(body) == made["bytes"]
    pages = _pages(body)
    assert len(pages) == made["pages"]
    assert "It is a truth universally acknowledged" in pages[0]
    assert base64.b64decode(documents.invoke("download", {"name": "novel.md"})["pdf"]) == body


def test_a_second_upload_replaces_the_first_and_its_parts(documents):
    documents.invoke("upload", {"name": "again.txt", "text": "First."})
    second = documents.invoke("upload", {"name": "again.txt", "text": "Second."})
    assert [item["part"] for item in _items(documents, "again.txt")] == [f"{second['version']}#00000", "head"]
    assert "Second." in _pages(documents.download("/again.txt")[2])[0]


def test_uploads_of_one_name_at_the_same_time_leave_one_whole_document(documents):
    answers = []
    writers = [
        threading.Thread(target=lambda n=n: answers.append(documents.upload("/race.txt", b"Writer %d." % n)))
        for n in range(6)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    statuses = [status for status, _, _ in answers]
    assert len(statuses) == 6 and set(statuses) <= {200, 409} and 200 in statuses
    head = next(item for item in _items(documents, "race.txt") if item["part"] == "head")
    assert len(_items(documents, "race.txt")) == 1 + head["parts"]
    assert documents.download("/race.txt")[0] == 200


def test_the_list(documents):
    documents.upload("/%C3%BCber%20uns.md", "Für uns.".encode())
    status, headers, body = documents.download("/")
    assert (status, headers["content-type"]) == (200, "application/json")
    listed = {document["name"]: document for document in json.loads(body)["documents"]}
    assert listed["über uns.md"]["pages"] == 1
    assert documents.download("/%C3%BCber%20uns.md")[0] == 200


@pytest.mark.parametrize(
    "path, body, status",
    [
        ("/", b"text", 400),
        ("/a%2Fb", b"text", 400),
        ("/" + "n" * 201, b"text", 400),
        ("/empty.md", b"", 400),
        ("/latin1.md", "é".encode("latin-1"), 400),
        ("/large.md", b"x" * 2_000_001, 413),
    ],
)
def test_bad_uploads_are_refused_and_leave_nothing(documents, path, body, status):
    answer = documents.upload(path, body)
    assert answer[0] == status and json.loads(answer[2])["error"]
    assert documents.download(path)[0] in (200 if path == "/" else 404, 400)


def test_bad_downloads_are_refused(documents):
    assert documents.download("/nothing.md")[0] == 404
    assert documents.download("/nothing.md", "DELETE")[0] == 405


def test_a_pdf_too_large_for_an_answer_is_said_so(documents):
    storage.DocumentStore(documents.table).save("large.md", bytes(4_800_000), 1, 1)
    status, _, body = documents.download("/large.md")
    assert status == 413 and "4,800,000 bytes" in json.loads(body)["error"]


def test_the_table_takes_an_item_of_exactly_400_kb_and_not_a_byte_more(documents):
    name, key = "größe.md", storage.part_key("v", 0)
    room = storage.part_room(name, "v")
    documents.table.put_item(Item={"name": name, "part": key, "data": bytes(room)})
    with pytest.raises(ClientError, match="Item size has exceeded the maximum allowed size"):
        documents.table.put_item(Item={"name": name, "part": key, "data": bytes(room + 1)})
    documents.table.delete_item(Key={"name": name, "part": key})


def test_a_second_deployment_updates_and_an_undeployment_leaves_nothing(server, documents):
    again = _script(server, "deploy.sh", PACK="no")
    assert "function documents-upload: updated" in again and "table documents: is there" in again
    documents.invoke("upload", {"name": "after.txt", "text": "After an update."})
    _script(server, "undeploy.sh")
    del _deployments[server.endpoint]
    functions = [each["FunctionName"] for each in server.client("lambda").list_functions()["Functions"]]
    assert not [name for name in functions if name.startswith("documents-")]
    assert "documents" not in server.client("dynamodb").list_tables()["TableNames"]
    assert "is not there" in _script(server, "undeploy.sh")
