"""The two shapes an event comes in, a function URL's request (payload format 2.0) and a plain invoke's object, and the
answers to them."""
import base64
import binascii
import json
import unicodedata
from urllib.parse import quote, unquote

MAX_NAME = 200  # characters
MAX_RESPONSE = 6 * 1024 * 1024  # bytes of a function's answer, as JSON


class Refused(Exception):
    """What the caller did wrong; `status` is an HTTP status."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status
        self.message = message


def is_request(event) -> bool:
    """Whether the event comes from a function URL."""
    return isinstance(event, dict) and "http" in (event.get("requestContext") or {})


def method(event: dict) -> str:
    return event["requestContext"]["http"]["method"]


def query(event: dict, parameter: str) -> str | None:
    return (event.get("queryStringParameters") or {}).get(parameter)


def requested_name(event: dict) -> str:
    """The name in ?name= or else in the path; empty where there is neither."""
    given = query(event, "name")
    if given is not None:
        return given
    try:
        return unquote(event.get("rawPath", "/"), errors="strict").removeprefix("/")
    except UnicodeDecodeError:
        raise Refused(400, "the name in the path is not UTF-8") from None


def body(event: dict) -> bytes:
    sent = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return sent.encode(errors="surrogatepass")  # lone surrogates are refused with the rest of what is not UTF-8
    try:
        return base64.b64decode(sent, validate=True)
    except binascii.Error:
        raise Refused(400, "the body is not base64") from None


def checked_name(name) -> str:
    if not isinstance(name, str):
        raise Refused(400, "name must be a string")
    name = unicodedata.normalize("NFC", name)
    if not 1 <= len(name) <= MAX_NAME:
        raise Refused(400, f"name must have 1 to {MAX_NAME} characters")
    if name in (".", "..") or any(letter in "/\\" or unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise Refused(400, "name must not be . or .. or contain slashes or control characters")
    return name


def answer(event, status: int, content: dict) -> dict:
    """JSON for the web, the object itself for a plain invoke (an error's with its status)."""
    if not is_request(event):
        return content if status < 400 else {"statusCode": status, **content}
    headers = {"content-type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(content, ensure_ascii=False) + "\n"}


def refusal(event, refused: Refused) -> dict:
    return answer(event, refused.status, {"error": refused.message})


def pdf_file(name: str, pdf: bytes) -> dict:
    """The answer of a function URL that is a PDF; browsers show it and save it under the document's name."""
    stem = name.rsplit(".", 1)[0] or name
    plain = "".join(letter if letter.isascii() and letter not in '"\\;%' else "_" for letter in stem)
    disposition = f"inline; filename=\"{plain}.pdf\"; filename*=UTF-8''{quote(stem, safe='')}.pdf"
    headers = {"content-type": "application/pdf", "content-disposition": disposition}
    return {"statusCode": 200, "headers": headers, "isBase64Encoded": True, "body": base64.b64encode(pdf).decode()}
