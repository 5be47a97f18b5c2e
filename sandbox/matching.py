"""What happens to orders at the exchange: arrival, refusal, fills, changes, cancellation, the close."""

from __future__ import annotations

import heapq
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.broker_nouns import OrderStatus
from engine.model import Side
from sandbox import risk
from sandbox.liquidity import Liquidity
from sandbox.orders import Order, Terms, Trade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sandbox.account import Account
    from sandbox.quotes import Quote, QuoteSource


class What(StrEnum):
    """What is on its way to the exchange."""

    ARRIVE = "arrive"
    MODIFY = "modify"
    CANCEL = "cancel"


class Matcher:
    """The exchange proper. Knows accounts only to book fills and to ask for margin."""

    def __init__(
        self,
        source: QuoteSource,
        accounts: Mapping[str, Account],
        tell: Callable[[Order, float], None],
        *,
        hedge_aware: bool,
    ) -> None:
        """``tell`` hears of every change of an order, with its moment."""
        self._source = source
        self._accounts = accounts
        self._tell_client = tell
        self._hedge_aware = hedge_aware
        self._liquidity = Liquidity()
        self._due: list[tuple[float, int, What, Order, Terms | None]] = []
        self._number = 0
        self._seen: dict[str, Quote] = {}

    def send(self, at_s: float, what: What, order: Order, terms: Terms | None = None) -> None:
        """Let something reach the exchange at a moment; ``terms`` are those of a change."""
        heapq.heappush(self._due, (at_s, self._next(), what, order, terms))

    def next_due_s(self) -> float | None:
        """When something arrives next; None = nothing is on its way."""
        return self._due[0][0] if self._due else None

    def advance(self, now_s: float, *, opened: bool) -> None:
        """Make happen what is due, then let resting orders meet new quotes; at the close they expire."""
        while self._due and self._due[0][0] <= now_s:
            at_s, _, what, order, terms = heapq.heappop(self._due)
            if not order.live:
                continue
            if what is What.ARRIVE:
                self._arrive(order, at_s)
            elif terms is not None:
                self._change(order, terms, at_s)
            else:
                self._end(order, OrderStatus.CANCELLED, at_s)
        for order in self._resting():
            if opened:
                self._rematch(order, now_s)
            else:
                self._end(order, OrderStatus.EXPIRED, now_s)

    def _arrive(self, order: Order, at_s: float) -> None:
        quote = self._source.quote(order.ticket.key)
        order.reason = order.doom or self._objection(order, quote)
        if order.reason or quote is None:
            self._end(order, OrderStatus.REJECTED, at_s)
            return
        order.status = OrderStatus.PENDING
        order.exchange_s = at_s
        order.exchange_id = f"11{self._next():014d}"
        _protect(order, quote)
        self._tell(order, at_s)
        self._walk(order, quote, at_s)

    def _change(self, order: Order, terms: Terms, at_s: float) -> None:
        quote = self._source.quote(order.ticket.key)
        if quote is None or terms.quantity < order.filled or order.status is OrderStatus.TRANSIT:
            return
        trial = replace(
            order, quantity=terms.quantity, price_paise=terms.price_paise, order_type=terms.order_type
        )
        order.reason = self._objection(trial, quote)
        if not order.reason:
            _take_over(order, terms)
            _protect(order, quote)
        self._tell(order, at_s)
        order.reason = ""
        if not order.remaining:
            self._end(order, OrderStatus.TRADED, at_s)
        else:
            self._walk(order, quote, at_s)

    def _objection(self, order: Order, quote: Quote | None) -> str:
        ticket = order.ticket
        if quote is None:
            return "EXCH:Contract is not traded"
        words = risk.size_objection(ticket.instrument, order.quantity)
        if not words and order.order_type != "MARKET":
            words = risk.price_objection(ticket.instrument, ticket.side, order.price_paise, quote)
        return words or self._margin_objection(order, order.price_paise or _protected_paise(order, quote))

    def _margin_objection(self, order: Order, price_paise: int) -> str:
        account = self._accounts[order.client_id]
        net, reserved_paise = risk.committed(account, order)
        before_paise = risk.margin_paise(net, self._source, hedge_aware=self._hedge_aware)
        held = net.get(order.ticket.key, 0)
        after = held + order.ticket.side.sign * order.remaining
        net[order.ticket.key] = after
        more_paise = risk.margin_paise(net, self._source, hedge_aware=self._hedge_aware) - before_paise
        opening = order.ticket.side is Side.BUY and abs(after) > abs(held)
        needed = max(0, more_paise) + (order.remaining * price_paise if opening else 0)
        free = account.cash_paise - reserved_paise - before_paise
        if not needed or needed <= free:
            return ""
        return f"RMS:Margin Exceeds,Required:{needed / 100:.2f}, Available:{free / 100:.2f}"

    def _resting(self) -> Iterator[Order]:
        for account in self._accounts.values():
            for order in account.live_orders():
                if order.exchange_s:
                    yield order

    def _rematch(self, order: Order, now_s: float) -> None:
        quote = self._source.quote(order.ticket.key)
        if quote is None or self._seen.get(order.order_id) is quote:
            return
        if not order.triggered:
            beyond = (quote.ltp_paise - order.ticket.trigger_paise) * order.ticket.side.sign
            order.triggered = bool(quote.ltp_paise) and beyond >= 0
            self._walk(order, quote, now_s)
            return
        self._seen[order.order_id] = quote
        limit_paise = _limit_paise(order, quote)
        crossing = self._liquidity.take(quote, order.ticket.side, limit_paise, order.remaining)
        if crossing and order.order_type != "MARKET":
            # The order was there first: whoever crosses it trades at its price.
            crossing = [(limit_paise, sum(units for _, units in crossing))]
        self._fill(order, crossing, now_s)

    def _walk(self, order: Order, quote: Quote, at_s: float) -> None:
        self._seen[order.order_id] = quote
        if order.triggered:
            limit_paise = _limit_paise(order, quote)
            fills = self._liquidity.take(quote, order.ticket.side, limit_paise, order.remaining)
            self._fill(order, fills, at_s)
        if order.ticket.ioc and order.live:
            self._end(order, OrderStatus.CANCELLED, at_s)

    def _fill(self, order: Order, fills: Iterable[tuple[int, int]], at_s: float) -> None:
        account = self._accounts[order.client_id]
        for price_paise, units in fills:
            trade = Trade(
                trade_id=str(200_000_000 + self._next()),
                order_id=order.order_id,
                key=order.ticket.key,
                product=order.ticket.product,
                side=order.ticket.side,
                quantity=units,
                price_paise=price_paise,
                at_s=at_s,
            )
            order.trades.append(trade)
            account.trades.append(trade)
            order.status = OrderStatus.PART_TRADED if order.remaining else OrderStatus.TRADED
            self._tell(order, at_s)

    def _end(self, order: Order, status: OrderStatus, at_s: float) -> None:
        order.status = status
        self._tell(order, at_s)

    def _tell(self, order: Order, at_s: float) -> None:
        order.updated_s = at_s
        self._tell_client(order, at_s)

    def _next(self) -> int:
        self._number += 1
        return self._number


def _limit_paise(order: Order, quote: Quote) -> int:
    """The worst price the order may trade at; a market order without protection takes the day's range."""
    side = order.ticket.side
    if order.order_type != "MARKET":
        return order.price_paise
    if order.protected:
        return _protected_paise(order, quote)
    return quote.upper_circuit_paise if side is Side.BUY else quote.lower_circuit_paise


def _protected_paise(order: Order, quote: Quote) -> int:
    return risk.protected_price(order.ticket.side, quote, order.ticket.instrument.tick_paise)


def _protect(order: Order, quote: Quote) -> None:
    if order.order_type == "MARKET" and order.protected:
        order.price_paise = _limit_paise(order, quote)
        order.order_type = "LIMIT"


def _take_over(order: Order, terms: Terms) -> None:
    stop = terms.order_type == "STOP_LOSS"
    fired = order.triggered and order.order_type == "STOP_LOSS"
    order.triggered = fired or not stop
    order.quantity, order.price_paise, order.order_type = terms[:3]
    order.ticket = replace(
        order.ticket, trigger_paise=terms.trigger_paise, disclosed=terms.disclosed, ioc=terms.ioc
    )
