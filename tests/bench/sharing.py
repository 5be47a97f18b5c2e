"""What the price mirror does to the way of a tick: Redis working, hanging, full, and none at all, in turn.

The same house, pace and sender as in the latency part. The claim is about ratios within a round, so the
four take turns in each of them.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.io.clock import SystemClock
from engine.io.journal import Journal
from tests.bench.house import build
from tests.bench.latency import in_turns, line_of, sending
from tests.bench.market import NOW_S, scene
from tests.bench.measure import Rounds
from tests.bench.receivers import Stopwatch, house
from tests.support.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

        async def heard(name: str) -> Callable[[], dict[str, float]]:
            url = None if name == "none" else server.url
            await house(port, market, monitor, journal, clock, pace.packets, url)
            return dict

        @contextmanager
        def beside(name: str) -> Iterator[None]:
            {"hangs": server.freeze, "full": server.fill}.get(name, server.thaw)()
            yield
            {"hangs": server.thaw, "full": server.empty}.get(name, server.thaw)()

        return in_turns(VARIANTS, heard, monitor, sender, rounds, beside)
