"""Recorded days after the close: packed by a process of its own, kept for as long as the owner said."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from engine.errors import BadInput
from engine.io import packing, tables
from engine.io.maintenance import daily
from engine.io.packing import is_over, pack, pack_apart, prune
from engine.io.parquet import TICKS, write_parquet
from engine.io.recorded import find_day, recorded_days
from engine.preflight import Light
from engine.recording.entries import Note
from engine.recording.spool import HEAD, block
from engine.sessions import at
from engine.settings import Settings
from tests.engine.recording.test_spool import told
from tests.support.made_day import made_day

DAY = date(2026, 2, 3)
EVENING = at(DAY, "18:30")


def spool(home, name=str(DAY), life="091500", *, torn=b""):
    """A recorded day with one spool of a made-up minute; its entries."""
    where = home / "recorded" / name
    where.mkdir(parents=True, exist_ok=True)
    entries = [Note(1, "head", {"mode": "execute"}), *made_day(5, 60)]
    (where / f"{life}.spool").write_bytes(HEAD + block(entries) + torn)
    return entries


def day(home, name=str(DAY)):
    return find_day(home / "recorded" / name)


def test_a_spool_becomes_parquet_with_all_that_was_in_it(tmp_path):
    """By a process of its own, which tells what a crash had cut off; the spool is gone."""
    entries = spool(tmp_path, torn=b"half a block")
    counts = pack_apart(day(tmp_path))
    assert counts["torn_bytes"] == len(b"half a block")
    assert counts["notes"] == sum(isinstance(entry, Note) for entry in entries)
    packed = day(tmp_path)
    assert (packed.packed, packed.spools) == (("091500",), ())
    assert told(packed.entries()) == told(entries)
    assert {path.suffix for path in packed.path.iterdir()} == {".parquet"}


def test_each_life_of_a_day_is_packed_by_itself(tmp_path):
    """One that was packed already stays what it is; read together they are the day."""
    first = spool(tmp_path, life="091500")
    pack(day(tmp_path))
    second = spool(tmp_path, life="113000")
    assert told(day(tmp_path).entries()) == told([*first, *second]), "one packed, one not"
    pack(day(tmp_path))
    assert day(tmp_path).packed == ("091500", "113000")
    assert told(day(tmp_path).entries()) == told([*first, *second])


def test_a_crash_between_writing_and_removing_loses_and_doubles_nothing(tmp_path):
    """The spool of a life that has its Parquet is not read, and goes the next time."""
    entries = spool(tmp_path)
    write_parquet(entries, day(tmp_path).path, "091500")
    assert told(day(tmp_path).entries()) == told(entries)
    pack(day(tmp_path))
    assert told(day(tmp_path).entries()) == told(entries)
    assert not list(day(tmp_path).path.glob("*.spool"))


def test_a_spool_that_cannot_be_packed_stays_and_its_fault_is_told(tmp_path):
    """Nothing is removed that is not in Parquet."""
    spool(tmp_path)
    (day(tmp_path).path / "091500.spool").write_bytes(HEAD[:8] + (9).to_bytes(4, "little"))
    with pytest.raises(BadInput, match=r"cannot be packed \(.*read version 9"):
        pack_apart(day(tmp_path))
    assert [path.name for path in day(tmp_path).path.iterdir()] == ["091500.spool"]


def test_a_day_that_is_still_written_is_left_alone(tmp_path):
    """Until an hour after its close; yesterday's is over, and a directory of another name is nobody's."""
    spool(tmp_path)
    spool(tmp_path, "2026-02-02-paper")
    spool(tmp_path, "notes of mine")
    calendar = tables.calendar()
    over = {each.path.name: is_over(each, calendar, at(DAY, "16:20")) for each in recorded_days(tmp_path)}
    assert over == {str(DAY): False, "2026-02-02-paper": True, "notes of mine": False}
    assert is_over(day(tmp_path), calendar, at(DAY, "16:31"))


def test_the_oldest_days_go_and_what_is_not_ours_stays(tmp_path, monkeypatch):
    """Beyond the number that the owner wants, and beyond the room that all may take."""
    for number in range(5):
        spool(tmp_path, str(DAY + timedelta(days=number)))
    spool(tmp_path, "a directory of mine")
    assert prune(tmp_path, 3) == 2
    assert prune(tmp_path, 3) == 0
    size = sum(path.stat().st_size for path in day(tmp_path, "2026-02-07").path.iterdir())
    monkeypatch.setattr(packing, "LARGEST_BYTES", 2 * size)
    assert prune(tmp_path, 3) == 1
    names = [each.path.name for each in recorded_days(tmp_path)]
    assert names == ["2026-02-06", "2026-02-07", "a directory of mine"]


def test_the_maintenance_packs_every_account_and_tells_how_much(tmp_path):
    """A green line with days and megabytes; the second time there is nothing to do."""
    spool(tmp_path)
    spool(tmp_path / "accounts" / "huf")
    settings = Settings.parse({"DATA_DIR": str(tmp_path), "RECORD_DAYS": "10"})
    (line,) = [check for check in daily(settings, EVENING) if check.name == "recordings"]
    assert line.light is Light.GREEN
    assert line.text.startswith("2 days packed (")
    assert len(list(tmp_path.glob(f"accounts/huf/recorded/*/*{TICKS}"))) == 1
    (line,) = [check for check in daily(settings, EVENING) if check.name == "recordings"]
    assert line.text.startswith("0 days packed")


def test_a_recording_that_cannot_be_packed_is_red(tmp_path):
    """With the sentence that says why."""
    spool(tmp_path)
    (day(tmp_path).path / "091500.spool").write_bytes(b"no spool at all")
    settings = Settings.parse({"DATA_DIR": str(tmp_path)})
    (line,) = [check for check in daily(settings, EVENING) if check.name == "recordings"]
    assert line.light is Light.RED
    assert "is no recorded day" in line.text
