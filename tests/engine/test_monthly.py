"""A month of exits, from the lines that they have left."""

from __future__ import annotations

import csv
import io
import json

import pytest

from engine.__main__ import main
from engine.effects import Record, WriteBook
from engine.io.journal import Journal
from engine.model import Mode
from engine.monthly import CLOSING_MIDS, COLUMNS, monthly_csv, monthly_data, monthly_text, of_month
from tests.support.exit_lines import leg_of, line
from tests.support.rig import Rig

ENTRY, PROFIT = (20.0, 45.0, 50.0, 22.0), (8.0, 18.0, 20.0, 9.0)


LINES = [
    line("a", "2026-11-03T10:00:00+05:30", 1_00_000_00),
    line("b", "2026-11-28T15:10:00+05:30", -20_000_00, rule="stop_loss", by="=Asha|1"),
    line("c", "2026-11-30T15:10:00+05:30", None, slippage_rupees=None, state="closed outside"),
    line("d", "2026-12-01T09:20:00+05:30", 7_00),
]


def test_a_month_has_the_newest_line_of_each_exit_that_ended_in_it():
    """A line that supersedes another counts alone; the next month's is not in it."""
    again = line("a", "2026-11-03T10:00:00+05:30", 90_000_00, sequence=2)
    found = of_month([*LINES, again], "2026-11")
    assert [(each["intent"], each["sequence"]) for each in found] == [("a", 2), ("b", 1), ("c", 1)]


def test_the_sums_leave_out_what_is_unknown_and_say_so():
    """To the paisa; one of three has no amount."""
    data = monthly_data(of_month(LINES, "2026-11"), "2026-11")
    assert (data["exits"], data["won"], data["lost"], data["unknown"]) == (3, 1, 1, 1)
    assert data["realised_after_charges_paise"] == 80_000_00
    assert data["realised_before_charges_paise"] == 80_100_00
    assert data["charges_paise"] == 15_000
    assert data["slippage_paise"] == 2_500
    assert (data["days"], data["win_rate"], data["expectancy_paise"]) == (3, 0.5, 40_000_00)
    assert (data["profit_factor"], data["largest_drawdown_paise"]) == (5.0, 20_000_00)
    assert data["strategies"] == {
        "NIFTY Iron Condor": {"exits": 3, "realised_after_charges_paise": 80_000_00}
    }
    assert data["symbols"] == {"NIFTY": {"exits": 3, "realised_after_charges_paise": 80_000_00}}
    assert (data["against_level"]["unknown"], data["against_level"]["together_paise"]) == (3, None)
    assert data["rules"]["stop_loss"] == {"exits": 1, "realised_after_charges_paise": -20_000_00}


def test_the_report_reads_well_and_breaks_no_table():
    """Indian grouping, IST, unknown where it is; a bar in a name is none of the table's."""
    text = monthly_text(of_month(LINES, "2026-11"), "2026-11")
    assert text.startswith("# Exits of November 2026\n")
    assert "| realised after charges | +₹80,000.00 |" in text
    assert "| won, lost | 1, 1; of 1 it is not known, they are in no sum |" in text
    assert "| 2026-11-30 15:10 | default/3359 NIFTY Iron Condor | profit_target |" in text
    assert "=Asha/1" in text
    assert monthly_text([], "2026-10") == "# Exits of October 2026\n\nNone has ended."


def test_each_exit_is_told_against_its_plan():
    """A target that was overshot and missed what came; what nobody knows is said not to be known."""
    known = LINES[0] | {
        "legs": [leg_of(1, "BUY", 65, 1_000)], CLOSING_MIDS: {2 << 32 | 1: 400},
        "verdict": {"pnl_paise": 0, "threshold_paise": 99_000_00, "open_share": 1, "also": []},
    }  # fmt: skip
    lines = [known, *LINES[1:3]]
    text = monthly_text(lines, "2026-11")
    assert "| the level of its rule | 1: +₹1,050.00 | 0 | +₹1,050.00 | 2 |" in text
    assert "| holding on to the close: saved, missed | 0 | 1: −₹390.00 | −₹390.00 | 2 |" in text
    assert [row.count("not known |") for row in text.splitlines()[-3:]] == [0, 2, 4]
    assert "*Saved or missed*: what an exit realised before charges, less" in text
    row = next(csv.DictReader(io.StringIO(monthly_csv(lines))))
    told = [
        row[name] for name in ("level_paise", "against_level_paise", "held_to_close_paise", "saved_paise")
    ]
    assert told == ["9900000", "105000", "10044000", "-39000"]


def test_the_csv_has_a_row_for_each_exit_and_no_formula():
    """Read back by a reader of CSV."""
    rows = list(csv.DictReader(io.StringIO(monthly_csv(of_month(LINES, "2026-11")))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["realised_after_charges_paise"] for row in rows] == ["10000000", "-2000000", ""]
    assert rows[1]["by"] == "'=Asha|1"


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A journal in which a real exit has ended, on 3 February 2026."""
    books = []

    class Told(Rig):
        def do(self, effect):
            if isinstance(effect, Record) and effect.kind in {"book", "intent", "order"}:
                books.append(effect)
            return [] if isinstance(effect, WriteBook) else super().do(effect)

    rig = Told(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.wait(60, *PROFIT)
    assert rig.flat
    journal = Journal(tmp_path / "journal.sqlite3")
    journal.commit(books, rig.now_s)
    journal.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return tmp_path


def test_the_tool_tells_a_month_and_writes_both_files_once(house, capsys):
    """From the journal; an empty month is told; a file that is there is not written over."""
    assert main(["report", "monthly", "--month", "2026-02", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["exits"], told["won"], told["states"]) == (1, 1, {"flat": 1})
    assert main(["report", "monthly", "--month", "2026-02", "--out", str(house / "reports")]) == 0
    text = (house / "reports" / "exits-2026-02.md").read_text()
    assert "profit_target" in text
    assert text.endswith("](exits-2026-02.png)\n")
    assert (house / "reports" / "exits-2026-02.png").read_bytes().startswith(b"\x89PNG")
    assert len((house / "reports" / "exits-2026-02.csv").read_text().splitlines()) == 2
    assert main(["report", "monthly", "--month", "2026-02", "--out", str(house / "reports")]) == 2
    capsys.readouterr()
    (house / "reports" / "exits-2026-02.md").unlink()
    assert main(["report", "monthly", "--month", "2026-02", "--out", str(house / "reports")]) == 2
    assert not (house / "reports" / "exits-2026-02.md").exists()
    capsys.readouterr()
    assert main(["report", "monthly", "--month", "2026-01"]) == 0
    assert "None has ended." in capsys.readouterr().out
    assert main(["report", "monthly", "--month", "2026-02", "--paper"]) == 0
    assert "None has ended." in capsys.readouterr().out
