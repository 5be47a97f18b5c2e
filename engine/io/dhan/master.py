"""The instrument master's CSV -> instruments. No files, no network: lines in, values out.

Dhan publishes two files, and the detailed one has changed its columns twice in a year, so every
column is found by its name. Traps of the file (Dhan's instrument list page and real copies of 2025
and 2026): the tick is in paise on rows that can be traded but in rupees on index rows; a lot may
read ``1`` or ``1.0``; a future's strike is -0.01; "no expiry" is an empty field or the year 1; dates
come as ISO with a meaningless time, or as ``31/07/25`` from copies that passed through a spreadsheet.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from engine.errors import BadInput
from engine.model import Instrument, InstrumentKey, InstrumentKind, Right, Segment, instrument_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Our name for a column -> its name in each generation of the files (the first one present counts).
_COLUMNS = {
    "exchange": ("SEM_EXM_EXCH_ID", "EXCH_ID"),
    "letter": ("SEM_SEGMENT", "SEGMENT"),
    "security_id": ("SEM_SMST_SECURITY_ID", "SECURITY_ID"),
    "instrument": ("SEM_INSTRUMENT_NAME", "INSTRUMENT"),
    "trading_symbol": ("SEM_TRADING_SYMBOL", "SYMBOL_NAME"),
    "display": ("SEM_CUSTOM_SYMBOL", "DISPLAY_NAME"),
    "lot": ("SEM_LOT_UNITS", "LOT_SIZE"),
    "expiry": ("SEM_EXPIRY_DATE", "SM_EXPIRY_DATE"),
    "strike": ("SEM_STRIKE_PRICE", "STRIKE_PRICE"),
    "right": ("SEM_OPTION_TYPE", "OPTION_TYPE"),
    "tick": ("SEM_TICK_SIZE", "TICK_SIZE"),
}
#: Columns that only some generations have.
_OPTIONAL = {
    "symbol": "UNDERLYING_SYMBOL",
    "underlying_id": "UNDERLYING_SECURITY_ID",
    "freeze": "SM_FREEZE_QTY",
    "lower": "SM_LOWER_LIMIT",
    "upper": "SM_UPPER_LIMIT",
}

_SEGMENTS = {
    ("NSE", "E"): Segment.NSE_EQ,
    ("NSE", "D"): Segment.NSE_FNO,
    ("NSE", "C"): Segment.NSE_CURRENCY,
    ("BSE", "E"): Segment.BSE_EQ,
    ("BSE", "D"): Segment.BSE_FNO,
    ("BSE", "C"): Segment.BSE_CURRENCY,
    ("MCX", "M"): Segment.MCX_COMM,
}

#: Dhan's ids of the indices that have options. An index is known by its id: one generation of the
#: file calls 38 NIFTY NEXT 50, while its options say NIFTYNXT50.
_INDEX_IDS = {
    "NIFTY": 13,
    "BANKNIFTY": 25,
    "FINNIFTY": 27,
    "NIFTYNXT50": 38,
    "SENSEX": 51,
    "BANKEX": 69,
    "MIDCPNIFTY": 442,
}
_INDEX_NAMES = {str(number): symbol for symbol, number in _INDEX_IDS.items()}

_DATE_LAYOUTS = ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%y", "%d-%m-%Y")


@dataclass(slots=True)
class Master:
    """What a file gave for the symbols asked for.

    Attributes:
        refused: rows that are ours but cannot be used: name -> why.
        rows: how many rows of any kind the file had.
    """

    instruments: dict[InstrumentKey, Instrument] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    rows: int = 0


def parse_master(lines: Iterable[str], symbols: frozenset[str]) -> Master:
    """Read a compact or detailed master, keeping what belongs to these underlyings.

    Args:
        lines: the file, header first.
        symbols: underlyings, e.g. NIFTY; their indices and shares are kept as well.

    Raises:
        BadInput: the header is that of something else, or the file breaks off.
    """
    reader = csv.reader(lines)
    header = next(reader, [])
    layout = _Layout(header)
    master, own_ids = Master(), dict[InstrumentKey, str]()
    cells = header
    for cells in filter(None, reader):
        master.rows += 1
        if len(cells) < layout.width or (symbol := layout.symbol(cells)) not in symbols:
            continue
        try:
            made = _instrument(layout, cells, symbol)
        except BadInput as problem:
            master.refused[layout.cell(cells, "trading_symbol")] = str(problem)
            continue
        if made is not None:
            master.instruments[made.key] = made
            own_ids[made.key] = layout.cell(cells, "underlying_id")
    if len(cells) < len(header):
        msg = f"the file breaks off in row {master.rows}: {len(cells)} columns of {len(header)}"
        raise BadInput(msg)
    _link(master.instruments, own_ids)
    return master


class _Layout:
    """Where this generation of the file keeps what."""

    def __init__(self, header: Sequence[str]) -> None:
        """Find the columns. Raises BadInput when one that every generation has is missing."""
        at = {name.strip().lstrip("\ufeff"): number for number, name in enumerate(header)}
        self._at: dict[str, int] = {}
        for ours, theirs in _COLUMNS.items():
            found = next((at[name] for name in theirs if name in at), None)
            if found is None:
                msg = f"not an instrument master: expected a column {' or '.join(theirs)}, read {header[:5]}"
                raise BadInput(msg)
            self._at[ours] = found
        self._at |= {ours: at[theirs] for ours, theirs in _OPTIONAL.items() if theirs in at}
        self.width = max(self._at.values()) + 1

    def cell(self, cells: Sequence[str], name: str) -> str:
        """Return a cell by our name; empty for a column this generation lacks and for NA."""
        at = self._at.get(name)
        text = "" if at is None else cells[at].strip()
        return "" if text == "NA" else text

    def symbol(self, cells: Sequence[str]) -> str:
        """Return the underlying's symbol; the compact file has it only within the trading symbol."""
        if cells[self._at["letter"]] == "I":
            known = _INDEX_NAMES.get(self.cell(cells, "security_id"))
            return known or self.cell(cells, "trading_symbol")
        if "symbol" in self._at:
            return self.cell(cells, "symbol")
        trading_symbol = self.cell(cells, "trading_symbol")
        word = self.cell(cells, "instrument")
        if word.startswith("OPT"):
            return trading_symbol.rsplit("-", 3)[0]
        return trading_symbol.rsplit("-", 2)[0] if word.startswith("FUT") else trading_symbol


def _instrument(layout: _Layout, cells: Sequence[str], symbol: str) -> Instrument | None:
    """Make an instrument of a row; None for kinds nobody here trades (bonds, funds)."""
    word, letter = layout.cell(cells, "instrument"), layout.cell(cells, "letter")
    kind = _kind(word)
    exchange = layout.cell(cells, "exchange")
    segment = Segment.IDX_I if letter == "I" else _SEGMENTS.get((exchange, letter))
    if kind is None or segment is None:
        return None
    per_tick = 100.0 if kind is InstrumentKind.INDEX else 1.0
    # what is wrong with the columns that every kind has is told first
    security_id = _whole("security id", layout.cell(cells, "security_id"))
    lot = _whole("lot", layout.cell(cells, "lot"))
    tick_paise = _whole("tick in paise", layout.cell(cells, "tick"), times=per_tick)
    expiry = _date(layout.cell(cells, "expiry"))
    right = _RIGHTS.get(layout.cell(cells, "right")) if kind is InstrumentKind.OPTION else None
    display, strike_paise = layout.cell(cells, "display") or symbol, None
    if kind in _DERIVATIVES:
        display, strike_paise = _contract(symbol, kind, expiry, right, layout.cell(cells, "strike"))
    return Instrument(
        segment,
        security_id,
        kind,
        symbol,
        display,
        lot,
        tick_paise,
        expiry,
        strike_paise,
        right,
        _freeze(layout.cell(cells, "freeze")),
        layout.cell(cells, "trading_symbol"),
        index_option=word.endswith("IDX") or kind is InstrumentKind.INDEX,
        lower_paise=_limit(layout.cell(cells, "lower")),
        upper_paise=_limit(layout.cell(cells, "upper")),
    )


_RIGHTS = {str(right): right for right in Right}
_DERIVATIVES = frozenset({InstrumentKind.OPTION, InstrumentKind.FUTURE})


def _kind(word: str) -> InstrumentKind | None:
    """Sort Dhan's instrument words into ours."""
    if word in {"INDEX", "EQUITY"}:
        return InstrumentKind(word.lower())
    if word.startswith("OPT"):
        return InstrumentKind.OPTION
    return InstrumentKind.FUTURE if word.startswith("FUT") else None


def _contract(
    symbol: str, kind: InstrumentKind, expiry: date | None, right: Right | None, strike: str
) -> tuple[str, int | None]:
    """The name people call an option or future by, and the strike of an option."""
    if expiry is None:
        msg = "a derivative without an expiry date"
        raise BadInput(msg)
    day = f"{symbol.upper()} {_day(expiry)}"
    if kind is InstrumentKind.FUTURE:
        return f"{day} FUT", None
    if right is None:
        msg = "an option that is neither CE nor PE"
        raise BadInput(msg)
    strike_paise = _whole("strike in paise", strike, times=100.0)
    return f"{day} {strike_paise / 100:g} {right}", strike_paise


@lru_cache(maxsize=4096)
def _day(expiry: date) -> str:
    return f"{expiry:%d %b}".upper()


def index_of(symbol: str) -> InstrumentKey | None:
    """The index that derivatives of this symbol follow, where Dhan's id of it is known without a file."""
    known = _INDEX_IDS.get(symbol)
    return None if known is None else instrument_key(Segment.IDX_I, known)


def _link(instruments: dict[InstrumentKey, Instrument], own_ids: dict[InstrumentKey, str]) -> None:
    """Tell each derivative its underlying: the index by symbol, the share by id, else by symbol.

    The id the file gives for an index is the exchange's token, not Dhan's id, so it is not used.
    """
    by_symbol = {
        (made.segment, made.symbol): made.key
        for made in instruments.values()
        if made.kind in {InstrumentKind.INDEX, InstrumentKind.EQUITY}
    }
    for key, made in instruments.items():
        if made.kind not in _DERIVATIVES:
            continue
        underlying: InstrumentKey | None
        if made.index_option:
            underlying = by_symbol.get((Segment.IDX_I, made.symbol), index_of(made.symbol))
        else:
            home = Segment.BSE_EQ if made.segment is Segment.BSE_FNO else Segment.NSE_EQ
            told = own_ids[key]
            underlying = (
                instrument_key(home, int(told)) if told.isdecimal() and made.segment in _SHARES else None
            )
            if underlying not in instruments:  # bonds share the symbol, so it is the second choice
                underlying = by_symbol.get((home, made.symbol), underlying)
        # nobody has seen it yet: a copy of each would be a third of the time of reading the file
        object.__setattr__(made, "underlying", underlying)


_SHARES = frozenset({Segment.NSE_FNO, Segment.BSE_FNO})


def _whole(what: str, text: str, *, times: float = 1.0) -> int:
    """Read a number above zero that must be whole once multiplied, and fit into 32 bits like the ids.

    Raises:
        BadInput: it is missing, not a number, not above zero, or has a fraction: the tick of currency
            derivatives is a quarter of a paisa, and prices here are whole paise.
    """
    try:
        amount = float(text) * times
        whole = round(amount)
    except (ValueError, OverflowError):
        whole, amount = 0, 1.0
    if 0 < whole < 1 << 32 and abs(amount - whole) < 1e-6:
        return whole
    msg = f"{what} is {text or 'missing'}: expected a whole number above zero, of 32 bits at most"
    raise BadInput(msg)


def _limit(text: str) -> int | None:
    """Read an end of the day's price range, in rupees; zero, less, or nothing = not published."""
    try:
        return max(round(float(text) * 100), 0) or None
    except (ValueError, OverflowError):
        return None


def _freeze(text: str) -> int | None:
    """Read the freeze quantity; zero, less, or nothing = not published."""
    try:
        return max(int(float(text)), 0) or None
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def _date(text: str) -> date | None:
    """Read an expiry date, its time of day ignored; None when there is none.

    Raises:
        BadInput: it is a date in no layout seen so far.
    """
    day = text.split(" ", maxsplit=1)[0].split("T", maxsplit=1)[0]
    if day in {"", "0001-01-01"}:
        return None
    for layout in _DATE_LAYOUTS:
        try:
            return datetime.strptime(day, layout).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    msg = f"expiry is {text}: expected a date such as 2026-11-24"
    raise BadInput(msg)
