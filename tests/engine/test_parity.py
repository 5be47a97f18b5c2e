"""The forward that the options of one expiry imply."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.parity import Twins, forward_both_paise

STRIKES = st.dictionaries(st.integers(1, 500).map(lambda n: n * 5000), st.integers(0, 10**6), min_size=1)


def told(strike, forward, put=100.0):
    """A strike whose call and put imply this forward; rupees."""
    both = round(200 * put)
    return Twins(round(100 * strike), both + round(200 * (forward - strike)), both)


def test_of_two_strikes_the_one_where_call_and_put_are_closest_decides():
    """24,950 + 81.10 − 60.05 is 24,971.05; the strike further out is not asked."""
    chain = [Twins(2480000, 40000, 9000), Twins(2495000, 16220, 12010)]
    assert forward_both_paise(chain) == 2 * 2497105


def test_one_wrong_price_among_three_strikes_does_not_move_the_forward():
    """The call nearest the money jumps by 90: the middle voice is still that of a good strike."""
    chain = [told(24_900, 25_001), told(25_000, 25_000), told(25_100, 25_002)]
    assert forward_both_paise(chain) == 2 * 2500100
    wrong = [told(24_900, 25_001), told(25_000, 25_090), told(25_100, 25_002)]
    assert forward_both_paise(wrong) == 2 * 2500200


def test_only_the_three_strikes_nearest_the_money_are_heard():
    """Deep strikes are quoted worse; four of them that agree on something else do not count."""
    chain = [told(strike, 25_000) for strike in (24_900, 25_000, 25_100)]
    deep = [told(strike, 25_060) for strike in (23_000, 23_500, 26_500, 27_000)]
    assert forward_both_paise(deep + chain) == 2 * 2500000


def test_of_two_voices_the_spot_decides():
    """One of two strikes is 90 too high: the one nearer to the spot counts."""
    chain = [told(25_000, 25_090), told(25_100, 25_010)]
    assert forward_both_paise(chain, spot_both_paise=2 * 2498000) == 2 * 2501000
    assert forward_both_paise(chain) == 2 * 2509000


def test_the_future_of_the_expiry_is_a_voice():
    """Alone it is the forward; beside strikes it is one of three."""
    assert forward_both_paise([], 2 * 2503000) == 2 * 2503000
    chain = [told(24_900, 25_001), told(25_000, 25_002), told(25_100, 25_300)]
    assert forward_both_paise(chain, 2 * 2500500) == 2 * 2500200


@pytest.mark.parametrize(("days", "forward"), [(0, 26_250), (365, 28_750), (730, 31_250)])
def test_a_voice_too_far_from_the_spot_is_not_heard(days, forward):
    """Five per cent, and ten more a year: beyond it the spot stands in, so far from it as to be right."""
    spot = 2 * 2500000
    assert forward_both_paise([told(25_000, forward)], None, spot, days) == 200 * forward
    assert forward_both_paise([told(25_000, forward + 1)], None, spot, days) == spot
    assert forward_both_paise([told(25_000, forward + 1)], None, None, days) == 200 * (forward + 1)


def test_the_spot_stands_in_where_nothing_else_tells_the_forward():
    """A condor alone, and its index."""
    assert forward_both_paise([], None, 2 * 2500000) == 2 * 2500000


def test_of_two_strikes_equally_close_the_lower_counts():
    """The answer does not depend on the order in which contracts are known."""
    chain = [Twins(2505000, 10000, 16000), Twins(2495000, 16000, 10000)]
    assert forward_both_paise(chain) == forward_both_paise(chain[::-1]) == 2 * 2495000 + 6000


def test_without_twins_there_is_no_forward():
    """A call alone says nothing of the forward."""
    assert forward_both_paise([]) is None


@given(st.integers(10**6, 5 * 10**6), STRIKES)
def test_a_chain_that_keeps_parity_gives_its_forward_back(forward_paise, puts):
    """Whatever the strikes and however dear the puts: calls made by parity lead back exactly."""
    chain = [Twins(k, put + 2 * (forward_paise - k), put) for k, put in puts.items()]
    assert forward_both_paise(chain) == 2 * forward_paise


@given(
    st.lists(st.tuples(st.integers(1, 90), st.integers(0, 200), st.integers(0, 200)), max_size=6),
    st.none() | st.integers(1, 400),
    st.none() | st.integers(1, 400),
    st.integers(0, 800),
    st.randoms(),
)
def test_the_forward_lies_between_what_could_tell_it_in_whatever_order(chain, future, spot, days, random):
    """Never outside of all voices and the spot, which is what the boxes of a family build on."""
    twins = list({strike: Twins(strike, call, put) for strike, call, put in chain}.values())
    found = forward_both_paise(twins, future, spot, days)
    levels = [pair.forward_both_paise for pair in twins]
    levels += [level for level in (future, spot) if level is not None]
    if levels:
        assert min(levels) <= found <= max(levels)
    else:
        assert found is None
    random.shuffle(twins)
    assert forward_both_paise(twins, future, spot, days) == found
