"""A recorded day of one's own once more, under the same rules or others. Pure.

Unlike a recording of snapshots (`engine.replay.driver`), this one knows when each price, each beat of the
clock and each row was handled, and is played back message by message at those very moments: what was judged
then is judged again. Only the broker is another one, the paper exchange as simulate mode has it: orders
reach it after 0.2 s and fill on quotes that stand or come.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from engine.effects import (
    CancelOrder,
    GoOn,
    LoadTrades,
    ModifyOrder,
    PlaceOrder,
    QueryBroker,
)
from engine.messages import (
    Actor,
    Beat,
    BeatKind,
    BrokerReport,
    Command,
    CommandOutcome,
    FeedChanged,
    FeedState,
    Further,
    InstrumentsLoaded,
    OrderUpdate,
    QuotesRead,
    RulesChanged,
    Tick,
    Ticks,
    TradesLoaded,
    Verb,
    Wish,
)
from engine.model import PositionId
from engine.reading import EMPTY_LOADS
from engine.recording.entries import Book, Note, Prices
from engine.recording.plain import level_from, row_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from engine.broker_nouns import BrokerOrder
    from engine.messages import Message
    from engine.model import ExitLevel, Instrument, InstrumentKey, TradeRow
    from engine.monitor import Monitor
    from engine.paper import PaperExchange
    from engine.recording.entries import Entry
    from engine.replay.liquidity import Liquidity
    from engine.replay.story import Story
    from engine.rules.rulebook import Rulebook
    from engine.sessions import Calendar

__all__ = ["Rerun"]

#: As `engine.io.paper`: how long an order is under way, and for how long a quote still counts as there.
LATENCY_S, QUOTE_LIVES_S = 0.2, 10.0
#: How often what is there is valued: a quote is believed a little longer than that.
STOCK_EVERY_S = 8.0
#: Beats that decide something; the others look after the house.
_PLAYED = frozenset({
    BeatKind.PULSE, BeatKind.SYNC, BeatKind.STORE, BeatKind.SESSION_OPEN, BeatKind.SESSION_CLOSE,
})  # fmt: skip
_RECORD = Actor(0, 0, "the record")


class Rerun:
    """One run; feed it every entry of the day with `take`, then `end` it.

    Args:
        instruments: every contract and underlying of the day.
        rulebook: reads the owner's rules, as a changed file is to be taken over; None = the rules stay.
        rows: these positions and not the recorded ones; None = the recorded ones.

    Attributes:
        ticks: prices so far.
        last: the last quote of each instrument and when it came.
        gone: positions whose rows somebody else has taken away, and when.
    """

    def __init__(
        self,
        monitor: Monitor,
        calendar: Calendar,
        exchange: PaperExchange,
        story: Story,
        liquidity: Liquidity,
        instruments: Mapping[InstrumentKey, Instrument],
        rulebook: Callable[[str], Rulebook] | None = None,
        rows: tuple[TradeRow, ...] | None = None,
    ) -> None:
        self.ticks = 0
        self.last: dict[InstrumentKey, tuple[float, Tick]] = {}
        self.gone: dict[PositionId, float] = {}
        self.story = story
        self._monitor, self._calendar, self._exchange = monitor, calendar, exchange
        self._liquidity, self._instruments, self._rulebook = liquidity, instruments, rulebook
        self._own_rows = rows
        self._rows: tuple[TradeRow, ...] | None = None
        self._levels: tuple[ExitLevel, ...] = ()
        self._touched: set[int] = set()
        self._now_s = self._stock_s = 0.0
        self._begun = False
        self._filled: dict[str, int] = {}
        self._under_way: deque[tuple[float, Callable[[], None]]] = deque()
        self._inbox: deque[Message] = deque()
        self._hears: dict[str, Callable[[dict[str, Any]], None]] = {
            "kept": self._begin,
            "beat": self._beat,
            "rows": self._rows_told,
            "closed": lambda data: self._touched.update(data["rows"]),
            "feed": lambda data: self._tell(FeedChanged(FeedState(data["state"]), data["detail"])),
            "rules": self._rules_told,
            "quotes": self._quotes,
            "audit": self._audited,
        }
        self._does: dict[type, Callable[[Any], None]] = {
            PlaceOrder: lambda e: self._later(lambda: self._place(e)),
            ModifyOrder: lambda e: self._later(lambda: self._modify(e)),
            CancelOrder: lambda e: self._later(lambda: self._cancel(e)),
            QueryBroker: self._report,
            LoadTrades: lambda _: self._load(),
            GoOn: lambda _: self._inbox.append(Further()),
        }

    def take(self, entry: Entry) -> None:
        """Play one entry at its moment, and before it what falls due until then."""
        now_s = entry.at_us / 1e6
        self._catch_up(now_s)
        self._now_s = now_s
        if isinstance(entry, Prices):
            self._prices(entry.ticks)
        elif isinstance(entry, Note):
            hears = self._hears.get(entry.kind)
            if hears is not None:
                hears(entry.data)
        elif isinstance(entry, Book):
            self._liquidity.look(entry)

    def end(self) -> None:
        """The record is over."""
        self._catch_up(self._now_s + LATENCY_S)
        if self._calendar.is_open(self._now_s):
            self.story.take_stock(self._now_s)
        self.story.end()

    # ----------------------------------------------------------------------------------- entries

    def _begin(self, data: dict[str, Any]) -> None:
        """The first life of the day begins with what the journal had kept; a later one only goes on."""
        if self._begun:
            return
        self._begun = True
        self._monitor.restore(data, self._now_s)
        self._tell(FeedChanged(FeedState.LIVE, "a recording"))
        self._tell(InstrumentsLoaded(self._instruments))

    def _prices(self, ticks: Iterable[Tick]) -> None:
        batch = list(ticks)
        self.ticks += len(batch)
        self._tell(Ticks(batch))
        self._offer_new(batch)

    def _quotes(self, data: dict[str, Any]) -> None:
        """Quotes that the house had asked for; the depth of those is not recorded."""
        ticks = [Tick(*values) for values in data["ticks"]]
        self._tell(QuotesRead(tuple(ticks), data["began_s"]))
        self._offer_new(ticks)

    def _offer_new(self, ticks: Iterable[Tick]) -> None:
        for tick in ticks:
            self.last[tick.key] = self._now_s, tick
        if self._exchange.working():
            for tick in ticks:
                self._offer(tick, self._now_s)

    def _beat(self, data: dict[str, Any]) -> None:
        kind = BeatKind(data["kind"])
        if kind not in _PLAYED:
            return
        self._tell(Beat(kind))
        if kind is BeatKind.PULSE:
            for key in self._exchange.working():
                of_s, tick = self.last.get(key, (-QUOTE_LIVES_S, None))
                if tick is not None and self._now_s - of_s <= QUOTE_LIVES_S:
                    self._offer(tick, of_s)
            self.story.follow(self._now_s)
            self._value()
        elif kind is BeatKind.SESSION_CLOSE:
            for order in self._exchange.close():
                self._tell(OrderUpdate(order))

    def _value(self) -> None:
        """Take stock while the market is open: afterwards every quote grows old."""
        if self._now_s - self._stock_s >= STOCK_EVERY_S and self._calendar.is_open(self._now_s):
            self._stock_s = self._now_s
            self.story.take_stock(self._now_s)

    def _rows_told(self, data: dict[str, Any]) -> None:
        """Rows as the store had them, but for those that what really happened has changed."""
        told = self._own_rows or tuple(map(row_from, data["rows"]))
        known = {} if self._rows is None else {row.id: row for row in self._rows}
        rows = [known.get(row.id, row) if row.id in self._touched else row for row in told]
        listed = {row.id for row in rows}
        rows += [row for row in known.values() if row.id in self._touched and row.id not in listed]
        self._levels = tuple(map(level_from, data["levels"]))
        left = {row.id for row in rows}
        if any(row.id not in left for row in known.values()):
            self.story.take_stock(self._now_s)
        self._rows = tuple(rows)
        for _ in range(1 if rows else EMPTY_LOADS):
            self._load()
            self._drain()
        for name in self.story.lives.keys() - self._monitor.holdings.positions.keys():
            if not self.story.lives[name].ended:
                self.gone.setdefault(name, self._now_s)

    def _rules_told(self, data: dict[str, Any]) -> None:
        if self._rulebook is not None and self._begun:
            book = self._rulebook(data["text"])
            self._tell(RulesChanged(book, data["source"], f"{self._now_s}"))

    def _audited(self, data: dict[str, Any]) -> None:
        """What a person has wanted is wanted again, where the rules have not been faster."""
        if data["event"] != "intent" or data["data"]["verdict"]["rule"] != "forced":
            return
        position = PositionId(data["data"]["position"])
        if position in self._monitor.holdings.positions and data["data"].get("part") is None:
            strategy_id = self._monitor.holdings.positions[position].strategy_id
            self._tell(Command(Wish.EXIT, _RECORD, strategy_id, confirmed=True, owner=True))

    # ------------------------------------------------------------------------------- the machine

    def _tell(self, message: Message) -> None:
        """Hand over one message, and all answers to what it brings about."""
        self._inbox.append(message)
        self._drain()

    def _drain(self) -> None:
        while self._inbox:
            message = self._inbox.popleft()
            effects = self._monitor.handle(message, self._now_s)
            if type(message) is not Ticks:
                self._meet()
            for effect in effects:
                does = self._does.get(type(effect))
                if does is not None:
                    does(effect)
                else:
                    self.story.take(effect, self._now_s)

    def _meet(self) -> None:
        """Positions that are new, or have other legs than before."""
        for name, position in self._monitor.holdings.positions.items():
            life = self.story.lives.get(name)
            if life is None:
                self.story.begin(position)
            elif life.position is not position and not life.intents:
                life.position = position

    def _load(self) -> None:
        if self._rows is not None:
            self._inbox.append(TradesLoaded(self._rows, levels=self._levels))

    # -------------------------------------------------------------------------------- the broker

    def _later(self, act: Callable[[], None]) -> None:
        self._under_way.append((self._now_s + LATENCY_S, act))

    def _catch_up(self, until_s: float) -> None:
        while self._under_way and self._under_way[0][0] <= until_s:
            self._now_s, act = self._under_way.popleft()
            act()
            self._drain()

    def _tick(self, key: InstrumentKey) -> Tick | None:
        return self.last[key][1] if key in self.last else None

    def _place(self, effect: PlaceOrder) -> None:
        order = effect.order
        outcome = self._exchange.place(order)
        if (order_id := getattr(outcome, "order_id", "")) != "":
            self._liquidity.sent(
                order_id, order.key, order.side, order.limit_paise, self._now_s, self._tick(order.key)
            )
        self._inbox.append(CommandOutcome(Verb.PLACE, order.correlation_id, outcome))

    def _modify(self, effect: ModifyOrder) -> None:
        order = effect.order
        outcome = self._exchange.modify(effect.order_id, order)
        self._liquidity.repriced(effect.order_id, order.limit_paise, self._now_s, self._tick(order.key))
        self._inbox.append(CommandOutcome(Verb.MODIFY, order.correlation_id, outcome))

    def _cancel(self, effect: CancelOrder) -> None:
        outcome = self._exchange.cancel(effect.order_id)
        self._inbox.append(CommandOutcome(Verb.CANCEL, effect.correlation_id, outcome))

    def _offer(self, tick: Tick, of_s: float) -> None:
        for row in self._exchange.quote(tick):
            self._note_fill(row, tick, of_s)
            self._tell(OrderUpdate(row))

    def _note_fill(self, row: BrokerOrder, tick: Tick, of_s: float) -> None:
        units = row.filled - self._filled.get(row.order_id, 0)
        self._filled[row.order_id] = row.filled
        if units:
            self._liquidity.filled(row.order_id, units, row.limit_paise, self._now_s, tick, of_s)

    def _report(self, effect: QueryBroker) -> None:
        exchange = self._exchange
        exchange.hold(self._monitor.holdings.reading.recorded_nets())
        self._inbox.append(
            BrokerReport(
                effect.request, self._now_s, exchange.orders(), exchange.fills(), exchange.positions()
            )
        )
