"""Lots and spreads: the dated tables a replay stands on."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.io import tables
from engine.replay.lots import LotTable
from engine.replay.spreads import Measured, Spreads

LOTS = [
    ("NIFTY", "2019-05-23", "2019-05-20", 75),
    ("NIFTY", "2025-09-02", "2025-08-29", 75),
    ("NIFTY", "2025-12-30", "2025-12-01", 75),
    ("NIFTY", "2026-01-06", "2026-01-02", 65),
    ("NIFTY", "2026-03-31", "2025-10-13", None),  # listed before the change, still in the old lot
    ("BANKNIFTY", "2019-05-23", "2019-05-20", 20),
    ("BANKNIFTY", "2025-08-28", "2025-08-27", 35),
    ("BANKNIFTY", "2026-02-24", "2026-02-03", 30),
    ("MIDCPNIFTY", "2026-02-24", "2026-02-03", 120),
    ("NIFTY", "2023-05-25", "2023-05-20", None),
    ("RELIANCE", "2019-05-30", "2019-05-20", None),
]


@pytest.mark.parametrize(("symbol", "expiry", "day", "lot"), LOTS)
def test_a_lot_belongs_to_a_contract_and_a_day(symbol, expiry, day, lot):
    """Known index contracts have their lot, everything else is outside the table."""
    assert tables.lots().lot(symbol, date.fromisoformat(expiry), date.fromisoformat(day)) == lot


def test_freeze_quantities_are_dated():
    """The largest order is known from the day of its circular on, and not before."""
    lots = tables.lots()
    assert lots.freeze("NIFTY", date(2026, 8, 18)) == 1800
    assert lots.freeze("NIFTY", date(2026, 8, 2)) is None
    assert lots.freeze("RELIANCE", date(2026, 8, 18)) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lots = [", "not readable as TOML"),
        ("indices = []\nlots = []", "'freeze' is missing"),
        ('indices = []\nfreeze = []\nlots = [{ symbol = "X" }]', "missing"),
    ],
)
def test_a_broken_lot_table_says_what_is_wrong(text, told):
    """Faults of the table are the owner's to correct, in words."""
    with pytest.raises(ConfigError, match=told):
        LotTable.parse(text)


def test_between_measured_premiums_the_nearest_counts():
    """A premium below, above or between the measured buckets has the spread of the nearest one."""
    rows = [
        Measured("NIFTY", 100, 200, 10, Fraction(5)),
        Measured("NIFTY", 1000, 2000, 10, Fraction(40)),
    ]
    spreads = Spreads.of(rows, frozenset({"NIFTY"}))
    found = [spreads.spread_paise("NIFTY", premium) for premium in (5, 100, 199, 300, 900, 1999, 9999)]
    assert found == [5, 5, 5, 5, 40, 40, 40]


def test_an_index_without_a_set_is_like_the_stocks():
    """The index sets do not leak into what was never measured."""
    rows = [
        Measured("NIFTY", 0, 10_000, 10, Fraction(5)),
        Measured("GRASIM", 0, 10_000, 10, Fraction(300)),
    ]
    spreads = Spreads.of(rows, frozenset({"NIFTY", "SENSEX"}))
    assert spreads.spread_paise("SENSEX", 500) == 300
    assert spreads.spread_paise("NIFTY", 500) == 5


@given(
    price=st.integers(1, 500_000),
    pct=st.fractions(0, 50, max_denominator=100),
    tick=st.sampled_from([1, 5, 10]),
)
def test_a_made_up_quote_is_never_narrower_than_its_spread(price, pct, tick):
    """Bid and ask lie on the tick grid, outward of half the spread, by less than a tick."""
    half = Fraction(price) * pct / 200
    bid, ask = Spreads(pct).quote("NIFTY", price, tick)
    assert bid % tick == ask % tick == 0
    assert bid <= max(price - half, 0) < bid + tick
    assert ask - tick < price + half <= ask
