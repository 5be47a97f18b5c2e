"""The price ladder: never the wrong way, never off the grid, never beyond its cap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.model import Side
from engine.pricing import Ladder, Style, Touch, limit_paise, mid_paise, reference_paise

sides = st.sampled_from(list(Side))
styles = st.sampled_from(list(Style))
prices = st.integers(5, 200_000)
ladders = st.builds(Ladder, sides, styles, prices, st.sampled_from([1, 5, 10]), st.booleans())
touches = st.builds(Touch, st.none() | prices, st.none() | prices, st.integers(0, 200_000))


@given(ladders, touches, st.floats(0, 600))
def test_a_limit_is_on_the_grid_positive_and_inside_the_cap(ladder, touch, elapsed_s):
    """Whatever the market shows, the limit can be sent and stays within what was decided."""
    limit = limit_paise(ladder, touch, elapsed_s)
    worst = ladder.worst_paise(touch)
    assert limit > 0
    assert limit % ladder.tick_paise == 0
    assert limit <= worst if ladder.side is Side.BUY else limit >= worst
    if not ladder.uncapped:
        assert (limit - ladder.cap_paise()) * ladder.side.sign <= 0


@given(ladders, touches, st.floats(0, 300), st.floats(0, 300))
def test_an_urgent_limit_only_gets_deeper_with_time(ladder, touch, early_s, more_s):
    """In an unchanged market the urgent ladder never steps back."""
    urgent = Ladder(ladder.side, Style.URGENT, ladder.mid_paise, ladder.tick_paise)
    first = limit_paise(urgent, touch, early_s)
    then = limit_paise(urgent, touch, early_s + more_s)
    assert (then - first) * ladder.side.sign >= 0


def test_urgent_crosses_the_touch_at_once():
    """Buying at 10.00 / 10.10: the first limit is the ask."""
    ladder = Ladder(Side.BUY, Style.URGENT, 1005, 5)
    assert limit_paise(ladder, Touch(1000, 1010, 1005), 0.0) == 1010


def test_patient_walks_from_mid_to_touch_in_twenty_seconds():
    """Selling at 99.00 / 101.00: 100.00 first, 99.50 half-way, 99.00 at the end."""
    ladder = Ladder(Side.SELL, Style.PATIENT, 10_000, 5)
    touch = Touch(9_900, 10_100, 10_000)
    assert [limit_paise(ladder, touch, s) for s in (0.0, 10.0, 20.0, 60.0)] == [10_000, 9_950, 9_900, 9_900]


def test_the_caps_are_those_of_the_rules():
    """Urgent 10 % or 10 ticks, patient 3 % or 3 ticks."""
    assert Ladder(Side.BUY, Style.URGENT, 10_000, 5).cap_paise() == 11_000
    assert Ladder(Side.BUY, Style.URGENT, 100, 5).cap_paise() == 150
    assert Ladder(Side.SELL, Style.PATIENT, 10_000, 5).cap_paise() == 9_700
    assert Ladder(Side.SELL, Style.PATIENT, 100, 5).cap_paise() == 85


def test_the_band_goes_with_the_market():
    """40 % or 20 rupees from the last trade as it is now, whatever was frozen; the cap stays inside it."""
    buy = Ladder(Side.BUY, Style.URGENT, 50_000, 5, uncapped=True)
    sell = Ladder(Side.SELL, Style.URGENT, 50_000, 5, uncapped=True)
    assert buy.worst_paise(Touch(9_900, 10_100, 10_000)) == 14_000
    assert sell.worst_paise(Touch(9_900, 10_100, 10_000)) == 6_000
    assert sell.worst_paise(Touch(2_750, 2_850, 2_800)) == 800
    assert sell.worst_paise(Touch(950, 1_050, 1_000)) == 5
    assert Ladder(Side.BUY, Style.URGENT, 10_000, 5).worst_paise(Touch(2_750, 2_850, 2_800)) == 4_800
    assert Ladder(Side.SELL, Style.URGENT, 10_000, 5).worst_paise(Touch(2_750, 2_850, 2_800)) == 9_000


def test_past_its_cap_an_exit_goes_to_the_band_at_once():
    """Not by ticks: on a cheap contract twenty rupees of ticks would use up every modification."""
    ladder = Ladder(Side.BUY, Style.URGENT, 375, 5, uncapped=True)
    assert limit_paise(ladder, Touch(370, 375, 375), 26.0) == 2_375


def test_the_market_is_the_last_trade_inside_the_book():
    """An old last price counts as the side of the book that it lies beyond."""
    assert reference_paise(Touch(1_000, 1_010, 1_005)) == 1_005
    assert reference_paise(Touch(1_000, 1_010, 5_000)) == 1_010
    assert reference_paise(Touch(1_000, 1_010, 500)) == 1_000
    assert reference_paise(Touch(1_000, None, 500)) == 1_000
    assert reference_paise(Touch(1_000, 1_010, 0)) == 1_005
    assert reference_paise(Touch(1_010, 1_000, 700)) == 700, "a crossed book says nothing"
    assert reference_paise(Touch(None, None, 0)) is None


def test_a_patient_exit_without_quotes_starts_at_the_last_trade():
    """Not at the price frozen at a trigger long ago: selling at 146.00 what trades at 240.00 is no start."""
    ladder = Ladder(Side.SELL, Style.PATIENT, 14_600, 5)
    assert limit_paise(ladder, Touch(None, None, 24_000), 0.0) == 24_000


def test_the_frozen_price_is_the_mid_else_the_last_trade_else_the_only_side():
    """A one-sided or crossed book has no mid; without a trade the side that is there is all that is known."""
    assert mid_paise(Touch(1000, 1010, 900)) == 1005
    assert mid_paise(Touch(1010, 1000, 900)) == 900
    assert mid_paise(Touch(None, 1000, 900)) == 900
    assert mid_paise(Touch(None, 1000, 0)) == 1000
    assert mid_paise(Touch(0, 1000, 2000)) == 1000
    assert mid_paise(Touch(None, None, 0)) is None


def test_a_stub_quote_does_not_carry_the_cap_along():
    """Bid 0.05, asked 1,000.00, last traded at 20.00: 20.00 is fair, and an urgent buy ends at 22.00."""
    stub = Touch(5, 100_000, 2_000)
    assert mid_paise(stub) == 2_000
    ladder = Ladder(Side.BUY, Style.URGENT, 2_000, 5)
    assert limit_paise(ladder, stub, 60.0) == 2_200
    assert mid_paise(Touch(5, 100_000, 0)) == 50_002, "never traded: the book is all there is"
    assert mid_paise(Touch(1_500, 2_500, 1_500)) == 2_000, "wide, but within the band"


def test_a_suspect_quote_has_no_mid_of_its_own():
    """What was found fair in its place counts, also where a patient exit starts."""
    suspect = Touch(29_900, 30_100, 30_000, 1.0, 4_500)
    assert mid_paise(suspect) == 4_500
    assert limit_paise(Ladder(Side.BUY, Style.PATIENT, 4_500, 5), suspect, 0.0) == 4_500
