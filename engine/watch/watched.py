"""One watched position: from the marks of its legs to what its rules say.

`Watched.judge` is the whole judgement and may be called at any moment. Most ticks do not need it:
it leaves behind a band of values within which nothing can happen, and a time before which nothing
will (`engine.watch.band`), and is called again only when one of them is left.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from math import inf, nextafter
from typing import TYPE_CHECKING

from engine.model import Urgency
from engine.pnl import Marks, way_out
from engine.rules.base import Amount, Daily, Due, Kind, Level, Limits, Rank, Ratchet, Snapshot
from engine.rules.verdicts import news
from engine.sessions import at, ist_date
from engine.watch.alarms import Alarms
from engine.watch.arming import Guarding, arm, arm_at_entry, broken, carry, failed
from engine.watch.band import Band
from engine.watch.extremes import Extremes
from engine.watch.life import Life
from engine.watch.precedence import first_of, speaking
from engine.watch.silence import quiet_between, spot_between

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from engine.model import InstrumentKey, Verdict
    from engine.pnl import Traded
    from engine.rules.base import Situation
    from engine.rules.rulebook import RuleSet
    from engine.watch.armed import Armed
    from engine.watch.lasting import Lasting
    from engine.watch.nouns import Memory
    from engine.watch.scale import Scale

#: The name under which a rule's own mistake is told.
RULE_FAULT = "rule_fault"
_NOTHING: AbstractSet[InstrumentKey] = frozenset()


class Watched(Band):
    """The state of one position's watch.

    Attributes:
        armed: the rules that stand guard, highest precedence first.
        notes: the rules that do not, and why.
        held: an exit is running or asked about: P&L and peaks go on, only rules above this rank speak;
            None = it is not held.
        broken: which rule has failed, so that none of them exits any more; empty = none.
    """

    __slots__ = (
        "_by_pnl", "_by_spot", "_clocks", "_close_s", "_gate_s", "_keys", "_liquidation", "_ruleset",
        "_session_open_s", "_situation", "_strokes_s", "_told_broken", "alarms", "armed", "broken", "held",
        "life", "notes", "payoff", "position", "scale",
    )  # fmt: skip

    def __init__(
        self,
        situation: Situation,
        ruleset: RuleSet,
        memory: Memory,
        scale: Scale,
        now_s: float,
        lasting: Lasting,
    ) -> None:
        position = situation.position
        self.position = position
        self.payoff = situation.payoff
        self.scale = scale
        self._keys = frozenset(leg.key for leg in position.legs)
        self._ruleset = ruleset
        self._liquidation = ruleset.settings.liquidation
        self.life = Life(position, scale.max_age_s, memory, now_s)
        super().__init__(scale.holding, Extremes(scale.holding, self.life, lasting))
        self._situation = situation
        self._session_open_s = self._gate_s = -inf
        self._close_s = inf
        self.armed, self.notes = arm(ruleset, self.life.entered(situation))
        self._take(self.armed)
        self.alarms = Alarms(self.holding)
        self.held: Rank | None = None
        self.remember(memory)

    def remember(self, memory: Memory) -> None:
        """Take over what is known of the position's life; realised P&L moves the levels."""
        self._extremes.catch_up()
        fresh = tuple(armed for armed in self.armed if not armed.spent(memory.scaled_to))
        if len(fresh) < len(self.armed):
            self.armed = fresh
            self._sort()
        self.life.remember(memory, self.armed)
        self.alarms.remember(memory, self.armed)
        self.empty_band()

    def rearm(self, situation: Situation, ruleset: RuleSet) -> None:
        """Other rules for the same legs: what did not change keeps what it has begun; `remember` next."""
        self.position, self._situation, self._ruleset = situation.position, situation, ruleset
        self._liquidation = ruleset.settings.liquidation
        known = self.armed
        armed, self.notes = arm(ruleset, self.life.entered(situation))
        self._carry_on(armed, known)

    def _carry_on(self, armed: tuple[Armed, ...], known: tuple[Armed, ...]) -> None:
        """Go by these, with what the known ones have begun in the session that runs."""
        self._take(carry(armed, known))
        if self._session_open_s > -inf:
            day = ist_date(self._session_open_s)
            self._gate_s = at(day, self._ruleset.settings.no_exit_before)
            for one in [one for one in self.armed if one not in known]:
                one.open_session(day, self._situation.calendar)
                for old in known:
                    one.succeed(old)
            self._set_clocks()

    def _take(self, armed: tuple[Armed, ...]) -> None:
        """Go by these rules from now on."""
        self.armed = armed
        self._sort()
        self.broken = failed(self.notes)
        self._told_broken = False
        self.scale.serve(armed)

    def succeed(self, known: Watched) -> None:
        """Take the place of a watch of the same position, by other legs or guards; `remember` next."""
        self.held = known.held
        if known.position.legs == self.position.legs:
            self.holding.count(known.holding.traded)
            self._session_open_s, self._close_s = known._session_open_s, known._close_s
            self._carry_on(self.armed, known.armed)

    @property
    def unprotected(self) -> bool:
        """No loss rule guards it."""
        return all(armed.rule.kind is not Kind.LOSS for armed in self.armed)

    @property
    def memory(self) -> Memory:
        """What has to survive a restart."""
        return self.life.memory(self.armed, self.alarms)

    @property
    def memory_sign(self) -> tuple[object, ...]:
        """What is another one whenever `memory` may be another one, at a tenth of its cost."""
        life, alarms = self.life, self.alarms
        peaks = [armed.params for armed in self._extremes.ratchets]
        return (
            life, life.peak_paise, life.trough_paise, life.realised_paise, life.scaled_to, life.share,
            life.said, life.entry_spot_paise, alarms.level, alarms.warned_s, peaks,
        )  # fmt: skip

    @property
    def guarding(self) -> Guarding:
        """Its rules."""
        return Guarding(self._ruleset, self.armed, self.notes)

    def spend(self, threshold_paise: int) -> None:
        """The levels up to this threshold have acted; they never do again."""
        levels = [a.params for a in self.armed if isinstance(a.params, Level)]
        acted = [level.at for level in levels if level.threshold_paise <= threshold_paise]
        self.remember(replace(self.memory, scaled_to=max([self.life.scaled_to, *acted])))

    def count(self, traded: Traded) -> bool:
        """Count this as realised, and only the rest at marks; False = it is counted already."""
        if traded == self.holding.traded:
            return False
        self._extremes.catch_up()
        self.holding.count(traded)
        self.disturb()
        return True

    def hold(self, by: Rank) -> None:
        """An exit has begun, or was asked about: only what ranks above it may speak, and that anew."""
        self._extremes.catch_up()
        self.held = by
        for armed in speaking(self.armed, self.held):
            armed.fired = False
        self.alarms.rest()  # what had begun but was not finished is forgotten
        for armed in self.armed:
            armed.rest()
        self.disturb()

    def release(self) -> None:
        """The exit is over and the position is not: every rule may speak again."""
        self._extremes.catch_up()
        self.held = None
        for armed in self.armed:
            armed.fired = False
        self.disturb()

    def stands(self, now_s: float) -> tuple[int | None, int | None]:
        """P&L of the open legs at believable marks, and as stops count it; None = unknown.

        In its band both are the value that ticks keep, and no leg has to be looked at.
        """
        if self.low <= self.value <= self.high and now_s <= self.fresh_until_s:
            pnl = self.value - self.holding.cost_paise
            return pnl, pnl
        return self._priced(now_s)

    def _priced(self, now_s: float) -> tuple[int | None, int | None]:
        """The same, leg by leg."""
        marked = self.holding.marked(now_s)
        if self._liquidation:
            return marked, self.holding.pnl(now_s, way_out)
        return marked, self.holding.pnl(now_s, Marks.guarded) if marked is None else marked

    def snapshot(self, now_s: float) -> Snapshot:
        """The position as rules see it."""
        marked, guarded = self._priced(now_s)
        return Snapshot(
            now_s,
            marked,
            guarded,
            self.life.realised_paise,
            self.life.share[0] / self.life.share[1],
            self.scale.spot_paise(now_s),
            self.scale.model,
        )

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
            self._open_session(session_open_s)
        snapshot = self.snapshot(now_s)
        self._extremes.see(snapshot.marked_paise, now_s)
        said = self._enter() if self.life.learn_entry(snapshot) else []
        if self._telling:
            said += self.alarms.speak(snapshot, self._clocks)
        said += self._exit(snapshot, moved)
        self._settle(snapshot)
        return said

    @property
    def _telling(self) -> bool:
        """Whether warnings are told: not while an exit of the whole runs or is asked about."""
        return self.held is None or self.held is Rank.SCALING

    def _open_session(self, open_s: float) -> None:
        """What had begun and was not finished begins anew; the day's clock times are set."""
        calendar = self._situation.calendar
        self._session_open_s, self._close_s = open_s, calendar.window(open_s).close_s
        self._extremes.forget()
        day = ist_date(open_s)
        self._gate_s = at(day, self._ruleset.settings.no_exit_before)
        self.alarms.rest()
        for armed in self.armed:
            armed.open_session(day, calendar)
        self._set_clocks()

    def _sort(self) -> None:
        """Keep at hand which rules rise with the P&L, and which go by it, the underlying or the clock."""
        self._extremes.serve(self.armed)
        self._by_pnl = tuple(one for one in self.armed if isinstance(one.params, Amount | Ratchet))
        self._set_clocks()
        self._by_spot = tuple(
            one for one in self.armed if isinstance(one.params, Limits) and not one.rule.model
        )

    def _set_clocks(self) -> None:
        """Put the moments in order at which a clock strikes, whoever may speak then.

        What waits at the close must not last until the morning.
        """
        self._clocks = tuple(one for one in self.armed if isinstance(one.params, Due | Daily))
        moments_s = {self._gate_s, self._close_s}
        for one in self._clocks:
            if isinstance(one.params, Due):
                moments_s |= {one.params.due_s, *one.params.warn_s}
        self._strokes_s = sorted(moments_s)

    def _enter(self) -> list[Verdict]:
        """Arm anew what waited for the moment of entry; what cannot be had is told."""
        situation = self.life.entered(self._situation)
        self.armed, fresh = arm_at_entry(self.armed, self._ruleset, situation)
        self.notes += fresh
        self.broken = self.broken or failed(fresh)
        self._sort()
        return [news(note.rule, Urgency.NORMAL, note.text) for note in fresh if note.refused]

    def _exit(self, snapshot: Snapshot, moved: AbstractSet[InstrumentKey]) -> list[Verdict]:
        """The exit that is due now, if any; a rule that fails takes them all out of action, said once."""
        guards = speaking(self.armed, self.held)
        now_s, keys = snapshot.now_s, self._keys
        for armed in guards:
            if now_s < armed.due_s and armed.verdict is None:
                continue  # a clock that has not struck
            armed.follow(snapshot, moved, keys)
            if armed.fault:
                self.broken = self.broken or broken(armed.rule.name, armed.fault)
        if self.broken:
            told, self._told_broken = self._told_broken, True
            return [] if told else [news(RULE_FAULT, Urgency.HIGH, self.broken)]
        met = [armed for armed in guards if armed.verdict is not None]
        if not met or snapshot.now_s < self._gate_s:
            return []
        verdict = first_of(met, snapshot)
        return [] if verdict is None else [verdict]

    @property
    def listens(self) -> bool:
        """Whether the underlying's prices matter to it as they come."""
        return self.life.entry_open or bool(self._by_spot)

    def _settle(self, snapshot: Snapshot) -> None:
        """Work out in which values and until when nothing can happen."""
        open_paise = snapshot.marked_paise
        met = [armed for armed in self.armed if armed.verdict is not None]
        self._wait(snapshot.now_s, self._next_due(snapshot.now_s, met))
        if open_paise is None or self._liquidation or self.life.entry_open or met or self.holding.traded:
            self.empty_band()
            return
        alarms = self.alarms if self._telling else None
        self._span(
            open_paise,
            quiet_between(open_paise, speaking(self._by_pnl, self.held), self._extremes.ratchets, alarms),
            spot_between(speaking(self._by_spot, self.held)) if self._by_spot else (-inf, inf),
        )

    def _next_due(self, now_s: float, met: Sequence[Armed]) -> float:
        """The earliest moment at which time alone, but for the age of quotes, changes something.

        Args:
            now_s: the moment.
            met: the rules that have something to say. One that is silenced wakes nobody, and it does no harm.
        """
        if self.scale.wanted and self.scale.due_s <= now_s:
            return now_s  # a tick came before the beat that is to ask the model
        strokes_s = self._strokes_s
        stroke = bisect_right(strokes_s, now_s)
        wakes = []
        if self.scale.wanted:
            wakes.append(self.scale.due_s)
        if self.life.entry_open:
            wakes.append(nextafter(self.life.entry_until_s, inf))
        if self._telling:
            wakes.append(self.alarms.due_s)
        if self._by_spot:
            wakes.append(self.scale.spot.stirs_s)
        if met:
            wakes += [armed.confirms_s for armed in met]
            if any(armed in met for armed in self._by_spot):
                wakes.append(nextafter(self.scale.spot_until_s, inf))
        due_s = strokes_s[stroke] if stroke < len(strokes_s) else inf
        for wake in wakes:
            if now_s < wake < due_s:
                due_s = wake
        return due_s
