"""How many positions stand, looked at a few at a time, so that a thousand do not hold the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from engine.model import PositionId
    from engine.watch import Standing

__all__ = ["GATHERED_AT_ONCE", "Gathering"]

#: So many are looked at in one piece: some 1 ms. No more than these are looked at in the piece that asks.
GATHERED_AT_ONCE = 200


class Gathering:
    """One look at all of many positions: of each how it stood when its turn came, moments apart.

    Args:
        look: says how one stands.

    Attributes:
        under_way: it was begun and not yet taken.
    """

    def __init__(self, look: Callable[[PositionId, float], Standing]) -> None:
        self._look = look
        self._left: list[PositionId] = []
        self._found: dict[PositionId, Standing] = {}
        self.under_way = False

    def begin(self, positions: Iterable[PositionId]) -> None:
        """Look at these from now on."""
        self._left, self._found, self.under_way = list(positions), {}, True

    def go_on(self, held: Container[PositionId], now_s: float) -> bool:
        """Look at the next few, those left out that are not held any more; whether some are left."""
        turn, self._left = self._left[:GATHERED_AT_ONCE], self._left[GATHERED_AT_ONCE:]
        self._found |= {name: self._look(name, now_s) for name in turn if name in held}
        return bool(turn)

    def forget(self, position: PositionId) -> None:
        """It has ended: whoever comes by its name is another one."""
        self._found.pop(position, None)

    def take(self) -> dict[PositionId, Standing]:
        """All that was found; it is over."""
        found, self._found, self.under_way = self._found, {}, False
        return found
