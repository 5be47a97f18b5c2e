"""All watched positions: the hot path from a tick to what has to be said about it.

A tick reaches only the positions that hold its instrument, and of most of them only this: add the
change to the value, and see that it is still in the band in which nothing can happen. Who has left
the band, or whose time has come, is judged in full (`engine.watch.watched`).
"""

from __future__ import annotations

from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING

from engine.guards import exit_bounds
from engine.payoff import payoff
from engine.pnl import Holding
from engine.prices import PriceBook
from engine.rules.base import Rank, Situation
from engine.rules.overrides import tighten, tightened
from engine.sessions import ist_date
from engine.watch.armed import PROFIT_CONFIRM_S
from engine.watch.family import Forwards
from engine.watch.figures import figures
from engine.watch.lines import Lines, modelled, moved_by
from engine.watch.nouns import Judgement, Standing
from engine.watch.scale import Scale
from engine.watch.sightings import WhyLog
from engine.watch.trial import try_out
from engine.watch.underlying import Rest, Underlying
from engine.watch.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from engine.charges import ChargeTable
    from engine.guards import ReplayGuard
    from engine.messages import Tick
    from engine.model import InstrumentKey, Position, PositionId, Verdict
    from engine.pnl import Traded
    from engine.rules.overrides import Override
    from engine.rules.rulebook import Rulebook, RuleSet
    from engine.sessions import Calendar
    from engine.watch.arming import Guarding
    from engine.watch.family import Family
    from engine.watch.figures import Figures
    from engine.watch.lines import Line
    from engine.watch.nouns import Memory, RuleNote
    from engine.watch.trial import Trial

_NOTHING: tuple[Judgement, ...] = ()
_NO_LEG: frozenset[InstrumentKey] = frozenset()


class Watchlist:
    """Positions under watch, and the price book they are watched by.

    Attributes:
        book: last quotes of everything the feed carries, legs or not.
        why: what was seen when it mattered.
        lasts_s: how long a P&L must last to be a peak or a trough.
    """

    def __init__(
        self,
        calendar: Calendar,
        rulebook: Rulebook,
        *,
        replay: ReplayGuard | None = None,
        charges: ChargeTable | None = None,
    ) -> None:
        """Start empty.

        Args:
            calendar: sessions; nothing is judged outside of them.
            rulebook: which rules a position has.
            replay: how old the quotes of a recording may be.
            charges: what an exit costs, for the figures; None = not known.
        """
        self.book = PriceBook()
        self.why = WhyLog()
        self._calendar = calendar
        self._rulebook = rulebook
        self._replay = replay
        # what was recorded comes by instants, with all legs together
        self.lasts_s = PROFIT_CONFIRM_S if replay is None else 0.0
        self._charges = charges
        self._positions: dict[PositionId, Watched] = {}
        self._overrides: dict[PositionId, tuple[Override, ...]] = {}
        self._rest = Rest()
        self._held = Lines(self.book, self._rest)
        self._lines = self._held.by_key
        self._underlyings: dict[InstrumentKey, Underlying] = {}
        self._queue: list[tuple[float, int, Watched]] = []
        self._serial = count()
        self._open_s = self._close_s = -inf

    # ------------------------------------------------------------------------------- who is watched

    def put(self, position: Position, memory: Memory, now_s: float) -> tuple[RuleNote, ...]:
        """Watch a position, or go on watching it with other legs, other rules or another memory.

        Changed legs mean a new basis and rules that may fire anew; on unchanged legs the rules that
        did not change keep what has begun. A hold stays. Returns the rules that do not guard the
        position, and why.

        Raises:
            BadInput: there are no legs, or one has no entry price or no strike.
        """
        known = self._positions.get(position.id)
        situation, ruleset = self._situation(position, memory)
        guard = situation.settings.guard
        same_legs = known is not None and known.position.legs == position.legs
        if known is not None and same_legs and all(m.guard == guard for _, m in known.holding.legs):
            watched = known
            watched.rearm(situation, ruleset)
            self._let_listen(watched)
        else:
            watched = self._watch(situation, ruleset, memory, now_s)
            if known is not None:
                watched.succeed(known)
                self._leave(known)
            self._positions[position.id] = watched
        watched.remember(memory)
        watched.wake_s = now_s
        self._enqueue(watched)
        return watched.notes

    def use(self, rulebook: Rulebook) -> None:
        """Go by other rules from the next `put` of each position on."""
        self._rulebook = rulebook

    def override(self, position: PositionId, overrides: tuple[Override, ...]) -> None:
        """Lay these, and no others, over the position's rules from its next `put` on."""
        self._overrides[position] = overrides

    def trial(self, position: PositionId, override: Override, now_s: float) -> Trial:
        """See what one more override would make of a rule, without touching anything.

        Raises:
            BadInput: it would not tighten the rule, or would not guard the position.
        """
        watched = self._positions[position]
        situation, ruleset = self._situation(watched.position, watched.memory)
        ruleset = tighten(ruleset, override, watched.life.entered(situation))
        scale = watched.scale.another(situation)
        after = Watched(situation, ruleset, watched.memory, scale, now_s, self.lasts_s)
        after.succeed(watched)
        after.remember(watched.memory)
        after.scale.weigh(Forwards(now_s))
        return try_out(watched, after, override.rule, now_s)

    def drop(self, position: PositionId) -> None:
        """Watch a position no longer; one that is not watched is no error."""
        self._overrides.pop(position, None)
        watched = self._positions.pop(position, None)
        if watched is not None:
            self._leave(watched)
            self.why.forget(position)

    def keys(self) -> frozenset[InstrumentKey]:
        """All instruments that some watched position holds."""
        return frozenset(self._lines)

    def hold(self, position: PositionId, by: Rank = Rank.FORCED) -> None:
        """An exit of this position is running or asked about: value it on, judge only what ranks above it."""
        self._positions[position].hold(by)
        self._enqueue(self._positions[position])

    def silence(self, position: PositionId) -> Rank | None:
        """From which rank on its rules are silent; None = all may speak."""
        return self._positions[position].held

    def shares(self, position: PositionId) -> tuple[int, int]:
        """Open combinations of a watched position, and those at entry."""
        return self._positions[position].life.share

    def spend(self, position: PositionId, threshold_paise: int) -> None:
        """The scaling levels up to this threshold have acted; they never do again."""
        self._positions[position].spend(threshold_paise)

    def count(self, position: PositionId, traded: Traded) -> None:
        """Count what exits that have not ended flat have traded of it by its fills, the rest at marks."""
        if self._positions[position].count(traded):
            self._enqueue(self._positions[position])

    def release(self, position: PositionId) -> None:
        """The exit ended and the position did not: every rule may speak again from the next price on."""
        self._positions[position].release()
        self._enqueue(self._positions[position])

    # -------------------------------------------------------------------------------- what comes in

    def tick(self, tick: Tick, now_s: float) -> Sequence[Judgement]:
        """Take one tick, and judge whom it moves out of the band."""
        key = tick.key
        lines = self._lines.get(key) if self.book.take(tick, now_s) else None
        if lines is None:
            return self._aside(tick, now_s)
        moved: list[Watched] = []
        for line in lines:
            marks = line.marks
            long, short = marks.long_paise, marks.short_paise
            if not marks.take(tick, now_s):
                return self._closely(tick, lines, now_s)
            change = marks.long_paise - long
            for watched, quantity in line.longs:
                watched.value = value = watched.value + quantity * change
                if value < watched.low or value > watched.high or now_s > watched.fresh_until_s:
                    moved.append(watched)
            change = marks.short_paise - short
            for watched, quantity in line.shorts:
                watched.value = value = watched.value + quantity * change
                if value < watched.low or value > watched.high or now_s > watched.fresh_until_s:
                    moved.append(watched)
        if not moved or not self._in_session(now_s):
            return _NOTHING
        left = self._stretch(moved, now_s)
        return self._judge(dict.fromkeys(left, frozenset((key,))), now_s) if left else _NOTHING

    def _stretch(self, moved: Iterable[Watched], now_s: float) -> list[Watched]:
        """Let those go on that are only at a new peak or trough; the others have to be judged."""
        left = []
        for watched in moved:
            if watched.stretch(now_s):
                self._enqueue(watched)
            else:
                left.append(watched)
        return left

    def instant(self, ticks: Iterable[Tick], now_s: float) -> Sequence[Judgement]:
        """Take ticks that are one instant, all of them, before anything is believed or judged."""
        lines: dict[Line, None] = {}
        families: dict[Family, None] = {}
        sound: list[Tick] = []
        for tick in ticks:
            if self.book.take(tick, now_s):
                sound.append(tick)
            lines |= dict.fromkeys(self._lines.get(tick.key, ()))
            families |= dict.fromkeys(self._held.by_underlying.get(tick.key, ()))
        heard = [watched for tick in sound for watched in self._take_in(tick, now_s)]
        families |= dict.fromkeys(line.family for line in lines)
        others = [line for family in families for line in self._held.settle(family, now_s)]
        for line in lines:
            self._held.count(line)
        touched = moved_by([*lines, *others], now_s)
        for watched in (*heard, *modelled(families)):
            touched.setdefault(watched, _NO_LEG)
        if not self._in_session(now_s):
            for watched in touched:
                watched.empty_band()
            return _NOTHING
        forwards = Forwards(now_s)
        for watched in touched:
            watched.scale.weigh(forwards, instant=True)
        return self._judge(touched, now_s)

    def _take_in(self, tick: Tick, now_s: float) -> Sequence[Watched]:
        """A sound tick of an instant: doubt what is wide, and say who goes by it as their underlying."""
        for line in self._lines.get(tick.key, ()):
            if line.marks.shown(tick) is None:
                self._held.doubt(line, tick, now_s)
        return self._heard(tick, now_s)

    def suspects(self, ticks: Iterable[Tick], now_s: float) -> frozenset[InstrumentKey]:
        """Of which held instruments the price would be suspect if these ticks came as one instant."""
        book = self.book.copy()
        keys = [tick.key for tick in ticks if book.take(tick, now_s) or tick.key in self._lines]
        families = {line.family: None for key in keys for line in self._lines.get(key, ())}
        return frozenset(
            line.marks.instrument.key for family in families for line in family.faults(now_s, book)
        )

    def beat(self, now_s: float) -> Sequence[Judgement]:
        """Judge the positions whose time has come: clock rules, confirmations, prices grown old."""
        in_session = self._in_session(now_s)
        restless = [family for family in self._held.families if not family.calm]
        changed = [line for family in restless for line in self._held.settle(family, now_s)]
        forwards = Forwards(now_s)
        said: list[Judgement] = []
        if changed and in_session:
            said += self._judge(moved_by(changed, now_s), now_s)
        while self._queue and self._queue[0][0] <= now_s:
            due_s, _, watched = heappop(self._queue)
            if watched.queued_s != due_s:
                continue  # dropped, or queued anew for an earlier moment that has been served
            watched.queued_s = inf
            if not in_session:
                watched.wake_s = max(watched.wake_s, self._open_s)
            elif watched.wake_s <= now_s and not watched.renew(now_s):
                watched.scale.weigh(forwards)
                said += self._judge({watched: frozenset()}, now_s)
            self._enqueue(watched)
        return said

    def next_due_s(self) -> float | None:
        """When `beat` may next have something to do; None = only prices can change anything."""
        while self._queue and self._queue[0][2].queued_s != self._queue[0][0]:
            heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    # --------------------------------------------------------------------------- what can be learnt

    def glance(self, now_s: float) -> None:
        """Look at every position for the why log, in session; a few microseconds each, now and then."""
        if self._in_session(now_s):
            for watched in self._positions.values():
                self.why.glance(watched, now_s)

    def guard(self, position: PositionId) -> Guarding:
        """The rules of a position with their sources, and what came of each."""
        return self._positions[position].guarding

    def memory(self, position: PositionId) -> Memory:
        """What has to survive a restart."""
        return self._positions[position].memory

    @property
    def rulebook(self) -> Rulebook:
        """The rules in force."""
        return self._rulebook

    def standing(self, position: PositionId, now_s: float) -> Standing:
        """What the position counts in its account's day."""
        watched = self._positions[position]
        seen = watched.snapshot(now_s)
        marked, guarded = (
            None if pnl is None else pnl + seen.realised_paise
            for pnl in (seen.marked_paise, seen.guarded_paise)
        )
        legs, marks = watched.position.legs, watched.holding.legs
        return Standing(
            position,
            watched.position.opened_at_s,
            marked,
            guarded,
            tuple((leg.key, leg.quantity) for leg in legs),
            {leg.key: m.arrived_s for leg, (_, m) in zip(legs, marks, strict=True) if m.counts(now_s)},
            seen.realised_paise,
            seen.open_share,
        )

    def witness(self, position: PositionId, verdict: Verdict, now_s: float) -> None:
        """Keep what is seen of a position of which somebody else has judged."""
        self.why.look(self._positions[position], now_s, (verdict,))

    def fair_paise(self, key: InstrumentKey) -> int | None:
        """What to go by in place of a contract's newest quote, in paise; None = that is not suspect.

        The last believable mid if that was young when the quote came, else the quote's own mid as far as
        intrinsic value allows; None also when neither is known.
        """
        line = next((line for line in self._lines.get(key, ()) if line.marks.fault), None)
        tick, arrived_s = self.book.peek(key), self.book.arrived_s(key)
        if line is None or tick is None or arrived_s is None:
            return None
        if line.marks.marked and arrived_s <= line.marks.fresh_until_s:
            return (line.marks.long_paise + line.marks.short_paise) // 2
        shown, underlying = line.marks.shown(tick), line.family.forward_both_paise(arrived_s)
        if shown is None or underlying is None:
            return None
        floor, ceiling = exit_bounds(line.marks.instrument, underlying // 2)
        return min(max(shown.both_paise // 2, floor), ceiling)

    def figures(self, position: PositionId, now_s: float) -> Figures:
        """The position in figures, for people."""
        open_now = self._in_session(now_s)
        watched = self._positions[position]
        return figures(watched, now_s, in_session=open_now, book=self.book, charges=self._charges)

    # -------------------------------------------------------------------------------------- inside

    def _listeners(self, tick: Tick, now_s: float) -> list[Watched]:
        """Who has to look now that an underlying has come to this price."""
        heard = self._heard(tick, now_s) if not self.book.fault(tick.key) else ()
        return [watched for watched in heard if not watched.deaf_to(tick.ltp_paise, now_s)]

    def _heard(self, tick: Tick, now_s: float) -> Sequence[Watched]:
        """Bring an underlying's price forward; who wants to know at once."""
        underlying = self._underlyings.get(tick.key)
        if underlying is None:
            return ()
        self._in_session(now_s)  # today's auction has to be known
        underlying.take(tick.ltp_paise, now_s)
        underlying.holders = [watched for watched in underlying.holders if watched.listens]
        return underlying.holders

    def _judge(self, who: Mapping[Watched, AbstractSet[InstrumentKey]], now_s: float) -> Sequence[Judgement]:
        said = []
        for watched, moved in who.items():
            verdicts = watched.judge(now_s, self._open_s, moved)
            self.why.look(watched, now_s, verdicts)
            said += [Judgement(watched.position.id, verdict) for verdict in verdicts]
            self._enqueue(watched)
        return said or _NOTHING

    def _enqueue(self, watched: Watched) -> None:
        """See that the position is looked at when it wants to be; an entry that comes early does no harm."""
        if watched.wake_s < watched.queued_s:
            watched.queued_s = watched.wake_s
            heappush(self._queue, (watched.wake_s, next(self._serial), watched))

    def _in_session(self, now_s: float) -> bool:
        """Whether the market is open; remembers the session so that the calendar is asked once."""
        if now_s >= self._close_s:
            self._open_s, self._close_s = self._calendar.window(now_s)
            self._rest.auction = self._calendar.auction(ist_date(self._open_s))
        return now_s >= self._open_s

    def _situation(self, position: Position, memory: Memory) -> tuple[Situation, RuleSet]:
        """What the position's rules are armed with: the guard of a recording knows its own ages."""
        shape = payoff(position.legs)
        ruleset = self._rulebook.of(position, shape)
        settings = ruleset.settings
        if self._replay is not None:
            guard = replace(settings.guard, max_quote_age_s=self._replay.max_quote_age_s)
            settings = replace(settings, guard=guard)
        _, entry = memory.shares(position.combinations)
        situation = Situation(position, shape, self._calendar, settings, entry)
        return situation, tightened(ruleset, self._overrides.get(position.id, ()), situation)

    def _watch(self, situation: Situation, ruleset: RuleSet, memory: Memory, now_s: float) -> Watched:
        """Set up a position on its lines; what the book knows already counts."""
        legs = situation.position.legs
        lines = [self._held.line(leg.instrument, situation.settings.guard, now_s) for leg in legs]
        families = {line.marks.instrument.expiry: line.family for line in lines}
        holding = Holding(legs, [line.marks for line in lines])
        scale = Scale(situation, holding, self._underlying(situation.position), families)
        watched = Watched(situation, ruleset, memory, scale, now_s, self.lasts_s)
        self._let_listen(watched)
        for leg, line in zip(legs, lines, strict=True):
            (line.longs if leg.quantity > 0 else line.shorts).append((watched, leg.quantity))
        for family in {line.family: None for line in lines}:
            family.hold(watched, [line for line in lines if line.family is family])
        return watched

    def _let_listen(self, watched: Watched) -> None:
        """Put a position that goes by its underlying's price on that one's list, once."""
        holders = watched.scale.spot.holders
        if watched.listens and watched not in holders:
            holders.append(watched)

    def _underlying(self, position: Position) -> Underlying:
        """What the position's contracts are on; the book may know its price already."""
        keys = [leg.instrument.underlying for leg in position.legs if leg.instrument.underlying is not None]
        if not keys:
            return Underlying(self._rest)
        if keys[0] not in self._underlyings:
            self._underlyings[keys[0]] = underlying = Underlying(self._rest)
            tick, arrived_s = self.book.get(keys[0]), self.book.arrived_s(keys[0])
            if tick is not None and arrived_s is not None:
                underlying.take(tick.ltp_paise, arrived_s)
        return self._underlyings[keys[0]]

    def _aside(self, tick: Tick, now_s: float) -> Sequence[Judgement]:
        """A tick that cannot be true, or that nobody holds.

        After the first what was there before counts while it is young, but for no profit. The second
        may be an underlying; when it is far enough from where it was its options are looked at again.
        """
        lines = self._lines.get(tick.key, ()) if self.book.fault(tick.key) else ()
        families = dict.fromkeys(line.family for line in lines)
        if not lines:
            paise = tick.ltp_paise
            near = self._held.by_underlying.get(tick.key, ())
            families = dict.fromkeys(f for f in near if not f.spot_low <= paise <= f.spot_high)
        changed = [line for family in families for line in self._held.settle(family, now_s)]
        for line in lines:
            self._held.count(line)
        touched = moved_by([*changed, *lines], now_s)
        heard = self._listeners(tick, now_s)
        for watched in heard:
            touched.setdefault(watched, _NO_LEG)
        if touched and self._in_session(now_s):
            return self._judge(touched, now_s)
        for watched in heard:
            watched.empty_band()
            watched.wake_s = min(watched.wake_s, self._open_s)
            self._enqueue(watched)
        return _NOTHING

    def _closely(self, tick: Tick, lines: Sequence[Line], now_s: float) -> Sequence[Judgement]:
        """Take a tick that is not everyday for one of its lines, and judge everyone concerned."""
        concerned = list(lines)
        for line in lines:
            for watched in line.holders:
                watched.empty_band()
            if line.marks.take(tick, now_s):
                continue
            wide = line.marks.shown(tick) is None
            if wide:
                self._held.doubt(line, tick, now_s)
            if not (wide and line.family.calm):
                concerned += self._held.settle(line.family, now_s)
                self._held.count(line)
        return self._judge(moved_by(concerned, now_s), now_s) if self._in_session(now_s) else _NOTHING

    def _leave(self, watched: Watched) -> None:
        """Take a position off its lines and off the queue."""
        watched.queued_s = inf
        self._held.leave(watched)
        holders = watched.scale.spot.holders
        if watched in holders:
            holders.remove(watched)
