"""What the trade store lists and nobody watches: faulty positions, and rows whose contract has expired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import notices
from engine.expired import expired_words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from engine.effects import Effect
    from engine.model import Instrument, InstrumentKey, Position, PositionId, TradeRow
    from engine.trades import InvalidPosition

__all__ = ["LeftOut"]


class LeftOut:
    """What the newest reading leaves out, each told once.

    Attributes:
        invalid: what cannot be watched, also what still is because its exit runs.
    """

    def __init__(self) -> None:
        """Nothing was read."""
        self.invalid: tuple[InvalidPosition, ...] = ()
        self._aside: dict[PositionId, Sequence[TradeRow]] = {}  # by the position that is watched without them

    def take_invalid(self, invalid: Sequence[InvalidPosition]) -> list[Effect]:
        """These cannot be watched."""
        known = {(bad.id, bad.why) for bad in self.invalid}
        self.invalid = tuple(invalid)
        return [notices.invalid(bad) for bad in invalid if (bad.id, bad.why) not in known]

    def take_aside(
        self,
        found: Collection[Position],
        aside: Mapping[PositionId, Sequence[TradeRow]],
        instruments: Mapping[InstrumentKey, Instrument],
    ) -> list[Effect]:
        """These rows are set aside because their contract has expired; what is ``found`` is left of them."""
        told = {row.id for rows in self._aside.values() for row in rows}
        self._aside = {p.id: aside[p.id] for p in found if p.id in aside}
        new = [p for p in found if not told.issuperset(row.id for row in self.aside_of(p.id))]
        return [
            notices.expired(position, expired_words(self.aside_of(position.id), instruments))
            for position in new
        ]

    def aside_of(self, position: PositionId) -> Sequence[TradeRow]:
        """The rows that a position is watched without."""
        return self._aside.get(position, ())
