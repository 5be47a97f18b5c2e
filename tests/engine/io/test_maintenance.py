"""The daily maintenance: each step does its work once, says how it went, and hinders no other."""

from __future__ import annotations

import asyncio
import gc
import gzip
import os
import shutil
import sqlite3
import weakref
from contextlib import closing
from datetime import date

import pytest

from engine.__main__ import main
from engine.effects import Record
from engine.io import maintenance
from engine.io.backups import back_up, backups
from engine.io.journal import Journal
from engine.io.locks import HostLock
from engine.io.maintenance import ARCHIVE, KEPT_BACKUPS, LOOK_S, Daily, daily
from engine.preflight import Check, Light
from engine.sessions import at
from engine.settings import Settings
from tests.support.clock import VirtualClock, settle

NOW_S = VirtualClock().now_s()
DAY_S = 86_400.0


@pytest.fixture
def home(tmp_path):
    """A data directory with a journal and logs that were turned over."""
    with closing(Journal(tmp_path / "journal.sqlite3")) as journal:
        journal.commit([Record("intent", "one", {"text": "x" * 100_000})], NOW_S)
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("orders.log", "orders.log.1", "monitor.log.2"):
        (logs / name).write_text(f"{name}\n")
        os.utime(logs / name, (NOW_S, NOW_S))
    return tmp_path


@pytest.fixture
def settings(home):
    """Of that directory; without credentials."""
    return Settings.parse({"DATA_DIR": str(home)})


def by_name(found):
    """The light and text of each step."""
    return {check.name: (check.light, check.text) for check in found}


def test_a_day_is_done_and_doing_it_again_changes_nothing(settings, home):
    """A backup, packed logs, a vacuumed journal; the second time the same backup stands."""
    first = by_name(daily(settings, NOW_S))
    assert {light for light, _ in first.values()} == {Light.GREEN}
    assert "2 packed" in first["logs"][1]
    assert "vacuumed" in first["journal"][1]
    second = by_name(daily(settings, NOW_S + 60))
    assert second["backup"] == first["backup"]
    assert "0 packed" in second["logs"][1]
    assert len(backups(settings)) == 1


def test_old_logs_are_packed_whole_and_go_after_a_quarter(settings, home):
    """The one that is written stays; what was in the others is in the archive, for its owner alone."""
    daily(settings, NOW_S)
    packed = sorted((home / "logs" / ARCHIVE).iterdir())
    assert sorted(gzip.decompress(path.read_bytes()) for path in packed) == [
        b"monitor.log.2\n",
        b"orders.log.1\n",
    ]
    assert all(path.stat().st_mode & 0o077 == 0 for path in packed)
    assert (home / "logs" / "orders.log").exists()
    for path in packed:
        os.utime(path, (NOW_S, NOW_S))
    assert "2 older than 90 days removed" in by_name(daily(settings, NOW_S + 91 * DAY_S))["logs"][1]


def test_backups_are_kept_for_a_fortnight(settings):
    """The oldest goes when a newer one is whole."""
    for number in range(KEPT_BACKUPS + 2):
        daily(settings, NOW_S + number * DAY_S)
    assert len(backups(settings)) == KEPT_BACKUPS


def test_the_evenings_backup_has_the_days_exits_though_one_was_made_in_the_morning(settings, home):
    """What was written since is in it; later in the evening, and in the next morning, it stands."""
    day = date(2026, 2, 3)
    daily(settings, at(day, "08:30"))
    with closing(Journal(home / "journal.sqlite3")) as journal:
        journal.commit([Record("intent", "of the day", {})], at(day, "15:20"))
    for moment in (at(day, "12:00"), at(day, "18:30"), at(day, "20:00"), at(day, "18:30") + 14 * 3_600):
        assert by_name(daily(settings, moment))["backup"][0] is Light.GREEN
    assert [path.name[8:] for path in backups(settings)] == ["20260203-083000", "20260203-183000"]
    with closing(Journal(backups(settings)[-1] / "journal.sqlite3")) as journal:
        assert "of the day" in journal.load()["intent"]


def test_a_running_monitors_databases_are_left_alone(settings, home):
    """A vacuum would let the journal wait, and with it an exit."""
    with closing(sqlite3.connect(home / "journal.sqlite3")) as database:
        database.execute("DELETE FROM record")
        database.commit()
    size = (home / "journal.sqlite3").stat().st_size
    with HostLock(home):
        assert "a monitor runs" in by_name(daily(settings, NOW_S))["journal"][1]
    assert (home / "journal.sqlite3").stat().st_size == size
    daily(settings, NOW_S)
    assert (home / "journal.sqlite3").stat().st_size < size


def test_a_step_that_fails_is_red_and_the_others_are_done(settings, home, monkeypatch):
    """A backup that rots, a full disk, a calendar that has ended: each by itself."""
    daily(settings, NOW_S)
    file = backups(settings)[0] / "journal.sqlite3"
    file.write_bytes(file.read_bytes()[:-1])
    usage = type(shutil.disk_usage(home))(10**12, 10**12 - 10**8, 10**8)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    found = by_name(daily(settings, at(date(2099, 1, 5), "18:30")))
    red = {name for name, (light, _) in found.items() if light is Light.RED}
    assert red == {"disk", "old backups", "calendar"}
    assert found["disk"][1] == "0.1 GB free of 1000"
    assert found["backup"][0] is Light.GREEN


async def evenings(settings, monkeypatch, began, hours):
    """When it is done from this moment of 3 February on, and what is told."""
    done, told = [], []
    bad = [Check("disk", Light.RED, "full")]

    def evening(_settings, now_s):
        done.append(now_s)
        return bad

    monkeypatch.setattr(maintenance, "daily", evening)
    asleep = asyncio.Event()

    class Clock(VirtualClock):
        async def sleep(self, seconds):
            asleep.set()
            await super().sleep(seconds)

    clock = Clock(at(date(2026, 2, 3), began))
    task = asyncio.create_task(Daily(settings, clock, told.append).run())
    await settle()
    for _ in range(int(hours * 3_600 / LOOK_S)):
        asleep.clear()
        await clock.advance(LOOK_S)
        await asleep.wait()
    task.cancel()
    await asyncio.wait({task})
    assert told == [bad] * len(done)
    return done


def soon_after(moment, hour):
    begins_s = at(date(2026, 2, 3), hour)
    return begins_s <= moment <= begins_s + LOOK_S


async def test_a_running_monitor_does_it_once_each_day_at_its_hour(settings, monkeypatch):
    """Not at the start, not twice in an evening; what is red is told."""
    back_up(settings, at(date(2026, 2, 2), "18:31"))
    done = await evenings(settings, monkeypatch, "18:20", 1)
    assert [soon_after(moment, "18:30") for moment in done] == [True]


async def test_what_only_a_cycle_holds_is_let_go_in_the_evening(settings, monkeypatch):
    """In a session the collector is kept from looking for what has outlived its first pass."""

    class Ring(list[object]):
        """A list that can be watched."""

    ring = Ring()
    ring.append(ring)
    left = weakref.ref(ring)
    gc.collect(0)
    del ring
    back_up(settings, at(date(2026, 2, 2), "18:31"))
    gc.disable()
    try:
        await evenings(settings, monkeypatch, "18:20", 0.1)
        assert left() is not None
        await evenings(settings, monkeypatch, "18:25", 0.2)
    finally:
        gc.enable()
    assert left() is None


@pytest.mark.parametrize(("began", "hour"), [("08:45", "08:45"), ("10:00", "16:00")])
async def test_an_evening_without_a_monitor_is_made_up_for_outside_the_session(
    settings, monkeypatch, began, hour
):
    """Who runs it by a timer from morning to close has backups too."""
    back_up(settings, at(date(2026, 2, 2), "08:00"))
    done = await evenings(settings, monkeypatch, began, 7)
    assert [soon_after(moment, hour) for moment in done] == [True]


async def test_an_evening_s_session_is_over_before_it_is_done(settings, monkeypatch, home):
    """Muhurat lies about the hour itself: a quarter of an hour after its close the backup has its exits."""
    own = home / "days.toml"
    own.write_text("[[special]]\ndate = 2026-02-03\nopen = 18:15:00\nclose = 19:15:00\n")
    muhurat = Settings.parse({"DATA_DIR": str(home), "SESSIONS_FILE": str(own)})
    back_up(settings, at(date(2026, 2, 2), "18:31"))
    done = await evenings(muhurat, monkeypatch, "18:20", 2)
    assert [soon_after(moment, "19:30") for moment in done] == [True]


def test_the_tool_prints_a_line_for_each_step(home, monkeypatch, capsys):
    """And its status is 0 when nothing is red."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("DATA_DIR", str(home))
    assert main(["maintenance", "daily"]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[1] for line in printed.splitlines()][:2] == ["disk", "backup"]


def test_an_old_copy_of_dhans_list_is_seen(settings, home):
    """Nobody has loaded it since the long weekend."""
    copy = home / "instruments.csv"
    copy.write_text("")
    os.utime(copy, (NOW_S, NOW_S))
    assert by_name(daily(settings, NOW_S))["instruments"] == (Light.GREEN, "the copy is 0 days old")
    light, text = by_name(daily(settings, NOW_S + 6 * DAY_S))["instruments"]
    assert (light, text.split(":")[0]) == (Light.AMBER, "the copy is 6 days old")
