"""Rules that change while positions are watched: by a row of the store, or by the file."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from engine.effects import Alert
from engine.io import tables
from engine.messages import Beat, BeatKind, RulesChanged
from engine.model import ExitLevel, Mode, Urgency
from engine.view import PositionState
from tests.engine.makers import strangle
from tests.support.rig import Rig

#: Mids of the condor's legs (long put, short put, short call, long call), rupees.
ENTRY = (20, 45, 40, 18)
#: +₹1,300.00: more than 40 % of the credit, less than the half.
BETTER = (14, 30, 30, 19)
PROFIT = (8, 20, 14, 6)
#: −₹2,600.00: over half of the way to the default stop at −₹4,972.50.
WORSE = (18, 40, 85, 20)

HALF = ExitLevel(1, 3359, "stop_loss", "primary", "percentage", Decimal("50.00"))


def thresholds(rig):
    """What the position's rules wait for, in paise."""
    (view,) = rig.view.positions
    return {t.rule: t.threshold_paise for t in view.thresholds if t.available}


def titles(rig, urgency=None):
    """What was told."""
    return [alert.title for alert in rig.of(Alert) if urgency in {None, alert.urgency}]


def changed(text, version="1"):
    """The file has become this, and is good."""
    return RulesChanged(tables.rulebook(text), "rules.toml", version)


def test_a_changed_row_arms_its_position_anew_at_the_next_sync():
    """The stop moves with the row, and goes back to the file's when the row goes."""
    rig = Rig(Mode.EXECUTE)
    assert thresholds(rig)["stop_loss"] == -497_250
    rig.levels = [HALF, replace(HALF, id=2, strategy_id=1, value=Decimal(1))]
    for value, paise in (("30", -298_350), ("20.00", -198_900)):
        rig.levels[0] = replace(HALF, value=Decimal(value))
        rig.tell(Beat(BeatKind.SYNC))
        assert thresholds(rig)["stop_loss"] == paise
    rig.levels = []
    rig.tell(Beat(BeatKind.SYNC))
    assert thresholds(rig)["stop_loss"] == -497_250


def test_a_row_that_means_nothing_is_told_once_and_costs_no_rule():
    """MEDIUM, with the row's id; the position keeps what it has, and hears of a second row by itself."""
    rig = Rig(Mode.EXECUTE)
    before = thresholds(rig)
    bad = replace(HALF, id=7, exit_type="stop")
    rig.levels = [bad]
    rig.tell(Beat(BeatKind.SYNC))
    rig.tell(Beat(BeatKind.SYNC))
    rig.levels = [bad, replace(bad, id=8)]
    rig.tell(Beat(BeatKind.SYNC))
    assert thresholds(rig) == before
    told = [alert for alert in rig.of(Alert) if "is ignored" in alert.title]
    assert [(a.title, a.urgency) for a in told] == [
        ("strategy_exit_levels row 7 is ignored", Urgency.MEDIUM),
        ("strategy_exit_levels row 8 is ignored", Urgency.MEDIUM),
    ]
    assert "row 7: exit_type: read 'stop', expected profit_target" in told[0].text


def test_a_row_that_does_not_say_whose_it_is_is_told_once():
    """It belongs to no position, and somebody meant something by it."""
    rig = Rig(Mode.EXECUTE)
    rig.levels = [replace(HALF, id=7, strategy_id=0, fault="strategy_id: read 'x', expected a whole number")]
    rig.tell(Beat(BeatKind.SYNC))
    rig.tell(Beat(BeatKind.SYNC))
    assert titles(rig).count("strategy_exit_levels row 7 is ignored") == 1


def test_an_unknown_set_in_the_trade_rows_is_told_and_a_known_one_is_used():
    """The tag is the position's own word."""
    rig = Rig(Mode.EXECUTE)
    rig.rows = [replace(row, rule_set="sportive") for row in rig.rows]
    rig.tell(Beat(BeatKind.SYNC))
    assert "rule_set is ignored" in titles(rig, Urgency.MEDIUM)
    assert thresholds(rig)["stop_loss"] == -497_250
    rig.rows = [replace(row, rule_set="conservative_losses") for row in rig.rows]
    rig.tell(Beat(BeatKind.SYNC))
    assert thresholds(rig)["stop_loss"] == -298_350


def test_a_changed_file_is_in_force_at_once():
    """The target moves under a position that is watched already, and acts."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(5, *BETTER)
    assert not rig.placed
    rig.tell(changed("[default]\nprofit_target = 0.4"))
    rig.wait(60, *BETTER)
    assert rig.flat
    assert "The rules have changed" in titles(rig, Urgency.NORMAL)


def test_peaks_and_told_levels_outlive_a_change_of_rules():
    """A loss alert that was told is not told again, and the peak stays; whatever was changed."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(2, *BETTER)
    rig.wait(2, *WORSE)
    peak = rig.monitor.watch.memory(rig.positions[0].id)
    told = len(rig.of(Alert))
    for version, text in enumerate(("[default]\nprofit_target = 0.9", "[default]\nmax_spread_pct = 20")):
        rig.tell(changed(text, str(version)))
        rig.wait(5, *WORSE)
        assert rig.monitor.watch.memory(rig.positions[0].id) == peak
    assert len(rig.of(Alert)) == told + 2
    assert peak.alert_level == 40


def test_what_has_fired_does_not_fire_again_because_other_rules_changed():
    """In alert-only a target that was told stays told, with the same guards and with others."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.wait(5, *PROFIT)
    fired = [alert for alert in rig.of(Alert) if alert.topic.startswith("profit_target")]
    assert len(fired) == 1
    for version, text in enumerate(("[default]\nstop_loss = -0.4", "[default]\nmax_spread_pct = 20")):
        rig.tell(changed(text, str(version)))
        rig.wait(5, *PROFIT)
    assert [alert for alert in rig.of(Alert) if alert.topic.startswith("profit_target")] == fired
    rig.tell(changed("[default]\nprofit_target = 0.55", "3"))
    rig.wait(5, *PROFIT)
    again = [alert for alert in rig.of(Alert) if alert.topic.startswith("profit_target")]
    assert len(again) == 2  # a target that was moved is another target


def test_a_confirmation_under_way_is_not_begun_again():
    """Half of the loss's two seconds are over when another rule changes; the other half is enough."""
    rig = Rig(Mode.EXECUTE, rules="[default]\nstop_loss_rupees = 2500\nconfirm_s = 4")
    rig.wait(1, *ENTRY)
    rig.wait(3, *WORSE)
    rig.tell(changed("[default]\nstop_loss_rupees = 2500\nconfirm_s = 4\nprofit_target = 0.9"))
    assert not rig.placed
    rig.wait(1.5, *WORSE)
    assert rig.placed


def test_a_running_exit_goes_on_under_new_rules():
    """It is held, and stays so: no second exit, and the end is flat."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.wait(2, *PROFIT)
    assert rig.view.positions[0].state is PositionState.EXITING
    rig.tell(changed("[default]\nmax_spread_pct = 20\nprofit_target = 0.1"))
    rig.wait(60, *PROFIT)
    assert rig.flat
    assert len(rig.placed) == 4


def test_a_faulty_file_changes_nothing_and_names_all_its_faults():
    """One MEDIUM alert, and the old rules stand."""
    rig = Rig(Mode.EXECUTE)
    before = thresholds(rig)
    rig.tell(RulesChanged(None, "rules.toml", "abc", ("rules.toml line 2: one", "rules.toml line 3: two")))
    (alert,) = [a for a in rig.of(Alert) if a.title == "The rules file has faults"]
    assert alert.urgency is Urgency.MEDIUM
    assert alert.text.splitlines()[:2] == ["rules.toml line 2: one", "rules.toml line 3: two"]
    assert thresholds(rig) == before


def test_a_refusal_that_was_told_is_not_told_again_at_every_change():
    """A naked position's stop in per cent is refused once; losing its last stop is news."""
    rig = Rig(Mode.EXECUTE, strangle())
    refused = titles(rig).count("Rule stop_loss is off")
    rig.tell(changed("[default]\nprofit_target = 0.9"))
    assert titles(rig).count("Rule stop_loss is off") == refused == 1
    assert "Unprotected position" not in titles(rig)
    rig.tell(changed('[default]\nstop_credit_multiple = "off"', "2"))
    rig.tell(changed('[default]\nstop_credit_multiple = "off"\nprofit_target = 0.9', "3"))
    assert titles(rig).count("Unprotected position") == 1


def test_other_guards_believe_other_prices_at_once():
    """Quotes that were too wide to be marked are marked by the new file, without a new price."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.quotes(*ENTRY, spread=8)
    assert rig.view.positions[0].pnl_paise is None
    rig.tell(changed("[default]\nmax_spread_pct = 100"))
    assert rig.view.positions[0].pnl_paise == 0


def test_another_valuation_counts_from_the_next_look():
    """At mark nothing is lost; what closing would cost is beyond the stop."""
    stop = "[default]\nstop_loss_rupees = 100\n"
    rig = Rig(Mode.EXECUTE, rules=stop)
    for text, sent in ((stop, False), (stop + 'valuation = "liquidation"', True)):
        rig.tell(changed(text, text))
        for _ in range(10):
            rig.now_s += 0.5
            rig.quotes(*ENTRY, spread=1)
            rig.tell(Beat(BeatKind.PULSE))
        assert bool(rig.placed) is sent
