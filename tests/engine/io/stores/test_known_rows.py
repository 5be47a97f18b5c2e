"""What is known of a table since the last look: news are found, whatever an owner's own table looks like."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from engine.io.stores.known_rows import KnownRows


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
