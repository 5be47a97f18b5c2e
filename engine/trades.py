"""The ``trades`` table: rows as owners write them in, checked `TradeRow`s out, then positions.

One row per leg. The columns keep their legacy names, spellings are taken generously where only one
meaning is possible, and everything else is refused with the row, what was read and what was
expected. All faults are told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import NamedTuple

from engine import trade_cells as cells
from engine.errors import BadInput
from engine.joins import Fits, fno_segment, joined, unjoined
from engine.model import (
    DEFAULT_ACCOUNT,
    ExitLevel,
    Instrument,
    InstrumentKey,
    InstrumentKind,
    Leg,
    Position,
    PositionId,
    Side,
    TradeRow,
    instrument_key,
    position_id,
)
from engine.money import rupees
from engine.row_ends import read_end
from engine.rows import RowReader, csv_rows

#: Columns a file must have; ``id``, ``account``, ``strategy``, ``security_id``, ``order_id``, ``rule_set``,
#: ``margin`` and ``exchange_segment`` may be left out.
REQUIRED_COLUMNS = (
    "strategy_id", "symbol", "action", "type", "strike_price", "expiry_date", "quantity",
    "price", "order_status", "timestamp",
)  # fmt: skip

_PRICE_TEXT = "the entry price in rupees above 0, or empty"


def is_open(row: TradeRow) -> bool:
    """Whether the row's leg is held."""
    return row.order_status in cells.OPEN_STATUSES


def row_key(row: TradeRow) -> InstrumentKey:
    """The instrument of the row's leg."""
    return instrument_key(fno_segment(row.symbol), row.security_id)


# ---------------------------------------------------------------------------------- one row


def parse_row(row: Mapping[str, object], where: str, row_id: int | None = None) -> TradeRow:
    """Make one row ours; cells may be text or what a database gives.

    Args:
        row: the cells by column.
        where: how to name the row in a fault, e.g. ``row 3``.
        row_id: the id when the row has no ``id`` column.

    Raises:
        BadInput: with every fault of the row, one a line.
    """
    read = RowReader(row, where)
    action = read("action", cells.side, Side.BUY, "BUY or SELL")
    kind = read("type", cells.contract_type, "CE", "CE, PE or FUT")
    parsed = TradeRow(
        id=read("id", cells.positive, 0, "a whole number above 0") if row_id is None else row_id,
        account=read("account", cells.account, "", "letters, digits, - or _"),
        strategy_id=read("strategy_id", cells.positive, 0, "a whole number above 0"),
        symbol=read("symbol", cells.name, "", "the underlying's symbol, e.g. NIFTY"),
        strategy=read.word("strategy"),
        security_id=read("security_id", cells.security_id, 0, "Dhan's id, a whole number, or empty"),
        action=action,
        type=kind,
        strike_price_paise=read("strike_price", cells.no_strike, None, "nothing for a future")
        if kind == "FUT"
        else read("strike_price", cells.strike_paise, None, "the strike in rupees"),
        expiry_date=read("expiry_date", cells.day, None, "a date such as 2026-02-24 or 24-02-2026"),
        quantity=read("quantity", cells.positive, 0, "units, a whole number above 0 (action has the sign)"),
        price_paise=read("price", partial(cells.price_paise, action=action), None, _PRICE_TEXT),
        order_id=read.word("order_id"),
        order_status=read("order_status", cells.status, "", cells.STATUSES_TEXT),
        timestamp_s=read("timestamp", cells.moment_s, 0.0, "a moment such as 2026-02-03T09:20:00+05:30"),
        rule_set=read.word("rule_set"),
        margin_paise=read(
            "margin", cells.margin_paise, None, "the margin blocked at entry in rupees, or empty"
        ),
    )
    segment = read("exchange_segment", cells.segment, None, "an exchange segment, e.g. NSE_FNO")
    if parsed.symbol and segment not in {None, fno_segment(parsed.symbol)}:
        read.faults.append(
            f"{where}: exchange_segment: read {str(segment)!r} for {parsed.symbol}, "
            f"expected {fno_segment(parsed.symbol)} or empty"
        )
    if read.faults:
        raise BadInput("\n".join(read.faults))
    return parsed


class StoredRow(NamedTuple):
    """An open row as a store has it: whose it is by its own word, and the row or what is wrong with it."""

    id: int
    account: str
    row: TradeRow | BadInput


def account_word(cell: object) -> str:
    """Whose a row is by its own word, which may be no name at all."""
    return str(cell or "").strip() or DEFAULT_ACCOUNT


def sound_rows(stored: Iterable[StoredRow]) -> tuple[TradeRow, ...]:
    """The rows, if all of them can be understood.

    Raises:
        BadInput: names every one that cannot.
    """
    rows, faults = [], []
    for each in stored:
        if isinstance(each.row, BadInput):
            faults.append(str(each.row))
        else:
            rows.append(each.row)
    if faults:
        raise BadInput("\n".join(faults))
    return tuple(rows)


# ----------------------------------------------------------------------------------- a file


def parse_csv(text: str) -> tuple[TradeRow, ...]:
    """Every row of a CSV file with a header; ids are its ``id`` column or the rows' numbers.

    Raises:
        BadInput: with every fault of every row, one a line; then there are no rows at all.
    """
    faults: list[str] = []
    rows: dict[int, TradeRow] = {}
    for row in csv_rows(text, REQUIRED_COLUMNS):
        if row.fault:
            faults.append(row.fault)
            continue
        read = RowReader(row.cells, row.where)
        read.nothing("price", _PRICE_TEXT)  # of a failed export; empty has a meaning of its own in a replay
        try:
            parsed = parse_row(row.cells, row.where, None if "id" in row.cells else row.number)
            if parsed.order_status in cells.CLOSED_STATUSES:
                parsed = replace(parsed, end=read_end(read))
        except BadInput as error:
            faults += [*read.faults, str(error)]
            continue
        faults += read.faults
        if parsed.id in rows:
            faults.append(f"{row.where}: id: read {parsed.id} again, expected each id once")
        rows[parsed.id] = parsed
    if faults:
        raise BadInput("\n".join(faults))
    return tuple(rows.values())


def repeated(rows: Iterable[TradeRow], contract: Callable[[TradeRow], object]) -> list[str]:
    """The faults of rows that name the same leg twice: one of the two is a slip.

    Args:
        rows: of one file.
        contract: what a row's contract is known by.
    """
    first: dict[tuple[object, ...], TradeRow] = {}
    faults = []
    for row in rows:
        name = (row.account, row.strategy_id, contract(row), row.order_id, row.timestamp_s)
        twin = first.setdefault(name, row)
        if twin is not row:
            faults.append(
                f"row {row.id}: read the leg of row {twin.id} again (same strategy, contract, order id "
                "and timestamp); expected another order_id, or one row with the whole quantity"
            )
    return faults


# -------------------------------------------------------------------------------- positions


@dataclass(frozen=True, slots=True)
class InvalidPosition:
    """A position that cannot be watched, and the sentence why; its rows stay what they are."""

    account: str
    strategy_id: int
    symbol: str
    strategy: str
    rows: tuple[TradeRow, ...]
    why: str

    @property
    def id(self) -> PositionId:
        """``account/strategy_id``."""
        return position_id(self.account, self.strategy_id)


def positions(
    rows: Iterable[TradeRow],
    instruments: Mapping[InstrumentKey, Instrument],
    today: date,
    *,
    levels: Sequence[ExitLevel] = (),
    price_needed: bool = True,
    fits: Fits | None = None,
) -> tuple[list[Position], list[InvalidPosition]]:
    """Group the open rows by account and strategy id into positions, in order of first appearance.

    A contract that several rows hold is several legs. A row without a security id gets it from the master.

    Args:
        rows: open and closed ones; the closed are left out.
        instruments: the instrument master.
        today: the day in India; a contract that expired before it makes its position invalid.
        levels: the rows of ``strategy_exit_levels``; each goes to every account's position of its strategy.
        price_needed: False in a replay, where an empty price means entered at the first quote.
        fits: as for `engine.joins.joined`.
    """
    groups: dict[PositionId, list[TradeRow]] = {}
    for row in joined(filter(is_open, rows), instruments, fits):
        groups.setdefault(position_id(row.account, row.strategy_id), []).append(row)
    good: list[Position] = []
    bad: list[InvalidPosition] = []
    for group in groups.values():
        first = group[0]
        strategy = next((row.strategy for row in group if row.strategy), "")
        why = [
            text for row in group for text in _row_faults(row, instruments, today, price_needed=price_needed)
        ]
        legs = tuple(_leg(row, instruments[row_key(row)]) for row in group if row_key(row) in instruments)
        underlyings = sorted({leg.instrument.symbol for leg in legs})
        if len(underlyings) > 1:
            why.append(f"legs on two underlyings: {', '.join(underlyings)}")
        if why:
            bad.append(
                InvalidPosition(
                    first.account, first.strategy_id, first.symbol, strategy, tuple(group), "; ".join(why)
                )
            )
        else:
            opened_at_s = min(leg.entered_at_s for leg in legs)
            sets = tuple({row.rule_set.casefold(): row.rule_set for row in group if row.rule_set}.values())
            theirs = tuple(level for level in levels if level.strategy_id == first.strategy_id)
            good.append(
                Position(
                    first.account,
                    first.strategy_id,
                    first.symbol,
                    strategy,
                    legs,
                    opened_at_s,
                    sets,
                    theirs,
                    _margin(group),
                )
            )
    return good, bad


def _margin(group: Iterable[TradeRow]) -> int | None:
    """The margin of all rows that name one; None when none does."""
    known = [row.margin_paise for row in group if row.margin_paise is not None]
    return sum(known) if known else None


def _leg(row: TradeRow, instrument: Instrument) -> Leg:
    return Leg(instrument, row.action.sign * row.quantity, row.price_paise, row.id, row.timestamp_s)


def _row_faults(
    row: TradeRow, instruments: Mapping[InstrumentKey, Instrument], today: date, *, price_needed: bool
) -> list[str]:
    """What stops this row from being a leg, each as a clause naming the row."""
    where = f"row {row.id}"
    if not row.security_id:
        return [f"{where}: {unjoined(row, instruments)}"]
    instrument = instruments.get(row_key(row))
    if instrument is None:
        return [f"{where}: {fno_segment(row.symbol)} has no contract with security id {row.security_id}"]
    faults = []
    right = "FUT" if instrument.kind is InstrumentKind.FUTURE else instrument.right
    theirs = (right, instrument.strike_paise, instrument.expiry)
    ours = (row.type, row.strike_price_paise, row.expiry_date)
    if theirs != ours:
        faults.append(
            f"{where}: security id {row.security_id} is {instrument.display} ({_contract(*theirs)}), "
            f"the row says {_contract(*ours)}"
        )
    if instrument.expiry is not None and instrument.expiry < today:
        shares = "" if instrument.index_option else ", to be settled in SHARES: look at the broker now"
        faults.append(f"{where}: {instrument.display} expired on {instrument.expiry}{shares}")
    if row.quantity % instrument.lot:
        faults.append(f"{where}: {row.quantity} is not a whole number of lots of {instrument.lot}")
    if price_needed and row.price_paise is None:
        faults.append(f"{where}: the entry price is empty, so no profit or loss can be known")
    return faults


def _contract(right: str | None, strike_paise: int | None, expiry: date | None) -> str:
    strike = "" if strike_paise is None else f" {rupees(strike_paise)}"
    return f"{right or 'no option'}{strike}, {expiry or 'no expiry'}"
