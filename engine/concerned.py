"""Which exits a message concerns: a crash begins dozens at once, and each brings dozens of messages.

What one exit does next follows from its own orders, from what is known of its contracts, from the time and
the prices, and, where a day limit ends everything, from whether others are still short. So a message about
one order is looked at by the exits that share its contract, the pulse and the broker's books by all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.intents import IntentState
from engine.plan import SHORTS
from engine.rules.day_limits import DAY_RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.intents import Intent
    from engine.model import InstrumentKey

__all__ = ["Concerned", "DayShorts"]


class DayShorts:
    """Exits of a day limit that are still short of something that can be bought back.

    A margin account counts a long of one strategy as cover for a short of another. Whoever changes an exit
    has it looked at, before others are asked about.
    """

    def __init__(self) -> None:
        self._short: dict[str, str] = {}  # intent -> account

    def look(self, intent: Intent) -> bool:
        """Learn where an exit stands; True when that changes what others may do."""
        before = min(len(self._short), 2)  # of two shorts each has another, and so has everybody else
        if intent.verdict.rule in DAY_RULES and intent.state is IntentState.WORKING and _short(intent):
            self._short[intent.id] = intent.account
        else:
            self._short.pop(intent.id, None)
        return min(len(self._short), 2) != before

    def beside(self, intent: Intent) -> bool:
        """Whether another exit of the same account is among them."""
        return any(account == intent.account and name != intent.id for name, account in self._short.items())


class Concerned:
    """Who is looked at in a turn: by contract, or all.

    An exit that has just done something is looked at once more at the next turn, whatever that is about, with
    those that share its contracts: one order at a time is taken back, and what it did may be news to them.
    """

    def __init__(self) -> None:
        self._all = True
        self._day = self._day_next = False
        self._keys: set[InstrumentKey] = set()
        self._next: set[InstrumentKey] = set()

    def begin(self, keys: Iterable[InstrumentKey] | None) -> None:
        """A turn begins, for the exits of these contracts; None = for all."""
        self._all = keys is None
        self._keys, self._next = self._next | set(keys or ()), set()
        self._day, self._day_next = self._day_next, False

    def is_(self, intent: Intent) -> bool:
        """Whether an exit is to be looked at in this turn."""
        if self._all or (self._day and intent.verdict.rule in DAY_RULES):
            return True
        return any(leg.key in self._keys for leg in intent.legs)

    def acted(self, intent: Intent) -> None:
        """An exit has done something: those after it learn of it in this turn, others in the next."""
        keys = [leg.key for leg in intent.legs]
        self._keys.update(keys)
        self._next.update(keys)

    def day_changed(self) -> None:
        """One or two exits of a day limit are, or are not any more, the only ones that are short."""
        self._day = self._day_next = True


def _short(intent: Intent) -> bool:
    return any(
        leg.rank == SHORTS and not leg.blocked and intent.rest(index) > 0
        for index, leg in enumerate(intent.legs)
    )
