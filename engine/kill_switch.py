"""Dhan's kill switch as we know it: while it is on nothing is sent, and what is not known bars nothing.

It is journaled, so that a restart sends nothing into it. A page that cannot be read any more must not keep
every stop silent: after some minutes it counts as not known. A try that Dhan refuses waits and costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Alert, Audit, Record
from engine.flatten import Step
from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from engine.controls import ControlState
    from engine.effects import Effect
    from engine.helm import Helm

__all__ = ["KillSwitch"]

#: So long after the last answer that it is on it counts as on.
DOUBT_S = 180.0


class KillSwitch:
    """What was last heard of it, which `engine.helm.Helm.killed` tells everybody.

    Args:
        helm: whose account this is.
    """

    def __init__(self, helm: Helm) -> None:
        self._helm = helm
        self._heard_s: float | None = None

    @property
    def known(self) -> bool:
        """Whether it has been heard of."""
        return self._heard_s is not None

    def restore(self, row: Mapping[str, Any], now_s: float) -> None:
        """Take over what the journal remembers; that it was on counts as heard now."""
        if row.get("on"):
            self._helm.killed, self._heard_s = True, now_s

    def take(self, state: ControlState, now_s: float) -> list[Effect]:
        """Take in an answer: it was turned, by us or by somebody."""
        helm, killed = self._helm, state.killed
        if killed is None:
            return []
        self._heard_s = now_s
        if killed == helm.killed:
            return []
        effects, wish = self._turned(on=killed), helm.flattening.running
        if killed and wish is not None and wish.step in {Step.KILL, Step.CONFIRM}:
            return effects  # our own doing, told by who did it
        if killed:
            text = "Dhan takes no order, ours neither: rules only tell. You alone can end it, in Dhan's app."
            return [*effects, Alert(Urgency.HIGH, "killed", "Dhan's kill switch is on", text)]
        text = "Dhan takes orders again; the rules act again."
        return [*effects, Alert(Urgency.MEDIUM, "killed-over", "Dhan's kill switch is off", text)]

    def look(self, now_s: float) -> list[Effect]:
        """It was on, and nobody has been able to say so again for long."""
        if not self._helm.killed or self._heard_s is None or now_s - self._heard_s < DOUBT_S:
            return []
        title = "Whether Dhan's kill switch is on is not known"
        text = (
            f"It was on, and for {DOUBT_S / 60:.0f} minutes nobody could say so again. The rules act again; "
            "if it is on, Dhan refuses their orders, and their exits wait for its end."
        )
        return [*self._turned(on=False), Alert(Urgency.HIGH, "killed-unknown", title, text)]

    def _turned(self, *, on: bool) -> list[Effect]:
        self._helm.killed = on
        if not on:
            self._helm.release(self._helm.holdings.positions)
        return [Record("setting", "killed", {"on": on}), Audit("kill switch", {"on": on})]
