import time

import markup
import pytest
from markup import BOLD, CODE, ITALIC, LINK


def parsed(text, markdown=True):
    return markup.parse(markup.normalise(text), markdown)


def styled(block):
    """The block's text as (text, style) stretches."""
    stretches = []
    for character, style in zip(block.text, block.styles):
        if stretches and stretches[-1][1] == style:
            stretches[-1] = (stretches[-1][0] + character, style)
        else:
            stretches.append((character, style))
    return stretches


def shape(blocks):
    return [(block.kind, block.text, block.lists, block.quotes, block.marker) for block in blocks]


def test_headings_of_all_levels_and_underlined_ones():
    blocks = parsed("# a\n## b ##\n###### f\nTitle\n===\nPart\n---\n####### no\n#no")
    assert [(block.kind, block.level, block.text) for block in blocks] == [
        ("heading", 1, "a"),
        ("heading", 2, "b"),
        ("heading", 6, "f"),
        ("heading", 1, "Title"),
        ("heading", 2, "Part"),
        ("paragraph", 0, "####### no #no"),
    ]


def test_emphasis_code_and_links():
    (block,) = parsed("a *b* **c** ***d*** _e_ `f *g*` [h](http://x.org) snake_case_name 2*3*4 \\*i\\* &amp;")
    assert styled(block) == [
        ("a ", 0),
        ("b", ITALIC),
        (" ", 0),
        ("c", BOLD),
        (" ", 0),
        ("d", BOLD | ITALIC),
        (" ", 0),
        ("e", ITALIC),
        (" ", 0),
        ("f *g*", CODE),
        (" ", 0),
        ("h (http://x.org)", LINK),
        (" snake_case_name 2", 0),
        ("3", ITALIC),
        ("4 *i* &", 0),
    ]


def test_marks_without_a_partner_stay_text():
    (block,) = parsed("2 * 3 and **bold and `tick and [link](")
    assert styled(block) == [("2 * 3 and **bold and `tick and [link](", 0)]


def test_every_character_knows_its_place_in_the_source():
    text = markup.normalise("> - some **bold** words\n>   go on\n\n## head *it*\n\n\tcode\tx\n")
    for block in markup.parse(text, True):
        for character, offset in zip(block.text, block.offsets):
            assert text[offset] == character or text[offset] in "\n\t"


def test_nested_lists_and_quotes():
    assert shape(parsed("1. one\n   - deep\n     still\n2. two\n\n   more\n\n> quote\nlazy\n> - item\n\nend")) == [
        ("paragraph", "one", 1, 0, "1."),
        ("paragraph", "deep still", 2, 0, "•"),
        ("paragraph", "two", 1, 0, "2."),
        ("paragraph", "more", 1, 0, ""),
        ("paragraph", "quote lazy", 0, 1, ""),
        ("paragraph", "item", 1, 1, "•"),
        ("paragraph", "end", 0, 0, ""),
    ]


def test_code_blocks_keep_their_lines():
    blocks = parsed("```py\nif x:\n    y  # *no*\n\nz\n```\n\n    indented\n      more\n\nend\n~~~\nnever closed")
    assert [(block.kind, block.text) for block in blocks] == [
        ("code", "if x:\n    y  # *no*\n\nz"),
        ("code", "indented\n  more"),
        ("paragraph", "end"),
        ("code", "never closed"),
    ]


def test_a_year_at_the_start_of_a_line_is_not_a_list():
    assert shape(parsed("It ended in\n1871. Then nothing.")) == [("paragraph", "It ended in 1871. Then nothing.", 0, 0, "")]


def test_hard_breaks():
    assert parsed("one  \ntwo\\\nthree")[0].text == "one\ntwo\nthree"


def test_plain_text_has_paragraphs_and_keeps_indented_lines():
    assert [block.text for block in parsed("One *line*\nand more.\n\n    verse\n    verse\n", markdown=False)] == [
        "One *line* and more.",
        "    verse\n    verse",
    ]


def test_control_characters_are_shown_and_positions_kept():
    assert markup.normalise("\ufeffa\x00b\r\nc\rd\x1b[0m") == "a\ufffdb\nc\nd\ufffd[0m"


@pytest.mark.parametrize(
    "hostile",
    [
        ">" * 300_000,
        "- " * 150_000,
        "\n".join(" " * (2 * depth) + "- x" for depth in range(700)),
        "*a " * 100_000 + "a* " * 100_000,
        "**_" * 100_000,
        "`" * 300_000,
        " ".join("`" * length for length in range(1, 700)),
        "[" * 300_000,
        "[a](" * 75_000,
        "# " + " " * 300_000 + "x",
        "# " + "#" * 300_000 + "x",
        "* " * 150_000 + "x",
        "<http://" * 40_000,
        "&a" * 150_000,
        "\\" * 300_000,
        "x" * 300_000,
        "a\n" * 150_000,
    ],
    ids=lambda text: text[:8].replace("\n", "/"),
)
@pytest.mark.parametrize("markdown", [True, False])
def test_hostile_text_takes_time_in_step_with_its_size(hostile, markdown):
    began = time.process_time()
    markup.parse(markup.normalise(hostile), markdown)
    assert time.process_time() - began < 30  # takes 2 at most; quadratic work would take many minutes
