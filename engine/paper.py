"""The paper exchange: fills our orders against the quotes that really came, and nothing else.

An order fills against a quote that arrives *after* it, at the price of the side traded, never worse
than its limit, up to the quantity shown there. Quotes without sizes (LTP-only) fill any quantity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, OrderStatus, Product
from engine.messages import Accepted, Refused
from engine.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.broker_nouns import OrderRequest
    from engine.messages import Outcome, Tick
    from engine.model import InstrumentKey
    from engine.orders import Order

__all__ = ["PaperExchange"]


@dataclass(slots=True)
class _Resting:
    row: BrokerOrder
    ioc: bool


class PaperExchange:
    """Order book, trade book and positions on paper, as the broker's REST would tell them."""

    def __init__(self) -> None:
        self._orders: dict[str, _Resting] = {}
        self._last_id, self._last_trade = 900_000_000_000, 0
        self._working: dict[InstrumentKey, list[_Resting]] = {}
        self._fills: list[BrokerFill] = []
        self._baseline: dict[InstrumentKey, int] = {}
        self._traded: dict[InstrumentKey, int] = {}

    # ------------------------------------------------------------------------------- set-up

    def hold(self, nets: Mapping[InstrumentKey, int]) -> None:
        """What is held before any paper trade: the trade store's word, net units per contract."""
        self._baseline = dict(nets)

    def restore(self, orders: Iterable[Order], since_s: float = 0.0) -> None:
        """Rebuild the books from the journal's orders after a restart; those of an earlier day are dead.

        ``since_s``: when this day began.
        """
        for order in orders:
            if not order.order_id:
                continue  # it died before the paper exchange answered: it never existed
            status = OrderStatus.PART_TRADED if order.filled else OrderStatus.PENDING
            if order.filled >= order.request.quantity:
                status = OrderStatus.TRADED
            elif not order.state.live:
                status = OrderStatus.CANCELLED
            elif order.sent_s < since_s:
                status = OrderStatus.EXPIRED
            r = order.request
            row = BrokerOrder(
                order.order_id, order.id, r.key, r.side, r.quantity, order.filled, order.average_paise,
                r.limit_paise, status,
            )  # fmt: skip
            self._admit(_Resting(row, r.ioc))
            self._last_id = max(self._last_id, int(order.order_id))
            if order.filled:
                self._book(row, order.filled, order.average_paise)

    # ------------------------------------------------------------------------------ commands

    def place(self, order: OrderRequest) -> Outcome:
        """Take an order; like the real one, it does not fill before the next quote."""
        self._last_id += 1
        order_id = str(self._last_id)
        row = BrokerOrder(
            order_id, order.correlation_id, order.key, order.side, order.quantity, 0, 0,
            order.limit_paise, OrderStatus.PENDING,
        )  # fmt: skip
        self._admit(_Resting(row, order.ioc))
        return Accepted(order_id)

    def modify(self, order_id: str, order: OrderRequest) -> Outcome:
        """Move the limit of a working order."""
        resting = self._orders.get(order_id)
        if resting is None or resting.row.status.final:
            return Refused("DH-906", "order is not open")
        resting.row = replace(resting.row, limit_paise=order.limit_paise, quantity=order.quantity)
        return Accepted(order_id)

    def cancel(self, order_id: str) -> Outcome:
        """Cancel a working order, at once."""
        resting = self._orders.get(order_id)
        if resting is None or resting.row.status.final:
            return Refused("DH-906", "order is not open")
        self._end(resting, OrderStatus.CANCELLED)
        return Accepted(order_id)

    def close(self) -> list[BrokerOrder]:
        """The session ends, and with it every order that rests; the changed orders."""
        resting = [each for working in self._working.values() for each in working]
        for each in resting:
            self._end(each, OrderStatus.EXPIRED)
        return [each.row for each in resting]

    def start_day(self) -> None:
        """Begin the day's books anew, as a broker does at night; what was traded is held all the same."""
        self.close()
        self._orders.clear()
        self._working.clear()
        self._fills.clear()

    # -------------------------------------------------------------------------------- quotes

    def quote(self, tick: Tick) -> list[BrokerOrder]:
        """Match what rests in this contract against a quote that has just come; changed orders."""
        working = self._working.get(tick.key)
        if not working:
            return []
        shown = {Side.BUY: _offered(tick, Side.BUY), Side.SELL: _offered(tick, Side.SELL)}
        changed = []
        for resting in list(working):
            row = resting.row
            price, available = shown[row.side]
            crosses = price and (row.limit_paise - price) * row.side.sign >= 0
            if crosses and available > 0:
                units = min(row.quantity - row.filled, available)
                shown[row.side] = price, available - units
                self._fill(resting, units, price)
                changed.append(resting.row)
            elif resting.ioc:
                self._end(resting, OrderStatus.CANCELLED)
                changed.append(resting.row)
        return changed

    def working(self) -> list[InstrumentKey]:
        """Contracts in which something rests."""
        return [key for key, resting in self._working.items() if resting]

    # --------------------------------------------------------------------------------- books

    def orders(self) -> tuple[BrokerOrder, ...]:
        """The order book."""
        return tuple(resting.row for resting in self._orders.values())

    def fills(self) -> tuple[BrokerFill, ...]:
        """The trade book."""
        return tuple(self._fills)

    def positions(self) -> tuple[BrokerPosition, ...]:
        """Net positions; squared-off contracts stay in the list with 0."""
        keys = self._baseline.keys() | self._traded.keys()
        return tuple(
            BrokerPosition(key, Product.MARGIN, self._baseline.get(key, 0) + self._traded.get(key, 0))
            for key in sorted(keys)
        )

    # ------------------------------------------------------------------------------ plumbing

    def _admit(self, resting: _Resting) -> None:
        self._orders[resting.row.order_id] = resting
        if not resting.row.status.final:
            self._working.setdefault(resting.row.key, []).append(resting)

    def _fill(self, resting: _Resting, units: int, price: int) -> None:
        row = resting.row
        filled = row.filled + units
        average = (row.average_paise * row.filled + price * units) // filled
        full = filled == row.quantity
        resting.row = replace(
            row,
            filled=filled,
            average_paise=average,
            status=OrderStatus.TRADED if full else OrderStatus.PART_TRADED,
        )
        self._book(row, units, price)
        if full:
            self._working[row.key].remove(resting)

    def _book(self, row: BrokerOrder, units: int, price: int) -> None:
        self._last_trade += 1
        trade_id = f"P{self._last_trade}"
        self._fills.append(BrokerFill(trade_id, row.order_id, row.key, row.side, units, price))
        self._traded[row.key] = self._traded.get(row.key, 0) + row.side.sign * units

    def _end(self, resting: _Resting, status: OrderStatus) -> None:
        resting.row = replace(resting.row, status=status)
        self._working[resting.row.key].remove(resting)


def _offered(tick: Tick, side: Side) -> tuple[int, int]:
    """Price and units at which an order of this side could trade now; (0, 0) = not at all."""
    if tick.bid_paise is None and tick.ask_paise is None:
        return tick.ltp_paise, 10**9
    if side is Side.BUY:
        return tick.ask_paise or 0, tick.ask_quantity
    return tick.bid_paise or 0, tick.bid_quantity
