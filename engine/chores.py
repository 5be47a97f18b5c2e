"""What a pulse has to do that nobody waits for: a piece in each turn, so that ticks go between them.

Nothing of it decides anything. It is begun at each pulse; what the next one finds undone goes on.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from engine.effects import GoOn

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.effects import Effect

__all__ = ["Chores"]

#: A turn that was asked for and has not come for so long is asked for anew.
ASKED_AGAIN_S = 2.0
#: After so long without a piece one is done though others wait.
STARVED_S = 5.0


class Chores:
    """One list of pieces, begun again and again, and the turns that they share with what decides.

    Args:
        pieces: each does a little, some 0.2 ms, and says what came of it; None = there was nothing to do.

    Attributes:
        alone: the last turn had nothing else to do than one of them.
    """

    def __init__(self, *pieces: Callable[[float], list[Effect] | None]) -> None:
        self._pieces = pieces
        self._left: list[Callable[[float], list[Effect] | None]] = []
        self._asked_s = -inf  # when the next turn was asked for; -inf = none is to come
        self._done_s = -inf  # when they were last begun or got on
        self.alone = False

    def ask(self, effects: list[Effect], now_s: float) -> list[Effect]:
        """Ask for one turn at a time, whoever wants one: two would come with no tick between them."""
        others = [effect for effect in effects if type(effect) is not GoOn]
        if len(others) == len(effects) or 0 <= now_s - self._asked_s < ASKED_AGAIN_S:
            return others
        self._asked_s = now_s
        return [*others, GoOn()]

    def turn(self, *, alone: bool) -> None:
        """A turn has come; ``alone``: nothing that decides something wants it."""
        self._asked_s, self.alone = -inf, alone

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
