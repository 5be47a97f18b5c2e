"""A Telegram that is away for twenty minutes, on virtual time: the exit beside it does not notice.

The monitor, its runner, journal, performer and chat are the real ones on one loop; the broker is the paper
exchange, whose orders are written down with their moments.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.drawing import picture
from engine.effects import Alert, Card
from engine.io import tables
from engine.io.errands import Errands
from engine.io.inbox import Inbox
from engine.io.journal import Journal
from engine.io.paper import PaperBroker
from engine.io.perform import Performer, Ports
from engine.io.runner import Runner
from engine.messages import Beat, BeatKind, Message
from engine.model import Mode, Position
from engine.monitor import Monitor, MonitorConfig
from engine.paper import PaperExchange
from engine.view import MonitorView
from engine.watch import Watchlist
from sandbox.telegram_server import TelegramServer
from tests.bot.house import TOKEN, Core, make_chat
from tests.engine.io.test_perform import Doorman, Nets, Purse, Shelf, Silent
from tests.engine.makers import OPENED, condors, quote
from tests.support.clock import VirtualClock
from tests.support.rig import rows_of, written

LOTS = 100
#: Mids of the condor's legs, rupees: at entry; past its stop; and where no order reaches.
ENTRY, PAST, BEYOND = (20, 45, 40, 18), (18, 40, 140, 20), (18, 40, 300, 20)
AWAY_S = 20 * 60.0


class Rows(Shelf):
    """A trade store in memory."""

    def __init__(self, position: Position) -> None:
        super().__init__()
        self.rows = rows_of(position)

    async def open_rows(self) -> list[Any]:
        """What is open still."""
        return self.rows

    async def close_rows(self, job: Any) -> None:
        """Close them, once."""
        self.rows = written(self.rows, job)


class Ledger(PaperBroker):
    """The paper exchange, with each command's moment."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.sent: list[tuple[float, str, str, int, int]] = []

    async def place(self, order: Any) -> Any:
        """Note it, then place it."""
        self.note("place", order)
        return await super().place(order)

    async def modify(self, order_id: str, order: Any) -> Any:
        """Note it, then modify it."""
        self.note("modify", order)
        return await super().modify(order_id, order)

    def note(self, verb: str, order: Any) -> None:
        """One line."""
        at_s = self._clock.now_s() - OPENED
        self.sent.append((at_s, verb, order.correlation_id, order.quantity, order.limit_paise))


@dataclass
class Ear:
    """Stands before the chat and notes what the house says, with its moment."""

    port: Any
    clock: VirtualClock
    alerts: list[tuple[float, Alert]] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)

    def alert(self, alert: Alert) -> None:
        """Note it and pass it on."""
        self.alerts.append((self.clock.now_s(), alert))
        self.port.alert(alert)

    def card(self, card: Card) -> None:
        """Note it and pass it on."""
        self.cards.append(card)
        self.port.card(card)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)


class House:
    """One account in execute mode, its chat beside it."""

    def __init__(self, home: Path, clock: VirtualClock, server: TelegramServer) -> None:
        self.clock, self.inbox, self.errands = clock, Inbox(), Errands()
        self.position = condors(LOTS)
        calendar = tables.calendar()
        config = MonitorConfig(Mode.EXECUTE, "default", sandbox=False, seed=b"0123456789abcdef")
        watch = Watchlist(calendar, tables.rulebook(), charges=tables.charges())
        self.monitor = Monitor(config, calendar, watch)
        self.monitor.restore({}, clock.now_s())
        self.broker = Ledger(
            PaperExchange(), clock, self.monitor.holdings.reading.recorded_nets, self.inbox.post
        )
        self.chat = make_chat(server, Plug(house=self), clock, home)
        self.ear = Ear(self.chat.of("default"), clock)
        store = Rows(self.position)
        performer = Performer(
            inbox=self.inbox,
            ports=Ports(
                self.broker, Doorman(), store, Silent(), self.ear, Purse(), Quoteless(), Silent(), Nets()
            ),
            clock=clock, load_master=self.master, spawn=self.errands.spawn, books=lambda _line: None,
        )  # fmt: skip
        self.journal = Journal(home / "journal.sqlite3")
        self.writer = performer.writer
        self.runner = Runner(self.monitor, self.journal, performer, self.inbox, clock, (self.broker.listen,))

    async def master(self, _symbols: frozenset[str]) -> dict[Any, Any]:
        """The contracts of the one position."""
        return {leg.key: leg.instrument for leg in self.position.legs}

    async def live(self, seconds: float, *mids: float) -> None:
        """Let time pass by half seconds with these quotes, a lot a side each second."""
        for _ in range(round(seconds * 2)):
            ticks = []
            for leg, mid in zip(self.position.legs, mids, strict=True):
                tick = quote(leg.key, mid - 0.2, mid + 0.2)
                tick.bid_quantity = tick.ask_quantity = 65
                ticks.append(tick)
            self.inbox.post_ticks(ticks)
            self.inbox.post(Beat(BeatKind.PULSE))
            await self.clock.advance(0.5)


@dataclass
class Plug(Core):
    """Plugs the chat into that house."""

    house: House | None = None

    def post(self, message: Message) -> None:
        """Into the inbox."""
        assert self.house is not None
        self.house.inbox.post(message)

    async def view(self, strategy_id: int | None = None, /) -> MonitorView:
        """As it is."""
        assert self.house is not None
        return picture(self.house.monitor, self.house.clock.now_s(), strategy_id)


class Quoteless:
    """REST quotes that bring nothing new."""

    async def quotes(self, _keys: Any) -> list[Any]:
        """None."""
        return []


@pytest.fixture
async def story(tmp_path: Path):
    """Tells the same day, with Telegram there or away."""
    async with AsyncExitStack() as held:

        async def tell(name: str, *, away: bool) -> tuple[House, TelegramServer]:
            clock = VirtualClock(OPENED)
            server = TelegramServer(token=TOKEN, now=clock.now_s)
            await server.start()
            held.push_async_callback(server.stop)
            (home := tmp_path / name).mkdir()
            house = House(home, clock, server)
            held.callback(house.journal.close)
            parts = (house.runner.run(), house.errands.run(), house.writer.run(), house.chat.run())
            tasks = [asyncio.ensure_future(part) for part in parts]
            held.push_async_callback(_ended, tasks)
            house.inbox.post(Beat(BeatKind.SYNC))
            await server.wait_for(lambda here: here.calls_of("getUpdates"))
            await house.live(20, *ENTRY)
            if away:
                await server.stop()
            await house.live(0.5, *PAST)
            await house.live(600, *BEYOND)
            await house.live(AWAY_S - 600, *PAST)
            assert not any(task.done() for task in tasks)
            return house, server

        yield tell


async def _ended(tasks: list[asyncio.Future[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@pytest.mark.slow
async def test_twenty_minutes_without_telegram_change_no_order_and_lose_no_alert(story):
    """Each order has the moment, price and name it has with Telegram up; each alert comes late, in order."""
    beside, _ = await story("up", away=False)
    alone, server = await story("away", away=True)
    assert alone.ear.cards[-1].title.startswith("Verified flat")
    assert len(alone.broker.sent) > 20
    assert alone.broker.sent == beside.broker.sent
    assert alone.ear.alerts == beside.ear.alerts
    later = [alert for _, alert in alone.ear.alerts if alert.topic != "running"]  # that one had arrived
    given = [f"{alert.title}\n{alert.text}" for alert in later]
    assert len(given) >= 4

    def arrived(here: TelegramServer) -> list[str]:
        texts = [message.text for message in here.sent() if "NOT SEEN" not in message.text]
        return [text for text in texts if any(words in text for words in given)]

    def complete(here: TelegramServer) -> bool:
        flat = any("Verified flat" in message.text for message in here.sent())
        return flat and len(arrived(here)) >= len(given)

    assert arrived(server) == []
    await server.start()
    for _ in range(200):
        await alone.clock.advance(2.0)
        with suppress(TimeoutError):
            await server.wait_for(complete, 0.05)
            break
    for words, text in zip(given, arrived(server), strict=True):
        assert words in text
        assert re.search(r"delayed (18|19|20) min", text), text
    assert not [message for message in server.sent() if "NOT SEEN" in message.text], "it was over long ago"
