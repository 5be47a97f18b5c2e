"""One watched position: from the marks of its legs to what its rules say.

`Watched.judge` is the whole judgement and may be called at any moment. Most ticks do not need it:
it leaves behind a band of values within which nothing can happen, and a time before which nothing
will, and `engine.watch.watchlist` calls again only when one of them is left.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf, nextafter
from typing import TYPE_CHECKING

from engine.model import Action, Urgency
from engine.pnl import Holding, Marks, way_out
from engine.rules.alerts import LossLadder, Stop
from engine.rules.base import Amount, Due, Kind, Level, Rank, Snapshot
from engine.rules.verdicts import news
from engine.watch.armed import arm
from engine.watch.nouns import Memory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from engine.model import InstrumentKey, Verdict
    from engine.rules.base import Situation
    from engine.rules.rulebook import RuleSet
    from engine.watch.armed import Armed

#: In session, a position that cannot be priced for this long is itself news.
UNPRICED_AFTER_S = 60.0
#: Beyond any amount of money: a band without end.
_WITHOUT_END = 10**18
_NOTHING: AbstractSet[InstrumentKey] = frozenset()


class Watched:
    """The state of one position's watch.

    Attributes:
        value: what the open legs are worth at mark, in paise; kept by every tick, exact only while
            the band is not empty.
        low, high: the band of values, both included, in which nothing can happen; empty (1, 0)
            while every tick has to be judged.
        fresh_until_s: the band holds until then at least, by the age of the legs' quotes.
        wake_s: when time alone may make something happen.
        queued_s: for which moment the watchlist has put it on its list.
        unpriced: the owner was told that the position cannot be priced, and it still cannot.
        frozen: a part of the legs is traded and not yet taken off: their P&L is nobody's peak or trough.
        held: an exit is running or asked about: P&L and peaks go on, only rules above this rank speak;
            None = it is not held.
    """

    __slots__ = (
        "_due_s", "_keys", "_liquidation", "_peak_paise", "_quiet_high", "_quiet_low", "_realised_paise",
        "_scaled_to", "_session_open_s", "_share", "_trough_paise", "_unpriced_since_s", "_warned_s",
        "alert_level", "armed", "fresh_until_s", "frozen", "held", "high", "holding", "ladder", "low",
        "notes", "payoff", "position", "queued_s", "unpriced", "value", "wake_s",
    )  # fmt: skip

    def __init__(
        self, situation: Situation, ruleset: RuleSet, memory: Memory, marks: Sequence[Marks]
    ) -> None:
        position = situation.position
        self.position = position
        self.payoff = situation.payoff
        self.holding = Holding(position.legs, marks)
        self._keys = frozenset(leg.key for leg in position.legs)
        self._liquidation = ruleset.settings.liquidation
        self.armed, self.notes = arm(ruleset, situation)
        self.held: Rank | None = None
        self.frozen = False
        self.value = self._quiet_low = self._quiet_high = 0
        self.fresh_until_s = -inf
        self.wake_s = self.queued_s = self._due_s = inf
        self._session_open_s = -inf
        self._unpriced_since_s = inf
        self.unpriced = False
        self.remember(memory)

    def remember(self, memory: Memory) -> None:
        """Take over what is known of the position's life; realised P&L moves the levels."""
        self._peak_paise, self._trough_paise = memory.peak_paise, memory.trough_paise
        self.alert_level = memory.alert_level
        self._realised_paise = memory.realised_paise
        self._share = memory.shares(self.position.combinations)
        self._warned_s = memory.warned_s
        self._scaled_to = memory.scaled_to
        self.armed = tuple(armed for armed in self.armed if not armed.spent(memory.scaled_to))
        for armed in self.armed:
            armed.count_realised(memory.realised_paise)
        self.ladder = LossLadder.of(
            [
                Stop(
                    armed.rule.name,
                    armed.params.threshold_paise,
                    memory.realised_paise * armed.rule.with_realised,
                )
                for armed in self.armed
                if armed.rule.kind is Kind.LOSS and isinstance(armed.params, Amount)
            ]
        )
        self.empty_band()

    @property
    def memory(self) -> Memory:
        """What has to survive a restart."""
        return Memory(
            self._peak_paise,
            self._trough_paise,
            self.alert_level,
            self._realised_paise,
            self._share,
            self._warned_s,
            self._scaled_to,
        )

    @property
    def shares(self) -> tuple[int, int]:
        """Open combinations, and those at entry."""
        return self._share

    def spend(self, threshold_paise: int) -> None:
        """The levels up to this threshold have acted; they never do again."""
        levels = [a.params for a in self.armed if isinstance(a.params, Level)]
        acted = [level.at for level in levels if level.threshold_paise <= threshold_paise]
        self.remember(replace(self.memory, scaled_to=max([self._scaled_to, *acted])))

    def empty_band(self) -> None:
        """Have every tick judged until the next judgement."""
        self.low, self.high = 1, 0

    def hold(self, by: Rank) -> None:
        """An exit has begun, or was asked about: only what ranks above it may speak, and that anew."""
        self.held = by
        for armed in self._speaking():
            armed.fired = False
        self._rest()
        self.empty_band()
        self.wake_s = -inf

    def release(self) -> None:
        """The exit is over and the position is not: every rule may speak again."""
        self.held = None
        for armed in self.armed:
            armed.fired = False
        self.empty_band()
        self.wake_s = -inf

    def snapshot(self, now_s: float) -> Snapshot:
        """The position as rules see it."""
        marked = self.holding.pnl(now_s, Marks.mark)
        guarded = marked
        if self._liquidation:
            guarded = self.holding.pnl(now_s, way_out)
        elif marked is None:
            guarded = self.holding.pnl(now_s, Marks.guarded)
        return Snapshot(now_s, marked, guarded, self._realised_paise, self._share[0] / self._share[1])

    def judge(
        self, now_s: float, session_open_s: float, moved: AbstractSet[InstrumentKey] = _NOTHING
    ) -> list[Verdict]:
        """Look at everything, in session.

        Args:
            now_s: the moment.
            session_open_s: when the running session opened; what began before it does not count.
            moved: the instruments whose prices have just come; none when only time went by.
        """
        if session_open_s != self._session_open_s:
            self._session_open_s = session_open_s
            self._rest()
        snapshot = self.snapshot(now_s)
        if snapshot.marked_paise is not None:
            self._note_extremes(snapshot.marked_paise)
        said: list[Verdict] = []
        if self._telling:
            said += self._warnings(now_s)
            said += self._loss_alert(snapshot)
            said += self._unpriced(snapshot)
        said += self._exit(snapshot, moved)
        self._settle(snapshot)
        return said

    @property
    def _telling(self) -> bool:
        """Whether warnings are told: not while an exit of the whole runs or is asked about."""
        return self.held is None or self.held is Rank.SCALING

    def _speaking(self) -> list[Armed]:
        """The rules that may speak now, highest precedence first.

        While a part is being closed every full exit may speak, those of the clock too: it absorbs the part.
        """
        held = self.held
        if held is Rank.SCALING:
            return [armed for armed in self.armed if armed.rule.rank is not Rank.SCALING]
        return [armed for armed in self.armed if held is None or armed.rule.rank < held]

    def _rest(self) -> None:
        """Forget what had begun but was not finished."""
        self._unpriced_since_s = inf
        for armed in self.armed:
            armed.rest()

    def _note_extremes(self, open_paise: int) -> None:
        if self.frozen:
            return
        pnl = open_paise + self._realised_paise
        self._peak_paise = pnl if self._peak_paise is None else max(self._peak_paise, pnl)
        self._trough_paise = pnl if self._trough_paise is None else min(self._trough_paise, pnl)

    def _warnings(self, now_s: float) -> list[Verdict]:
        """Tell once of each warning moment that has come; of several at once only the last."""
        said = []
        for armed in self.armed:
            due = [w for w in armed.params.warn_s if w <= now_s] if isinstance(armed.params, Due) else []
            if due and (self._warned_s is None or due[-1] > self._warned_s) and not armed.fired:
                self._warned_s = due[-1]
                said.append(news(armed.rule.name, Urgency.HIGH, armed.params.text))
        return said

    def _loss_alert(self, snapshot: Snapshot) -> list[Verdict]:
        """Tell of a newly reached loss threshold, and arm again what has receded."""
        if snapshot.guarded_paise is None:
            return []
        before = self.alert_level
        self.alert_level = self.ladder.level_after(before, snapshot.guarded_paise)
        alert = self.ladder.alert(snapshot.guarded_paise) if self.alert_level > before else None
        return [alert] if alert else []

    def _unpriced(self, snapshot: Snapshot) -> list[Verdict]:
        """Tell once that no stop can watch over the position for want of a price."""
        if snapshot.guarded_paise is not None:
            self._unpriced_since_s, self.unpriced = inf, False
            return []
        now_s = snapshot.now_s
        self._unpriced_since_s = min(self._unpriced_since_s, now_s)
        if self.unpriced or now_s < self._unpriced_since_s + UNPRICED_AFTER_S:
            return []
        self.unpriced = True
        legs = ", ".join(self.holding.blind(now_s))
        return [news("unpriced", Urgency.MEDIUM, f"no usable quote for {UNPRICED_AFTER_S:.0f} s: {legs}")]

    def _exit(self, snapshot: Snapshot, moved: AbstractSet[InstrumentKey]) -> list[Verdict]:
        """The exit that is due now, if any.

        Of the rules that these prices meet the highest speaks, with the names of the others that
        were confirmed too; a confirmed rule waits for a higher one that is met and not yet sure. A full
        exit of any rank absorbs a partial one, and levels of one rule that are met together are one.
        """
        speaking = self._speaking()
        for armed in speaking:
            armed.follow(snapshot, moved, self._keys)
        met = [armed for armed in speaking if armed.verdict is not None]
        if not met:
            return []
        top = min(met, key=lambda armed: (_partial(armed), armed.rule.rank, not armed.confirmed))
        verdict = top.verdict
        if verdict is None or not top.confirmed:
            return []
        firing = [armed for armed in met if armed.confirmed]
        together = [armed.params for armed in firing if armed.rule is top.rule]
        if top.rule.merge is not None:
            verdict = top.rule.merge(snapshot, together)
        for armed in firing:
            armed.fired = True
            armed.rest()
        also = dict.fromkeys(armed.rule.name for armed in firing if armed.rule is not top.rule)
        return [replace(verdict, also=tuple(also))]

    def _settle(self, snapshot: Snapshot) -> None:
        """Work out in which values and until when nothing can happen."""
        now_s = snapshot.now_s
        self._due_s = self._next_due(now_s)
        self.wake_s = min([self._due_s, *(change for change in self.holding.changes_s() if change > now_s)])
        self.fresh_until_s = self.holding.fresh_until_s
        if snapshot.marked_paise is None or self._liquidation or any(armed.verdict for armed in self.armed):
            self.empty_band()
            return
        shift = self.holding.cost_paise
        self.value = snapshot.marked_paise + shift
        lows, highs = [-_WITHOUT_END], [_WITHOUT_END]
        bands = [armed.still_between() for armed in self._speaking()]
        if self._telling:
            bands.append(self.ladder.still_between(self.alert_level))
        for low, high in bands:
            if low is not None:
                lows.append(low)
            if high is not None:
                highs.append(high)
        self._quiet_low, self._quiet_high = max(lows) + shift, min(highs) + shift
        self._close_band()

    def _close_band(self) -> None:
        """Of the values at which no rule speaks, those that are no new peak or trough either."""
        shift = self.holding.cost_paise - self._realised_paise
        self.low, self.high = self._quiet_low, self._quiet_high
        if self._peak_paise is not None and self._trough_paise is not None and not self.frozen:
            self.low = max(self.low, self._trough_paise + shift)
            self.high = min(self.high, self._peak_paise + shift)

    def stretch(self, now_s: float) -> bool:
        """Whether a value outside the band is a new peak or trough and nothing else; if so, note it.

        In a market that runs one way this is most of what happens, and much cheaper than a judgement.
        """
        if self.low > self.high or (now_s > self.fresh_until_s and not self.renew(now_s)):
            return False
        if not self._quiet_low <= self.value <= self._quiet_high:
            return False
        self._note_extremes(self.value - self.holding.cost_paise)
        self._close_band()
        return True

    def renew(self, now_s: float) -> bool:
        """Whether all that was to happen by now is that quotes grow old, and new ones have come meanwhile.

        If so the band holds on, for as long as those are young.
        """
        fresh_until_s = self.holding.fresh_until_s
        if self.low > self.high or now_s > fresh_until_s or now_s >= self._due_s:
            return False
        self.fresh_until_s = fresh_until_s
        self.wake_s = min(self._due_s, nextafter(fresh_until_s, inf))
        return True

    def _next_due(self, now_s: float) -> float:
        """The earliest moment to come at which time alone, but for the age of quotes, changes something."""
        wakes = [inf]
        if self._telling and not self.unpriced:
            wakes.append(self._unpriced_since_s + UNPRICED_AFTER_S)
        for armed in self._speaking():
            wakes.append(armed.confirms_s)
            if isinstance(armed.params, Due):
                wakes += (armed.params.due_s, *armed.params.warn_s)
        return min(wake for wake in wakes if wake > now_s)


def _partial(armed: Armed) -> bool:
    """Whether what it says leaves a part of the position open."""
    return armed.verdict is not None and armed.verdict.action is Action.SCALE_OUT
