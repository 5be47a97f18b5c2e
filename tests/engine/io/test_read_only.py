"""Alert-only's broker: whatever the core decides, nothing that changes anything gets through."""

from __future__ import annotations

from engine.broker_nouns import OrderRequest, Product
from engine.io.read_only import ReadOnlyBroker
from engine.messages import Refused
from engine.model import InstrumentKey, Side

REQUEST = OrderRequest("P-a-260203001-0-0-0", InstrumentKey(1), Side.BUY, 65, 1000, Product.MARGIN)


class Tripwire:
    """A broker that may be read and must not be commanded."""

    async def orders(self):
        return ["orders"]

    async def orders_named(self, name):
        return [name]

    async def traded(self):
        return ["fills"], ["positions"]


async def test_reads_go_through_and_commands_are_refused_without_a_call():
    """The broker behind it has no commands at all, so a call would be an AttributeError."""
    broker = ReadOnlyBroker(Tripwire())
    assert [
        await broker.orders(), await broker.orders_named("P-a"),
        *await broker.traded(),
    ] == [["orders"], ["P-a"], ["fills"], ["positions"]]  # fmt: skip
    for said in (await broker.place(REQUEST), await broker.modify("1", REQUEST), await broker.cancel("1")):
        assert isinstance(said, Refused)
