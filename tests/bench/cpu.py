"""The parts measured in CPU time: decoding, the whole way of a tick, and what position count costs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dhanhq.marketfeed import MarketFeed

from engine.messages import Ticks
from engine.monitor import Monitor
from engine.wire import decode
from tests.bench.house import alerts, build, check_pnl, requote
from tests.bench.market import NOW_S, packet, scene, small_packets, walk
from tests.bench.measure import Rounds, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.model import InstrumentKey
    from tests.bench.market import Scene

#: Virtual time between two ticks: no round lasts so long that a quote grows old.
STEP_S = 2e-5
LUNGE_EVERY = 500
HOT = 8


def dhanhq_parse() -> Callable[[bytes], Any]:
    """The parser of dhanhq, without the constructor that would install an event loop."""
    feed = object.__new__(MarketFeed)
    feed.on_close = None
    parse: Callable[[bytes], Any] = feed.process_data
    return parse


def decoding(positions: int, packets: int, rounds: int) -> Rounds:
    """Part 1: our decoder and dhanhq's on the same bytes; variants are ``kind/who``."""
    market = scene(positions)
    moves = list(walk(market, market.held, packets))
    ticker, quote = zip(*map(small_packets, moves), strict=True)
    parse, grid = dhanhq_parse(), market.grid
    variants: dict[str, Callable[[], None]] = {}
    for kind, frames in (("ticker", ticker), ("quote", quote), ("full", [packet(move) for move in moves])):
        variants[f"{kind}/ours"] = _decoder(frames, grid)
        variants[f"{kind}/dhanhq"] = _parser(frames, parse)
    return compare(variants, rounds)


def _decoder(frames: Sequence[bytes], grid: Mapping[InstrumentKey, int]) -> Callable[[], None]:
    def run() -> None:
        for frame in frames:
            decode(frame, grid)

    return run


def _parser(frames: Sequence[bytes], parse: Callable[[bytes], object]) -> Callable[[], None]:
    def run() -> None:
        for frame in frames:
            parse(frame)

    return run


class Stream:
    """Ticks that are run again and again.

    Attributes:
        lunges: how many of them must end in an alert; ``told``: how many did in the last run.
    """

    def __init__(self, market: Scene, ticks: int, hot: int | None = None, *, lunges: bool = True) -> None:
        """Over all contracts that three positions hold, or over the first few."""
        every = LUNGE_EVERY if lunges else 0
        self.moves = list(walk(market, market.held[:hot], ticks, lunge_every=every))
        self.frames = [packet(move) for move in self.moves]
        self.lunges = sum(move.lunge for move in self.moves)
        self.told = 0


class Drive:
    """One monitor, and the streams that run through it one after the other in each round."""

    def __init__(self, market: Scene) -> None:
        self.market = market
        self._grid = self.market.grid
        self._monitor = build(self.market, Monitor)
        self._now_s = NOW_S
        self._ran: list[Stream] = []

    def prepare(self) -> None:
        """Quote everything anew, at its usual price."""
        self._ran.clear()
        requote(self._monitor, self.market, self._now_s)

    def run(self, stream: Stream) -> None:
        """Each frame: decode, price book, P&L, rules; count what comes of it."""
        handle, grid, now_s, told = self._monitor.handle, self._grid, self._now_s, 0
        for frame in stream.frames:
            now_s += STEP_S
            effects = handle(Ticks(decode(frame, grid)), now_s)
            if effects:
                told += alerts(effects)
        self._now_s, stream.told = now_s, told
        self._ran.append(stream)

    def check(self) -> None:
        """See that the last round did what it is measured for.

        Raises:
            AssertionError: an alert is missing or too many, or a P&L is not what the prices make it.
        """
        for stream in self._ran:
            if stream.told != stream.lunges:
                raise AssertionError(f"{stream.told} alerts for {stream.lunges} lunges")
        moves = [move for stream in self._ran for move in stream.moves]
        check_pnl(self._monitor, self.market, moves, self._now_s, every=7)


def whole_way(positions: int, ticks: int, rounds: int) -> Rounds:
    """Part 2: decode, book, P&L and rules beside dhanhq's parser alone, on the same full packets.

    Returns:
        CPU seconds of ``ours``, of ``dhanhq``, and of ``busy``: ours with all ticks on a few contracts.
    """
    drive = Drive(scene(positions))
    stream, busy = Stream(drive.market, ticks), Stream(drive.market, ticks, HOT)
    variants = {
        "ours": partial(drive.run, stream),
        "dhanhq": _parser(stream.frames, dhanhq_parse()),
        "busy": partial(drive.run, busy),
    }
    _warm(drive, stream, busy)
    found = compare(variants, rounds, drive.prepare)
    drive.check()
    return found


def by_positions(few: int, many: int, ticks: int, rounds: int) -> Rounds:
    """Part 4: the same ticks on the same contracts with few and with many positions around them.

    Returns:
        CPU seconds with ``few`` and ``many`` positions, and with many and ticks ``spread`` over all.
    """
    small, large = Drive(scene(few)), Drive(scene(many))
    near, far, spread = (
        Stream(small.market, ticks, HOT),
        Stream(large.market, ticks, HOT),
        Stream(large.market, ticks),
    )
    _warm(small, near)
    _warm(large, far, spread)

    def prepare() -> None:
        small.prepare()
        large.prepare()

    variants = {
        "few": partial(small.run, near),
        "many": partial(large.run, far),
        "spread": partial(large.run, spread),
    }
    found = compare(variants, rounds, prepare)
    small.check()
    large.check()
    return found


def _warm(drive: Drive, *streams: Stream) -> None:
    """Run once: peaks and troughs of a first look at this market are not what is measured."""
    drive.prepare()
    for stream in streams:
        drive.run(stream)
