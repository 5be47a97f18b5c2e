"""Paise in, rupees out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.money import (
    from_rupees,
    rupees,
    signed_rupees,
    tick_down,
    tick_up,
)


@pytest.mark.parametrize(
    ("amount", "paise"),
    [
        ("57", 5700),
        (" 57.00 ", 5700),
        ("57.0500", 5705),
        (100.05, 10005),
        (0.1 + 0.2, 30),
        (Decimal("-1020.00"), -102000),
        (24225, 2422500),
    ],
)
def test_rupees_become_paise_exactly(amount, paise):
    """Text, numbers and Decimals of at most two decimals are taken as they stand."""
    assert from_rupees(amount) == paise


@pytest.mark.parametrize("amount", ["", "abc", "1,234.00", "57.005", 57.005, "nan", "Infinity", True])
def test_what_is_no_amount_is_refused_with_what_was_read(amount):
    """Nothing is guessed: the error quotes what stood there."""
    with pytest.raises(BadInput, match="read"):
        from_rupees(amount)


@pytest.mark.parametrize(
    ("paise", "text"),
    [
        (0, "₹0.00"),
        (5, "₹0.05"),
        (99999, "₹999.99"),
        (100000, "₹1,000.00"),
        (9999999, "₹99,999.99"),
        (10000000, "₹1,00,000.00"),
        (123456700, "₹12,34,567.00"),
        (100100000000, "₹1,00,10,00,000.00"),
        (-102000, "−₹1,020.00"),
    ],
)
def test_digits_are_grouped_the_indian_way(paise, text):
    """Three digits, then pairs: lakhs and crores."""
    assert rupees(paise) == text


def test_a_gain_shows_its_sign():
    """Plus for a gain, minus for a loss, nothing for nothing."""
    assert [signed_rupees(p) for p in (154000, -102000, 0)] == ["+₹1,540.00", "−₹1,020.00", "₹0.00"]


@given(st.integers(-(10**12), 10**12))
def test_writing_and_reading_an_amount_comes_back_to_it(paise):
    """No amount is lost between the screen and the books."""
    text = rupees(paise).replace("₹", "").replace(",", "").replace("−", "-")
    assert from_rupees(text) == paise


@given(st.integers(0, 10**7), st.integers(1, 100))
def test_rounding_to_the_grid_stays_on_its_side(price, tick):
    """Down is the nearest tick not above, up the nearest not below."""
    down, up = tick_down(price, tick), tick_up(price, tick)
    assert down % tick == up % tick == 0
    assert price - tick < down <= price <= up < price + tick
