"""One armed rule of one position, with what it remembers between prices.

A condition that is met must last, or be deep for two prices, before it is *confirmed*; once it has
*fired* it stays silent until it has clearly gone.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from engine.rules.base import Amount, Kind, Level, Refusal
from engine.rules.registry import rules
from engine.watch.nouns import RuleNote

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from fractions import Fraction

    from engine.model import InstrumentKey, Verdict
    from engine.rules.base import Due, Rule, Situation, Snapshot
    from engine.rules.rulebook import RuleSet

#: How long a profit must last, seconds; a loss lasts ``confirm_s`` of its table, a clock needs none.
PROFIT_CONFIRM_S = 1.0
#: A loss this many per cent of its threshold is deep: two prices of the legs that moved are enough.
_DEEP_PCT = 115
#: How far, in per cent of its threshold, a fired condition must recede before it can fire again.
_CLEAR_PCT = 5


class Armed:
    """One rule on guard.

    Attributes:
        level_paise: P&L of the open legs at which it is met; None for clock rules.
        verdict: what it says now, unless it has fired already; None = nothing.
        confirmed: what it says may be acted on.
        fired: it has been acted on and its condition has not clearly gone since.
    """

    __slots__ = (
        "_clear_paise", "_confirm_s", "_since_s", "_waiting", "confirmed", "fired", "level_paise", "params",
        "rule", "verdict",
    )  # fmt: skip

    def __init__(self, rule: Rule[Any, Any], params: Amount | Due, confirm_s: float) -> None:
        self.rule = rule
        self.params = params
        self._confirm_s = {Kind.PROFIT: PROFIT_CONFIRM_S, Kind.LOSS: confirm_s, Kind.CLOCK: 0.0}[rule.kind]
        self.fired = False
        self.level_paise: int | None = None
        self._clear_paise = 0
        self.count_realised(0)
        self.rest()

    def count_realised(self, realised_paise: int) -> None:
        """Place the level anew after a partial exit."""
        if isinstance(self.params, Amount):
            threshold = self.params.threshold_paise
            self.level_paise = threshold - (realised_paise if self.rule.with_realised else 0)
            self._clear_paise = max(-(-abs(threshold) * _CLEAR_PCT // 100), 1)

    def spent(self, scaled_to: Fraction) -> bool:
        """Whether it is a level that has acted, or was passed by a higher one that has."""
        return isinstance(self.params, Level) and self.params.at <= scaled_to

    def rest(self) -> None:
        """Forget a condition that was met: it recovered, or nobody looked for a while."""
        self.verdict: Verdict | None = None
        self.confirmed = False
        self._since_s = inf
        self._waiting: AbstractSet[InstrumentKey] | None = None

    def follow(
        self, snapshot: Snapshot, moved: AbstractSet[InstrumentKey], legs: AbstractSet[InstrumentKey]
    ) -> None:
        """Take a look at the newest prices.

        Args:
            snapshot: the position now.
            moved: the instruments whose prices have just come; none when only time went by.
            legs: all instruments of the position.
        """
        verdict = self.rule.judge(snapshot, self.params)
        if self.fired and verdict is None:
            self.fired = not self._cleared(snapshot)
        if self.fired or verdict is None:
            self.rest()
            return
        self.verdict = verdict
        self._since_s = min(self._since_s, snapshot.now_s)
        deep = self._deep_twice(verdict, moved, legs)
        self.confirmed = self.confirmed or deep or snapshot.now_s >= self._since_s + self._confirm_s

    @property
    def confirms_s(self) -> float:
        """When time alone will confirm what is met now; inf when nothing waits for it."""
        return inf if self.verdict is None or self.confirmed else self._since_s + self._confirm_s

    def still_between(self) -> tuple[int | None, int | None]:
        """Between which P&Ls of the open legs, both included, an unmet rule has nothing new to say."""
        if self.level_paise is None:
            return None, None
        if self.rule.kind is Kind.LOSS:
            if self.fired:
                return None, self.level_paise + self._clear_paise - 1
            return self.level_paise + 1, None
        if self.fired:
            return self.level_paise - self._clear_paise + 1, None
        return None, self.level_paise - 1

    def _cleared(self, snapshot: Snapshot) -> bool:
        """Whether a fired condition has gone far enough to be taken for gone."""
        if self.level_paise is None:
            return False
        if self.rule.kind is Kind.LOSS:
            pnl = snapshot.guarded_paise
            return pnl is not None and pnl >= self.level_paise + self._clear_paise
        pnl = snapshot.marked_paise
        return pnl is not None and pnl <= self.level_paise - self._clear_paise

    def _deep_twice(
        self, verdict: Verdict, moved: AbstractSet[InstrumentKey], legs: AbstractSet[InstrumentKey]
    ) -> bool:
        """Whether every leg that moved when the loss became deep has confirmed it with another price.

        One bad tick of one leg is one price; the others ticking along do not make it two.
        """
        pnl, threshold = verdict.pnl_paise, verdict.threshold_paise
        if self.rule.kind is not Kind.LOSS or pnl is None or threshold is None:
            return False
        if pnl * 100 > threshold * _DEEP_PCT:
            self._waiting = None
            return False
        if self._waiting is None:
            self._waiting = moved or legs
            return False
        self._waiting -= moved
        return not self._waiting


def arm(ruleset: RuleSet, situation: Situation) -> tuple[tuple[Armed, ...], tuple[RuleNote, ...]]:
    """Arm every rule that can guard the position, highest precedence first, and say which cannot."""
    armed, notes = [], []
    for name, rule in rules().items():
        if name not in ruleset.rules:
            continue
        params = rule.arm(ruleset.rules[name], situation)
        if isinstance(params, Refusal):
            notes.append(RuleNote(name, params.text, params.refused))
        else:
            levels = params if isinstance(params, tuple) else (params,)
            armed += [Armed(rule, level, ruleset.settings.confirm_s) for level in levels]
    return tuple(armed), tuple(notes)
