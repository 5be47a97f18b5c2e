"""Closing a position part by part: the whole machine, on paper, from the level to what stays watched."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from engine.broker_nouns import BrokerPosition, Product
from engine.effects import Alert, Card
from engine.intents import Intent, IntentState, LegPlan, Part
from engine.io import tables
from engine.ledger import Ledger
from engine.messages import BrokerReport, RulesChanged
from engine.model import Action, InstrumentKey, Mode, PositionId, Side, Urgency, Verdict
from engine.pricing import Style
from engine.verify import Finding, verify
from tests.engine.makers import leg, position
from tests.support.parts import ENTRY, ONE, SCALING, THREE, TWO, held, memory, rig, verdicts, watched
from tests.support.rig import Rig


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
    assert not view.profit_exit
    (several,) = rig().view.positions
    assert several.profit_exit


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


def test_alert_only_tells_of_a_level_that_would_close_everything_once():
    """Two combinations met by two levels at once: a full exit, told, and spent like any other level."""
    made = rig(Mode.ALERT_ONLY, lots=2)
    for _ in range(3):
        made.wait(10, *TWO)
        made.wait(10, *ENTRY)
    made.start()
    made.wait(10, *TWO)
    told = [alert.text for alert in made.of(Alert) if alert.topic.startswith("profit_scaling:")]
    assert len(told) == 1
    assert "close everything that is open (2)" in told[0]
    made.wait(10, *THREE)
    assert len([a for a in made.of(Alert) if a.topic.startswith("profit_scaling:")]) == 2
    assert not made.placed


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


def test_two_rows_of_a_contract_give_their_share_each():
    """Bought at 40 and at 44, two lots each: after half is closed the average is still 42."""
    one, two = leg(-130, 25300, "CE", 40), replace(leg(-130, 25300, "CE", 44), row_id=2)
    made = Rig(Mode.EXECUTE, position(one, two, strategy="Short Call"), rules=SCALING)
    made.wait(1, 42, 42)
    made.wait(60, 20, 20)
    (found,) = made.monitor.holdings.positions.values()
    assert [each.quantity for each in found.legs] == [-65, -65]


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
        ledger.take(BrokerReport(ledger.next_request(), 0.0, positions=rows), {}, 0.0)
        assert verify(intent, ledger)[0] is finding


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


def test_a_trail_that_changes_from_rupees_to_a_share_forgets_a_peak_that_counts_what_parts_brought():
    """₹6,994 was the peak with ₹2,314 of the parts; the open half at ₹4,680 has given back nothing."""
    rules = '[default]\nprofit_target = "off"\n'
    trail = "trailing_stop = {give_back_rupees = 3000}\n"
    made = rig(rules=f"{rules}profit_scaling = true\n{trail}")
    made.wait(40, *ONE)
    made.wait(60, *TWO)
    made.wait(1, *THREE)
    changed = tables.rulebook(f"{rules}trailing_stop = true\n")
    made.tell(RulesChanged(changed, "rules.toml", "2"))
    made.wait(10, *THREE)
    assert held(made) == [2, -2, -2, 2]
