"""Whose turn it is in an exit: shorts before longs, in batches that leave the legs in their ratio."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.batches import LONGS_WAIT_S, MOST_BATCHES, turn
from engine.broker_nouns import OrderRequest
from engine.intents import Intent
from engine.model import Action, Right, Side, Urgency, Verdict
from engine.orders import Order, OrderState
from engine.plan import SHORTS, plan_exit
from engine.pricing import Style
from engine.tuning import BY_SLICE
from tests.engine.makers import OPENED, condors, future, leg, position, strangle
from tests.support.rig import frozen

LOT = 65


def exit_of(made, closes=None) -> Intent:
    """The exit of a position; each leg has a price."""
    verdict = Verdict("stop_loss", Action.CLOSE_IMMEDIATELY, Urgency.HIGH, None, None, 1.0, "loss")
    legs = plan_exit(made, closes=closes)
    for plan in legs:
        plan.mid_paise = 1_000
    return Intent("260203001", made.id, "default", "", verdict, Style.URGENT, legs, "", "", OPENED)


def lots(intent, batch_lots, **more):
    """Whose turn it is, in lots, by contract."""
    allowed = turn(intent, batch_lots, OPENED, **more)
    return {intent.legs[index].name[-8:]: units // LOT for index, units in allowed}


def trade(intent, **traded):
    """So many lots of the puts or calls that are sold or held are traded."""
    for plan in intent.legs:
        which = ("short" if plan.rank == SHORTS else "long") + ("_calls" if "CE" in plan.name else "_puts")
        plan.before += traded.get(which, 0) * LOT


def order(intent, index, units, state=OrderState.WORKING):
    """An order of so many units of a leg, of which nothing is filled."""
    plan, attempt = intent.legs[index], len(intent.orders)
    name = f"P-default-{intent.id}-{index}-0-{attempt}"
    request = OrderRequest(name, plan.key, plan.side, units, 1_000, plan.product)
    intent.orders.append(Order(request, intent.id, index, 0, attempt, OPENED, state))


def walk(intent, batch_lots):
    """What goes when each turn is traded in full, one entry a turn."""
    while allowed := turn(intent, batch_lots, OPENED):
        yield [(intent.legs[index].side, units // LOT) for index, units in allowed]
        for index, units in allowed:
            intent.legs[index].before += units


def test_without_batches_all_shorts_go_and_then_all_longs():
    """The default, as it always was."""
    assert list(walk(exit_of(condors(10)), 0)) == [[(Side.BUY, 10)] * 2, [(Side.SELL, 10)] * 2]


def test_in_batches_the_shorts_of_each_go_before_its_longs():
    """Ten condors by fours: four, four and two."""
    expected = [[(side, n)] * 2 for n in (4, 4, 2) for side in (Side.BUY, Side.SELL)]
    assert list(walk(exit_of(condors(10)), 4)) == expected


def test_longs_wait_until_every_short_of_the_batch_is_bought_back():
    """One of two shorts is there: nothing is sold yet, and the other goes on."""
    intent = exit_of(condors(10))
    trade(intent, short_calls=4)
    assert lots(intent, 4) == {"24700 PE": 4}
    trade(intent, short_puts=3)
    assert lots(intent, 4) == {"24700 PE": 1}
    trade(intent, short_puts=1)
    assert lots(intent, 4) == {"24500 PE": 4, "25500 CE": 4}


def test_half_a_lot_that_was_traded_holds_nobody_up():
    """An exchange does not trade it, a broker's books may show it: the next whole lot goes."""
    intent = exit_of(condors(2))
    intent.legs[0].before, intent.legs[1].before = 30, 65
    assert turn(intent, 1, OPENED) == [(0, LOT)]
    intent.legs[0].before += LOT
    assert turn(intent, 1, OPENED) == [(2, LOT), (3, LOT)]


def test_half_a_lot_of_a_long_is_not_asked_for_before_the_rest_may_go():
    """What is odd there goes with the last batch; the shorts do not wait for it."""
    intent = exit_of(condors(2))
    for plan, units in zip(intent.legs, (LOT, LOT, 30, LOT), strict=True):
        plan.before = units
    assert turn(intent, 1, OPENED) == [(0, LOT), (1, LOT)]


def test_a_short_whose_order_is_alive_though_all_of_it_is_traded_holds_the_longs():
    """An order that was given up has turned up: it must be gone first, and nothing more of it may go."""
    intent = exit_of(condors(2))
    trade(intent, short_calls=2, short_puts=2)
    order(intent, 1, LOT)
    assert turn(intent, 0, OPENED) == [(1, 0)]


def test_a_long_s_order_may_stay_at_the_exchange_as_far_as_the_hedge_bears_it():
    """A part was being closed when a stop wants the whole: one of four shorts is gone. No short waits."""
    intent = exit_of(condors(4))
    trade(intent, short_calls=1, short_puts=1)
    order(intent, 2, LOT)
    order(intent, 3, 2 * LOT)
    assert turn(intent, 0, OPENED) == [(0, 3 * LOT), (1, 3 * LOT), (2, LOT), (3, LOT)]
    assert turn(intent, 0, OPENED, hold=True)[2:] == [(2, 0), (3, 0)]


def test_a_short_that_cannot_be_bought_back_keeps_its_longs_and_no_other_short_waits_for_it():
    """The put is stuck after the first batch of two: all calls are bought back, eight of each long stay."""
    intent = exit_of(condors(10))
    trade(intent, short_calls=2, short_puts=2, long_calls=2, long_puts=2)
    next(plan for plan in intent.legs if "24700" in plan.name).blocked = "refused"
    assert lots(intent, 2) == {"25300 CE": 8}
    trade(intent, short_calls=8)
    assert lots(intent, 2) == {}


def test_a_ratio_keeps_its_longs_until_no_more_shorts_are_open_than_longs():
    """Five calls held, ten sold: the batches buy back two at a time, and the first long goes after six."""
    intent = exit_of(position(leg(5 * LOT, 25_000, "CE", 90), leg(-10 * LOT, 25_200, "CE", 40)))
    steps = list(walk(intent, 1))
    assert steps[:4] == [[(Side.BUY, 2)], [(Side.BUY, 2)], [(Side.BUY, 2)], [(Side.SELL, 1)]]
    assert sum(n for ((side, n),) in steps if side is Side.SELL) == 5


@pytest.mark.parametrize(("freeze", "steps"), [(650, 2), (260, 8), (None, 2)])
def test_batches_by_slice_are_made_only_when_a_leg_is_above_its_freeze_quantity(freeze, steps):
    """Ten condors with a freeze of four lots: three orders a leg, so batches of three; else one."""
    made = condors(10) if freeze is None else frozen(condors(10), freeze)
    assert len(list(walk(exit_of(made), BY_SLICE))) == steps


def test_very_many_lots_are_not_as_many_batches():
    """The orders of a leg are counted: five hundred lots go in twenty batches."""
    assert len(list(walk(exit_of(condors(500)), 1))) == 2 * MOST_BATCHES


def test_who_must_hold_sells_nothing_while_anything_is_short():
    """In the middle of the batches: all shorts go first, then all that is held."""
    intent = exit_of(condors(10))
    trade(intent, short_calls=4, short_puts=4)
    assert lots(intent, 4, hold=True) == {"24700 PE": 6, "25300 CE": 6}
    trade(intent, short_calls=6, short_puts=6)
    assert lots(intent, 4, hold=True) == {"24500 PE": 10, "25500 CE": 10}


@pytest.mark.parametrize("trouble", [{"refusals": 1}, {"uncapped": True}, {"mids": 2}, {"mid_paise": None}])
def test_shorts_do_not_wait_for_a_long_that_nobody_buys(trouble):
    """One long of the batch is refused, has no price or stands at its cap: the other is waited for."""
    intent = exit_of(condors(4))
    trade(intent, short_calls=2, short_puts=2, long_puts=2)
    call = next(n for n, plan in enumerate(intent.legs) if "25500" in plan.name)
    assert lots(intent, 2) == {"25500 CE": 2}
    intent.legs[call] = replace(intent.legs[call], **trouble)
    assert lots(intent, 2) == {"24700 PE": 2, "25300 CE": 2, "25500 CE": 2}


def test_a_put_that_a_future_needs_goes_after_it():
    """Both are held, and the put is all that bounds the future's loss."""
    intent = exit_of(position(future(2 * LOT, 25_000), leg(2 * LOT, 24_800, "PE", 80)))
    assert list(walk(intent, 0)) == [[(Side.SELL, 2)], [(Side.SELL, 2)]]


def test_a_part_of_a_ratio_is_closed_like_a_whole():
    """What stays is as short as it was, and keeps nothing of the part from going."""
    made = position(leg(4 * LOT, 25_000, "CE", 90), leg(-8 * LOT, 25_200, "CE", 40))
    assert list(walk(exit_of(made, closes=2), 0)) == [[(Side.BUY, 4)], [(Side.SELL, 2)]]


def test_only_shorts_or_only_longs_go_at_once_whatever_the_batches():
    """There is no ratio to keep for a strangle's shorts but that between them."""
    assert list(walk(exit_of(strangle()), 1)) == [[(Side.BUY, 1)] * 2]
    assert list(walk(exit_of(position(leg(4 * LOT, 25_000, "CE", 90))), 1)) == [[(Side.SELL, 4)]]


def test_an_exit_planned_by_an_older_version_goes_shorts_first():
    """Its legs do not say what hedges what: as long as a short is open no long goes, unless in ratio."""
    intent = exit_of(condors(4))
    for plan in intent.legs:
        plan.contract = None
    assert list(walk(intent, 0)) == [[(Side.BUY, 4)] * 2, [(Side.SELL, 4)] * 2]


def test_shorts_wait_for_longs_no_longer_than_a_while_after_the_last_order():
    """A long whose books cannot be read, or whatever: the next batch of shorts begins without it."""
    intent = exit_of(condors(4))
    trade(intent, short_calls=2, short_puts=2)
    order(intent, 0, LOT, OrderState.CANCELLED)
    assert len(turn(intent, 2, OPENED + LONGS_WAIT_S - 1)) == 2
    assert len(turn(intent, 2, OPENED + LONGS_WAIT_S)) == 4


# ------------------------------------------------------------------------- whatever the position

KINDS = [(kind, strike) for kind in ("CE", "PE") for strike in (24_500, 24_700, 25_300, 25_500)]
UNITS = st.integers(-8, 8).filter(bool)
NETS = st.dictionaries(st.sampled_from(["FUT", *KINDS]), UNITS, min_size=1, max_size=6)


def made_of(nets):
    """A position of so many lots of each contract."""
    return position(
        *(
            future(n * LOT, 25_000) if kind == "FUT" else leg(n * LOT, kind[1], kind[0], 40)
            for kind, n in nets.items()
        )
    )


def bare(intent):
    """Units of each right that nothing held covers, as if all that is open stood for ever."""
    left = {Right.CALL: 0, Right.PUT: 0}
    for index, plan in enumerate(intent.legs):
        held = -plan.side.sign * max(intent.rest(index), 0)
        right = plan.contract.right
        if right is None:
            left[Right.CALL] += held
            left[Right.PUT] -= max(held, 0)
        else:
            left[right] += held
    return {right: max(-units, 0) for right, units in left.items()}


def shares(intent, *, short):
    """What share of each leg is open, of shorts or of longs."""
    return [
        Fraction(max(intent.rest(index), 0), plan.quantity)
        for index, plan in enumerate(intent.legs)
        if (plan.rank == SHORTS) is short and plan.quantity
    ]


@settings(max_examples=300, deadline=None)
@given(
    nets=NETS, batch_lots=st.sampled_from([0, 1, 2, 3, 5, BY_SLICE]), slices=st.integers(1, 4), data=st.data()
)
def test_whatever_is_held_and_however_it_fills_no_hedge_goes_too_early_and_all_of_it_goes(
    nets, batch_lots, slices, data
):
    """Legs fill lot by lot in any order, hands take some away, some are blocked: it ends, in order.

    No long that is traded leaves more bare than was, or is further gone than the short least gone.
    """
    intent = exit_of(made_of(nets))
    for plan in intent.legs:
        plan.slice_quantity = slices * LOT
    for _ in range(200):
        allowed = [(index, units) for index, units in turn(intent, batch_lots, OPENED) if units]
        if not allowed:
            break
        assert all(units % LOT == 0 and units <= intent.rest(index) for index, units in allowed)
        index, units = data.draw(st.sampled_from(allowed))
        what = data.draw(st.sampled_from(["fill", "fill", "fill", "fill", "hand", "block"]))
        plan, before = intent.legs[index], bare(intent)
        if what == "block":
            plan.blocked = "refused"
        elif what == "hand":
            plan.quantity -= LOT * data.draw(st.integers(1, intent.rest(index) // LOT))
        else:
            plan.before += LOT * data.draw(st.integers(1, units // LOT))
            if plan.rank != SHORTS:
                after = bare(intent)
                assert all(after[right] <= before[right] for right in Right)
                gone = Fraction(intent.rest(index), plan.quantity)
                assert gone >= max(shares(intent, short=True), default=0)
    else:
        pytest.fail("it does not come to an end")
    for index, plan in enumerate(intent.legs):
        stuck_short = any(
            o.blocked and o.rank == SHORTS and intent.rest(i) for i, o in enumerate(intent.legs)
        )
        stuck_future = any(o.blocked and o.contract.right is None for o in intent.legs)
        kept = plan.rank != SHORTS and (stuck_short or (stuck_future and plan.contract.right is Right.PUT))
        assert intent.rest(index) == 0 or plan.blocked or kept


@settings(max_examples=200, deadline=None)
@given(
    ratio=st.lists(st.integers(1, 3), min_size=4, max_size=4),
    times=st.integers(2, 12),
    batch_lots=st.integers(1, 6),
)
def test_at_the_end_of_each_batch_the_legs_stand_in_their_ratio(ratio, times, batch_lots):
    """A condor of any proportions that is covered on both sides: the same share of every leg is left."""
    wings = [max(ratio[0], ratio[1]), max(ratio[2], ratio[3])]
    units = [wings[0], -ratio[1], -ratio[2], wings[1]]
    made = condors(1)
    legs = [replace(one, quantity=n * times * LOT) for one, n in zip(made.legs, units, strict=True)]
    intent = exit_of(replace(made, legs=tuple(legs)))
    smallest = min(map(abs, units))
    for step in walk(intent, batch_lots * smallest):
        left = {*shares(intent, short=True), *shares(intent, short=False)}
        if step[0][0] is Side.BUY:
            assert len(left) == 1
