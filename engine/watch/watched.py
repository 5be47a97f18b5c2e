"""One watched position: from the marks of its legs to what its rules say.

`Watched.judge` is the whole judgement and may be called at any moment. Most ticks do not need it:
it leaves behind a band of values within which nothing can happen, and a time before which nothing
will, and `engine.watch.watchlist` calls again only when one of them is left.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf, nextafter
from typing import TYPE_CHECKING, NamedTuple

from engine.model import Action, Urgency
from engine.pnl import Marks, way_out
from engine.rules.base import Due, Level, Limits, Rank, Ratchet, Snapshot
from engine.rules.verdicts import news
from engine.sessions import at, ist_date
from engine.watch.alarms import Alarms
from engine.watch.armed import Armed, arm, arm_one, carry
from engine.watch.lasting import Lasting
from engine.watch.life import Life
from engine.watch.nouns import RuleNote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from engine.model import InstrumentKey, Verdict
    from engine.pnl import Traded
    from engine.rules.base import Situation
    from engine.rules.rulebook import RuleSet
    from engine.watch.nouns import Memory
    from engine.watch.scale import Scale

#: The name under which a rule's own mistake is told.
RULE_FAULT = "rule_fault"
#: Beyond any amount of money: a band without end.
_WITHOUT_END = 10**18
_NOTHING: AbstractSet[InstrumentKey] = frozenset()


class Guarding(NamedTuple):
    """The rules of a position as their sources have them, those that stand guard, and why others do not."""

    ruleset: RuleSet
    armed: tuple[Armed, ...]
    notes: tuple[RuleNote, ...]


class Watched:
    """The state of one position's watch.

    Attributes:
        value: what the open legs are worth at mark, in paise; kept by every tick, exact only while
            the band is not empty.
        low, high: the band of values, both included, in which nothing can happen; empty (1, 0)
            while every tick has to be judged.
        spot_low, spot_high: prices of the underlying between which no rule speaks.
        fresh_until_s: the band holds until then at least, by the age of the legs' quotes and peaks that wait.
        wake_s: when time alone may make something happen.
        queued_s: for which moment the watchlist has put it on its list.
        held: an exit is running or asked about: P&L and peaks go on, only rules above this rank speak;
            None = it is not held.
        broken: which rule has failed, so that none of them exits any more; empty = none.
    """

    __slots__ = (
        "_by_spot", "_due_s", "_gate_s", "_keys", "_lasting", "_liquidation", "_quiet_high", "_quiet_low",
        "_ratchets", "_ruleset", "_session_open_s", "_situation", "_told_broken", "alarms", "armed",
        "broken", "fresh_until_s", "held", "high", "holding", "life", "low", "notes", "payoff",
        "position", "queued_s", "scale", "spot_high", "spot_low", "value", "wake_s",
    )  # fmt: skip

    def __init__(
        self,
        situation: Situation,
        ruleset: RuleSet,
        memory: Memory,
        scale: Scale,
        now_s: float,
        lasts_s: float,
    ) -> None:
        position = situation.position
        self.position = position
        self.payoff = situation.payoff
        self.scale = scale
        self.holding = scale.holding
        self._keys = frozenset(leg.key for leg in position.legs)
        self._ruleset = ruleset
        self._liquidation = ruleset.settings.liquidation
        self.life = Life(position, scale.max_age_s, memory, now_s)
        self._situation = situation
        self.armed: tuple[Armed, ...] = ()
        armed, self.notes = arm(ruleset, self.life.entered(situation))
        self._take(armed)
        self.alarms = Alarms(self.holding)
        self._lasting = Lasting(lasts_s)
        self.held: Rank | None = None
        self.value = self._quiet_low = self._quiet_high = 0
        self.spot_low = self.spot_high = 0.0
        self.fresh_until_s = self._session_open_s = self._gate_s = -inf
        self.wake_s = self.queued_s = self._due_s = inf
        self.remember(memory)

    def remember(self, memory: Memory) -> None:
        """Take over what is known of the position's life; realised P&L moves the levels."""
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

    def _take(self, armed: tuple[Armed, ...]) -> None:
        """Go by these rules from now on."""
        self.armed = armed
        self._sort()
        self.broken = next((_broken(note.rule, note.text) for note in self.notes if note.failed), "")
        self._told_broken = False
        self.scale.serve(armed)

    def succeed(self, known: Watched) -> None:
        """Take the place of a watch of the same position, by other legs or guards; `remember` next."""
        self.held = known.held
        if known.position.legs == self.position.legs:
            self.holding.count(known.holding.traded)
            self._session_open_s = known._session_open_s
            self._carry_on(self.armed, known.armed)

    @property
    def memory(self) -> Memory:
        """What has to survive a restart."""
        return self.life.memory(self.armed, self.alarms)

    @property
    def guarding(self) -> Guarding:
        """Its rules."""
        return Guarding(self._ruleset, self.armed, self.notes)

    @property
    def shares(self) -> tuple[int, int]:
        """Open combinations, and those at entry."""
        return self.life.share

    def spend(self, threshold_paise: int) -> None:
        """The levels up to this threshold have acted; they never do again."""
        levels = [a.params for a in self.armed if isinstance(a.params, Level)]
        acted = [level.at for level in levels if level.threshold_paise <= threshold_paise]
        self.remember(replace(self.memory, scaled_to=max([self.life.scaled_to, *acted])))

    def count(self, traded: Traded) -> bool:
        """Count this as realised, and only the rest at marks; False = it is counted already."""
        if traded == self.holding.traded:
            return False
        self.holding.count(traded)
        self.empty_band()
        self.wake_s = -inf
        return True

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
        self._keep_lasting(now_s)
        if snapshot.marked_paise is None:
            self._lasting.forget()
        else:
            self._lasting.see(snapshot.marked_paise, now_s, *self._known())
            self._keep_lasting(now_s)
        said = self._enter() if self.life.learn_entry(snapshot) else []
        if self._telling:
            said += self.alarms.speak(snapshot, self.armed)
        said += self._exit(snapshot, moved)
        self._settle(snapshot)
        return said

    @property
    def _telling(self) -> bool:
        """Whether warnings are told: not while an exit of the whole runs or is asked about."""
        return self.held is None or self.held is Rank.SCALING

    def _speaking(self) -> Sequence[Armed]:
        """The rules that may speak now, highest precedence first.

        While a part is being closed every full exit may speak, those of the clock too: it absorbs the part.
        """
        return self.armed if self.held is None else [armed for armed in self.armed if self._may_speak(armed)]

    def _may_speak(self, armed: Armed) -> bool:
        if self.held is Rank.SCALING:
            return armed.rule.rank is not Rank.SCALING
        return self.held is None or armed.rule.rank < self.held

    def _open_session(self, open_s: float) -> None:
        """What had begun and was not finished begins anew; the day's clock times are set."""
        self._session_open_s = open_s
        self._lasting.forget()
        day = ist_date(open_s)
        self._gate_s = at(day, self._ruleset.settings.no_exit_before)
        self.alarms.rest()
        for armed in self.armed:
            armed.open_session(day, self._situation.calendar)

    def _sort(self) -> None:
        """Keep at hand which rules rise with the P&L, and which go by the underlying's price."""
        self._ratchets = tuple(one for one in self.armed if isinstance(one.params, Ratchet))
        self._by_spot = tuple(
            one for one in self.armed if isinstance(one.params, Limits) and not one.rule.model
        )

    def _rest(self) -> None:
        """Forget what had begun but was not finished."""
        self.alarms.rest()
        for armed in self.armed:
            armed.rest()

    def _keep_lasting(self, now_s: float) -> None:
        """Note the believable P&Ls that have lasted by now."""
        highs, lows = self._lasting.lasted(now_s)
        for open_paise in highs:
            self.life.rise(open_paise)
            for armed in self._rising():
                armed.see(open_paise)
        for open_paise in lows:
            self.life.fall(open_paise)

    def _rising(self) -> Iterator[Armed]:
        """The ratchets that may rise.

        What is half traded has a P&L, and it is a peak or trough like any other. But the peak of a rule
        in per cent is that of open combinations, which there are none of until the exit has ended.
        """
        return (armed for armed in self._ratchets if not self.holding.traded or armed.with_realised)

    def _known(self) -> tuple[float, float]:
        """Between which P&Ls of the open legs there is no new trough, no new peak, and no ratchet rises."""
        life, realised = self.life, self.life.realised_paise
        low = inf if life.trough_paise is None else life.trough_paise - realised
        high = -inf if life.peak_paise is None else life.peak_paise - realised
        return low, min([high, *(rises for one in self._rising() if (rises := one.rises_paise) is not None)])

    def _enter(self) -> list[Verdict]:
        """Arm anew what waited for the moment of entry; what cannot be had is told."""
        situation = self.life.entered(self._situation)
        anew: list[Armed | RuleNote] = []
        for armed in self.armed:
            anew += arm_one(armed.rule, self._ruleset, situation) if armed.rule.at_entry else (armed,)
        fresh = [note for note in anew if isinstance(note, RuleNote)]
        self.armed = tuple(armed for armed in anew if not isinstance(armed, RuleNote))
        self.notes += tuple(fresh)
        self.broken = self.broken or next(
            (_broken(note.rule, note.text) for note in fresh if note.failed), ""
        )
        self._sort()
        return [news(note.rule, Urgency.NORMAL, note.text) for note in fresh if note.refused]

    def _exit(self, snapshot: Snapshot, moved: AbstractSet[InstrumentKey]) -> list[Verdict]:
        """The exit that is due now, if any.

        Of the rules that these prices meet the highest speaks, with the names of the others that
        were confirmed too; a confirmed rule waits for a higher one that is met and not yet sure. A full
        exit of any rank absorbs a partial one, and levels of one rule that are met together are one. A
        rule that fails takes them all out of action, and that is said once.
        """
        speaking = self._speaking()
        for armed in speaking:
            armed.follow(snapshot, moved, self._keys)
            if armed.fault:
                self.broken = self.broken or _broken(armed.rule.name, armed.fault)
        if self.broken:
            told, self._told_broken = self._told_broken, True
            return [] if told else [news(RULE_FAULT, Urgency.HIGH, self.broken)]
        met = [armed for armed in speaking if armed.verdict is not None]
        if not met or snapshot.now_s < self._gate_s:
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

    # ------------------------------------------------------------------------------- the band

    def _settle(self, snapshot: Snapshot) -> None:
        """Work out in which values and until when nothing can happen."""
        now_s = snapshot.now_s
        self._due_s = self._next_due(now_s)
        self._hold_on()
        changes = [change for change in self.holding.changes_s() if change > now_s]
        self.wake_s = min([self._due_s, self._lasting.due_s, *changes])
        open_paise = snapshot.marked_paise
        met = any(armed.verdict for armed in self.armed)
        if open_paise is None or self._liquidation or self.life.entry_open or met or self.holding.traded:
            self.empty_band()
            return
        shift = self.holding.cost_paise
        self.value = open_paise + shift
        lows, highs = [-_WITHOUT_END], [_WITHOUT_END]
        for low, high in self._silences(open_paise):
            if low is not None:
                lows.append(low)
            if high is not None:
                highs.append(high)
        self._quiet_low, self._quiet_high = max(lows) + shift, min(highs) + shift
        self._close_band()
        self._spot_band()

    def _silences(self, open_paise: int) -> Iterator[tuple[int | None, int | None]]:
        """Between which P&Ls, both included, each that may speak stays silent and no ratchet rises."""
        for armed in self._ratchets:
            yield None, armed.rises_paise
        for armed in self._speaking():
            yield armed.still_between(open_paise)
        if self._telling:
            yield self.alarms.ladder.still_between(self.alarms.level)

    def _spot_band(self) -> None:
        """Between which prices of the underlying no rule that goes by it speaks; none once one has fired."""
        self.spot_low, self.spot_high = -inf, inf
        for armed in self._by_spot:
            params = armed.params
            if not isinstance(params, Limits) or not self._may_speak(armed):
                continue
            if armed.fired:
                self.spot_low, self.spot_high = inf, -inf
                return
            low, high = params.low, params.high
            self.spot_low = self.spot_low if low is None else max(self.spot_low, low)
            self.spot_high = self.spot_high if high is None else min(self.spot_high, high)

    @property
    def listens(self) -> bool:
        """Whether the underlying's prices matter to it as they come."""
        return self.life.entry_open or bool(self._by_spot)

    def deaf_to(self, spot_paise: int, now_s: float) -> bool:
        """Whether this price of the underlying changes nothing."""
        if self.low > self.high or (now_s > self.fresh_until_s and not self.renew(now_s)):
            return False
        return self.spot_low < spot_paise < self.spot_high

    def _close_band(self) -> None:
        """Of the values at which no rule speaks, those that are no new peak or trough either.

        While one waits to have lasted, only the value that it is at.
        """
        shift, life = self.holding.cost_paise - self.life.realised_paise, self.life
        self.low, self.high = self._quiet_low, self._quiet_high
        if self._lasting.due_s < inf:  # every change counts
            self.low, self.high = max(self.low, self.value), min(self.high, self.value)
        elif life.peak_paise is not None and life.trough_paise is not None:
            self.low = max(self.low, life.trough_paise + shift)
            self.high = min(self.high, life.peak_paise + shift)

    def stretch(self, now_s: float) -> bool:
        """Whether a value outside the band is one more peak or trough to wait for and nothing else.

        In a market that runs one way this is most of what happens, and much cheaper than a judgement.
        What has lasted until now was in the quiet band, where no ratchet rises.
        """
        if self.low > self.high or not self._quiet_low <= self.value <= self._quiet_high:
            return False
        if now_s > self.holding.fresh_until_s or now_s >= self._due_s:
            return False
        self._keep_lasting(now_s)
        self._lasting.see(self.value - self.holding.cost_paise, now_s, *self._known())
        self._keep_lasting(now_s)
        self._close_band()
        self._hold_on()
        return True

    def renew(self, now_s: float) -> bool:
        """Whether all that was to happen by now is that a peak has lasted, or that quotes grow old.

        If so, and new ones have come meanwhile, the band holds on for as long as those are young.
        """
        if not self.low <= self.value <= self.high or now_s >= self._due_s:
            return False
        if now_s > self.holding.fresh_until_s:
            return False
        self._keep_lasting(now_s)
        self._close_band()
        self._hold_on()
        return True

    def _hold_on(self) -> None:
        """Let the band hold while the quotes are young, and until a peak or trough has lasted."""
        fresh_until_s, lasted_s = self.holding.fresh_until_s, self._lasting.due_s
        self.fresh_until_s = min(fresh_until_s, nextafter(lasted_s, -inf))
        self.wake_s = min(self._due_s, lasted_s, nextafter(fresh_until_s, inf))

    def _next_due(self, now_s: float) -> float:
        """The earliest moment at which time alone, but for the age of quotes, changes something."""
        if self.scale.wanted and self.scale.due_s <= now_s:
            return now_s  # a tick came before the beat that is to ask the model
        wakes = [self.scale.due_s if self.scale.wanted else inf]
        if self.life.entry_open:
            wakes.append(nextafter(self.life.entry_until_s, inf))
        if self._telling:
            wakes += self.alarms.wakes_s(self.armed)
        wakes.append(self._gate_s)
        for armed in self._speaking():
            wakes.append(armed.confirms_s)
            if isinstance(armed.params, Due):
                wakes.append(armed.params.due_s)
        if self._by_spot:
            wakes.append(self.scale.spot.stirs_s)
        if any(armed.verdict for armed in self._by_spot):
            wakes.append(nextafter(self.scale.spot_until_s, inf))
        return min(wake for wake in wakes if wake > now_s)


def _broken(rule: str, mistake: str) -> str:
    """What the owner is told of a rule that failed."""
    return (
        f"the rule {rule} failed ({mistake}): no rule of this position exits any more until the program is "
        "started again or the position changes; prices and losses are still told, and you can exit by hand"
    )


def _partial(armed: Armed) -> bool:
    """Whether what it says leaves a part of the position open."""
    return armed.verdict is not None and armed.verdict.action is Action.SCALE_OUT
