"""When an exit reads the broker's books: at once where it can do nothing without them, else once a second."""

from __future__ import annotations

from dataclasses import replace

from engine.broker_nouns import OrderStatus
from engine.effects import QueryBroker
from engine.model import Side
from tests.engine.makers import condor, position
from tests.support.broker import Fill, ModelBroker, World


class Counting(World):
    """Counts the reports that are asked for, and lets the test fill orders by hand."""

    reads = 0

    def do(self, effect):
        self.reads += isinstance(effect, QueryBroker)
        return super().do(effect)

    def fill(self, order_id: str) -> None:
        """The exchange fills an order whole, and its update reaches the desk at once."""
        row = self.broker.orders[order_id]
        self.broker.trade(order_id, row.quantity - row.filled, self.now_s)
        self.carry(self.desk.update(self.broker.orders[order_id], self.now_s))

    def resting(self, side: Side) -> list[str]:
        """Ids of the orders of a side that are at the exchange."""
        rows = self.broker.orders.values()
        return [row.order_id for row in rows if row.side is side and row.status is OrderStatus.PENDING]


def test_orders_that_rest_at_the_exchange_are_no_reason_to_read_the_books_at_once():
    """One read decides both shorts and the longs after them; what is at the exchange brings its own news."""
    world = Counting(condor(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    assert world.reads == 1
    for order_id in world.resting(Side.BUY):
        world.fill(order_id)
    assert len(world.resting(Side.SELL)) == 2
    assert world.reads == 1


def test_an_exit_that_has_traded_everything_reads_the_books_at_once():
    """The last fill is followed by the read that proves it, in the same moment."""
    world = Counting(condor(), ModelBroker(fills_as=Fill.NEVER))
    intent = world.exit()
    for side in (Side.BUY, Side.SELL):
        for order_id in world.resting(side):
            world.fill(order_id)
    assert world.reads == 2
    assert intent.state.value == "flat"


def test_the_next_slice_is_read_for_at_once_while_another_leg_rests():
    """Freeze 65 of 130: the first slice of one short is filled, its second leaves in the same moment."""
    sliced = [
        replace(leg, quantity=2 * leg.quantity, instrument=replace(leg.instrument, freeze_quantity=65))
        for leg in condor().legs
    ]
    world = Counting(position(*sliced), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    first, other = world.resting(Side.BUY)
    world.fill(first)
    assert world.reads == 2
    assert len(world.broker.placed) == 3
    assert other in world.resting(Side.BUY)


def test_an_exit_does_not_wait_for_a_report_that_was_asked_for_before_it():
    """The half-minute's look at the books hangs; what the exit needs is asked for beside it, once."""
    world = Counting(condor())
    world.desk.ask(world.now_s, "sync")
    lost = world.desk.pulse(world.now_s)
    assert [type(effect) for effect in lost] == [QueryBroker]
    world.now_s += 0.5
    world.exit()
    assert world.reads >= 1
    assert world.broker.placed


def test_exits_that_begin_together_share_their_reports():
    """A day limit ends three positions in one moment: one report is under way, not three."""

    class Deaf(Counting):
        def do(self, effect):
            self.reads += isinstance(effect, QueryBroker)
            return []

    world = Deaf(condor())
    for number in range(3):
        world.exit(name=f"26020300{number}")
    assert world.reads == 1


def test_orders_without_news_are_looked_at_every_few_seconds():
    """The update socket is silent: the books are read all the same."""
    world = Counting(condor(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(20.0)
    assert world.reads >= 4


def test_a_contract_that_is_not_listed_is_counted_once_a_read_however_often_the_exit_is_looked_at():
    """Five reads in a row lack it before the exit gives up; ten looks at one of them are one read."""
    world = Counting(condor(), ModelBroker(lists_positions=False))
    intent = world.exit()
    for _ in range(10):
        world.carry(world.desk.pulse(world.now_s))
    assert intent.state.live
    world.run()
    assert intent.state.value == "stuck"
    assert world.reads == 5
