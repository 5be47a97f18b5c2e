"""Prices that are shared over Redis, as far as the machine knows of them.

They are a convenience: what is wrong with them is told once, and nothing else of the house changes by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert
from engine.model import Urgency

if TYPE_CHECKING:
    from engine.effects import Effect
    from engine.messages import CacheState, Remembered
    from engine.prices import PriceBook


class Cached:
    """What was heard of Redis.

    Attributes:
        failed: why it is of no use now; empty = it is, or there is none.
        lag_s: how old prices were when they arrived there, or here; None = not known.
    """

    def __init__(self, book: PriceBook) -> None:
        self.failed = ""
        self.lag_s: float | None = None
        self._book = book
        self._role = ""

    @property
    def words(self) -> str:
        """How it stands, for people; empty = there is no Redis."""
        if self.failed:
            return f"{self._role}: {self.failed}"
        return self._role if self.lag_s is None else f"{self._role}, {self.lag_s:.1f} s behind"

    def state(self, message: CacheState, _now_s: float) -> list[Effect]:
        """Tell of what begins to fail, and of what works again."""
        before, self.failed = self.failed, message.failed
        self._role, self.lag_s = message.role, message.lag_s
        if message.failed and not before:
            text = f"The {message.role}: {message.failed}. Prices that we have in memory go on counting."
            return [Alert(Urgency.MEDIUM, "redis", "Redis is of no use now", text)]
        if before and not message.failed:
            text = f"The {message.role} has worked for a while."
            return [Alert(Urgency.MEDIUM, "redis-back", "Redis works again", text)]
        return []

    def remembered(self, message: Remembered, _now_s: float) -> list[Effect]:
        """Keep prices from before the start, for people."""
        for tick, arrived_s in message.ticks:
            self._book.remember(tick, arrived_s)
        return []
