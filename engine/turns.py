"""Whose turn it is: a piece of what decides, what has waited for all positions, or else a chore.

A turn is a handling of its own (`GoOn`, `Further`), so that ticks go between two of them.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from engine.effects import GoOn
from engine.pieces import Pieces

if TYPE_CHECKING:
    from engine.chores import Chores
    from engine.effects import Effect
    from engine.follow_up import FollowUp
    from engine.intake import Intake
    from engine.judging import Judging
    from engine.limits import Limits
    from engine.messages import Further

__all__ = ["Turns"]

#: A turn that was asked for and has not come for so long is asked for anew.
ASKED_AGAIN_S = 2.0


class Turns:
    """One turn at a time, for whoever wants one.

    Args:
        intake: works a reading in; when all of it is, days and the broker's books are looked at anew.
        limits: look at many positions a few at a time.
        judging: judges those whose time has come, some at a time.
        followed: holds the broker's books against all positions.
        chores: what nobody waits for.

    Attributes:
        alone: the last turn had nothing else to do than a chore.
    """

    def __init__(
        self, intake: Intake, limits: Limits, judging: Judging, followed: FollowUp, chores: Chores
    ) -> None:
        self._intake, self._limits, self._followed = intake, limits, followed
        self._pieces = Pieces(intake, limits, judging)
        self._chores = chores
        self._asked_s = -inf  # when the next turn was asked for; -inf = none is to come
        self.alone = False

    def ask(self, effects: list[Effect], now_s: float) -> list[Effect]:
        """Ask for one turn at a time, whoever wants one: two would come with no tick between them."""
        others = [effect for effect in effects if type(effect) is not GoOn]
        if len(others) == len(effects) or 0 <= now_s - self._asked_s < ASKED_AGAIN_S:
            return others
        self._asked_s = now_s
        return [*others, GoOn()]

    def pulse(self, now_s: float, *, at_once: bool) -> list[Effect]:
        """Begin the chores; ``at_once``: so few that all of them take less than a turn costs."""
        self._chores.begin(now_s)
        if not at_once:
            return [GoOn()]
        effects: list[Effect] = []
        while self._chores.waiting:
            effects += self._chores.go_on(now_s)
        return effects

    def take(self, _message: Further, now_s: float) -> list[Effect]:
        """The next piece of what decides, else of the chores; after a reading those that waited for it."""
        self._intake.note_parted()
        self._asked_s = -inf
        self.alone = not self._decides or self._chores.starve(now_s)
        if self.alone:
            effects = self._chores.go_on(now_s)
        else:
            effects = self._pieces.next(now_s)
            if self._intake.rejoined:
                self._intake.forget_parted()
                effects += self._limits.anew(now_s) + self._followed.compare_now(now_s)
        return [*effects, GoOn()] if self._decides or self._chores.waiting else effects

    @property
    def _decides(self) -> bool:
        """Whether something that decides wants a turn."""
        return self._pieces.unfinished or self._intake.rejoined
