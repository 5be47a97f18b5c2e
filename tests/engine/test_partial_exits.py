"""Closing a position part by part: the whole machine, on paper, from the level to what stays watched.

The condor of these tests has four combinations: ₹12,220 at best, so its levels stand at ₹3,055, ₹6,110
and ₹9,165. Twelve rupees a unit are ₹780 a combination, twenty-four ₹1,560, thirty-six ₹2,340.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from engine.intents import Intent, IntentState, LegPlan, Part
from engine.ledger import Ledger
from engine.messages import Alert, Ask, Beat, BeatKind, BrokerReport, Card, Record, Settle, Wish
from engine.model import (
    Action,
    BrokerPosition,
    InstrumentKey,
    Mode,
    PositionId,
    Product,
    Side,
    Urgency,
    Verdict,
)
from engine.paper import PaperExchange
from engine.pricing import Style
from engine.sessions import at
from engine.verify import Finding, verify
from engine.watch import Memory
from tests.engine.makers import condors, leg, position
from tests.support.rig import Rig

SCALING = "[default]\nprofit_scaling = true\n"
ENTRY = (20, 45, 40, 18)
ONE = (20, 39, 34, 18)  # ₹12 a unit
TWO = (20, 33, 28, 18)  # ₹24 a unit
THREE = (20, 27, 22, 18)  # ₹36 a unit
LOSS = (6, 10, 190, 60)


def rig(mode=Mode.EXECUTE, lots=4, rules=SCALING):
    """A monitor that watches the condor, at its entry prices."""
    made = Rig(mode, condors(lots), rules=rules)
    made.rows = [replace(row, id=number) for number, row in enumerate(made.rows, start=1)]
    made.wait(1, *ENTRY)
    return made


def held(made):
    """Lots of each leg at the broker."""
    return [made.net[each.key] // 65 for each in made.legs]


def watched(made):
    """Lots of each leg as they are watched."""
    (found,) = made.monitor.holdings.positions.values()
    return [each.quantity // 65 for each in found.legs]


def memory(made):
    (name,) = made.monitor.holdings.positions
    return made.monitor.watch.memory(name)


def verdicts(made):
    return [intent.verdict for intent in made.monitor.desk.intents.values()]


def test_a_level_closes_its_quarter_shorts_first_and_the_rest_stays_watched():
    """One of four combinations goes, in whole lots of every leg; the store's rows follow."""
    made = rig()
    made.wait(40, *ONE)
    assert [(order.side, order.quantity) for order in made.placed] == [
        (Side.BUY, 65), (Side.BUY, 65), (Side.SELL, 65), (Side.SELL, 65),
    ]  # fmt: skip
    assert held(made) == watched(made) == [3, -3, -3, 3]
    assert [row.quantity for row in made.rows] == [195] * 4
    (verdict,) = verdicts(made)
    assert (verdict.rule, verdict.action, verdict.fraction) == ("profit_scaling", "SCALE_OUT", 0.25)
    assert (verdict.pnl_paise, verdict.threshold_paise) == (312_000, 305_500)


def test_what_a_part_brought_is_realised_and_a_threshold_never_moves_per_combination():
    """Three combinations make at best ₹9,165; the next level is half of that, the target is gone."""
    made = rig()
    made.wait(40, *ONE)
    fills = made.exchange.fills()
    entry = dict(zip((each.key for each in made.legs), (2000, 4500, 4000, 1800), strict=True))
    brought = sum(-fill.side.sign * fill.quantity * (fill.price_paise - entry[fill.key]) for fill in fills)
    assert (memory(made).realised_paise, memory(made).open_share) == (brought, (3, 4))
    (view,) = made.view.positions
    thresholds = {rule.threshold_paise for rule in view.thresholds if rule.rule == "profit_scaling"}
    assert thresholds == {458_250, 687_375}
    assert {rule.threshold_paise for rule in view.thresholds if rule.rule == "stop_loss"} == {-1_491_750}
    assert "profit_target" not in {rule.rule for rule in view.thresholds}
    assert view.pnl_paise == brought + 3 * 78_000
    assert memory(made).peak_paise >= view.pnl_paise


def test_each_level_closes_its_part_and_the_last_one_leaves_a_quarter():
    """Three levels, one after the other; the fourth combination stays to the other rules."""
    made = rig()
    for mids in (ONE, TWO, THREE):
        made.wait(40, *mids)
    assert held(made) == watched(made) == [1, -1, -1, 1]
    assert [verdict.fraction for verdict in verdicts(made)] == [0.25] * 3
    assert memory(made).open_share == (1, 4)
    made.wait(60, *ENTRY)
    made.wait(60, *THREE)
    assert len(verdicts(made)) == 3


def test_two_levels_met_at_one_moment_close_their_sum_in_one_order():
    """From nothing to ₹1,560 a combination: two of four go at once."""
    made = rig()
    made.wait(40, *TWO)
    assert [order.quantity for order in made.placed] == [130] * 4
    assert [verdict.fraction for verdict in verdicts(made)] == [0.5]
    made.wait(40, *TWO)
    assert held(made) == [2, -2, -2, 2]


def test_a_level_that_would_leave_nothing_is_a_full_exit():
    """Two combinations: the first level takes one, the second all that is left."""
    made = rig(lots=2)
    made.wait(40, *ONE)
    made.wait(40, *TWO)
    assert made.flat
    assert [verdict.action for verdict in verdicts(made)] == ["SCALE_OUT", "CLOSE_POSITION"]
    assert [verdict.fraction for verdict in verdicts(made)] == [0.5, 0.5]
    assert not made.rows


def test_a_position_of_one_lot_has_nothing_to_scale_and_says_so():
    """Its levels are skipped, nothing is sent, and the rule list tells why."""
    made = rig(lots=1)
    made.wait(40, *THREE)
    assert not made.placed
    (view,) = made.view.positions
    (note,) = [rule for rule in view.thresholds if rule.rule == "profit_scaling"]
    assert not note.available
    assert "skipped" in note.text


def test_a_stop_that_comes_while_a_part_is_being_closed_takes_the_whole_position():
    """The running exit becomes one of everything, urgently; there is still only one exit."""
    made = rig()
    made.wait(2, *ONE)
    assert made.monitor.desk.of(made.positions[0].id).part is not None
    made.wait(60, *LOSS)
    (intent,) = made.monitor.desk.intents.values()
    assert (intent.verdict.rule, intent.part, intent.state) == ("stop_loss", None, IntentState.FLAT)
    assert made.flat
    assert not made.rows
    assert not made.monitor.holdings.positions


def test_a_person_s_exit_takes_over_the_exit_of_a_part():
    """/exit in the middle of a part: everything goes, and nothing more than everything."""
    made = rig()
    made.wait(3, *ONE)
    made.command(Wish.EXIT, confirmed=True)
    made.wait(60, *ONE)
    assert made.flat
    traded = {}
    for fill in made.exchange.fills():
        traded[fill.key] = traded.get(fill.key, 0) + fill.quantity
    assert set(traded.values()) == {260}


def test_a_stop_command_in_the_middle_of_a_part_leaves_the_rest_and_the_level_is_spent():
    """/stop before any fill: the position stays whole, and its level does not come again."""
    made = rig()
    made.wait(1.5, *ONE)
    assert made.placed
    made.command(Wish.STOP)
    made.wait(5)
    assert held(made) == [4, -4, -4, 4]
    made.command(Wish.RESUME, confirmed=True)
    made.wait(30, *ONE)
    assert held(made) == [4, -4, -4, 4]
    made.wait(40, *TWO)
    assert held(made) == [3, -3, -3, 3]


def test_semi_auto_asks_with_the_plan_of_the_part_and_a_yes_closes_just_that():
    """The question names 65 units a leg, not 260."""
    made = rig(Mode.SEMI_AUTO)
    made.wait(3, *ONE)
    (ask,) = made.of(Ask)
    assert [line for line in ask.lines if " 65 at about " in line]
    assert not [line for line in ask.lines if " 260 " in line]
    made.tap(ask.nonce)
    made.wait(40, *ONE)
    assert held(made) == [3, -3, -3, 3]


def test_semi_auto_asks_before_a_stop_makes_more_of_a_part_than_was_agreed():
    """A yes to a quarter is no yes to everything; the stop is asked about, and its yes closes all."""
    made = rig(Mode.SEMI_AUTO)
    made.wait(3, *ONE)
    made.tap(made.of(Ask)[-1].nonce)
    made.wait(4, *LOSS)
    assert made.monitor.desk.of(made.positions[0].id).part is not None
    stop = made.of(Ask)[-1]
    assert "Stop loss" in stop.title
    made.tap(stop.nonce)
    made.wait(60, *LOSS)
    assert made.flat


def test_alert_only_tells_of_each_level_once():
    """Nothing is sent; after a restart the level that was told stays silent."""
    made = rig(Mode.ALERT_ONLY)
    made.wait(10, *ONE)
    made.wait(10, *ENTRY)
    made.wait(10, *ONE)
    told = [alert for alert in made.of(Alert) if alert.topic.startswith("profit_scaling:")]
    assert len(told) == 1
    made.start()
    made.wait(10, *ONE)
    assert len([a for a in made.of(Alert) if a.topic.startswith("profit_scaling:")]) == 1
    assert not made.placed


def test_on_paper_the_store_stays_and_the_part_is_gone_all_the_same_also_after_a_restart():
    """Simulate mode: the rows say four, the watch three."""
    made = rig(Mode.SIMULATE)
    made.wait(40, *ONE)
    assert [row.quantity for row in made.rows] == [260] * 4
    assert watched(made) == [3, -3, -3, 3]
    made.start()
    made.wait(1, *ONE)
    assert watched(made) == [3, -3, -3, 3]
    made.wait(40, *TWO)
    assert watched(made) == [2, -2, -2, 2]


def test_the_card_and_the_view_say_how_much_is_closed():
    """Closed 1 of 4, 3 open."""
    made = rig()
    made.wait(40, *ONE)
    (view,) = made.view.positions
    assert view.part == "closed 1 of 4, 3 open"
    titles = [card.title for card in made.of(Card)]
    assert titles[0].startswith("Exiting 1 of 4: ")
    assert titles[-1].startswith("Closed 1 of 4, 3 open: ")


def test_a_broker_that_holds_less_than_recorded_gets_no_order_for_a_part():
    """One leg was sold by hand: a part of other proportions is not what was wanted; the owner is told."""
    made = rig()
    made.exchange.hold(dict(zip((each.key for each in made.legs), (130, -260, -260, 260), strict=True)))
    made.wait(20, *ONE)
    assert not made.placed
    (intent,) = made.monitor.desk.intents.values()
    assert intent.state is IntentState.STUCK
    assert "fewer than recorded" in intent.note


def test_a_stuck_part_does_not_silence_the_stop():
    """The part is stuck before its first order; a loss still closes what the broker holds."""
    made = rig()
    made.exchange.hold(dict(zip((each.key for each in made.legs), (130, -260, -260, 260), strict=True)))
    made.wait(20, *ONE)
    made.wait(90, *LOSS)
    assert made.flat


def test_rows_that_the_owner_changes_afterwards_are_a_new_basis():
    """Two lots are left by hand after the part: what is there counts as entered, the rupees stay."""
    made = rig()
    made.wait(40, *ONE)
    brought = memory(made).realised_paise
    made.tell(Beat(BeatKind.SYNC))
    made.rows = [replace(row, quantity=130) for row in made.rows]
    made.exchange.hold(dict(zip((each.key for each in made.legs), (195, -195, -195, 195), strict=True)))
    made.tell(Beat(BeatKind.SYNC))
    made.wait(1, *ONE)
    assert watched(made) == [2, -2, -2, 2]
    assert (memory(made).open_share, memory(made).realised_paise) == ((2, 2), brought)
    (view,) = made.view.positions
    assert {t.threshold_paise for t in view.thresholds if t.rule == "profit_scaling"} == {305_500, 458_250}


def test_an_old_journal_knows_nothing_of_levels_and_loads():
    """Peaks of a version before this one are taken over."""
    old = {
        "peak_paise": 5, "trough_paise": -5, "alert_level": 0, "realised_paise": 0, "open_share": [1, 1],
        "warned_s": None,
    }  # fmt: skip
    assert Memory.from_json(old) == Memory(5, -5)


def test_two_rows_of_a_contract_give_their_share_each():
    """Bought at 40 and at 44, two lots each: after half is closed the average is still 42."""
    one, two = leg(-130, 25300, "CE", 40), replace(leg(-130, 25300, "CE", 44), row_id=2)
    made = Rig(Mode.EXECUTE, position(one, two, strategy="Short Call"), rules=SCALING)
    made.wait(1, 42, 42)
    made.wait(60, 20, 20)
    (found,) = made.monitor.holdings.positions.values()
    assert [each.quantity for each in found.legs] == [-65, -65]


@pytest.mark.parametrize("half", range(0, 56, 2))
def test_a_restart_at_any_half_second_of_a_part_ends_the_same(half):
    """The level, its fills, its rows and its rupees are there once, wherever the process died."""
    made = rig()
    made.wait(half / 2, *ONE)
    made.start()
    made.wait(40, *ONE)
    assert held(made) == watched(made) == [3, -3, -3, 3]
    assert [row.quantity for row in made.rows] == [195] * 4
    assert memory(made).open_share == (3, 4)
    assert len(verdicts(made)) == 1
    assert [order.quantity for order in made.placed] == [65] * 4


class Died(Exception):
    """The process was killed."""


class Mortal(Rig):
    """Commits the records of a handling first, like the runner, and dies after so many other effects."""

    lives = 10**9

    def tell(self, message):
        todo = deque([message])
        while todo:
            effects = self.monitor.handle(todo.popleft(), self.now_s)
            for effect in sorted(effects, key=lambda effect: not isinstance(effect, Record | Settle)):
                if not isinstance(effect, Record | Settle):
                    self.lives -= 1
                answers = self.do(effect)
                if self.lives == 0:
                    raise Died
                todo.extend(answers)


def test_a_death_between_any_two_effects_of_a_part_ends_the_same():
    """Killed after the first, the second, the third ... effect, until one run gets through alive."""
    died, deaths = 1, 0
    while died:
        made = Mortal(Mode.EXECUTE, condors(4), rules=SCALING)
        made.wait(1, *ENTRY)
        made.lives = died
        try:
            made.wait(30, *ONE)
            died = 0
        except Died:
            died, deaths = died + 1, deaths + 1
            made.lives = 10**9
            made.start()
            made.wait(40, *ONE)
        assert held(made) == watched(made) == [3, -3, -3, 3]
        assert [row.quantity for row in made.rows] == [195] * 4
        assert (memory(made).open_share, len(verdicts(made))) == ((3, 4), 1)
        entry = dict(zip((each.key for each in made.legs), (2000, 4500, 4000, 1800), strict=True))
        assert memory(made).realised_paise == sum(
            -fill.side.sign * fill.quantity * (fill.price_paise - entry[fill.key])
            for fill in made.exchange.fills()
        )
    assert deaths > 40


def test_the_ratio_is_kept_at_every_boundary_and_hedges_outlive_their_shorts():
    """At no fill are there more shorts than longs, and after each part all legs have as many lots."""
    made = rig()
    lots = [tuple(held(made))]
    for mids in (ONE, TWO, THREE):
        for _ in range(80):
            made.wait(0.5, *mids)
            lots.append(tuple(held(made)))
    assert all(low >= -put and high >= -call for low, put, call, high in lots)
    assert {(4, -4, -4, 4), (3, -3, -3, 3), (2, -2, -2, 2), (1, -1, -1, 1)} <= set(lots)
    assert all(a[0] >= b[0] for a, b in pairwise(lots))


def test_a_clock_rule_absorbs_the_part_although_it_ranks_below_it():
    """17 February, 15:00: a week to expiry. The part that began two seconds before becomes everything."""
    made = Rig(Mode.EXECUTE, condors(4), rules=SCALING, now_s=at(date(2026, 2, 17), "14:59") + 55)
    made.wait(1, *ENTRY)
    made.wait(3, *ONE)
    assert made.monitor.desk.of(made.positions[0].id).part is not None
    made.wait(60, *ONE)
    (intent,) = made.monitor.desk.intents.values()
    assert (intent.verdict.rule, intent.part) == ("time_exit_dte", None)
    assert made.flat


def test_a_clock_rule_met_at_the_same_moment_goes_before_the_part():
    """The level is confirmed at 15:00:00 sharp, when the days to expiry are due: one exit, of everything."""
    made = Rig(Mode.EXECUTE, condors(4), rules=SCALING, now_s=at(date(2026, 2, 17), "14:59") + 57.5)
    made.wait(1, *ENTRY)
    made.wait(60, *ONE)
    (verdict,) = verdicts(made)
    assert (verdict.rule, verdict.also) == ("time_exit_dte", ("profit_scaling",))
    assert made.flat


def test_a_part_is_not_verified_where_the_broker_holds_less_than_was_to_stay():
    """Two of three were to stay, one is there: that is for a person to look at."""
    leg_plan = LegPlan(InstrumentKey(7), "NIFTY", Side.BUY, 65, 0, 65, 5, 1800, {1: -195}, keeps=130)
    verdict = Verdict("profit_scaling", Action.SCALE_OUT, Urgency.MEDIUM, 0, 0, 0.25, "")
    intent = Intent(
        "260203001", PositionId("default/1"), "default", "", verdict, Style.PATIENT, [leg_plan], "", "", 0.0,
        part=Part(1, 3, 3),
    )  # fmt: skip
    for net, finding in ((-130, Finding.FLAT), (-65, Finding.MISMATCH)):
        ledger = Ledger()
        rows = (BrokerPosition(leg_plan.key, Product.MARGIN, net),)
        ledger.take(BrokerReport(ledger.next_request(), 0.0, positions=rows), ())
        assert verify(intent, ledger)[0] is finding


def test_a_target_of_its_own_absorbs_the_part():
    """Half of the profit is reached while the quarter is still being closed: everything goes, patiently."""
    made = rig(rules=SCALING + "profit_target = 0.5\n")
    made.wait(2, *ONE)
    made.wait(60, *TWO)
    (intent,) = made.monitor.desk.intents.values()
    assert (intent.verdict.rule, intent.style) == ("profit_target", "patient")
    assert made.flat


def test_a_full_exit_due_at_the_same_moment_goes_before_the_part():
    """Target and level met by the same prices: one exit, of everything, and the level is noted."""
    made = rig(rules=SCALING + "profit_target = 0.25\n")
    made.wait(40, *ONE)
    (verdict,) = verdicts(made)
    assert (verdict.rule, verdict.also, verdict.fraction) == ("profit_target", ("profit_scaling",), 1.0)
    assert made.flat


def test_a_question_about_the_whole_is_asked_anew_when_a_part_has_gone_meanwhile():
    """Semi-auto: the target is asked about while the part is closed; the new question is about 195 units."""
    made = rig(Mode.SEMI_AUTO, rules=SCALING + "profit_target = 0.5\n")
    made.wait(3, *ONE)
    made.tap(made.of(Ask)[-1].nonce)
    made.wait(40, *TWO)
    assert held(made) == [3, -3, -3, 3]
    assert [card for card in made.of(Card) if card.title.startswith("Withdrawn: ")]
    target = made.of(Ask)[-1]
    assert "Profit target" in target.title
    assert [line for line in target.lines if " 195 at about " in line]
    made.tap(target.nonce)
    made.wait(40, *TWO)
    assert made.flat


def test_after_a_part_that_was_stopped_half_way_no_other_part_is_closed_but_the_whole_can_be():
    """Shorts bought back, longs still there: the legs are out of proportion, and the owner is told."""
    made = rig()
    while not any(order.side is Side.SELL for order in made.placed):
        made.wait(0.5, *ONE)
    made.command(Wish.STOP)
    made.wait(5)
    made.command(Wish.RESUME, confirmed=True)
    sent = len(made.placed)
    made.wait(40, *TWO)
    assert len(made.placed) == sent
    assert [alert for alert in made.of(Alert) if alert.topic.endswith(":half")]
    made.command(Wish.EXIT, confirmed=True)
    made.wait(40, *TWO)
    assert made.flat


def test_a_store_that_is_away_learns_of_the_parts_when_it_is_back():
    """Two parts and a restart without a single write: the rows are brought forward in order."""
    made = rig()
    rows = list(made.rows)
    made.wait(40, *ONE)
    made.wait(40, *TWO)
    made.rows = rows  # none of the writes has arrived
    made.start()
    assert watched(made) == [2, -2, -2, 2]
    assert [row.quantity for row in made.rows] == [130] * 4
    made.tell(Beat(BeatKind.SYNC))
    made.rows = rows  # now it is the owner who says so
    made.tell(Beat(BeatKind.SYNC))
    assert watched(made) == [4, -4, -4, 4]


def test_rupee_rules_count_what_was_realised():
    """₹780 made and ₹5,000 allowed: the three that are left may lose that much more."""
    made = rig(rules=SCALING + 'stop_loss_rupees = 5000\nstop_loss = "off"\n')
    made.wait(40, *ONE)
    assert memory(made).realised_paise > 0
    level = -500_000 - memory(made).realised_paise
    unit = -level / 195 / 100
    made.wait(5, 20, 45, 40 + unit - 0.2, 18)
    assert len(verdicts(made)) == 1
    made.wait(5, 20, 45, 40 + unit + 0.2, 18)
    assert verdicts(made)[-1].rule == "stop_loss_rupees"
    assert verdicts(made)[-1].fraction == 0.75


def test_the_books_agree_after_every_part():
    """No alarm that store and broker differ, in any mode that trades."""
    for mode in (Mode.EXECUTE, Mode.SIMULATE):
        made = rig(mode)
        for mids in (ONE, TWO, THREE):
            made.wait(40, *mids)
            for _ in range(3):
                made.tell(Beat(BeatKind.SYNC))
        assert not [alert for alert in made.of(Alert) if alert.topic.startswith("mismatch")]


def test_a_part_closed_on_paper_yesterday_is_no_difference_today():
    """The paper books begin anew with the day: three of four are held, as they are watched."""
    made = rig(Mode.SIMULATE)
    made.wait(40, *ONE)
    made.now_s = at(date(2026, 2, 4), "09:20")
    made.start()
    made.exchange = PaperExchange()
    made.exchange.hold(made.monitor.holdings.recorded_nets())
    made.wait(40, *TWO)
    assert held(made) == watched(made) == [2, -2, -2, 2]


def test_no_peak_is_seen_between_the_legs_of_a_part():
    """While shorts are bought back and longs are not, the legs that are watched are not those held."""
    made = rig()
    while held(made) != [4, -3, -3, 4]:
        made.wait(0.5, *ONE)
    peak = memory(made).peak_paise
    made.wait(1, 20, 30, 25, 18)
    assert made.monitor.desk.of(made.positions[0].id) is not None
    assert memory(made).peak_paise == peak
    made.wait(60, *ONE)
    assert watched(made) == [3, -3, -3, 3]
    made.wait(2, 20, 36, 31, 18)
    assert memory(made).peak_paise > peak


def test_a_position_of_the_same_name_begins_its_life_anew():
    """Flat, and entered again after a restart: nothing is realised, every level may act."""
    made = rig(lots=2)
    made.wait(40, *ONE)
    made.wait(40, *TWO)
    assert made.flat
    made.rows = [replace(row, id=row.id + 10) for row in rig(lots=2).rows]
    made.exchange.hold({each.key: 2 * each.quantity for each in made.legs})
    made.start()
    made.wait(1, *ENTRY)
    assert memory(made) == replace(Memory(), peak_paise=0, trough_paise=0, open_share=(2, 2))


def test_a_part_that_the_bell_interrupts_goes_on_next_morning():
    """Nothing is filled before the close: next day the same part is closed, not another."""
    made = Rig(Mode.EXECUTE, condors(4), rules=SCALING, now_s=at(date(2026, 2, 3), "15:29") + 50)
    made.wait(1, *ENTRY)
    made.wait(2, *ONE)
    made.now_s = at(date(2026, 2, 3), "15:31")
    made.tell(Beat(BeatKind.SESSION_CLOSE))
    for order in made.exchange.orders():  # day orders die with the day
        made.exchange.cancel(order.order_id)
    made.now_s = at(date(2026, 2, 4), "09:15")
    made.tell(Beat(BeatKind.SYNC))
    made.wait(60, *ONE)
    assert held(made) == watched(made) == [3, -3, -3, 3]
