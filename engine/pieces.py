"""What takes more than one handling: a piece of one thing at a time, each in its turn.

A piece holds the loop for some milliseconds; two of different things in one handling would hold it for both.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from engine.effects import GoOn

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.effects import Effect

__all__ = ["Pieces"]


class Pieces:
    """Things to go on with.

    Args:
        things: of each whether it is unfinished, and its next piece.
    """

    def __init__(self, *things: tuple[Callable[[], bool], Callable[[float], list[Effect]]]) -> None:
        self._things = deque(things)

    @property
    def unfinished(self) -> bool:
        """Whether there is another piece."""
        return any(unfinished() for unfinished, _ in self._things)

    def next(self, now_s: float) -> list[Effect]:
        """The next piece of what has waited longest; nothing, if all is done. That it goes on is not said."""
        for _ in range(len(self._things)):
            unfinished, piece = self._things[0]
            self._things.rotate(-1)
            if unfinished():
                return [effect for effect in piece(now_s) if type(effect) is not GoOn]
        return []
