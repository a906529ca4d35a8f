"""The DejaVu fonts that pack.sh puts beside this file: Latin, Greek, Cyrillic and much more, but no shaping: scripts
that are written from right to left or join their letters come out as single letters from left to right."""
import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from markup import BOLD, CODE, ITALIC

FOLDER = Path(os.environ.get("DOCUMENTS_FONTS", Path(__file__).parent / "ttf"))
MISSING = "□"  # shown for a character that no font has

_FILES = {  # family -> file by style: regular, bold, italic, bold italic
    "serif": ("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    "sans": ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
    "mono": ("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique"),
}


class Glyph(NamedTuple):
    font: str
    width: float  # as a part of the font size
    shown: str  # the character, or what stands for it


class Fonts:
    """Chooses a font for every character; a font file is read when its first character is met."""

    def __init__(self) -> None:
        self.missing: set[str] = set()  # characters that no font has
        self.glyph = lru_cache(maxsize=20_000)(self._glyph)

    def _glyph(self, family: str, style: int, character: str) -> Glyph:
        if style & CODE:
            family = "mono"
        which = (1 if style & BOLD else 0) + (2 if style & ITALIC else 0)
        tried = dict.fromkeys((_FILES[family][which], _FILES["sans"][which], "DejaVuSans", "DejaVuSansMono"))
        for name in tried:
            face = _font(name).face
            if ord(character) in face.charToGlyph:
                return Glyph(name, face.charWidths.get(ord(character), face.defaultWidth) / 1000, character)
        self.missing.add(character)
        return self._glyph(family, style, MISSING)


def _font(name: str) -> TTFont:
    if name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(name, str(FOLDER / f"{name}.ttf")))
    return pdfmetrics.getFont(name)
