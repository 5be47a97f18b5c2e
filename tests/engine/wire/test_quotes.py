"""The REST quote as ticks, and the messages we send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import WireError
from engine.messages import Tick
from engine.model import InstrumentKey, Segment, instrument_key
from engine.wire import FeedMode, Level, depth, login, parse_quotes, subscriptions

OPTION = instrument_key(Segment.NSE_FNO, 49081)


def row(**changes: object) -> dict[str, Any]:
    """One instrument's quote as Dhan writes it."""
    level = {"quantity": 75, "orders": 2, "price": 100.0}
    return {
        "average_price": 99.5, "buy_quantity": 6000, "sell_quantity": 5000, "last_price": 100.05,
        "last_trade_time": "20/11/2026 14:39:29", "oi": 3_786_445, "volume": 123_456,
        "depth": {"buy": [level] * 5, "sell": [level | {"price": 100.1, "quantity": 65}] * 5},
    } | changes  # fmt: skip


def reply(**rows: dict[str, Any]) -> dict[str, Any]:
    """A whole reply for F&O instruments, keyed ``id49081=...``."""
    return {"data": {"NSE_FNO": {name[2:]: value for name, value in rows.items()}}, "status": "success"}


def test_a_quote_reads_like_a_full_packet():
    """Price, time, sides and depth come out as from the feed, levels included."""
    (tick,) = parse_quotes(reply(id49081=row()), {})
    assert (tick.key, tick.ltp_paise, tick.ltt_s) == (OPTION, 10_005, 1_795_165_769)
    assert (tick.bid_paise, tick.bid_quantity, tick.ask_paise, tick.ask_quantity) == (10_000, 75, 10_010, 65)
    assert (tick.volume, tick.oi) == (123_456, 3_786_445)
    assert depth(tick) == (Level(10_000, 75, 2, 10_010, 65, 2),) * 5


def test_a_dead_contract():
    """A contract that never traded has empty sides and no time, as recorded from Dhan."""
    empty = {"quantity": 0, "orders": 0, "price": 0}
    dead = row(last_price=0, last_trade_time="", depth={"buy": [empty] * 5, "sell": []})
    (tick,) = parse_quotes(reply(id49081=dead), {})
    assert (tick.ltp_paise, tick.ltt_s, tick.bid_paise, tick.ask_paise) == (0, 0, 0, 0)
    (old,) = parse_quotes(reply(id1=row(last_trade_time="01/01/1980 00:00:00")), {})
    assert old.ltt_s == 0


def test_an_index_has_no_book():
    """An index price is a widened float32, and its sides are unknown rather than empty."""
    index = row(last_price=23092.19921875)
    (tick,) = parse_quotes({"data": {"IDX_I": {"13": index}}}, {})
    assert (tick.key, tick.ltp_paise, tick.bid_paise, tick.depth) == (13, 2_309_220, None, None)


def test_bad_rows_cost_only_themselves():
    """Rows that make no sense are left out, as unknown ids are."""
    bad = [
        row(last_price=None),
        row(last_price=-1),
        row(depth={"buy": 5}),
        row(depth={"buy": [{"quantity": -1}]}),
        row(depth={"buy": [{"quantity": 1, "price": 1e300}]}),
        row(last_price="x"),
    ]
    rows = {f"id{number}": value for number, value in enumerate(bad, start=1)}
    ticks = parse_quotes(reply(**rows, id49081=row(), idxyz=row(), id0=row()), {})
    assert [tick.key for tick in ticks] == [OPTION]
    assert parse_quotes({"data": {}, "status": "success"}, {}) == []
    assert parse_quotes({"data": {"NSE_COMM": {"1": row()}}}, {}) == []


@pytest.mark.parametrize("text", ["[]", "null", '{"status":"success"}', '{"data":{"NSE_FNO":[]}}'])
def test_other_replies_are_errors(text: str):
    """A body that is not a quote reply is WireError: it must not look like missing ids."""
    with pytest.raises(WireError):
        parse_quotes(json.loads(text), {})


def test_subscriptions_in_hundreds():
    """Two hundred and fifty instruments need three messages, ids as text, codes per mode."""
    keys = [InstrumentKey(2 << 32 | number) for number in range(1, 251)]
    messages = [json.loads(text) for text in subscriptions(keys, FeedMode.FULL)]
    assert [message["InstrumentCount"] for message in messages] == [100, 100, 50]
    assert {message["RequestCode"] for message in messages} == {21}
    assert messages[0]["InstrumentList"][0] == {"ExchangeSegment": "NSE_FNO", "SecurityId": "1"}
    (end,) = subscriptions([InstrumentKey(13)], FeedMode.TICKER, end=True)
    assert json.loads(end)["RequestCode"] == 16
    assert subscriptions([], FeedMode.FULL) == []


def test_login():
    """The login of the order-update socket is the documented one."""
    assert json.loads(login("1100000001", "canary-token")) == {
        "LoginReq": {"MsgCode": 42, "ClientId": "1100000001", "Token": "canary-token"},
        "UserType": "SELF",
    }


def test_ticks_stay_plain():
    """A quote without depth is still a tick."""
    (tick,) = parse_quotes(reply(id49081={"last_price": 5}), {OPTION: 5})
    assert isinstance(tick, Tick)
    assert (tick.ltp_paise, tick.bid_paise) == (500, None)
