"""What the price mirror does to the way of a tick: Redis working, hanging, full, and none at all, in turn.

The same house, pace and sender as in the latency part. The claim is about ratios within a round, so the
four take turns in each of them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import tempfile
import time
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.io.clock import SystemClock
from engine.io.journal import Journal
from tests.bench.house import build
from tests.bench.latency import VOID_SHARE, ages, line_of, sending
from tests.bench.market import NOW_S, scene
from tests.bench.measure import Rounds, repeat
from tests.bench.receivers import Stopwatch, house
from tests.support.redis_server import RedisServer

if TYPE_CHECKING:
    from tests.bench.latency import Pace

#: Names of the variants, in the order of a round.
VARIANTS = ("none", "works", "hangs", "full")


def sharing(pace: Pace, rounds: int) -> Rounds:
    """Part 7: so many good rounds after one that warms up.

    Returns:
        For each round ``works p99`` and so on in microseconds, and ``works cpu`` in microseconds a tick.

    Raises:
        AssertionError: a packet is missing.
    """
    market = scene(pace.positions)
    monitor = build(market, Stopwatch)
    clock = SystemClock(datetime.fromtimestamp(NOW_S, ZoneInfo("Asia/Kolkata")))
    home = Path(tempfile.mkdtemp(prefix="bench-redis-"))
    with ExitStack() as held:
        held.callback(shutil.rmtree, home)
        server = RedisServer(home)
        held.callback(server.kill)
        asyncio.run(server.start())
        journal = held.enter_context(closing(Journal(home / "journal.sqlite3")))
        sender = held.enter_context(sending(pace))
        port = int(line_of(sender))

        def one(name: str) -> dict[str, float]:
            gc.collect()
            {"hangs": server.freeze, "full": server.fill}.get(name, server.thaw)()
            began_s = time.process_time()
            url = None if name == "none" else server.url
            asyncio.run(house(port, market, monitor, journal, clock, pace.packets, url))
            cpu_s = time.process_time() - began_s
            {"hangs": server.thaw, "full": server.empty}.get(name, server.thaw)()
            json.loads(line_of(sender))
            if len(monitor.ticks_ns) != pace.packets:
                raise AssertionError(f"{len(monitor.ticks_ns)} ticks")
            return {**ages(name, monitor.ticks_ns), f"{name} cpu": cpu_s / pace.packets * 1e6}

        def one_round() -> dict[str, float]:
            return {key: value for name in VARIANTS for key, value in one(name).items()}

        one_round()
        return repeat(one_round, rounds, VOID_SHARE)
