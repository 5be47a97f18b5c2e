"""The shipped tables, where a live run falls back on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from engine.io import tables
from engine.model import Instrument, InstrumentKind, Segment
from tests.engine.makers import option

DAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    ("instrument", "day", "freeze"),
    [
        (option(25300, "CE"), DAY, 1800),
        (option(25300, "CE", freeze=900), DAY, 900),
        (option(55000, "PE", symbol="BANKNIFTY"), DAY, 600),
        (option(25300, "CE"), date(2026, 8, 2), None),
        (option(1500, "CE", symbol="RELIANCE", index=False), DAY, None),
        (Instrument(Segment.IDX_I, 13, InstrumentKind.INDEX, "NIFTY", "NIFTY"), DAY, None),
        (replace(option(1, "CE"), kind=InstrumentKind.FUTURE), DAY, 1800),
    ],
    ids=[
        "not published",
        "published",
        "another index",
        "before the table",
        "a share",
        "no contract",
        "future",
    ],
)
def test_a_master_without_freeze_quantities_gets_those_of_the_day(instrument, day, freeze):
    """What the broker publishes wins; what the dated table does not know stays unknown."""
    (found,) = tables.with_freeze({instrument.key: instrument}, day).values()
    assert found == replace(instrument, freeze_quantity=freeze)
