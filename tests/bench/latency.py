"""The part measured by the wall clock: from the sending of a packet to the decision about it.

Another process sends stamped packets over a loopback WebSocket at a steady pace; floor and house
(`tests.bench.receivers`) read them in turn. Both processes look at the same monotonic clock.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.io import event_loop
from engine.io.clock import SystemClock
from engine.io.journal import Journal
from engine.words import LoopChoice
from tests.bench.house import build
from tests.bench.market import NOW_S, scene, walk
from tests.bench.measure import Rounds, percentile, repeat
from tests.bench.receivers import Stopwatch, floor, house

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from contextlib import AbstractContextManager


_ROOT = Path(__file__).parents[2]
#: How much of a round this process may wait for a core. Each of its 5,000 wake-ups a second waits for
#: some microseconds, four per cent in all, on a machine that does nothing else.
VOID_SHARE = 0.06


@dataclass(frozen=True, slots=True)
class Pace:
    """One round: so many packets at so many a second, every n-th of them a lunge or its end."""

    positions: int
    packets: int
    rate: int
    lunge_every: int


def latency(pace: Pace, rounds: int, *, complete: bool = True) -> Rounds:
    """Part 3: floor and house in turn, so many good rounds after one that warms up.

    ``complete``: that a packet was overtaken by a newer one of its contract is a failure.

    Returns:
        For each round ``floor p50``, ``house p99`` and so on in microseconds, for ``alert`` also its
        ``max``; of the sender its ``rate`` in packets a second and ``late``, its worst lateness in
        microseconds.

    Raises:
        AssertionError: a packet or an alert is missing or too many.
    """
    market = scene(pace.positions)
    lunges = sum(move.lunge for move in walk(market, market.held, pace.packets, lunge_every=pace.lunge_every))
    monitor = build(market, Stopwatch)
    clock = SystemClock(datetime.fromtimestamp(NOW_S, ZoneInfo("Asia/Kolkata")))
    with (
        TemporaryDirectory(prefix="bench-") as place,
        closing(Journal(Path(place) / "journal.sqlite3")) as journal,
        sending(pace) as sender,
    ):
        port = int(line_of(sender))

        def one_round() -> dict[str, float]:
            gc.collect()
            floor_ns, first = floor(port, pace.packets), json.loads(line_of(sender))
            asyncio.run(house(port, market, monitor, journal, clock, pace.packets))
            second = json.loads(line_of(sender))
            seen = len(monitor.ticks_ns), len(monitor.lunges_ns)
            if complete and seen != (pace.packets, lunges):
                raise AssertionError(f"{seen[0]} ticks, {seen[1]} alerts")
            return {
                **ages("floor", floor_ns),
                **ages("house", monitor.ticks_ns),
                **ages("alert", monitor.lunges_ns or [0]),
                "decided": seen[0] / pace.packets,
                "rate": min(first["rate"], second["rate"]),
                "late": max(first["late_us"], second["late_us"]),
            }

        one_round()
        return repeat(one_round, rounds, VOID_SHARE)


def ages(who: str, ages_ns: Sequence[int]) -> dict[str, float]:
    """Percentiles of a round, in microseconds."""
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {f"{who} {name}": percentile(ages_ns, share) / 1e3 for name, share in shares.items()}


def in_turns(
    names: Sequence[str],
    hear: Callable[[str], Coroutine[object, object, Callable[[], dict[str, float]]]],
    monitor: Stopwatch,
    sender: subprocess.Popen[str],
    rounds: int,
    beside: Callable[[str], AbstractContextManager[object]] = lambda _name: nullcontext(),
    *,
    loop: Callable[[str], LoopChoice] = lambda _name: LoopChoice.ASYNCIO,
    complete: bool = True,
) -> Rounds:
    """The house under several names, one after the other in each round; a round more warms up.

    ``hear`` lets the monitor hear all that the sender sends once, and brings what has more figures;
    ``beside`` is around it, not measured; ``loop``: which one it runs in; ``complete``: that a packet was
    overtaken is a failure.

    Returns:
        For each round of each name its `ages`, and its ``cpu`` in microseconds a tick.

    Raises:
        AssertionError: a packet is missing.
    """

    def one(name: str) -> dict[str, float]:
        gc.collect()
        with beside(name):
            began_s = time.process_time()
            more = event_loop.run(hear(name), loop(name))
            cpu_s = time.process_time() - began_s
        packets = json.loads(line_of(sender))["packets"]
        if complete and len(monitor.ticks_ns) != packets:
            raise AssertionError(f"{len(monitor.ticks_ns)} ticks")
        return {**ages(name, monitor.ticks_ns), f"{name} cpu": cpu_s / packets * 1e6, **more()}

    def one_round() -> dict[str, float]:
        return {key: value for name in names for key, value in one(name).items()}

    one_round()
    return repeat(one_round, rounds, VOID_SHARE)


def sending(pace: Pace, module: str = "tests.bench.sender") -> subprocess.Popen[str]:
    """Start the other process; leaving its context ends it."""
    numbers = (pace.positions, pace.packets, pace.rate, pace.lunge_every)
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", module, *map(str, numbers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )


def line_of(sender: subprocess.Popen[str]) -> str:
    """The next line that the sender writes.

    Raises:
        AssertionError: it has ended.
    """
    line = sender.stdout.readline() if sender.stdout else ""
    if not line:
        raise AssertionError("the sender has ended")
    return line
