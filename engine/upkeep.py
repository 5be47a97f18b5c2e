"""What is kept and written down of positions at each pulse: a few at a time, and nobody waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.rounds import Rounds

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.holdings import Holdings
    from engine.limits import Limits
    from engine.watch import Watchlist

__all__ = ["Upkeep"]

REMEMBER_EVERY_S = 5.0
#: So many positions are looked at for that at one pulse: a thousand in ten seconds, some 0.2 ms each time;
REMEMBERED_AT_ONCE = 50
#: and for the why log, whose look is journaled too: 240 in thirty seconds, a thousand in two minutes.
GLANCED_AT_ONCE = 4


class Upkeep:
    """Memories for the journal and looks for the why log: two chores (`engine.chores`).

    Args:
        watch: looks at positions.
        holdings: whose memories are kept.
        limits: the account's days, which are kept too.
    """

    def __init__(self, watch: Watchlist, holdings: Holdings, limits: Limits) -> None:
        self._watch, self._lives, self._limits = watch, holdings.lives, limits
        self._remembered_s = 0.0
        self._kept = Rounds(lambda: holdings.positions, REMEMBER_EVERY_S, REMEMBERED_AT_ONCE)
        self._glanced = Rounds(lambda: holdings.positions, REMEMBER_EVERY_S, GLANCED_AT_ONCE)

    def glance(self, now_s: float) -> list[Effect] | None:
        """Look at a few positions for the why log; what is seen goes out with all other looks."""
        turn = self._glanced.next(now_s)
        self._watch.glance(turn, now_s)
        return [] if turn else None

    def remember(self, now_s: float) -> list[Effect] | None:
        """Keep what of a few positions, and of the account's day, has changed."""
        effects: list[Effect] = []
        if now_s - self._remembered_s >= REMEMBER_EVERY_S:
            self._remembered_s = now_s
            effects += self._limits.remember()
        turn = self._kept.next(now_s)
        return effects + self._lives.remember(turn) if effects or turn else None
