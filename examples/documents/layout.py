"""Lays blocks out on A4 pages: what is drawn where, and so how many pages there are, before anything is drawn.

Lengths are in points, y goes up from the foot of the page, as in PDF.
"""
from dataclasses import dataclass, field, replace

from fonts import Fonts
from markup import BOLD, ITALIC, MISSPELT, Block
from spelling import Misspelling

PAGE_WIDTH, PAGE_HEIGHT = 595.28, 841.89
LEFT, RIGHT, TOP, BOTTOM = 71.0, PAGE_WIDTH - 71.0, PAGE_HEIGHT - 71.0, 71.0

LIST_INDENT, QUOTE_INDENT = 20.0, 16.0
MAX_INDENT = 200.0
APPENDIX_TITLE = "Spelling"
MAX_LISTED = 1000  # misspelt words in the appendix


@dataclass
class Type:
    """How one kind of block is set."""

    family: str  # of Fonts
    size: float
    leading: float
    before: float  # space above the block
    after: float  # space below the block
    keep: float = 0.0  # height that must be left on the page for what follows
    style: int = 0  # added to every character


BODY = Type("serif", 10.5, 15.0, 0.0, 7.5)
CODE_BLOCK = Type("mono", 8.5, 11.5, 2.0, 9.5)
HEADINGS = (
    Type("sans", 20.0, 26.0, 18.0, 10.0, 60.0, BOLD),
    Type("sans", 15.0, 20.0, 16.0, 8.0, 50.0, BOLD),
    Type("sans", 12.5, 17.0, 12.0, 6.0, 45.0, BOLD),
    Type("sans", 11.0, 15.0, 10.0, 5.0, 40.0, BOLD),
    Type("sans", 10.5, 15.0, 8.0, 4.0, 40.0, BOLD | ITALIC),
    Type("sans", 10.0, 15.0, 8.0, 4.0, 40.0, ITALIC),
)


@dataclass
class Text:
    """A stretch of text in one font."""

    x: float
    y: float
    text: str
    font: str
    size: float
    width: float
    misspelt: bool


@dataclass
class Box:
    """A filled rectangle: the ground of code, the bar beside a quote, a rule."""

    x: float
    y: float
    width: float
    height: float
    grey: float


@dataclass
class Page:
    texts: list[Text] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    headings: list[tuple[str, int, float]] = field(default_factory=list)  # (text, level, y of its top)


def lay_out(title: str, blocks: list[Block], misspelt: list[Misspelling], fonts: Fonts) -> list[Page]:
    """The pages of the document: its title where it has none itself, its blocks, and the list of misspelt words."""
    setter = _Setter(fonts)
    if not (blocks and blocks[0].kind == "heading" and blocks[0].level == 1):
        setter.set(_made("heading", title, level=1))
    for block in blocks:
        setter.set(block)
    if misspelt:
        setter.begin_appendix(len(misspelt))
        for block in _appendix(misspelt):
            setter.set(block)
    return setter.pages


def title_of(name: str, blocks: list[Block]) -> str:
    if blocks and blocks[0].kind == "heading" and blocks[0].level == 1 and blocks[0].text:
        return blocks[0].text.replace("\n", " ")
    return name


def _made(kind: str, text: str, styles: bytes | None = None, **fields) -> Block:
    return Block(kind, text, bytearray(styles if styles is not None else len(text)), **fields)


def _appendix(misspelt: list[Misspelling]):
    yield _made("heading", APPENDIX_TITLE, level=1)
    several = f"{len(misspelt)} words are" if len(misspelt) > 1 else "One word is"
    more = f" The first {MAX_LISTED} are listed." if len(misspelt) > MAX_LISTED else ""
    yield _made("paragraph", f"{several} not in the dictionary. Places are line:column of the source.{more}")
    for found in misspelt[:MAX_LISTED]:
        places = ", ".join(f"{line}:{column}" for line, column in found.places)
        more = ", …" if found.count > len(found.places) else ""
        times = f"{found.count} times" if found.count > 1 else "once"
        rest = f" {times} at {places}{more}"
        if found.suggestions:
            rest += f": {', '.join(found.suggestions)}?"
        yield _made("paragraph", found.word + rest, bytes([BOLD]) * len(found.word) + bytes(len(rest)))


class _Setter:
    """Sets one block after the other, from the top of a page to its foot."""

    def __init__(self, fonts: Fonts):
        self.fonts = fonts
        self.pages: list[Page] = []
        self.in_list = False
        self.new_page()

    def new_page(self) -> None:
        self.pages.append(Page())
        self.y = TOP

    def begin_appendix(self, words: int) -> None:
        """The list of a few words may follow the text; a longer one begins a page."""
        if self.y - (80 + words * (BODY.leading + BODY.after)) < BOTTOM:
            self.new_page()

    def set(self, block: Block) -> None:
        if block.kind == "rule":
            self._rule()
            return
        kind = _type_of(block)
        if self.y < TOP:
            self.y -= kind.before + (BODY.after / 2 if self.in_list and not block.lists else 0)
        self.in_list = block.lists > 0
        indent = min(block.lists * LIST_INDENT + block.quotes * QUOTE_INDENT, MAX_INDENT)
        lines = self._lines(block, kind, RIGHT - LEFT - indent)
        if self.y - min(len(lines), 2) * kind.leading - kind.keep < BOTTOM:
            self.new_page()
        if block.kind == "heading":
            self.pages[-1].headings.append((block.text.replace("\n", " "), block.level, self.y))
        for number, (start, end) in enumerate(lines):
            if self.y - kind.leading < BOTTOM:
                self.new_page()
            self.y -= kind.leading
            self._ground(block, kind, indent)
            baseline = self.y + (kind.leading - kind.size) * 0.8
            if number == 0 and block.marker:
                self._marker(block.marker, kind, LEFT + indent, baseline)
            self._line(block, kind, start, end, LEFT + indent, baseline)
        self.y -= kind.after

    def _rule(self) -> None:
        if self.y - 20 < BOTTOM:
            self.new_page()
        self.pages[-1].boxes.append(Box(LEFT, self.y - 8, RIGHT - LEFT, 0.6, 0.6))
        self.y -= 20

    def _ground(self, block: Block, kind: Type, indent: float) -> None:
        boxes = self.pages[-1].boxes
        if block.kind == "code":
            boxes.append(Box(LEFT + indent - 4, self.y - 1, RIGHT - LEFT - indent + 8, kind.leading, 0.94))
        for depth in range(block.quotes):
            boxes.append(Box(LEFT + min(depth * QUOTE_INDENT, MAX_INDENT), self.y, 2, kind.leading, 0.75))

    def _marker(self, marker: str, kind: Type, x: float, y: float) -> None:
        self._line(_made("paragraph", marker), kind, 0, len(marker), x - LIST_INDENT + 4, y)

    def _lines(self, block: Block, kind: Type, width: float) -> list[tuple[int, int]]:
        """Where the lines of the block begin and end. Breaks at spaces and after hyphens and dashes; a word longer than
        a line is broken where the line ends."""
        glyph, size, lines = self.fonts.glyph, kind.size, []
        start = at = 0
        room, break_at = width, -1
        text, styles = block.text, block.styles
        while at < len(text):
            character = text[at]
            if character == "\n":
                lines.append((start, at))
                start, break_at, room = at + 1, -1, width
                at += 1
                continue
            room -= glyph(kind.family, styles[at] | kind.style, character).width * size
            if character == " " and block.kind != "code":
                break_at = at + 1
            elif room < 0 and at > start:
                end = break_at if break_at > start else at
                lines.append((start, end))
                start = at = end
                room, break_at = width, -1
                continue
            elif character in "-–—/" and block.kind != "code":
                break_at = at + 1
            at += 1
        lines.append((start, len(text)))
        return lines

    def _line(self, block: Block, kind: Type, start: int, end: int, x: float, y: float) -> None:
        """Adds one line as stretches of equal font and mark."""
        texts, glyph = self.pages[-1].texts, self.fonts.glyph
        while end > start and block.text[end - 1] == " ":
            end -= 1
        current: list[str] = []
        font = marked = None
        width = 0.0
        for position in range(start, end):
            style = block.styles[position]
            one = glyph(kind.family, style | kind.style, block.text[position])
            if current and (one.font != font or (style & MISSPELT) != marked):
                texts.append(Text(x, y, "".join(current), font, kind.size, width, bool(marked)))
                x += width
                current, width = [], 0.0
            font, marked = one.font, style & MISSPELT
            current.append(one.shown)
            width += one.width * kind.size
        if current:
            texts.append(Text(x, y, "".join(current), font, kind.size, width, bool(marked)))


def _type_of(block: Block) -> Type:
    if block.kind == "heading":
        return HEADINGS[block.level - 1]
    if block.kind == "code":
        return CODE_BLOCK
    return replace(BODY, after=3.5) if block.lists else BODY
