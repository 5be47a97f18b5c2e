"""Asks for quotes by REST when an exit is to be priced from old ones.

The feed may be dead, or alive and silent about one contract. An exit goes on with what is known
meanwhile: a late price is worth less than a late order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import QueryQuotes
from engine.intents import IntentState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.intents import Intent
    from engine.model import InstrumentKey
    from engine.pricing import Touch

__all__ = ["Requotes", "is_old"]

#: A quote older than this is asked for anew. A quiet contract is silent for as long, and asking costs little.
STALE_S = 3.0
#: The account has one question a second, and fills the gaps of its feed with the same.
EVERY_S = 3.0


def is_old(touch: Touch, now_s: float) -> bool:
    """Whether these prices came a while ago; False when nobody knows when."""
    return touch.arrived_s > 0.0 and now_s - touch.arrived_s >= STALE_S


class Requotes:
    """When the contracts of exits were asked for last.

    Args:
        touch: the best prices of a contract now.
        permit: why an intent may not send now; empty = it may. Who may not send needs no prices.
    """

    def __init__(
        self, touch: Callable[[InstrumentKey], Touch], permit: Callable[[Intent, float], str]
    ) -> None:
        self._touch = touch
        self._permit = permit
        self._asked_s: float | None = None

    def look(
        self, moved: Iterable[Intent], live: Callable[[], Iterable[Intent]], now_s: float
    ) -> list[QueryQuotes]:
        """One question for all that is open of the live exits and has no fresh quote; none too soon.

        ``moved``: those for which it may be time; the question is asked for all when it is for one of them.
        """
        if self._asked_s is not None and now_s - self._asked_s < EVERY_S:
            return []
        if not self._stale(moved, now_s):
            return []
        self._asked_s = now_s
        return [QueryQuotes(tuple(self._stale(live(), now_s)))]

    def _stale(self, intents: Iterable[Intent], now_s: float) -> list[InstrumentKey]:
        keys = {key: None for intent in intents for key in self._open(intent, now_s)}
        return [key for key in keys if now_s - self._touch(key).arrived_s >= STALE_S]

    def _open(self, intent: Intent, now_s: float) -> list[InstrumentKey]:
        if intent.state is not IntentState.WORKING or self._permit(intent, now_s):
            return []
        return [leg.key for at, leg in enumerate(intent.legs) if intent.rest(at) > 0 and not leg.blocked]
