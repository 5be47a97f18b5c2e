"""Contracts that the broker holds and no row covers, grouped into strategies for a person to confirm.

The broker tells contracts, not strategies. What belongs together is guessed from the underlying, the
expiry and the moment of entry, as far as the day's trades tell it; a person may split, merge and name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from engine.errors import BadInput
from engine.model import InstrumentKind, Right, Side, TradeRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.broker_nouns import BrokerFill, HeldContract
    from engine.model import Instrument, InstrumentKey

__all__ = [
    "Proposal",
    "ProposedLeg",
    "entered_s",
    "merge",
    "name_of",
    "propose",
    "renamed",
    "rows_of",
    "split",
]

#: Legs entered within so long of each other are one strategy.
TOGETHER_S = 300.0


@dataclass(frozen=True, slots=True)
class ProposedLeg:
    """One contract that the broker holds.

    Attributes:
        units: signed.
        entry_paise: per unit, as the broker tells it; None = it does not.
        entered_s: when it was entered, epoch seconds; None = before today, or not told.
    """

    instrument: Instrument
    units: int
    entry_paise: int | None
    entered_s: float | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Legs of one underlying that may be one strategy, and what it would be called."""

    legs: tuple[ProposedLeg, ...]
    name: str

    @property
    def symbol(self) -> str:
        """The underlying's symbol."""
        return self.legs[0].instrument.symbol

    @property
    def units(self) -> dict[InstrumentKey, int]:
        """Signed units by contract."""
        return {leg.instrument.key: leg.units for leg in self.legs}


def entered_s(held: HeldContract, fills: Iterable[BrokerFill]) -> float | None:
    """When a contract was entered: the day's first trade on its side; None when it was carried in."""
    if held.carried:
        return None
    side = Side.BUY if held.units > 0 else Side.SELL
    moments = [
        fill.at_s for fill in fills if fill.key == held.key and fill.side is side and fill.at_s is not None
    ]
    return min(moments, default=None)


def propose(legs: Iterable[ProposedLeg]) -> list[Proposal]:
    """Group by underlying, expiry and moment of entry; in that order, each leg in one proposal."""
    groups: list[list[ProposedLeg]] = []
    for leg in sorted(legs, key=_order):
        if groups and _together(groups[-1][-1], leg):
            groups[-1].append(leg)
        else:
            groups.append([leg])
    return [_made(group) for group in groups]


def split(proposal: Proposal, numbers: Iterable[int]) -> tuple[Proposal, Proposal]:
    """What stays, and the legs of these numbers (from 1) as one of their own; both get new names.

    Raises:
        BadInput: a number that it does not have, or nothing would stay.
    """
    taken = set(numbers)
    count = len(proposal.legs)
    wrong = sorted(number for number in taken if not 1 <= number <= count)
    if wrong or not taken:
        raise BadInput(f"it has legs 1 to {count}, read {', '.join(map(str, wrong)) or 'none'}")
    if len(taken) == count:
        raise BadInput("that is every leg of it; nothing would stay")
    legs = list(enumerate(proposal.legs, start=1))
    return (
        _made([leg for number, leg in legs if number not in taken]),
        _made([leg for number, leg in legs if number in taken]),
    )


def merge(proposals: Sequence[Proposal]) -> Proposal:
    """One of several, with a new name.

    Raises:
        BadInput: fewer than two, or they are on two underlyings.
    """
    symbols = sorted({proposal.symbol for proposal in proposals})
    if len(proposals) < 2:
        raise BadInput("one alone is nothing to merge")
    if len(symbols) > 1:
        raise BadInput(f"a position has one underlying, these have {' and '.join(symbols)}")
    return _made(sorted((leg for proposal in proposals for leg in proposal.legs), key=_order))


def renamed(proposal: Proposal, name: str) -> Proposal:
    """The same legs under a person's name for them."""
    return replace(proposal, name=name)


def rows_of(
    proposal: Proposal, account: str, strategy_id: int, order_id: str, now_s: float
) -> list[TradeRow]:
    """The rows of the trade store that make it a position; an entry nobody tells counts from now."""
    return [
        TradeRow(
            id=0,
            account=account,
            strategy_id=strategy_id,
            symbol=leg.instrument.symbol,
            strategy=proposal.name,
            security_id=leg.instrument.security_id,
            action=Side.BUY if leg.units > 0 else Side.SELL,
            type="FUT" if leg.instrument.kind is InstrumentKind.FUTURE else str(leg.instrument.right),
            strike_price_paise=leg.instrument.strike_paise,
            expiry_date=leg.instrument.expiry,
            quantity=abs(leg.units),
            price_paise=leg.entry_paise,
            order_id=order_id,
            order_status="TRADED",
            timestamp_s=now_s if leg.entered_s is None else leg.entered_s,
        )
        for leg in proposal.legs
    ]


def name_of(legs: Sequence[ProposedLeg]) -> str:
    """What people call such legs; ``Custom`` where they have no common name."""
    if any(leg.instrument.kind is InstrumentKind.FUTURE for leg in legs):
        return f"{_way(legs[0])} Future" if len(legs) == 1 else "Custom"
    even = len({abs(leg.units) for leg in legs}) == 1 and len({leg.instrument.expiry for leg in legs}) == 1
    calls = sorted((leg for leg in legs if leg.instrument.right is Right.CALL), key=_strike)
    puts = sorted((leg for leg in legs if leg.instrument.right is Right.PUT), key=_strike)
    match len(puts), len(calls):
        case (1, 0) | (0, 1):
            return f"{_way(legs[0])} {'Put' if puts else 'Call'}"
        case (1, 1) if even and _way(puts[0]) == _way(calls[0]):
            same = _strike(puts[0]) == _strike(calls[0])
            return f"{_way(puts[0])} {'Straddle' if same else 'Strangle'}"
        case (2, 0) if even and _vertical(puts):
            return f"{'Bull' if puts[1].units < 0 else 'Bear'} Put Spread"
        case (0, 2) if even and _vertical(calls):
            return f"{'Bear' if calls[0].units < 0 else 'Bull'} Call Spread"
        case (2, 2) if even and _condor(puts, calls):
            return "Iron Butterfly" if _strike(puts[1]) == _strike(calls[0]) else "Iron Condor"
    return "Custom"


def _made(legs: Sequence[ProposedLeg]) -> Proposal:
    return Proposal(tuple(legs), name_of(legs))


def _order(leg: ProposedLeg) -> tuple[str, date, bool, float, int]:
    at = leg.instrument
    told = leg.entered_s is not None
    return at.symbol, at.expiry or date.max, told, leg.entered_s or 0.0, at.key


def _together(one: ProposedLeg, two: ProposedLeg) -> bool:
    """Whether two legs that follow each other belong to one strategy."""
    first, second = one.instrument, two.instrument
    if (first.symbol, first.expiry) != (second.symbol, second.expiry):
        return False
    if one.entered_s is None or two.entered_s is None:
        return one.entered_s is two.entered_s
    return two.entered_s - one.entered_s <= TOGETHER_S


def _way(leg: ProposedLeg) -> str:
    return "Long" if leg.units > 0 else "Short"


def _strike(leg: ProposedLeg) -> int:
    return leg.instrument.strike_paise or 0


def _vertical(legs: Sequence[ProposedLeg]) -> bool:
    """One bought, one sold, at two strikes."""
    return legs[0].units == -legs[1].units and _strike(legs[0]) != _strike(legs[1])


def _condor(puts: Sequence[ProposedLeg], calls: Sequence[ProposedLeg]) -> bool:
    """The inner strikes sold, the outer ones bought."""
    inner = puts[1].units < 0 and calls[0].units < 0 and _strike(puts[1]) <= _strike(calls[0])
    return inner and _vertical(puts) and _vertical(calls)
