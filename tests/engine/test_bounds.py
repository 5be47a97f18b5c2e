"""Limits inside of what the exchange takes, for all prices and both sides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.bounds import inside_paise
from engine.plan import plan_exit
from tests.engine.makers import leg, position

ticks = st.integers(1, 2_000)


def leg_of(short, tick_paise=5):
    (plan,) = plan_exit(position(leg(-65 if short else 65, 25300, "CE", 40, tick_paise=tick_paise)))
    return plan


@given(st.booleans(), st.sampled_from([1, 5, 10]), ticks, ticks, st.integers(1, 20_000), ticks)
def test_no_limit_is_asked_for_that_was_refused(short, tick, wanted, refused, far, mid):
    """A new order stays strictly inside the refused price, on the grid, unless it was inside before."""
    plan = leg_of(short, tick)
    plan.refused_paise, plan.mid_paise = (refused + 1) * tick, mid
    limit = inside_paise(plan, wanted * tick, far, None)
    assert limit % tick == 0
    assert limit >= tick
    assert (plan.refused_paise - limit) * plan.side.sign > 0


@given(st.booleans(), ticks, ticks)
def test_the_edge_is_found_in_a_few_tries(short, resting, room):
    """From what rests to what was refused: each try halves the doubt, and the last is at the edge."""
    plan = leg_of(short)
    sign = plan.side.sign
    edge = (resting + (2_000 if not short else 0) + sign * (room % 2_000)) * 5
    limit = (resting + (2_000 if not short else 0)) * 5
    far = max(limit + sign * 100_000, 5)
    tries = 0
    while (asked := inside_paise(plan, far, limit, limit)) != limit:
        tries += 1
        if (asked - edge) * sign > 0:
            plan.refused_paise = asked
        else:
            limit = asked
    assert limit == edge
    assert tries <= 32
