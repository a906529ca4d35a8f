"""Sets of code points as sorted, disjoint, inclusive ranges; and the classes that Java's patterns name."""

import sys
import unicodedata
from functools import cache

LAST = 0x10FFFF
CharSet = tuple[tuple[int, int], ...]

NONE: CharSet = ()
ALL: CharSet = ((0, LAST),)


def union(*sets: CharSet) -> CharSet:
    merged: list[list[int]] = []
    for low, high in sorted(r for s in sets for r in s):
        if merged and low <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], high)
        else:
            merged.append([low, high])
    return tuple((a, b) for a, b in merged)


def invert(chars: CharSet) -> CharSet:
    result, start = [], 0
    for low, high in chars:
        if start < low:
            result.append((start, low - 1))
        start = high + 1
    if start <= LAST:
        result.append((start, LAST))
    return tuple(result)


def single(char: str | int) -> CharSet:
    point = char if isinstance(char, int) else ord(char)
    return ((point, point),)


def contains(chars: CharSet, point: int) -> bool:
    return any(low <= point <= high for low, high in chars)


DIGIT: CharSet = ((0x30, 0x39),)
WORD = union(DIGIT, ((0x41, 0x5A),), ((0x61, 0x7A),), single("_"))
SPACE = union(((0x09, 0x0D),), single(" "))
DOT = invert(union(single("\n"), single("\r"), single(0x85), ((0x2028, 0x2029),)))

# java.util.regex.Pattern's POSIX classes (US-ASCII only).
POSIX = {
    "Lower": ((0x61, 0x7A),),
    "Upper": ((0x41, 0x5A),),
    "ASCII": ((0x00, 0x7F),),
    "Alpha": union(((0x41, 0x5A),), ((0x61, 0x7A),)),
    "Digit": DIGIT,
    "Alnum": union(DIGIT, ((0x41, 0x5A),), ((0x61, 0x7A),)),
    "Punct": union(((0x21, 0x2F),), ((0x3A, 0x40),), ((0x5B, 0x60),), ((0x7B, 0x7E),)),
    "Graph": ((0x21, 0x7E),),
    "Print": ((0x20, 0x7E),),
    "Blank": union(single(" "), single("\t")),
    "Cntrl": union(((0x00, 0x1F),), single(0x7F)),
    "XDigit": union(DIGIT, ((0x41, 0x46),), ((0x61, 0x66),)),
    "Space": SPACE,
}


@cache
def property_class(name: str) -> CharSet | None:
    r"""\p{name}: a POSIX class, or a general category (L, Lu, N, Z ...) of this Python's Unicode."""
    if name in POSIX:
        return POSIX[name]
    category = name.removeprefix("Is")
    if len(category) not in (1, 2) or category[0] not in "LMNPSZC":
        return None
    ranges: list[list[int]] = []
    for point in range(sys.maxunicode + 1):
        if unicodedata.category(chr(point)).startswith(category):
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1][1] = point
            else:
                ranges.append([point, point])
    return tuple((a, b) for a, b in ranges) or None
