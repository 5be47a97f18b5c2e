"""What a command passes on its way out: the gate, the budget, orders in its way, and the age of its price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.budget import budget_of
from engine.model import Urgency
from engine.steps import Block, Cancel, Place, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from engine.blotter import Blotter
    from engine.intents import Intent
    from engine.model import InstrumentKey
    from engine.outgoing import Outgoing
    from engine.pricing import Touch
    from engine.steps import Reprice
    from engine.strangers import Strangers

__all__ = ["Passage"]

#: A quote older than this is told of when an order is priced from it.
OLD_QUOTE_S = 30.0
#: For so long an exit may be held back before that is told.
HELD_BACK_S = 5.0


class Passage:
    """Lets commands out, or says what hinders them.

    Args:
        touch: the best prices of a contract now.
        permit: why an intent may not send now; empty = it may.
        blotter: every order there is: they are what a budget counts.
        out: where effects are collected.
        strangers: orders that no journal knows.
    """

    def __init__(
        self,
        touch: Callable[[InstrumentKey], Touch],
        permit: Callable[[Intent | None, float], str],
        blotter: Blotter,
        out: Outgoing,
        strangers: Strangers,
    ) -> None:
        self._touch, self._permit = touch, permit
        self._blotter, self._out, self._strangers = blotter, out, strangers
        self._barred_s: dict[str, float] = {}

    def keep(self, names: Collection[str]) -> None:
        """Forget since when other exits than these were held back."""
        self._barred_s = {
            topic: since for topic, since in self._barred_s.items() if any(name in topic for name in names)
        }

    def let_out(
        self, intent: Intent, index: int, step: Place | Reprice | Cancel, now_s: float
    ) -> Block | Wait | None:
        """Send it, if nothing hinders it; what the leg has to do instead, None = nothing."""
        if why := self._permit(intent, now_s):
            self._held_back(intent, why, now_s)
            return None
        if isinstance(step, Cancel):
            self._out.cancel(step.order, now_s)
            return None
        if over := self._over_budget(intent, index):
            return Block(f"{intent.legs[index].name}: {over}")
        if isinstance(step, Place) and self._strangers.stand_in(intent.legs[index].key):
            return Wait(report=True, why="an order that no journal knows is being cancelled")
        self._tell_old_price(intent, index, now_s)
        if isinstance(step, Place):
            self._out.place(intent, index, step, now_s)
        else:
            self._out.reprice(step, now_s)
        return None

    def _held_back(self, intent: Intent, why: str, now_s: float) -> None:
        """Tell when it lasts: what a start or a hand-over takes and reads comes within seconds."""
        topic = f"gate:{intent.id}:{why}"
        if now_s - self._barred_s.setdefault(topic, now_s) >= HELD_BACK_S:
            self._out.tell(intent, topic, "Exit is held back", why)

    def _tell_old_price(self, intent: Intent, index: int, now_s: float) -> None:
        """An order is priced from what is known; that it is old must be known too."""
        leg = intent.legs[index]
        arrived_s = self._touch(leg.key).arrived_s
        if arrived_s and now_s - arrived_s >= OLD_QUOTE_S:
            text = f"{leg.name}: its last quote came {now_s - arrived_s:.0f} s ago. Look at its limit."
            self._out.tell(intent, f"old:{intent.id}:{leg.key}", "An exit is priced from old quotes", text)

    def _over_budget(self, intent: Intent, index: int) -> str:
        budget = budget_of(intent, index, self._blotter.all())
        if budget.low:
            topic = f"budget:{intent.id}"
            self._out.tell(intent, topic, "An exit sends many commands", budget.low, Urgency.MEDIUM)
        return budget.over
