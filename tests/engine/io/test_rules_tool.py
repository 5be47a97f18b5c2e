"""``python -m engine rules``: the store's positions and their rules, without broker or network."""

from __future__ import annotations

import json

import pytest

from engine.__main__ import main
from engine.effects import Record
from engine.io.journal import Journal
from tests.engine.io.dhan.test_instruments import DETAILED
from tests.engine.test_trades import COLUMNS

ROWS = f"""{COLUMNS},rule_set
3359,NIFTY,Iron Condor,1,BUY,PE,24500,2026-02-24,65,20.00,1,TRADED,2026-02-03 09:20:00,
3359,NIFTY,Iron Condor,2,SELL,PE,24700,2026-02-24,65,45.00,2,TRADED,2026-02-03 09:20:00,conservative_losses
3360,RELIANCE,Short Call,3,SELL,CE,1500,2026-02-24,500,20.00,3,TRADED,2026-02-03 09:20:00,
3361,NIFTY,Gone,4,BUY,PE,24500,2026-01-27,65,20.00,1,TRADED,2026-01-20 09:20:00,
3362,NIFTY,Future,5,BUY,FUT,,2026-02-24,65,25000,1,TRADED,2026-02-03 09:20:00,
"""
LEVELS = "strategy_id,exit_type,level_name,trigger_type,trigger_value\n3360,stop_loss,primary,price,5000\n"


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A directory with an empty store, on 3 February 2026."""
    monkeypatch.chdir(tmp_path)
    for name in ("RULES_FILE", "SESSIONS_FILE", "DHAN_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CLOCK_START", "2026-02-03T09:30:00+05:30")
    return tmp_path


def run(capsys, *words):
    """What a tool prints, and its exit status."""
    status = main(words)
    said = capsys.readouterr()
    return status, said.out + said.err


def test_every_position_of_the_store_is_told_with_its_sources(house, capsys, monkeypatch):
    """The row's set, the table's row, the file's line; what cannot be watched says why."""
    (house / "t.csv").write_text(ROWS)
    (house / "l.csv").write_text(LEVELS)
    (house / "mine.toml").write_text("[default]\nprofit_target = 0.4\n")
    monkeypatch.setenv("RULES_FILE", "mine.toml")
    assert main(["import", "t.csv", "--exit-levels", "l.csv"]) == 0
    capsys.readouterr()
    status, text = run(capsys, "rules")
    assert status == 0
    condor, reliance, future, gone = text.split("\n\n\n")
    assert "shipped set" in condor
    assert "[default] line 2 of mine.toml" in condor
    assert "−₹5,000.00" in reliance
    assert "strategy_exit_levels row 1" in reliance
    assert "physical settlement" in reliance
    assert future.startswith("NIFTY Future")
    assert "cannot be watched: row 4: NIFTY 27 JAN 24500 PE expired on 2026-01-27" in gone


def scaling_of(capsys, house, rows):
    """What the tool says of scaling, by strategy id, of these rows."""
    (house / "t.csv").write_text(f"{COLUMNS}\n{rows}")
    (house / "mine.toml").write_text("[default]\nprofit_scaling = true\n")
    assert main(["import", "t.csv"]) == 0
    capsys.readouterr()
    said = json.loads(run(capsys, "rules", "--json")[1])["positions"]
    return {
        each["strategy_id"]: (
            [line["text"] for line in each["rules"] if line["rule"] == "profit_scaling"],
            each["profit_exit"],
            each["lot_known"],
        )
        for each in said
    }


def test_scaling_is_told_in_lots_not_in_units(house, capsys, monkeypatch):
    """One lot of NIFTY has nothing to scale, two have; of a stock the quantities say what a lot may be."""
    monkeypatch.setenv("RULES_FILE", "mine.toml")
    said = scaling_of(
        capsys,
        house,
        "1,NIFTY,One,1,BUY,CE,24500,2026-02-24,65,20.00,1,TRADED,2026-02-03 09:20:00\n"
        "2,NIFTY,Two,1,BUY,CE,24500,2026-02-24,130,20.00,2,TRADED,2026-02-03 09:20:00\n"
        "3,ASTRAL,Calls,2,BUY,CE,1500,2026-02-24,425,20.00,3,TRADED,2026-02-03 09:20:00\n"
        "4,ASTRAL,Puts,3,BUY,PE,1500,2026-02-24,1275,20.00,4,TRADED,2026-02-03 09:20:00\n",
    )
    assert said[1] == (
        ["one combination only, so there is nothing to scale: its levels are skipped"], False, True,
    )  # fmt: skip
    assert [text.rpartition(", ")[2] for text in said[2][0]] == ["closes 1 of 2"] * 3
    assert said[2][1:] == (True, True)
    assert said[3][1:] == (False, False)
    assert [text.rpartition(", ")[2] for text in said[4][0]] == ["closes 1 of 3"] * 3


def test_the_last_good_master_knows_the_lot(house, capsys, monkeypatch):
    """Where a copy of the broker's list is kept, nothing has to be guessed."""
    monkeypatch.setenv("RULES_FILE", "mine.toml")
    (house / "data").mkdir()
    (house / "data" / "instruments.csv").write_text(
        f"{DETAILED}\nNSE,D,2,OPTSTK,14418,ASTRAL,ASTRAL-Feb2026-1500-CE,ASTRAL 24 FEB 1500 CALL,425,"
        "2026-02-24,1500,CE,5,\n"
    )
    rows = "3,ASTRAL,Calls,2,BUY,CE,1500,2026-02-24,850,20.00,3,TRADED,2026-02-03 09:20:00\n"
    texts, *rest = scaling_of(capsys, house, rows)[3]
    assert [text.rpartition(", ")[2] for text in texts] == ["closes 1 of 2"] * 3
    assert rest == [True, True]


BAND = "stop_underlying = { below = 1400 }"
ASTRAL = "3,ASTRAL,Calls,2,SELL,CE,1500,2026-02-24,850,20.00,3,TRADED,2026-02-03 09:20:00\n"
NIFTY = "4,NIFTY,Put,5,SELL,PE,24500,2026-02-24,65,20.00,4,TRADED,2026-02-03 09:20:00\n"


def banded(capsys, house, monkeypatch, rows):
    """What the tool says of a stop by the underlying where it is the only loss rule."""
    (house / "t.csv").write_text(f"{COLUMNS}\n{rows}")
    off = 'stop_loss = "off"\nundefined_risk.stop_credit_multiple = "off"'
    (house / "mine.toml").write_text(f"[default]\n{off}\n{BAND}\n")
    monkeypatch.setenv("RULES_FILE", "mine.toml")
    assert main(["import", "t.csv"]) == 0
    capsys.readouterr()
    (position,) = json.loads(run(capsys, "rules", "--json")[1])["positions"]
    (state,) = [line["state"] for line in position["rules"] if line["rule"] == "stop_underlying"]
    return state, position["unprotected"], position["underlying_known"], run(capsys, "rules")[1]


def test_a_stop_by_an_index_guards_as_it_does_in_the_monitor(house, capsys, monkeypatch):
    """Which index NIFTY's options follow is known without any broker."""
    state, unprotected, known, text = banded(capsys, house, monkeypatch, NIFTY)
    assert (state, unprotected, known) == ("armed", False, True)
    assert "not known here" not in text


def test_a_stop_by_a_share_guards_where_the_kept_master_names_it(house, capsys, monkeypatch):
    """The copy of the broker's list says which share ASTRAL's options follow."""
    (house / "data").mkdir()
    (house / "data" / "instruments.csv").write_text(
        f"{DETAILED}\nNSE,D,2,OPTSTK,14418,ASTRAL,ASTRAL-Feb2026-1500-CE,ASTRAL 24 FEB 1500 CALL,425,"
        "2026-02-24,1500,CE,5,\n"
    )
    state, unprotected, known, text = banded(capsys, house, monkeypatch, ASTRAL)
    assert (state, unprotected, known) == ("armed", False, True)
    assert "not known here" not in text


def test_a_share_that_is_not_known_here_is_not_called_refused(house, capsys, monkeypatch):
    """Without the broker's list the tool says that it does not know, not that nothing guards."""
    state, unprotected, known, text = banded(capsys, house, monkeypatch, ASTRAL)
    assert (state, unprotected, known) == ("armed", False, False)
    assert (
        "! which share ASTRAL's contracts follow is not known here: stop_underlying guards if the broker's "
        "list names it"
    ) in text.splitlines()


def test_one_strategy_alone_as_json(house, capsys):
    """Machines get the same; an unknown id is a sentence and a failure."""
    (house / "t.csv").write_text(ROWS)
    assert main(["import", "t.csv"]) == 0
    capsys.readouterr()
    status, text = run(capsys, "rules", "--strategy-id", "3359", "--json")
    (position,) = json.loads(text)["positions"]
    assert (status, position["strategy_id"], position["max_loss"]) == (0, 3359, -11375.0)
    status, text = run(capsys, "rules", "--strategy-id", "7")
    assert (status, "read strategy id 7, of which the trade store has no open row" in text) == (2, True)


def test_the_day_limits_of_an_account_follow_its_positions(house, capsys, monkeypatch):
    """Each with its key and its rupees, in words and for machines."""
    (house / "t.csv").write_text(ROWS)
    (house / "mine.toml").write_text(
        "[account.default]\nday_loss_rupees = 6000\nday_profit_rupees = 9000\n"
        "day_trailing = { activate_rupees = 8000, give_back_rupees = 3000 }\n"
    )
    monkeypatch.setenv("RULES_FILE", "mine.toml")
    assert main(["import", "t.csv"]) == 0
    capsys.readouterr()
    assert run(capsys, "rules")[1].split("\n\n\n")[-1] == (
        "Account default, all its positions together\n"
        "  day_loss_rupees: out at a day's P&L of −₹6,000.00 or less\n"
        "  day_trailing: from ₹8,000.00 on, out ₹3,000.00 below the day's highest P&L\n"
        "  day_profit_rupees: out at a day's P&L of +₹9,000.00 or more\n"
    )
    assert json.loads(run(capsys, "rules", "--json")[1])["accounts"] == [
        {
            "account": "default",
            "day_loss_rupees": 6000.0,
            "day_profit_rupees": 9000.0,
            "day_trailing": {"activate_rupees": 8000.0, "give_back_rupees": 3000.0},
        }
    ]


def test_tables_that_fit_no_position_are_listed(house, capsys, monkeypatch):
    """A slip in a name would else be silent; sets fit where they are named, and case does not count."""
    (house / "t.csv").write_text(ROWS)
    (house / "mine.toml").write_text(
        '[strategy."Iron Condr"]\nstop_loss = -0.3\n[strategy."iron condor"]\nstop_loss = -0.4\n'
        "[symbol.BANKNIFTY]\nstop_loss = -0.3\n[account.defualt]\nday_loss_rupees = 6000\n"
        "[set.mine]\nstop_loss = -0.2\n[symbol.NIFTY]\n"
    )
    monkeypatch.setenv("RULES_FILE", "mine.toml")
    assert main(["import", "t.csv"]) == 0
    capsys.readouterr()
    idle = [
        '[symbol."BANKNIFTY"] line 5 of mine.toml',
        '[strategy."Iron Condr"] line 1 of mine.toml',
        '[account."defualt"] line 7 of mine.toml',
    ]
    text = run(capsys, "rules")[1]
    assert "\n\n\nTables of the rules file that fit no open position\n  " + "\n  ".join(idle) in text
    assert json.loads(run(capsys, "rules", "--json")[1])["idle_tables"] == idle
    assert json.loads(run(capsys, "rules", "--json", "--strategy-id", "3359")[1])["idle_tables"] == []


def test_an_empty_store_and_a_faulty_file_say_so(house, capsys, monkeypatch):
    """Nothing to show is not an error; a file with faults is, with all of them."""
    assert run(capsys, "rules") == (0, "The trade store has no open position.\n")
    (house / "mine.toml").write_text("[default]\nprofit_target = 0\nstop_loss = 1\n")
    monkeypatch.setenv("RULES_FILE", "mine.toml")
    status, text = run(capsys, "rules")
    assert status == 2
    assert "mine.toml line 2: [default] profit_target: read 0" in text
    assert "mine.toml line 3: [default] stop_loss: read 1" in text


def test_the_calendar_of_the_owner_counts(house, capsys, monkeypatch):
    """The pages are made with it; one with a fault ends the command as a faulty rules file does."""
    (house / "t.csv").write_text(ROWS)
    assert main(["import", "t.csv"]) == 0
    capsys.readouterr()
    (house / "days.toml").write_text("holiday = [2027-01-26]\n")
    monkeypatch.setenv("SESSIONS_FILE", "days.toml")
    status, text = run(capsys, "rules")
    assert status == 2
    assert "SESSIONS_FILE: days.toml: read the key 'holiday'" in text


def test_overrides_of_the_chat_are_named_with_their_journal(house, capsys):
    """Real and paper are told apart; the table goes by store and file alone, and says so."""
    (house / "t.csv").write_text(ROWS)
    assert main(["import", "t.csv"]) == 0
    wish = {"rule": "stop_loss", "setting": "-0.2", "by": "Asha"}
    journal = Journal(house / "data" / "journal-paper.sqlite3")
    journal.commit([Record("override", "default/3359", {"wishes": [wish], "rows": [1]})], 0.0)
    journal.close()
    capsys.readouterr()
    status, text = run(capsys, "rules")
    assert status == 0
    assert (
        "Set from the chat (paper), not counted here; /rules has it\n  default/3359  stop_loss = -0.2" in text
    )
    _, text = run(capsys, "rules", "--json", "--strategy-id", "3359")
    assert json.loads(text)["overrides"] == [{"journal": "paper", "position": "default/3359", **wish}]
    _, text = run(capsys, "rules", "--json", "--strategy-id", "3360")
    assert json.loads(text)["overrides"] == []


def test_a_journal_that_cannot_be_read_is_said(house, capsys):
    """A damaged file is a sentence, not a traceback."""
    (house / "t.csv").write_text(ROWS)
    assert main(["import", "t.csv"]) == 0
    (house / "data" / "journal.sqlite3").write_text("no database at all" * 100)
    status, text = run(capsys, "rules")
    assert status != 0
    assert "journal.sqlite3: cannot be read" in text
