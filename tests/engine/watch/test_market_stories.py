"""Stories of rules that follow the underlying, the model and the clock; and of a rule that fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from engine.greeks import price, years_between
from engine.guards import ReplayGuard
from engine.model import Action, Right, Urgency
from engine.rules.registry import rules
from engine.sessions import at
from engine.watch import Memory
from engine.watch.family import Forwards
from tests.engine.makers import EXPIRY, OPENED, SPOT, condor, leg, position, quote, strangle, traded
from tests.engine.watch.test_watchlist import AT_ENTRY, DAY, TEN, Desk, told

BAND = "[default]\nstop_underlying = {below = 24500, above = 25500}"


def spot(desk, rupees):
    """A price of the index."""
    return told(desk.watch.tick(traded(SPOT, rupees), desk.now_s))


# ------------------------------------------------------------------------------ the underlying


def test_the_underlying_beyond_its_limit_for_two_seconds_ends_the_position():
    """No leg moved: the index alone says it, and its own next price is not needed."""
    desk = Desk(condor(), BAND)
    desk.quote(*AT_ENTRY)
    assert spot(desk, 25000) == []
    assert spot(desk, 24499) == []
    assert desk.wait(1.5) == []
    assert desk.wait(0.5) == [("stop_underlying", 0)]
    assert spot(desk, 24400) == []


def test_an_underlying_that_comes_back_in_time_ends_nothing():
    """And a second breach begins its two seconds anew."""
    desk = Desk(condor(), BAND)
    desk.quote(*AT_ENTRY)
    spot(desk, 25501)
    desk.wait(1.5)
    spot(desk, 25500)
    assert desk.wait(1) == []
    spot(desk, 25501)
    assert desk.wait(1.5) == []
    assert desk.wait(0.5) == [("stop_underlying", 0)]


def test_an_underlying_that_falls_silent_ends_nothing():
    """Ten seconds without a price of the index: what it last said is not believed any more."""
    desk = Desk(condor(), f"{BAND}\nconfirm_s = 15")
    desk.quote(*AT_ENTRY)
    spot(desk, 24000)
    desk.wait(9)
    desk.quote(*AT_ENTRY)
    assert desk.wait(1.5) == []
    desk.quote(*AT_ENTRY)
    assert desk.wait(5) == []


def test_silence_ends_a_breach_of_the_underlying():
    """Beyond, silent for twelve seconds, beyond again: the time in which nobody knew does not count."""
    desk = Desk(condor(), f"{BAND}\nconfirm_s = 15")
    desk.quote(*AT_ENTRY)
    spot(desk, 24000)
    desk.wait(9)
    desk.quote(*AT_ENTRY)
    desk.wait(1.5)
    assert desk.wait(1.5, beat=False) == []
    spot(desk, 24000)
    assert desk.wait(3) == []


def test_after_an_alert_the_underlying_must_come_clearly_back():
    """A thousandth of the limit inside, 24 points, before it is told again."""
    desk = Desk(condor(), BAND)
    desk.quote(*AT_ENTRY)
    spot(desk, 24499)
    assert desk.wait(2) == [("stop_underlying", 0)]
    spot(desk, 24520)
    spot(desk, 24499)
    assert desk.wait(2) == []
    spot(desk, 24525)
    spot(desk, 24499)
    assert desk.wait(2) == [("stop_underlying", 0)]


def test_before_the_opening_the_underlying_ends_nothing():
    """A price of the pre-open counts at the bell if it is still young."""
    desk = Desk(condor(), BAND, now_s=at(DAY, "15:29"))
    desk.quote(*AT_ENTRY)
    spot(desk, 25000)
    desk.now_s = at(date(2026, 2, 4), "09:14") + 58
    desk.quote(*AT_ENTRY)
    assert spot(desk, 24000) == []
    assert desk.wait(2) == []
    assert desk.wait(2) == [("stop_underlying", 0)]


def test_in_a_recording_the_underlying_of_the_same_instant_counts():
    """A snapshot with nothing but the spot is enough."""
    desk = Desk(condor(), BAND)
    desk.quote(*AT_ENTRY)
    assert desk.watch.instant([traded(SPOT, 24400)], desk.now_s) == ()
    assert desk.wait(2) == [("stop_underlying", 0)]


def test_a_dropped_position_hears_no_underlying():
    """Nor is an underlying of nobody any trouble."""
    desk = Desk(condor(), BAND)
    desk.quote(*AT_ENTRY)
    desk.watch.drop(desk.held.id)
    assert spot(desk, 24000) == []
    assert desk.watch.next_due_s() is None


def test_a_limit_of_the_underlying_protects():
    """A naked strangle with nothing else is not unprotected; a trail protects nobody."""
    bare = '[default]\nstop_loss = "off"\nstop_credit_multiple = "off"\n'
    assert Desk(strangle(), f"{bare}trailing_stop = true").figures.unprotected
    assert not Desk(strangle(), bare + BAND.removeprefix("[default]")).figures.unprotected


# ----------------------------------------------------------------------------------- the model


def modelled(held, index, vol, now_s):
    """The mids at which the model puts a position's legs."""
    years = years_between(now_s, at(EXPIRY, "15:30"))
    return [
        round(price(index, one.instrument.strike_paise / 100, years, vol, Right(one.instrument.right)), 2)
        for one in held.legs
    ]


def test_a_net_delta_is_judged_once_a_second_and_must_last_two():
    """The index runs to the sold call: the ticks say nothing, the beats after them do."""
    desk = Desk(strangle(), '[default]\nstop_delta = 0.3\nstop_credit_multiple = "off"\nstop_loss = "off"')
    spot(desk, 25000)
    desk.quote(*modelled(desk.held, 25000, 0.12, TEN))
    assert desk.wait(0.5) == []
    spot(desk, 25480)
    assert desk.quote(*modelled(desk.held, 25480, 0.12, TEN)) == []
    assert desk.wait(0.5) == []
    assert desk.wait(0.5) == []  # asked again: it is met
    assert desk.wait(1.5) == []
    (said,) = desk.wait(0.5)
    assert said[0] == "stop_delta"


def test_the_delta_of_a_sold_leg_ends_a_spread_whose_net_delta_is_small():
    """One call sold, one bought: the sold one is at the money."""
    held = position(leg(-65, 25300, "CE", 40), leg(65, 25500, "CE", 18), strategy="Bear Call Spread")
    desk = Desk(held, '[default]\nstop_leg_delta = 0.5\nstop_loss = "off"')
    spot(desk, 25400)
    desk.quote(*modelled(held, 25400, 0.12, TEN))
    desk.wait(1)
    assert [rule for rule, _ in desk.wait(2)] == ["stop_leg_delta"]


def test_within_a_second_the_model_is_not_asked_again():
    """However many prices come; only an instant of a recording asks at once."""
    desk = Desk(strangle(), "[default]\nstop_delta = 0.9")
    spot(desk, 25000)
    desk.quote(*modelled(desk.held, 25000, 0.12, TEN))
    desk.wait(0)
    scale = desk.watch._positions[desk.held.id].scale
    first = scale.model
    assert first is not None
    desk.quote(*modelled(desk.held, 25100, 0.12, TEN))
    desk.wait(0.5)
    scale.weigh(Forwards(desk.now_s))
    assert scale.model is first
    desk.watch.instant([traded(SPOT, 25100), quote(desk.held.legs[0].key, 44, 45)], desk.now_s)
    assert scale.model is not first


def test_in_a_recording_the_model_speaks_at_its_instant():
    """Decay needs no confirmation: the snapshot that shows it ends the position."""
    held = position(leg(65, 25000, "CE", 180), strategy="Long Call")
    desk = Desk(held, '[default]\nstop_loss = "off"\ntheta_burn = 0.01')
    said = told(desk.watch.instant([traded(SPOT, 25000), quote(held.legs[0].key, 179.95, 180.05)], TEN))
    assert said == [("theta_burn", 0)]


def test_between_two_instants_of_a_recording_nothing_waits_for_the_model():
    """All prices that there are have been weighed: a replay may jump to whatever comes next."""
    desk = Desk(strangle(), '[default]\nstop_delta = 0.9\nstop_loss = "off"', replay=ReplayGuard(150))
    quotes = [quote(leg.key, 44, 45) for leg in desk.held.legs]
    desk.watch.instant([traded(SPOT, 25000), *quotes], desk.now_s)
    assert desk.watch._positions[desk.held.id].scale.model is not None
    desk.wait(0)
    due_s = desk.watch.next_due_s()
    assert due_s is None or due_s > desk.now_s + 5


def test_nothing_new_is_not_weighed_again():
    """A beat without a price in between keeps the model's last word."""
    desk = Desk(strangle(), "[default]\nstop_delta = 0.9")
    spot(desk, 25000)
    desk.quote(*modelled(desk.held, 25000, 0.12, TEN))
    desk.wait(1)
    first = desk.watch._positions[desk.held.id].scale.model
    assert first is not None
    desk.wait(1)
    assert desk.watch._positions[desk.held.id].scale.model is first
    desk.quote(*modelled(desk.held, 25000, 0.12, TEN))
    desk.wait(1)
    assert desk.watch._positions[desk.held.id].scale.model is not first


SOLD = '[strategy."Short Strangle"]\ntheta_captured = 0.8\nprofit_target = "off"\nstop_loss = "off"'


def fresh_strangle(desk_s=OPENED + 5, memory=None):
    """A strangle watched from five seconds after its entry on."""
    desk = Desk(strangle(), SOLD, now_s=desk_s, memory=memory)
    desk.quote(45, 55)
    return desk


def test_time_value_at_entry_is_learnt_at_entry_and_kept():
    """₹6,500 were sold at 25,000; at 8 and 12 there are ₹1,300 left. A restart remembers."""
    desk = fresh_strangle()
    spot(desk, 25000)
    assert desk.memory.entry_spot_paise == 25_000_00
    again = fresh_strangle(TEN, Memory.from_json(desk.memory.to_json()))
    spot(again, 25000)
    again.quote(8.05, 12)
    assert again.wait(1) == []
    again.quote(8, 12)
    assert again.wait(1) == [("theta_captured", 65 * 80 * 100)]


def test_who_is_taken_over_late_has_no_time_value_at_entry():
    """Forty minutes after entry: unavailable, and said so at once."""
    desk = fresh_strangle(TEN)
    spot(desk, 25000)
    assert desk.memory.entry_spot_paise is None
    assert [(note.rule, note.refused) for note in desk.notes] == [("theta_captured", True)]


def test_an_underlying_that_never_came_in_time_is_told():
    """A minute after entry there is still no index: the rule is off, with a sentence."""
    desk = fresh_strangle()
    for _ in range(12):
        desk.quote(45, 55)
        if said := desk.wait(5):
            break
    assert said == [("theta_captured", None)]
    spot(desk, 25000)
    assert desk.memory.entry_spot_paise is None
    assert "theta_captured" in {t.rule for t in desk.figures.thresholds if not t.available}


def test_an_index_that_comes_too_late_is_not_that_of_entry():
    """Its first price comes a minute and a second after entry."""
    desk = fresh_strangle()
    desk.now_s = OPENED + 55
    desk.quote(45, 55)
    desk.now_s = OPENED + 61
    assert spot(desk, 25000) == [("theta_captured", None)]
    assert desk.memory.entry_spot_paise is None


def test_other_legs_forget_the_entry():
    """Rolled to other strikes: the index at the first entry says nothing of them."""
    desk = fresh_strangle()
    spot(desk, 25000)
    rolled = position(leg(-65, 24400, "PE", 45), leg(-65, 25600, "CE", 55), strategy="Short Strangle")
    notes = desk.watch.put(rolled, desk.memory, TEN)
    assert "theta_captured" in {note.rule for note in notes if note.refused}


# ----------------------------------------------------------------------------------- the clock


def test_a_square_off_comes_every_day():
    """Ten past three: told on Tuesday, and because nobody acted again on Wednesday."""
    desk = Desk(condor(), '[default]\nexit_at = "15:10"', now_s=at(DAY, "15:09") + 55)
    desk.quote(*AT_ENTRY)
    assert desk.wait(4.5) == []
    assert desk.wait(0.5) == [("exit_at", 0)]
    desk.quote(*AT_ENTRY)
    assert desk.wait(5) == []
    desk.now_s = at(date(2026, 2, 4), "15:09") + 58
    desk.quote(*AT_ENTRY)
    assert desk.wait(0) == []
    assert desk.wait(2) == [("exit_at", 0)]


def test_what_is_taken_over_after_the_square_off_leaves_at_once():
    """On the first believable price."""
    desk = Desk(condor(), '[default]\nexit_at = "15:10"', now_s=at(DAY, "15:20"))
    assert desk.quote(*AT_ENTRY) == [("exit_at", 0)]


@pytest.mark.parametrize(("minute", "said"), [("09:15", []), ("09:16", ["stop_loss"])])
def test_the_opening_gate_holds_verdicts_back_and_not_the_alerts(minute, said):
    """A loss since 09:15:05 is alerted at once; its exit goes at 09:16, without losing time again."""
    desk = Desk(condor(), '[default]\nno_exit_before = "09:16"', now_s=at(DAY, "09:15") + 5)
    desk.quote(*AT_ENTRY)
    assert [rule for rule, _ in desk.quote(20, 85, 77, 18)] == ["loss_alert", "loss_alert"]
    for _ in range(9):
        desk.wait(6, beat=False)
        desk.quote(20, 85, 77, 18)
    assert desk.wait(0.5) == []
    assert desk.watch.next_due_s() == at(DAY, "09:16")
    assert [rule for rule, _ in desk.wait(0.5 if minute == "09:16" else 0.25)] == said


# --------------------------------------------------------------------------------- a failing rule


@pytest.fixture
def broken_target(monkeypatch):
    """The profit target divides by zero as soon as the P&L is above zero."""

    def judge(snapshot, params):
        return None if (snapshot.marked_paise or 0) <= 0 else 1 // 0

    everything = dict(rules())
    everything["profit_target"] = replace(everything["profit_target"], judge=judge)
    monkeypatch.setattr("engine.watch.arming.rules", lambda: everything)


@pytest.mark.usefixtures("broken_target")
def test_a_rule_that_fails_holds_its_own_position_and_no_other():
    """The owner is told HIGH, once; its neighbour exits as always, its own losses are still told."""
    desk = Desk(condor())
    neighbour = position(*condor().legs[:2], strategy="Put Spread", strategy_id=9)
    desk.watch.put(neighbour, Memory(), desk.now_s)
    desk.quote(*AT_ENTRY)
    (judgement,) = desk.watch.tick(quote(desk.held.legs[2].key, 9.95, 10.05), desk.now_s)
    assert (judgement.position, judgement.verdict.rule) == (desk.held.id, "rule_fault")
    assert (judgement.verdict.action, judgement.verdict.urgency) == (Action.ALERT, Urgency.HIGH)
    assert "profit_target failed (ZeroDivisionError" in judgement.verdict.reason
    figures = desk.figures
    assert (figures.broken, figures.urgency) == (judgement.verdict.reason, Urgency.HIGH)
    desk.watch.release(desk.held.id)
    loss = desk.quote(20, 145, 40, 18) + desk.wait(1) + desk.quote(20, 145, 40, 18) + desk.wait(2)
    assert sorted(rule for rule, _ in loss) == ["loss_alert", "loss_alert", "stop_loss"]
    desk.watch.put(position(*condor().legs[1:], strategy="Rolled"), desk.memory, desk.now_s)
    assert not desk.figures.broken


def test_a_rule_that_fails_while_it_is_armed_holds_the_position_too(monkeypatch):
    """Said at the first look, with the sentence that stands among the thresholds as well."""

    def arm(setting, situation):
        raise KeyError("margin")

    everything = dict(rules())
    everything["stop_loss"] = replace(everything["stop_loss"], arm=arm)
    monkeypatch.setattr("engine.watch.arming.rules", lambda: everything)
    desk = Desk(condor())
    assert [(note.rule, note.failed) for note in desk.notes if note.failed] == [("stop_loss", True)]
    said = desk.quote(*AT_ENTRY) + desk.wait(0)
    assert [rule for rule, _ in said] == ["rule_fault"]
    desk.quote(20, 30, 30, 18)
    assert desk.wait(5) == []


@pytest.mark.usefixtures("broken_target")
def test_looking_at_a_failing_rule_is_no_trouble_either():
    """The page of a position is drawn before anything was judged."""
    desk = Desk(condor(), now_s=at(DAY, "09:10"))
    desk.quote(20, 30, 30, 18)
    assert desk.figures.thresholds
    desk.now_s = at(DAY, "09:15")
    desk.quote(20, 30, 30, 18)
    assert desk.figures.broken


def test_a_rule_that_fails_when_the_entry_becomes_known_holds_the_position_as_well(monkeypatch):
    """It could be armed without the underlying's price, and makes its mistake with it."""

    def arm(setting, situation):
        if situation.entry_passed:
            raise KeyError("spot")
        return everything["theta_captured"].arm(setting, situation)

    everything = dict(rules())
    broken = everything | {"theta_captured": replace(everything["theta_captured"], arm=arm)}
    monkeypatch.setattr("engine.watch.arming.rules", lambda: broken)
    desk = Desk(strangle(), SOLD, now_s=strangle().opened_at_s)
    desk.wait(61)
    desk.quote(*[leg.entry_price_paise / 100 for leg in strangle().legs])
    assert "theta_captured failed" in desk.figures.broken
