"""One armed rule of one position, with what it remembers between prices.

A condition that is met must last, or be deep for two prices, before it is *confirmed*; once it has
*fired* it stays silent until it has clearly gone.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from engine.errors import PrahariError
from engine.rules.base import Amount, Daily, Due, Kind, Level, Limits, Ratchet
from engine.rules.stricter import never_later

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import date
    from fractions import Fraction

    from engine.model import InstrumentKey, Verdict
    from engine.rules.base import Params, Rule, Snapshot
    from engine.sessions import Calendar

#: How long a profit must last, seconds; a loss lasts ``confirm_s`` of its table, a clock needs none.
PROFIT_CONFIRM_S = 1.0
#: A loss this many per cent of its threshold is deep: two prices of the legs that moved are enough.
_DEEP_PCT = 115
#: How far, in per cent of its threshold, a fired condition must recede before it can fire again.
_CLEAR_PCT = 5
#: What a rule with a mistake in it raises. It must not stop the watch over any other position.
RULE_FAULTS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, PrahariError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip


class Armed:
    """One rule on guard.

    Attributes:
        params: what it waits for; a ratchet's rise, a daily moment is today's.
        level_paise: P&L of the open legs at which it is met; None for rules that wait for anything else.
        counts_paise: realised P&L that it counts on top of the open legs'.
        verdict: what it says now, unless it has fired already; None = nothing.
        confirmed: what it says may be acted on.
        due_s: before this moment it has nothing to say; -inf unless it goes by the clock.
        fired: it has been acted on and its condition has not clearly gone since.
        fault: the mistake it made; empty = none.
    """

    __slots__ = (
        "_asked", "_clear_paise", "_confirm_s", "_daily", "_judge", "_since_s", "_waiting", "confirmed",
        "counts_paise", "due_s", "fault", "fired", "level_paise", "params", "rule", "verdict",
    )  # fmt: skip

    def __init__(self, rule: Rule[Any, Any], params: Params, confirm_s: float) -> None:
        self.rule = rule
        self._judge = rule.judge
        self.params = self._asked = params
        self._daily = params if isinstance(params, Daily) else None
        self._confirm_s = {Kind.PROFIT: PROFIT_CONFIRM_S, Kind.LOSS: confirm_s, Kind.CLOCK: 0.0}[rule.kind]
        self.fired = False
        self._set_due()
        self.fault = ""
        self.count_realised(0)
        self.rest()

    def count_realised(self, realised_paise: int) -> None:
        """Place the level anew after a partial exit."""
        self.counts_paise = realised_paise if self.with_realised else 0
        self._place()

    @property
    def with_realised(self) -> bool:
        """Whether its threshold counts realised P&L, and not the open legs' alone."""
        if isinstance(self.params, Ratchet):
            return self.params.with_realised
        return self.rule.with_realised

    @property
    def threshold_paise(self) -> int | None:
        """The P&L at which it fires, with what it counts on top; None = it waits for something else."""
        if isinstance(self.params, Amount):
            return self.params.threshold_paise
        return self.params.level_paise if isinstance(self.params, Ratchet) else None

    def see(self, open_paise: int) -> bool:
        """Take note of a believable P&L of the open legs: a ratchet may rise; whether it has."""
        known = self.params
        if isinstance(known, Ratchet):
            self.raise_to(known.seen(open_paise + self.counts_paise))
        return self.params is not known

    def raise_to(self, params: Ratchet) -> None:
        """Put the ratchet where it was, or where it has come to."""
        if params is not self.params:
            self.params = params
            self._place()

    def _place(self) -> None:
        """Work out the level, in P&L of the open legs, and how far away is clearly gone."""
        self.level_paise: int | None = None
        self._clear_paise = 0
        params = self.params
        if isinstance(params, Amount):
            self.level_paise = params.threshold_paise - self.counts_paise
            self._clear_paise = max(-(-abs(params.threshold_paise) * _CLEAR_PCT // 100), 1)
        elif isinstance(params, Ratchet) and params.peak_paise is not None:
            level = params.level(params.peak_paise)
            self.level_paise = level - self.counts_paise
            self._clear_paise = max((params.peak_paise - level) // 2, 1)

    def open_session(self, day: date, calendar: Calendar) -> None:
        """A new session: what had begun begins anew, and a daily moment is today's."""
        self.rest()
        if self._daily is not None:
            self.params = Due(calendar.moment_s(day, self._daily.clock), self._daily.text)
            self.fired = False
            self._set_due()

    def _set_due(self) -> None:
        params = self.params
        self.due_s = params.due_s if isinstance(params, Due) else inf if isinstance(params, Daily) else -inf

    def like(self, other: Armed) -> bool:
        """Whether both wait for the same in the same way."""
        same_wait = (self._asked, self._confirm_s) == (other._asked, other._confirm_s)
        return self.rule is other.rule and same_wait

    def spent(self, scaled_to: Fraction) -> bool:
        """Whether it is a level that has acted, or was passed by a higher one that has."""
        return isinstance(self.params, Level) and self.params.at <= scaled_to

    def rest(self) -> None:
        """Forget a condition that was met: it recovered, or nobody looked for a while."""
        self.verdict: Verdict | None = None
        self.confirmed = False
        self._since_s = inf
        self._waiting: AbstractSet[InstrumentKey] | None = None

    def succeed(self, other: Armed) -> None:
        """Take over what another one has begun, if this one is surely met whenever that is.

        A stop that is tightened while its loss is being confirmed must not begin to count anew.
        """
        if self.rule is other.rule and never_later(self.rule.kind, self._asked, other._asked):
            self.verdict, self.confirmed = other.verdict, other.confirmed
            self._since_s, self._waiting = other._since_s, other._waiting

    def look(self, snapshot: Snapshot) -> Verdict | None:
        """What the rule says of it; one that makes a mistake says nothing, and that it failed."""
        try:
            return self.rule.judge(snapshot, self.params)
        except RULE_FAULTS as mistake:
            self._failed(mistake)
            return None

    def _failed(self, mistake: Exception) -> None:
        self.fault = f"{type(mistake).__name__}: {mistake}"

    def follow(
        self, snapshot: Snapshot, moved: AbstractSet[InstrumentKey], legs: AbstractSet[InstrumentKey]
    ) -> None:
        """Take a look at the newest prices.

        Args:
            snapshot: the position now.
            moved: the instruments whose prices have just come; none when only time went by.
            legs: all instruments of the position.
        """
        try:  # as `look`, without a call for each rule at each tick
            verdict = self._judge(snapshot, self.params)
        except RULE_FAULTS as mistake:
            self._failed(mistake)
            verdict = None
        if self.fired and verdict is None:
            self.fired = not self._cleared(snapshot)
        if self.fired or verdict is None:
            if self.verdict is not None:
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

    @property
    def rises_paise(self) -> int | None:
        """The highest P&L of the open legs that leaves a ratchet where it is; None for other rules."""
        params = self.params
        if not isinstance(params, Ratchet):
            return None
        top = params.arms_paise - 1 if params.peak_paise is None else params.peak_paise
        return top - self.counts_paise

    def still_between(self, open_paise: int) -> tuple[int | None, int | None]:
        """Between which P&Ls of the open legs, both included, a rule that is not met has nothing new to say.

        Args:
            open_paise: where the P&L is now: a ratchet is silent in two stretches.
        """
        if self.level_paise is None:
            return None, None
        if isinstance(self.params, Ratchet):
            return self._ratchet_between(self.params, self.level_paise, open_paise)
        if self.rule.kind is Kind.LOSS:
            if self.fired:
                return None, self.level_paise + self._clear_paise - 1
            return self.level_paise + 1, None
        if self.fired:
            return self.level_paise - self._clear_paise + 1, None
        return None, self.level_paise - 1

    def _ratchet_between(self, params: Ratchet, level: int, open_paise: int) -> tuple[int | None, int | None]:
        """The same for a ratchet where it stands; that it may rise is another question (`rises_paise`)."""
        if self.fired:
            return None, level + self._clear_paise - 1
        if open_paise > level or params.floor_paise is None:
            return level + 1, None
        return None, params.floor_paise - self.counts_paise

    def _cleared(self, snapshot: Snapshot) -> bool:
        """Whether a fired condition has gone far enough to be taken for gone."""
        params = self.params
        if isinstance(params, Limits):
            value = None if self.rule.measure is None else self.rule.measure(snapshot, params)
            return value is not None and not params.met(value, params.clear)
        if self.level_paise is None:
            return False
        if self.rule.kind is Kind.LOSS:
            pnl = snapshot.guarded_paise
            return pnl is not None and pnl >= self.level_paise + self._clear_paise
        pnl = snapshot.marked_paise
        if isinstance(params, Ratchet):
            return pnl is not None and pnl >= self.level_paise + self._clear_paise
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
