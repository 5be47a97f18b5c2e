"""The blotter: every order of ours, and what is learnt of each from whichever side.

REST reports, the update socket and the answers to our own commands all end here; an order's state
is the same whichever of them spoke first, twice or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.ledger import Ledger
from engine.messages import Accepted, Refused, Verb
from engine.orders import Event, Order, OrderState, Trade

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.broker_nouns import BrokerFill, BrokerOrder
    from engine.messages import BrokerReport, CommandOutcome

__all__ = ["Blotter", "Change", "is_lost", "lost_order"]

#: Exchange trades by their ids.
Trades = dict[str, Trade]

#: An unknown order is absent only after this many reads of the book that lack it, over at least
#: this long: longer than the client's time-out (4 s) plus the slowest acceptance anyone has
#: reported (30 s). The owner is told long before (`UNKNOWN_ALARM_S`).
ABSENT_READS = 3
ABSENT_AFTER_S = 35.0
UNKNOWN_ALARM_S = 15.0
#: Books that could be read this often and for this long without an answer will not give one any more.
LOST_READS = 20
LOST_AFTER_S = 300.0


@dataclass(frozen=True, slots=True)
class Change:
    """One order changed; ``refusal`` (code, words) when it, or a new price for it, was refused.

    ``resized``: somebody else has changed how much it asks for.
    """

    order: Order
    refusal: tuple[str, str] | None = None
    resized: bool = False


class Blotter:
    """All orders, live and ended, and the ledger they are booked in."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self._orders: dict[str, Order] = {}
        self._live: list[Order] | None = None  # None = to be sorted out anew

    def add(self, order: Order) -> None:
        """Take in an order: a new one about to be sent, or one the journal remembers."""
        self._orders[order.id] = order
        self._live = None
        if order.filled:
            self.ledger.filled(order.request.key, order.request.side, order.filled, order.filled_s)
        self.ledger.touched(order.request.key)

    def all(self) -> list[Order]:
        """Every order, oldest first."""
        return list(self._orders.values())

    def of(self, intent: str) -> list[Order]:
        """The orders of one intent, oldest first."""
        return [o for o in self._orders.values() if o.intent == intent]

    def live(self) -> Sequence[Order]:
        """Every order that may still trade, of every intent, ended intents included.

        Sorted out once for all that ask between two pieces of news: every leg of every exit does.
        """
        if self._live is None:
            self._live = [o for o in self._orders.values() if o.state.live]
        return self._live

    def get(self, correlation_id: str) -> Order | None:
        """Find an order by the id we gave it."""
        return self._orders.get(correlation_id)

    def start_day(self, since_s: float) -> list[Order]:
        """Drop the orders sent before the day began, and book the others anew; the dropped ones."""
        dropped = [o for o in self._orders.values() if o.sent_s < since_s]
        left = [o for o in self._orders.values() if o.sent_s >= since_s]
        self._orders, self._live = {}, None
        self.ledger.start_day(since_s)
        for order in left:
            self.add(order)
        return dropped

    def doubles(self) -> list[BrokerOrder]:
        """Orders in the book that bear the name of one of ours and are not it: nobody asked for them."""
        return [row for row in self.ledger.strays if row.correlation_id in self._orders]

    def doubtful(self, now_s: float) -> list[Order]:
        """Orders of whose fate nobody has known for too long."""
        return [o for o in self.live() if now_s - _doubt_since_s(o, now_s) >= UNKNOWN_ALARM_S]

    # ------------------------------------------------------------------------------- learning

    def report(self, report: BrokerReport, now_s: float) -> list[Change]:
        """Take in a successful report; a report older than the last one is ignored."""
        if self.ledger.report is not None and report.request <= self.ledger.report.request:
            return []
        rows = {o.correlation_id: o for o in reversed(report.orders) if o.correlation_id}
        by_id = {o.order_id: o for o in report.orders}
        trades, self._live = _by_order(report.fills), None
        changes = []
        for order in self._orders.values():
            row = by_id.get(order.order_id) if order.order_id else rows.get(order.id)
            if row is not None:
                changes += self._booked(order, row, trades.get(row.order_id, {}), now_s)
            elif order.state.live and report.began_s > order.sent_s:
                changes += self._missed(order, report, now_s)
        self.ledger.take(report, self._orders, now_s)
        return changes

    def update(self, row: BrokerOrder, now_s: float) -> list[Change]:
        """Take in one order's news from the update socket."""
        order, self._live = self.ours(row), None
        return [] if order is None else self._see(order, row, now_s)

    def ours(self, row: BrokerOrder) -> Order | None:
        """The order of ours that a row is about; None = somebody else's."""
        order = next((o for o in self._orders.values() if o.order_id == row.order_id), None)
        if order is None:
            order = self._orders.get(row.correlation_id)
            if order is not None and order.order_id:  # one of the same name is not ours
                return None
        return order

    def outcome(self, news: CommandOutcome, now_s: float) -> list[Change]:
        """Take in what became of a command of ours; always a change."""
        order, self._live = self._orders.get(news.correlation_id), None
        if order is None:
            return []
        self.ledger.touched(order.request.key)
        if news.verb is Verb.PLACE:
            return [self._placed(order, news, now_s)]
        order.pending = False  # whether it took effect, the order's row in the books says
        said = news.outcome
        if isinstance(said, Refused) and news.verb is Verb.MODIFY and order.state.live:
            return [Change(order, (said.code, said.reason))]
        return [Change(order)]

    def _placed(self, order: Order, news: CommandOutcome, now_s: float) -> Change:
        outcome = news.outcome
        if isinstance(outcome, Accepted):
            order.order_id = order.order_id or outcome.order_id
            order.learn(Event.ACCEPTED)
            return Change(order)
        if isinstance(outcome, Refused):
            news_to_us = order.learn(Event.REFUSED)
            order.reason = outcome.reason
            return Change(order, (outcome.code, outcome.reason) if news_to_us else None)
        if order.learn(Event.NO_ANSWER):
            order.unknown_s = now_s
        return Change(order)

    def _booked(self, order: Order, row: BrokerOrder, trades: Trades, now_s: float) -> list[Change]:
        changes = self._see(order, _with_trades(row, trades), now_s)
        return [Change(order)] if order.book(trades) and not changes else changes

    def _see(self, order: Order, row: BrokerOrder, now_s: float) -> list[Change]:
        state, before, asked_for = order.state, order.filled, order.request.quantity
        if not order.see(row):
            return []
        if order.filled > before:
            order.filled_s = now_s
            self.ledger.filled(order.request.key, order.request.side, order.filled - before, now_s)
        if (order.state, order.request.quantity) != (state, asked_for):
            self.ledger.touched(order.request.key)
        refused = order.state is OrderState.REFUSED and state is not order.state
        refusal = ("", order.reason) if refused else None
        return [Change(order, refusal, resized=order.request.quantity != asked_for)]

    def _missed(self, order: Order, report: BrokerReport, now_s: float) -> list[Change]:
        """The order book lacks a live order: count, and give it up only on proof.

        Only an order whose command has failed to answer can be absent. One whose command is still
        under way may yet arrive, one that was seen working has become doubtful, not absent, and one may
        have traded although no book lists it.
        """
        order.absent_reads += 1
        if order.state is OrderState.WORKING and order.unknown_s is None:
            order.unknown_s = now_s
        if order.state is not OrderState.UNKNOWN or order.absent_reads < ABSENT_READS:
            return []
        if report.began_s - (order.unknown_s or order.sent_s) < ABSENT_AFTER_S:
            return []
        if self.ledger.left_traces(order, report):
            return []
        order.learn(Event.PROVED_ABSENT)
        self.ledger.touched(order.request.key)
        return [Change(order)]


def is_lost(order: Order, now_s: float) -> bool:
    """Whether an order is missing from the books for so long that they will not tell of it any more."""
    return order.absent_reads >= LOST_READS and now_s - _doubt_since_s(order, now_s) >= LOST_AFTER_S


def lost_order(orders: Iterable[Order], now_s: float) -> Order | None:
    """The first live one that is missing from the books for so long that a person has to look."""
    return next((o for o in orders if o.state.live and is_lost(o, now_s)), None)


def _doubt_since_s(order: Order, now_s: float) -> float:
    if order.unknown_s is not None:
        return order.unknown_s
    return order.sent_s if order.state is OrderState.SENDING else now_s


def _by_order(fills: Iterable[BrokerFill]) -> dict[str, Trades]:
    """Sort the trade book by order: each exchange trade once, by its id."""
    sorted_out: dict[str, Trades] = {}
    for fill in fills:
        trade = Trade(fill.quantity, fill.price_paise, fill.at_s)
        sorted_out.setdefault(fill.order_id, {})[fill.trade_id] = trade
    return sorted_out


def _with_trades(row: BrokerOrder, trades: Trades) -> BrokerOrder:
    """The trade book may know of a fill that the order book does not show yet."""
    units = sum(trade.units for trade in trades.values())
    if units <= row.filled:
        return row
    turnover = sum(trade.units * trade.paise for trade in trades.values())
    return replace(row, filled=units, average_paise=turnover // units)
