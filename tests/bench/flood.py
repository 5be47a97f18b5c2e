"""The part of the floods: 20,000 and 40,000 packets a second, floor and house in turn, by age and by CPU.

Like the latency part (`tests.bench.latency`), only faster, and with what both have used of the processor:
below the floor's CPU time nothing written in Python can go.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from contextlib import ExitStack, closing
from datetime import datetime
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.io.clock import SystemClock
from engine.io.heap import settled
from engine.io.interpreter import shared_fairly
from engine.io.journal import Journal
from tests.bench.house import build
from tests.bench.latency import VOID_SHARE, ages, line_of, sending
from tests.bench.market import NOW_S, scene
from tests.bench.measure import Rounds, percentile, repeat
from tests.bench.receivers import Stopwatch, floor, house

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.latency import Pace


def flood(pace: Pace, rounds: int) -> Rounds:
    """One rate: so many good rounds after one that warms up.

    Returns:
        For each round ``floor p50``, ``house p99`` and so on in microseconds, ``floor cpu`` and ``house
        cpu`` in microseconds a packet; of the house also the p99 of its ``first`` and ``last`` second, and
        which share of all packets was ``decided`` about, and not overtaken by newer ones; the sender's
        ``rate`` and ``late``.
    """
    market = scene(pace.positions)
    monitor = build(market, Stopwatch)
    clock = SystemClock(datetime.fromtimestamp(NOW_S, ZoneInfo("Asia/Kolkata")))
    with ExitStack() as held:
        place = Path(held.enter_context(TemporaryDirectory(prefix="bench-flood-")))
        journal = held.enter_context(closing(Journal(place / "journal.sqlite3")))
        sender = held.enter_context(sending(pace, "tests.bench.flood_sender"))
        port = int(line_of(sender))

        async def heard() -> None:
            with settled(), shared_fairly():  # as the house has it
                await house(port, market, monitor, journal, clock, pace.packets)

        def one_round() -> dict[str, float]:
            gc.collect()
            began_s = time.process_time()
            floor_ns = floor(port, pace.packets)
            between_s = time.process_time()
            first = json.loads(line_of(sender))
            asyncio.run(heard())
            ended_s = time.process_time()
            second = json.loads(line_of(sender))
            return {
                **ages("floor", floor_ns),
                **ages("house", monitor.ticks_ns),
                **seconds(monitor.ticks_ns, pace.packets / pace.rate),
                "decided": len(monitor.ticks_ns) / pace.packets,
                "floor cpu": (between_s - began_s) / pace.packets * 1e6,
                "house cpu": (ended_s - between_s) / pace.packets * 1e6,
                "rate": min(first["rate"], second["rate"]),
                "late": max(first["late_us"], second["late_us"]),
            }

        one_round()
        return repeat(one_round, rounds, VOID_SHARE)


def seconds(ages_ns: Sequence[int], lasted_s: float) -> dict[str, float]:
    """The p99 of the first and of the last second of a round, in microseconds, ages in their order."""
    span = ceil(len(ages_ns) / max(lasted_s, 1.0))
    parts = {"first": ages_ns[:span], "last": ages_ns[-span:]}
    return {f"{name} p99": percentile(part, 0.99) / 1e3 for name, part in parts.items()}
