"""What a pulse has to do that nobody waits for: a piece in each turn, so that ticks go between them.

Nothing of it decides anything. It is begun at each pulse; what the next one finds undone goes on.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.effects import Effect

__all__ = ["Chores"]

#: After so long without a piece one is done though others wait.
STARVED_S = 5.0


class Chores:
    """One list of pieces, begun again and again.

    Args:
        pieces: each does a little, some 0.2 ms, and says what came of it; None = there was nothing to do.
    """

    def __init__(self, *pieces: Callable[[float], list[Effect] | None]) -> None:
        self._pieces = pieces
        self._left: list[Callable[[float], list[Effect] | None]] = []
        self._done_s = -inf  # when they were last begun or got on

    @property
    def waiting(self) -> bool:
        """Whether there are pieces that have not had their turn."""
        return bool(self._left)

    def starve(self, now_s: float) -> bool:
        """Whether what decides has had all turns for too long: peaks would be kept by no journal any more."""
        return self.waiting and now_s - self._done_s >= STARVED_S

    def begin(self, now_s: float) -> None:
        """The clock has struck; pieces that are left from the stroke before go on as they are."""
        if not self._left:
            self._left, self._done_s = list(reversed(self._pieces)), now_s

    def go_on(self, now_s: float) -> list[Effect]:
        """Do the next piece for which there is something to do."""
        self._done_s = now_s
        while self._left:
            effects = self._left.pop()(now_s)
            if effects is not None:
                return effects
        return []
