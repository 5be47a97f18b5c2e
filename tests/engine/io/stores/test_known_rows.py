"""What is known of a table since the last look: news are found, whatever an owner's own table looks like."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from engine.io.stores import known_rows
from engine.io.stores.known_rows import LARGE_BYTES, LONG_TEXT, KnownRows


@pytest.fixture(params=["few rows", "many rows", "a large file"], autouse=True)
def kind(request, monkeypatch):
    """Many rows are compared by their file, but for one that is too large."""
    monkeypatch.setattr(known_rows, "LONG_TEXT", LONG_TEXT if request.param == "few rows" else 0)
    monkeypatch.setattr(known_rows, "LARGE_BYTES", 0 if request.param == "a large file" else LARGE_BYTES)
    return request.param


@pytest.fixture
def table():
    """A table of an owner's own making: no key, numbers side by side."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute("CREATE TABLE levels (id INTEGER, strategy_id INTEGER, loss INTEGER)")
        yield database


def rows():
    """A reader of it that tells strategy and loss."""
    return KnownRows(
        "SELECT id, strategy_id, loss FROM levels ORDER BY id",
        lambda cells: (cells["strategy_id"], cells["loss"]),
    )


def put(database, *values):
    """Nothing but these rows."""
    database.execute("DELETE FROM levels")
    database.executemany("INSERT INTO levels VALUES (?, ?, ?)", values)


def test_numbers_that_give_the_same_digits_in_a_row_are_news(table):
    """Level 1 of strategy 12 is gone, level 11 of strategy 2 is there."""
    known = rows()
    put(table, (1, 12, 5))
    assert known.read(table) == ((12, 5),)
    put(table, (11, 2, 5))
    assert known.read(table) == ((2, 5),)


def test_an_id_that_stands_twice_hides_no_row(table):
    """A leg that is not read would be a position without its hedge."""
    known = rows()
    put(table, (5, 12, 1), (5, 12, 2))
    assert known.read(table) == ((12, 1), (12, 2))


def test_without_news_the_answer_is_the_very_same(table):
    """So nobody has to look at a thousand rows that say what they said."""
    known = rows()
    put(table, (1, 12, 5), (2, 13, None))
    assert known.read(table) is known.read(table)


def test_of_many_rows_not_one_is_looked_at_while_the_file_is_what_it_was(table, kind):
    """Its bytes are compared: to have the cells written down takes SQLite a hundred times as long."""
    known, asked = rows(), []
    put(table, (1, 12, 5), (2, 13, None))
    known.read(table)
    table.set_trace_callback(asked.append)
    known.read(table)
    assert ("group_concat" in "".join(asked)) is (kind != "many rows")


def test_what_another_program_has_committed_is_news_although_it_stands_in_its_log(tmp_path):
    """As long as that program has the file open nothing of it is in the file itself."""
    path, known = tmp_path / "trades.sqlite3", rows()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE levels (id INTEGER, strategy_id INTEGER, loss INTEGER)")
        put(other, (1, 12, 5))

        def read():
            with closing(sqlite3.connect(path, isolation_level=None)) as database:
                return known.read(database)

        assert (read(), read()) == (((12, 5),), ((12, 5),))
        before = path.read_bytes()
        other.execute("UPDATE levels SET loss = 6")
        assert path.read_bytes() == before
        assert read() == ((12, 6),)
