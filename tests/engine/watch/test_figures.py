"""A watched position as people see it."""

from __future__ import annotations

from datetime import date

from engine.io import tables
from engine.model import Action, Segment, Side, Urgency
from engine.sessions import at
from engine.watch import Memory
from engine.watch.figures import QUIET
from tests.engine.makers import SPOT, condor, leg, long_call, position, traded
from tests.engine.watch.test_watchlist import AT_ENTRY, TEN, Desk


def test_the_owners_own_example():
    """ASTRAL 1500 CE, 425 at 57, now 54.60: −₹1,020.00, −4.21 %, target and stop of ₹12,112.50."""
    desk = Desk(long_call())
    desk.quote(54.60)
    figures = desk.figures
    assert figures.pnl_paise == -102000
    assert figures.pnl_pct is not None
    assert round(figures.pnl_pct, 2) == -4.21
    assert (figures.value_paise, figures.net_premium_paise) == (425 * 5460, -2422500)
    assert (figures.action, figures.urgency, figures.reason) == (Action.MONITOR, Urgency.NORMAL, QUIET)
    thresholds = {t.rule: t.threshold_paise for t in figures.thresholds}
    assert thresholds == {
        "expiry_exit": None, "stop_loss": -1211250, "profit_target": 1211250, "time_exit_dte": None,
    }  # fmt: skip
    assert figures.dte == 21
    assert not figures.unprotected


def test_each_leg_shows_its_mark_and_its_age():
    """Three seconds after the quotes, with the way out beside the mark."""
    desk = Desk(condor())
    assert [part.age_s for part in desk.figures.legs] == [None] * 4
    desk.quote(*AT_ENTRY)
    desk.wait(3)
    figures = desk.figures
    assert [(p.quantity, p.entry_paise, p.mark_paise, p.age_s) for p in figures.legs] == [
        (65, 2000, 2000, 3.0), (-65, 4500, 4500, 3.0), (-65, 4000, 4000, 3.0), (65, 1800, 1800, 3.0),
    ]  # fmt: skip
    assert figures.legs[1].name == "NIFTY 24 FEB 24700 PE"
    assert figures.value_paise is not None
    assert figures.liquidation_paise == figures.value_paise - 4 * 65 * 5


def test_a_loss_on_its_way_to_the_stop_is_an_alert():
    """Two thirds of the stop: MEDIUM, and the sentence says how far."""
    desk = Desk(condor())
    desk.quote(20, 75, 60, 18)
    figures = desk.figures
    assert (figures.action, figures.urgency) == (Action.ALERT, Urgency.MEDIUM)
    assert figures.loss_fraction is not None
    assert round(figures.loss_fraction, 4) == 0.6536
    assert "65 %" in figures.reason


def test_a_met_rule_is_shown_as_its_action():
    """Even before it is confirmed."""
    desk = Desk(condor())
    desk.quote(20, 95, 80, 18)
    figures = desk.figures
    assert (figures.action, figures.urgency) == (Action.CLOSE_IMMEDIATELY, Urgency.HIGH)
    assert "₹4,972.50" in figures.reason


def test_an_unknown_price_is_unknown_and_not_zero():
    """No P&L, no value; the sentence names the leg."""
    desk = Desk(condor())
    desk.quote(20, 45, 40, None)
    figures = desk.figures
    assert (figures.pnl_paise, figures.pnl_pct, figures.value_paise, figures.liquidation_paise) == (None,) * 4
    assert (figures.last_pnl_paise, figures.loss_fraction) == (None, None)
    assert "25500 CE" in figures.reason
    assert (figures.action, figures.urgency) == (Action.MONITOR, Urgency.NORMAL)
    desk.wait(0)
    desk.wait(60)
    assert desk.figures.urgency is Urgency.MEDIUM


def test_after_the_close_the_last_marks_stand():
    """In the evening the day's P&L is still shown, calmly, with the age of its prices."""
    desk = Desk(condor(), now_s=at(date(2026, 2, 3), "15:29") + 55)
    desk.quote(20, 95, 80, 18)
    desk.now_s = at(date(2026, 2, 3), "20:00")
    figures = desk.figures
    assert (figures.pnl_paise, figures.last_pnl_paise) == (-585000, -585000)
    assert (figures.action, figures.urgency, figures.reason) == (Action.MONITOR, Urgency.NORMAL, QUIET)
    assert figures.legs[0].age_s == at(date(2026, 2, 3), "20:00") - at(date(2026, 2, 3), "15:29") - 55


def test_realised_profit_is_part_of_the_pnl():
    """Half was sold at a gain of ₹500 before."""
    desk = Desk(condor(), memory=Memory(realised_paise=50000, open_share=(1, 2)))
    desk.quote(*AT_ENTRY)
    assert (desk.figures.pnl_paise, desk.figures.last_pnl_paise) == (50000, 50000)
    desk.quote(20, 30, 30, 18)
    desk.now_s = TEN + 1
    (judgement,) = desk.watch.beat(desk.now_s)
    assert judgement.verdict.fraction == 0.5


def test_a_position_without_a_stop_is_unprotected():
    """A calendar with nothing but the default: its stop is refused, and that is shown."""
    calendar = position(
        leg(-65, 25000, "CE", 100), leg(65, 25000, "CE", 180, date(2026, 3, 30)), strategy="Calendar"
    )
    desk = Desk(calendar)
    figures = desk.figures
    assert figures.unprotected
    refused = {t.rule: t.text for t in figures.thresholds if not t.available}
    assert set(refused) == {"stop_loss", "stop_credit_multiple"}
    assert 'basis = "debit"' in refused["stop_loss"]
    assert (figures.payoff.max_profit_paise, figures.payoff.defined_risk) == (None, None)


def test_a_memory_survives_its_journal():
    """To JSON and back, nothing is lost."""
    memory = Memory(5, -3, 60, 7, (1, 2), 12.5)
    assert Memory.from_json(memory.to_json()) == memory
    assert Memory.from_json(Memory().to_json()) == Memory()


def test_a_suspect_price_is_named_with_what_is_wrong():
    """The P&L is unknown, the leg says why and how often; closing it cannot be valued."""
    desk = Desk(condor(), charges=tables.charges())
    desk.quote(*AT_ENTRY)
    assert desk.figures.closing_pnl_paise is not None
    desk.now_s += 1
    desk.quote(400, None, None, None)
    figures = desk.figures
    leg = figures.legs[0]
    assert (leg.fault, leg.suspects) == (
        "dearer than the higher strike by ₹355.00, beside NIFTY 24 FEB 24700 PE",
        1,
    )
    assert (leg.mark_paise, leg.exit_paise, leg.covered) == (None, None, None)
    assert (figures.pnl_paise, figures.closing_pnl_paise, figures.liquidation_paise) == (None, None, None)
    assert figures.reason == f"Suspect price: NIFTY 24 FEB 24500 PE {leg.fault}"


def test_closing_now_is_the_way_out_less_the_charges():
    """Four orders of a lot, each a tick from the mid; the quote is for ten lots."""
    desk = Desk(condor(), charges=tables.charges())
    desk.quote(20, 45, 40, 18)
    figures = desk.figures
    rates = tables.charges().on(date(2026, 2, 3))
    sold = [rates.order_paise(Segment.NSE_FNO, Side.SELL, 65, paise) for paise in (1995, 1795)]
    bought = [rates.order_paise(Segment.NSE_FNO, Side.BUY, 65, paise) for paise in (4505, 4005)]
    assert figures.closing_pnl_paise == -4 * 65 * 5 - sum(sold) - sum(bought)
    assert [leg.exit_paise for leg in figures.legs] == [1995, 4505, 4005, 1795]
    assert [leg.covered for leg in figures.legs] == [65] * 4
    assert figures.closing_charges_paise == sum(sold) + sum(bought)
    nothing = Desk(condor()).figures
    assert (nothing.closing_pnl_paise, nothing.closing_charges_paise) == (None, None)


def test_the_greeks_are_of_the_whole_position_in_rupees():
    """A sold call loses by the point and by volatility, and earns by the day; without marks nobody knows."""
    held = position(leg(-65, 25300, "CE", 100), strategy="Short Call")
    assert Desk(held).figures.greeks is None
    desk = Desk(held)
    desk.quote(100)
    desk.watch.tick(traded(SPOT, 25000), desk.now_s)
    greeks = desk.figures.greeks
    assert greeks is not None
    assert -65 < greeks.delta < -13
    assert greeks.gamma < 0
    assert greeks.theta_paise > 0
    assert greeks.vega_paise < 0


def test_a_ratchet_is_told_from_a_rule_that_stands():
    """What moves by itself is not a rule that somebody has set."""
    desk = Desk(condor(), "[default]\ntrailing_stop = true")
    ratchets = {t.rule: t.ratchet for t in desk.figures.thresholds if t.available}
    assert ratchets["trailing_stop"]
    assert not ratchets["stop_loss"]


def test_more_than_is_shown_cannot_be_valued():
    """Twenty lots against a quote for ten: half of it would go."""
    held = position(leg(1300, 25000, "CE", 57), strategy="Long Call")
    desk = Desk(held, charges=tables.charges())
    desk.quote(57)
    assert (desk.figures.liquidation_paise, desk.figures.legs[0].covered) == (None, 650)
    assert desk.figures.pnl_paise == 0
    desk.wait(11)
    assert desk.figures.legs[0].covered is None, "an old quote shows nothing"
