"""A position of which an exit has traded a part: fills count as made, what is held by its marks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.effects import Alert
from engine.guards import Guard
from engine.intents import IntentState
from engine.messages import Beat, BeatKind, OrderUpdate, Tick, Ticks, Wish
from engine.model import Mode, Side
from engine.pnl import Holding, Marks
from engine.watch.family import Forwards
from tests.engine.makers import SPOT, condor, condors, leg, quote
from tests.support.parts import ENTRY, ONE, SCALING, THREE, held, memory, verdicts
from tests.support.rig import Rig, overnight

TRAILS = f"""{SCALING}
trailing_stop = {{activate = 0.25, give_back = 0.9}}
lock_profit = [{{reach = 1000, keep = 1}}]
"""


def whole_paise(made, *mids, before=()):
    """Every unit of the position: at its fill, those before included, if it is traded, else at these mids."""
    left = {each.key: each.quantity for each in made.legs}
    total = -sum(each.quantity * each.entry_price_paise for each in made.legs)
    for fill in (*before, *made.exchange.fills()):
        left[fill.key] += fill.side.sign * fill.quantity
        total -= fill.side.sign * fill.quantity * fill.price_paise
    return total + sum(left[each.key] * round(mid * 100) for each, mid in zip(made.legs, mids, strict=True))


def shown(made):
    """The position as people see it."""
    (view,) = made.view.positions
    return view


def level_paise(made, rule):
    return next(t.threshold_paise for t in shown(made).thresholds if t.rule == rule)


def half_way(rules=SCALING, mids=ONE, *, lots=4, by_hand=False):
    """Watch the condor until an exit, a rule's or yours, has bought back its shorts; then stop that exit."""
    made = Rig(Mode.EXECUTE, condors(lots), rules=rules)
    made.rows = [replace(row, id=number) for number, row in enumerate(made.rows, start=1)]
    made.wait(1, *ENTRY)
    if by_hand:
        made.command(Wish.EXIT, confirmed=True)
    while not any(order.side is Side.SELL for order in made.placed):
        made.wait(0.5, *mids)
    made.command(Wish.STOP)
    made.wait(5)
    made.command(Wish.RESUME, confirmed=True)
    (intent,) = made.monitor.desk.intents.values()
    assert intent.state is IntentState.ABORTED
    return made


def test_while_a_part_is_being_closed_what_it_has_traded_counts_by_its_fills():
    """The shorts that were bought back at 39 and 34 have not become cheaper since; P&L and peak say so."""
    made = Rig(Mode.EXECUTE, condors(4), rules=SCALING)
    made.wait(1, *ENTRY)
    while held(made) != [4, -3, -3, 4]:
        made.wait(0.5, *ONE)
    assert shown(made).pnl_paise == whole_paise(made, *ONE)
    later = (20, 30, 25, 18)
    made.wait(1.5, *later)
    assert made.monitor.desk.of(made.positions[0].id) is not None
    assert shown(made).pnl_paise == memory(made).peak_paise == whole_paise(made, *later)
    assert [each.quantity // 65 for each in shown(made).legs] == [4, -3, -3, 4]


def test_a_share_of_the_premium_has_no_peak_while_the_legs_are_out_of_proportion_but_rupees_have():
    """The trail in per cent stands as when the exit began, the lock in rupees goes on, restart or not."""
    made = half_way(TRAILS)
    trail = level_paise(made, "trailing_stop")
    made.wait(2, *THREE)
    for _ in range(2):
        assert level_paise(made, "trailing_stop") == trail
        assert level_paise(made, "lock_profit") == 100
        assert memory(made).peaks["lock_profit, realised included"] == whole_paise(made, *THREE)
        assert memory(made).peak_paise == whole_paise(made, *THREE)
        made.wait(6)
        made.start()
        made.wait(2, *THREE)


def test_after_a_restart_a_stopped_part_counts_by_its_fills_as_before():
    """The journal knows the orders: P&L and legs are those of the process that died."""
    made = half_way()
    later = (20, 60, 50, 18)
    made.wait(1, *later)
    before = shown(made)
    assert before.pnl_paise == whole_paise(made, *later)
    made.start()
    made.wait(1, *later)
    after = shown(made)
    assert (after.pnl_paise, [each.quantity for each in after.legs]) == (
        before.pnl_paise,
        [each.quantity for each in before.legs],
    )


@pytest.mark.parametrize("restart", [False, True])
def test_a_stop_goes_by_the_fills_of_what_is_gone(restart):
    """One lot, its shorts bought back: at 190 and 60 they cost nothing; its longs lose what they lose."""
    rules = '[default]\nstop_loss = "off"\nstop_loss_rupees = 400\n'
    made = half_way(rules, lots=1, by_hand=True)
    if restart:
        made.start()
    made.wait(10, 20, 190, 60, 18)
    assert len(verdicts(made)) == 1
    mids = (0.5, 190, 60, 0.5)
    made.wait(10, *mids)
    assert whole_paise(made, *mids) <= -40_000
    assert [verdict.rule for verdict in verdicts(made)] == ["forced", "stop_loss_rupees"]
    assert made.flat


def test_rows_that_are_corrected_say_themselves_what_is_left_and_can_be_scaled_again():
    """Three combinations are written where one was half closed: no fill counts, and the next level goes."""
    made = half_way()
    made.exchange.hold({each.key: each.quantity * 3 // 4 for each in made.legs})
    made.rows = [replace(row, quantity=195) for row in made.rows]
    made.tell(Beat(BeatKind.SYNC))
    made.wait(1, *ONE)
    assert shown(made).pnl_paise == 3 * 78_000
    made.wait(40, *THREE)
    assert verdicts(made)[-1].action == "SCALE_OUT"
    assert not [alert for alert in made.of(Alert) if alert.topic.endswith(":half")]


def test_an_exit_of_the_whole_ends_where_its_fills_say():
    """Quoted at its entry prices all the while, it loses half a spread a unit, fill by fill."""
    made = Rig(Mode.EXECUTE, condor(), rules="")
    made.wait(1, *ENTRY)
    made.command(Wish.EXIT, confirmed=True)
    seen = []
    while not made.flat:
        seen.append(shown(made).pnl_paise)
        for each, mid in zip(made.legs, ENTRY, strict=True):
            tick = quote(each.key, mid - 0.05, mid + 0.05)
            tick.bid_quantity = tick.ask_quantity = 65
            for row in made.exchange.quote(tick):
                made.tell(OrderUpdate(row))
            made.tell(Ticks([tick]))
        made.now_s += 0.5
        made.tell(Beat(BeatKind.PULSE))
    assert seen == [0, -3 * 65 * 5]  # each fill costs its five paise and nothing else


def test_the_delta_of_what_is_held_is_that_of_a_combination_as_it_was_entered():
    """Longs alone, of four combinations: units are counted as at entry, whatever is left of each leg."""
    made = half_way(SCALING + "stop_delta = 50\n")
    (watched,) = made.monitor.watch._positions.values()
    made.wait(1, *ONE)
    made.tell(Ticks([Tick(SPOT, 25_000_00)]))
    model = watched.scale.ask(Forwards(made.now_s))
    assert model.unit_delta == pytest.approx(model.delta / 260)
    assert model.extrinsic_paise is None  # the time value that was paid back has not melted
    assert model.value_paise == sum(
        each.quantity * round(mid * 100) for each, mid in zip(shown(made).legs, ONE, strict=True)
    )


LEGS = st.lists(st.integers(-4, 4).filter(bool), min_size=1, max_size=3)


@given(rows=LEGS, units=st.integers(-14, 14), paise=st.integers(5, 50_000), mark=st.integers(5, 50_000))
def test_fills_and_marks_are_plain_arithmetic(rows, units, paise, mark):
    """Of several rows of a contract, of both signs, and of more traded than there was."""
    legs = [replace(leg(65 * lots, 25000, "CE", 100), row_id=n) for n, lots in enumerate(rows)]
    marks = Marks(legs[0].instrument, Guard(10, 1500, 10, 15))
    marks.accept(quote(legs[0].key, mark / 100, mark / 100), 0.0)
    holding = Holding(legs, [marks] * len(legs))
    key = legs[0].key
    holding.count({key: (65 * units, 65 * units * paise)})
    net = 65 * (sum(rows) + units)
    assert sum(quantity for quantity, _ in holding.legs) == net
    spent = sum(each.quantity * 10_000 for each in legs) + 65 * units * paise
    assert holding.pnl(0.0, Marks.mark) == net * mark - spent
    holding.count({})
    assert [quantity for quantity, _ in holding.legs] == [each.quantity for each in legs]


@pytest.mark.parametrize("restart", [False, True])
def test_what_was_traded_yesterday_counts_today_and_makes_no_day_of_its_own(restart):
    """The shorts that are gone have doubled overnight: the day has lost nothing by that."""
    made = half_way("[account.default]\nday_loss_rupees = 3000\n", lots=1, by_hand=True)
    made.wait(1, *ONE)
    fills = made.exchange.fills()
    overnight(made)
    if restart:
        made.start()
    sent = len(made.placed)
    made.now_s += 120
    later = (20, 90, 90, 18)
    made.wait(10, *later)
    assert shown(made).pnl_paise == whole_paise(made, *later, before=fills)
    assert not [alert for alert in made.of(Alert) if alert.title.startswith("Day limit")]
    assert len(made.placed) == sent
    made.command(Wish.EXIT, confirmed=True)
    made.wait(60, *later)
    assert made.flat
    assert not made.rows
