"""Draws laid out pages as a PDF."""
import io
import itertools

from reportlab.pdfgen.canvas import Canvas

from fonts import Fonts
from layout import LEFT, PAGE_HEIGHT, PAGE_WIDTH, RIGHT, Page, Text

_FOOT, _HEAD, _SMALL = 40.0, PAGE_HEIGHT - 45.0, 8.5
_DASH = 1.8


def draw(title: str, pages: list[Page], fonts: Fonts) -> bytes:
    """The same pages always make the same bytes."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(PAGE_WIDTH, PAGE_HEIGHT), pageCompression=1, invariant=1)
    canvas.setTitle(title)
    outline_level = -1
    for number, page in enumerate(pages, 1):
        for box in page.boxes:
            canvas.setFillGray(box.grey)
            canvas.rect(box.x, box.y, box.width, box.height, stroke=0, fill=1)
        canvas.setFillGray(0)
        _draw_texts(canvas, page.texts)
        _draw_marks(canvas, page.texts)
        if number > 1:
            _draw_small(canvas, fonts, _shortened(title), _HEAD)
        _draw_small(canvas, fonts, f"Page {number} of {len(pages)}", _FOOT)
        for index, (heading, level, top) in enumerate(page.headings):
            key = f"{number}.{index}"
            canvas.bookmarkHorizontal(key, 0, top + 10)
            outline_level = min(level - 1, outline_level + 1)  # a PDF outline must not leave out a level
            canvas.addOutlineEntry(heading[:200], key, outline_level)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw_texts(canvas: Canvas, texts: list[Text]) -> None:
    if not texts:
        return
    drawn = canvas.beginText()
    font = None
    for text in texts:
        if font != (text.font, text.size):
            font = (text.font, text.size)
            drawn.setFont(*font)
        drawn.setTextOrigin(text.x, text.y)
        drawn.textOut(text.text)
    canvas.drawText(drawn)


def _draw_marks(canvas: Canvas, texts: list[Text]) -> None:
    """A jagged red line under each misspelt word: two lines of dashes, each where the other has gaps. (Two strokes a word,
    since a text may have nothing but misspelt words.)"""
    marked = [text for text in texts if text.misspelt]
    if not marked:
        return
    canvas.setStrokeColorRGB(0.85, 0.1, 0.1)
    canvas.setLineWidth(0.9)
    for phase, depth in ((0, 0.18), (_DASH, 0.25)):
        canvas.setDash([_DASH, _DASH], phase)
        heights = [text.y - text.size * depth for text in marked]
        canvas.lines([(text.x, y, text.x + text.width, y) for text, y in zip(marked, heights)])
    canvas.setDash()


def _shortened(title: str) -> str:
    return title if len(title) <= 70 else title[:69] + "…"


def _draw_small(canvas: Canvas, fonts: Fonts, text: str, y: float) -> None:
    """One centred line of small grey type."""
    glyphs = [fonts.glyph("sans", 0, character) for character in text]
    x = (LEFT + RIGHT - sum(glyph.width for glyph in glyphs) * _SMALL) / 2
    canvas.setFillGray(0.4)
    for font, stretch in itertools.groupby(glyphs, key=lambda glyph: glyph.font):
        stretch = list(stretch)
        canvas.setFont(font, _SMALL)
        canvas.drawString(x, y, "".join(glyph.shown for glyph in stretch))
        x += sum(glyph.width for glyph in stretch) * _SMALL
