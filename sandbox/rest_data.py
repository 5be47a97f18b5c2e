"""Endpoints of market data: quotes, option chain, the instrument master."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

from aiohttp import web

from engine.model import Right, Segment
from sandbox import master, refusals
from sandbox.dhan_rest import Call, Route
from sandbox.instruments import read_key
from sandbox.ist import ist
from sandbox.limits import Group
from sandbox.quotes import DEPTH, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.model import Instrument
    from sandbox.quotes import Quote

_MOST_IDS = 1_000
_NEVER = "01/01/1980 00:00:00"


def _marketfeed(show: Callable[[Quote], dict[str, Any]]) -> Callable[[Call], Any]:
    def handler(call: Call) -> Any:
        asked = {name: ids for name, ids in call.body.items() if name in Segment.__members__}
        if not all(isinstance(ids, list) for ids in asked.values()):
            raise refusals.data(400, 814)
        if sum(len(ids) for ids in asked.values()) > _MOST_IDS:
            raise refusals.data(400, 804)
        return {
            "data": {name: _quotes(call, Segment(name), ids, show) for name, ids in asked.items()},
            "status": "success",
        }

    return handler


def _quotes(
    call: Call, segment: Segment, ids: list[Any], show: Callable[[Quote], dict[str, Any]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in ids:
        try:
            quote = call.world.exchange.source.quote(read_key(segment, one))
        except ValueError as wrong:
            raise refusals.data(400, 813) from wrong
        if quote is not None:
            found[str(one)] = show(quote)
    return found


def _ltp(quote: Quote) -> dict[str, Any]:
    return {"last_price": quote.ltp_paise / 100}


def _ohlc(quote: Quote) -> dict[str, Any]:
    day = {
        "open": quote.open_paise / 100,
        "close": quote.previous_close_paise / 100,
        "high": quote.high_paise / 100,
        "low": quote.low_paise / 100,
    }
    return _ltp(quote) | {"ohlc": day}


def _full_quote(quote: Quote) -> dict[str, Any]:
    traded = ist(quote.ltt_s).strftime("%d/%m/%Y %H:%M:%S") if quote.ltt_s else _NEVER
    return _ohlc(quote) | {
        "average_price": quote.average_paise / 100,
        "buy_quantity": sum(level.quantity for level in quote.bids),
        "sell_quantity": sum(level.quantity for level in quote.asks),
        "depth": {"buy": _levels(quote.bids), "sell": _levels(quote.asks)},
        "last_quantity": quote.last_quantity,
        "last_trade_time": traded,
        "lower_circuit_limit": quote.lower_circuit_paise / 100,
        "upper_circuit_limit": quote.upper_circuit_paise / 100,
        "net_change": (quote.ltp_paise - quote.previous_close_paise) / 100 if quote.ltp_paise else 0,
        "oi": quote.oi,
        "oi_day_high": quote.oi_high,
        "oi_day_low": quote.oi_low,
        "volume": quote.volume,
    }


def _levels(levels: tuple[Level, ...]) -> list[dict[str, Any]]:
    padded = levels + (Level(0, 0, 0),) * (DEPTH - len(levels))
    return [{"quantity": at.quantity, "orders": at.orders, "price": at.price_paise / 100} for at in padded]


def _chain(call: Call) -> Iterator[Instrument]:
    try:
        underlying = read_key(call.body["UnderlyingSeg"], call.body["UnderlyingScrip"])
    except (KeyError, ValueError) as wrong:
        raise refusals.data(400, 814) from wrong
    return (i for i in call.world.exchange.source.instruments.values() if i.underlying == underlying)


def _expiry_list(call: Call) -> Any:
    dates = sorted({str(i.expiry) for i in _chain(call) if i.expiry})
    if not dates:
        raise refusals.data(400, 813)
    return {"data": dates, "status": "success"}


def _option_chain(call: Call) -> Any:
    asked = json.dumps(call.body, sort_keys=True)
    if not call.world.limits.allow_chain(call.account.client_id, asked, call.now_s):
        raise refusals.data(429, 805)
    options = [i for i in _chain(call) if str(i.expiry) == call.body.get("Expiry")]
    if not options:
        raise refusals.data(400, 811)
    strikes: dict[str, dict[str, Any]] = {}
    for option in sorted(options, key=lambda at: at.strike_paise or 0):
        side = "ce" if option.right is Right.CALL else "pe"
        strikes.setdefault(f"{(option.strike_paise or 0) / 100:.6f}", {})[side] = _cell(call, option)
    spot = call.world.exchange.source.quote(options[0].underlying) if options[0].underlying else None
    return {"data": {"last_price": _float32(spot), "oc": strikes}, "status": "success"}


def _cell(call: Call, option: Instrument) -> dict[str, Any]:
    source = call.world.exchange.source
    quote = source.quote(option.key)
    if quote is None:
        raise refusals.data(500, 800)
    vol, greeks = source.sensitivities(option)
    bid = quote.bids[0] if quote.bids else Level(0, 0, 0)
    ask = quote.asks[0] if quote.asks else Level(0, 0, 0)
    return {
        "average_price": _short(quote.average_paise),
        "greeks": {
            "delta": round(greeks.delta, 5),
            "theta": round(greeks.theta, 5),
            "gamma": round(greeks.gamma, 5),
            "vega": round(greeks.vega, 5),
        },
        "implied_volatility": vol * 100,
        "last_price": _short(quote.ltp_paise),
        "oi": quote.oi,
        "previous_close_price": _short(quote.previous_close_paise),
        "previous_oi": quote.previous_oi,
        "previous_volume": 0,
        "security_id": option.security_id,
        "top_ask_price": _short(ask.price_paise),
        "top_ask_quantity": ask.quantity,
        "top_bid_price": _short(bid.price_paise),
        "top_bid_quantity": bid.quantity,
        "volume": quote.volume,
    }


def _short(paise: int) -> float:
    """Rupees as the chain prints them: whole ones as integers, the others without a float32 tail."""
    return paise // 100 if paise % 100 == 0 else paise / 100


def _float32(quote: Quote | None) -> float:
    """The underlying's price as it is printed there: a single-precision number widened."""
    rupees = quote.ltp_paise / 100 if quote else 0.0
    return float(struct.unpack("<f", struct.pack("<f", rupees))[0])


def _segment_master(call: Call) -> Any:
    wanted, source = call.part("segment"), call.world.exchange.source
    listed = call.world.relisting.listed(i for i in source.instruments.values() if i.segment.value == wanted)
    if not listed:
        raise refusals.data(400, 814)
    return web.Response(text=master.detailed(listed, source), content_type="text/csv")


ROUTES = (
    Route("POST", "/marketfeed/ltp", Group.QUOTE, _marketfeed(_ltp)),
    Route("POST", "/marketfeed/ohlc", Group.QUOTE, _marketfeed(_ohlc)),
    Route("POST", "/marketfeed/quote", Group.QUOTE, _marketfeed(_full_quote)),
    Route("POST", "/optionchain", Group.DATA, _option_chain),
    Route("POST", "/optionchain/expirylist", Group.DATA, _expiry_list),
    Route("GET", "/instrument/{segment}", Group.DATA, _segment_master),
)
