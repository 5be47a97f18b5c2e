"""The part about the event loop: the house of the latency part in Python's own and in uvloop, in turn."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.io.clock import SystemClock
from engine.io.heap import settled
from engine.io.interpreter import shared_fairly
from engine.io.journal import Journal
from engine.words import LoopChoice
from tests.bench.house import build
from tests.bench.latency import in_turns, line_of, sending
from tests.bench.market import NOW_S, scene
from tests.bench.receivers import Stopwatch, house

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.latency import Pace
    from tests.bench.measure import Rounds

#: Names of the variants, and how the owner says them; `auto` is uvloop where the bench runs.
VARIANTS = {"asyncio": LoopChoice.ASYNCIO, "uvloop": LoopChoice.AUTO}


def loops(pace: Pace, rounds: int) -> Rounds:
    """So many good rounds after one that warms up.

    Returns:
        For each round ``asyncio p50`` and so on in microseconds, and ``asyncio cpu`` in microseconds a
        packet; of ``uvloop`` the same.
    """
    market = scene(pace.positions)
    monitor = build(market, Stopwatch)
    clock = SystemClock(datetime.fromtimestamp(NOW_S, ZoneInfo("Asia/Kolkata")))
    with (
        TemporaryDirectory(prefix="bench-") as place,
        closing(Journal(Path(place) / "journal.sqlite3")) as journal,
        sending(pace) as sender,
    ):
        port = int(line_of(sender))

        async def hear(_name: str) -> Callable[[], dict[str, float]]:
            with settled(), shared_fairly():  # as the house has it
                await house(port, market, monitor, journal, clock, pace.packets)
            return dict

        return in_turns(list(VARIANTS), hear, monitor, sender, rounds, loop=VARIANTS.__getitem__)
