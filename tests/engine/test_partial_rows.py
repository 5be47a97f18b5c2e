"""What rows say for the whole position outlives the parts that are closed of it."""

from __future__ import annotations

from dataclasses import replace

from engine.messages import Beat, BeatKind
from engine.model import Mode
from tests.engine.makers import OPENED, leg, position
from tests.support.parts import ONE, TWO, memory, rig, watched
from tests.support.rig import Rig

MARGIN = '[default]\nprofit_scaling = true\nstop_loss = "off"\nstop_margin = 0.1\n'
TAGGED = """
[default]
stop_credit_multiple = "off"
[set.mine]
profit_scaling = [{ at = 0.25, close = 0.5 }]
stop_margin = 0.1
max_holding_days = 10
"""
DAY_S = 86_400


def threshold(made, rule="stop_margin"):
    """The P&L at which the rule fires; None where it is not armed."""
    (view,) = made.view.positions
    return {each.rule: each.threshold_paise for each in view.thresholds if each.available}.get(rule)


def waits(made, rule):
    """What the rule says of itself."""
    (view,) = made.view.positions
    return [each.text for each in view.thresholds if each.rule == rule]


def test_a_stop_on_margin_never_moves_per_combination_with_and_without_a_journal():
    """Of ₹1,00,000.07 for four condors three have ₹75,000.05 and two the half, restarts included."""
    made = rig(rules=MARGIN)
    made.rows[1] = replace(made.rows[1], margin_paise=100_000_07)
    made.tell(Beat(BeatKind.SYNC))
    assert threshold(made) == -10_000_01
    made.wait(40, *ONE)
    assert threshold(made) == -7_500_01
    made.wait(40, *TWO)
    assert threshold(made) == -5_000_01
    made.start()
    assert threshold(made) == -5_000_01
    made.journal.clear()
    made.start()
    assert threshold(made) == -5_000_01


def test_on_paper_the_margin_is_that_of_what_is_left_although_the_rows_stay():
    """Simulate mode: the rows say four combinations and all of the margin, the watch three."""
    made = rig(Mode.SIMULATE, rules=MARGIN)
    made.rows[3] = replace(made.rows[3], margin_paise=100_000_00)
    made.tell(Beat(BeatKind.SYNC))
    made.wait(40, *ONE)
    assert [row.quantity for row in made.rows] == [260] * 4
    for _ in range(2):
        assert (threshold(made), watched(made)) == (-7_500_00, [3, -3, -3, 3])
        made.start()


def split_call():
    """A call sold in two rows of a lot; only the older, which a half takes away, says what it is."""
    older, newer = leg(-65, 25300, "CE", 40), replace(leg(-65, 25300, "CE", 44), row_id=2)
    made = Rig(Mode.EXECUTE, position(older, newer, strategy="Short Call"), rules=TAGGED)
    first, second = made.rows
    made.rows = [
        replace(first, timestamp_s=OPENED - 2 * DAY_S, rule_set="mine", margin_paise=100_000_00),
        replace(second, strategy=""),
    ]
    made.tell(Beat(BeatKind.SYNC))
    made.wait(1, 42, 42)
    return made


def test_a_row_that_a_part_ends_takes_neither_set_nor_margin_nor_the_day_of_entry_away():
    """The set guards what is left, with its share of the margin; days count from the first entry."""
    made = split_call()
    assert threshold(made) == -10_000_00
    days = waits(made, "max_holding_days")
    made.wait(60, 20, 20)
    assert [row.id for row in made.rows] == [2]
    for _ in range(2):
        assert threshold(made) == -5_000_00
        assert waits(made, "max_holding_days") == days
        (found,) = made.monitor.holdings.positions.values()
        assert (found.strategy, found.rule_sets) == ("Short Call", ("mine",))
        made.start()
        made.wait(1, 20, 20)


def test_rows_that_the_owner_changes_after_a_part_say_what_counts():
    """Another lot bought by hand is a new basis, of which the ended row said nothing."""
    made = split_call()
    made.wait(60, 20, 20)
    (left,) = made.rows
    made.rows = [replace(left, quantity=130, margin_paise=70_000_00, rule_set="mine")]
    made.exchange.hold({made.legs[0].key: -130})
    made.tell(Beat(BeatKind.SYNC))
    made.wait(1, 20, 20)
    assert threshold(made) == -7_000_00
    assert memory(made).said is None
