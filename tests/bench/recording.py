"""The part about the recorder: what a recorded day costs the way of a tick, and its thread beside it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from engine.io import tables
from engine.io.recorded import find_day
from engine.io.recorder import Recorder
from engine.messages import Ticks
from engine.model import Mode
from engine.recording.entries import Prices
from engine.recording.scribe import Opening, Scribe
from engine.wire import decode
from tests.bench.cpu import HOT, STEP_S, Drive, Stream
from tests.bench.market import NOW_S
from tests.bench.measure import Rounds, compare
from tests.support.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.io.recorder import Heard


def recording(positions: int, ticks: int, rounds: int) -> Rounds:
    """Part 10: the whole way of a tick with and without the recorder's ``append``, and what its thread does.

    Returns:
        CPU seconds ``without``, ``with``, and of the ``thread`` for the same ticks; ``bytes`` of one tick.

    Raises:
        AssertionError: what was recorded is not what was handled.
    """
    with TemporaryDirectory(prefix="bench-") as place:
        recorder = _recorder(Path(place))
        drive = _Recorded(positions)
        stream = Stream(drive.market, ticks, HOT)
        variants = {
            "without": partial(drive.play, stream, None),
            "with": partial(drive.play, stream, recorder.heard),
            "thread": recorder.flush,
        }
        drive.prepare()
        for run in variants.values():  # a first look at this market is not what is measured
            run()
        found = compare(variants, rounds, drive.prepare)
        day = find_day(next(Path(place).glob("recorded/*")))
        if day is None:
            raise AssertionError("no day was recorded")
        kept = sum(len(entry.ticks) for entry in day.entries() if isinstance(entry, Prices))
        if kept != (len(found.shares) + 1) * ticks or recorder.dropped:
            raise AssertionError(f"{kept} ticks recorded, {recorder.dropped} dropped")
        size = sum(file.stat().st_size for file in day.path.iterdir()) / kept
        for one in found.good:
            one["bytes"] = size
    return found


def _recorder(place: Path) -> Recorder:
    scribe = Scribe(Opening("default", Mode.EXECUTE.value, {}, {}, str))
    return Recorder(
        scribe, place, Mode.EXECUTE, tables.calendar(), VirtualClock(NOW_S), lambda _alert: None,
        lambda _path: 2**40,
    )  # fmt: skip


class _Recorded(Drive):
    """A monitor whose messages somebody takes, as the runner hands them over."""

    def play(self, stream: Stream, record: Callable[[Heard], None] | None) -> None:
        """Each frame: decode, price book, P&L, rules; then the recorder, if there is one."""
        handle, grid, now_s = self._monitor.handle, self._grid, self._now_s
        for frame in stream.frames:
            now_s += STEP_S
            message = Ticks(decode(frame, grid))
            effects = handle(message, now_s)
            if record is not None:
                record((message, now_s, effects))
        self._now_s = now_s
