"""One picture of the broker's books: whatever is filled meanwhile, positions are never older than orders."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.broker_nouns import BrokerFill, BrokerOrder, BrokerPosition, OrderStatus, Product
from engine.errors import Unreachable
from engine.io.broker_books import REREADS, BrokerBooks
from engine.model import InstrumentKey, Side
from tests.support.clock import VirtualClock

KEY = InstrumentKey(1)
OURS = "P-a-260203001-0-0-0"
ORDER = BrokerOrder("1", OURS, KEY, Side.BUY, 10_000, 0, 0, 1000, OrderStatus.PENDING)


class Exchange:
    """One order, of which a unit is filled at some of the moments between the steps of whoever reads.

    A call sees the state of one moment, some steps after it was begun and some before it is answered.
    """

    def __init__(self, fills=(), delays=(), correlation_id=OURS):
        self.filled, self.moment = 0, 0
        self.order = replace(ORDER, correlation_id=correlation_id)
        self.calls, self.fail = [], ""
        self._fills, self._delays = set(fills), list(delays)

    async def _pass(self, steps):
        for _ in range(steps):
            await asyncio.sleep(0)
            self.moment += 1
            self.filled += self.moment in self._fills

    async def _see(self, what, make):
        self.calls.append(what)
        if what == self.fail:
            raise Unreachable(what)
        before, after = self._delays.pop() if self._delays else (1, 1)
        await self._pass(before)
        seen = make()
        await self._pass(after)
        return seen

    async def orders(self):
        done = self.filled >= self.order.quantity
        status = OrderStatus.TRADED if done else OrderStatus.PENDING
        return await self._see("orders", lambda: [replace(self.order, filled=self.filled, status=status)])

    async def traded(self):
        try:
            async with asyncio.TaskGroup() as both:
                fills, positions = both.create_task(self.fills()), both.create_task(self.positions())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return fills.result(), positions.result()

    async def fills(self):
        return await self._see(
            "fills", lambda: [BrokerFill(str(n), "1", KEY, Side.BUY, 1, 1000) for n in range(self.filled)]
        )

    async def positions(self):
        return await self._see("positions", lambda: [BrokerPosition(KEY, Product.MARGIN, self.filled)])


def reader(exchange):
    return BrokerBooks(exchange, VirtualClock())


def counted(report):
    """Units that are filled as the order book, the trade book and the positions tell."""
    return report.orders[0].filled, len(report.fills), report.positions[0].net_quantity


DELAYS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=60)


@given(st.sets(st.integers(1, 60), max_size=30), DELAYS, st.sampled_from([OURS, ""]))
async def test_no_fill_that_the_orders_tell_is_missing_from_the_positions(fills, delays, correlation_id):
    """The other way round it would be traded twice; and what stood still is one picture of one moment."""
    exchange = Exchange(fills, delays, correlation_id)
    books = reader(exchange)
    for request in range(4):  # the later ones may go by a book of the one before
        before, exchange.calls = exchange.filled, []
        report = await books.read(request)
        orders, trades, positions = counted(report)
        assert before <= orders <= positions <= exchange.filled  # all of it was read after it was asked for
        assert orders <= trades
        if exchange.calls[-1] == "orders":
            assert orders == trades == positions


async def test_the_first_look_holds_two_books_of_orders_against_each_other():
    """Fills and positions lie between them, and are read at the same time."""
    exchange = Exchange()
    await reader(exchange).read(1)
    assert exchange.calls == ["orders", "fills", "positions", "orders"]


async def test_where_nothing_of_ours_works_the_next_look_begins_with_the_book_it_knows():
    """Two round trips and three calls: the old book of orders is the first of the two."""
    exchange = Exchange(correlation_id="somebody else's, and still at the exchange")
    books = reader(exchange)
    await books.read(1)
    exchange.calls = []
    await books.read(2)
    assert exchange.calls == ["fills", "positions", "orders"]
    exchange.filled, exchange.calls = 7, []
    assert counted(await books.read(3)) == (7, 7, 7)
    assert exchange.calls == ["fills", "positions", "orders", "fills", "positions", "orders"]


@pytest.mark.parametrize("why", ["an order of ours works", "a command of ours has left", "it left meanwhile"])
async def test_a_book_that_will_hardly_stay_is_not_gone_by(why):
    """What is read in vain is missing where it is needed: the account has so many reads a second."""
    exchange = Exchange(correlation_id=OURS if why.startswith("an") else "")
    books = reader(exchange)
    reading = asyncio.ensure_future(books.read(1))
    await asyncio.sleep(0)
    if why.startswith("it"):
        books.stirred()
    await reading
    if why.startswith("a command"):
        books.stirred()
    exchange.calls = []
    await books.read(2)
    assert exchange.calls[0] == "orders"


async def test_an_order_that_never_rests_does_not_keep_the_look_from_its_end():
    """After so many times what was read last counts, positions behind the newest orders."""
    exchange = Exchange(fills=range(1, 1_000))
    report = await reader(exchange).read(1)
    assert exchange.calls.count("positions") == REREADS + 1
    assert exchange.calls[-1] != "orders"
    orders, _, positions = counted(report)
    assert orders <= positions


@pytest.mark.parametrize("what", ["orders", "fills", "positions"])
async def test_one_that_fails_makes_the_whole_look_fail(what):
    """A part that is missing would look like a position that is not there; nothing goes on behind it."""
    exchange = Exchange()
    exchange.fail = what
    report = await reader(exchange).read(7)
    assert (report.request, report.failed, report.positions) == (7, what, ())
    assert len(asyncio.all_tasks()) == 1
