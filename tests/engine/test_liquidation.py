"""What closing a leg gives through the depth that is shown."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.io import tables
from engine.liquidation import Exit, walk
from engine.messages import Tick
from engine.model import Side
from tests.engine.makers import option
from tests.engine.wire import packets

DEPTH_FILE = Path(__file__).parents[3] / "shared/data/days/2026-08-07_SENSEX_depth5_13_contracts.csv"
CALL = option(25000, "CE")
RATES = tables.charges().on(date(2026, 8, 7))
LEVELS = st.lists(
    st.tuples(st.integers(1, 500), st.integers(1, 500), st.integers(0, 30), st.integers(0, 30)),
    min_size=5,
    max_size=5,
)


def book(*levels) -> Tick:
    """Five levels of (bid quantity, bid, ask, ask quantity), rupees; missing ones are empty."""
    five = [*levels, *[(0, 0, 0, 0)] * (5 - len(levels))]
    raw = b"".join(packets.level(int(bids), int(asks), (1, 1), bid, ask) for bids, bid, ask, asks in five)
    bids, bid, ask, asks = five[0]
    return Tick(
        CALL.key,
        round(bid * 100),
        bid_paise=round(bid * 100),
        bid_quantity=int(bids),
        ask_paise=round(ask * 100),
        ask_quantity=int(asks),
        depth=raw,
    )


DEEP = book((65, 100, 101, 130), (130, 99.5, 102, 65), (650, 98, 103, 650))


def test_a_long_is_sold_to_the_bids_level_by_level():
    """65 at 100, 130 at 99.50 and the last 65 at 98 are ₹25,805.00, 99.25 a unit."""
    way = walk(DEEP, 260, CALL)
    assert way == Exit(65 * 10000 + 130 * 9950 + 65 * 9800, None, 260)
    assert way.average_paise(260) == 9925
    assert walk(DEEP, 65, CALL).average_paise(65) == 10000


def test_a_short_is_bought_back_from_the_asks_and_costs():
    """130 at 101, 65 at 102: negative, and a fraction of a paisa is rounded up."""
    way = walk(DEEP, -195, CALL)
    assert way.value_paise == -(130 * 10100 + 65 * 10200)
    assert way.average_paise(-195) == 10134


def test_a_book_that_shows_less_says_how_much_it_takes():
    """845 units are bid for in all; a thousand cannot be sold to them."""
    assert walk(DEEP, 1000, CALL) == Exit(None, None, 845)
    assert walk(book((65, 100, 0, 0)), -65, CALL) == Exit(None, None, 0)
    assert walk(DEEP, 1000, CALL).average_paise(1000) is None


def test_without_depth_the_best_price_counts_for_its_quantity():
    """A source of best prices only, and one of nothing but last prices."""
    best = Tick(CALL.key, 10000, bid_paise=9990, bid_quantity=65, ask_paise=10010, ask_quantity=130)
    assert walk(best, 65, CALL).value_paise == 65 * 9990
    assert walk(best, 130, CALL) == Exit(None, None, 65)
    assert walk(best, -130, CALL).value_paise == -130 * 10010
    assert walk(Tick(CALL.key, 10000), 65, CALL) == Exit(None, None, 0)


def test_charges_are_those_of_the_order_at_its_average():
    """As the charge table has them; a segment it does not know leaves them unknown."""
    way = walk(DEEP, 260, CALL, RATES)
    assert way.charges_paise == RATES.order_paise(CALL.segment, Side.SELL, 260, 9925)
    bought = walk(DEEP, -130, CALL, RATES)
    assert bought.charges_paise == RATES.order_paise(CALL.segment, Side.BUY, 130, 10100)
    assert walk(DEEP, 260, commodity(), RATES).charges_paise is None


def test_each_slice_of_a_large_exit_is_an_order():
    """With 150 as the largest order of 65 a lot: 130, 130 and 65."""
    sliced = option(25000, "CE", freeze=150)
    wanted = sum(RATES.order_paise(CALL.segment, Side.SELL, units, 9900) for units in (130, 130, 65))
    assert walk(book((65, 103, 0, 0), (260, 98, 0, 0)), 325, sliced, RATES).charges_paise == wanted


def commodity():
    """A contract of a segment without option charges."""
    return option(25000, "CE", segment="MCX_COMM")


@given(LEVELS, st.integers(1, 200).flatmap(lambda n: st.sampled_from([n, -n])))
def test_walking_is_trading_unit_by_unit(levels, quantity):
    """Plain counting of units, best first, says the same."""
    tick = book(*((bids, bid, ask, asks) for bid, ask, bids, asks in levels))
    units = [
        (bid if quantity > 0 else ask) * 100
        for bid, ask, bids, asks in levels
        for _ in range(bids if quantity > 0 else asks)
    ]
    way = walk(tick, quantity, CALL)
    assert way.covered == min(len(units), abs(quantity))
    if way.covered == abs(quantity):
        assert way.value_paise == sum(units[: abs(quantity)]) * (1 if quantity > 0 else -1)
    else:
        assert way.value_paise is None


@pytest.mark.skipif(not DEPTH_FILE.is_file(), reason="the recorded depth is not there")
def test_recorded_books_one_sided_stub_and_active():
    """SENSEX, 7 August 2026: worked out by hand from the rows."""
    with DEPTH_FILE.open(encoding="utf-8") as file:
        rows = {row["symbol"]: row for row in csv.DictReader(file)}

    def recorded(symbol) -> Tick:
        row = rows[symbol]
        return book(
            *(
                tuple(float(row[name + end]) for name in ("bid_qty", "bid_px", "ask_px", "ask_qty"))
                for end in ("", "_2", "_3", "_4", "_5")
            )
        )

    stub = recorded("SENSEX 77300 CE 20 AUG 26")
    assert walk(stub, 560, CALL).value_paise == 400 * 180820 + 160 * 175185
    assert walk(stub, 700, CALL).value_paise == 400 * 180820 + 180 * 175185 + 80 * 175180 + 40 * 5
    lone = recorded("SENSEX 74500 CE 27 AUG 26")
    assert walk(lone, -40, CALL) == Exit(None, None, 20)
    active = recorded("SENSEX 80100 CE 13 AUG 26")
    assert walk(active, -100, CALL).value_paise == -(20 * 13170 + 20 * 13185 + 60 * 13195)
