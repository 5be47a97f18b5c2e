"""The instrument master as Dhan publishes it: the compact file and the detailed one.

Peculiarities kept: the tick is in paise for what can be traded and in rupees on index rows; only the
compact file has the trading symbol; the expiry's clock time is nominal; indices have ``0001-01-01``.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from engine.model import InstrumentKind, Segment, key_parts
from sandbox.instruments import is_weekly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model import Instrument
    from sandbox.quotes import Quote, QuoteSource

_LETTER = {Segment.NSE_EQ: "E", Segment.BSE_EQ: "E", Segment.NSE_FNO: "D", Segment.BSE_FNO: "D"}
_TYPE = {InstrumentKind.INDEX: "INDEX", InstrumentKind.EQUITY: "ES"}
_SERIES = {InstrumentKind.INDEX: "X", InstrumentKind.EQUITY: "EQ"}

_BSE_INDICES = frozenset({"SENSEX", "BANKEX"})
_MARGIN_COLUMNS = (
    "BUY_CO_MIN_MARGIN_PER",
    "BUY_CO_SL_RANGE_MAX_PERC",
    "BUY_CO_SL_RANGE_MIN_PERC",
    "BUY_BO_MIN_MARGIN_PER",
    "BUY_BO_PROFIT_RANGE_MAX_PERC",
    "BUY_BO_PROFIT_RANGE_MIN_PERC",
)


def compact(instruments: Iterable[Instrument]) -> str:
    """The text of ``api-scrip-master.csv``."""
    return _csv(map(_compact_row, instruments))


def detailed(instruments: Iterable[Instrument], source: QuoteSource) -> str:
    """The text of ``api-scrip-master-detailed.csv`` and of ``/v2/instrument/{segment}``.

    The header is one of several generations (that of April 2026 and the freeze quantity): a reader must
    go by names. ``source`` knows the day's price limits.
    """
    return _csv(_detailed_row(at, source.quote(at.key)) for at in instruments)


def _csv(rows: Iterable[dict[str, object]]) -> str:
    listed = list(rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(listed[0]) if listed else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue()


def _compact_row(at: Instrument) -> dict[str, object]:
    option = at.kind is InstrumentKind.OPTION
    return {
        "SEM_EXM_EXCH_ID": _exchange(at),
        "SEM_SEGMENT": _LETTER.get(at.segment, "I"),
        "SEM_SMST_SECURITY_ID": at.security_id,
        "SEM_INSTRUMENT_NAME": instrument_word(at),
        "SEM_EXPIRY_CODE": 1 if option else 0,
        "SEM_TRADING_SYMBOL": at.trading_symbol or at.symbol,
        "SEM_LOT_UNITS": f"{at.lot}.0" if option else at.lot,
        "SEM_CUSTOM_SYMBOL": at.display,
        "SEM_EXPIRY_DATE": f"{at.expiry} {_hour(at)}:30:00" if at.expiry else _no_date(at),
        "SEM_STRIKE_PRICE": _strike(at),
        "SEM_OPTION_TYPE": _right(at),
        "SEM_TICK_SIZE": _tick(at),
        "SEM_EXPIRY_FLAG": _flag(at),
        "SEM_EXCH_INSTRUMENT_TYPE": _TYPE.get(at.kind, "OP"),
        "SEM_SERIES": _SERIES.get(at.kind, "NA"),
        "SM_SYMBOL_NAME": "" if option else at.symbol,
    }


def _detailed_row(at: Instrument, quote: Quote | None) -> dict[str, object]:
    return {
        "EXCH_ID": _exchange(at),
        "SEGMENT": _LETTER.get(at.segment, "I"),
        "SECURITY_ID": at.security_id,
        "ISIN": "NA",
        "INSTRUMENT": instrument_word(at),
        "UNDERLYING_SECURITY_ID": key_parts(at.underlying)[1] if at.underlying is not None else "",
        "UNDERLYING_SYMBOL": at.symbol,
        "SYMBOL_NAME": at.symbol,
        "DISPLAY_NAME": at.display,
        "INSTRUMENT_TYPE": _TYPE.get(at.kind, "OP"),
        "SERIES": _SERIES.get(at.kind, "NA"),
        "LOT_SIZE": at.lot,
        "SM_EXPIRY_DATE": at.expiry or _no_date(at),
        "STRIKE_PRICE": _strike(at),
        "OPTION_TYPE": _right(at),
        "TICK_SIZE": _tick(at),
        "EXPIRY_FLAG": _flag(at),
        "BRACKET_FLAG": "N",
        "COVER_FLAG": "N",
        "ASM_GSM_FLAG": "N",
        "ASM_GSM_CATEGORY": "NA",
        "BUY_SELL_INDICATOR": "A",
        **dict.fromkeys(_MARGIN_COLUMNS, 0),
        "MTF_LEVERAGE": 0,
        "SM_UPPER_LIMIT": quote.upper_circuit_paise / 100 if quote else 0,
        "SM_LOWER_LIMIT": quote.lower_circuit_paise / 100 if quote else 0,
        "SM_FREEZE_QTY": at.freeze_quantity or 0,
    }


def instrument_word(at: Instrument) -> str:
    """Dhan's word for the kind: INDEX, EQUITY, OPTIDX or OPTSTK."""
    if at.kind is InstrumentKind.INDEX:
        return "INDEX"
    if at.kind is InstrumentKind.EQUITY:
        return "EQUITY"
    return "OPTIDX" if at.index_option else "OPTSTK"


def _exchange(at: Instrument) -> str:
    if at.segment is Segment.IDX_I:
        return "BSE" if at.symbol in _BSE_INDICES else "NSE"
    return at.segment.value[:3]


def _hour(at: Instrument) -> int:
    return 15 if at.segment is Segment.BSE_FNO else 14


def _no_date(at: Instrument) -> str:
    return "0001-01-01" if at.kind is InstrumentKind.INDEX else ""


def _strike(at: Instrument) -> str:
    return "" if at.strike_paise is None else f"{at.strike_paise / 100:.5f}"


def _right(at: Instrument) -> str:
    if at.right is not None:
        return str(at.right)
    return "XX" if at.kind is InstrumentKind.INDEX else ""


def _tick(at: Instrument) -> float:
    return at.tick_paise / 100 if at.kind is InstrumentKind.INDEX else at.tick_paise


def _flag(at: Instrument) -> str:
    if at.expiry is None:
        return "" if at.kind is InstrumentKind.INDEX else "NA"
    return "W" if is_weekly(at) else "M"
