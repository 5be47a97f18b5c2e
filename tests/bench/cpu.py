"""The parts measured in CPU time: decoding, the whole way of a tick, and what position count costs."""

from __future__ import annotations

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
    from tests.bench.market import Move, Scene

#: Virtual time between two ticks: no round lasts so long that a quote grows old.
_STEP_S = 2e-5
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


class Drive:
    """One monitor and one stream of ticks, run again and again.

    Attributes:
        told: alerts of the last run.
    """

    def __init__(self, market: Scene, monitor: Monitor, moves: Sequence[Move]) -> None:
        self.market, self.monitor, self.moves = market, monitor, moves
        self.frames = [packet(move) for move in moves]
        self.lunges = sum(move.lunge for move in moves)
        self.now_s = NOW_S
        self.told = 0
        self._grid = market.grid

    def prepare(self) -> None:
        """Everything is quoted anew, at its usual price."""
        requote(self.monitor, self.market, self.now_s)

    def run(self) -> None:
        """Each frame: decode, price book, P&L, rules; count what comes of it."""
        handle, grid, now_s, told = self.monitor.handle, self._grid, self.now_s, 0
        for frame in self.frames:
            now_s += _STEP_S
            effects = handle(Ticks(decode(frame, grid)), now_s)
            if effects:
                told += alerts(effects)
        self.now_s, self.told = now_s, told

    def check(self, *earlier: Move) -> None:
        """See that the run did what it is measured for.

        Args:
            earlier: what has moved the same monitor since it was last quoted, before this run.

        Raises:
            AssertionError: an alert is missing or too many, or a P&L is not what the prices make it.
        """
        if self.told != self.lunges:
            raise AssertionError(f"{self.told} alerts for {self.lunges} lunges")
        check_pnl(self.monitor, self.market, (*earlier, *self.moves), self.now_s, every=7)


def _drive(positions: int, ticks: int, hot: int | None = None, monitor: Monitor | None = None) -> Drive:
    """A drive over all contracts, or over the first few."""
    market = scene(positions)
    moves = list(walk(market, market.held[:hot], ticks, lunge_every=LUNGE_EVERY))
    return Drive(market, monitor or build(market, Monitor), moves)


def whole_way(positions: int, ticks: int, rounds: int) -> Rounds:
    """Part 2: decode, book, P&L and rules beside dhanhq's parser alone, on the same full packets."""
    drive = _drive(positions, ticks)
    parse = _parser(drive.frames, dhanhq_parse())
    drive.prepare()
    drive.run()  # peaks and troughs of a first look at this market are not what is measured
    found = compare({"ours": drive.run, "dhanhq": parse}, rounds, drive.prepare)
    drive.check()
    return found


def by_positions(few: int, many: int, ticks: int, rounds: int) -> Rounds:
    """Part 4: the same ticks on the same contracts with few and with many positions around them."""
    small, large = _drive(few, ticks, HOT), _drive(many, ticks, HOT)
    spread = _drive(many, ticks, monitor=large.monitor)
    drives = (small, large, spread)

    def prepare() -> None:
        for drive in drives:
            drive.now_s = max(drive.now_s for drive in drives)
            drive.prepare()

    prepare()
    for drive in drives:
        drive.run()
    prepare()
    found = compare({"few": small.run, "many": large.run, "spread": spread.run}, rounds, prepare)
    small.check()
    spread.check(*large.moves)
    return found
