"""DAY files as they come: zipped, out of order, with holes, or not recordings at all."""

from __future__ import annotations

import gzip
from datetime import date

import pytest

from engine.errors import BadInput
from engine.io.recordings import read_day, read_measured_spreads
from engine.model import Right
from engine.replay.tape import Contract, Tape
from engine.sessions import at
from tests.engine.replay.days import COLUMNS, Day

CALL = Contract("NIFTY", date(2025, 9, 30), 2_500_000, Right.CALL)
HEADER = ",".join(COLUMNS)


def moment(clock) -> float:
    """A moment of the recorded day."""
    return at(date(2025, 8, 29), clock)


def test_only_wanted_rows_are_kept_but_every_moment(tmp_path):
    """A snapshot without a wanted row is still a step of the recording."""
    day = Day().quote("09:30:00", "25000CE", 100, 101).quote("09:31:00", "25200CE", 40, 41)
    recording = read_day(day.write(tmp_path / "day.csv"), {CALL})
    assert recording.moments == (moment("09:30"), moment("09:31"))
    (snapshot,) = recording.snapshots
    (row,) = snapshot.rows
    assert (row.bid_paise, row.ask_paise, row.bid_quantity) == (10_000, 10_100, 750)
    assert row.contract.name == "NIFTY 2025-09-30 25000 CE"


def test_a_zipped_file_is_known_by_its_bytes(tmp_path):
    """The name does not matter."""
    plain = Day().quote("09:30:00", "25000CE", 100, 101).write(tmp_path / "day.csv")
    zipped = tmp_path / "day.dat"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_day(zipped, {CALL}) == read_day(plain, {CALL})


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "zipped"])
def test_a_mark_of_utf_8_at_the_beginning_is_no_part_of_the_header(tmp_path, pack):
    """Spreadsheets write one, and nobody sees it."""
    plain = Day().quote("09:30:00", "25000CE", 100, 101).write(tmp_path / "day.csv")
    marked = tmp_path / "marked.csv"
    marked.write_bytes(pack(b"\xef\xbb\xbf" + plain.read_bytes()))
    assert read_day(marked, {CALL}) == read_day(plain, {CALL})


def test_rows_may_come_contract_by_contract(tmp_path):
    """A file sorted by contract tells the same snapshots."""
    day = Day().quote("09:31:00", "25000CE", 102, 103).quote("09:30:00", "25000CE", 100, 101)
    recording = read_day(day.write(tmp_path / "day.csv"), {CALL})
    assert [snapshot.at_s for snapshot in recording.snapshots] == [moment("09:30"), moment("09:31")]


def test_zeros_are_no_quotes(tmp_path):
    """A file whose bids and asks are all 0.00 is a recording of last prices."""
    day = Day().quote("09:30:00", "25000CE", "0.00", "0.00")
    (snapshot,) = read_day(day.write(tmp_path / "day.csv"), {CALL}).snapshots
    assert snapshot.rows[0].bid_paise is None


def test_one_quote_anywhere_makes_it_a_recording_of_quotes(tmp_path):
    """An empty side then means that nobody offers, not that nobody looked."""
    day = Day().quote("09:30:00", "25000CE", "", "").quote("09:31:00", "25200CE", 40, 41)
    (snapshot,) = read_day(day.write(tmp_path / "day.csv"), {CALL}).snapshots
    assert (snapshot.rows[0].bid_paise, snapshot.rows[0].ask_paise) == (0, 0)


def test_the_step_is_the_median_within_days(tmp_path):
    """A gap and a night do not stretch it; of two recordings the slower one counts."""
    day = Day()
    for clock in ("09:30:00", "09:31:00", "09:32:00", "10:00:00"):
        day.quote(clock, "25000CE", 100, 101)
    slow = Day().quote("09:30:00", "25000CE", 100, 101).quote("09:35:00", "25000CE", 100, 101)
    first = read_day(day.write(tmp_path / "a.csv"), {CALL})
    second = read_day(slow.write(tmp_path / "b.csv"), {CALL})
    assert first.step_s == 60
    assert Tape((first, second)).step_s == 300


ROW = "2025-08-29T09:30:00,NIFTY,2025-09-30"
FAULTS = {
    "another table": ("ts,nifty50\n2022-09-30T09:00:17+05:30,16720.55\n", "missing are underlying, expiry"),
    "empty": ("", "the columns of an empty file"),
    "no rows": (f"{HEADER}\n", "holds no rows"),
    "moment": (f"{HEADER}\nsoon,NIFTY,2025-09-30,25000,CE,1,1,1,1,1,1,,,,,\n", "line 2: read soon"),
    "year": (
        f"{HEADER}\n0001-01-01T00:00:00,NIFTY,2025-09-30,25000,CE,1,1,1,1,1,1,,,,,\n",
        "read 0001-01-01",
    ),
    "endless": (f"{HEADER}\n{ROW},25000,CE,1,inf,1,1,1,1,,,,,\n", "prices in rupees"),
    "huge": (f"{HEADER}\n{ROW},25000,CE,1,1e30,1,1,1,1,,,,,\n", "prices in rupees"),
    "huge strike": (f"{HEADER}\n{ROW},1e999999,CE,1,1,1,1,1,1,,,,,\n", "an option contract"),
    "many columns": (",".join(f"c{n}" for n in range(60)), r"c11, …; missing are ts"),
    "contract": (f"{HEADER}\n{ROW},x,CE,1,1,1,1,1,1,,,,,\n", "an option contract"),
    "price": (f"{HEADER}\n{ROW},25000,CE,1,cheap,1,1,1,1,,,,,\n", "prices in rupees"),
    "negative price": (f"{HEADER}\n{ROW},25000,CE,1,-1,1,1,1,1,,,,,\n", "prices in rupees"),
    "negative quantity": (f"{HEADER}\n{ROW},25000,CE,1,1,-1,1,1,1,,,,,\n", "prices in rupees"),
    "negative strike": (f"{HEADER}\n{ROW},-25000,CE,1,1,1,1,1,1,,,,,\n", "an option contract"),
    "short": (f"{HEADER}\n2025-08-29T09:30:00,NIFTY\n", "line 2: read 2 cells, expected 16"),
}


@pytest.mark.parametrize(("text", "told"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_no_recording_is_refused_with_a_sentence(tmp_path, text, told):
    """The file, the line, what was read and what was expected."""
    path = tmp_path / "day.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=told):
        read_day(path, {CALL})


def test_a_missing_or_broken_file_is_the_owner_s_to_mend(tmp_path):
    """No file, and a zipped one that ends half-way."""
    with pytest.raises(BadInput, match=r"none\.csv: cannot be read as a recorded day \(No such file"):
        read_day(tmp_path / "none.csv", {CALL})
    broken = tmp_path / "half.csv.gz"
    broken.write_bytes(gzip.compress(HEADER.encode() * 500)[:60])
    with pytest.raises(BadInput, match="cannot be read"):
        read_day(broken, {CALL})
    zipped = bytearray(gzip.compress(HEADER.encode() * 500))
    zipped[20:40] = b"\xff" * 20
    broken.write_bytes(zipped)
    with pytest.raises(BadInput, match="cannot be read"):
        read_day(broken, {CALL})


def test_a_spread_table_without_its_columns_is_refused(tmp_path):
    """The measured spreads are checked like every other file."""
    path = tmp_path / "measured_spreads.csv"
    path.write_text("set,n\nNIFTY 2025,10\n", encoding="utf-8")
    with pytest.raises(BadInput, match="expected the columns set, mid_bucket, n and spread_median"):
        read_measured_spreads(path)
