"""Lambda function: takes a text or Markdown document, checks its spelling, makes a PDF of it and saves that.

    curl --data-binary @letter.md "$UPLOAD_URL/letter.md"                      function URL: POST or PUT, ?name= works too
    {"name": "letter.md", "text": "# Dear ...", "language": "en"}              plain invoke
"""
import os

import boto3

import events
import fonts
import layout
import markup
import pdf
import spelling
from events import Refused
from storage import DocumentStore, TooManyWriters

MAX_TEXT = 2_000_000  # bytes; some 1,000 pages

store = DocumentStore(boto3.resource("dynamodb").Table(os.environ.get("DOCUMENTS_TABLE", "documents")))


def handler(event, context):
    try:
        name, text, language = read(event)
        return events.answer(event, 200, publish(name, text, language))
    except Refused as refused:
        return events.refusal(event, refused)
    except TooManyWriters as error:
        return events.refusal(event, Refused(409, str(error)))


def read(event) -> tuple[str, str, str]:
    """Name, text and language of the document in the event, checked."""
    if events.is_request(event):
        if events.method(event) not in ("POST", "PUT"):
            raise Refused(405, "send the document with POST or PUT")
        name, language = events.requested_name(event), events.query(event, "language")
        content = events.body(event)
    elif isinstance(event, dict) and isinstance(event.get("text"), str):
        name, language = event.get("name"), event.get("language")
        content = event["text"].encode(errors="surrogatepass")
    else:
        raise Refused(400, 'the event must be {"name": "...", "text": "..."}')
    name, language = events.checked_name(name), language or "en"
    if language not in spelling.LANGUAGES:
        raise Refused(400, f"language must be one of {', '.join(spelling.LANGUAGES)}")
    if len(content) > MAX_TEXT:
        raise Refused(413, f"the text has {len(content):,} bytes; the most is {MAX_TEXT:,}")
    try:
        text = markup.normalise(content.decode())
    except UnicodeDecodeError as error:
        raise Refused(400, f"the text is not UTF-8 at byte {error.start}") from None
    if not text.strip():
        raise Refused(400, "the text is empty")
    return name, text, language


def publish(name: str, text: str, language: str) -> dict:
    blocks = markup.parse(text, markdown=name.lower().endswith((".md", ".markdown")))
    words, misspelt = spelling.check(blocks, text, language)
    title = layout.title_of(name, blocks)
    faces = fonts.Fonts()
    pages = layout.lay_out(title, blocks, misspelt, faces)
    document = store.save(name, pdf.draw(title, pages, faces), len(pages), words)
    return {
        "name": name,
        "version": document.version,
        "pages": document.pages,
        "words": words,
        "bytes": document.bytes,
        "parts": document.parts,
        "misspelt_words": len(misspelt),
        "misspelt": [_report(found) for found in misspelt[: layout.MAX_LISTED]],
        "unprintable": sorted(faces.missing)[:100],  # characters that no font has, shown as a box
    }


def _report(found: spelling.Misspelling) -> dict:
    line, column = found.places[0]
    return {
        "word": found.word,
        "line": line,
        "column": column,
        "count": found.count,
        "places": found.places,
        "suggestions": found.suggestions,
    }
