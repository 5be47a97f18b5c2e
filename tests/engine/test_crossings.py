"""What two mechanisms make of each other: each was right alone."""

from __future__ import annotations

from datetime import date

import pytest

from engine.broker_nouns import BrokerOrder, OrderRequest, OrderStatus, Product
from engine.effects import Ask, CancelOrder
from engine.intents import IntentState, Part
from engine.lapses import lapse
from engine.messages import Beat, BeatKind, InstrumentsLoaded, Ticks, Wish
from engine.model import Action, Mode, Side, Urgency, Verdict
from engine.outgoing import Outgoing
from engine.plan import plan_exit
from engine.sessions import at
from tests.engine.makers import leg, position, quote
from tests.engine.test_monitor import ENTRY
from tests.engine.test_tenure import OTHER
from tests.support.broker import Fill, ModelBroker, World
from tests.support.leased import TTL_S, Leased
from tests.support.rig import Rig

NEAR, FAR = leg(-130, 25300, "CE", 40, date(2026, 2, 3)), leg(130, 25300, "CE", 90)


# -------------------------------------------------- an expired leg, and a part made whole


def test_a_part_that_becomes_the_whole_after_a_night_leaves_what_has_expired_alone():
    """Half of a calendar was to stay; its near leg is dead, and a loss closes the rest of the far one."""
    whole = position(NEAR, FAR, strategy="Calendar")
    world = World(whole)
    intent = world.exit()
    intent.legs = plan_exit(whole, closes=1)
    lapse(intent, date(2026, 2, 4), Outgoing("default", world.desk.blotter))
    loss = Verdict("stop_loss", Action.CLOSE_IMMEDIATELY, Urgency.HIGH, -1, -1, 1.0, "loss")
    intent.part = Part(1, 2, 2)
    world.desk.hasten(intent, loss, world.now_s + 86_400)
    near, far = (plan for plan in sorted(intent.legs, key=lambda plan: plan.rank))
    assert (near.quantity, near.lapsed, near.keeps) == (0, 130, 0)
    assert (far.quantity, far.keeps) == (130, 0)


# -------------------------------------------------- more than a minute after a hand


def sold_besides(world, key):
    """A hand sells one more lot of a short, and the books show it at once."""
    sold = BrokerOrder("9", "", key, Side.SELL, 65, 65, 1000, 1000, OrderStatus.TRADED)
    world.broker.orders["9"] = sold
    world.broker.by_hand(key, -65, world.now_s)
    world.held[key] = -130  # from here on


def test_what_a_hand_has_added_long_before_the_end_still_ends_the_exit_flat():
    """The list has settled since, so that it explains nothing any more: the hand's order still does."""
    world = World(position(leg(-65, 25300, "CE", 40)), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    key = world.intent.legs[0].key
    sold_besides(world, key)
    world.run(100.0)
    (name,) = [name for name, row in world.broker.orders.items() if not row.status.final]
    world.broker.trade(name, 65, world.now_s)
    assert world.run(60.0) is IntentState.FLAT
    assert world.broker.net[key] == -65
    assert [a.text for a in world.alerts if "added 65 units" in a.text]


def test_a_fill_that_the_list_never_shows_is_not_taken_for_a_hand_s():
    """The net is not what our fills explain, and nobody else has traded: stuck, however long it is calm."""
    world = World(position(leg(-65, 25300, "CE", 40)), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    (name,) = world.broker.orders
    key = world.intent.legs[0].key
    world.broker.trade(name, 65, world.now_s)
    world.broker.by_hand(key, -65, world.now_s)
    assert world.run(120.0) is IntentState.STUCK
    world.sync(120.0)
    assert world.intent.state is IntentState.STUCK


# -------------------------------------------------- no cancel without the account


class Counting(Leased):
    """Counts the cancels that are asked for, and takes none; ``stray`` names of orders of ours."""

    def __init__(self, *args, **kwargs):
        self.cancels = []
        super().__init__(*args, **kwargs)

    def ask_the_world(self, effect):
        if isinstance(effect, CancelOrder):
            self.cancels.append(self.now_s)
            return []
        return super().ask_the_world(effect)


def test_an_exit_that_is_stopped_without_the_lease_asks_for_no_cancel_until_it_is_back():
    """/stop on a monitor that has lost the account: its order stays, and is taken back later."""
    rig = Counting()
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.wait(1)
    assert rig.placed
    rig.registry.give(OTHER, rig.now_s + 300)
    rig.wait(2 * TTL_S)
    rig.command(Wish.STOP)
    rig.wait(60)
    assert not rig.cancels
    rig.wait(300)
    assert rig.cancels


def test_a_stranger_that_cannot_be_cancelled_is_asked_for_later_and_later():
    """Half an hour of a cancel without effect costs some thirty commands, not hundreds."""
    rig = Counting()
    rig.wait(1, *ENTRY)
    short = next(each for each in rig.legs if each.quantity < 0)
    rig.exchange.place(OrderRequest("P-default-260203007-1-0-0", short.key, Side.BUY, 65, 5, Product.MARGIN))
    rig.journal.clear()
    rig.start()
    for _ in range(180):
        rig.wait(10)
        rig.tell(Beat(BeatKind.SYNC))
    assert 20 < len(rig.cancels) < 45


# -------------------------------------------------- a difference is settled by the owner only


@pytest.mark.parametrize("wish", [Wish.ADOPT, Wish.SHRINK])
def test_no_difference_is_settled_from_books_of_an_account_that_is_somebody_else_s(wish):
    """It was asked while the account was ours: the yes comes later, and another monitor may be trading."""
    rig = Leased(position(leg(-130, 25300, "CE", 40), leg(130, 25500, "CE", 18)))
    rig.wait(3, 40, 18)
    rig.exchange.hold({each.key: each.quantity // 2 for each in rig.legs})
    for _ in range(3):
        rig.wait(10, 40, 18)
        rig.tell(Beat(BeatKind.SYNC))
    rig.command(wish, rig.positions[0].strategy_id)
    (ask,) = rig.of(Ask)
    rig.registry.give(OTHER, rig.now_s + 300)
    rig.wait(TTL_S + 5, 40, 18)
    rig.tap(ask.nonce)
    assert not rig.exits
    assert sorted(row.quantity for row in rig.rows) == [130, 130]
    (held,) = rig.monitor.holdings.positions.values()
    assert [abs(each.quantity) for each in held.legs] == [130, 130]


def test_what_was_shrunk_does_not_grow_by_what_is_listed_at_night():
    """The night's list shows what was held long ago: the day's word stands until the market opens."""
    rig = Leased(position(leg(-130, 25300, "CE", 40), leg(130, 25500, "CE", 18)))
    rig.wait(3, 40, 18)
    rig.exchange.hold({each.key: each.quantity // 2 for each in rig.legs})
    for _ in range(3):
        rig.wait(10, 40, 18)
        rig.tell(Beat(BeatKind.SYNC))
    rig.command(Wish.SHRINK, rig.positions[0].strategy_id)
    rig.tap(rig.of(Ask)[-1].nonce)
    rig.tell(Beat(BeatKind.SESSION_CLOSE))
    rig.now_s = at(date(2026, 2, 3), "22:00")
    rig.exchange.hold({each.key: each.quantity for each in rig.legs})
    for _ in range(3):
        rig.wait(10)
        rig.tell(Beat(BeatKind.SYNC))
    (held,) = rig.monitor.holdings.positions.values()
    assert [abs(each.quantity) for each in held.legs] == [65, 65]


# -------------------------------------------------- what was said yes to, and what is left


def short_of(rig, *shares):
    """The broker holds these shares of each leg; three reads tell of it."""
    rig.exchange.hold(
        {each.key: each.quantity // share for each, share in zip(rig.legs, shares, strict=True)}
    )
    for _ in range(3):
        rig.wait(10, 40, 18)
        rig.tell(Beat(BeatKind.SYNC))


@pytest.mark.parametrize("one", [True, False])
@pytest.mark.parametrize("worse", [True, False])
def test_a_yes_to_resume_takes_over_only_the_difference_that_was_asked_about(worse, one):
    """Asked about one leg; by the time of the tap the other differs too: that is asked about anew."""
    rig = Leased(position(leg(-130, 25300, "CE", 40), leg(130, 25500, "CE", 18)))
    rig.wait(3, 40, 18)
    short_of(rig, 1, 2)
    rig.command(Wish.STOP)
    rig.command(Wish.RESUME, rig.positions[0].strategy_id if one else None)
    if worse:
        short_of(rig, 2, 2)
    rig.tap(rig.of(Ask)[-1].nonce)
    held = rig.monitor.helm.held_out(rig.positions[0].id)[0]
    assert bool(held) is worse
    assert rig.monitor.helm.halted is (worse or one)


def test_on_paper_what_an_expiry_has_left_is_held_though_the_master_has_dropped_the_dead_leg():
    """The paper books are made from the rows whose contract is known."""
    near, far = leg(-65, 25300, "CE", 40, date(2026, 2, 3)), leg(65, 25300, "CE", 90)
    rig = Rig(Mode.SIMULATE, position(near, far, strategy="Calendar"))
    rig.now_s = at(date(2026, 2, 4), "09:15")
    rig.tell(InstrumentsLoaded({far.key: far.instrument}))
    assert rig.monitor.holdings.reading.recorded_nets() == {far.key: 65}


@pytest.mark.parametrize("restarted", [True, False])
def test_what_an_expired_leg_had_made_is_no_loss_of_the_day_after(restarted):
    """The near leg's gain ended with it: the day of what is left begins where that stands."""
    near, far = leg(-65, 25300, "CE", 40, date(2026, 2, 3)), leg(65, 25300, "CE", 90)
    calendar = position(near, far, strategy="Calendar")
    rules = (
        "[account.default]\nday_loss_rupees = 2000\n"
        "[strategy.Calendar]\nexpiry_exit = 'off'\nprofit_target = 'off'\n"
    )
    rig = Rig(Mode.EXECUTE, calendar, rules=rules)
    rig.wait(20, 2, 80)
    rig.tell(Beat(BeatKind.SESSION_CLOSE))
    rig.now_s = at(date(2026, 2, 4), "09:15")
    if restarted:
        rig.start()
    rig.tell(Beat(BeatKind.SYNC))
    for _ in range(60):
        rig.tell(Ticks([quote(far.key, 79.9, 80.1)]))
        rig.wait(1)
    (day,) = rig.view.accounts
    assert (day.day_paise, day.fired) == (0, "")
    assert not rig.placed
