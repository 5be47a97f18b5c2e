"""The lines of exits, read beside a journal in use."""

from __future__ import annotations

from contextlib import closing
from datetime import date

import pytest

from engine.effects import Record
from engine.errors import BadInput
from engine.io.books import read_books
from engine.io.journal import Journal
from tests.support.exit_lines import line

LINES = [
    line("a", "2026-02-01T23:59:59.000+05:30", 1),
    line("b", "2026-02-02T00:00:00.000+05:30", -2),
    line("b", "2026-02-03T09:15:00.000+05:30", None, 2),
]


def test_lines_are_read_from_their_day_on_while_the_house_writes(tmp_path):
    """Superseded ones too, unknown stays unknown; other records are none."""
    file = tmp_path / "journal.sqlite3"
    with closing(Journal(file)) as journal:
        kept = [
            Record("book", f"{each['intent']}/{each['sequence']}", {"line": each, "seen": []})
            for each in LINES
        ]
        journal.commit([*kept, Record("intent", "a", {"line": {"ended_at": "2026-02-05"}})], 0.0)
        assert list(read_books(file, date(2026, 2, 2))) == LINES[1:]
        assert read_books(file, date(2026, 2, 4)) == ()


def test_a_journal_that_is_not_there_is_said(tmp_path):
    """And none is made by looking."""
    file = tmp_path / "journal.sqlite3"
    with pytest.raises(BadInput, match="cannot be read"):
        read_books(file, date(2026, 2, 2))
    assert not file.exists()
