"""The part about the way in: what a Full packet costs from the socket to the last price, when many wait.

All clients read the same bytes from another process (`tests.bench.bulk`), one packet a message, many messages
in a segment, and keep the last of each instrument. CPU time of this process from the first packets a client
hands over to the last, so that neither handshake nor subscription counts.
"""

from __future__ import annotations

import gc
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.bench import readers
from tests.bench.bulk import Bulk
from tests.bench.market import scene
from tests.bench.measure import Rounds, repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VARIANTS = ("floor", "ours", "fallback", "websockets", "dhanhq")


class Meter:
    """Keeps the last of each instrument, and looks at the clock at the first and at the last packet."""

    def __init__(self, bulk: Bulk, packets: int) -> None:
        self.last: dict[Any, Any] = {}
        self.cost_us = 0.0
        self._bulk = bulk
        self._left = packets
        self._began_s = 0.0
        self._measured = 0

    def ticks(self, ticks: Sequence[Any]) -> None:
        """Our ticks."""
        for tick in ticks:
            self.last[tick.key] = tick
        self._count(len(ticks))

    def dicts(self, dicts: Sequence[Any]) -> None:
        """What dhanhq makes of a packet."""
        for one in dicts:
            self.last[one["security_id"]] = one
        self._count(len(dicts))

    def messages(self, messages: Sequence[Any]) -> None:
        """What nobody has parsed."""
        for one in messages:
            self.last[one[4:8]] = one
        self._count(len(messages))

    def _count(self, number: int) -> None:
        now_s = time.process_time()
        self._left -= number
        if not self._began_s:
            self._began_s, self._measured = now_s, self._left
        if self._left <= 0:
            if not self._measured:
                raise AssertionError("all packets came at once: there is nothing between first and last")
            self.cost_us = (now_s - self._began_s) / self._measured * 1e6
            self._bulk.end()  # no client then waits for the answer to its goodbye
            raise readers.Over


def receiving(positions: int, packets: int, rounds: int) -> Rounds:
    """CPU microseconds a packet of each client; ``contracts`` is how many instruments each has seen.

    ``ours`` is the house's feed; ``fallback`` the same feed by `websockets`.
    """
    market = scene(positions)
    with Bulk.of(positions, packets) as bulk:
        port, grid = bulk.port, market.grid
        ways: dict[str, Callable[[Meter], None]] = {
            "floor": lambda meter: readers.floor(port, meter.messages),
            "ours": lambda meter: readers.ours(port, meter.ticks, market),
            "fallback": lambda meter: readers.ours(port, meter.ticks, market, by="websockets"),
            "websockets": lambda meter: readers.websockets(port, meter.ticks, grid),
            "dhanhq": lambda meter: readers.dhanhq(port, meter.dicts),
        }
        return repeat(partial(_round, bulk, packets, ways), rounds)


def _round(bulk: Bulk, packets: int, ways: dict[str, Callable[[Meter], None]]) -> dict[str, float]:
    """Each client once."""
    found, seen = {}, set()
    for name in VARIANTS:
        gc.collect()
        meter = Meter(bulk, packets)
        bulk.send()
        ways[name](meter)
        bulk.began_ns()
        found[name] = meter.cost_us
        seen.add(len(meter.last))
    if len(seen) != 1:
        raise AssertionError(f"the clients have seen {seen} contracts")
    return found | {"contracts": float(*seen)}
