"""The recorder: what reaches the disk, what does not, and that nobody waits for it."""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import sys
import threading
from datetime import date

import pytest

from engine.io import recorder as module
from engine.io import tables
from engine.io.backlog import LEAST
from engine.io.recorded import find_day
from engine.io.recorder import HANGS_S, LOOK_S, Recorder
from engine.messages import Beat, BeatKind, FeedChanged, Tick, Ticks, TradesLoaded
from engine.model import Mode
from engine.recording.entries import Note, Prices
from engine.recording.scribe import Opening, Scribe
from engine.sessions import at
from tests.engine.makers import condor
from tests.support.calls import Calls
from tests.support.clock import VirtualClock, settle
from tests.support.rig import rows_of

NOON = at(date(2026, 2, 3), "12:00")
DAY_S = 86_400.0
ROOM = 2**40


class Desk:
    """A recorder without its thread; ``free`` is what the disk has left."""

    def __init__(self, home, mode=Mode.EXECUTE):
        self.clock, self.said, self.free, self.home = VirtualClock(NOON), [], ROOM, home
        self.rooms = lambda: self.free
        opening = Opening("default", mode.value, {}, {}, str)
        self.recorder = Recorder(
            Scribe(opening), home, mode, tables.calendar(), self.clock, self.said.append,
            lambda _path: self.rooms(),
        )  # fmt: skip

    def hear(self, *ltps, at_s=NOON):
        """One batch of ticks."""
        self.recorder.heard((Ticks([Tick(1, ltp) for ltp in ltps]), at_s, []))

    def day(self, name="2026-02-03"):
        return find_day(self.home / "recorded" / name)

    def prices(self, name="2026-02-03"):
        """The last prices that are on the disk."""
        entries = self.day(name).entries()
        return [tick.ltp_paise for entry in entries if isinstance(entry, Prices) for tick in entry.ticks]


@pytest.fixture
def desk(tmp_path):
    """Recording into a directory of this test."""
    return Desk(tmp_path)


def test_a_day_has_a_file_for_its_owner_alone_and_begins_with_what_holds(desk):
    """A head first, then prices as they came; another day has another directory, a night has none."""
    desk.hear(1, 2)
    desk.recorder.flush()
    desk.hear(3)
    desk.recorder.flush()
    desk.hear(9, at_s=at(date(2026, 2, 3), "20:00"))
    desk.recorder.flush()
    desk.hear(4, at_s=NOON + DAY_S)
    desk.recorder.flush()
    assert desk.prices() == [1, 2, 3]
    assert desk.prices("2026-02-04") == [4]
    for name in ("2026-02-03", "2026-02-04"):
        first = next(iter(desk.day(name).entries()))
        assert (first.kind, first.data["mode"]) == ("head", "execute")
    (file,) = (desk.home / "recorded" / "2026-02-03").iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_a_holiday_is_not_recorded(desk):
    """On a Saturday there is nothing to replay."""
    desk.hear(1, at_s=at(date(2026, 2, 7), "12:00"))
    desk.recorder.flush()
    assert not (desk.home / "recorded").exists()


def test_paper_and_real_days_are_two(tmp_path):
    """As their journals are: what was closed on paper is still held."""
    paper = Desk(tmp_path, Mode.SIMULATE)
    paper.hear(1)
    paper.recorder.flush()
    assert paper.prices("2026-02-03-paper") == [1]


def test_a_disk_without_room_costs_prices_and_nothing_else_and_is_told_once(desk):
    """What does not fit is counted; when there is room again, the gap stands in the file."""
    desk.hear(1)
    desk.recorder.flush()
    desk.free = 0
    for ltp in (2, 3):
        desk.hear(ltp, ltp)
        desk.recorder.flush()
        desk.recorder.look()
    assert [alert.title for alert in desk.said] == ["The day is not recorded"]
    assert "512 MB" in desk.said[0].text
    assert desk.recorder.dropped == 4
    desk.free = ROOM
    desk.hear(4)
    desk.recorder.flush()
    desk.recorder.look()
    assert desk.prices() == [1, 4]
    gaps = [e.data for e in desk.day().entries() if isinstance(e, Note) and e.kind == "gap"]
    assert gaps == [{"lost": 4}]
    assert len(desk.said) == 1
    desk.free = 0
    desk.hear(5)
    desk.recorder.flush()
    desk.recorder.look()
    assert len(desk.said) == 2, "another trouble is told anew"


def test_after_a_gap_all_that_holds_is_told_anew(desk):
    """Rows that came while the disk was full are in the file all the same, and the house has one start."""
    desk.hear(1)
    desk.recorder.flush()
    desk.free = 0
    desk.recorder.heard((TradesLoaded(tuple(rows_of(condor()))), NOON, []))
    desk.recorder.flush()
    desk.free = ROOM
    desk.hear(2)
    desk.recorder.flush()
    notes = list(desk.day().notes())
    assert [len(note.data["rows"]) for note in notes if note.kind == "rows"] == [4]
    assert sum(note.kind == "head" for note in notes) == 1
    assert desk.prices() == [1, 2]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_thread_that_has_died_ends_the_task_so_that_it_is_begun_anew(desk, monkeypatch):
    """What it stumbled over is lost; what comes after it is recorded by the next."""
    monkeypatch.setattr(module, "FLUSH_S", 0.01)
    desk.recorder.heard((FeedChanged(None, None), None, []))
    with pytest.raises(RuntimeError, match="thread has ended"):
        await asyncio.gather(desk.recorder.run(), ended(desk))
    desk.hear(1)
    run = asyncio.create_task(desk.recorder.run())
    await settle()
    run.cancel()
    await asyncio.wait({run})
    assert desk.prices() == [1]


async def ended(desk):
    """Let virtual time pass once the recorder's thread is gone."""
    for thread in threading.enumerate():
        if thread.name == "recorder":
            await asyncio.to_thread(thread.join, 10)
    await desk.clock.advance(LOOK_S)


def test_a_disk_that_takes_half_a_block_has_none_of_it(desk, monkeypatch):
    """The half is taken off again, and what comes after it can be read."""
    desk.hear(1)
    desk.recorder.flush()
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[: len(data) // 2]))
    desk.hear(2)
    desk.recorder.flush()
    monkeypatch.undo()
    desk.hear(3)
    desk.recorder.flush()
    assert desk.prices() == [1, 3]
    assert desk.recorder.dropped == 1


def test_a_disk_that_does_not_answer_holds_nobody_and_what_waits_has_an_end(desk, monkeypatch):
    """While the thread hangs, the queue is cut to half of its most, the oldest first; counted and told."""
    monkeypatch.setattr(module, "MOST_WAITING", 10 * LEAST)
    for ltp in range(25):
        desk.hear(ltp)
    desk.recorder.look()
    assert desk.recorder.dropped == 20
    assert "too slow" in desk.said[0].text
    desk.recorder.flush()
    desk.recorder.look()
    assert desk.prices() == [20, 21, 22, 23, 24]
    assert len(desk.said) == 1


def test_what_waits_is_bound_by_its_ticks_and_not_by_its_batches(desk, monkeypatch):
    """A rush brings hundreds in one batch: few batches are as much memory as many small ones."""
    monkeypatch.setattr(module, "MOST_WAITING", 1_000)
    for first in (0, 400, 800):
        desk.hear(*range(first, first + 400))
    desk.recorder.look()
    assert desk.recorder.dropped == 800
    desk.recorder.flush()
    desk.recorder.look()
    assert desk.prices() == list(range(800, 1_200))
    gaps = [e.data for e in desk.day().entries() if isinstance(e, Note) and e.kind == "gap"]
    assert gaps == [{"lost": 800}]


def test_a_write_that_hangs_is_told_before_anything_is_lost(desk):
    """Ten seconds within one write, however little waits; other writes in between are no such thing."""

    def looked(times):
        for _ in range(times):
            desk.recorder.look()
        return ROOM

    desk.rooms = lambda: looked(4)
    for ltp in range(5):
        desk.hear(ltp)
        desk.recorder.flush()
    assert desk.said == []
    desk.rooms = lambda: looked(int(HANGS_S / LOOK_S) + 2)
    desk.hear(5)
    desk.recorder.flush()
    assert ["too slow" in alert.text for alert in desk.said] == [True]
    assert desk.recorder.dropped == 0
    desk.recorder.look()
    assert desk.prices() == list(range(6))


def test_what_no_file_can_hold_is_a_gap_like_any_other(desk):
    """A price wider than a number of the file ends the thread; the next one tells what was lost with it."""
    desk.hear(1)
    desk.recorder.flush()
    desk.hear(2, 2**70)
    with pytest.raises(struct.error):
        desk.recorder.flush()
    desk.hear(3)
    desk.recorder.flush()
    assert desk.prices() == [1, 3]
    assert desk.recorder.dropped == 2
    gaps = [e.data for e in desk.day().entries() if isinstance(e, Note) and e.kind == "gap"]
    assert gaps == [{"lost": 2}]


async def test_its_thread_writes_while_it_lives_and_what_waits_at_its_end(desk, monkeypatch):
    """Nobody else flushes here."""
    written = Calls(monkeypatch, desk.recorder, "_put")
    monkeypatch.setattr(module, "FLUSH_S", 0.01)
    run = asyncio.create_task(desk.recorder.run())
    desk.hear(1)
    assert await written.next()
    assert desk.prices() == [1]
    monkeypatch.setattr(module, "FLUSH_S", 60.0)
    desk.hear(2)
    await desk.clock.advance(LOOK_S)
    await settle()
    run.cancel()
    await asyncio.wait({run})
    assert desk.prices() == [1, 2]


def test_a_second_life_of_a_day_has_a_file_of_its_own(tmp_path):
    """Also one that begins in the same second; they are read one after the other."""
    for ltp in (1, 2):
        desk = Desk(tmp_path)
        desk.hear(ltp)
        desk.recorder.flush()
    assert desk.day().lives == ("120000", "120000a")
    assert desk.prices() == [1, 2]


def test_the_monitor_never_imports_pyarrow():
    """It is large, and only what is done after the close needs it."""
    code = "import sys, bot.__main__, engine.io.app, engine.__main__; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - ours


def test_beats_are_recorded_with_their_kind(desk):
    """A replay is judged at the very pulses at which the day was."""
    desk.recorder.heard((Beat(BeatKind.PULSE), NOON, []))
    desk.recorder.flush()
    assert [e.data for e in desk.day().notes() if e.kind == "beat"] == [{"kind": "pulse"}]
