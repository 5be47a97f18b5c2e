"""When a yes counts for what was shown: the larger of an amount and a share, and one more time at most."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.shown import Ruling, Tolerance, Worth, near, rule_on, stirred

worths = st.builds(Worth, st.integers(-(10**10), 10**10), st.integers(0, 10**10))
tolerances = st.builds(Tolerance, st.integers(0, 10**9), st.floats(0, 100))


@pytest.mark.parametrize(
    ("turnover", "moved", "is_near"),
    [(0, 100_000, True), (0, 100_001, False), (10_000_000, 300_000, True), (10_000_000, -300_001, False)],
)
def test_the_larger_of_amount_and_share_is_allowed_either_way(turnover, moved, is_near):
    """₹1,000, or three per cent of what was shown to be bought and sold."""
    shown = Worth(500_000, turnover)
    assert near(shown, Worth(500_000 + moved, 0), Tolerance()) is is_near


def test_what_is_not_known_is_near_nothing_that_is():
    """A price that has gone is as far as one that has moved; none then and none now is no news."""
    some = Worth(1, 1)
    assert not near(some, None, Tolerance())
    assert not near(None, some, Tolerance())
    assert near(None, None, Tolerance())


@given(worths, worths, tolerances)
def test_a_card_is_drawn_anew_before_a_yes_to_it_is_void(shown, now, tolerance):
    """What is too far for a yes is worth a drawing."""
    assert near(shown, now, tolerance) or stirred(shown, now, tolerance)


@given(st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_a_yes_counts_near_what_was_shown_or_was_asked_again_and_a_stop_is_never_void(
    is_near, again, stop, seen
):
    """One more question at most; what is far off counts only to a stop, and only seen a second time."""
    ruling = rule_on(is_near=is_near, asked_again=again, stop=stop, seen_again=seen)
    if ruling is Ruling.COUNTS:
        assert is_near or (again and stop)
        assert seen or not again
    assert (ruling is Ruling.OLD) is (again and not seen)
    if ruling is Ruling.ASK_AGAIN:
        assert not again
    if stop:
        assert ruling is not Ruling.VOID
