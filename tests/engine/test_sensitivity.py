"""How a whole position moves by the model."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.greeks import greeks, price, years_between
from engine.model import Right
from engine.sensitivity import Part, Sensitivity, entry_extrinsic_paise, points_to, sensitivity
from engine.sessions import at
from tests.engine.makers import EXPIRY, condor, future, leg, option, strangle

NOW = at(date(2026, 2, 3), "11:00")
SETTLED = {EXPIRY: at(EXPIRY, "15:30")}
YEARS = years_between(NOW, SETTLED[EXPIRY])
SPOT = 25_000_00
FORWARDS = {EXPIRY: 2 * SPOT}


def part(quantity, strike, right, vol=0.12, spot=25_000.0):
    """A leg marked where the model puts it at this volatility."""
    right = Right(right)
    return Part(option(strike, right), quantity, round(price(spot, strike, YEARS, vol, right) * 100))


def test_a_condor_moves_like_the_sum_of_its_legs():
    """Units times each option's own Greeks; a combination is one of each leg."""
    parts = [part(130, 24500, "PE"), part(-130, 24700, "PE"), part(-130, 25300, "CE"), part(130, 25500, "CE")]
    found = sensitivity(parts, SPOT, FORWARDS, SETTLED, NOW, 130, {})
    single = [
        greeks(25_000.0, strike, YEARS, 0.12, Right(right))
        for strike, right in ((24500, "PE"), (24700, "PE"), (25300, "CE"), (25500, "CE"))
    ]
    signs = (1, -1, -1, 1)
    unit = sum(sign * one.delta for sign, one in zip(signs, single, strict=True))
    assert found.unit_delta == pytest.approx(unit, abs=1e-4)
    assert found.delta == pytest.approx(130 * unit, abs=0.02)
    theta = sum(sign * one.theta for sign, one in zip(signs, single, strict=True))
    assert found.theta_paise == pytest.approx(13000 * theta, rel=0.01)
    assert found.gamma == pytest.approx(
        130 * sum(s * o.gamma for s, o in zip(signs, single, strict=True)), rel=0.01
    )
    assert found.short_delta == pytest.approx(max(abs(single[1].delta), abs(single[2].delta)), abs=1e-4)
    assert found.value_paise == sum(p.quantity * p.mark_paise for p in parts)


def test_a_ratio_counts_its_combinations():
    """One bought against two sold: the smallest whole share has one and two."""
    found = sensitivity(
        [part(65, 25000, "CE"), part(-130, 25500, "CE")], SPOT, FORWARDS, SETTLED, NOW, 65, {}
    )
    one, two = (greeks(25_000.0, strike, YEARS, 0.12, Right.CALL).delta for strike in (25000, 25500))
    assert found.unit_delta == pytest.approx(one - 2 * two, abs=1e-4)


def test_the_model_goes_by_the_forward_and_time_value_by_the_spot():
    """The Greeks are those at 25,120, wherever the spot is; without one only the time value is unknown."""
    parts = [part(-65, 25000, "CE", spot=25_120.0), part(-65, 25000, "PE", spot=25_120.0)]
    for spot in (SPOT, None):
        found = sensitivity(parts, spot, {EXPIRY: 2 * 25_120_00}, SETTLED, NOW, 65, {})
        call, put = (greeks(25_120.0, 25000, YEARS, 0.12, right).delta for right in Right)
        assert found.unit_delta == pytest.approx(-call - put, abs=1e-3)
    assert found.extrinsic_paise is None


def test_each_leg_of_a_calendar_has_its_own_forward_and_its_own_time():
    """A month further on the forward is 150 higher, and a day's decay is smaller."""
    late = date(2026, 3, 30)
    settled = SETTLED | {late: at(late, "15:30")}
    near, far = (25_000.0, YEARS), (25_150.0, years_between(NOW, settled[late]))
    marks = [round(100 * price(forward, 25_200, years, 0.12, Right.CALL)) for forward, years in (near, far)]
    parts = [
        Part(option(25200, "CE", expiry), quantity, mark)
        for expiry, quantity, mark in zip((EXPIRY, late), (-130, 65), marks, strict=True)
    ]
    found = sensitivity(parts, SPOT, {EXPIRY: 2 * 25_000_00, late: 2 * 25_150_00}, settled, NOW, 65, {})
    one, other = (greeks(forward, 25_200, years, 0.12, Right.CALL) for forward, years in (near, far))
    assert found.unit_delta == pytest.approx(other.delta - 2 * one.delta, abs=1e-4)
    assert found.theta_paise == pytest.approx(6500 * (other.theta - 2 * one.theta), rel=1e-3)
    assert found.short_delta == pytest.approx(one.delta, abs=1e-4)


def test_without_a_forward_nothing_is_known_but_the_value():
    """No spot and nothing else that tells it: no delta, and none is made up."""
    found = sensitivity([part(-65, 25300, "CE")], None, {EXPIRY: None}, SETTLED, NOW, 65, {})
    assert (found.delta, found.gamma, found.theta_paise, found.unit_delta, found.short_delta) == (None,) * 5
    assert found.value_paise < 0


@pytest.mark.parametrize(
    ("strike", "right", "mark", "delta"),
    [
        (24000, "CE", 1000_00, 1.0),  # at intrinsic value it is the underlying
        (26000, "PE", 990_00, -1.0),  # below it, as deep European puts trade
        (27000, "CE", 0, 0.0),  # worthless
    ],
)
def test_an_option_without_time_value_moves_all_or_nothing(strike, right, mark, delta):
    """No volatility explains such a price; its delta is plain all the same."""
    found = sensitivity([Part(option(strike, right), 65, mark)], SPOT, FORWARDS, SETTLED, NOW, 65, {})
    assert (found.unit_delta, found.theta_paise) == (delta, 0.0)


def test_a_price_no_volatility_explains_makes_the_whole_unknown():
    """A call dearer than the underlying."""
    parts = [Part(option(25000, "CE"), 65, 25_001_00), part(-65, 25300, "CE")]
    found = sensitivity(parts, SPOT, FORWARDS, SETTLED, NOW, 65, {})
    assert found.delta is None
    assert found.short_delta is not None


def test_a_future_is_the_underlying():
    """One for one, without decay; it is not a sold option either."""
    held = future(-65, 25000)
    found = sensitivity([Part(held.instrument, -65, 25_000_00)], SPOT, FORWARDS, SETTLED, NOW, 65, {})
    assert (found.unit_delta, found.theta_paise, found.short_delta, found.extrinsic_paise) == (
        -1.0,
        0.0,
        None,
        0,
    )


def test_time_value_is_that_of_the_sold_legs():
    """The strangle at 45 and 55 is all time value at 25,000; at 25,540, forty of the call's 55 are not."""
    legs = strangle().legs
    assert entry_extrinsic_paise(legs, SPOT) == 65 * (4500 + 5500)
    assert entry_extrinsic_paise(legs, 25_540_00) == 65 * (4500 + 1500)
    assert entry_extrinsic_paise(condor().legs, SPOT) == 65 * (4500 + 4000)
    assert entry_extrinsic_paise((leg(65, 25000, "CE", 180),), SPOT) == 0
    parts = [Part(one.instrument, one.quantity, 1000) for one in legs]
    assert sensitivity(parts, SPOT, FORWARDS, SETTLED, NOW, 65, {}).extrinsic_paise == 65 * 2000


def moved(delta, gamma, spot=SPOT):
    """A position that moves like this."""
    return Sensitivity(spot, 0, delta, gamma, 0.0, delta, None, None)


def test_points_to_a_loss_by_delta_and_gamma():
    """Delta −65 loses ₹4,030 in 62 points; with gamma against it sooner; away from it never."""
    assert points_to(moved(-65.0, 0.0), -403000) == pytest.approx(62.0)
    assert points_to(moved(65.0, 0.0), -403000) == pytest.approx(-62.0)
    bent = points_to(moved(-65.0, -0.5), -403000)
    assert bent is not None
    assert 40 < bent < 62
    assert -65 * bent - 0.25 * bent**2 == pytest.approx(-4030)
    assert points_to(moved(0.0, -0.5), 403000) is None  # a sold straddle gains nothing by a move
    assert points_to(moved(0.0, 0.0), -1) is None
    assert points_to(moved(1.0, 0.0), -403000) is None  # farther than a tenth of the price
    assert points_to(moved(1.0, 0.0, None), -100) is None
    assert points_to(Sensitivity(SPOT, 0, None, None, None, None, None, None), -100) is None


@given(st.floats(-200, 200).filter(lambda d: abs(d) > 0.01), st.floats(-1, 1), st.integers(-(10**6), 10**6))
def test_where_points_are_given_the_move_makes_the_change(delta, gamma, change):
    """Put back into delta and gamma, the points give the rupees asked for."""
    points = points_to(moved(delta, gamma), change)
    if points is not None:
        assert abs(points) <= 2500
        assert delta * points + gamma / 2 * points**2 == pytest.approx(change / 100, rel=1e-6, abs=1e-4)


def test_what_is_known_of_one_mark_says_nothing_of_another():
    """Positions share what is worked out of a contract at a moment: at the same mark, and at no other."""
    shared = {}
    for mark_paise in (150_00, 190_00, 150_00):
        parts = [Part(option(25000, "CE"), 65, mark_paise)]
        alone = sensitivity(parts, SPOT, FORWARDS, SETTLED, NOW, 65, {})
        assert sensitivity(parts, SPOT, FORWARDS, SETTLED, NOW, 65, shared) == alone
    assert len(shared) == 2
