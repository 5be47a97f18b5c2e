"""Dhan's own nets, watched over: its P&L-based exit below our day stop, and its kill switch.

Both are read back on a beat; only modes that send orders ask for them or change them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Audit, QueryControls
from engine.kill_switch import KillSwitch
from engine.messages import BeatKind, Refused, Verb
from engine.model import Mode
from engine.money import signed_rupees
from engine.pnl_exit import NAME, PnlNet, Stage
from engine.preflight import Check, Light

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from engine.controls import ControlState
    from engine.effects import Effect
    from engine.helm import Helm
    from engine.limits import Limits
    from engine.messages import CommandOutcome

__all__ = ["Nets", "control_checks", "pnl_exit_check"]

#: Commands that are about the whole account.
ACCOUNT_VERBS = frozenset({Verb.ARM, Verb.DISARM, Verb.KILL, Verb.EXIT_ALL})
_ASKED_ON = frozenset({BeatKind.ACCOUNT, BeatKind.SESSION_OPEN, BeatKind.DRILL})


class Nets:
    """What Dhan holds up below us.

    Args:
        helm: whose account this is.
        limits: knows the day's P&L.
    """

    def __init__(self, helm: Helm, limits: Limits) -> None:
        self._helm = helm
        self._limits = limits
        self._sends = helm.mode in (Mode.SEMI_AUTO, Mode.EXECUTE)
        self._switch = KillSwitch(helm)
        wanted = helm.config.nets
        self._net = PnlNet(wanted.pnl_exit_extra_pct) if wanted.pnl_exit and self._sends else None

    def restore(self, journal: Mapping[str, Mapping[str, Mapping[str, Any]]], now_s: float) -> None:
        """Take over what the journal remembers."""
        if self._net is not None:
            self._net.restore(journal.get("net", {}).get(NAME))
        if self._sends:
            self._switch.restore(journal.get("setting", {}).get("killed", {}), now_s)
        self._helm.flattening.restore(journal.get("flatten", {}), now_s)

    # ---------------------------------------------------------------------------------- handling

    def beat(self, kind: BeatKind, now_s: float) -> list[Effect]:
        """Ask how the nets stand: every few minutes, every minute while something is open or not known."""
        if not self._sends:
            return []
        first = self._helm.controls.asked == 0
        unsure = self._helm.killed or not self._switch.known or self._unsettled(now_s)
        asked = self._ask() if first or (kind is BeatKind.HEALTH and unsure) or kind in _ASKED_ON else []
        if kind is not BeatKind.PULSE:
            return asked
        return asked + self._switch.look(now_s) + self._helm.flattening.after_limit(now_s)

    def take(self, state: ControlState, now_s: float) -> list[Effect]:
        """Take in an answer."""
        controls = self._helm.controls
        if controls.state is not None and state.request <= controls.state.request:
            return []  # overtaken by a newer one
        controls.state = state
        effects = self._switch.take(state, now_s) if self._sends else []
        effects += self._helm.flattening.take(state, now_s)
        if self._net is None or self._helm.killed or not self._helm.calendar.is_open(now_s):
            return effects
        if self._helm.trouble or self._helm.tenure.why(now_s):
            return effects  # nothing would leave from here
        if self._lowered and not self._net.ours:
            return effects
        name, stop_paise = self._helm.config.account, self._stop_paise()
        views = (view for view in self._limits.views(now_s) if view.name == name)
        day_paise = next((view.day_paise for view in views), None)
        return effects + self._net.take(state, stop_paise, day_paise, now_s, controls.asked)

    def outcome(self, message: CommandOutcome, now_s: float) -> list[Effect]:
        """What became of a command of the account; whatever it says, the truth is read back."""
        if message.correlation_id == NAME and self._net is not None:
            self._net.outcome(message, self._helm.controls.asked)
            audit = Audit("nets outcome", {"verb": message.verb, "said": repr(message.outcome)})
            return [audit, *self._ask()]
        return self._helm.flattening.outcome(message, now_s)

    def doubt(self, message: CommandOutcome) -> list[Effect]:
        """An order was refused in words about the kill switch: look how it stands."""
        said = message.outcome
        if not self._sends or not isinstance(said, Refused) or "kill" not in said.reason.casefold():
            return []
        return self._ask()

    def _ask(self) -> list[Effect]:
        return [QueryControls(self._helm.controls.next_request())]

    @property
    def _lowered(self) -> bool:
        """The chat has lowered the mode to alert-only, which holds up no net."""
        return self._helm.mode is Mode.ALERT_ONLY

    def _stop_paise(self) -> int | None:
        """The day stop that the net is to be below; None = there is to be no net."""
        if self._lowered:
            return None
        return self._helm.watch.rulebook.limits_for(self._helm.config.account).loss_paise

    def _unsettled(self, now_s: float) -> bool:
        if self._net is None or not self._helm.calendar.is_open(now_s):
            return False
        if self._lowered:
            return self._net.ours
        return not self._net.settled and (self._stop_paise() is not None or self._net.stage is Stage.STOPPING)

    # ----------------------------------------------------------------------------------- showing

    def words(self, now_s: float) -> str:
        """How the P&L-based exit stands, for people; empty = it is not wanted."""
        if self._net is None:
            return ""
        if self._stop_paise() is None and self._net.stage is Stage.OPEN:
            why = "the mode is alert-only" if self._lowered else "there is no day stop"
            return f"Dhan's own exit: not armed, as {why}"
        return f"Dhan's own exit: {self._net.words(now_s)}"

    def checks(self, now_s: float) -> list[Check]:
        """The drill's lines; none in a mode that sends nothing."""
        if not self._sends:
            return []
        words = self.words(now_s)
        own = [] if self._net is None else [Check("P&L exit", self._light(), words)]
        return [*control_checks(self._helm.controls.state), *own]

    def _light(self) -> Light:
        trouble = self._net is not None and self._net.stage in {Stage.OTHERS, Stage.GONE, Stage.GIVEN_UP}
        return Light.AMBER if trouble else Light.GREEN


def pnl_exit_check(state: ControlState, *, wanted: bool) -> list[Check]:
    """What Dhan's P&L-based exit is armed at, whoever did it; nothing when it is neither wanted nor armed."""
    if state.armed is None:
        return [Check("P&L exit", Light.AMBER, f"not known: {state.failed}")] if wanted else []
    levels = [f"armed at {signed_rupees(-terms.loss_paise)}" for terms in state.armed]
    if not levels and not wanted:
        return []
    return [
        Check("P&L exit", Light.GREEN, levels[0] if levels else "not armed; a monitor arms it in session")
    ]


def control_checks(state: ControlState | None) -> list[Check]:
    """How Dhan's kill switch stands."""
    if state is None or state.killed is None:
        why = "it was not asked yet" if state is None else state.failed
        return [Check("kill switch", Light.AMBER, f"not known: {why}")]
    if state.killed:
        return [Check("kill switch", Light.RED, "it is on: Dhan takes no order")]
    return [Check("kill switch", Light.GREEN, "it is off")]
