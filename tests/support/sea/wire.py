"""The way to the sandbox's exchange and back: bytes both ways, read by the product's own wire.

What the sandbox's HTTP server does with a call is done here without HTTP: the same faults
(`sandbox.faults`), the same bodies, the same refusals. What the client makes of an answer is
`engine.io.dhan.outcomes`; what it makes of rows is `engine.wire`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from engine.io.dhan.http import Reply
from engine.io.dhan.outcomes import outcome_of, rows_of
from engine.messages import Unknown, Verb
from engine.model import key_parts
from engine.wire import parse_order_row, parse_position_row, parse_trade_row
from sandbox import rows
from sandbox.faults import Faults, RestFault
from sandbox.faults import Reply as Shown
from sandbox.refusals import Refusal
from tests.support.sea.tasks import Agenda, Nap

if TYPE_CHECKING:
    from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, OrderRequest
    from engine.messages import Outcome, Tick
    from engine.model import InstrumentKey
    from sandbox.exchange import Exchange
    from sandbox.orders import Order
    from tests.support.sea.judge import Judge

#: The client waits no longer than this for an answer.
PATIENCE_S = 4.0
#: Nobody has reported an order that showed up later than this after it had left us.
LATEST_S = 28.0
PAGE = b"<html><head><title>502</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Wire:
    """The port `Broker`.

    Attributes:
        way_s: how long a command is on its way to Dhan; the answer takes as long again.
        unplugged: so many coming commands find no connection.
        doubles: so many coming orders are taken twice, under one correlation id.
        reads: how reads go: ``honest``, ``blind``, ``slow``, ``hang``, ``empty`` or ``drop``.
        lag_s: how old the position list is.
        vanished: orders that the order book does not have any more; the trade book keeps what they trade.
    """

    def __init__(self, agenda: Agenda, exchange: Exchange, judge: Judge) -> None:
        self._agenda = agenda
        self._exchange = exchange
        self._judge = judge
        self.vanished: dict[str, Order] = {}
        self._turn = False
        self.calm()

    def calm(self) -> None:
        """All is well from now on."""
        self.faults = Faults()
        self.way_s, self.unplugged, self.doubles = 0.05, 0, 0
        self.reads, self.lag_s = "honest", 0.0

    # -------------------------------------------------------------------------------- commands

    async def place(self, order: OrderRequest) -> Outcome:
        """Send one limit order."""
        self._judge.leaves(order)
        segment, security_id = key_parts(order.key)
        body = {
            "transactionType": order.side.value,
            "exchangeSegment": segment.value,
            "productType": order.product.value,
            "orderType": "LIMIT",
            "validity": "IOC" if order.ioc else "DAY",
            "securityId": str(security_id),
            "quantity": order.quantity,
            "price": order.limit_paise / 100,
            "correlationId": order.correlation_id,
        }

        left_s = self._agenda.at_s

        def act(now_s: float, fault: RestFault | None) -> Any:
            self._judge.arrives(order)
            late_s, doom = (fault.late_s, fault.reason) if fault else (0.0, "")
            late_s = min(late_s, max(0.0, left_s + LATEST_S - now_s))
            taken = self._exchange.place(json.loads(json.dumps(body)), now_s, late_s=late_s, doom=doom)
            if self.doubles:
                self.doubles -= 1
                self._judge.hands.add(order.key)  # what the second one trades is not our doing
                self._exchange.place(json.loads(json.dumps(body)), now_s)
            return {"orderId": taken.order_id, "orderStatus": str(taken.status)}

        reply = await self._call("POST", "/orders", act, self._judge.stays_away(order))
        outcome = outcome_of(Verb.PLACE, reply)
        self._judge.answered(order, unknown=isinstance(outcome, Unknown))
        return outcome

    async def modify(self, order_id: str, order: OrderRequest) -> Outcome:
        """Change the limit of a working order."""
        self._judge.leaves_house(order.correlation_id)
        body = {"orderType": "LIMIT", "quantity": order.quantity, "price": order.limit_paise / 100}

        def act(now_s: float, _fault: RestFault | None) -> Any:
            self._exchange.modify(order_id, json.loads(json.dumps(body)), now_s)
            return {"orderId": order_id, "orderStatus": "TRANSIT"}

        return outcome_of(Verb.MODIFY, await self._call("PUT", f"/orders/{order_id}", act), order_id)

    async def cancel(self, order_id: str) -> Outcome:
        """Ask for a cancellation."""

        def act(now_s: float, _fault: RestFault | None) -> Any:
            self._exchange.cancel(order_id, now_s)
            return {"orderId": order_id, "orderStatus": "CANCELLED"}

        return outcome_of(Verb.CANCEL, await self._call("DELETE", f"/orders/{order_id}", act), order_id)

    async def _call(
        self,
        verb: str,
        path: str,
        act: Callable[[float, RestFault | None], Any],
        lost: Callable[[], None] = lambda: None,
    ) -> Reply:
        if self.unplugged:
            self.unplugged -= 1
            lost()
            await Nap(0.1)
            return Reply(None, failure="ConnectTimeout", sent=False)
        fault, answers, way_s = self.faults.take(verb, path), list[Reply](), self.way_s
        if fault is None or fault.accepted:
            # The sandbox's event, not the process's: what has left arrives whoever dies meanwhile.
            self._agenda.later(way_s, lambda: answers.append(self._answer(act, fault)))
        else:
            lost()
        if 2 * way_s > PATIENCE_S or (fault is not None and fault.reply is Shown.STALL):
            await Nap(PATIENCE_S)
            return Reply(None, failure="ReadTimeout")
        await Nap(2 * way_s)
        return _shown(fault, answers)

    def _answer(self, act: Callable[[float, RestFault | None], Any], fault: RestFault | None) -> Reply:
        now_s = self._agenda.at_s
        self._exchange.advance(now_s)
        try:
            return Reply(200, json.dumps(act(now_s, fault)).encode())
        except Refusal as refusal:
            return Reply(refusal.status, json.dumps(refusal.body).encode())

    def recall(self, correlation_id: str) -> None:
        """Nothing waits in this house: what was sent has left."""

    # ----------------------------------------------------------------------------------- reads

    async def orders(self) -> list[BrokerOrder]:
        """Today's order book."""
        told = await self._read(lambda now_s: [rows.order_row(o) for o in self._exchange.book(now_s)])
        return [parse_order_row(row) for row in told]

    async def orders_named(self, correlation_id: str) -> list[BrokerOrder]:
        """Today's orders of this name."""
        return [order for order in await self.orders() if order.correlation_id == correlation_id]

    async def quotes(self, keys: Iterable[InstrumentKey]) -> list[Tick]:
        """The feed is all there is here."""
        return []

    async def traded(self) -> tuple[list[BrokerFill], list[BrokerPosition]]:
        """Trade book and net positions, now the one first and now the other."""
        self._turn = not self._turn
        if self._turn:
            fills = await self._fills()
            return fills, await self._positions()
        positions = await self._positions()
        return await self._fills(), positions

    async def _fills(self) -> list[BrokerFill]:
        told = await self._read(
            lambda now_s: [
                rows.trade_row(t, o)
                for o in (*self._exchange.book(now_s), *self.vanished.values())
                for t in o.trades
            ]
        )
        return [parse_trade_row(row) for row in told]

    async def _positions(self) -> list[BrokerPosition]:
        return [parse_position_row(row) for row in await self._read(self._held)]

    def _held(self, now_s: float) -> list[Any]:
        account, source = self._exchange.account(), self._exchange.source
        told = [
            rows.position_row(account.client_id, at, source.instruments[at.key], source.quote(at.key))
            for at in account.holdings(now_s - self.lag_s).values()
        ]
        return [] if self.reads == "empty" else told[1:] if self.reads == "drop" else told

    async def _read(self, look: Callable[[float], list[Any]]) -> list[object]:
        await Nap({"slow": 1.5, "hang": 12.0}.get(self.reads, 0.05))
        if self.reads in ("blind", "hang"):
            return rows_of(Reply(None, failure="ReadTimeout"))
        now_s = self._agenda.at_s
        self._exchange.advance(now_s)
        return rows_of(Reply(200, json.dumps(look(now_s)).encode()))


def _shown(fault: RestFault | None, answers: list[Reply]) -> Reply:
    """What the client gets to see, as `sandbox.misbehaviour` shows it."""
    if fault is None or fault.reply is Shown.HONEST:
        return answers[0]
    if fault.reply is Shown.ERROR:
        return Reply(fault.status, PAGE if fault.body is None else json.dumps(fault.body).encode())
    return Reply(None, failure="ConnectionError" if fault.reply is Shown.RESET else "IncompleteRead")
