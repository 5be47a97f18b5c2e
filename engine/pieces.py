"""What takes more than one handling: a piece of one thing at a time, each in its turn.

A piece holds the loop for some milliseconds; two of different things in one handling would hold it for both.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from engine.effects import GoOn

if TYPE_CHECKING:
    from engine.effects import Effect

__all__ = ["Piecemeal", "Pieces"]


class Piecemeal(Protocol):
    """Something that is done a piece at a time."""

    @property
    def unfinished(self) -> bool:
        """Whether there is another piece."""

    def go_on(self, now_s: float) -> list[Effect]:
        """Do the next one."""


class Pieces:
    """Things to go on with.

    Args:
        things: those that have their turns.
    """

    def __init__(self, *things: Piecemeal) -> None:
        self._things = deque(things)

    @property
    def unfinished(self) -> bool:
        """Whether there is another piece."""
        return any(thing.unfinished for thing in self._things)

    def next(self, now_s: float) -> list[Effect]:
        """The next piece of what has waited longest; nothing, if all is done. That it goes on is not said."""
        for _ in range(len(self._things)):
            thing = self._things[0]
            self._things.rotate(-1)
            if thing.unfinished:
                return [effect for effect in thing.go_on(now_s) if type(effect) is not GoOn]
        return []
