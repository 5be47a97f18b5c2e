"""``python -m engine why``: reads the journal of a monitor that runs, or has run."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from engine.__main__ import main
from engine.effects import Seen
from engine.io.journal import SEEN_DAYS, SEEN_KEPT, Journal
from engine.model import PositionId
from engine.why import RuleSeen, Sighting
from tests.engine.makers import OPENED

CONDOR = PositionId("default/3359")


def look(at_s=OPENED, state="met", *, passing=False, position=CONDOR):
    """What the monitor gives the journal of one look."""
    rule = RuleSeen("stop_loss", state, "50 %", -498000, -498000, -497250, None, at_s + 2)
    sighting = Sighting(at_s, -498000, -498000, -498000, (), (rule,))
    return Seen(position, at_s, sighting.to_json(), passing)


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A directory without a .env, and a DATA_DIR in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def journal(house):
    """A journal in use."""
    with closing(Journal(house / "journal.sqlite3")) as opened:
        yield opened


def why(*more):
    """Ask about strategy 3359; the exit status."""
    return main(["why", "--strategy-id", "3359", *more])


def test_a_running_monitors_journal_tells_the_story(journal, capsys):
    """The journal is open elsewhere; story and distances are printed."""
    journal.commit([look(), look(OPENED + 1, "quiet"), look(OPENED + 9, "quiet", passing=True)], OPENED)
    assert why() == 0
    out = capsys.readouterr().out
    assert "default/3359\n  Tue 03 Feb 09:20:00 stop_loss met at −₹4,980.00" in out
    assert "As it stood at Tue 03 Feb 09:20:09" in out


def test_a_stopped_monitors_journal_tells_it_too(house, capsys):
    """The journal was closed; paper is said."""
    with closing(Journal(house / "journal-paper.sqlite3")) as journal:
        journal.commit([look()], OPENED)
    assert why() == 0
    assert capsys.readouterr().out.startswith("default/3359 (paper)\n")


def test_the_sandboxs_journal_is_found_too_and_its_clock_is_its_own(house, capsys):
    """What the first run left behind, said to be the sandbox's; how long ago that was is not said."""
    with closing(Journal(house / "sandbox" / "journal.sqlite3")) as journal:
        journal.commit([look()], OPENED)
    assert why() == 0
    out = capsys.readouterr().out
    assert out.startswith("default/3359 (sandbox)\n")
    assert "As it stood at Tue 03 Feb 09:20:00: P&L" in out


def test_for_machines_all_that_was_seen_is_there(journal, capsys):
    """--json gives the looks as they are, --last the newest of them."""
    journal.commit([look(), look(OPENED + 1, "quiet")], OPENED)
    assert why("--json", "--last", "1") == 0
    [found] = json.loads(capsys.readouterr().out)
    assert [each["at_s"] for each in found["seen"]] == [OPENED + 1]
    assert found["latest"]["rules"][0]["threshold_paise"] == -497250


def test_a_strategy_that_was_never_seen_and_a_house_without_a_journal_are_sentences(house, capsys):
    """Exit status 2, and what to do."""
    assert why() == 2
    assert "holds no journal" in capsys.readouterr().err
    with closing(Journal(house / "journal.sqlite3")) as journal:
        journal.commit([look(position=PositionId("default/13359"))], OPENED)
    assert why() == 2
    assert "nothing was seen of strategy 3359" in capsys.readouterr().err


def test_the_journal_keeps_so_many_looks_and_one_passing_one(journal):
    """Older looks of the same position go, those of others stay."""
    journal.commit([look(1.0, position=PositionId("default/1"))], 1.0)
    journal.commit([look(float(n)) for n in range(SEEN_KEPT + 30)], 2.0)
    journal.commit([look(float(n), passing=True) for n in range(5)], 3.0)
    count = "SELECT count(*), min(at_s) FROM seen WHERE position = ? AND passing = ?"
    assert journal._database.execute(count, (CONDOR, 0)).fetchone() == (SEEN_KEPT, 30.0)
    assert journal._database.execute(count, (CONDOR, 1)).fetchone() == (1, 4.0)
    assert journal._database.execute(count, ("default/1", 0)).fetchone() == (1, 1.0)


def test_old_looks_of_positions_that_are_gone_go_in_time(journal):
    """A month later they are not worth their room."""
    journal.commit([look(OPENED, position=PositionId("default/1"))], OPENED)
    later = OPENED + SEEN_DAYS * 86_400 + 1
    journal.commit([look(later, passing=True)], later)
    assert journal._database.execute("SELECT DISTINCT position FROM seen").fetchall() == [(CONDOR,)]


def test_a_journal_from_before_the_why_log_is_opened_and_gains_it(house):
    """The table is made where it is missing; nothing else changes."""
    with closing(Journal(house / "journal.sqlite3")) as journal:
        journal._database.execute("DROP TABLE seen")
    with closing(Journal(house / "journal.sqlite3")) as journal:
        journal.commit([look()], OPENED)
        assert journal.verify_audit() == 0
