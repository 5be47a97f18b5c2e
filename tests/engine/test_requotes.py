"""Exits whose quotes are old ask for new ones by REST, now and then, and wait for nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.effects import Alert, PlaceOrder, QueryQuotes
from engine.intents import IntentState
from engine.messages import QuotesRead, Ticks, Wish
from engine.model import Mode
from engine.pricing import Touch
from engine.requotes import EVERY_S
from tests.engine.makers import leg, position, quote
from tests.support.broker import Fill, ModelBroker, World
from tests.support.rig import Rig

OLD = "An exit is priced from old quotes"
MIDS = (20.0, 45.0, 40.0, 18.0)


class Asked(Rig):
    """A monitor whose questions for quotes are kept, and answered when `mids` says how."""

    def __init__(self):
        self.asked, self.mids, self.order = [], None, []
        super().__init__(Mode.EXECUTE)

    def ask_the_world(self, effect):
        self.order.append(type(effect))
        if not isinstance(effect, QueryQuotes):
            return super().ask_the_world(effect)
        self.asked.append((self.now_s, set(effect.keys)))
        if self.mids is None:
            return []
        at = {leg.key: mid for leg, mid in zip(self.legs, self.mids, strict=True)}
        ticks = tuple(quote(key, at[key] - 0.05, at[key] + 0.05) for key in effect.keys)
        return [QuotesRead(ticks, self.now_s)]


def dead_feed(seconds=60.0) -> Asked:
    """Prices came once; since then the feed is dead, and the broker's positions are as recorded."""
    rig = Asked()
    rig.quotes(*MIDS)
    rig.wait(seconds)
    return rig


def test_without_an_exit_nobody_asks():
    """Old quotes are the feed's business as long as nothing is to be priced from them."""
    assert not dead_feed().asked


def test_an_exit_from_old_quotes_asks_for_its_contracts_before_its_first_order():
    """REST answers: the exit is priced from what it said, and nobody needs to be told of old quotes."""
    rig = dead_feed()
    rig.mids = (30.0, 66.0, 60.0, 27.0)
    rig.command(Wish.EXIT, 3359, confirmed=True)
    assert rig.asked == [(rig.now_s, {each.key for each in rig.legs})]
    shorts = {order.key: order.limit_paise for order in rig.placed}
    assert shorts == {rig.legs[1].key: 6605, rig.legs[2].key: 6005}
    assert OLD not in {alert.title for alert in rig.of(Alert)}


def test_without_an_answer_the_exit_goes_on_and_the_owner_is_told():
    """The feed is dead and REST is too: the order leaves at once, priced from what is known."""
    rig = dead_feed()
    rig.command(Wish.EXIT, 3359, confirmed=True)
    assert rig.placed
    assert rig.asked[0][0] == rig.now_s
    assert OLD in {alert.title for alert in rig.of(Alert)}


def test_fresh_quotes_are_not_asked_for():
    """The feed lives: its prices serve."""
    rig = dead_feed(0.0)
    rig.quotes(*MIDS)
    rig.command(Wish.EXIT, 3359, confirmed=True)
    assert rig.placed
    assert not rig.asked


def test_it_asks_every_few_seconds_and_only_for_what_is_open_and_stale():
    """One leg lives on the feed, the others do not; the question is asked again, never more often."""
    rig = dead_feed()
    rig.exchange.hold({each.key: each.quantity for each in rig.legs})
    rig.command(Wish.EXIT, 3359, confirmed=True)
    began_s = rig.now_s
    for _ in range(20):
        rig.now_s += 0.5
        rig.tell(Ticks([quote(rig.legs[0].key, 19.95, 20.05)]))
        rig.wait(0.5)
    asked_s = [at_s for at_s, _ in rig.asked]
    assert asked_s == [began_s + EVERY_S * n for n in range(len(asked_s))]
    assert len(asked_s) > 3
    assert all(rig.legs[0].key not in keys for _, keys in rig.asked[1:])


def test_what_the_feed_has_brought_meanwhile_is_newer():
    """A tick overtakes the answer of REST: the tick stands."""
    rig = dead_feed()
    asked_s = rig.now_s
    rig.now_s += 0.5
    one, two = rig.legs[:2]
    rig.tell(Ticks([quote(one.key, 24.95, 25.05)]))
    rig.tell(QuotesRead((quote(one.key, 10.0, 10.1), quote(two.key, 50.0, 50.1)), asked_s))
    book = rig.monitor.watch.book
    assert (book.peek(one.key).bid_paise, book.peek(two.key).bid_paise) == (2495, 5000)


def test_an_exit_that_may_not_send_does_not_ask():
    """The gate is shut (the market is closed, say): nothing is priced, so nothing is asked all night."""
    world = World(position(leg(-65, 25300, "CE", 40)))
    world.gate = "the market is closed"
    world.exit()
    wanted = [effect for at_s in range(5, 60) for effect in world.desk.pulse(world.now_s + at_s)]
    assert not [effect for effect in wanted if isinstance(effect, QueryQuotes | PlaceOrder)]
    world.gate = ""
    assert [e for e in world.desk.pulse(world.now_s + 60.0) if isinstance(e, QueryQuotes)]


@pytest.mark.parametrize(("age_s", "told"), [(0.0, False), (60.0, True)])
def test_a_new_price_for_a_resting_order_is_told_of_too_when_it_comes_from_old_quotes(age_s, told):
    """The order left on fresh quotes; then the feed died, and the ladder stepped on what was known."""
    world = World(position(leg(-65, 25300, "CE", 40)), ModelBroker(fills_as=Fill.NEVER))
    (key,) = world.broker.net
    world.touches[key] = Touch(1000, 1010, 1005, world.now_s)
    world.exit()
    world.run(1.0)
    assert OLD not in world.titles()
    world.touches[key] = replace(world.touches[key], arrived_s=world.now_s - age_s)
    world.run(5.0)
    assert world.intent.state is IntentState.WORKING
    assert (OLD in world.titles()) is told
