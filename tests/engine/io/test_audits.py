"""The end of the audit, read beside a journal in use, and whether its chain holds there."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from engine.audit_page import AuditLine, AuditNow, story_of, who
from engine.effects import Audit
from engine.errors import BadInput
from engine.io import audits
from engine.io.audits import read_audit
from engine.io.journal import Journal

AT_S = 1_770_090_693.0


@pytest.fixture
def file(tmp_path):
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def journal(file):
    """A journal in use."""
    with closing(Journal(file)) as opened:
        yield opened


def write(journal, number, event="command"):
    for n in range(number):
        journal.commit([Audit(event, {"wish": "exit", "strategy": n, "by": "Asha"})], AT_S + n)


def tampered(file, statement, *values):
    """Change the file as somebody would who knows SQLite: the triggers are only a fence."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for trigger in ("audit_is_not_changed", "audit_is_not_cut"):
            database.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        database.execute(statement, values)


def test_the_last_lines_are_told_the_newest_first(journal, file):
    """While the house goes on writing; what is written each minute is counted and not told."""
    write(journal, 5)
    write(journal, 3, "health")
    found = read_audit(file, 2)
    assert [line.data["strategy"] for line in found.lines] == [4, 3]
    assert (found.total, found.checked, found.broken) == (8, 8, "")


def test_an_audit_without_lines_holds(journal, file):
    """A house that has just begun."""
    assert read_audit(file, 9) == AuditNow((), 0, 0, "")


def test_only_the_end_of_a_long_chain_is_walked(journal, file, monkeypatch):
    """A look costs the same in the tenth year."""
    monkeypatch.setattr(audits, "CHECKED", 3)
    write(journal, 10)
    assert (read_audit(file, 1).checked, read_audit(file, 1).broken) == (3, "")


@pytest.mark.parametrize(
    ("statement", "values", "broken"),
    [
        ("UPDATE audit SET data = ? WHERE line = 9", ('{"by":"Mallory"}',), "altered at line 9"),
        ("UPDATE audit SET at_s = at_s + 1 WHERE line = 8", (), "altered at line 8"),
        ("DELETE FROM audit WHERE line = 9", (), "altered at line 9"),
        ("DELETE FROM audit WHERE line = 10", (), "it ends at line 9, expected 10"),
        ("DELETE FROM audit WHERE line = 7", (), "line 7 is missing"),
    ],
)
def test_a_changed_or_cut_end_is_told(journal, file, monkeypatch, statement, values, broken):
    """Whatever was done to the last lines."""
    monkeypatch.setattr(audits, "CHECKED", 3)
    write(journal, 10)
    tampered(file, statement, *values)
    assert read_audit(file, 1).broken == broken


def test_a_change_before_what_is_walked_is_left_to_the_whole_walk(journal, file, monkeypatch):
    """The page says how much it has verified, so that nobody takes it for all."""
    monkeypatch.setattr(audits, "CHECKED", 3)
    write(journal, 10)
    tampered(file, "UPDATE audit SET event = 'x' WHERE line = 2")
    found = read_audit(file, 1)
    assert (found.broken, found.checked, found.total) == ("", 3, 10)


def test_a_file_that_is_none_is_said(file):
    """No journal yet, or no journal at all; nothing is made of it."""
    with pytest.raises(BadInput, match=r"journal\.sqlite3: cannot be read"):
        read_audit(file, 1)
    assert not file.exists()
    file.write_text("not a database, but long enough to look like something else entirely")
    with pytest.raises(BadInput, match="cannot be read"):
        read_audit(file, 1)


@pytest.mark.parametrize(
    ("event", "data", "words"),
    [
        (
            "command",
            {"wish": "set", "strategy": 7, "rule": "stop_loss", "value": "-1%"},
            "asked: set 7 stop_loss -1%",
        ),
        ("command", {"wish": "stop", "strategy": None}, "asked: stop"),
        ("tap", {"nonce": "n", "yes": False}, "said no to question n"),
        (
            "outcome",
            {"verb": "place", "order": "P-1", "said": "Accepted(order_id='32')"},
            "place P-1: accepted 32",
        ),
        (
            "outcome",
            {"verb": "place", "order": "P-1", "said": "Refused(code='DH-905', reason='RMS')"},
            "place P-1: refused DH-905 RMS",
        ),
        (
            "intent",
            {"id": "260203001", "position": "huf/7", "title": "NIFTY"},
            "exit 260203001 of huf/7 NIFTY begins",
        ),
        ("drill", {"light": "RED", "checks": [[], []]}, "drill: red, 2 things"),
        ("feed", {"state": "down", "detail": "gone"}, "feed down (gone)"),
        ("lease", {"fence": 3, "by": "x", "orders": ["a", "b"]}, "lease: fence 3, orders a, b"),
        ("hastened", {}, "hastened"),
        ("long", {"why": "x" * 500}, "long: why " + "x" * 149 + "…"),
    ],
)
def test_each_kind_of_line_has_words(event, data, words):
    """Those that people look for in sentences, the others by their own names."""
    assert story_of(AuditLine(1, AT_S, event, data)) == words


def test_who_did_it_is_a_person_or_the_house():
    """What nobody wanted the house has done."""
    assert who(AuditLine(1, AT_S, "command", {"by": "Asha"})) == "Asha"
    assert who(AuditLine(1, AT_S, "verdict", {})) == "Prahari"
