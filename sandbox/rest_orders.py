"""Endpoints of the order book and the trade book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import rows
from sandbox.dhan_rest import Call, Route, bare
from sandbox.limits import Group
from sandbox.orders import Ticket, largest_order, read_ticket
from sandbox.refusals import bad_input

if TYPE_CHECKING:
    from sandbox.orders import Order


def _place(call: Call) -> Any:
    if not call.body:
        raise bad_input()
    late_s, doom = (call.fault.late_s, call.fault.reason) if call.fault else (0.0, "")
    order = call.world.exchange.place(
        call.body, call.now_s, client_id=call.account.client_id, late_s=late_s, doom=doom
    )
    return {"orderId": order.order_id, "orderStatus": str(order.status)}


def _place_sliced(call: Call) -> Any:
    exchange = call.world.exchange
    whole = read_ticket(call.body, exchange.source.instruments)
    orders = [
        exchange.enter(ticket, call.now_s, client_id=call.account.client_id) for ticket in _slices(whole)
    ]
    return [{"orderId": o.order_id, "orderStatus": str(o.status)} for o in orders]


def _slices(ticket: Ticket) -> list[Ticket]:
    most = largest_order(ticket.instrument, ticket.quantity)
    sizes = [most] * (ticket.quantity // most)
    if ticket.quantity % most:
        sizes.append(ticket.quantity % most)
    fields = {name: getattr(ticket, name) for name in Ticket.__slots__}
    return [Ticket(**(fields | {"quantity": size, "disclosed": 0})) for size in sizes]


def _modify(call: Call) -> Any:
    order = call.world.exchange.modify(
        call.part("order_id"), call.body, call.now_s, client_id=call.account.client_id
    )
    return bare(call.world, {"orderId": order.order_id, "orderStatus": "TRANSIT"})


def _cancel(call: Call) -> Any:
    order = call.world.exchange.cancel(call.part("order_id"), call.now_s, client_id=call.account.client_id)
    return bare(call.world, {"orderId": order.order_id, "orderStatus": "CANCELLED"})


def _orders(call: Call) -> Any:
    if call.fault is None or not call.fault.lag_s:
        return [rows.order_row(order) for order in _book(call)]
    until_s = call.now_s - call.fault.lag_s
    told = ([row for at_s, row in order.told if at_s <= until_s] for order in _book(call))
    return [shown[-1] for shown in told if shown]


def _order(call: Call) -> Any:
    order = call.world.exchange.find(call.part("order_id"), call.now_s, client_id=call.account.client_id)
    row = rows.order_row(order)
    return row if call.world.habits.order_as_object else [row]


def _by_correlation(call: Call) -> Any:
    wanted = call.part("correlation_id")
    found = [rows.order_row(o) for o in _book(call) if o.ticket.correlation_id == wanted]
    if not found:
        raise bad_input(status=call.world.habits.unknown_external)
    return found if call.world.habits.external_as_array else found[-1]


def _trades(call: Call) -> Any:
    until_s = call.now_s - (call.fault.lag_s if call.fault is not None else 0.0)
    trades = [(trade, order) for order in _book(call) for trade in order.trades]
    return [rows.trade_row(trade, order) for trade, order in trades if trade.at_s <= until_s]


def _trades_of_order(call: Call) -> Any:
    order = call.world.exchange.find(call.part("order_id"), call.now_s, client_id=call.account.client_id)
    return [rows.trade_row(trade, order) for trade in order.trades]


def _past_trades(_call: Call) -> Any:
    return []


def _book(call: Call) -> list[Order]:
    return call.world.exchange.book(call.now_s, call.account.client_id)


ROUTES = (
    Route("POST", "/orders", Group.ORDER, _place, changes=True),
    Route("POST", "/orders/slicing", Group.ORDER, _place_sliced, changes=True),
    Route("PUT", "/orders/{order_id}", Group.ORDER, _modify, changes=True),
    Route("DELETE", "/orders/{order_id}", Group.ORDER, _cancel, changes=True),
    Route("GET", "/orders", Group.OTHER, _orders),
    Route("GET", "/orders/{order_id}", Group.OTHER, _order),
    Route("GET", "/orders/external/{correlation_id}", Group.OTHER, _by_correlation),
    Route("GET", "/trades", Group.OTHER, _trades),
    Route("GET", "/trades/{order_id}", Group.OTHER, _trades_of_order),
    Route("GET", "/trades/{from_date}/{to_date}/{page}", Group.OTHER, _past_trades),
    Route("GET", "/ledger", Group.OTHER, _past_trades),
)
