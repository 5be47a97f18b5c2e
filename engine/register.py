"""All exits of one account: which runs, which stands unfinished, which has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.intents import IntentState
from engine.parts import traded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any

    from engine.intents import Intent
    from engine.model import Position, PositionId
    from engine.pnl import Traded

__all__ = ["Register", "still_counting"]


class Register:
    """Exits by their id and by their position; what moves them is the desk's.

    Attributes:
        intents: every exit that still counts, ended or not, by id.
    """

    def __init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self._of: dict[PositionId, list[Intent]] = {}
        self._changed: dict[str, Intent] = {}
        self._since_s = 0.0  # when the day began

    def live(self) -> Iterator[Intent]:
        """Intents that have not ended."""
        return (i for i in self.intents.values() if i.state.live)

    def positions(self) -> Collection[PositionId]:
        """Those that an exit is, or was, about."""
        return self._of.keys()

    def of(self, position: PositionId) -> Intent | None:
        """The live intent of a position."""
        return next((i for i in self._of.get(position, ()) if i.state.live), None)

    def unfinished(self, position: PositionId) -> list[Intent]:
        """The exits of a position that ended before it was flat, oldest first."""
        return [i for i in self._of.get(position, ()) if not (i.state.live or i.state.flat)]

    def traded(self, position: Position) -> Traded:
        """What the exits of a position that is not flat have traded of it."""
        running = self.of(position.id)
        return traded(position, [*self.unfinished(position.id), *([running] if running else [])])

    def last_of(self, position: PositionId) -> Intent | None:
        """The newest intent of a position, live or ended today."""
        mine = reversed(self._of.get(position, ()))
        return next((i for i in mine if i.begun_s >= self._since_s), None)

    def standing(self) -> list[Intent]:
        """The newest exit of each position, if it ended today before the position was flat."""
        newest = map(self.last_of, self._of)
        return [i for i in newest if i is not None and not (i.state.live or i.state.flat)]

    def stuck(self) -> list[Intent]:
        """Those of them that wait for a person."""
        return [intent for intent in self.standing() if intent.state is IntentState.STUCK]

    def changed(self) -> dict[str, Intent]:
        """The exits that may have changed since this was asked last; of the others everything said stands."""
        changed, self._changed = self._changed, {}
        return changed

    def touched(self, intent: Intent) -> None:
        """An exit may have changed."""
        self._changed[intent.id] = intent

    def enter(self, intent: Intent) -> None:
        """Take one in."""
        self.intents[intent.id] = self._changed[intent.id] = intent
        self._of.setdefault(intent.position, []).append(intent)

    def turn_over(self, since_s: float) -> list[Intent]:
        """A day begins at ``since_s``: what ended before is forgotten, what did not is given back.

        What an exit traded of a position that it has not brought flat counts as long as the position's rows
        are as they were, and stays.
        """
        self._since_s = since_s
        old = [i for i in self.intents.values() if i.begun_s < since_s]
        for intent in old:
            if not intent.state.live and (intent.state.flat or not any(o.filled for o in intent.orders)):
                del self.intents[intent.id]
                self._of[intent.position].remove(intent)
        self._of = {position: exits for position, exits in self._of.items() if exits}
        return [intent for intent in old if intent.state.live]


def still_counting(
    journal: Mapping[str, Mapping[str, Mapping[str, Any]]], since_s: float
) -> tuple[dict[str, Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The exits that still count of those the journal knows, by id, and their orders.

    Exits that an earlier day has left open or half done do too; the first beat sorts them.
    """
    traded = {v["intent"] for v in journal.get("order", {}).values() if v["filled"]}
    intents = {
        k: v
        for k, v in journal.get("intent", {}).items()
        if v["begun_s"] >= since_s
        or IntentState(v["state"]).live
        or (not IntentState(v["state"]).flat and k in traded)
    }
    return intents, [v for v in journal.get("order", {}).values() if v["intent"] in intents]
