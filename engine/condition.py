"""A condition that must last before it counts: by time, or by depth at two prices of what moved."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import InstrumentKey


class Condition:
    """One limit that may be met.

    Attributes:
        due_s: when time alone will confirm what is met; inf = nothing is.
    """

    def __init__(self) -> None:
        self._since_s = inf
        self._waiting: dict[InstrumentKey, float] | None = None
        self.due_s = inf

    def confirmed(self, now_s: float, confirm_s: float, *, met: bool) -> bool:
        """Whether what is met has lasted; what is not met begins anew."""
        self._since_s = min(self._since_s, now_s) if met else inf
        self.due_s = self._since_s + confirm_s
        return now_s >= self.due_s

    def deep_twice(
        self,
        arrived: Mapping[InstrumentKey, float],
        moved: Mapping[InstrumentKey, float],
        *,
        deep: bool,
    ) -> bool:
        """Whether every leg that moved when it became deep has had another price since."""
        if not deep:
            self._waiting = None
            return False
        if self._waiting is None:
            self._waiting = dict(moved or arrived)
            return False
        self._waiting = {key: at_s for key, at_s in self._waiting.items() if arrived.get(key, at_s) <= at_s}
        return not self._waiting
