"""``python -m engine positions``: what stores, journals and files say, read without a trace."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import replace

import pytest

from engine.__main__ import main
from engine.effects import Record
from engine.io.executions import ExecutionsFile, executions_file
from engine.io.journal import Journal, journal_name
from engine.io.positions import read_houses
from engine.io.stores.sqlite import SqliteStore
from engine.model import Mode
from engine.settings import Settings
from tests.engine.test_books import Scribe
from tests.support.parts import ONE
from tests.support.parts import rig as scaling
from tests.support.rig import Rig

ENTRY, PROFIT = (20, 45, 40, 18), (8, 20, 14, 6)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A directory without a .env, and DATA_DIR in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def fill(home, made, lines=()):
    """A trade store with the rig's first rows, its journal, and a file of executions with these lines."""
    rows = [row for held in made.positions for row in rows_of_entry(made, held)]
    store = SqliteStore(home / "trades.sqlite3")
    asyncio.run(store.import_rows(rows))
    with closing(Journal(home / journal_name(made.mode))) as journal:
        for kind, kept in made.journal.items():
            journal.commit([Record(kind, key, value) for key, value in kept.items()], 0.0)
    file = ExecutionsFile(executions_file(home, made.mode))
    for line in lines:
        file.append(line)


def rows_of_entry(made, held):
    return Rig(made.mode, held).rows


def page(capsys, *flags):
    """Exit status, and what was printed."""
    status = main(["positions", *flags])
    said = capsys.readouterr()
    return status, said.out + said.err


def gone_flat(mode=Mode.EXECUTE):
    """A rig whose condor has been closed."""
    made = Scribe(mode)
    made.wait(1, *ENTRY)
    made.wait(60, *PROFIT)
    assert made.flat
    return made


def test_open_legs_with_their_entries_and_what_is_not_known(home, capsys):
    """Contract, side, units, entry of each leg; the premium of all; an empty entry is not 0."""
    made = Rig(Mode.EXECUTE)
    fill(home, made)
    status, said = page(capsys)
    assert status == 0
    assert "default/3359 NIFTY Iron Condor, net premium ₹3,055.00 received" in said
    assert "NIFTY 24 FEB 24700 PE  SELL         65    45.00  03 Feb 2026 09:20" in said
    assert "No live prices here" in said
    assert "Closed already" not in said
    other = replace(made.rows[0], account="family", price_paise=None, order_id="x")
    asyncio.run(SqliteStore(home / "trades.sqlite3").import_rows([other]))
    status, said = page(capsys)
    assert "family/3359 NIFTY Iron Condor, net premium unknown" in said
    assert "NIFTY 24 FEB 24500 PE  BUY          65  unknown" in said


def test_an_exit_that_has_ended_with_its_book(home, capsys):
    """Averages, mids, slippage, charges and P&L are those of the line; the file is as it was written."""
    made = gone_flat()
    fill(home, made, made.written)
    (book,) = made.written
    status, said = page(capsys, "--detailed")
    assert status == 0
    for words in ("flat (execute)", "profit_target, by profit_target, 2026-02-03 09:20", "verified flat"):
        assert words in said
    for order in [order for leg in book["legs"] for order in leg["orders"]]:
        assert f"{order['correlation_id']}, order {order['order_id']}, filled: 65 @" in said
    assert "exit_executions.json: 1 line, each follows" in said
    assert said.count("65 (the store does not show it)") == 4
    status, said = page(capsys, "--detailed", "--json")
    assert json.loads(said)[0]["ended"] == [book]
    assert json.loads(said)[0]["positions"][0]["legs"][0]["left"] == {"real": 0}


def test_an_exit_that_runs_is_told_with_what_it_has_so_far(home, capsys, monkeypatch):
    """Two shorts are bought back, the longs rest: filled 65 of 65 and 0 of 65, no P&L made up."""
    made = Scribe(Mode.EXECUTE)
    made.wait(1, *ENTRY)
    made.command(confirmed=True)
    made.wait(1, *PROFIT)
    monkeypatch.setattr(made.exchange, "quote", lambda _tick: [])
    made.wait(1, *PROFIT)
    fill(home, made)
    status, said = page(capsys, "--detailed")
    assert status == 0
    assert "Exits that run, so far:" in said
    assert ": working (execute)" in said
    assert "NIFTY 24 FEB 24700 PE  BUY        65/65" in said
    assert "NIFTY 24 FEB 24500 PE  SELL        0/65    unknown" in said
    assert "Exits that have ended, newest last: none." in said
    (told,) = json.loads(page(capsys, "--detailed", "--json")[1])
    assert (told["running"][0]["state"], told["running"][0]["ended_at"]) == ("working", None)


def test_what_is_closed_on_paper_is_told_beside_the_store_s_rows(home, capsys):
    """On paper the store's rows stay; a quarter that was closed there is named, and in whose journal."""
    made = scaling(Mode.SIMULATE)
    made.wait(40, *ONE)
    fill(home, made)
    assert page(capsys)[1].count("65 on paper") == 4


def test_only_the_newest_exits_are_shown_and_of_each_the_newest_line(home, capsys):
    """Two exits, one of them with two lines: --last 1 shows the newest line of the newest exit."""
    made = gone_flat()
    (line,) = made.written
    again = line | {"sequence": 2, "supersedes": 1, "ended_at": "2026-02-03T11:00:00.000+05:30"}
    earlier = line | {"intent": "260203000", "ended_at": "2026-02-03T09:00:00.000+05:30"}
    lines = [earlier, line, again]
    made.journal["book"] = {f"{x['intent']}/{x['sequence']}": {"line": x, "seen": []} for x in lines}
    fill(home, made, lines)
    (told,) = json.loads(page(capsys, "--detailed", "--json", "--last", "1")[1])
    assert told["ended"] == [again]
    said = page(capsys, "--detailed")[1]
    assert "supersedes line 1" in said
    assert said.index("260203000 default") < said.index("260203001 default")


@pytest.mark.parametrize("mode", [Mode.EXECUTE, Mode.SIMULATE])
def test_a_file_that_was_altered_is_told_and_ends_with_1(home, capsys, mode):
    """One digit of a price in the file of executions, real or paper; else it is not looked at."""
    made = gone_flat(mode)
    fill(home, made, made.written)
    file = executions_file(home, mode)
    file.write_text(file.read_text().replace('"average_paise": 20', '"average_paise": 30'))
    status, said = page(capsys, "--detailed")
    assert status == 1
    assert f"{file.name} is NOT as it was written (1 lines):" in said
    assert "line 1 (exit 260203001) was altered" in said
    assert page(capsys)[0] == 0


def test_nothing_to_read_is_a_sentence(home, capsys):
    """No store, no journal: what to do about it, exit status 2, and nothing is made."""
    status, said = page(capsys)
    assert status == 2
    assert "holds no trade store and no journal" in said
    assert not home.exists()


def test_a_record_that_nobody_understands_is_a_sentence(home, capsys):
    """A journal of who knows what version: the directory and what is missing, exit status 2."""
    made = gone_flat()
    del made.journal["book"]["260203001/1"]["line"]
    fill(home, made)
    status, said = page(capsys)
    assert status == 2
    assert "a record of a journal cannot be understood (KeyError('line'))" in said


def test_nothing_is_written_and_a_store_that_is_no_store_is_a_sentence(home, capsys):
    """All bytes are as before; a file that is something else ends with 2 and its name."""
    made = gone_flat()
    fill(home, made, made.written)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.suffix in {".sqlite3", ".json"}}
    assert page(capsys, "--detailed")[0] == 0
    assert {path: path.read_bytes() for path in before} == before
    (home / "trades.sqlite3").write_text("this is no database, and it is long enough to say so")
    status, said = page(capsys)
    assert status == 2
    assert "trades.sqlite3: cannot be read" in said


def test_help_teaches(capsys):
    """What it reads, what it cannot know, what each exit status means, and examples."""
    with pytest.raises(SystemExit):
        main(["positions", "--help"])
    said = capsys.readouterr().out
    for words in ("positive = worse", "no live prices", "exit status:", "examples:"):
        assert words in said


def test_rows_of_a_store_that_is_elsewhere_stand_beside_the_journal_s_exits(home):
    """With Supabase the directory holds no rows; without anything at all in it they are there still."""
    rows = Rig(Mode.ALERT_ONLY).rows
    (house,) = read_houses(Settings.parse({"DATA_DIR": str(home)}), 10, tuple(rows))
    assert house.rows == tuple(rows)
    made = Rig(Mode.EXECUTE)
    fill(home, made)
    (house,) = read_houses(Settings.parse({"DATA_DIR": str(home)}), 10, ())
    assert house.rows == ()
