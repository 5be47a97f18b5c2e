"""How an exit ends: verified flat, stuck with a human told, or stopped by hand; there is no other end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Audit
from engine.intents import IntentState
from engine.naked import risk_words
from engine.steps import OLD_READ_S, Wait, cancel_due
from engine.verify import Finding, comes_true, explained, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.intents import Intent
    from engine.ledger import Ledger
    from engine.outgoing import Outgoing

__all__ = ["Endings"]

#: How long the broker, while it can be read, may take to show us flat after the last fill.
VERIFY_LIMIT_S = 30.0


class Endings:
    """Brings intents to their ends, and back from one that has turned out to be wrong.

    Args:
        ledger: the broker's word and our own fills.
        out: where effects are collected.
        in_session: whether the market trades: while it does not, no read is evidence against our fills.
    """

    def __init__(self, ledger: Ledger, out: Outgoing, in_session: Callable[[float], bool]) -> None:
        self._ledger = ledger
        self._out = out
        self._in_session = in_session

    def wind_down(self, intent: Intent, hindrance: str, now_s: float) -> Wait | None:
        """/stop: cancel what works, wait for what is unknown, leave the rest of the position.

        ``hindrance``: why no cancel may be sent; empty = it may.

        Returns:
            What is still waited for; None when the intent has ended.
        """
        live = intent.live_orders()
        if not live and all(intent.rest(index) <= 0 for index in range(len(intent.legs))):
            return self.verify(intent, now_s)  # the cancel came after the last fill
        if not live and intent.note:  # held, not stopped by hand
            self.stuck(intent, intent.note)
            return None
        if not live:
            intent.end(IntentState.ABORTED, now_s)
            intent.note = "Stopped by hand; what is left of the position stays."
            self._out.save(intent)
            return None
        if hindrance:
            return Wait(report=True, why=f"order {live[0].id} is not cancelled from here: {hindrance}")
        for order in live:
            if cancel_due(order, now_s):
                self._out.cancel(order, now_s)
        return Wait(report=True, why=f"the broker does not confirm that order {live[0].id} is cancelled")

    def verify(self, intent: Intent, now_s: float) -> Wait | None:
        """All that was planned is traded: flat once the books agree, stuck when they do not for long.

        Returns:
            What is still waited for; None when the intent has ended.
        """
        finding, why = verify(intent, self._ledger)
        if not self._in_session(now_s) and not (finding is Finding.FLAT and explained(intent, self._ledger)):
            intent.verify_since_s = None
            return Wait(report=finding is Finding.UNREAD)
        if finding is Finding.FLAT:
            outside = any(intent.outside(index) for index in range(len(intent.legs)))
            intent.end(IntentState.CLOSED_OUTSIDE if outside else IntentState.FLAT, now_s)
            self._out.save(intent)
            self._tell_added(intent)
            self._out.add(Audit("part closed" if intent.part else intent.state, {"intent": intent.id}))
            return None
        if finding is Finding.UNREAD or self._ledger.age_s(now_s) > OLD_READ_S:
            return Wait(
                report=True, why="everything planned is filled, but the broker's books cannot be read"
            )
        intent.verify_since_s = intent.verify_since_s or now_s
        if now_s - intent.verify_since_s >= VERIFY_LIMIT_S:
            self.stuck(intent, f"everything planned is filled, but {why}")
        return Wait(report=True)

    def _tell_added(self, intent: Intent) -> None:
        """Others have opened more of a contract while we closed what was planned: nobody watches that."""
        for leg in intent.legs:
            if added := self._ledger.added(leg):
                text = (
                    f"{leg.name}: what was planned is closed, but somebody else has added {added} units "
                    "meanwhile. They are in no row, and no rule guards them."
                )
                self._out.tell(intent, f"added:{intent.id}:{leg.key}", "The broker holds more", text)

    def stuck(self, intent: Intent, why: str) -> None:
        """Give up, and tell a human."""
        intent.state = IntentState.STUCK
        intent.note = "; ".join([why, *self._turned(intent, why)])
        self._out.save(intent)
        self.tell_stuck(intent)

    def _turned(self, intent: Intent, why: str) -> list[str]:
        """What stands the other way round and is not named yet: its turn, which would tell, never comes."""
        said = []
        for leg in intent.legs:
            row = self._ledger.row(leg)
            if row is not None and row.net_quantity * leg.side.sign > 0 and leg.name not in why:
                said.append(
                    f"{leg.name}: the broker shows {row.net_quantity:+d}: it stands the other way round"
                )
        return said

    def tell_stuck(self, intent: Intent) -> None:
        """Tell of an exit that stands stuck, and what its position can still lose."""
        text = f"{intent.note.rstrip('. ')}. {risk_words(intent, self._ledger)}".rstrip()
        self._out.tell(intent, f"stuck:{intent.id}", "Exit is stuck: look at the broker now", text)

    def take_up(self, stuck: Iterable[Intent]) -> None:
        """Go on with stuck exits whose plan is all traded, now that the books agree; they end flat."""
        for intent in stuck:
            if comes_true(intent, self._ledger):
                intent.state, intent.note, intent.verify_since_s = IntentState.WORKING, "", None
                self._out.save(intent)
                text = f"{intent.title}: the broker's books now show what was planned."
                self._out.tell(intent, f"after all:{intent.id}", "Exit is verified after all", text)
