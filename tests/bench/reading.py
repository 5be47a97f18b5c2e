"""The part about decoding: our decoder and dhanhq's on the same bytes.

Dhan sends a packet a message. When the network brings many messages at once, they are decoded together, so
that is measured too; what is compared with dhanhq is always the cost of one packet.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from engine.messages import Tick
from engine.prices import PriceBook
from engine.wire import decode_frames, depth
from tests.bench.cpu import dhanhq_parse
from tests.bench.market import NOW_S, packet, scene, small_packets, walk
from tests.bench.measure import Rounds, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.model import InstrumentKey

    Grid = Mapping[InstrumentKey, int]

#: So many messages come with one read of 16 KiB.
TOGETHER = 98
KINDS = ("full", "quote", "ticker")


def reading(positions: int, packets: int, rounds: int) -> Rounds:
    """CPU seconds of each variant, by ``kind/variant``.

    ``dhanhq``: its `process_data`. ``alone``: a call for each packet. ``together``: many packets a call.
    ``book``: many packets a call, and each tick into the price book. ``rest``: many packets a call, and then
    every number asked for that a tick of that kind has. ``levels``: of a Full packet the book made, none of
    it read. ``sides``: what anybody of ours asks of it, prices and quantities of both sides. ``all``: every
    number of its five levels.
    """
    market = scene(positions)
    moves = list(walk(market, market.held, packets))
    ticker, quote = zip(*map(small_packets, moves), strict=True)
    frames = {"full": [packet(move) for move in moves], "quote": quote, "ticker": ticker}
    parse, grid = dhanhq_parse(), market.grid
    variants: dict[str, Callable[[], None]] = {}
    for kind in KINDS:
        variants[f"{kind}/dhanhq"] = _theirs(frames[kind], parse)
        variants[f"{kind}/alone"] = _alone(frames[kind], grid)
        variants[f"{kind}/together"] = _together(frames[kind], grid, lambda _ticks: None)
        variants[f"{kind}/book"] = _together(frames[kind], grid, _into(PriceBook()))
        variants[f"{kind}/rest"] = _together(frames[kind], grid, _ask)
    variants["full/levels"] = _together(frames["full"], grid, _ask_book)
    variants["full/sides"] = _together(frames["full"], grid, _ask_sides)
    variants["full/all"] = _together(frames["full"], grid, _ask_all)
    return compare(variants, rounds, gc.collect)


def _theirs(frames: Sequence[bytes], parse: Callable[[bytes], object]) -> Callable[[], None]:
    def run() -> None:
        for frame in frames:
            parse(frame)

    return run


def _alone(frames: Sequence[bytes], grid: Grid) -> Callable[[], None]:
    def run() -> None:
        for frame in frames:
            decode_frames((frame,), grid)

    return run


def _together(
    frames: Sequence[bytes], grid: Grid, then: Callable[[Sequence[Tick]], None]
) -> Callable[[], None]:
    handfuls = [frames[at : at + TOGETHER] for at in range(0, len(frames), TOGETHER)]

    def run() -> None:
        for handful in handfuls:
            then(decode_frames(handful, grid)[0])

    return run


def _into(book: PriceBook) -> Callable[[Sequence[Tick]], None]:
    def run(ticks: Sequence[Tick]) -> None:
        for tick in ticks:
            book.take(tick, NOW_S)

    return run


def _ask(ticks: Sequence[Tick]) -> None:
    for tick in ticks:
        tick.ltt_s  # noqa: B018 - the first question reads all the rest of the packet


def _ask_book(ticks: Sequence[Tick]) -> None:
    for tick in ticks:
        depth(tick)


def _ask_sides(ticks: Sequence[Tick]) -> None:
    for tick in ticks:
        book = depth(tick)
        book.bids, book.asks  # noqa: B018 - read when asked for


def _ask_all(ticks: Sequence[Tick]) -> None:
    for tick in ticks:
        depth(tick).levels  # noqa: B018 - as above
