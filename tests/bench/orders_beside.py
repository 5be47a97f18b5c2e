"""What orders do to the rest of the loop: timers while one waits, ticks while many leave."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.io.clock import SystemClock
from engine.io.dhan.http import READ_TIMEOUT_S
from engine.io.journal import Journal
from engine.messages import Accepted
from tests.bench.house import build
from tests.bench.latency import VOID_SHARE, ages, line_of, sending
from tests.bench.market import NOW_S, scene
from tests.bench.measure import Rounds, percentile, repeat
from tests.bench.order_venue import Ours, order_calls, order_desk_process
from tests.bench.receivers import Stopwatch, house

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.latency import Pace
    from tests.bench.order_venue import Call, Desk

#: While an order waits for so long; after three seconds ours is given up as unknown, and the look ends.
WAITS_S = (0.1, 60.0)
#: How often the timers want to be called.
_TICK_S = 0.002
#: While ticks come in, an order leaves this often: twice as often as Dhan allows.
_ORDER_EVERY_S = 0.05


def waiting(rounds: int, waits_s: Sequence[float] = WAITS_S) -> Rounds:
    """How late timers are while one order of ours waits for so long, and while none does.

    Returns:
        ``none p99``, ``0.1 max`` and so on in microseconds, and ``0.1 s``, the seconds that were looked at.

    Raises:
        AssertionError: an order was answered too soon.
    """
    with ExitStack() as held:
        desks = {wait_s: held.enter_context(order_desk_process(wait_s)) for wait_s in waits_s}

        def one_round() -> dict[str, float]:
            gc.collect()
            found = _late("none", *asyncio.run(_beside(None, max(waits_s[0], 0.5))))
            for wait_s, desk in desks.items():
                found |= _late(f"{wait_s:g}", *asyncio.run(_beside(desk, wait_s)))
            return found

        return repeat(one_round, rounds, VOID_SHARE)


def _late(name: str, late_us: Sequence[float], looked_s: float) -> dict[str, float]:
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {
        **{f"{name} {share_name}": percentile(late_us, share) for share_name, share in shares.items()},
        f"{name} s": looked_s,
    }


async def _beside(desk: Desk | None, wait_s: float) -> tuple[list[float], float]:
    """How late each timer was until the order was answered or given up, and how long that took."""
    late_us: list[float] = []
    began_s = time.monotonic()
    timers = asyncio.create_task(_timers(late_us))
    await asyncio.sleep(_TICK_S)
    if desk is None:
        await asyncio.sleep(wait_s)
    else:
        with ThreadPoolExecutor(4) as executor:
            ours = Ours(desk, executor, direct=True)
            outcome = await ours.rest.place(ours.order)
            if isinstance(outcome, Accepted) != (wait_s < READ_TIMEOUT_S):
                raise AssertionError(f"an order came to {outcome}")
            ours.rest.close()
    timers.cancel()
    await asyncio.wait({timers})
    return late_us, time.monotonic() - began_s


async def _timers(late_us: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + _TICK_S
        await asyncio.sleep(_TICK_S)
        late_us.append((loop.time() - due_s) * 1e6)


def beside_ticks(pace: Pace, rounds: int) -> Rounds:
    """Part 3's house, with no orders going out, with ours, and with dhanhq's on a thread, in turn.

    Returns:
        ``none p99``, ``direct p99`` and so on in microseconds; ``direct orders`` a second.

    Raises:
        AssertionError: a packet is missing, or no order left.
    """
    market = scene(pace.positions)
    monitor = build(market, Stopwatch)
    clock = SystemClock(datetime.fromtimestamp(NOW_S, ZoneInfo("Asia/Kolkata")))
    with (
        TemporaryDirectory(prefix="bench-") as place,
        closing(Journal(Path(place) / "journal.sqlite3")) as journal,
        order_desk_process(0.02) as desk,
        sending(pace) as sender,
    ):
        port = int(line_of(sender))

        async def one(way: str) -> int:
            begun = asyncio.Event()
            async with order_calls(desk, () if way == "none" else (way,)) as ways:
                leaving = [asyncio.create_task(_leave(call, begun)) for call in ways.values()]
                begun.set()
                await house(port, market, monitor, journal, clock, pace.packets)
                for task in leaving:
                    task.cancel()
                left = await asyncio.gather(*leaving)
            return sum(left)

        def one_round() -> dict[str, float]:
            found: dict[str, float] = {}
            for way in ("none", "direct", "dhanhq"):
                gc.collect()
                left = asyncio.run(one(way))
                rate = json.loads(line_of(sender))["rate"]
                if len(monitor.ticks_ns) != pace.packets or bool(left) != (way != "none"):
                    raise AssertionError(f"{way}: {len(monitor.ticks_ns)} ticks, {left} orders")
                found |= {**ages(way, monitor.ticks_ns), f"{way} orders": left / (pace.packets / rate)}
            return found

        one_round()
        return repeat(one_round, rounds, VOID_SHARE)


async def _leave(call: Call, begun: asyncio.Event) -> int:
    """Send an order again and again until cancelled; how many left."""
    await begun.wait()
    tasks: list[asyncio.Future[int]] = []
    try:
        while True:
            tasks.append(asyncio.ensure_future(call()))
            await asyncio.sleep(_ORDER_EVERY_S)
    except asyncio.CancelledError:
        await asyncio.gather(*tasks)
        return len(tasks)
