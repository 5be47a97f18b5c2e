"""The forward that the options of one expiry imply."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.parity import Twins, forward_both_paise

STRIKES = st.dictionaries(st.integers(1, 500).map(lambda n: n * 5000), st.integers(0, 10**6), min_size=1)


def test_the_strike_where_call_and_put_are_closest_decides():
    """24,950 + 81.10 − 60.05 is 24,971.05; the strikes further out are not asked."""
    chain = [Twins(2480000, 40000, 9000), Twins(2495000, 16220, 12010), Twins(2510000, 5000, 30000)]
    assert forward_both_paise(chain) == 2 * 2497105


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
