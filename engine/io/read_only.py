"""A broker that can only be read: alert-only mode's, so that no bug can send an order there.

Its nets too, which simulate mode has not either: on paper nothing of the real account is touched.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, OrderRequest
from engine.controls import ControlState, PnlExit
from engine.io.ports import Broker, Control
from engine.messages import Outcome, Refused, Verb

_NO = Refused("alert-only", "alert-only mode sends nothing to the broker")
_NO_CONTROL = Refused("read-only", "this mode changes nothing at the broker")


class ReadOnlyBroker:
    """Implements `engine.io.ports.Broker`: reads go through, commands are refused here."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def place(self, order: OrderRequest) -> Outcome:  # noqa: ARG002 - the port's shape
        """Refuse."""
        return _NO

    async def modify(self, order_id: str, order: OrderRequest) -> Outcome:  # noqa: ARG002 - the port's shape
        """Refuse."""
        return _NO

    async def cancel(self, order_id: str) -> Outcome:  # noqa: ARG002 - the port's shape
        """Refuse."""
        return _NO

    def recall(self, correlation_id: str) -> None:
        """Nothing ever waits here."""

    async def orders(self) -> Sequence[BrokerOrder]:
        """Today's order book."""
        return await self._broker.orders()

    async def orders_named(self, correlation_id: str) -> Sequence[BrokerOrder]:
        """Today's orders of this name."""
        return await self._broker.orders_named(correlation_id)

    async def traded(self) -> tuple[Sequence[BrokerFill], Sequence[BrokerPosition]]:
        """Today's trade book and net positions."""
        return await self._broker.traded()


class ReadOnlyControl:
    """Implements `engine.io.ports.Control`: the nets can be looked at, commands are refused here."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def state(self, request: int) -> ControlState:
        """How they stand."""
        return await self._control.state(request)

    async def command(self, verb: Verb, terms: PnlExit | None) -> Outcome:  # noqa: ARG002 - the port's shape
        """Refuse."""
        return _NO_CONTROL
