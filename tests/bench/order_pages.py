"""The parts about orders, in the size that is asked for."""

from __future__ import annotations

from typing import NamedTuple

from tests.bench import orders_report
from tests.bench.latency import Pace
from tests.bench.orders import calls
from tests.bench.orders_beside import beside_ticks, waiting
from tests.bench.part import Result, Size


class Extent(NamedTuple):
    """Orders by each way in each round, of which there are so many; the ticks beside which orders leave."""

    orders: int
    rounds: int
    pace: Pace


_EXTENTS = {
    Size.FULL: Extent(200, 3, Pace(1_000, 15_000, 5_000, 500)),
    Size.QUICK: Extent(20, 1, Pace(100, 2_500, 5_000, 250)),
    Size.TINY: Extent(3, 1, Pace(24, 400, 5_000, 20)),
}


def called(size: Size) -> Result:
    """How soon an order is at the venue."""
    extent = _EXTENTS[size]
    found = calls(extent.orders, extent.rounds)
    return Result(orders_report.calls(found, extent.orders), found)


def waited(size: Size) -> Result:
    """What one that waits for its answer does to the loop."""
    found = waiting(_EXTENTS[size].rounds)
    return Result(orders_report.waiting(found), found)


def beside(size: Size) -> Result:
    """What many orders do to a tick."""
    extent = _EXTENTS[size]
    found = beside_ticks(extent.pace, extent.rounds)
    return Result(orders_report.beside_ticks(found, extent.pace), found)
