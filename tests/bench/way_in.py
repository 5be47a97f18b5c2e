"""All parts about the way in, one after the other: decoding closer, receiving, a burst on a whole socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import report_way_in as report
from tests.bench.burst import burst
from tests.bench.reading import TOGETHER, reading
from tests.bench.receiving import receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

#: As many instruments as Dhan allows on one socket.
_SOCKET = 5_000
#: Fewer packets may come with one look at the network, and then there is nothing to measure.
_FEWEST = 2_500
_BURSTS = 10


def way_in(positions: int, packets: int, rounds: int) -> Iterator[str]:
    """The pages, each as soon as it is there; the last two parts take larger rounds, and fewer of them."""
    few = min(rounds, 4)
    yield report.reading(reading(positions, packets, rounds), packets, TOGETHER)
    many = max(3 * packets, _FEWEST)
    yield report.receiving(receiving(positions, many, few), many)
    many = min(packets, _SOCKET)
    yield report.burst(burst(positions, many, min(rounds + 1, _BURSTS), few), positions, many)
