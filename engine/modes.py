"""/mode: lowered at once by whoever may exit, raised by an owner with two keys, never above the host's own.

A lowered mode survives a restart. Exits that run when it is lowered go on to their end: what is half
closed must not be left so. Simulate is another journal and another broker: only the host enters or leaves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.accounts import MODES_BY_REACH, lower_mode
from engine.effects import Audit, QueryControls, Record, Say
from engine.errors import BadInput
from engine.messages import Wish
from engine.model import Mode
from engine.two_keys import HOLD_S, Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.effects import Effect
    from engine.helm import Helm
    from engine.messages import Actor, Command
    from engine.two_keys import TwoKeys

__all__ = ["MODE_MEANS", "Modes"]

#: What each mode does, for people.
MODE_MEANS = {
    Mode.SIMULATE: "orders are simulated, nothing reaches the broker",
    Mode.ALERT_ONLY: "alerts only, no orders",
    Mode.SEMI_AUTO: "each exit waits for your button",
    Mode.EXECUTE: "exits are placed by themselves",
}
#: What /mode may lower to; simulate is the host's.
_LOWERED_TO = (Mode.ALERT_ONLY, Mode.SEMI_AUTO)
_SHORT = {"alert": Mode.ALERT_ONLY, "semi": Mode.SEMI_AUTO, "auto": Mode.EXECUTE}


class Modes:
    """The mode as people may move it.

    Args:
        helm: whose mode it is; its configuration's is the highest.
        keys: what raising takes.
    """

    def __init__(self, helm: Helm, keys: TwoKeys) -> None:
        self._helm = helm
        self._keys = keys

    def restore(self, row: Mapping[str, Any] | None) -> None:
        """What somebody has lowered stays so."""
        if row and row["mode"] and self.ceiling is not Mode.SIMULATE:
            self._helm.mode = lower_mode(self.ceiling, Mode(row["mode"]))

    @property
    def ceiling(self) -> Mode:
        """The mode in which the host has started this account."""
        return self._helm.config.mode

    def command(self, command: Command, now_s: float) -> list[Effect]:
        """Show, lower, or begin to raise."""
        word = command.value.casefold().replace("_", "-").replace(" ", "-")
        if not word:
            return [Say(command.by, self._shown())]
        wanted = _SHORT.get(word) or next((mode for mode in Mode if mode.value == word), None)
        if wanted is None:
            return [Say(command.by, f"“{command.value}” is no mode.{self._ways()} Nothing was changed.")]
        if wanted is self._helm.mode:
            return [Say(command.by, self._shown())]
        if why := self._why_not(wanted):
            return [Say(command.by, f"{why} Nothing was changed.")]
        if _reach(wanted) < _reach(self._helm.mode):
            return self._lower(wanted, command.by, now_s)
        if not command.owner:
            return [Say(command.by, "Raising the mode needs an owner. Nothing was changed.")]
        return self._raise(wanted, command.by, now_s)

    def _why_not(self, wanted: Mode) -> str:
        if Mode.SIMULATE in {wanted, self.ceiling}:
            return (
                "Simulate has a journal and a broker of its own: start or leave it on the host. "
                "/mode alert-only sends nothing either."
                if self.ceiling is not Mode.SIMULATE
                else "The host runs simulate; another mode is started there."
            )
        if _reach(wanted) > _reach(self.ceiling):
            return f"The host allows {self.ceiling} at most; start it with --{wanted} for more."
        return ""

    def _lower(self, wanted: Mode, by: Actor, now_s: float) -> list[Effect]:
        before, helm = self._helm.mode, self._helm
        effects: list[Effect] = [*self._set(wanted, by, now_s)]
        runs = " What is exiting already goes on to its end." if any(True for _ in helm.desk.live()) else ""
        runs += self._net_words(now_s) if wanted is Mode.ALERT_ONLY else ""
        said = f"Mode {wanted} now, it was {before}: {MODE_MEANS[wanted]}.{runs}"
        effects.append(Say(by, f"{said} Raising it again takes an owner."))
        effects += self._keys.cancel(f"The mode was lowered by {by.name}.")
        if wanted is Mode.ALERT_ONLY:
            effects += self._look_at_net()
            effects += helm.flattening.stop(f"The mode was lowered by {by.name}")
            effects += helm.dialogue.withdraw("The mode is alert-only now; nothing was sent.")
        return effects

    def _raise(self, wanted: Mode, by: Actor, now_s: float) -> list[Effect]:
        before = self._helm.mode
        at_once = ("What is met by then acts at once.",) if wanted is Mode.EXECUTE else ()
        means = (f"Now: {before}", f"  {MODE_MEANS[before]}", f"New: {wanted}", f"  {MODE_MEANS[wanted]}")
        lines = (*means, *at_once)

        def apply(at_s: float) -> tuple[tuple[str, ...], list[Effect]]:
            if why := self._helm.tenure.why(at_s) or ("automation is halted" if self._helm.halted else ""):
                raise BadInput(f"Not now: {why}")
            if self._helm.mode is not before:
                raise BadInput(f"The mode is {self._helm.mode} meanwhile")
            effects = self._set(wanted, by, at_s)
            self._helm.release(self._helm.holdings.positions)
            effects += self._look_at_net()
            return (f"Mode {wanted}: {MODE_MEANS[wanted]}.", f"By {by.name}."), effects

        return self._keys.ask(Change(Wish.MODE, f"Raise the mode to {wanted}", lines, apply), by, now_s)

    def _look_at_net(self) -> list[Effect]:
        """Dhan's own exit goes and comes with the mode (`engine.nets`), once it is seen how it stands."""
        wanted = self._helm.config.nets.pnl_exit
        return [QueryControls(self._helm.controls.next_request())] if wanted else []

    def _net_words(self, now_s: float) -> str:
        """What becomes of Dhan's own exit in alert-only; nothing where there is none, or out of session."""
        helm = self._helm
        if not helm.config.nets.pnl_exit or not helm.calendar.is_open(now_s):
            return ""
        killed = "Dhan's kill switch is on" if helm.killed else ""
        if why := helm.trouble or helm.tenure.why(now_s) or killed:
            return f" Dhan's own exit stays as it is: {why}."
        return " Dhan's own exit, where it is ours, is being disarmed; /status shows it."

    def _set(self, wanted: Mode, by: Actor, now_s: float) -> list[Effect]:
        before, self._helm.mode = self._helm.mode, wanted
        lowered = "" if wanted is self.ceiling else wanted.value
        return [
            Record("setting", "mode", {"mode": lowered, "by": by.name, "at_s": now_s}),
            Audit("mode", {"from": before, "to": wanted, "by": by.name, "user": by.user_id}),
        ]

    def _shown(self) -> str:
        mode, under_way = self._helm.mode, self._keys.words()
        highest = "" if mode is self.ceiling else f" The host allows {self.ceiling}."
        return (
            f"Mode {mode}: {MODE_MEANS[mode]}.{highest}{self._ways()}{f' {under_way}' if under_way else ''}"
        )

    def _ways(self) -> str:
        """How the mode moves from here, as a sentence with a blank before it; empty = it cannot."""
        mode = self._helm.mode
        lower = [f"/mode {each}" for each in _LOWERED_TO if _reach(each) < _reach(mode)]
        ways = [f"{' or '.join(lower)} lowers it at once"] if lower else []
        ways += [] if mode is self.ceiling else [f"raising it takes an owner, a code and {HOLD_S:.0f} s"]
        said = "; ".join(ways)
        return f" {said[0].upper()}{said[1:]}." if said else ""


def _reach(mode: Mode) -> int:
    return MODES_BY_REACH.index(mode)
