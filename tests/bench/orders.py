"""The part about the order call itself: how soon its bytes are at the venue, and by whom."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import TYPE_CHECKING

from tests.bench.measure import Rounds, percentile, repeat
from tests.bench.order_venue import WAYS, order_calls, order_desk_process

if TYPE_CHECKING:
    from tests.bench.order_venue import Desk

#: Between two orders, so that each finds an idle house.
_APART_S = 0.004
#: So many leave together where an exit begins.
_TOGETHER = 4


def calls(orders: int, rounds: int) -> Rounds:
    """So many orders of each way in each good round, in turn.

    Returns:
        For each way ``direct sent p50``, from the call to its last byte at the venue, ``direct back p50``,
        to the answer, ``direct four p50``, of four together until the last is there, in microseconds; and
        ``direct cpu``, of this process for each order that went alone.

    Raises:
        AssertionError: an order was not taken.
    """
    with order_desk_process(0.0) as desk:
        return repeat(lambda: asyncio.run(_round(desk, orders)), rounds)


async def _round(desk: Desk, orders: int) -> dict[str, float]:
    gc.collect()
    sent: dict[str, list[float]] = {way: [] for way in WAYS}
    back: dict[str, list[float]] = {way: [] for way in WAYS}
    four: dict[str, list[float]] = {way: [] for way in WAYS}
    cpu_s = dict.fromkeys(WAYS, 0.0)
    async with order_calls(desk) as ways:
        for number in range(orders):
            for way, call in ways.items():
                await asyncio.sleep(_APART_S)
                cpu, began = time.process_time(), time.monotonic_ns()
                arrived = await call()
                sent[way].append((arrived - began) / 1e3)
                back[way].append((time.monotonic_ns() - began) / 1e3)
                cpu_s[way] += time.process_time() - cpu
                if number % _TOGETHER == 0:
                    await asyncio.sleep(_APART_S)
                    began = time.monotonic_ns()
                    arrivals = await asyncio.gather(*(call() for _ in range(_TOGETHER)))
                    four[way].append((max(arrivals) - began) / 1e3)
    found: dict[str, float] = {}
    for way in WAYS:
        for name, spans in (("sent", sent[way]), ("back", back[way]), ("four", four[way])):
            for share_name, share in (("p50", 0.5), ("p99", 0.99)):
                found[f"{way} {name} {share_name}"] = percentile(spans, share)
        found[f"{way} cpu"] = cpu_s[way] / orders * 1e6
    return found
