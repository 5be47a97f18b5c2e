"""What an underlying trades at, and which positions want to hear of it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.watch.watched import Watched

__all__ = ["Underlying"]


class Underlying:
    """One underlying.

    Attributes:
        price_paise: its last sound price; 0 = none yet.
        arrived_s: when that came; -inf = never.
        holders: the positions on it.
    """

    __slots__ = ("arrived_s", "holders", "price_paise")

    def __init__(self) -> None:
        self.price_paise = 0
        self.arrived_s = -inf
        self.holders: list[Watched] = []

    def take(self, price_paise: int, now_s: float) -> None:
        """A new price has come."""
        if price_paise > 0:
            self.price_paise, self.arrived_s = price_paise, now_s

    def believed(self, now_s: float, max_age_s: float) -> int | None:
        """The price, if it is young enough."""
        return self.price_paise if now_s <= self.arrived_s + max_age_s else None
