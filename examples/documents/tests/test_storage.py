from datetime import datetime, timedelta, timezone

import pytest
import storage
from fake_table import item_size
from storage import DamagedDocument, DocumentStore, NoSuchDocument, TooManyWriters

NAME = "überblick 🦜.md"
NOW = datetime(2026, 11, 4, 10, 15, tzinfo=timezone.utc)


@pytest.fixture
def store(table):
    return DocumentStore(table, now=lambda: NOW)


def parts(table):
    return {key[1]: item for key, item in table.items.items() if key[1] != storage.HEAD}


def room(store, table):
    """Data bytes in a full part of NAME, which do not depend on the version: all have the same length."""
    version = store.save(NAME, b"x", 1, 1).version
    table.items.clear()
    return storage.part_room(NAME, version)


def test_what_is_saved_is_loaded(store):
    saved = store.save(NAME, b"%PDF-", 3, 200)
    loaded, pdf = store.load(NAME)
    assert (loaded, pdf) == (saved, b"%PDF-")
    assert (loaded.pages, loaded.words, loaded.bytes, loaded.parts) == (3, 200, 5, 1)


@pytest.mark.parametrize("over, count", [(-1, 1), (0, 1), (1, 2)])
def test_a_part_is_filled_to_exactly_400_kb(store, table, over, count):
    pdf = bytes(room(store, table) + over)
    assert store.save(NAME, pdf, 1, 1).parts == count
    largest = max(map(item_size, parts(table).values()))
    assert largest == storage.MAX_ITEM + min(over, 0)
    assert store.load(NAME)[1] == pdf


def test_many_parts_come_back_in_order_over_pages(store, table):
    pdf = b"".join(number.to_bytes(4, "big") for number in range(1_250_000))  # 5 MB: 13 parts, 5 pages of a query
    assert store.save(NAME, pdf, 1, 1).parts == 13
    assert store.load(NAME)[1] == pdf


def test_a_new_upload_replaces_the_old_and_its_parts(store, table):
    old = store.save(NAME, bytes(900_000), 1, 1)
    new = store.save(NAME, b"new", 1, 1)
    assert old.version != new.version
    assert store.load(NAME)[1] == b"new"
    assert len(table.items) == 2


def test_the_head_is_written_last_and_parts_are_deleted_after_it(store, table):
    store.save(NAME, b"old", 1, 1)
    seen = []

    def looks(item):
        seen.append(item["part"])
        assert store.load(NAME)[1] == b"old"

    table.before_put = looks
    store.save(NAME, bytes(900_000), 1, 1)
    assert seen[-1] == storage.HEAD and len(seen) == 4


def test_a_reader_that_loses_its_parts_to_a_new_upload_reads_the_new_one(store, table):
    store.save(NAME, b"old", 1, 1)
    queries = []

    def replaces():
        queries.append(1)
        if len(queries) == 2:  # between the head and the parts
            store.save(NAME, b"new", 1, 1)

    table.before_query = replaces
    assert store.load(NAME)[1] == b"new"


def test_of_two_writers_at_once_the_last_wins_and_no_part_is_left_behind(store, table):
    store.save(NAME, b"old", 1, 1)
    other = []

    def intrudes(item):
        if item["part"] == storage.HEAD and not other:
            other.append(1)
            store.save(NAME, b"other", 1, 1)

    table.before_put = intrudes
    store.save(NAME, b"mine", 1, 1)
    assert store.load(NAME)[1] == b"mine"
    assert len(table.items) == 2


def test_a_writer_that_always_loses_gives_up_and_leaves_nothing(store, table):
    inside = []

    def intrudes(item):
        if item["part"] == storage.HEAD and not inside:
            inside.append(1)
            store.save(NAME, b"other", 1, 1)
            inside.clear()

    table.before_put = intrudes
    with pytest.raises(TooManyWriters):
        store.save(NAME, b"mine", 1, 1)
    assert store.load(NAME)[1] == b"other"
    assert len(table.items) == 2


def test_parts_of_an_upload_that_died_are_cleared_later_but_not_those_of_one_under_way(table):
    def dies(item):
        if item["part"] == storage.HEAD:
            raise KeyboardInterrupt

    at = [NOW]
    store = DocumentStore(table, now=lambda: at[0])
    table.before_put = dies
    with pytest.raises(KeyboardInterrupt):
        store.save(NAME, b"dead", 1, 1)
    table.before_put = lambda item: None
    at[0] += timedelta(minutes=1)
    store.save(NAME, b"first", 1, 1)
    assert len(table.items) == 3
    at[0] += timedelta(minutes=25)
    store.save(NAME, b"second", 1, 1)
    assert len(table.items) == 2
    assert store.load(NAME)[1] == b"second"


@pytest.mark.parametrize("damage", ["delete", "change", "cut"])
def test_damage_is_found(store, table, damage):
    store.save(NAME, bytes(900_000), 1, 1)
    key = next(key for key in table.items if key[1].endswith("#00001"))
    if damage == "delete":
        del table.items[key]
    else:
        data = bytearray(bytes(table.items[key]["data"]))
        table.items[key]["data"] = bytes(data[:-1]) if damage == "cut" else b"\1" + bytes(data[1:])
    with pytest.raises(DamagedDocument):
        store.load(NAME)


def test_no_document(store):
    with pytest.raises(NoSuchDocument):
        store.load("nothing.md")


def test_the_list_has_heads_only(store):
    for name in ("b.md", "a.md", "c.md"):
        store.save(name, bytes(900_000), 1, 1)
    assert [document.name for document in store.list()] == ["a.md", "b.md", "c.md"]
