"""From prices to verdicts, and from those to what is done; never by rows that are known to be old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import GoOn
from engine.model import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.effects import Effect
    from engine.helm import Helm
    from engine.limits import Limits
    from engine.messages import Ticks
    from engine.model import PositionId, Verdict
    from engine.watch import Judgement

__all__ = ["Judging"]

#: So many positions are judged in one piece when their time has come: some 0.3 ms.
JUDGED_AT_ONCE = 5


class Judging:
    """Has positions judged, and the helm do what follows.

    Args:
        helm: whose positions these are.
        limits: judged with the prices of one instant.
    """

    def __init__(self, helm: Helm, limits: Limits) -> None:
        self._helm, self._limits = helm, limits
        self._watch, self._holdings = helm.watch, helm.holdings

    def ticks(self, message: Ticks, now_s: float) -> list[Effect]:
        """Take prices in, and judge whom they concern."""
        effects: list[Effect] = []
        if message.instant:
            effects += self._follow(self._watch.instant(message.ticks, now_s, message.age_s), now_s)
            return effects + self._limits.judge(now_s, at_once=True)
        take = self._watch.tick
        for tick in message.ticks:
            if said := take(tick, now_s):
                effects += self._follow(said, now_s)
        return effects

    @property
    def unfinished(self) -> bool:
        """Whether `go_on` has somebody to judge."""
        return self._watch.unfinished

    def go_on(self, now_s: float) -> list[Effect]:
        """Judge those whose time has come: after a start, or at a clock rule's stroke, maybe all of them."""
        effects = self._follow(self._watch.beat(now_s, JUDGED_AT_ONCE), now_s)
        return [*effects, GoOn()] if self._watch.unfinished else effects

    def _follow(self, said: Sequence[Judgement], now_s: float) -> list[Effect]:
        """Do what follows; who was judged by rows known to be old is brought up to date first.

        With other legs than before it is another position, and judged again. With the same ones its rules go
        on as they are, those that have just spoken too: they would not do so again.
        """
        effects: list[Effect] = []
        intake = self._holdings.intake
        old = dict.fromkeys(one.position for one in said if intake.behind(one.position))
        alike: set[PositionId] = set()
        if old:
            held = self._holdings.positions
            legs = {name: held[name].legs for name in old if name in held}
            intake.note_parted()
            effects += [*intake.catch_up(old, now_s), GoOn()]
            self._watch.unfinished = True
            alike = {name for name in legs if name in held and held[name].legs == legs[name]}
        for judgement in said:
            name = judgement.position
            if name not in old or (name in alike and self._goes_on(name, judgement.verdict)):
                effects += self._helm.judged(judgement, now_s)
        return effects

    def _goes_on(self, name: PositionId, verdict: Verdict) -> bool:
        """Whether what a position has said before its rows were worked in is still what it says."""
        if verdict.action is Action.ALERT:
            return True
        armed = self._watch.watched(name).armed
        return any(one.fired and one.rule.name == verdict.rule for one in armed)
