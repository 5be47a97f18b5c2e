"""A whole monitor on virtual time, its broker a paper exchange, its chat a list."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import replace
from datetime import date

from engine.controls import ControlState
from engine.drawing import picture
from engine.effects import (
    AddTrades,
    Alert,
    Answer,
    Ask,
    CancelOrder,
    Card,
    CloseTrades,
    Digest,
    GoOn,
    LoadInstruments,
    LoadTrades,
    ModifyOrder,
    PlaceOrder,
    QueryBroker,
    QueryControls,
    Record,
    ReduceTrades,
    Say,
    Seen,
    Settle,
)
from engine.io import tables
from engine.messages import (
    Actor,
    Beat,
    BeatKind,
    BrokerReport,
    Command,
    CommandOutcome,
    Further,
    InstrumentsLoaded,
    OrderUpdate,
    Tap,
    Ticks,
    TradesLoaded,
    Verb,
    Wish,
)
from engine.model import Mode, Side, TradeRow
from engine.monitor import Monitor, MonitorConfig
from engine.paper import PaperExchange
from engine.sessions import at
from engine.tenure import LeaseTerms
from engine.tuning import AskTuning, NetTuning
from engine.watch import Watchlist
from tests.engine.makers import OPENED, condor, quote

OWNER = Actor(42, 42, "Asha")


def rows_of(position, first_id=1):
    """The trade-store rows of a position's legs."""
    return [
        TradeRow(
            first_id + n, position.account, position.strategy_id, position.symbol, position.strategy,
            leg.instrument.security_id, Side.BUY if leg.quantity > 0 else Side.SELL,
            leg.instrument.right.value if leg.instrument.right else "FUT",
            leg.instrument.strike_paise, leg.instrument.expiry,
            abs(leg.quantity), leg.entry_price_paise, f"O{first_id + n}", "TRADED", OPENED,
        )
        for n, leg in enumerate(position.legs)
    ]  # fmt: skip


def written(rows, effect):
    """The store's open rows after a write; a reduction touches only rows that have so many units still."""
    if isinstance(effect, CloseTrades):
        return [row for row in rows if row.id not in effect.exits]
    left = {part.row_id: (part.before, part.after) for part in effect.parts}
    return [
        row.after_part(left[row.id][1]) if row.quantity == left.get(row.id, (0, 0))[0] else row
        for row in rows
    ]


class Rig:
    """One monitor; `tell` hands it a message and does what it wants, at once.

    A kind of rig may need a ``lease``; then it answers claims itself.
    """

    lease: LeaseTerms | None = None

    nets = NetTuning()

    asking = AskTuning()

    def __init__(self, mode=Mode.EXECUTE, *positions, rules="", now_s=OPENED):
        self.mode, self.rules, self.now_s = mode, rules, now_s
        self.positions = positions or (condor(),)
        self.rows, number = [], 1
        for position in self.positions:
            self.rows += rows_of(position, number)
            number += len(position.legs)
        self.exchange = PaperExchange()
        nets = {}
        for leg in self.legs:
            nets[leg.key] = nets.get(leg.key, 0) + leg.quantity
        self.exchange.hold(nets)
        self.said, self.placed, self.journal, self.exits, self.seen = [], [], {}, {}, []
        self.levels = []
        self.store_answers = True
        self.broker_answers = True
        self.start()

    @property
    def legs(self):
        return [leg for position in self.positions for leg in position.legs]

    def start(self):
        """Build the monitor, from the journal when there is one."""
        calendar = tables.calendar()
        config = MonitorConfig(
            self.mode, "default", sandbox=False, seed=b"0123456789abcdef", lease=self.lease, nets=self.nets,
            asking=self.asking,
        )  # fmt: skip
        watch = Watchlist(calendar, tables.rulebook(self.rules), charges=tables.charges())
        self.monitor = Monitor(config, calendar, watch)
        self.monitor.restore(self.journal, self.now_s)
        self.tell(Beat(BeatKind.SYNC))

    def tell(self, message):
        """Handle one message and everything that follows from it."""
        todo = deque([message])
        while todo:
            for effect in self.monitor.handle(todo.popleft(), self.now_s):
                todo.extend(self.do(effect))

    def do(self, effect):
        match effect:
            case Record():
                self.journal.setdefault(effect.kind, {})[effect.key] = json.loads(json.dumps(effect.value))
            case Settle():
                row = self.journal["confirmation"][effect.nonce]
                assert row["status"] == effect.expect
                row["status"] = effect.to
            case Alert() | Ask() | Card() | Say() | Answer() | Digest():
                self.said.append(effect)
            case Seen():
                self.seen.append(effect)
            case CloseTrades() | ReduceTrades():
                self.rows = written(self.rows, effect)
                self.exits |= effect.exits if isinstance(effect, CloseTrades) else {}
            case _:
                return self.ask_the_world(effect)
        return []

    def ask_the_world(self, effect):
        match effect:
            case LoadTrades():
                rows = tuple(self.rows) if self.store_answers else None
                return [TradesLoaded(rows, "no route", tuple(self.levels))]
            case GoOn():
                return [Further()]
            case LoadInstruments():
                return [InstrumentsLoaded({leg.key: leg.instrument for leg in self.legs})]
            case AddTrades():
                first = 1 + max((row.id for row in self.rows), default=0)
                self.rows += [replace(row, id=first + n) for n, row in enumerate(effect.rows)]
                return self.ask_the_world(LoadTrades())
            case QueryBroker():
                return [self.report(effect.request)]
            case QueryControls():
                return [ControlState(effect.request, killed=False, armed=())]
            case PlaceOrder():
                self.placed.append(effect.order)
                said = self.exchange.place(effect.order)
                return [CommandOutcome(Verb.PLACE, effect.order.correlation_id, said)]
            case ModifyOrder():
                said = self.exchange.modify(effect.order_id, effect.order)
                return [CommandOutcome(Verb.MODIFY, effect.order.correlation_id, said)]
            case CancelOrder():
                said = self.exchange.cancel(effect.order_id)
                return [CommandOutcome(Verb.CANCEL, effect.correlation_id, said)]
        return []

    def report(self, request):
        if not self.broker_answers:
            return BrokerReport(request, self.now_s, failed="no route to host")
        books = self.exchange
        return BrokerReport(request, self.now_s, books.orders(), books.fills(), books.positions())

    # ------------------------------------------------------------------------------- happenings

    def quotes(self, *mids, spread=0.1):
        """Quote every leg at these mids (rupees), and let the exchange match."""
        for leg, mid in zip(self.legs, mids, strict=True):
            tick = quote(leg.key, mid - spread / 2, mid + spread / 2)
            tick.bid_quantity = tick.ask_quantity = 10_000
            for row in self.exchange.quote(tick):
                self.tell(OrderUpdate(row))
            self.tell(Ticks([tick]))

    def wait(self, seconds, *mids):
        """Let time pass by half seconds, with steady quotes when given."""
        for _ in range(round(seconds * 2)):
            self.now_s += 0.5
            if mids:
                self.quotes(*mids)
            self.tell(Beat(BeatKind.PULSE))

    def command(self, wish=Wish.EXIT, strategy_id=None, *, confirmed=False):
        self.tell(Command(wish, OWNER, strategy_id, confirmed))

    def tap(self, nonce, *, yes=True):
        """Press a button of the newest edition of a question."""
        drawn = max((ask.edition for ask in self.of(Ask) if ask.nonce == nonce), default=0)
        self.tell(Tap(nonce, yes, OWNER, f"callback-{len(self.said)}", drawn))

    def of(self, kind):
        """What was said, of one kind."""
        return [effect for effect in self.said if isinstance(effect, kind)]

    @property
    def view(self):
        return picture(self.monitor, self.now_s)

    @property
    def net(self):
        return {row.key: row.net_quantity for row in self.exchange.positions()}

    @property
    def flat(self):
        return not any(self.net.values())


def frozen(position, units):
    """The position with a freeze quantity on every contract."""
    legs = tuple(
        replace(leg, instrument=replace(leg.instrument, freeze_quantity=units)) for leg in position.legs
    )
    return replace(position, legs=legs)


def overnight(made):
    """The close, the night in which the broker's books begin anew, and the next morning."""
    made.now_s = at(date(2026, 2, 3), "15:40")
    made.tell(Beat(BeatKind.SESSION_CLOSE))
    held = made.net
    made.exchange = PaperExchange()
    made.exchange.hold(held)
    made.now_s = at(date(2026, 2, 4), "09:14")
