"""What a pulse has to do that nobody waits for: a piece in each turn, so that ticks go between them.

Nothing of it decides anything. It is begun at each pulse; what the next one finds undone goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.effects import Effect

__all__ = ["Chores"]


class Chores:
    """One list of pieces, begun again and again.

    Args:
        pieces: each does a little, some 0.2 ms, and says what came of it; None = there was nothing to do.
    """

    def __init__(self, *pieces: Callable[[float], list[Effect] | None]) -> None:
        self._pieces = pieces
        self._left: list[Callable[[float], list[Effect] | None]] = []

    @property
    def waiting(self) -> bool:
        """Whether there are pieces that have not had their turn."""
        return bool(self._left)

    def begin(self) -> None:
        """The clock has struck; pieces that are left from the stroke before go on as they are."""
        if not self._left:
            self._left = list(reversed(self._pieces))

    def go_on(self, now_s: float) -> list[Effect]:
        """Do the next piece for which there is something to do."""
        while self._left:
            effects = self._left.pop()(now_s)
            if effects is not None:
                return effects
        return []
