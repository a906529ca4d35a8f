import io

import fonts
import layout
import markup
import pdf
import pytest
import spelling
from pypdf import PdfReader


def made(text, name="a.md"):
    """The PDF of a text, read back, and the fonts that it was set with."""
    text = markup.normalise(text)
    blocks = markup.parse(text, name.endswith(".md"))
    _, misspelt = spelling.check(blocks, text, "en")
    faces = fonts.Fonts()
    title = layout.title_of(name, blocks)
    pages = layout.lay_out(title, blocks, misspelt, faces)
    content = pdf.draw(title, pages, faces)
    return PdfReader(io.BytesIO(content)), pages, faces, content


def text_of(reader):
    return "\n".join(page.extract_text() for page in reader.pages)


def test_the_letter_is_one_page_and_the_list_of_its_slips(texts):
    reader, _, faces, _ = made((texts / "letter.md").read_text())
    first, second = (page.extract_text() for page in reader.pages)
    assert "A letter to the reading room" in first and "Page 1 of 2" in first
    assert "weather-1872.csv" in first and "François Lévêque" in first and "Ødegård" in first
    assert "Spelling" in second and "Page 2 of 2" in second
    assert "seperate once at 35:92: separate?" in second
    assert reader.metadata.title == "A letter to the reading room"
    assert faces.missing == set()


def test_the_novel_keeps_every_word_in_order(texts):
    source = (texts / "pride-and-prejudice.md").read_text()
    reader, pages, _, content = made(source)
    assert 200 <= len(reader.pages) == len(pages) <= 260
    assert f"Page 100 of {len(pages)}" in reader.pages[99].extract_text()
    found = []
    for number, page in enumerate(reader.pages, 1):
        lines = page.extract_text().split("\n")
        if "Spelling" in lines:
            break
        lines.remove(f"Page {number} of {len(pages)}")
        if number > 1:
            lines.remove("Pride and Prejudice")
        found += lines
    wanted = "".join(line.lstrip("#> ") for line in source.split("\n") if line != "* * *")
    assert "".join("".join(found).split()) == "".join(wanted.replace("_", "").replace("*", "").split())
    assert len(reader.outline) > 0
    assert len(content) > 400 * 1024  # so that it needs more than one item


def test_the_same_text_makes_the_same_bytes(texts):
    source = (texts / "letter.md").read_text()
    assert made(source)[3] == made(source)[3]


def test_misspelt_words_are_marked_and_others_are_not():
    _, pages, _, _ = made("A *fine* wrod and a good wrod.")
    assert [text.text for text in pages[0].texts if text.misspelt] == ["wrod", "wrod"]


def test_styles_choose_fonts():
    _, pages, _, _ = made("# T\n\nplain **bold** *italic* ***both*** `code`\n\n```\nblock\n```\n")
    chosen = {text.text.strip(): text.font for text in pages[0].texts}
    assert chosen == {
        "T": "DejaVuSans-Bold",
        "plain": "DejaVuSerif",
        "bold": "DejaVuSerif-Bold",
        "": "DejaVuSerif",
        "italic": "DejaVuSerif-Italic",
        "both": "DejaVuSerif-BoldItalic",
        "code": "DejaVuSansMono",
        "block": "DejaVuSansMono",
    }


def test_nothing_is_drawn_outside_the_margins():
    text = "# " + "W" * 500 + "\n\n" + "- " * 8 + "i" * 3000 + "\n\n    " + "c" * 1000 + "\n\n" + "> " * 8 + "word " * 400
    _, pages, _, _ = made(text)
    for page in pages:
        for text in page.texts:
            assert layout.LEFT - 0.01 <= text.x and text.x + text.width <= layout.RIGHT + 0.01
            assert layout.BOTTOM - 0.01 <= text.y <= layout.TOP


def test_a_heading_is_not_left_alone_at_the_foot_of_a_page():
    for lines in range(25, 60):
        _, pages, _, _ = made("x\n\n" * lines + "# Last\n\nafter it\n")
        on = [number for number, page in enumerate(pages) for text in page.texts if text.text in ("Last", "after it")]
        assert len(set(on)) == 1


def test_a_document_without_a_title_is_called_by_its_name():
    reader, _, _, _ = made("Just text.", name="notes.txt")
    assert text_of(reader).startswith("notes.txt")
    assert reader.metadata.title == "notes.txt"


@pytest.mark.parametrize(
    "text, missing",
    [
        ("žluťoučký kůň, Ğüşıöç, ạ̃, ŵ, ß, ﬁ, “quotes” — … €", set()),
        ("Ελληνικά и Русский", set()),
        ("漢字 🦜 x", {"漢", "字", "🦜"}),
        ("a\x00b\x07", set()),
    ],
)
def test_characters(text, missing):
    reader, _, faces, _ = made(text)
    assert faces.missing == missing
    shown = "".join("□" if character in missing else character for character in markup.normalise(text))
    read_back = text_of(reader).replace("ﬁ", "fi")
    for word in shown.replace("ﬁ", "fi").split():
        assert word in read_back


def test_right_to_left_letters_are_shown_but_set_from_left_to_right():
    _, pages, faces, _ = made("שלום عربي")
    assert faces.missing == set()
    texts = [text for text in pages[0].texts if text.y < pages[0].texts[0].y]
    assert "".join(text.text for text in texts) == "שלום عربي"
    assert [text.x for text in texts] == sorted(text.x for text in texts)


def test_a_line_of_a_million_letters():
    reader, pages, _, _ = made("x" * 1_000_000)
    assert len(reader.pages) > 100
    assert sum(text.text.count("x") for page in pages for text in page.texts if not text.text.startswith("xx")) < 10
    widths = [text.width for page in pages[1:-1] for text in page.texts]
    assert max(widths) <= layout.RIGHT - layout.LEFT


def test_outline_levels_that_skip():
    reader, _, _, _ = made("###### deep\n\n# top\n\n#### four\n\n## two\n\n# top\n")
    assert len(reader.outline) >= 2


def test_hostile_nesting():
    made("> " * 1000 + "x\n\n" + "- " * 1000 + "y\n\n" + "\n".join(" " * (2 * n) + "* z" for n in range(200)))
