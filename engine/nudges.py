"""Reads the broker's books soon after somebody else's trade was heard of, not only with the next sync."""

from __future__ import annotations

from engine.differences import DIFFERENT_S

__all__ = ["Nudges"]

#: The position list may lag behind the trade.
SOON_S = 2.0
#: Whoever trades often in the same account must not use up the reads.
APART_S = 5.0
#: The second look, when what differs in both counts.
AGAIN_S = DIFFERENT_S + 1.0


class Nudges:
    """Two looks after each trade that is none of ours; trades in quick succession share them."""

    def __init__(self) -> None:
        self._due_s: list[float] = []
        self._last_s: float | None = None

    def heard(self, now_s: float) -> None:
        """An order that is none of ours has traded."""
        if self._due_s:
            first_s = self._due_s[0]
        else:
            first_s = now_s + SOON_S if self._last_s is None else max(now_s + SOON_S, self._last_s + APART_S)
        self._due_s = [first_s, max(first_s, now_s) + AGAIN_S]

    def due(self, now_s: float) -> bool:
        """True when it is time for a look, which is then taken."""
        if not self._due_s or now_s < self._due_s[0]:
            return False
        self._due_s.pop(0)
        self._last_s = now_s
        return True
