"""Marks, exit prices and what a stop may go by, one contract at a time."""

from __future__ import annotations

from math import nextafter

from hypothesis import given
from hypothesis import strategies as st

from engine.guards import Guard
from engine.messages import Tick
from engine.pnl import Book, Holding, Marks, last_mark, way_out
from tests.engine.makers import leg, option, quote, traded

GUARD = Guard(max_quote_age_s=10.0, max_spread_bp=1500, min_spread_ticks=10, stop_grace_s=15.0)
CALL = option(25000, "CE")


def marks(*quotes, instrument=CALL):
    """Marks that have seen (moment, bid, ask) in rupees."""
    made = Marks(instrument, GUARD)
    for now_s, bid, ask in quotes:
        look(made, quote(instrument.key, bid, ask), now_s)
    return made


def look(made, tick, now_s):
    """Bring marks forward by any sound tick; whether it is a mark."""
    believed = made.shown(tick) is not None
    if believed:
        made.accept(tick, now_s)
    else:
        made.doubt(tick, now_s)
    return believed


def test_the_mark_is_the_mid_with_the_half_paisa_against_us():
    """100.00 by 100.05 is worth 100.02 to its owner and 100.03 to one who is short."""
    made = marks((0, 100, 100.05))
    assert (made.mark(65, 1), made.mark(-65, 1)) == (10002, 10003)
    assert (made.exit_price(65, 1), made.exit_price(-65, 1)) == (10000, 10005)
    assert made.guarded(65, 1) == 10002


def test_a_quote_is_young_for_ten_seconds_to_the_instant():
    """At exactly ten seconds it is still believed, an instant later not."""
    made = marks((0, 100, 100.05))
    assert made.mark(65, 10.0) == 10002
    late = nextafter(10.0, 11.0)
    assert (made.mark(65, late), made.guarded(65, late), made.exit_price(65, late)) == (None, None, None)
    assert made.last_mark(65) == 10002


def test_what_nobody_bids_for_is_worth_nothing_and_not_free_to_buy_back():
    """No bid and an ask within ten ticks: zero to own, the ask to be short of."""
    made = marks((0, 0, 0.5))
    assert (made.mark(65, 1), made.mark(-65, 1)) == (0, 50)
    assert (made.exit_price(65, 1), made.exit_price(-65, 1)) == (0, 50)
    assert marks((0, 0, 0.55)).mark(65, 1) is None


def test_one_sided_and_empty_books_give_no_mark():
    """Without an ask, or without anything, the mid is unknown."""
    no_ask = marks((0, 100, 0))
    assert (no_ask.mark(65, 1), no_ask.exit_price(65, 1), no_ask.exit_price(-65, 1)) == (None, 10000, None)
    empty = marks((0, 0, 0))
    assert (empty.mark(65, 1), empty.exit_price(65, 1), empty.guarded(65, 60)) == (None, None, None)


def test_a_source_without_quotes_is_marked_at_its_last_trade():
    """Ticker mode and old recordings know nothing else."""
    made = Marks(CALL, GUARD)
    assert look(made, traded(CALL.key, 54.6), 0)
    assert (made.mark(425, 1), made.mark(-425, 1), made.exit_price(425, 1)) == (5460, 5460, 5460)


def test_a_stop_goes_by_the_last_mark_for_a_grace_then_by_the_way_out():
    """Profit rules see nothing at once; stops see 100 for fifteen seconds, then the sides."""
    made = marks((0, 99.95, 100.05), (1, 60, 140), (9, 60, 140), (15, 60, 140))
    assert made.mark(65, 15.5) is None
    assert (made.guarded(65, 15.99), made.guarded(-65, 15.99)) == (10000, 10000)
    assert (made.guarded(65, 16), made.guarded(-65, 16)) == (6000, 14000)
    assert look(made, quote(CALL.key, 99, 101), 17)
    assert made.guarded(65, 17) == 10000


def test_a_book_wide_from_the_start_counts_nothing_until_its_grace_is_over():
    """There is no last believable mark to go by."""
    made = marks((0, 60, 140), (9, 60, 140), (15, 60, 140))
    assert made.guarded(65, 14.99) is None
    assert made.guarded(65, 15) == 6000


def test_flicker_between_wide_and_empty_does_not_start_the_grace_anew():
    """A stop cannot be switched off by a book that empties now and then."""
    made = marks((0, 99.95, 100.05), (1, 60, 140), (8, 0, 0), (14, 60, 140))
    assert made.book is Book.WIDE
    assert made.guarded(65, 15.99) == 10000
    assert made.guarded(65, 16) == 6000


def test_a_mark_from_before_a_silence_is_not_bridged():
    """Wide after eleven silent seconds: the old mark is stale, so nothing counts for a grace."""
    made = marks((0, 99.95, 100.05), (11, 60, 140))
    assert made.guarded(65, 12) is None
    look(made, quote(CALL.key, 60, 140), 20)
    assert made.guarded(65, 26) == 6000


def test_a_stub_quote_counts_no_more_than_intrinsic_value_allows():
    """With the index at 25,300: a bid of a few paise counts 47, an ask of 2,000 counts 553."""
    made = marks((0, 299, 301), (1, 0.05, 2000), (10, 0.05, 2000))
    made.bound(2530000)
    assert (made.guarded(65, 16), made.guarded(-65, 16)) == (4700, 55300)
    assert look(made, quote(CALL.key, 299, 301), 17)


def test_a_short_leg_that_nobody_offers_counts_its_bound_or_is_unknown():
    """No ask after the grace: intrinsic value and one per cent, if the underlying is known."""
    made = marks((0, 299, 301), (1, 280, 0), (10, 280, 0))
    assert made.guarded(-65, 16) is None
    made.bound(2530000)
    assert made.guarded(-65, 16) == 55300


def test_a_holding_is_the_sum_of_its_legs_or_unknown():
    """Worth and P&L of two legs; one leg without a price makes both unknown, and is named."""
    long, short = leg(65, 25000, "CE", 100), leg(-65, 25500, "CE", 40)
    first, second = marks((0, 119.95, 120.05)), Marks(short.instrument, GUARD)
    holding = Holding((long, short), (first, second))
    assert holding.cost_paise == 65 * (10000 - 4000)
    assert holding.worth(1, Marks.mark) is None
    assert holding.blind(1) == [short.instrument.display]
    look(second, quote(short.key, 29.95, 30.05), 0)
    assert holding.worth(1, Marks.mark) == 65 * (12000 - 3000)
    assert holding.pnl(1, Marks.mark) == 65 * (2000 + 1000)
    assert holding.pnl(99, last_mark) == holding.pnl(1, Marks.mark)
    assert holding.pnl(1, way_out) == 65 * (2000 + 1000 - 10)
    assert holding.blind(1) == []


def test_last_marks_are_unknown_before_the_first():
    """A contract that never had a believable price has no last mark."""
    assert marks((0, 60, 140)).last_mark(65) is None


@given(st.integers(1, 10**5), st.integers(0, 30))
def test_the_way_out_is_never_better_than_the_mark(bid, gap):
    """Whoever has to trade now gets no more than the mid, long or short."""
    made = Marks(CALL, GUARD)
    if look(made, Tick(CALL.key, 0, bid_paise=bid, ask_paise=bid + gap), 0):
        for quantity in (65, -65):
            mark, way = made.mark(quantity, 1), made.exit_price(quantity, 1)
            assert mark is not None
            assert way is not None
            assert quantity * way <= quantity * mark
