"""nautilus_trader in its own environment: bytes to verdicts through its live data path.

``python run_nautilus.py JOB`` reads a job (`tests.bench.peers.beside.job`), prints one line when it is ready
and one for each line it reads: ``live`` or ``core``. It knows nothing of ours and uses the documented API.

``live``: an adapter (`LiveMarketDataClient`) decodes each packet into a `QuoteTick` and hands it over; the
`LiveDataEngine` takes it from its queue, keeps it in the cache and publishes it; a `Strategy` judges, its P&L
that of `Position.unrealized_pnl`. uvloop, as in a `TradingNode`. So many packets a turn of the loop as a
socket brings together. ``core``: what it could do at its very best: the same `DataEngine` called directly,
no queue, no client, and P&L by hand.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import uvloop
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.data.engine import DataEngine
from nautilus_trader.live.data_client import LiveMarketDataClient
from nautilus_trader.live.data_engine import LiveDataEngine
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import (
    AssetClass,
    LiquiditySide,
    OmsType,
    OptionKind,
    OrderSide,
    OrderType,
    PriceType,
)
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientId,
    ClientOrderId,
    InstrumentId,
    PositionId,
    StrategyId,
    Symbol,
    TradeId,
    TraderId,
    Venue,
    VenueOrderId,
)
from nautilus_trader.model.instruments import OptionContract
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.position import Position
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.trading.strategy import Strategy

PACKET_BYTES = 162
#: Security id, then the best level of the book, at byte 62: quantities and prices of both sides.
FULL = struct.Struct("<4xI54xII4xff")
VENUE, TRADER, RULES = Venue("NSE"), TraderId("BENCH-001"), StrategyId("Rules-001")
YEAR_NS = 365 * 86_400 * 10**9


class Condor:
    """A position of four legs: its P&L in rupees, and the levels at which something is said."""

    __slots__ = ("alert", "pnl", "rearm", "stop", "target", "told")

    def __init__(self, alert: float, rearm: float, stop: float, target: float) -> None:
        self.alert, self.rearm, self.stop, self.target = alert, rearm, stop, target
        self.pnl, self.told = 0.0, False

    def judge(self) -> str:
        """The rules: a stop and a target on the P&L, and an alert half way to the stop, told once."""
        if self.pnl <= self.stop:
            return "stop"
        if self.pnl >= self.target:
            return "target"
        if self.told:
            self.told = self.pnl <= self.rearm
        elif self.pnl <= self.alert:
            self.told = True
            return "alert"
        return ""


class Leg:
    """One leg of a condor."""

    __slots__ = ("condor", "entry", "pnl", "position", "units")

    def __init__(self, condor: Condor, position: Position, units: int, entry: float) -> None:
        self.condor, self.position, self.units, self.entry, self.pnl = condor, position, units, entry, 0.0


class ByPosition(Strategy):  # type: ignore[misc]
    """Target, stop and alert on each condor's P&L, which the positions of its legs tell."""

    def __init__(self, holders: dict[InstrumentId, list[Leg]]) -> None:
        super().__init__()
        self._holders = holders
        self.seen, self.said = 0, 0

    def on_start(self) -> None:
        for instrument_id in self._holders:
            self.subscribe_quote_ticks(instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        mid = tick.extract_price(PriceType.MID)
        for leg in self._holders[tick.instrument_id]:
            pnl, condor = leg.position.unrealized_pnl(mid).as_double(), leg.condor
            condor.pnl += pnl - leg.pnl
            leg.pnl = pnl
            if condor.judge():
                self.said += 1
        self.seen += 1


class ByHand(ByPosition):
    """The same with plain arithmetic in place of `Position` and `Money`."""

    def on_quote_tick(self, tick: QuoteTick) -> None:
        mid = (tick.bid_price.as_double() + tick.ask_price.as_double()) / 2
        for leg in self._holders[tick.instrument_id]:
            pnl, condor = leg.units * (mid - leg.entry), leg.condor
            condor.pnl += pnl - leg.pnl
            leg.pnl = pnl
            if condor.judge():
                self.said += 1
        self.seen += 1


class Dhan(LiveMarketDataClient):  # type: ignore[misc]
    """An adapter as the documentation describes one, without its socket."""

    async def _connect(self) -> None:
        """There is nothing to connect to."""

    async def _disconnect(self) -> None:
        """Nor to leave."""

    async def _subscribe_quote_ticks(self, command: object) -> None:
        """Everything comes anyway."""

    def take(self, tick: QuoteTick) -> None:
        """Hand a tick over, as adapters do."""
        self._handle_data(tick)


class World:
    """One trader: its engine, its strategy, and the packets of the job."""

    def __init__(self, job: dict, loop: asyncio.AbstractEventLoop, kind: type[ByPosition]) -> None:
        clock = LiveClock()
        bus, cache = MessageBus(trader_id=TRADER, clock=clock), Cache(database=None)
        self.engine = LiveDataEngine(loop, bus, cache, clock)
        self.client = Dhan(loop, ClientId("DHAN"), VENUE, bus, cache, clock, InstrumentProvider())
        self.engine.register_client(self.client)
        self.ids: dict[int, InstrumentId] = {}
        holders: dict[InstrumentId, list[Leg]] = {}
        condors = {int(number): Condor(*levels) for number, levels in job["condors"].items()}
        for number, (condor, security_id, units, entry) in enumerate(job["legs"], start=1):
            instrument = self._instrument(cache, security_id)
            position = Position(instrument, filled(number, instrument, units, entry))
            cache.add_position(position, OmsType.HEDGING)
            leg = Leg(condors[condor], position, units, entry)
            holders.setdefault(instrument.id, []).append(leg)
        self.strategy = kind(holders)
        self.strategy.register(TRADER, Portfolio(bus, cache, clock), bus, cache, clock)
        data = Path(job["frames"]).read_bytes()
        self.frames = [data[at : at + PACKET_BYTES] for at in range(0, len(data), PACKET_BYTES)]

    def _instrument(self, cache: Cache, security_id: int) -> OptionContract:
        instrument_id = self.ids.get(security_id)
        if instrument_id is not None:
            return cache.instrument(instrument_id)
        instrument_id = InstrumentId(Symbol(str(security_id)), VENUE)
        now_ns = time.time_ns()
        instrument = OptionContract(
            instrument_id, Symbol(str(security_id)), AssetClass.EQUITY, USD, 2, Price.from_str("0.05"),
            Quantity.from_int(1), Quantity.from_int(1), "NIFTY", OptionKind.CALL, Price.from_str("25000.00"),
            now_ns, now_ns + YEAR_NS, now_ns, now_ns,
        )  # fmt: skip
        cache.add_instrument(instrument)
        self.ids[security_id] = instrument_id
        return instrument

    def decode(self, frame: bytes) -> QuoteTick:
        """One packet as what nautilus carries."""
        security_id, bid_size, ask_size, bid, ask = FULL.unpack_from(frame)
        now_ns = time.time_ns()
        return QuoteTick(
            self.ids[security_id], Price(bid, 2), Price(ask, 2),
            Quantity(bid_size, 0), Quantity(ask_size, 0), now_ns, now_ns,
        )  # fmt: skip

    async def live(self, together: int) -> None:
        """All packets through the live engine's queue."""
        take, decode, seen = self.client.take, self.decode, self.strategy.seen
        for at in range(0, len(self.frames), together):
            for frame in self.frames[at : at + together]:
                take(decode(frame))
            await asyncio.sleep(0)
        while self.strategy.seen < seen + len(self.frames):  # noqa: ASYNC110 - the engine is busy with it
            await asyncio.sleep(0)

    async def core(self, together: int) -> None:
        """All packets into the engine itself."""
        process, decode = partial(DataEngine.process, self.engine), self.decode
        for frame in self.frames:
            process(decode(frame))


def filled(number: int, instrument: OptionContract, units: int, entry: float) -> OrderFilled:
    """The fill that opened a leg."""
    name, now_ns = f"L{number}", time.time_ns()
    return OrderFilled(
        TRADER, RULES, instrument.id, ClientOrderId(name), VenueOrderId(name), AccountId("NSE-001"),
        TradeId(name), PositionId(name), OrderSide.BUY if units > 0 else OrderSide.SELL, OrderType.LIMIT,
        Quantity.from_int(abs(units)), Price(entry, 2), USD, Money(0, USD), LiquiditySide.MAKER,
        UUID4(), now_ns, now_ns,
    )  # fmt: skip


def say(**words: object) -> None:
    """One line for the parent."""
    print(json.dumps({"peer": "nautilus", **words}), flush=True)


def main() -> None:
    """Serve rounds until standard input ends."""
    job = json.loads(Path(sys.argv[1]).read_text())
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    worlds = {"live": World(job, loop, ByPosition), "core": World(job, loop, ByHand)}

    async def begin() -> None:
        for world in worlds.values():
            world.engine.start()
            world.strategy.start()
        await asyncio.sleep(0.5)  # subscriptions are commands in a queue

    loop.run_until_complete(begin())
    say(versions=f"nautilus_trader {version('nautilus_trader')}, uvloop {version('uvloop')}")
    while name := sys.stdin.readline().strip():
        world = worlds[name]
        said, began_s = world.strategy.said, time.process_time()
        loop.run_until_complete(getattr(world, name)(job["together"]))
        cpu_s = time.process_time() - began_s
        say(cpu_s=cpu_s, said=world.strategy.said - said, seen=world.strategy.seen)


if __name__ == "__main__":
    main()
