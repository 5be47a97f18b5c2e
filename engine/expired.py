"""Rows of contracts that have expired, set aside so that what is left of their position stays watched.

A calendar spread on the morning after its near expiry still has a leg at the broker: no stop of it may end
because the other row is still listed. What is left is a position with fewer legs, as after any other change
from outside: basis and payoff are made of its legs alone. Rows of which all have expired are left as they
are; nothing of those can be watched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import position_id
from engine.sessions import ist_date
from engine.trades import is_open, row_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from engine.model import Instrument, InstrumentKey, PositionId, TradeRow

__all__ = ["expired_words", "without_expired"]


def without_expired(
    rows: Sequence[TradeRow], instruments: Mapping[InstrumentKey, Instrument], today: date
) -> tuple[list[TradeRow], dict[PositionId, tuple[TradeRow, ...]]]:
    """Part the rows: those that can still be held, and by position those set aside.

    A contract that the day's master does not have any more has expired when its row says so: a row with a
    contract's id, entered while that could trade. A date that was mistyped into the past must not part a
    hedge from its short; with one like that nothing of the position can be watched.
    """
    dead: dict[PositionId, list[TradeRow]] = {}
    alive: set[PositionId] = set()
    for row in rows:
        if not is_open(row):
            continue
        name = position_id(row.account, row.strategy_id)
        instrument = instruments.get(row_key(row))
        expiry = _said(row) if instrument is None else instrument.expiry
        if expiry is not None and expiry < today:
            dead.setdefault(name, []).append(row)
        else:
            alive.add(name)
    aside = {name: tuple(found) for name, found in dead.items() if name in alive}
    gone = {row.id for found in aside.values() for row in found}
    return [row for row in rows if row.id not in gone], aside


def _said(row: TradeRow) -> date | None:
    """The last day of a contract that no master knows, if its row can be right about it."""
    expiry = row.expiry_date
    if expiry is None or not row.security_id or ist_date(row.timestamp_s) > expiry:
        return None
    return expiry


def expired_words(rows: Sequence[TradeRow], instruments: Mapping[InstrumentKey, Instrument]) -> str:
    """What has expired of a position, as sentences for its owner."""
    return " ".join(_words(row, instruments.get(row_key(row))) for row in rows)


def _words(row: TradeRow, instrument: Instrument | None) -> str:
    name, shares = f"security id {row.security_id}", ". If it is settled in SHARES, look at the broker now"
    if instrument is not None:
        index = instrument.index_option
        name, shares = (
            instrument.display,
            "" if index else ", to be settled in SHARES: look at the broker now",
        )
    return f"Row {row.id}: {row.action} {row.quantity} of {name} expired on {row.expiry_date}{shares}."
