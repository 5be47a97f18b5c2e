"""What the trade store's open rows come to beside one instrument master, on one day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.expired import without_expired
from engine.joins import joined
from engine.trades import positions, row_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from engine.joins import Fits
    from engine.model import ExitLevel, Instrument, InstrumentKey, Position, PositionId, TradeRow
    from engine.trades import InvalidPosition

__all__ = ["Listed", "listed"]


class Listed(NamedTuple):
    """Rows as positions.

    Attributes:
        positions, invalid: what can be watched, and what cannot.
        aside: by position, rows of contracts that have expired while others of it stand.
        missed: contracts of rows not yet expired that the master does not have.
    """

    positions: tuple[Position, ...]
    invalid: tuple[InvalidPosition, ...]
    aside: Mapping[PositionId, tuple[TradeRow, ...]]
    missed: frozenset[InstrumentKey]


def listed(
    rows: Sequence[TradeRow],
    instruments: Mapping[InstrumentKey, Instrument],
    today: date,
    levels: Sequence[ExitLevel],
    fits: Fits | None = None,
) -> Listed:
    """Group open rows into positions.

    Args:
        rows: what is held by the store, less what our exits have taken off it.
        instruments: the master.
        today: the day in India.
        levels: the rows of ``strategy_exit_levels``.
        fits: contracts for rows without an id, as `engine.joins.fitting` says; None = it is asked.
    """
    open_rows = joined(rows, instruments, fits)
    alive, aside = without_expired(open_rows, instruments, today)
    found, invalid = positions(alive, instruments, today, levels=levels, fits=fits)
    stand = (row for row in open_rows if row.expiry_date is None or row.expiry_date >= today)
    missed = frozenset(map(row_key, stand)) - instruments.keys()
    return Listed(tuple(found), tuple(invalid), aside, missed)
