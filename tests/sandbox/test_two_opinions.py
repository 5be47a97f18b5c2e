"""The sandbox writes Dhan's wire and the engine reads it: two opinions, made apart, must agree."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.broker_nouns import OrderStatus
from engine.messages import Tick
from engine.model import Segment, instrument_key
from engine.wire import (
    BrokenFrame,
    OpenInterest,
    PreviousClose,
    decode,
    depth,
    parse_order_row,
    parse_order_updates,
    parse_position_row,
    parse_trade_row,
)
from sandbox import packets, rows
from sandbox.exchange import DEFAULT_CLIENT
from sandbox.quotes import Level, Quote
from tests.sandbox.conftest import MORNING_S, buy

_PAISE = st.integers(1, 2_600_000).map(lambda ticks: ticks * 5)
_UNITS = st.integers(0, 2**32 - 1)
_LEVELS = st.lists(st.builds(Level, _PAISE, _UNITS, st.integers(0, 65_535)), max_size=5).map(tuple)
_KEYS = st.builds(
    instrument_key, st.sampled_from([Segment.NSE_FNO, Segment.BSE_FNO]), st.integers(1, 2**32 - 1)
)
_QUOTES = st.builds(
    Quote,
    key=_KEYS,
    bids=_LEVELS,
    asks=_LEVELS,
    ltp_paise=st.one_of(st.just(0), _PAISE),
    ltt_s=st.integers(1_600_000_000, 1_900_000_000),
    volume=_UNITS,
    oi=_UNITS,
    previous_close_paise=_PAISE,
)


@given(quote=_QUOTES)
def test_every_price_survives_the_feed(quote) -> None:
    """Up to 1.3 lakh rupees, to the paisa, with time, quantities and all five levels."""
    (tick,) = decode(packets.full(quote), {})
    assert isinstance(tick, Tick)
    assert (tick.key, tick.ltp_paise, tick.ltt_s) == (quote.key, quote.ltp_paise, quote.ltt_s)
    assert (tick.bid_paise, tick.ask_paise) == (quote.bid_paise, quote.ask_paise)
    assert (tick.volume, tick.oi) == (quote.volume, quote.oi)
    levels = depth(tick)
    bids = tuple(Level(at.bid_paise, at.bid_quantity, at.bid_orders) for at in levels if at.bid_paise)
    asks = tuple(Level(at.ask_paise, at.ask_quantity, at.ask_orders) for at in levels if at.ask_paise)
    assert (bids, asks) == (quote.bids, quote.asks)


@given(quotes=st.lists(_QUOTES, min_size=1, max_size=6))
def test_stacked_packets_are_all_found(quotes) -> None:
    """Whatever lies behind one another in a frame is read to the last."""
    frame = b"".join(
        packets.ticker(q) + packets.quote_packet(q) + packets.open_interest(q) + packets.previous_close(q)
        for q in quotes
    )
    read = decode(frame, {})
    assert len(read) == 4 * len(quotes)
    assert [at.oi for at in read if isinstance(at, OpenInterest)] == [q.oi for q in quotes]
    closes = [at.close_paise for at in read if isinstance(at, PreviousClose)]
    assert closes == [q.previous_close_paise for q in quotes]


@given(quote=_QUOTES, keep=st.integers(1, 161))
def test_a_packet_cut_short_is_never_a_price(quote, keep) -> None:
    """What the truncation fault sends is told from a tick, wherever the cut is."""
    try:
        read = decode(packets.full(quote)[:keep], {})
    except BrokenFrame as broken:
        read = list(broken.good)
    assert not any(isinstance(at, Tick) for at in read)


def test_book_trades_positions_and_updates_tell_one_story(market, exchange, clock, option) -> None:
    """A part-filled order reads the same from REST and from the socket, in both spellings."""
    exchange.open_account(DEFAULT_CLIENT, "sandbox-token", clock())
    market.set_quote(option.key, 34_000, 34_100, quantity=65)
    order = exchange.place(buy(option, quantity=130, correlationId="exit-3359-1"), MORNING_S)
    exchange.advance(MORNING_S + 1)
    book = parse_order_row(rows.order_row(order))
    assert (book.status, book.quantity, book.filled, book.average_paise) == (
        OrderStatus.PART_TRADED, 130, 65, 34_100,
    )  # fmt: skip
    last = exchange.updates[-1].data
    for spelled in (last, rows.pascal(last)):
        (told,) = parse_order_updates(json.dumps({"Data": spelled, "Type": "order_alert"}))
        assert replace(told, updated_at=book.updated_at) == book
    fill = parse_trade_row(rows.trade_row(order.trades[0], order))
    assert (fill.order_id, fill.quantity, fill.price_paise) == (order.order_id, 65, 34_100)
    (holding,) = exchange.account().holdings().values()
    position = parse_position_row(rows.position_row(DEFAULT_CLIENT, holding, option, None))
    assert (position.key, position.net_quantity) == (option.key, 65)
