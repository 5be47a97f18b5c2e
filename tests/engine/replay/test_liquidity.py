"""Which fills of a replay the recorded market could have given."""

from __future__ import annotations

from engine.messages import Tick
from engine.model import InstrumentKey, Side
from engine.recording.entries import Book, Offer
from engine.replay.liquidity import BOOK_LIVES_S, NEAR_S, Liquidity

KEY = InstrumentKey(1)


def tick(*, bid=95, bids=65, ask=105, asks=65, volume=0):
    return Tick(KEY, 100, 0, bid, bids, ask, asks, volume)


def market(*asks, at_s=0.0):
    """A market whose book was looked into at this moment."""
    made = Liquidity()
    made.look(Book(round(at_s * 1e6), KEY, (), tuple(Offer(*ask) for ask in asks)))
    return made


def bought(made, units, *, limit=105, sent=None, got=None, at_s=1.0, of_s=1.0, side=Side.BUY):
    """What is doubted of an order of so many units, filled on one quote."""
    made.sent("7", KEY, side, limit, 0.0, sent or tick())
    made.filled("7", units, limit, at_s, got or tick(), of_s)
    return [text for _, text in made.doubts(["7", "of another position"])]


def test_what_the_best_price_shows_is_no_fiction():
    """One unit more than shown and traded is."""
    assert bought(Liquidity(), 65) == []
    assert bought(Liquidity(), 66) == [
        "BUY 66 where the book showed 65 within its limit and 0 were traded in 1 s"
    ]


def test_what_was_traded_while_it_stood_could_have_been_ours():
    """The volume of the day, since it was sent."""
    sent, got = tick(volume=1_000), tick(volume=1_035)
    assert bought(Liquidity(), 100, sent=sent, got=got) == []
    assert len(bought(Liquidity(), 101, sent=sent, got=got)) == 1


def test_deeper_levels_count_as_far_as_the_limit_reaches():
    """Of three levels two are within it; a book that is older than a minute says nothing any more."""
    asks = ((105, 65), (110, 100), (115, 500))
    assert bought(market(*asks), 165, limit=110) == []
    assert len(bought(market(*asks), 166, limit=110)) == 1
    assert len(bought(market(*asks, at_s=-BOOK_LIVES_S - 1), 165, limit=110)) == 1


def test_a_sale_is_held_against_the_bids():
    """The book has no bids, the best quote has one lot."""
    made = market((105, 6_500))
    assert bought(made, 65, limit=95, side=Side.SELL) == []
    assert len(bought(made, 130, limit=95, side=Side.SELL)) == 1


def test_another_limit_reaches_further():
    """What it could reach at any of its limits counts."""
    made = market((105, 65), (110, 100))
    made.sent("7", KEY, Side.BUY, 105, 0.0, tick())
    made.repriced("7", 110, 0.5, tick())
    made.filled("7", 165, 110, 1.0, tick(), 1.0)
    assert made.doubts(["7"]) == []


def test_a_quote_that_is_too_old_is_nobodys():
    """Up to five seconds it may have stood, beyond nobody knows."""
    assert bought(Liquidity(), 65, at_s=NEAR_S, of_s=0.0) == []
    (text,) = bought(Liquidity(), 65, at_s=NEAR_S + 1, of_s=0.0)
    assert text == "BUY 65 on a quote that was 6 s old"


def test_a_source_of_last_prices_shows_no_sizes_to_doubt():
    """Nobody knows how much was there: that is told of the source, not of each fill."""
    bare = Tick(KEY, 100)
    assert bought(Liquidity(), 10_000, sent=bare, got=bare) == []
