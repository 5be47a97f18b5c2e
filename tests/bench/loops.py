"""The part about the event loop: the house of the latency part in Python's own and in uvloop, in turn."""

from __future__ import annotations

import gc
import json
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.io import event_loop
from engine.io.clock import SystemClock
from engine.io.heap import settled
from engine.io.interpreter import shared_fairly
from engine.io.journal import Journal
from engine.words import LoopChoice
from tests.bench.house import build
from tests.bench.latency import VOID_SHARE, ages, line_of, sending
from tests.bench.market import NOW_S, scene
from tests.bench.measure import Rounds, repeat
from tests.bench.receivers import Stopwatch, house

if TYPE_CHECKING:
    from tests.bench.latency import Pace

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

        async def heard() -> None:
            with settled(), shared_fairly():  # as the house has it
                await house(port, market, monitor, journal, clock, pace.packets)

        def one(name: str) -> dict[str, float]:
            gc.collect()
            began_s = time.process_time()
            event_loop.run(heard(), VARIANTS[name])
            cpu_s = time.process_time() - began_s
            json.loads(line_of(sender))
            return {**ages(name, monitor.ticks_ns), f"{name} cpu": cpu_s / pace.packets * 1e6}

        def one_round() -> dict[str, float]:
            return one("asyncio") | one("uvloop")

        one_round()
        return repeat(one_round, rounds, VOID_SHARE)
