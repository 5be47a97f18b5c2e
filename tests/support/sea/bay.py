"""A quieter place by the sea, where weeks pass: positions come and go, sessions follow the calendar.

In the quiet hours time goes in steps of a minute, outside of sessions of five; what has to be watched
closely passes in half seconds (`House.run`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.broker_nouns import OrderStatus, Product
from engine.idle import awake
from engine.io import tables
from engine.io.maintenance import Daily, daily
from engine.io.schedule import INTERVALS_S, Boundaries
from engine.messages import Beat, BeatKind, Ticks
from engine.model import Mode
from engine.sessions import ist_date
from engine.watch import Watchlist
from sandbox.account import Carried
from sandbox.exchange import DEFAULT_CLIENT, Exchange
from sandbox.market import Market
from tests.support.rig import rows_of
from tests.support.sea.house import House
from tests.support.sea.market import ENTRY, LOT, SMALL, Shore
from tests.support.sea.tasks import Agenda, Nap
from tests.support.sea.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path
    from typing import Any

    from engine.messages import Tick
    from engine.model import InstrumentKey, Position
    from engine.preflight import Check
    from engine.sessions import Calendar
    from engine.settings import Settings
    from sandbox.orders import Order, Trade
    from tests.support.sea.judge import Judge

QUIET_S, NIGHT_S = 60.0, 300.0
#: A moment to look up before each boundary: what is seen last before a close counts.
BEFORE_S = 20.0


class Bay(Shore):
    """A market without positions, which are carried into its one account by and by."""

    def __init__(self, expiries: Sequence[date], now_s: float, calendar: Calendar) -> None:
        self.market = Market(now_s, underlyings=(SMALL,), expiries=expiries)
        self.market.freeze()
        self.exchange = Exchange(self.market)
        self.exchange.is_open = calendar.is_open  # type: ignore[method-assign]
        self.account = self.exchange.open_account(DEFAULT_CLIENT, "token", now_s)
        self.positions = []
        self.legs, self.mids, self.depth = {}, {}, 100 * LOT

    def enter(self, number: int, expiry: date, now_s: float) -> Position:
        """Somebody enters a condor of one lot, at the prices of the shore's."""
        position = self._condor(number, 1, now_s, expiry)
        self.positions.append(position)
        for leg, price in zip(position.legs, ENTRY, strict=True):
            self.legs[leg.key] = leg
            self.mids[leg.key] = price
            self.exchange.carry(leg.key, leg.quantity, leg.entry_price_paise or 0)
        self.quote()
        return position

    def gone(self, position: Position) -> None:
        """It is flat, and nobody is interested in its contracts any more."""
        self.positions.remove(position)
        for leg in position.legs:
            del self.legs[leg.key], self.mids[leg.key]


class BayWire(Wire):
    """The wire with quotes by REST for whoever asks."""

    def __init__(
        self, agenda: Agenda, exchange: Exchange, judge: Judge, shown: Callable[[InstrumentKey], Tick]
    ) -> None:
        super().__init__(agenda, exchange, judge)
        self._shown = shown

    async def quotes(self, keys: Iterable[InstrumentKey]) -> list[Tick]:
        """The present quotes of these contracts."""
        await Nap(0.05)
        return [self._shown(key) for key in keys]


class Weeks(House):
    """The house over days and nights, woken by the product's own table of boundaries.

    Attributes:
        beats: the boundaries of sessions, with their moments.
        kept: when the daily maintenance was done, and what it found.
        fills: every trade of the exchange, with its order.
    """

    shore: Bay

    def __init__(
        self,
        bay: Bay,
        rules: str,
        *,
        calendar: Calendar,
        settings: Settings | None = None,
        journal: Path | None = None,
        books: Callable[[Mapping[str, Any]], None] = lambda _line: None,
        hurry: int = 1,
    ) -> None:
        """Without ``settings`` nobody maintains anything; in a ``hurry`` steps are so many times as long."""
        self._hurry = hurry
        self.boundaries = Boundaries(calendar, bay.market.now_s)
        self.beats: list[tuple[BeatKind, float]] = []
        self.kept: list[tuple[float, list[Check]]] = []
        self.fills: list[tuple[Order, Trade]] = []
        self._settings = settings
        self._beaten_s = dict.fromkeys(INTERVALS_S, bay.market.now_s)
        super().__init__(bay, Mode.EXECUTE, rules, journal=journal, calendar=calendar, books=books)
        self._day = ist_date(self.agenda.at_s)
        self.upkeep = Daily(settings, self.agenda, lambda _found: None) if settings else None

    def _wire(self) -> Wire:
        return BayWire(self.agenda, self.shore.exchange, self.judge, self._tick)

    def _watch(self) -> Watchlist:
        return Watchlist(self.calendar, tables.rulebook(self.rules), charges=tables.charges())

    def _carried(self) -> Iterable[InstrumentKey]:
        return [key for key in self.ears.wanted if key in self.shore.legs]

    def enter(self, number: int, expiry: date) -> Position:
        """Somebody enters a condor, at the broker and in the store."""
        position = self.shore.enter(number, expiry, self.agenda.at_s)
        self.store.rows += [
            replace(row, timestamp_s=self.agenda.at_s) for row in rows_of(position, number * 10)
        ]
        for leg in position.legs:
            self.judge.start[leg.key] = self.judge.net[leg.key] = leg.quantity
        return position

    def price(self, position: Position, mids: Sequence[float]) -> None:
        """From now on its contracts are quoted around these (rupees)."""
        self.shore.mids |= dict(zip([leg.key for leg in position.legs], mids, strict=True))

    # ------------------------------------------------------------------------------------- time

    def until(self, end_s: float) -> None:
        """Let time pass."""
        while self.agenda.at_s < end_s:
            step_s = self._hurry * (QUIET_S if awake(self.calendar, self.agenda.at_s) else NIGHT_S)
            bound_s = self.boundaries.next[1]
            if self.agenda.at_s < bound_s - BEFORE_S:
                bound_s -= BEFORE_S
            self._pass_until(min(self.agenda.at_s + step_s, bound_s, end_s))
            if ist_date(self.agenda.at_s) != self._day:
                self._midnight()
            self._moment()
            self.judge.look()

    def _moment(self) -> None:
        """Prices first, then whoever is woken by the clock."""
        now_s = self.agenda.at_s
        if awake(self.calendar, now_s):
            self.shore.quote()
            self._trade()
            self.say(Ticks([self._tick(key) for key in self._carried()]))
        for kind in self.boundaries.passed(now_s):
            self.beats.append((kind, now_s))
            self.say(Beat(kind))
        self.say(Beat(BeatKind.PULSE))
        for kind, every_s in INTERVALS_S.items():
            if now_s - self._beaten_s[kind] >= every_s:
                self._beaten_s[kind] = now_s
                self.say(Beat(kind))
        if self.upkeep is not None and self._settings is not None and self.upkeep.due():
            self.kept.append((now_s, daily(self._settings, now_s)))

    def _midnight(self) -> None:
        """The broker's books begin anew: what is held is carried on, yesterday's orders are gone."""
        self._day = ist_date(self.agenda.at_s)
        account = self.shore.account
        account.carried = [
            Carried(key, Product.MARGIN, units, 1000) for key, units in account.net().items() if units
        ]
        for order in account.orders.values():
            order.status = OrderStatus.EXPIRED if order.live else order.status
        self.fills += [(account.orders[trade.order_id], trade) for trade in account.trades]
        account.orders.clear()
        account.trades.clear()
        self.morning(self.agenda.at_s)

    @property
    def traded(self) -> list[tuple[Order, Trade]]:
        """Every trade up to now, with its order."""
        account = self.shore.account
        return [*self.fills, *((account.orders[trade.order_id], trade) for trade in account.trades)]
