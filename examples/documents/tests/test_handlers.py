import base64
import io
import json
import subprocess
import sys

import events
import pytest
from pypdf import PdfReader


def request(method, path="/", body=None, query=None, encoded=False):
    """A function URL's event, payload format 2.0, as far as the handlers look."""
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"http": {"method": method, "path": path}},
        "isBase64Encoded": encoded,
    }
    if query:
        event["queryStringParameters"] = query
    if body is not None:
        event["body"] = body
    return event


def answered(answer, status):
    assert answer["statusCode"] == status, answer
    assert answer["headers"]["content-type"] == "application/json"
    return json.loads(answer["body"])


def test_a_plain_invoke_there_and_back(upload, download, texts):
    text = (texts / "letter.md").read_text()
    made = upload({"name": "letter.md", "text": text}, None)
    assert set(made) >= {"name", "version", "pages", "words", "misspelt", "bytes", "parts"}
    assert (made["name"], made["pages"], made["parts"]) == ("letter.md", 2, 1)
    slip = next(found for found in made["misspelt"] if found["word"] == "seperate")
    assert (slip["line"], slip["column"], slip["count"], slip["suggestions"][0]) == (35, 92, 1, "separate")
    got = download({"name": "letter.md"}, None)
    pdf = base64.b64decode(got["pdf"])
    assert len(pdf) == made["bytes"] and got["version"] == made["version"]
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 2
    json.dumps([made, got])  # what a handler returns has to be JSON


def test_a_function_url_there_and_back_with_the_novel(upload, download, texts):
    text = (texts / "pride-and-prejudice.md").read_text()
    body = base64.b64encode(text.encode()).decode()
    made = answered(upload(request("PUT", "/pride.md", body, encoded=True), None), 200)
    assert made["pages"] > 200 and made["parts"] >= 2 and made["words"] > 100_000
    answer = download(request("GET", "/pride.md"), None)
    assert answer["statusCode"] == 200 and answer["isBase64Encoded"] is True
    assert answer["headers"]["content-type"] == "application/pdf"
    assert answer["headers"]["content-disposition"] == "inline; filename=\"pride.pdf\"; filename*=UTF-8''pride.pdf"
    assert len(PdfReader(io.BytesIO(base64.b64decode(answer["body"]))).pages) == made["pages"]


@pytest.mark.parametrize(
    "event, name",
    [
        (request("POST", "/notes.txt", "text"), "notes.txt"),
        (request("POST", "/", "text", {"name": "notes.txt"}), "notes.txt"),
        (request("POST", "/path.txt", "text", {"name": "query.txt"}), "query.txt"),
        (request("POST", "/%C3%BCber%20uns.md", "text"), "über uns.md"),
        (request("POST", "/u%CC%88ber.md", "text"), "über.md"),  # composed, so that both spellings are one name
        (request("POST", "/%F0%9F%A6%9C", "text"), "🦜"),
        (request("POST", "/..md", "text"), "..md"),
    ],
)
def test_names(upload, download, event, name):
    assert answered(upload(event, None), 200)["name"] == name
    assert answered(download(request("GET", "/"), None), 200)["documents"][0]["name"] == name
    assert download({"name": name}, None)["name"] == name


@pytest.mark.parametrize(
    "event, status, message",
    [
        (request("POST", "/", "text"), 400, "1 to 200"),
        (request("POST", "/" + "n" * 201, "text"), 400, "1 to 200"),
        (request("POST", "/a/b.md", "text"), 400, "slashes"),
        (request("POST", "/..%2f..%2fetc%2fpasswd", "text"), 400, "slashes"),
        (request("POST", "/..", "text"), 400, "must not be"),
        (request("POST", "/a%00b", "text"), 400, "control"),
        (request("POST", "/%ff", "text"), 400, "not UTF-8"),
        (request("POST", "/a.md", ""), 400, "empty"),
        (request("POST", "/a.md"), 400, "empty"),
        (request("POST", "/a.md", " \n\t "), 400, "empty"),
        (request("POST", "/a.md", "!!", encoded=True), 400, "base64"),
        (request("POST", "/a.md", base64.b64encode(b"ab\xffc").decode(), encoded=True), 400, "not UTF-8 at byte 2"),
        (request("POST", "/a.md", "x" * 2_000_001), 413, "2,000,000"),
        (request("POST", "/a.md", "text", {"language": "xx"}), 400, "language"),
        (request("GET", "/a.md"), 405, "POST"),
    ],
)
def test_bad_uploads_by_url(upload, table, event, status, message):
    assert message in answered(upload(event, None), status)["error"]
    assert table.items == {}


@pytest.mark.parametrize(
    "event",
    [None, [], "text", 3, {}, {"name": "a"}, {"text": "a"}, {"name": 3, "text": "a"}, {"name": "a", "text": 3}]
    + [{"name": "", "text": "a"}, {"name": "a/b", "text": "a"}, {"name": "a", "text": ""}, {"name": "a", "text": "\ud800"}]
    + [{"name": "a\ud800", "text": "a"}, {"name": "a", "text": "a", "language": ["en"]}, {"requestContext": None}],
)
def test_bad_plain_uploads(upload, table, event):
    answer = upload(event, None)
    assert answer["statusCode"] == 400 and answer["error"]
    assert table.items == {}


@pytest.mark.parametrize(
    "event, status",
    [
        (request("GET", "/nothing.md"), 404),
        (request("GET", "/a/b"), 400),
        (request("DELETE", "/a"), 405),
        (request("GET", "/%ff"), 400),
    ],
)
def test_bad_downloads_by_url(download, event, status):
    assert answered(download(event, None), status)["error"]


@pytest.mark.parametrize("event, status", [({"name": "nothing"}, 404), ({"name": 3}, 400), ([], 400), ({"name": "a/b"}, 400)])
def test_bad_plain_downloads(download, event, status):
    answer = download(event, None)
    assert (answer["statusCode"], bool(answer["error"])) == (status, True)


def test_an_empty_shelf(download):
    assert download({}, None) == {"documents": []}
    assert answered(download(request("GET", "/"), None), 200) == {"documents": []}


def test_a_damaged_document_is_an_error(upload, download, table):
    upload({"name": "a.md", "text": "text"}, None)
    del table.items[next(key for key in table.items if key[1] != "head")]
    assert "not what was saved" in answered(download(request("GET", "/a.md"), None), 500)["error"]


@pytest.mark.parametrize("event", [request("GET", "/big.md"), {"name": "big.md"}])
def test_a_pdf_too_large_for_an_answer_is_said_so(upload, download, table, event):
    from storage import DocumentStore

    fits = 6 * 1024 * 1024 * 3 // 4 - 1200  # base64 grows by a third; the rest is for the envelope
    for size, status in ((fits, 200), (fits + 1200, 413)):
        DocumentStore(table).save("big.md", bytes(size), 1, 1)
        answer = download(event, None)
        assert answer.get("statusCode", 200) == status
        assert len(json.dumps(answer)) <= events.MAX_RESPONSE
    assert f"{fits + 1200:,} bytes" in (answer.get("error") or json.loads(answer["body"])["error"])


def test_a_header_cannot_be_broken_by_a_name(upload, download):
    for name in ('a"b; filename=evil.md', "naïve.md", "100%.md", ".md"):
        upload({"name": name, "text": "text"}, None)
        header = download(request("GET", "/", query={"name": name}), None)["headers"]["content-disposition"]
        assert header.isascii() and header.count('"') == 2 and header.count(";") == 2


def test_the_answer_to_a_document_of_nothing_but_mistakes_is_bounded(upload):
    text = " ".join(f"qx{''.join(chr(97 + int(digit)) for digit in str(number))}zq" for number in range(30_000))
    made = upload({"name": "wrong.txt", "text": text}, None)
    assert made["misspelt_words"] == 30_000 and len(made["misspelt"]) == 1000
    assert len(json.dumps(made)) < 1_000_000


def test_the_largest_text_stays_within_a_function_of_1024_mb():
    """In a process of its own, as the peak of memory is counted over the life of one."""
    program = f"""
import sys; sys.path[:0] = {sys.path!r}
import resource, upload
from fake_table import FakeTable
from storage import DocumentStore
upload.store = DocumentStore(FakeTable())
made = upload.handler({{"name": "large.md", "text": ("Some **words** in a lime.\\n\\n" * 80_000)[:2_000_000]}}, None)
used = resource.getrusage(resource.RUSAGE_SELF)
print(made["pages"], used.ru_maxrss // 1024, used.ru_utime + used.ru_stime)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    pages, megabytes, seconds = map(float, ran.stdout.split())
    assert pages > 1000
    assert megabytes < 900
    assert seconds < 60  # takes 12 on an idle machine
