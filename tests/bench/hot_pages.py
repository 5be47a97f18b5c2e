"""The parts about floods, crowded contracts and side work, in the size that is asked for."""

from __future__ import annotations

from typing import NamedTuple

from tests.bench import hot_report
from tests.bench.flood import flood
from tests.bench.latency import Pace
from tests.bench.loops import loops
from tests.bench.part import Result, Size
from tests.bench.side import VARIANTS, side
from tests.bench.touched import touched


class Extent(NamedTuple):
    """Rounds of the two floods and of the side work, of which there are ``few``; the rest as in `touched`."""

    flood: Pace
    storm: Pace
    side: Pace
    few: int
    positions: int
    copies: int
    ticks: int
    rounds: int


_EXTENTS = {
    Size.FULL: Extent(
        Pace(1_000, 40_000, 20_000, 10_000), Pace(1_000, 120_000, 40_000, 10_000),
        Pace(1_000, 10_000, 5_000, 500), 2, 1_000, 50, 20_000, 7,
    ),
    Size.QUICK: Extent(
        Pace(100, 4_000, 20_000, 1_000), Pace(100, 8_000, 40_000, 1_000), Pace(100, 2_500, 5_000, 250),
        1, 100, 10, 2_000, 2,
    ),
    Size.TINY: Extent(
        Pace(24, 600, 20_000, 100), Pace(24, 1_200, 40_000, 100), Pace(24, 400, 5_000, 20),
        1, 24, 2, 1_200, 1,
    ),
}  # fmt: skip


def flooded(size: Size) -> Result:
    """How near the floor the house is."""
    extent = _EXTENTS[size]
    found = flood(extent.flood, extent.few)
    return Result(hot_report.flood(found, extent.flood, grows=False), found)


def stormed(size: Size) -> Result:
    """Whether a backlog grows."""
    extent = _EXTENTS[size]
    found = flood(extent.storm, extent.few)
    return Result(hot_report.flood(found, extent.storm, grows=True), found)


def held(size: Size) -> Result:
    """What one more touched position costs."""
    extent = _EXTENTS[size]
    found = touched(extent.positions, extent.copies, extent.ticks, extent.rounds)
    return Result(hot_report.touched(found, extent.positions, extent.copies, extent.ticks), found)


def beside(size: Size) -> Result:
    """What other work in the loop does to a tick."""
    extent = _EXTENTS[size]
    found = side(extent.side, extent.few)
    return Result(hot_report.side(found, extent.side, VARIANTS), found)


def turned(size: Size) -> Result:
    """What another event loop gives."""
    extent = _EXTENTS[size]
    found = loops(extent.side, extent.rounds)
    return Result(hot_report.loops(found, extent.side), found)
