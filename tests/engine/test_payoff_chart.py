"""The payoff as data for a picture: exact at expiry, through today's P&L where it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.charts import Scope, Wanted
from engine.messages import Ticks, Wish
from engine.model import Mode
from engine.payoff_chart import Level, expiry_paise, levels, move_paise, prices, today_paise
from engine.view import ThresholdView
from tests.engine.makers import SPOT, condor, condors, future, leg, position, traded
from tests.support.charted import (
    calendar_payoff,
    call_payoff,
    condor_payoff,
    payoff_of,
    strangle_payoff,
)
from tests.support.rig import Rig

PAYOFF = Wanted(Scope.PAYOFF, 3359)
CALL = call_payoff()


def test_a_condors_corners_are_those_of_the_exact_payoff():
    """₹3,055 between the shorts, −₹9,945 outside the longs, nothing at the breakevens."""
    chart = condor_payoff()
    assert [expiry_paise(chart, x) for x in (2_400_000, 2_500_000, 2_600_000)] == [
        -994_500,
        305_500,
        -994_500,
    ]
    assert [expiry_paise(chart, round(x)) for x in chart.payoff.breakevens_paise] == [0, 0]


@pytest.mark.parametrize("make", [condor_payoff, strangle_payoff, call_payoff, calendar_payoff])
def test_todays_curve_goes_through_todays_pnl_where_the_underlying_is(make):
    """Each leg's volatility is that of its mark, so at the present price nothing is left to the model."""
    chart = make()
    assert chart.pnl_paise is not None
    assert today_paise(chart, chart.level_paise) == pytest.approx(chart.pnl_paise, abs=len(chart.legs))


@given(st.integers(2_300_000, 2_700_000))
def test_a_bought_call_is_worth_no_less_today_than_at_expiry(underlying):
    """Time has a value, wherever the underlying goes."""
    chart = CALL
    assert today_paise(chart, underlying) >= expiry_paise(chart, underlying) - 1


@pytest.mark.parametrize("make", [condor_payoff, strangle_payoff, call_payoff, calendar_payoff])
def test_the_picture_holds_what_matters(make):
    """Strikes, breakevens and the underlying lie inside; each strike is a point."""
    chart = make()
    drawn = prices(chart)
    strikes = {each.leg.instrument.strike_paise for each in chart.legs}
    assert strikes <= set(drawn)
    wanted = [*strikes, chart.level_paise, *map(round, chart.payoff.breakevens_paise)]
    assert drawn[0] < min(wanted)
    assert max(wanted) < drawn[-1]
    assert list(drawn) == sorted(set(drawn))
    assert drawn[0] >= 0


def test_a_calendar_is_the_models_at_its_first_expiry():
    """There is no exact payoff; the later leg has its time value left, so the best is at the strike."""
    chart = calendar_payoff()
    assert not chart.payoff.one_expiry
    at_strike, beside, far = (expiry_paise(chart, x) for x in (2_500_000, 2_560_000, 3_000_000))
    assert at_strike > beside > far
    assert chart.legs[0].years_left == 0 < chart.legs[1].years_left


def test_without_a_mark_there_is_no_curve_of_today_but_that_of_expiry():
    """What is not known is not drawn."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.tell(Ticks([traded(SPOT, 25_000)]))
    [chart] = PAYOFF(rig.monitor, rig.now_s)
    assert (chart.pnl_paise, chart.modelled, today_paise(chart, 2_500_000)) == (None, False, None)
    assert expiry_paise(chart, 2_500_000) == 305_500
    assert move_paise(chart) is None


def test_without_any_price_of_the_underlying_the_strikes_say_where():
    """The picture is around them, without a marker."""
    rig = Rig(Mode.ALERT_ONLY)
    [chart] = PAYOFF(rig.monitor, rig.now_s)
    assert chart.level_paise is None
    drawn = prices(chart)
    assert drawn[0] < 2_450_000
    assert drawn[-1] > 2_550_000


def test_after_the_close_the_last_marks_stand():
    """The same P&L as on the card, said to be of a closed market."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.tell(Ticks([traded(SPOT, 25_000)]))
    rig.wait(2, 14, 33, 36, 15)
    rig.now_s += 8 * 3600
    [chart] = PAYOFF(rig.monitor, rig.now_s)
    assert (chart.in_session, chart.level_paise) == (False, 2_500_000)
    assert chart.pnl_paise == rig.view.positions[0].pnl_paise == 45_500
    assert today_paise(chart, 2_500_000) == pytest.approx(45_500, abs=300)


def test_what_a_part_has_brought_counts_in_every_curve():
    """One of two condors is closed at a gain: the rest can lose half as much, less what was made."""
    rules = '[default]\nprofit_target = "off"\nprofit_scaling = [{at = 0.1, close = 0.5}]\n'
    rig = Rig(Mode.EXECUTE, condors(2), rules=rules)
    rig.tell(Ticks([traded(SPOT, 25_000)]))
    rig.wait(1, 20, 45, 40, 18)
    rig.wait(90, 19, 36, 30, 17)
    [chart] = PAYOFF(rig.monitor, rig.now_s)
    assert {abs(each.leg.quantity) for each in chart.legs} == {65}
    made = chart.made_paise
    assert made > 0
    assert expiry_paise(chart, 2_500_000) == 305_500 + made
    assert chart.payoff.max_loss_paise == -994_500 + made
    assert today_paise(chart, chart.level_paise) == pytest.approx(chart.pnl_paise, abs=4)


def test_a_position_that_is_flat_has_no_payoff():
    """Nothing can come of it any more."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(2, 20, 45, 40, 18)
    rig.command(Wish.EXIT, 3359, confirmed=True)
    rig.wait(60, 20, 45, 40, 18)
    assert rig.flat
    assert PAYOFF(rig.monitor, rig.now_s) == ()


def test_a_leg_at_or_below_intrinsic_value_moves_like_the_underlying():
    """No volatility explains its mark; it is taken for one without time value."""
    made = payoff_of(replace(condor(), legs=condor().legs[:2]), 99.8, 301, spot=24_400)
    assert made.modelled
    assert made.legs[0].vol == 0 < made.legs[1].vol


def test_levels_are_told_from_below_and_name_their_side():
    """What is met by a falling P&L is a stop, also above zero; what waits for no P&L is left out."""
    found = levels(
        (
            ThresholdView("profit_target", 150_000, "", distance_paise=50_000),
            ThresholdView("trailing_stop", 80_000, "", distance_paise=-20_000),
            ThresholdView("stop_loss", -500_000, "", distance_paise=-600_000),
            ThresholdView("time_exit_dte", None, ""),
            ThresholdView("stop_margin", -1, "", available=False),
        ),
        100_000,
    )
    assert found == (
        Level(-500_000, "Stop loss", stops=True),
        Level(80_000, "Trailing stop", stops=True),
        Level(150_000, "Profit target", stops=False),
    )


def test_a_stop_of_the_underlying_is_an_upright_line():
    """It waits for no P&L: it stands at the price for which it waits."""
    rules = "[default]\nstop_underlying = {below = 24600}\n"
    chart = payoff_of(condor(), 14, 33, 36, 15, rules=rules)
    assert [at for at, _ in chart.bounds_paise] == [2_459_999]
    assert date(2026, 2, 24) == chart.expiry


def test_a_future_with_a_put_moves_with_the_underlying():
    """The future has no volatility; what it gains above, the put keeps below."""
    held = position(future(65, 25_000), leg(65, 24_500, "PE", 45), strategy="Protected Future")
    chart = payoff_of(held, 25_060, 44)
    assert today_paise(chart, chart.level_paise) == pytest.approx(chart.pnl_paise, abs=4)
    worst = 65 * (-50_000 - 4_500)
    assert [expiry_paise(chart, x) for x in (2_400_000, 2_450_000)] == [worst, worst]
    assert chart.payoff.max_profit_paise is None
