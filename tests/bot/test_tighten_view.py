"""The page of the Tighten button: what it offers, and as which command."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from bot.buttons import Run, parse
from bot.tighten_view import nearer_paise, tighten_page
from engine.view import ThresholdView
from tests.bot.house import position

PAISE = st.integers(-(10**12), 10**12)


@given(PAISE, PAISE)
def test_every_stop_that_is_offered_is_nearer_and_not_met(stop: int, pnl: int):
    """Whole tens of rupees, the furthest first, each a loss smaller than the stop's."""
    assume(stop < pnl)
    offered = nearer_paise(stop, pnl)
    assert offered == sorted(set(offered), reverse=True)
    assert all(0 < loss < -stop and -loss < pnl and loss % 1000 == 0 for loss in offered)


def test_a_button_is_the_command_that_a_person_would_write():
    """With several accounts the name stands before the id, and the data fits a button."""
    page = tighten_page(position(10**17, pnl_paise=0), "HUF_OF_THE_FAMIL")
    buttons = [row[0] for row in page.keyboard]
    assert [b.text for b in buttons] == ["Stop at −₹3,720", "Stop at −₹2,480", "Stop at −₹1,240"]
    assert parse(buttons[0].data) == Run("set", ("HUF_OF_THE_FAMIL", str(10**17), "stop_loss_rupees", "3720"))
    assert all(len(b.data.encode()) <= 64 for b in buttons)


def test_where_no_stop_can_be_worked_out_it_says_how_one_is_written():
    """No loss rule, no P&L, or nothing between the two: no button."""
    gains = (ThresholdView("profit_target", 152_750, "half"),)
    near = (ThresholdView("stop_loss", -500, "half"),)
    for held in (
        position(thresholds=gains),
        position(pnl_paise=None),
        position(thresholds=near, pnl_paise=0),
    ):
        page = tighten_page(held)
        assert page.keyboard == ()
        assert "/set 3359 stop_loss_rupees 3000" in page.html
