"""Who takes part in a replay: the trades' contracts found in the recording, and positions waiting to begin.

Security ids of the trades file mean nothing here: a contract is known by what it is, and gets a
number of our own, a different one for each position: a broker would net two strategies against each
other and share out what is on offer, and a replay is to tell what each is worth by itself. Prices
are integer paise per unit, moments epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd
from typing import TYPE_CHECKING

from engine.guards import fault
from engine.joins import fno_segment
from engine.messages import Tick
from engine.model import (
    Instrument,
    InstrumentKey,
    InstrumentKind,
    Position,
    PositionId,
    Right,
    Segment,
    Side,
    TradeRow,
    position_id,
)
from engine.replay.tape import Contract
from engine.sessions import ist_date
from engine.trades import is_open, positions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from engine.replay.lots import LotTable
    from engine.replay.tape import Row, Tape

TICK_PAISE = 5


def contract_of(row: TradeRow) -> Contract | None:
    """The option a trade is in; None for a future, of which recordings know nothing."""
    if row.type not in set(Right) or row.strike_price_paise is None or row.expiry_date is None:
        return None
    return Contract(row.symbol, row.expiry_date, row.strike_price_paise, Right(row.type))


def contracts_of(rows: Iterable[TradeRow]) -> frozenset[Contract]:
    """Every option that some open row holds."""
    return frozenset(c for row in rows if is_open(row) and (c := contract_of(row)) is not None)


@dataclass(frozen=True, slots=True)
class Entrant:
    """A position that waits for its moment.

    Attributes:
        rows: its trades, with our own security ids.
        contracts: the option of each row.
        from_s: its latest timestamp; it is taken over at the first snapshot from then on.
        why_invalid: why it is never watched; empty = it will be.
    """

    id: PositionId
    rows: tuple[TradeRow, ...]
    contracts: tuple[Contract | None, ...]
    why_invalid: str = ""

    @property
    def from_s(self) -> float:
        """When all of its legs had been entered."""
        return max(row.timestamp_s for row in self.rows)

    def enter(self, at_s: float, snapshot: Mapping[Contract, Row]) -> tuple[TradeRow, ...] | None:
        """Its trades, every price known, if this snapshot is its first; None = it goes on waiting."""
        if self.why_invalid or at_s < self.from_s:
            return None
        entered = []
        for row, contract in zip(self.rows, self.contracts, strict=True):
            seen = None if contract is None else snapshot.get(contract)
            if seen is None:
                return None
            if row.price_paise is None:
                price = _entry_paise(row.action, seen)
                if not price:
                    return None
                row = replace(row, price_paise=price, timestamp_s=at_s)  # noqa: PLW2901 - the same row, entered
            entered.append(row)
        return tuple(entered)


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything a replay plays with.

    Attributes:
        entrants: valid and invalid ones, in the order of the trades file.
        instruments: every contract and underlying by key.
        keys: the instruments that a contract's rows speak of.
        underlyings: the instrument of each underlying.
    """

    entrants: tuple[Entrant, ...]
    instruments: Mapping[InstrumentKey, Instrument]
    keys: Mapping[Contract, tuple[InstrumentKey, ...]]
    underlyings: Mapping[str, InstrumentKey]


def cast_of(rows: Sequence[TradeRow], tape: Tape, lots: LotTable) -> Cast:
    """Find the trades' contracts in the recording and give them lots and numbers."""
    groups: dict[PositionId, list[TradeRow]] = {}
    for row in rows:
        if is_open(row):
            groups.setdefault(position_id(row.account, row.strategy_id), []).append(row)
    registry = _Registry(lots, tape.days[0])
    known = tape.contracts
    entrants = tuple(_entrant(name, group, known, registry) for name, group in groups.items())
    keys: dict[Contract, tuple[InstrumentKey, ...]] = {}
    for (_, contract), instrument in registry.options.items():
        keys[contract] = (*keys.get(contract, ()), instrument.key)
    everything = [*registry.options.values(), *registry.underlyings.values()]
    return Cast(
        entrants,
        {instrument.key: instrument for instrument in everything},
        keys,
        {symbol: instrument.key for symbol, instrument in registry.underlyings.items()},
    )


def tick_of(key: InstrumentKey, row: Row) -> Tick:
    """A recorded row as the feed would have told it."""
    return Tick(
        key,
        row.ltp_paise,
        bid_paise=row.bid_paise,
        bid_quantity=row.bid_quantity,
        ask_paise=row.ask_paise,
        ask_quantity=row.ask_quantity,
        volume=row.volume or 0,
    )


class _Registry:
    """Numbers instruments in the order in which they are asked for."""

    def __init__(self, lots: LotTable, first_day: date) -> None:
        self.first_day = first_day
        self._lots = lots
        self.options: dict[tuple[PositionId, Contract], Instrument] = {}
        self.underlyings: dict[str, Instrument] = {}

    def lot(self, contract: Contract, quantities: Iterable[int]) -> int:
        """Units per lot; outside the table what divides everything the position holds."""
        return self._lots.lot(contract.underlying, contract.expiry, self.first_day) or gcd(*quantities)

    def option(self, position: PositionId, contract: Contract, lot: int) -> Instrument:
        """The instrument of a contract, traded in this lot, as one position holds it."""
        underlying = self._underlying(contract.underlying)
        if (position, contract) not in self.options:
            self.options[position, contract] = Instrument(
                fno_segment(contract.underlying),
                len(self.options) + 1,
                InstrumentKind.OPTION,
                contract.underlying,
                contract.name,
                lot=lot,
                tick_paise=TICK_PAISE,
                expiry=contract.expiry,
                strike_paise=contract.strike_paise,
                right=contract.right,
                freeze_quantity=self._lots.freeze(contract.underlying, self.first_day),
                index_option=contract.underlying in self._lots.indices,
                underlying=underlying.key,
            )
        return self.options[position, contract]

    def _underlying(self, symbol: str) -> Instrument:
        index = symbol in self._lots.indices
        if symbol not in self.underlyings:
            self.underlyings[symbol] = Instrument(
                Segment.IDX_I if index else Segment.NSE_EQ,
                len(self.underlyings) + 1,
                InstrumentKind.INDEX if index else InstrumentKind.EQUITY,
                symbol,
                symbol,
            )
        return self.underlyings[symbol]


def _entrant(
    name: PositionId, rows: Sequence[TradeRow], known: Collection[Contract], registry: _Registry
) -> Entrant:
    """Number a position's contracts, or say why it cannot be watched."""
    contracts = tuple(contract_of(row) for row in rows)
    day = max(registry.first_day, *(ist_date(row.timestamp_s) for row in rows))
    missing = [
        _missing(row, contract, day)
        for row, contract in zip(rows, contracts, strict=True)
        if contract is None or contract not in known
    ]
    if missing:
        return Entrant(name, tuple(rows), contracts, "; ".join(missing))
    quantities = [row.quantity for row in rows]
    options = [
        registry.option(name, contract, registry.lot(contract, quantities))
        for contract in contracts
        if contract is not None
    ]
    numbered = tuple(
        replace(row, security_id=option.security_id) for row, option in zip(rows, options, strict=True)
    )
    master = {option.key: option for option in options}
    _, invalid = positions(numbered, master, day, price_needed=False)
    return Entrant(name, numbered, contracts, invalid[0].why if invalid else "")


def _missing(row: TradeRow, contract: Contract | None, day: date) -> str:
    where = f"row {row.id}"
    if contract is None:
        return f"{where}: read {row.type} on {row.symbol}; a recording holds options only"
    if contract.expiry < day:
        return f"{where}: {contract.name} expired on {contract.expiry}"
    return f"{where}: the recording has no {contract.name}"


def _entry_paise(action: Side, row: Row) -> int:
    """What entering now would cost: longs at the ask, shorts at the bid, the last price without quotes."""
    if fault(tick_of(InstrumentKey(0), row)):
        return 0
    price = row.ask_paise if action is Side.BUY else row.bid_paise
    return row.ltp_paise if price is None else price


def position_of(rows: Sequence[TradeRow], instruments: Mapping[InstrumentKey, Instrument]) -> Position:
    """The position that these entered trades make; they were found valid before."""
    found, _ = positions(rows, instruments, ist_date(rows[0].timestamp_s))
    return found[0]
