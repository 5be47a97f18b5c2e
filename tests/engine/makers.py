"""Small makers of the nouns, for the tests of valuation and rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import ceil

from engine.messages import Tick
from engine.model import (
    Instrument,
    InstrumentKey,
    InstrumentKind,
    Leg,
    Position,
    Right,
    Segment,
    instrument_key,
)
from engine.sessions import at

EXPIRY = date(2026, 2, 24)
OPENED = at(date(2026, 2, 3), "09:20")
SPOT = instrument_key(Segment.IDX_I, 13)


def option(
    strike,
    right,
    expiry=EXPIRY,
    *,
    symbol="NIFTY",
    index=True,
    spot=SPOT,
    tick_paise=5,
    segment=Segment.NSE_FNO,
    freeze=None,
) -> Instrument:
    """An option of lot 65; strike in rupees. Its security id follows from what it is."""
    right = Right(right)
    serial = (expiry.toordinal() % 1000) * 10_000_000 + int(strike) * 10 + (right is Right.PUT)
    return Instrument(
        Segment(segment),
        serial % 2**32,
        InstrumentKind.OPTION,
        symbol,
        f"{symbol} {expiry:%d %b} {strike} {right.value}".upper(),
        lot=65,
        tick_paise=tick_paise,
        expiry=expiry,
        strike_paise=int(strike * 100),
        right=right,
        freeze_quantity=freeze,
        index_option=index,
        underlying=spot,
    )


def leg(quantity, strike, right, price, expiry=EXPIRY, **more) -> Leg:
    """A leg; price in rupees."""
    entry = None if price is None else round(price * 100)
    return Leg(option(strike, right, expiry, **more), quantity, entry, row_id=1, entered_at_s=OPENED)


def future(quantity, price, expiry=EXPIRY) -> Leg:
    """A leg in the future."""
    instrument = Instrument(
        Segment.NSE_FNO, 7, InstrumentKind.FUTURE, "NIFTY", "NIFTY FEB FUT", lot=65, expiry=expiry
    )
    return Leg(instrument, quantity, round(price * 100), row_id=1, entered_at_s=OPENED)


def position(*legs, strategy="Iron Condor", symbol="NIFTY", opened_at_s=OPENED, strategy_id=3359) -> Position:
    """A position of these legs."""
    return Position("default", strategy_id, symbol, strategy, legs, opened_at_s)


def condor() -> Position:
    """The iron condor of the worked example: one lot, ₹3,055 of credit, ₹9,945 at risk."""
    return position(
        leg(65, 24500, "PE", 20),
        leg(-65, 24700, "PE", 45),
        leg(-65, 25300, "CE", 40),
        leg(65, 25500, "CE", 18),
    )


def condors(lots) -> Position:
    """That condor, so many times."""
    made = condor()
    return replace(made, legs=tuple(replace(each, quantity=each.quantity * lots) for each in made.legs))


def long_call() -> Position:
    """The owner's own example: 425 of a call bought at 57."""
    return position(leg(425, 1500, "CE", 57, symbol="ASTRAL"), strategy="Long Call", symbol="ASTRAL")


def strangle() -> Position:
    """A naked short strangle for ₹100 of credit a unit."""
    return position(leg(-65, 24500, "PE", 45), leg(-65, 25500, "CE", 55), strategy="Short Strangle")


def quote(key: InstrumentKey, bid, ask, ltp=None) -> Tick:
    """A tick with both sides; prices in rupees."""
    return Tick(
        key,
        round((bid if ltp is None else ltp) * 100),
        bid_paise=round(bid * 100),
        bid_quantity=650,
        ask_paise=round(ask * 100),
        ask_quantity=650,
    )


def traded(key: InstrumentKey, ltp) -> Tick:
    """A tick of a source without quotes."""
    return Tick(key, round(ltp * 100))


def strokes(now_s, wait_s):
    """The moments of the half-second beats from now on for so long, the last of them at its end."""
    return [*(now_s + n / 2 for n in range(1, ceil(2 * wait_s))), now_s + wait_s]
