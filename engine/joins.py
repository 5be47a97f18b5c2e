"""Rows of trades without a security id: which contract they mean, by symbol, expiry, strike and type.

Only one answer counts. None, or several, is a sentence with the candidates, and the row stays without
an id: its position is shown as one that cannot be watched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model import InstrumentKind, Segment
from engine.money import rupees

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from engine.model import Instrument, InstrumentKey, TradeRow

__all__ = ["Fits", "fitting", "fno_segment", "joined", "unjoined"]

#: Contracts by segment, symbol, type, strike and expiry.
Fits = Mapping[tuple[object, ...], list["Instrument"]]

_BSE_SYMBOLS = frozenset({"SENSEX", "SENSEX50", "BANKEX"})
#: So many candidates are named.
_NAMED = 4


def fno_segment(symbol: str) -> Segment:
    """Where the derivatives of this underlying trade."""
    return Segment.BSE_FNO if symbol in _BSE_SYMBOLS else Segment.NSE_FNO


def joined(
    rows: Iterable[TradeRow], instruments: Mapping[InstrumentKey, Instrument], fits: Fits | None = None
) -> list[TradeRow]:
    """The rows in their order; those without a security id get it where exactly one contract fits.

    ``fits``: what `fitting` says of their symbols, if somebody has asked it already.
    """
    taken = list(rows)
    symbols = {row.symbol for row in taken if not row.security_id}
    if not symbols:
        return taken
    known = fitting(symbols, instruments) if fits is None else fits
    return [row if row.security_id else _filled(row, known.get(_of_row(row), [])) for row in taken]


def fitting(symbols: Collection[str], instruments: Mapping[InstrumentKey, Instrument]) -> Fits:
    """The contracts of these underlyings, by what a row says of the one it means."""
    known: dict[tuple[object, ...], list[Instrument]] = {}
    for made in instruments.values() if symbols else ():
        if made.symbol in symbols:
            known.setdefault(_of_instrument(made), []).append(made)
    return known


def unjoined(row: TradeRow, instruments: Mapping[InstrumentKey, Instrument]) -> str:
    """Why a row without a security id has no contract, as a clause that names the candidates."""
    words = " ".join(
        [row.symbol, row.type, *([] if row.strike_price_paise is None else [rupees(row.strike_price_paise)])]
    )
    segment = fno_segment(row.symbol)
    theirs = [made for made in instruments.values() if made.symbol == row.symbol and made.segment is segment]
    fits = [made for made in theirs if _of_instrument(made) == _of_row(row)]
    head = f"it has no security id, and {segment} has"
    if fits:
        return (
            f"{head} {len(fits)} contracts {words}, {row.expiry_date}: {_named(fits)}; "
            "write the security id of the one that is meant"
        )
    near = _near(row, theirs)
    found = f"; there are {_named(near)}" if near else ""
    return f"{head} no contract {words}, {row.expiry_date}{found}"


def _filled(row: TradeRow, fits: list[Instrument]) -> TradeRow:
    return replace(row, security_id=fits[0].security_id) if len(fits) == 1 else row


def _of_row(row: TradeRow) -> tuple[object, ...]:
    return fno_segment(row.symbol), row.symbol, row.type, row.strike_price_paise, row.expiry_date


def _of_instrument(made: Instrument) -> tuple[object, ...]:
    kind = "FUT" if made.kind is InstrumentKind.FUTURE else str(made.right or "")
    return made.segment, made.symbol, kind, made.strike_paise, made.expiry


def _near(row: TradeRow, theirs: list[Instrument]) -> list[Instrument]:
    """What may have been meant: the neighbouring strikes of that expiry, else the next expiries."""
    same = [made for made in theirs if _of_instrument(made)[2] == row.type]
    of_day = [made for made in same if made.expiry == row.expiry_date]

    def apart(made: Instrument) -> tuple[int, int, int]:
        strikes = abs((made.strike_paise or 0) - (row.strike_price_paise or 0))
        return strikes, _days(made.expiry, row.expiry_date), made.security_id

    return sorted(of_day or same, key=apart)


def _days(one: date | None, other: date | None) -> int:
    return abs((one - other).days) if one is not None and other is not None else 0


def _named(candidates: list[Instrument]) -> str:
    words = [f"{made.display} (security id {made.security_id})" for made in candidates[:_NAMED]]
    more = len(candidates) - _NAMED
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")
