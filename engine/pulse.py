"""What time alone brings about, looked at twice a second: what is due, in the order in which it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import notices

if TYPE_CHECKING:
    from engine.broker_side import BrokerSide
    from engine.effects import Effect
    from engine.helm import Helm
    from engine.hindsight import Hindsight
    from engine.judging import Judging
    from engine.limits import Limits
    from engine.turns import Turns

__all__ = ["Pulse"]

#: With no more positions than these all chores are done within the pulse: they take less than a turn costs.
FEW = 20


class Pulse:
    """Asks everybody whether something is due.

    Args:
        helm: holds what ends with time: the account's lease, snoozes, questions.
        limits: judged before positions, for they rank above what those say of themselves.
        judging: judges those whose time has come.
        broker: has exits go on.
        hindsight: asks for the prices at the close.
        turns: what nobody waits for.
    """

    def __init__(
        self,
        helm: Helm,
        limits: Limits,
        judging: Judging,
        broker: BrokerSide,
        hindsight: Hindsight,
        turns: Turns,
    ) -> None:
        self._helm, self._limits, self._judging = helm, limits, judging
        self._broker, self._hindsight, self._turns = broker, hindsight, turns
        self._greeted = False

    def beat(self, now_s: float) -> list[Effect]:
        """Do what is due."""
        helm = self._helm
        effects = helm.tenure.look(now_s)
        if not helm.tenure.why(now_s):
            effects += helm.bearings.look(now_s) + self._greet(now_s)
        effects += helm.forewarnings.look(now_s) + helm.leashes.look(now_s)
        helm.wake(now_s)
        effects += self._limits.judge(now_s)
        effects += self._judging.go_on(now_s)
        effects += helm.dialogue.expire(now_s)
        effects += helm.dialogue.exits.look(now_s)
        effects += self._broker.pulse(now_s) + self._hindsight.look(now_s)
        return effects + self._turns.pulse(now_s, at_once=len(helm.holdings.positions) <= FEW)

    def _greet(self, now_s: float) -> list[Effect]:
        """Once in a life, as soon as everything is read."""
        if self._greeted or not (self._helm.bearings.found and self._helm.holdings.known):
            return []
        self._greeted = True
        return [notices.running(self._helm, now_s)]
