"""The overrides of all positions: what people have tightened from the chat, and for how long it counts.

They belong to one life of a position: they end when it is closed, and do not come back with a later
position of the same name. Its life goes on, with other legs too, while some row of the trade store stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.effects import Record
from engine.model import PositionId
from engine.rules.overrides import Override

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Position

_KIND = "override"


class OverrideBook:
    """Overrides by position, the oldest first."""

    def __init__(self) -> None:
        self._wishes: dict[PositionId, tuple[Override, ...]] = {}
        self._rows: dict[PositionId, frozenset[int]] = {}

    def restore(self, journal: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the journal remembers."""
        for key, value in journal.items():
            if value["wishes"]:
                name = PositionId(key)
                self._wishes[name] = tuple(Override.from_json(row) for row in value["wishes"])
                self._rows[name] = frozenset(value["rows"])

    def of(self, position: PositionId) -> tuple[Override, ...]:
        """What counts for this position."""
        return self._wishes.get(position, ())

    def add(self, position: Position, override: Override) -> Record:
        """One more; the record must be committed before anybody is told that it counts.

        One that loosens takes the place of what was laid over that rule before: should its source change, the
        source has the last word, and not a tightening that was taken back.
        """
        before = self.of(position.id)
        if override.over is not None:
            before = tuple(wish for wish in before if wish.rule != override.rule)
        self._wishes[position.id] = (*before, override)
        self._rows[position.id] = _rows(position)
        return self._record(position.id)

    def follow(self, position: Position, *, known: bool) -> list[Record]:
        """A position is taken over or changed: its overrides go on with its rows, or end.

        ``known``: it was watched until now, so it is the same one whatever its rows are.
        """
        if not self.of(position.id):
            return []
        rows = _rows(position)
        if not known and not rows & self._rows[position.id]:
            return self.end(position.id)
        if rows == self._rows[position.id]:
            return []
        self._rows[position.id] = rows
        return [self._record(position.id)]

    def end(self, position: PositionId) -> list[Record]:
        """The position is closed."""
        if self._wishes.pop(position, None) is None:
            return []
        del self._rows[position]
        return [self._record(position)]

    def _record(self, position: PositionId) -> Record:
        wishes = [wish.to_json() for wish in self.of(position)]
        return Record(_KIND, position, {"wishes": wishes, "rows": sorted(self._rows.get(position, ()))})


def _rows(position: Position) -> frozenset[int]:
    return frozenset(leg.row_id for leg in position.legs)
