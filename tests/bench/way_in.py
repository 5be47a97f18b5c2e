"""The parts about the way in: decoding closer, receiving, a burst on a whole socket."""

from __future__ import annotations

from typing import NamedTuple

from tests.bench import report_way_in as report
from tests.bench.burst import burst
from tests.bench.part import Result, Size
from tests.bench.reading import TOGETHER, reading
from tests.bench.receiving import receiving


class Extent(NamedTuple):
    """So many positions, packets and good rounds; the last two parts take fewer and larger rounds.

    ``received``: packets of a round by the network; ``instruments`` of a burst, at most as many as Dhan
    allows on one socket, and so many ``bursts`` a round.
    """

    positions: int
    packets: int
    rounds: int
    received: int
    instruments: int
    bursts: int
    few_rounds: int


#: Fewer than 2,500 packets may come with one look at the network, and then there is nothing to measure.
_EXTENTS = {
    Size.FULL: Extent(1_000, 10_000, 5, 30_000, 5_000, 10, 3),
    Size.QUICK: Extent(100, 1_000, 2, 3_000, 1_000, 3, 2),
    Size.TINY: Extent(24, 60, 1, 2_500, 60, 2, 1),
}  # fmt: skip


def read(size: Size) -> Result:
    """Decoding, alone and together, beside dhanhq."""
    extent = _EXTENTS[size]
    found = reading(extent.positions, extent.packets, extent.rounds)
    return Result(report.reading(found, extent.packets, TOGETHER), found)


def receive(size: Size) -> Result:
    """From the socket, beside dhanhq's feed, plain websockets and a floor."""
    extent = _EXTENTS[size]
    found = receiving(extent.positions, extent.received, extent.few_rounds)
    return Result(report.receiving(found, extent.received), found)


def bursts(size: Size) -> Result:
    """A whole socket at once."""
    extent = _EXTENTS[size]
    found = burst(extent.positions, extent.instruments, extent.bursts, extent.few_rounds)
    return Result(report.burst(found, extent.positions, extent.instruments), found)
