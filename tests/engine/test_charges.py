"""What an order costs, against worked examples."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.charges import ChargeTable
from engine.errors import ConfigError
from engine.io import tables
from engine.model import Segment, Side

TABLE = tables.charges()


def test_selling_and_buying_back_a_lot_costs_what_the_contract_note_says():
    """65 units at ₹100 in May 2026: ₹36.33 to sell, ₹26.33 to buy."""
    rates = TABLE.on(date(2026, 5, 4))
    assert rates.order_paise(Segment.NSE_FNO, Side.SELL, 65, 10000) == 3633
    assert rates.order_paise(Segment.NSE_FNO, Side.BUY, 65, 10000) == 2633


def test_the_transaction_tax_rose_in_april_2026():
    """A sale of ₹1,00,000 paid ₹100 of tax until the end of March, ₹150 from the first of April."""
    price, quantity = 100000, 100
    old = TABLE.on(date(2026, 3, 31)).order_paise(Segment.NSE_FNO, Side.SELL, quantity, price)
    new = TABLE.on(date(2026, 4, 1)).order_paise(Segment.NSE_FNO, Side.SELL, quantity, price)
    assert new - old == 5000


def test_a_buyer_pays_stamp_duty_in_whole_rupees():
    """0.003 % of ₹50,000 is ₹1.50, charged as ₹2."""
    rates = TABLE.on(date(2026, 5, 4))
    price, quantity = 50000, 100
    fees = (2000 + 5_000_000 * (0.0003553 + 0.000001)) * 1.18
    assert rates.order_paise(Segment.NSE_FNO, Side.BUY, quantity, price) == round(fees) + 200


def test_the_exchanges_charge_differently():
    """The same sale is cheaper on BSE."""
    rates = TABLE.on(date(2026, 5, 4))
    nse, bse = (rates.order_paise(s, Side.SELL, 65, 10000) for s in (Segment.NSE_FNO, Segment.BSE_FNO))
    assert bse < nse


@given(
    st.sampled_from(TABLE.rates), st.sampled_from(list(Segment)), st.sampled_from(list(Side)),
    st.integers(0, 10**13),
)  # fmt: skip
def test_whole_numbers_say_what_the_contract_notes_decimals_say(rates, segment, side, turnover):
    """To the paisa, for any turnover up to a thousand crore."""
    if segment not in rates.exchange:
        return
    premium = Decimal(turnover)
    fees = (rates.brokerage_paise + premium * (rates.exchange[segment] + rates.sebi)) * (1 + rates.gst)
    rupees = premium * (rates.stt_sell if side is Side.SELL else rates.stamp_buy) / 100
    told = fees + 100 * rupees.quantize(Decimal(1), ROUND_HALF_UP)
    assert rates.turnover_paise(segment, side, turnover) == int(told.quantize(Decimal(1), ROUND_HALF_UP))


def test_days_before_the_table_take_its_oldest_rates():
    """A recording of 2019 is charged by the oldest table there is."""
    assert TABLE.on(date(2019, 5, 20)) == TABLE.rates[0]


@pytest.mark.parametrize(
    ("text", "fault"), [("charges = ", "TOML"), ("[[charges]]\nfrom = 2026-01-01", "missing")]
)
def test_a_broken_table_is_refused(text, fault):
    """The error says what is wrong with the table."""
    with pytest.raises(ConfigError, match=fault):
        ChargeTable.parse(text)
