"""Lambda function: returns the PDF of a saved document, or the list of documents.

    curl -O "$DOWNLOAD_URL/letter.md"     function URL: the PDF; GET / is the list
    {"name": "letter.md"}                 plain invoke: the PDF in base64; {} is the list
"""
import base64
import json
import os

import boto3

import events
from events import Refused
from storage import DamagedDocument, DocumentStore, NoSuchDocument

store = DocumentStore(boto3.resource("dynamodb").Table(os.environ.get("DOCUMENTS_TABLE", "documents")))


def handler(event, context):
    try:
        name = read(event)
        return fetch(event, events.checked_name(name)) if name else list_documents(event)
    except Refused as refused:
        return events.refusal(event, refused)
    except NoSuchDocument as error:
        return events.refusal(event, Refused(404, str(error)))
    except DamagedDocument as error:
        return events.refusal(event, Refused(500, str(error)))


def read(event):
    """The name asked for; nothing where the list is asked for."""
    if events.is_request(event):
        if events.method(event) not in ("GET", "HEAD"):
            raise Refused(405, "ask for a document with GET")
        return events.requested_name(event)
    if not isinstance(event, dict):
        raise Refused(400, 'the event must be {"name": "..."}')
    return event.get("name", "")


def fetch(event, name: str) -> dict:
    document, pdf = store.load(name)
    if events.is_request(event):
        answer = events.pdf_file(name, pdf)
    else:
        answer = {**vars(document), "pdf": base64.b64encode(pdf).decode()}
    size = len(json.dumps(answer))
    if size > events.MAX_RESPONSE:
        raise Refused(
            413,
            f"the PDF of {name!r} has {len(pdf):,} bytes, {size:,} in base64; "
            f"a function can return {events.MAX_RESPONSE:,} at most",
        )
    return answer


def list_documents(event) -> dict:
    listed = [vars(document) for document in store.list()]
    return events.answer(event, 200, {"documents": listed})
