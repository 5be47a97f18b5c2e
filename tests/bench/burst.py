"""The part about a burst: all instruments of a socket tick at once, and how long the last of them waits.

Another process (`tests.bench.bulk`) sends 5,000 Full packets, a message each, as fast as the network takes
them; the clock runs from the beginning of that until the last of them was decided about. The next burst
is sent when the one before has been worked off. The house is the real one from socket to decision; beside
it dhanhq's feed hands each packet to the same monitor at once, with no queue in between.
"""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from engine.io import tables
from engine.io.clock import SystemClock
from engine.io.heap import THRESHOLDS
from engine.io.inbox import Inbox
from engine.io.journal import Journal
from engine.io.runner import Runner
from engine.io.schedule import Schedule
from engine.messages import Beat, BeatKind, Tick, Ticks
from engine.model import InstrumentKey
from engine.monitor import Monitor
from engine.wire import decode
from tests.bench import readers
from tests.bench.bulk import Bulk
from tests.bench.house import build, requote
from tests.bench.market import NOW_S, Move, packet, scene
from tests.bench.measure import Rounds, repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.effects import Effect, Record
    from engine.io.dhan.feed import DhanFeed
    from engine.messages import Message
    from tests.bench.market import Scene

VARIANTS = ("floor", "house", "fallback", "dhanhq")


class Bursts:
    """Counts packets, and has the next burst sent when one is worked off.

    Attributes:
        ages_ms, costs_ms: how long each burst took, and the CPU time of it; the first, with the handshake
            in it, is not among them.
    """

    def __init__(self, bulk: Bulk, packets: int, bursts: int) -> None:
        self.ages_ms: list[float] = []
        self.costs_ms: list[float] = []
        self._used_s = time.process_time()
        self._bulk = bulk
        self._packets = self._left = packets
        self._still = bursts
        bulk.send()

    def seen(self, messages: Sequence[Any]) -> None:
        """These are all that is to be done with them."""
        self.decided(len(messages))

    def decided(self, number: int) -> None:
        """So many more are done.

        Raises:
            Over: it was the last of the last burst.
        """
        self._left -= number
        if self._left > 0:
            return
        now_ns, used_s = time.monotonic_ns(), time.process_time()
        self.costs_ms.append((used_s - self._used_s) * 1e3)
        self.ages_ms.append((now_ns - self._bulk.began_ns()) / 1e6)
        if self._left:
            raise AssertionError(f"{-self._left} packets too many")
        self._left = self._packets
        if not self._still:
            del self.ages_ms[0], self.costs_ms[0]
            self._bulk.end()  # no client then waits for the answer to its goodbye
            raise readers.Over
        self._still -= 1
        self._used_s = time.process_time()
        self._bulk.send()


class Counting(Monitor):
    """A monitor that says how many ticks it has decided about."""

    _decided: Callable[[int], None] | None = None

    def begin(self, decided: Callable[[int], None] | None) -> None:
        """Whom to tell; None = nobody."""
        self._decided = decided

    def handle(self, message: Message, now_s: float) -> list[Effect]:
        """Handle it as every monitor does."""
        effects = super().handle(message, now_s)
        if type(message) is Ticks and self._decided:
            self._decided(len(message.ticks))
        return effects


def burst(positions: int, packets: int, bursts: int, rounds: int) -> Rounds:
    """Milliseconds until the last packet of a burst is decided: of each client the median and the worst.

    ``cpu``: the CPU time of this process in the median burst, which is what the machine cannot add to.
    """
    market = scene(positions)
    monitor = build(market, Counting)
    settle(monitor, market)
    clock = SystemClock(datetime.fromtimestamp(NOW_S + 10, ZoneInfo("Asia/Kolkata")))
    with (
        _collector_of_the_house(),
        TemporaryDirectory(prefix="bench-") as place,
        closing(Journal(Path(place) / "journal.sqlite3")) as journal,
        Bulk.of(positions, packets) as bulk,
    ):
        port = bulk.port

        def one_round() -> dict[str, float]:
            found: dict[str, float] = {}
            for name in VARIANTS:
                monitor.begin(None)
                requote(monitor, market, clock.now_s())
                gc.collect()
                told = Bursts(bulk, packets, bursts)
                monitor.begin(told.decided)
                if name == "floor":
                    readers.floor(port, told.seen)
                elif name == "dhanhq":
                    readers.dhanhq(port, partial(_decide, monitor, clock))
                else:
                    with readers.reading_by("picows" if name == "house" else "websockets"):
                        asyncio.run(_house(port, market, monitor, journal, clock))
                found |= {
                    name: median(told.ages_ms),
                    f"{name} worst": max(told.ages_ms),
                    f"{name} cpu": median(told.costs_ms),
                }
            return found

        return repeat(one_round, rounds)


@contextmanager
def _collector_of_the_house() -> Iterator[None]:
    """The garbage collector as the house sets it (`engine.io.heap`), for all clients alike."""
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def settle(monitor: Counting, market: Scene) -> None:
    """Let every position have been further than a burst takes it, up and down, for two seconds each.

    A peak that waits to have lasted makes every change of a position count. That is a market that runs
    away, and not what a burst is to show.
    """
    monitor.begin(None)
    for turn, tilt_paise in enumerate((40, -40, 0)):
        now_s = NOW_S + 3 * turn
        for key, contract in market.contracts.items():
            out = contract.instrument.security_id // 2 % 8  # strikes from the beginning of its block
            move = Move(key, contract.usual_paise + out * tilt_paise)
            monitor.handle(Ticks(decode(packet(move), {})), now_s)
        for half_s in range(1, 5):
            monitor.handle(Beat(BeatKind.PULSE), now_s + half_s / 2)


def _decide(monitor: Monitor, clock: SystemClock, dicts: Sequence[dict[str, Any]]) -> None:
    """Give the monitor what dhanhq has parsed: prices are text there."""
    for one in dicts:
        best = one["depth"][0]
        tick = Tick(
            InstrumentKey(one["exchange_segment"] << 32 | one["security_id"]),
            round(float(one["LTP"]) * 100),
            0,
            round(float(best["bid_price"]) * 100), best["bid_quantity"],
            round(float(best["ask_price"]) * 100), best["ask_quantity"],
            one["volume"], one["OI"],
        )  # fmt: skip
        monitor.handle(Ticks([tick]), clock.now_s())


class _Ear:
    """Takes what the runner wants performed."""

    def recorded(self, record: Record) -> None:
        """No store is behind it."""

    def perform(self, effect: Effect) -> None:
        """Take it."""


async def _house(port: int, market: Scene, monitor: Counting, journal: Journal, clock: SystemClock) -> None:
    """The house from socket to decision, until the last burst is worked off."""
    inbox, calendar = Inbox(), tables.calendar()
    feed = readers.feed_of(market, port, inbox.post_ticks, clock)
    parts: list[Runner | Schedule | DhanFeed] = [
        feed,
        Runner(monitor, journal, _Ear(), inbox, clock),
        Schedule(inbox.post, calendar, clock),
    ]
    async with asyncio.timeout(readers.PATIENCE_S):
        try:
            async with asyncio.TaskGroup() as group:
                for part in parts:
                    group.create_task(part.run())
        except* readers.Over:
            pass
    if inbox.conflated:
        raise AssertionError(f"{inbox.conflated} ticks were overtaken while they waited")
