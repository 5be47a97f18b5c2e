"""Endpoints of the charts: bars of the day that the sandbox lived through, in columns of floats.

Times are true UTC epochs, a day's bar begins at midnight in India. There is nothing before the start.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sandbox import refusals
from sandbox.candles import joined
from sandbox.dhan_rest import Call, Route
from sandbox.instruments import read_key
from sandbox.ist import IST, IST_OFFSET_S, ist, moment_s
from sandbox.limits import Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.model import InstrumentKey
    from sandbox.candles import Bar

_INTERVALS = ("1", "5", "15", "25", "60")
_DAY_S = 86_400


def _intraday(call: Call) -> Any:
    """Bars of 1, 5, 15, 25 or 60 minutes, counted from the opening; both ends of the dates count."""
    bars, minutes = _bars(call), str(call.body.get("interval", 1))
    if minutes not in _INTERVALS:
        raise refusals.no_chart()
    opening_s = int(moment_s(ist(call.now_s).date(), 9, 15))
    since_s, until_s = _moment_s(call, "fromDate", 0), _moment_s(call, "toDate", 1)
    wanted = (bar for bar in bars if since_s <= bar.start_s < until_s)
    return _columns(call, joined(wanted, int(minutes) * 60, opening_s))


def _daily(call: Call) -> Any:
    """One bar, of today; the day of ``toDate`` itself does not count."""
    since_s, until_s = _moment_s(call, "fromDate", 0), _moment_s(call, "toDate", 0)
    days = joined(_bars(call), _DAY_S, -IST_OFFSET_S)
    return _columns(call, (day for day in days if since_s <= day.start_s < until_s))


def _bars(call: Call) -> Iterator[Bar]:
    return call.world.candles.minutes(_key(call))


def _key(call: Call) -> InstrumentKey:
    try:
        return read_key(call.body["exchangeSegment"], call.body["securityId"])
    except (KeyError, ValueError) as wrong:
        raise refusals.broken_chart() from wrong


def _moment_s(call: Call, name: str, days_on: int) -> float:
    """An end of the time asked for: a moment, or a date moved on by some days."""
    try:
        text = str(call.body[name])
        if len(text) > len("2026-02-03"):
            return datetime.fromisoformat(text).replace(tzinfo=IST).timestamp()
        return moment_s(date.fromisoformat(text) + timedelta(days=days_on), 0)
    except (KeyError, ValueError, OverflowError) as wrong:
        raise refusals.no_chart() from wrong


def _columns(call: Call, bars: Iterable[Bar]) -> dict[str, list[float]]:
    listed = list(bars)
    if not listed:
        raise refusals.no_chart()
    columns = {
        "open": [bar.open_paise / 100 for bar in listed],
        "high": [bar.high_paise / 100 for bar in listed],
        "low": [bar.low_paise / 100 for bar in listed],
        "close": [bar.close_paise / 100 for bar in listed],
        "volume": [float(bar.volume) for bar in listed],
        "timestamp": [float(bar.start_s) for bar in listed],
    }
    if call.body.get("oi") is True:
        columns["open_interest"] = [float(bar.oi) for bar in listed]
    return columns


ROUTES = (
    Route("POST", "/charts/historical", Group.DATA, _daily),
    Route("POST", "/charts/intraday", Group.DATA, _intraday),
)
