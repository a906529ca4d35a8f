"""Finds the misspelt words of a document and what they may have been meant to be.

The dictionaries are those of the PyPI package pyspellchecker: some 160,000 English words with how often each is used,
and smaller ones of other languages.
"""
import functools
import re
from bisect import bisect_right
from dataclasses import dataclass, field

from spellchecker import SpellChecker

from markup import CODE, LINK, MISSPELT, Block

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt")
MAX_SUGGESTIONS = 5
MAX_PLACES = 10  # how many places of one word are listed
MAX_SUGGESTED = 1000  # the first so many different misspelt words get suggestions
MAX_DEEP_SEARCHES = 150  # so many of those may be searched two edits away, about 15 ms each
MAX_WORD = 40  # letters; longer "words" get no suggestions and are cut short in the report

_CHUNK = re.compile(r"\S+")
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_LATIN = re.compile(r"[A-Za-zªºÀ-ÖØ-öø-ɏḀ-ỿ'’]+")
_ROMAN = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")


@dataclass
class Misspelling:
    word: str  # as first written
    count: int = 0
    places: list[tuple[int, int]] = field(default_factory=list)  # (line, column), both from 1; the first MAX_PLACES
    suggestions: list[str] = field(default_factory=list)  # the likeliest first


def check(blocks: list[Block], text: str, language: str) -> tuple[int, list[Misspelling]]:
    """Counts the words, marks the misspelt ones in the blocks' styles and returns them in order of first appearance."""
    line_starts = [0] + [match.end() for match in re.finditer("\n", text)]
    speller = _speller(language)
    found: dict[str, Misspelling] = {}
    words = 0
    for block in blocks:
        for start, word in _words(block):
            words += 1
            if speller.knows(word):
                continue
            for position in range(start, start + len(word)):
                block.styles[position] |= MISSPELT
            misspelling = found.setdefault(word.lower(), Misspelling(_shortened(word)))
            misspelling.count += 1
            if len(misspelling.places) < MAX_PLACES:
                offset = block.offsets[start]
                line = bisect_right(line_starts, offset)
                misspelling.places.append((line, offset - line_starts[line - 1] + 1))
    speller.suggest_for(found)
    return words, list(found.values())


def _words(block: Block):
    """The words of the block that can be checked, each with its position: not code, addresses or names with digits."""
    if block.kind == "code":
        return
    for chunk in _CHUNK.finditer(block.text):
        if "@" in chunk[0] or "://" in chunk[0] or chunk[0].startswith("www."):
            continue
        for match in _WORD.finditer(block.text, chunk.start(), chunk.end()):
            word = match[0]
            if word.replace("'", "").replace("’", "").isalpha() and not block.styles[match.start()] & (CODE | LINK):
                yield match.start(), word


@functools.cache  # one instance checks many documents: the dictionary is loaded once
def _speller(language: str) -> "_Speller":
    return _Speller(language)


class _Speller:
    def __init__(self, language: str):
        self.checker = SpellChecker(language=language, distance=1)
        self.dictionary = self.checker.word_frequency.dictionary
        self.buckets: dict[tuple[str, int], list[tuple[int, str]]] = {}
        self.suggest = functools.lru_cache(maxsize=10_000)(self._near)
        self.suggest_deep = functools.lru_cache(maxsize=10_000)(self._far)

    def knows(self, word: str) -> bool:
        """Single letters, acronyms of up to four capitals, Roman numerals and words in other scripts count as known."""
        if len(word) == 1 or (word.isupper() and (len(word) <= 4 or _ROMAN.fullmatch(word))):
            return True
        folded = word.lower().replace("’", "'")
        if folded in self.dictionary or folded.removesuffix("'s") in self.dictionary:
            return True
        return not _LATIN.fullmatch(word)

    def suggest_for(self, found: dict[str, Misspelling]) -> None:
        deep = 0
        for folded, misspelling in list(found.items())[:MAX_SUGGESTED]:
            folded = folded.replace("’", "'")
            if len(folded) > MAX_WORD:
                continue
            near = self.suggest(folded)
            if not near and deep < MAX_DEEP_SEARCHES:
                deep += 1
                near = self.suggest_deep(folded)
            misspelling.suggestions = [_as_written(word, misspelling.word) for word in near]

    def _near(self, word: str) -> list[str]:
        """The known words one edit away."""
        return self._best(word, (near for near in self.checker.edit_distance_1(word) if near in self.dictionary))

    def _far(self, word: str) -> list[str]:
        """The known words two edits away that begin with the same letter (few people err in the first)."""
        if not self.buckets:
            for known in self.dictionary:
                self.buckets.setdefault((known[0], len(known)), []).append((_letters(known), known))
        letters = _letters(word)
        near = []
        for length in range(len(word) - 2, len(word) + 3):
            for known_letters, known in self.buckets.get((word[0], length), ()):
                # An edit adds at most one letter to the set and takes one away, which most words fail at once.
                if (letters ^ known_letters).bit_count() <= 4 and _within_two_edits(word, known):
                    near.append(known)
        return self._best(word, near)

    def _best(self, word: str, candidates) -> list[str]:
        def likeliness(candidate: str) -> int:
            often = self.dictionary[candidate]
            first = 20 if candidate[0] == word[0] else 1
            return often * first * (20 if _skeleton(candidate) == _skeleton(word) else 1)

        suggested = (candidate for candidate in candidates if "'" in word or "'" not in candidate)
        return sorted(suggested, key=lambda candidate: (-likeliness(candidate), candidate))[:MAX_SUGGESTIONS]


def _shortened(word: str) -> str:
    return word if len(word) <= MAX_WORD else word[: MAX_WORD - 1] + "…"


def _letters(word: str) -> int:
    """The set of a word's letters as bits."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits


def _skeleton(word: str) -> str:
    """What remains when neither order nor doubling of letters counts: most slips leave it as it was."""
    return "".join(sorted(set(word)))


def _within_two_edits(one: str, other: str) -> bool:
    """Edits: a letter left out, put in, changed, or swapped with its neighbour."""
    if abs(len(one) - len(other)) > 2:
        return False
    before, previous = [], list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row] * (len(other) + 1)
        for column in range(max(1, row - 2), min(len(other), row + 2) + 1):
            same = letter == other[column - 1]
            best = previous[column - 1] if same else previous[column - 1] + 1
            if abs(column - 1 - row) <= 2:
                best = min(best, current[column - 1] + 1)
            if abs(column - row + 1) <= 2:
                best = min(best, previous[column] + 1)
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == other[column - 1]:
                best = min(best, before[column - 2] + 1)
            current[column] = best
        before, previous = previous, current
    return previous[len(other)] <= 2


def _as_written(suggestion: str, word: str) -> str:
    if word.isupper():
        return suggestion.upper()
    return suggestion[0].upper() + suggestion[1:] if word[0].isupper() else suggestion
