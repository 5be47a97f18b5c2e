"""What happens to the exit of a part when something graver, or a person, wants the whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from engine.effects import Alert, Ask, Card
from engine.intents import IntentState
from engine.messages import Beat, BeatKind, Wish
from engine.model import Mode, Side
from engine.sessions import at
from tests.engine.makers import condors, leg, position
from tests.support.parts import ENTRY, LOSS, ONE, SCALING, THREE, TWO, held, rig, verdicts
from tests.support.rig import Rig


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


def test_a_stuck_part_does_not_silence_the_stop():
    """The part is stuck before its first order; a loss still closes what the broker holds."""
    made = rig()
    made.exchange.hold(dict(zip((each.key for each in made.legs), (130, -260, -260, 260), strict=True)))
    made.wait(20, *ONE)
    made.wait(90, *LOSS)
    assert made.flat


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
    made.wait(40, *THREE)  # ₹7,800 with what is bought back, past the second level
    assert len(made.placed) == sent
    assert [alert for alert in made.of(Alert) if alert.topic.endswith(":half")]
    made.command(Wish.EXIT, confirmed=True)
    made.wait(40, *THREE)
    assert made.flat


def test_a_loss_is_told_of_while_a_part_waits_to_be_filled():
    """The part stays at its cap in a market that has run away; half way to the stop the owner hears of it."""
    made = rig()
    made.wait(2, *ONE)
    made.wait(30, 20, 65, 60, 18)
    assert made.monitor.desk.of(made.positions[0].id).part is not None
    assert [alert for alert in made.of(Alert) if alert.topic.startswith("loss_alert:")]


def test_a_days_question_that_a_closed_part_has_made_void_is_asked_anew_about_everything_that_is_left():
    """The limit speaks again, and no other position stays silent for the question that is no more."""
    second = position(leg(130, 25000, "CE", 100), strategy="Long Call", strategy_id=2)
    day = f"{SCALING}[account.default]\nday_profit_rupees = 6000\n"
    made = Rig(Mode.SEMI_AUTO, condors(4), second, rules=day)
    made.wait(1, *ENTRY, 100)
    made.wait(3, *ONE, 100)
    made.tap(made.of(Ask)[-1].nonce)
    made.wait(40, *TWO, 100)
    days = [ask for ask in made.of(Ask) if "Day profit" in ask.title]
    assert len(days) == 2
    assert [line for line in days[-1].lines if " 195 at about " in line]
    made.tap(days[-1].nonce)
    made.wait(60, *TWO, 100)
    assert made.flat


def test_a_yes_to_legs_that_have_changed_does_not_silence_the_stop():
    """A row shrank by hand while the stop was asked about: the yes is void, and the stop asks again."""
    made = rig(Mode.SEMI_AUTO)
    made.wait(5, *LOSS)
    (first,) = made.of(Ask)
    made.rows = [replace(row, quantity=195) for row in made.rows]
    made.tell(Beat(BeatKind.SYNC))
    made.tap(first.nonce)
    made.wait(5, *LOSS)
    assert [ask.nonce for ask in made.of(Ask)] != [first.nonce]
    assert len(made.of(Ask)) == 2
