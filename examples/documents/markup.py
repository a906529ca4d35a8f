"""Reads a plain text or Markdown document into a flat list of blocks.

Every character of a block knows its style and its offset in the source, so that a misspelt word found in a block can be
reported by line and column of the file the author wrote. All passes are linear in the size of the source, whatever it
holds: the text comes from strangers.
"""
import html
import re
import unicodedata
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field

BOLD, ITALIC, CODE, LINK, MISSPELT = 1, 2, 4, 8, 16  # bits of a character's style

MAX_NESTING = 8  # list and quote levels; what is nested deeper is read as a paragraph of the deepest level

Line = tuple[int, str]  # (offset in the source, text without the line end)


@dataclass
class Block:
    kind: str  # "heading", "paragraph", "code" or "rule"
    text: str = ""
    styles: bytearray = field(default_factory=bytearray)  # one style per character of text
    offsets: array = field(default_factory=lambda: array("L"))  # source offset of each character of text
    level: int = 0  # of a heading: 1..6
    lists: int = 0  # how many lists the block is inside of
    quotes: int = 0  # how many block quotes the block is inside of
    marker: str = ""  # bullet or number, on the first block of a list item


def normalise(text: str) -> str:
    """Composed Unicode, one kind of line end, and no control characters (each is shown as U+FFFD)."""
    text = unicodedata.normalize("NFC", text.removeprefix("\ufeff"))
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", "\ufffd", text)


def parse(text: str, markdown: bool) -> list[Block]:
    """The blocks of a text that went through normalise()."""
    lines, offset = [], 0
    for line in text.split("\n"):
        lines.append((offset, line))
        offset += len(line) + 1
    return _markdown_blocks(lines, 0, 0) if markdown else _plain_blocks(lines)


# Plain text: blank lines part the paragraphs; lines that begin with white space (verse, addresses) stay lines.


def _plain_blocks(lines: list[Line]) -> list[Block]:
    blocks, paragraph = [], []
    for offset, line in lines + [(0, "")]:
        if line.strip():
            paragraph.append((offset, line))
            continue
        if paragraph:
            blocks.append(_plain_paragraph(paragraph))
        paragraph = []
    return blocks


def _plain_paragraph(lines: list[Line]) -> Block:
    pieces, offsets = [], array("L")
    for number, (offset, line) in enumerate(lines):
        kept_line = line[0] in " \t"
        if number:
            pieces.append("\n" if kept_line else " ")
            offsets.append(offset - 1)
        shown = line.rstrip()
        pieces.append(shown.replace("\t", " "))
        offsets.extend(range(offset, offset + len(shown)))
    text = "".join(pieces)
    return Block("paragraph", text, bytearray(len(text)), offsets)


# Markdown blocks.

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+|$)")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r"( {0,3})([-*+]|\d{1,9}[.)])([ \t]+|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")


def _markdown_blocks(lines: list[Line], lists: int, quotes: int) -> list[Block]:
    blocks: list[Block] = []
    at = 0
    while at < len(lines):
        offset, line = lines[at]
        nests = lists + quotes < MAX_NESTING
        if not line.strip():
            at += 1
        elif heading := _HEADING.match(line):
            blocks.append(_heading(offset, line, heading))
            at += 1
        elif fence := _FENCE.match(line):
            at = _fenced_code(lines, at, fence[1], blocks)
        elif _indent(line) >= 4:
            at = _indented_code(lines, at, blocks)
        elif _RULE.match(line):
            blocks.append(Block("rule"))
            at += 1
        elif nests and _QUOTE.match(line):
            at = _quote(lines, at, lists, quotes, blocks)
        elif nests and _ITEM.match(line):
            at = _item(lines, at, lists, quotes, blocks)
        else:
            at = _paragraph(lines, at, nests, blocks)
    for block in blocks:  # a nested call has set its own, deeper, levels already
        block.lists, block.quotes = max(block.lists, lists), max(block.quotes, quotes)
    return blocks


def _indent(line: str) -> int:
    """Columns of white space at the start; a tab counts as going on to the next multiple of four."""
    columns = 0
    for character in line:
        if character == " ":
            columns += 1
        elif character == "\t":
            columns += 4 - columns % 4
        else:
            break
    return columns


def _unindent(offset: int, line: str, columns: int) -> Line:
    """The line without up to `columns` columns of white space at its start."""
    taken = width = 0
    while width < columns and taken < len(line) and line[taken] in " \t":
        width += 1 if line[taken] == " " else 4
        taken += 1
    return offset + taken, line[taken:]


def _heading(offset: int, line: str, match: re.Match) -> Block:
    body = line[match.end() :].rstrip()
    opened = body.rstrip("#")  # "## Title ##" may close what it opened
    if not opened or opened[-1] in " \t":
        body = opened
    return _inline("heading", [(offset + match.end(), body)], level=len(match[1]))


def _fenced_code(lines: list[Line], at: int, fence: str, blocks: list[Block]) -> int:
    indent = _indent(lines[at][1])
    code = []
    at += 1
    while at < len(lines):
        offset, line = lines[at]
        at += 1
        mark = line.strip()
        if len(mark) >= len(fence) and mark == fence[0] * len(mark) and _indent(line) < 4:
            break
        code.append(_unindent(offset, line, indent))
    blocks.append(_code(code))
    return at


def _indented_code(lines: list[Line], at: int, blocks: list[Block]) -> int:
    code = []
    while at < len(lines) and (_indent(lines[at][1]) >= 4 or not lines[at][1].strip()):
        code.append(_unindent(*lines[at], 4))
        at += 1
    while not code[-1][1].strip():
        code.pop()
    blocks.append(_code(code))
    return at


def _code(lines: list[Line]) -> Block:
    text, offsets = [], array("L")
    for offset, line in lines:
        column = 0
        for position, character in enumerate(line):
            width = 4 - column % 4 if character == "\t" else 1
            text.append(" " * width if character == "\t" else character)
            offsets.extend([offset + position] * width)
            column += width
        text.append("\n")
        offsets.append(offset + len(line))
    whole = "".join(text)[:-1]
    return Block("code", whole, bytearray(bytes([CODE]) * len(whole)), offsets[: len(whole)])


def _quote(lines: list[Line], at: int, lists: int, quotes: int, blocks: list[Block]) -> int:
    inner = []
    while at < len(lines):
        offset, line = lines[at]
        mark = _QUOTE.match(line)
        if mark:
            inner.append((offset + mark.end(), line[mark.end() :]))
        elif line.strip() and not _begins_block(line) and inner[-1][1].strip():
            inner.append((offset, line))  # a paragraph may go on without the mark
        else:
            break
        at += 1
    blocks.extend(_markdown_blocks(inner, lists, quotes + 1))
    return at


def _item(lines: list[Line], at: int, lists: int, quotes: int, blocks: list[Block]) -> int:
    offset, line = lines[at]
    mark = _ITEM.match(line)
    padding = len(mark[3]) if len(mark[3]) <= 4 and line[mark.end() :] else 1
    width = len(mark[1]) + len(mark[2]) + padding
    start = min(len(mark[1]) + len(mark[2]) + padding, len(line))
    inner = [(offset + start, line[start:])]
    at += 1
    while at < len(lines):
        offset, line = lines[at]
        if not line.strip():
            inner.append((offset, ""))
        elif _indent(line) >= width:
            inner.append(_unindent(offset, line, width))
        elif inner[-1][1].strip() and not _begins_block(line):
            inner.append((offset, line.lstrip()))
        else:
            break
        at += 1
    item = _markdown_blocks(inner, lists + 1, quotes) or [Block("paragraph", lists=lists + 1, quotes=quotes)]
    if item[0].marker or item[0].kind == "rule":  # "- - x": the inner item has a marker of its own
        item.insert(0, Block("paragraph", lists=lists + 1, quotes=quotes))
    item[0].marker = mark[2] if mark[2][0].isdigit() else "•"
    blocks.extend(item)
    return at


def _begins_block(line: str) -> bool:
    return any(pattern.match(line) for pattern in (_HEADING, _FENCE, _QUOTE, _ITEM, _RULE))


def _paragraph(lines: list[Line], at: int, nests: bool, blocks: list[Block]) -> int:
    taken = [lines[at]]
    at += 1
    while at < len(lines) and lines[at][1].strip():
        offset, line = lines[at]
        if underline := _UNDERLINE.match(line):
            blocks.append(_inline("heading", taken, level=1 if underline[1][0] == "=" else 2))
            return at + 1
        if nests and _begins_block(line) and not _is_prose_number(line):
            break
        taken.append((offset, line))
        at += 1
    blocks.append(_inline("paragraph", taken))
    return at


def _is_prose_number(line: str) -> bool:
    """A line of prose that happens to begin with a year or the like; only "1." may interrupt a paragraph as a list."""
    item = _ITEM.match(line)
    return bool(item and item[2][0].isdigit() and item[2] not in ("1.", "1)"))


# Inline Markdown: emphasis, code, links, escapes and entities.

_LINK = re.compile(r"!?\[((?:[^\[\]\\\n]|\\.){0,500})\]\([ ]?<?([^\s()<>]{0,1000})>?(?:[ ]+\"[^\"\n]{0,300}\")?[ ]?\)")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^\s<>]{1,1000})>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_SPECIAL = re.compile(r"[\\`*_\[!<&]")


def _inline(kind: str, lines: list[Line], level: int = 0) -> Block:
    source, offsets = _join(lines)
    return _Inline(source, offsets).block(kind, level)


def _join(lines: list[Line]) -> tuple[str, array]:
    """One string of a paragraph's lines: a line end is a space, or a line end where it is a hard break."""
    pieces, offsets = [], array("L")
    for number, (offset, line) in enumerate(lines):
        body = line.strip(" \t")
        start = offset + len(line) - len(line.lstrip(" \t"))
        last = number == len(lines) - 1
        broken = line.endswith("  ")
        if not broken and not last and body.endswith("\\") and not body.endswith("\\\\"):
            body, broken = body[:-1], True
        pieces.append(body.replace("\t", " "))
        offsets.extend(range(start, start + len(body)))
        if not last:
            pieces.append("\n" if broken else " ")
            offsets.append(start + len(body))
    return "".join(pieces), offsets


class _Inline:
    """One pass over a paragraph's source. Marks that turn out to be emphasis are dropped at the end, so that nothing is
    copied or searched twice."""

    def __init__(self, source: str, offsets: array):
        self.source, self.source_offsets = source, offsets
        self.text: list[str] = []
        self.offsets = array("L")
        self.dropped = bytearray()
        self.changes: dict[int, list[tuple[int, int]]] = {}  # position in text -> [(style, +1 or -1)]
        self.openers: dict[str, list[list[int]]] = {"*": [], "_": []}  # [position, marks left, order]
        self.ticks: dict[int, list[int]] = {}
        for run in re.finditer(r"`+", source):
            self.ticks.setdefault(len(run[0]), []).append(run.start())

    def block(self, kind: str, level: int) -> Block:
        at, link_end, link_after, link_url = 0, -1, -1, ""
        link_from = 0
        while at < len(self.source):
            if at > link_end:
                link_end = -1  # a code span or the like ran over the end of the link
            if at == link_end:
                at = link_after
                self._end_link(link_from, link_url, link_end)
                link_end = -1
                continue
            special = _SPECIAL.search(self.source, at)
            until = special.start() if special else len(self.source)
            if link_end >= 0:
                until = min(until, link_end)
            if until > at:
                self._emit(self.source[at:until], range(at, until))
                at = until
                continue
            if link_end < 0 and (link := _LINK.match(self.source, at)):
                link_from, link_url = len(self.text), link[2]
                at, link_end, link_after = link.start(1), link.end(1), link.end()
                continue
            at = self._special(at)
        if link_end == len(self.source):
            self._end_link(link_from, link_url, link_end)
        return self._finish(kind, level)

    def _special(self, at: int) -> int:
        """Takes what begins with the special character at `at`; returns where to go on."""
        source = self.source
        character = source[at]
        if character == "\\" and at + 1 < len(source) and unicodedata.category(source[at + 1])[0] in "PS":
            self._emit(source[at + 1], [at + 1])
            return at + 2
        if character == "`":
            return self._code_span(at)
        if character in "*_":
            return self._emphasis(at)
        if character == "<" and (link := _AUTOLINK.match(source, at)):
            self._emit(link[1], range(link.start(1), link.end(1)), LINK)
            return link.end()
        if character == "&" and (entity := _ENTITY.match(source, at)):
            shown = normalise(html.unescape(entity[0]))
            self._emit(shown, [at] * len(shown))
            return entity.end()
        self._emit(character, [at])
        return at + 1

    def _emit(self, text: str, positions, style: int = 0) -> None:
        if style:
            self._style(style, len(self.text), len(self.text) + len(text))
        self.text.extend(text)
        self.offsets.extend(self.source_offsets[position] for position in positions)
        self.dropped.extend(bytes(len(text)))

    def _style(self, style: int, start: int, end: int) -> None:
        self.changes.setdefault(start, []).append((style, 1))
        self.changes.setdefault(end, []).append((style, -1))

    def _end_link(self, start: int, url: str, at: int) -> None:
        shown = "".join(self.text[start:])
        self._style(LINK, start, len(self.text))
        if url and url != shown:  # paper has no links to follow, so the address is printed
            added = f" ({url})"
            self._emit(added, [at - 1] * len(added), LINK)

    def _code_span(self, at: int) -> int:
        length = len(re.compile(r"`+").match(self.source, at)[0])
        runs = self.ticks[length] if length in self.ticks else []
        following = bisect_right(runs, at)
        if following == len(runs):
            self._emit("`" * length, range(at, at + length))
            return at + length
        start, end = at + length, runs[following]
        after = end + length
        if self.source[start:end].strip() and self.source[start] == " " == self.source[end - 1]:
            start, end = start + 1, end - 1
        self._emit(self.source[start:end].replace("\n", " "), range(start, end), CODE)
        return after

    def _emphasis(self, at: int) -> int:
        mark = self.source[at]
        end = at
        while end < len(self.source) and self.source[end] == mark:
            end += 1
        before = self.source[at - 1] if at else " "
        after = self.source[end] if end < len(self.source) else " "
        opens = not after.isspace() and (not _is_punctuation(after) or before.isspace() or _is_punctuation(before))
        closes = not before.isspace() and (not _is_punctuation(before) or after.isspace() or _is_punctuation(after))
        if mark == "_":
            opens, closes = opens and not (closes and before.isalnum()), closes and not (opens and after.isalnum())
        position, left = len(self.text), end - at
        self._emit(mark * left, range(at, end))
        if closes:
            position, left = self._close(mark, position, left)
        if opens and left:
            self.openers[mark].append([position, left])
        return end

    def _close(self, mark: str, position: int, left: int) -> tuple[int, int]:
        """Pairs `left` marks at `position` of the text with the openers before; returns what is left of them."""
        openers, others = self.openers[mark], self.openers["_" if mark == "*" else "*"]
        while left and openers:
            opener = openers[-1]
            used = 2 if left >= 2 and opener[1] >= 2 else 1
            opened = opener[0] + opener[1] - used
            self.dropped[opened : opened + used] = self.dropped[position : position + used] = b"\1" * used
            self._style(BOLD if used == 2 else ITALIC, opened, position)
            opener[1] -= used
            position, left = position + used, left - used
            while others and others[-1][0] > opener[0]:
                others.pop()
            if not opener[1]:
                openers.pop()
        return position, left

    def _finish(self, kind: str, level: int) -> Block:
        if not self.changes:  # so no mark was dropped either
            return Block(kind, "".join(self.text), bytearray(len(self.text)), self.offsets, level=level)
        depth = {BOLD: 0, ITALIC: 0, CODE: 0, LINK: 0}
        style, text, styles, offsets = 0, [], bytearray(), array("L")
        for position, character in enumerate(self.text):
            if position in self.changes:
                for changed, by in self.changes[position]:
                    depth[changed] += by
                style = sum(bit for bit, count in depth.items() if count)
            if not self.dropped[position]:
                text.append(character)
                styles.append(style)
                offsets.append(self.offsets[position])
        return Block(kind, "".join(text), styles, offsets, level=level)


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"
