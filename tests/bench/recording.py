"""The part about the recorder: what a recorded day costs the way of a tick, and its thread beside it."""

from __future__ import annotations

import gc
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from engine.io import tables
from engine.io.heap import THRESHOLDS
from engine.io.recorded import find_day
from engine.io.recorder import Recorder
from engine.messages import Ticks
from engine.model import Mode
from engine.recording.entries import Prices
from engine.recording.scribe import Opening, Scribe
from engine.wire import decode
from tests.bench.cpu import HOT, STEP_S, Drive, Stream
from tests.bench.market import NOW_S, scene
from tests.bench.measure import Rounds, repeat
from tests.support.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.io.recorder import Heard


#: So many ticks are handled between two turns of the thread: some seconds of a usual day's, and a tenth of
#: a second of the fastest feed's.
_SLICE = 500


def recording(positions: int, ticks: int, rounds: int) -> Rounds:
    """Part 10: the whole way of a tick with and without the recorder's ``append``, and what its thread does.

    Returns:
        CPU seconds ``without``, ``with``, and of the ``thread`` for the same ticks; ``bytes`` of one tick.

    Raises:
        AssertionError: what was recorded is not what was handled.
    """
    with TemporaryDirectory(prefix="bench-") as place:
        recorder = _recorder(Path(place))
        drive = _Recorded(scene(positions))
        stream = Stream(drive.market, ticks, HOT)

        def one_round() -> dict[str, float]:
            drive.prepare()
            return drive.play(stream, recorder)

        before = gc.get_threshold()
        gc.set_threshold(*THRESHOLDS)  # as the house has it
        gc.freeze()
        try:
            one_round()  # a first look at this market is not what is measured
            found = repeat(one_round, rounds)
        finally:
            gc.unfreeze()
            gc.set_threshold(*before)
        _check(Path(place), (len(found.shares) + 1) * ticks, recorder, found)
    return found


def _check(place: Path, ticks: int, recorder: Recorder, found: Rounds) -> None:
    """See that all of it is there, and how large."""
    day = find_day(next(place.glob("recorded/*")))
    if day is None:
        raise AssertionError("no day was recorded")
    kept = sum(len(entry.ticks) for entry in day.entries() if isinstance(entry, Prices))
    if kept != ticks or recorder.dropped:
        raise AssertionError(f"{kept} ticks recorded of {ticks}, {recorder.dropped} dropped")
    size = sum(file.stat().st_size for file in day.path.iterdir()) / kept
    for one in found.good:
        one["bytes"] = size


def _recorder(place: Path) -> Recorder:
    scribe = Scribe(Opening("default", Mode.EXECUTE.value, {}, {}, str))
    return Recorder(
        scribe, place, Mode.EXECUTE, tables.calendar(), VirtualClock(NOW_S), lambda _alert: None,
        lambda _path: 2**40,
    )  # fmt: skip


class _Recorded(Drive):
    """A monitor whose messages somebody takes, as the runner hands them over."""

    def play(self, stream: Stream, recorder: Recorder) -> dict[str, float]:
        """Slice by slice without and with the recorder, then its thread's turn; CPU seconds of each."""
        costs = dict.fromkeys(("without", "with", "thread"), 0.0)
        for start in range(0, len(stream.frames), _SLICE):
            frames = stream.frames[start : start + _SLICE]
            for name, run in (
                ("without", partial(self._handle, frames, None)),
                ("with", partial(self._handle, frames, recorder.heard)),
                ("thread", recorder.flush),
            ):
                began_s = time.process_time()
                run()
                costs[name] += time.process_time() - began_s
        return costs

    def _handle(self, frames: Sequence[bytes], record: Callable[[Heard], None] | None) -> None:
        """Each frame: decode, price book, P&L, rules; then the recorder, if there is one."""
        handle, grid, now_s = self._monitor.handle, self._grid, self._now_s
        for frame in frames:
            now_s += STEP_S
            message = Ticks(decode(frame, grid))
            effects = handle(message, now_s)
            if record is not None:
                record((message, now_s, effects))
        self._now_s = now_s
