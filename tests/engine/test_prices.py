"""The price book: what it keeps, what it counts, what it forgets."""

from __future__ import annotations

from engine.messages import Tick
from engine.prices import PriceBook
from tests.engine.makers import SPOT, option, quote, traded

CALL = option(25000, "CE").key


def test_the_last_sound_quote_is_kept_with_its_arrival():
    """A crossed tick is counted and its reason remembered; the good one before it stays."""
    book = PriceBook()
    good = quote(CALL, 10, 10.05)
    assert book.take(good, 1.0)
    assert not book.take(Tick(CALL, 1000, bid_paise=1005, ask_paise=1000), 2.0)
    assert book.get(CALL) is good
    assert (book.arrived_s(CALL), book.suspects, book.fault(CALL)) == (1.0, 1, "crossed quote")
    assert book.take(quote(CALL, 11, 11.05), 3.0)
    assert book.fault(CALL) == ""


def test_three_clocks_tell_three_failures_apart():
    """Any data, this instrument, and the newest trade told of each have their own last sign of life."""
    book = PriceBook()
    assert (book.data_s, book.arrived_s(CALL), book.newest_trade_s) == (None, None, None)
    book.take(quote(CALL, 10, 10.05), 1.0)
    assert book.newest_trade_s is None
    book.take(Tick(SPOT, 2_500_000, ltt_s=900), 2.0)
    book.take(traded(SPOT, 0), 3.0)
    assert (book.arrived_s(CALL), book.arrived_s(SPOT), book.data_s) == (1.0, 2.0, 3.0)
    assert book.newest_trade_s == 900


def test_lookups_are_counted():
    """The hit ratio is found over asked, and unknown before the first question."""
    book = PriceBook()
    assert book.hit_ratio is None
    book.take(traded(SPOT, 25000), 1.0)
    assert book.get(CALL) is None
    assert book.get(SPOT) is not None
    assert book.hit_ratio == 0.5


def test_instruments_nobody_wants_are_forgotten():
    """Cleaning keeps the wanted and says how many went."""
    book = PriceBook()
    book.take(quote(CALL, 10, 10.05), 1.0)
    book.take(Tick(CALL, 1000, bid_paise=1005, ask_paise=1000), 1.0)
    book.take(traded(SPOT, 25000), 1.0)
    assert book.keep({SPOT}) == 1
    assert (len(book), book.arrived_s(CALL), book.fault(CALL)) == (1, None, "")


def test_whoever_keeps_an_entry_sees_what_comes_after_it_was_forgotten():
    """A line keeps its contract's entry: forgotten for a while, and quoted again, it is still that one."""
    book = PriceBook()
    entry = book.entry(CALL)
    entry.held = True
    book.take(quote(CALL, 10, 10.05), 1.0)
    assert book.keep(set()) == 1
    assert (entry.tick, entry.arrived_s, len(book)) == (None, None, 0)
    again = quote(CALL, 11, 11.05)
    book.take(again, 2.0)
    assert (entry.tick, entry.arrived_s) == (again, 2.0)


def test_a_copy_learns_without_the_book():
    """What would be, if these prices came, leaves the book as it is."""
    book = PriceBook()
    first = quote(CALL, 10, 10.05)
    book.take(first, 1.0)
    copy = book.copy()
    copy.take(Tick(CALL, 1000, bid_paise=1005, ask_paise=1000), 2.0)
    copy.take(quote(CALL, 11, 11.05), 3.0)
    assert (book.peek(CALL), book.arrived_s(CALL), book.fault(CALL), book.suspects) == (first, 1.0, "", 0)
    assert copy.arrived_s(CALL) == 3.0
