"""What a watch tells beside its exits: losses on their way, expiries to come, prices that fail to.

Everything is told once, and again only when it has gone meanwhile.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from engine.model import Urgency
from engine.rules.alerts import LossLadder, Stop
from engine.rules.base import Amount, Due, Kind
from engine.rules.verdicts import news

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model import Verdict
    from engine.pnl import Holding
    from engine.rules.base import Snapshot
    from engine.watch.armed import Armed
    from engine.watch.nouns import Memory

#: In session, a position that cannot be priced for this long is itself news.
UNPRICED_AFTER_S = 60.0


class Alarms:
    """What was told of one position.

    Attributes:
        ladder: the thresholds of loss.
        level: the highest threshold told and not armed again.
        warned_s: the latest warning moment told; None = none.
        unpriced: the owner was told that the position cannot be priced, and it still cannot.
    """

    __slots__ = ("_holding", "_unpriced_since_s", "ladder", "level", "unpriced", "warned_s")

    def __init__(self, holding: Holding) -> None:
        self._holding = holding
        self.ladder = LossLadder.of(())
        self.level = 0
        self.warned_s: float | None = None
        self.unpriced = False
        self.rest()

    def remember(self, memory: Memory, rules: Sequence[Armed]) -> None:
        """Take over what was told before; realised P&L moves the thresholds."""
        self.level, self.warned_s = memory.alert_level, memory.warned_s
        self.ladder = LossLadder.of(
            [
                Stop(
                    armed.rule.name,
                    armed.params.threshold_paise,
                    memory.realised_paise * armed.rule.with_realised,
                )
                for armed in rules
                if armed.rule.kind is Kind.LOSS and isinstance(armed.params, Amount)
            ]
        )

    def rest(self) -> None:
        """Nobody looked for a while: a time without a price begins anew."""
        self._unpriced_since_s = inf

    def speak(self, snapshot: Snapshot, clocks: Sequence[Armed]) -> list[Verdict]:
        """All that is news at this moment; ``clocks``: the rules that go by the time, in their order."""
        said = list(self._warnings(snapshot.now_s, clocks)) if clocks else []
        if snapshot.guarded_paise is None:
            said += self._no_price(snapshot.now_s)
            return said
        self._unpriced_since_s, self.unpriced = inf, False
        alert = self._loss(snapshot.guarded_paise)
        return said if alert is None else [*said, alert]

    @property
    def due_s(self) -> float:
        """When it is news that there is no price, if none comes; inf = there is one, or it is told."""
        return inf if self.unpriced else self._unpriced_since_s + UNPRICED_AFTER_S

    def _warnings(self, now_s: float, clocks: Sequence[Armed]) -> Iterator[Verdict]:
        """Tell once of each warning moment that has come; of several at once only the last."""
        for armed in clocks:
            if not isinstance(armed.params, Due) or not armed.params.warn_s:
                continue
            due = [moment for moment in armed.params.warn_s if moment <= now_s]
            if due and (self.warned_s is None or due[-1] > self.warned_s) and not armed.fired:
                self.warned_s = due[-1]
                yield news(armed.rule.name, Urgency.HIGH, armed.params.text)

    def _loss(self, guarded_paise: int) -> Verdict | None:
        """Tell of a newly reached loss threshold, and arm again what has receded."""
        before = self.level
        self.level = self.ladder.level_after(before, guarded_paise)
        return self.ladder.alert(guarded_paise) if self.level > before else None

    def _no_price(self, now_s: float) -> Iterator[Verdict]:
        """Tell once that no stop can watch over the position for want of a price."""
        self._unpriced_since_s = min(self._unpriced_since_s, now_s)
        if not self.unpriced and now_s >= self._unpriced_since_s + UNPRICED_AFTER_S:
            self.unpriced = True
            legs = ", ".join(self._holding.blind(now_s))
            yield news("unpriced", Urgency.MEDIUM, f"no usable quote for {UNPRICED_AFTER_S:.0f} s: {legs}")
