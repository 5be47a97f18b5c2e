"""All watched positions: who is watched by which rules, and what people may ask of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.guards import exit_bounds
from engine.payoff import payoff
from engine.pnl import Holding
from engine.rules.base import Rank, Situation
from engine.rules.loosening import within
from engine.rules.overrides import tighten, tightened
from engine.sessions import ist_date
from engine.watch.armed import PROFIT_CONFIRM_S
from engine.watch.family import Forwards
from engine.watch.figures import brief, figures
from engine.watch.hot_path import HotPath
from engine.watch.lasting import Lasting
from engine.watch.nouns import Standing
from engine.watch.scale import Scale
from engine.watch.trial import try_out
from engine.watch.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.charges import ChargeTable, Rates
    from engine.guards import ReplayGuard
    from engine.model import InstrumentKey, Position, PositionId, Verdict
    from engine.payoff import Payoff
    from engine.pnl import Traded
    from engine.rules.overrides import Override
    from engine.rules.rulebook import Rulebook, RuleSet
    from engine.sessions import Calendar
    from engine.watch.arming import Guarding
    from engine.watch.figures import Brief, Figures
    from engine.watch.nouns import Memory, RuleNote, Said
    from engine.watch.trial import Trial


class Watchlist(HotPath):
    """Positions under watch."""

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
        super().__init__(calendar)
        self._rulebook = rulebook
        self._rulesets: dict[tuple[object, ...], RuleSet] = {}
        self._replay = replay
        # what was recorded comes by instants, with all legs together
        self._lasts_s = PROFIT_CONFIRM_S if replay is None else 0.0
        self.charges = charges
        self._positions: dict[PositionId, Watched] = {}
        self._overrides: dict[PositionId, tuple[Override, ...]] = {}

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
            known.rearm(situation, ruleset)
            self._let_listen(known)
            return self._begin(known, memory, now_s)
        watched = self._make(situation, ruleset, memory, now_s)
        if known is not None:
            watched.succeed(known)
            self._leave(known)
        self._positions[position.id] = watched
        return self._begin(watched, memory if known is not None else None, now_s)

    def use(self, rulebook: Rulebook) -> None:
        """Go by other rules from the next `put` of each position on."""
        self._rulebook = rulebook
        self._rulesets.clear()

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
        after = Watched(situation, ruleset, watched.memory, scale, now_s, self.lasting())
        after.succeed(watched)
        after.remember(watched.memory)
        after.scale.weigh(Forwards(now_s))
        return try_out(watched, after, override.rule, now_s)

    def loosened(self, position: PositionId, override: Override, most_pct: float) -> Override:
        """The same wish as one that may loosen its rule, if it may (`engine.rules.loosening`).

        Raises:
            BadInput: it may not.
        """
        watched = self._positions[position]
        situation, source = self._source(watched.position, watched.memory)
        over = within(source, override, watched.life.entered(situation), most_pct)
        return replace(override, over=over)

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

    # --------------------------------------------------------------------------- what can be learnt

    def glance(self, positions: Iterable[PositionId], now_s: float) -> None:
        """Look at these for the why log, in session; some 50 microseconds each, now and then."""
        if self._in_session(now_s):
            for watched in filter(None, map(self._positions.get, positions)):
                self.why.glance(watched, now_s)

    def guard(self, position: PositionId) -> Guarding:
        """The rules of a position with their sources, and what came of each."""
        return self._positions[position].guarding

    def unprotected(self, position: PositionId) -> bool:
        """Whether no loss rule guards a position."""
        return self._positions[position].unprotected

    def notes(self, position: PositionId) -> tuple[RuleNote, ...]:
        """The rules that do not guard a position, and why."""
        return self._positions[position].notes

    def said(self, position: PositionId) -> Said | None:
        """What rows of a position said that our partial exits have ended; None = none has ended."""
        return self._positions[position].life.said

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
        marked, guarded = watched.stands(now_s)
        realised, share = watched.life.realised_paise, watched.life.share
        legs = watched.position.legs
        return Standing(
            position,
            watched.position.opened_at_s,
            None if marked is None else marked + realised,
            None if guarded is None else guarded + realised,
            tuple([(leg.key, leg.quantity) for leg in legs]),
            {m.key: m.arrived_s for _, m in watched.holding.legs if m.counts(now_s)},
            realised,
            share[0] / share[1],
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

    def watched(self, position: PositionId) -> Watched:
        """The state of one position's watch, to be read only."""
        return self._positions[position]

    def lasting(self) -> Lasting:
        """What waits to be a peak or a trough, for somebody who is looked at with what is watched here."""
        return Lasting(self._lasts_s, self.unbroken)

    def in_session(self, now_s: float) -> bool:
        """Whether rules judge at this moment."""
        return self._in_session(now_s)

    def figures(self, position: PositionId, now_s: float) -> Figures:
        """The position in figures, for people."""
        return self.seen(position, Forwards(now_s))

    def stands(self, position: PositionId, now_s: float) -> tuple[int | None, int | None]:
        """P&L at believable marks, realised included, and the underlying's price; paise, None = unknown."""
        return self.marked_paise(position, now_s), self._positions[position].scale.spot_paise(now_s)

    def marked_paise(self, position: PositionId, now_s: float) -> int | None:
        """The first of them alone."""
        watched = self._positions[position]
        marked, _ = watched.stands(now_s)
        return None if marked is None else marked + watched.life.realised_paise

    def seen(self, position: PositionId, forwards: Forwards) -> Figures:
        """The same for whoever looks at many at one moment: what they share is worked out once."""
        open_now, rates = self._in_session(forwards.now_s), self._rates(forwards.now_s)
        watched = self._positions[position]
        return figures(watched, forwards, in_session=open_now, book=self.book, rates=rates)

    def broken(self) -> dict[PositionId, str]:
        """Positions of which a rule has failed, and which."""
        return {name: watched.broken for name, watched in self._positions.items() if watched.broken}

    def briefs(self, positions: Iterable[PositionId], now_s: float) -> list[Brief]:
        """Of these what sums and lists need, in their order; in one piece, some 15 microseconds each."""
        open_now, rates = self._in_session(now_s), self._rates(now_s)
        return [
            brief(self._positions[each], now_s, in_session=open_now, book=self.book, rates=rates)
            for each in positions
        ]

    # -------------------------------------------------------------------------------------- inside

    def _rates(self, now_s: float) -> Rates | None:
        return None if self.charges is None else self.charges.on(ist_date(now_s))

    def _situation(self, position: Position, memory: Memory) -> tuple[Situation, RuleSet]:
        """What the position's rules are armed with, and the rules under its overrides."""
        situation, ruleset = self._source(position, memory)
        return situation, tightened(ruleset, self._overrides.get(position.id, ()), situation)

    def _source(self, position: Position, memory: Memory) -> tuple[Situation, RuleSet]:
        """The same without overrides: the guard of a recording knows its own ages."""
        shape = payoff(position.legs)
        ruleset = self._rules_of(position, shape)
        settings = ruleset.settings
        if self._replay is not None:
            guard = replace(settings.guard, max_quote_age_s=self._replay.max_quote_age_s)
            settings = replace(settings, guard=guard)
        _, entry = memory.shares(position.combinations)
        return Situation(position, shape, self._calendar, settings, entry), ruleset

    def _rules_of(self, position: Position, shape: Payoff) -> RuleSet:
        """What the rulebook says of it; asked once for all that it cannot tell apart."""
        if position.levels:
            return self._rulebook.of(position, shape)
        alike = position.symbol, position.strategy, position.rule_sets, shape.defined_risk
        known = self._rulesets.get(alike)
        if known is None:
            known = self._rulesets[alike] = self._rulebook.of(position, shape)
        return known

    def _make(self, situation: Situation, ruleset: RuleSet, memory: Memory, now_s: float) -> Watched:
        """Set up a position on its lines; what the book knows already counts."""
        legs = situation.position.legs
        lines = [self._held.line(leg.instrument, situation.settings.guard, now_s) for leg in legs]
        families = {line.marks.instrument.expiry: line.family for line in lines}
        holding = Holding(legs, [line.marks for line in lines])
        scale = Scale(situation, holding, self._underlying(situation.position), families)
        watched = Watched(situation, ruleset, memory, scale, now_s, self.lasting())
        self._let_listen(watched)
        for leg, line in zip(legs, lines, strict=True):
            (line.longs if leg.quantity > 0 else line.shorts).append((watched, leg.quantity))
        for family in {line.family: None for line in lines}:
            family.hold(watched, [line for line in lines if line.family is family])
        return watched

    def _begin(self, watched: Watched, memory: Memory | None, now_s: float) -> tuple[RuleNote, ...]:
        """Look at it at once; ``memory``: what it has to take over, None = it has."""
        if memory is not None:
            watched.remember(memory)
        watched.wake_s = now_s
        self._enqueue(watched)
        return watched.notes
