"""A broker that can only be read: alert-only mode's, so that no bug can send an order there."""

from __future__ import annotations

from collections.abc import Sequence

from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, OrderRequest
from engine.io.ports import Broker
from engine.messages import Outcome, Refused

_NO = Refused("alert-only", "alert-only mode sends nothing to the broker")


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

    async def fills(self) -> Sequence[BrokerFill]:
        """Today's trade book."""
        return await self._broker.fills()

    async def positions(self) -> Sequence[BrokerPosition]:
        """Net positions."""
        return await self._broker.positions()
