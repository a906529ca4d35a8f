import random

import markup
import pytest
import spelling
from markup import MISSPELT


def checked(text, language="en", markdown=True):
    text = markup.normalise(text)
    blocks = markup.parse(text, markdown)
    words, misspelt = spelling.check(blocks, text, language)
    marked = ["".join(c if s & MISSPELT else " " for c, s in zip(block.text, block.styles)).split() for block in blocks]
    return words, misspelt, sum(marked, [])


def test_says_which_words_where_and_how_often():
    words, misspelt, marked = checked("# The *hose*\n\nI recieve a seperate\r\nletter; Recieve it **teh** same.\n")
    assert words == 11
    assert [(found.word, found.count, found.places) for found in misspelt] == [
        ("recieve", 2, [(3, 3), (4, 9)]),
        ("seperate", 1, [(3, 13)]),
        ("teh", 1, [(4, 22)]),
    ]
    assert marked == ["recieve", "seperate", "Recieve", "teh"]


@pytest.mark.parametrize(
    "wrong, right",
    [
        ("recieve", "receive"),
        ("seperate", "separate"),
        ("adress", "address"),
        ("teh", "the"),
        ("definately", "definitely"),
        ("occured", "occurred"),
        ("accomodation", "accommodation"),
        ("Tuesdy", "Tuesday"),
        ("NECESARY", "NECESSARY"),
        ("acommodaton", "accommodation"),  # two edits away
        ("wierd", "weird"),
    ],
)
def test_suggests_the_word_that_was_meant(wrong, right):
    (found,) = checked(f"A {wrong} thing")[1]
    assert found.suggestions[0] == right
    assert len(found.suggestions) <= spelling.MAX_SUGGESTIONS


def test_leaves_alone_what_is_not_prose():
    text = "`qwzx` http://qwzx.org/qwzx me@qwzx.org qwzx1 qw_zx NASA XXVII Москва it’s don't John's\n\n    qwzx\n"
    assert checked(text)[1:] == ([], [])


def test_a_word_in_two_styles_is_one_word():
    assert [found.word for found in checked("re**ciev**e")[1]] == ["recieve"]


def test_other_languages():
    assert checked("Der Hund und die Katze sind schön.", "de")[1] == []
    assert [found.word for found in checked("Le chien et la maisson sont beaux.", "fr")[1]] == ["maisson"]


def test_work_is_bounded_however_many_words_are_wrong():
    letters = random.Random(1)
    text = " ".join("".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(20_000))
    searches = []
    speller = spelling._speller("en")
    deep, speller.suggest_deep = speller.suggest_deep, lambda word: searches.append(word) or deep(word)
    try:
        words, misspelt, _ = checked(text)
    finally:
        speller.suggest_deep = deep
    assert words == 20_000 and len(misspelt) > 19_000
    assert len(searches) == spelling.MAX_DEEP_SEARCHES


def test_very_long_words_are_reported_without_suggestions():
    (found,) = checked("x" * 1_000_000)[1]
    assert (found.count, found.suggestions) == (1, [])


@pytest.mark.parametrize(
    "one, other, within",
    [("abc", "abc", True), ("abcd", "badc", True), ("abc", "a", True), ("abcd", "dcba", False), ("", "abc", False)]
    + [("kitten", "sitting", False), ("kitten", "kittn", True), ("ab", "ba", True), ("abcdef", "abxdyf", True)],
)
def test_distance_of_two_edits(one, other, within):
    assert spelling._within_two_edits(one, other) is within
    assert spelling._within_two_edits(other, one) is within
