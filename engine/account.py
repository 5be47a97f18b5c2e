"""One account's day: what all its positions have made since the last session, and its limits.

The day's P&L of a position is its P&L now less what it was when the day began: nothing for what was
entered today, yesterday's last believable P&L for what was carried over (so that a gap counts, as it
does in the broker's own figure), the first believable P&L of the day where that is not known. What
was closed today goes on counting. Amounts are signed integer paise, gross.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from engine.condition import Condition
from engine.day import Day
from engine.model import Action, Urgency, Verdict
from engine.money import rupees, signed_rupees
from engine.rules.day_limits import DAY_LOSS, DAY_PROFIT, DAY_TRAILING
from engine.sessions import ist_date
from engine.watch.armed import PROFIT_CONFIRM_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.day import Shape
    from engine.gate import Confirmation
    from engine.model import InstrumentKey, PositionId
    from engine.rules.day_limits import DayLimits, DayTrailing
    from engine.watch.lasting import Lasting
    from engine.watch.nouns import Standing

#: A position that cannot be priced counts its last P&L this long for the loss limit, as a stop does in
#: a wide market; after that the day is not judged, and the owner is told.
GRACE_S = 15.0
#: A loss this many per cent of its limit is deep: two prices of the legs that moved are enough.
_DEEP_PCT = 115


class Account:
    """The running day of one account.

    Args:
        name: of the account.
        day: what is known of its day.
        lasting: what waits to be its highest.

    Attributes:
        day: what has to survive a restart; replaced, never changed.
        marked_paise, guarded_paise: the day's P&L at the last look; None = not known.
        blind: positions that could not be counted then.
        question: what the owner was asked when a limit was reached.
    """

    def __init__(self, name: str, day: Day, lasting: Lasting) -> None:
        self.name = name
        self.day = day
        self.marked_paise: int | None = None
        self.guarded_paise: int | None = None
        self.blind: tuple[PositionId, ...] = ()
        self.question: Confirmation | None = None
        self._seen: dict[PositionId, tuple[float, int]] = {}
        self._shapes: dict[PositionId, Shape] = dict(day.shapes)
        self._arrived: dict[InstrumentKey, float] = {}
        self._moved: dict[InstrumentKey, float] = {}
        self._conditions = {name: Condition() for name in (DAY_LOSS, DAY_TRAILING, DAY_PROFIT)}
        self._lasting = lasting

    def look(
        self,
        standings: Sequence[Standing],
        now_s: float,
        today: str,
        yesterday: str,
        *,
        judged: bool = True,
    ) -> None:
        """Take in how all open positions stand, in session.

        Args:
            standings: every open position of the account.
            now_s: the moment.
            today: the date of this session.
            yesterday: that of the session before; only read when a day begins.
            judged: the day has limits, and which prices have moved is worth knowing.
        """
        if self.day.date != today:
            self._begin(standings, today, yesterday)
        self._follow_legs(standings)
        self._note(standings, now_s)
        if judged:
            arrived = {key: at_s for standing in standings for key, at_s in standing.arrived_s.items()}
            self._moved = {key: at_s for key, at_s in arrived.items() if self._arrived.get(key) != at_s}
            self._arrived = arrived
        guarded, base = [self._guarded(s, now_s) for s in standings], self.day.base
        self.blind = tuple(
            s.position
            for s, pnl in zip(standings, guarded, strict=True)
            if pnl is None or s.position not in base
        )
        self.marked_paise = self.made_paise({s.position: s.marked_paise for s in standings})
        self.guarded_paise = self.made_paise(
            {s.position: pnl for s, pnl in zip(standings, guarded, strict=True)}
        )

    def judge(self, limits: DayLimits, confirm_s: float, now_s: float) -> Verdict | None:
        """The limit that the day has reached for long enough, if any; at most one a day."""
        self._follow_peak(limits.trailing, now_s)
        met = self._met(limits)
        speaking: list[Verdict | None] = []
        for rule, condition in self._conditions.items():
            said = met.get(rule)
            lasts = confirm_s if rule == DAY_LOSS else PROFIT_CONFIRM_S
            sure = condition.confirmed(now_s, lasts, met=said is not None)
            if rule == DAY_LOSS:
                deep = said is not None and self._deep(limits)
                sure |= condition.deep_twice(self._arrived, self._moved, deep=deep)
            if said is not None:  # what is not sure yet keeps those below it waiting
                speaking.append(said if sure else None)
        return speaking[0] if speaking and not self.day.fired else None

    @property
    def due_s(self) -> float:
        """When time alone will confirm what is met now, or make a peak; inf = nothing waits for it."""
        waits_s = min(c.due_s for c in self._conditions.values())
        return inf if self.day.fired else min(waits_s, self._lasting.due_s)

    def end(self, position: PositionId, pnl_paise: int | None) -> None:
        """A position is flat: what it made today goes on counting.

        ``pnl_paise``: gross, over its whole life; None = nobody knows: its last believable P&L stands.
        """
        base, last = dict(self.day.base), dict(self.day.last)
        began, latest = base.pop(position, 0), last.pop(position, None)
        made = latest if pnl_paise is None else pnl_paise
        closed = dict(self.day.closed)
        closed[position] = closed.get(position, 0) + (0 if made is None else made - began)
        self._seen.pop(position, None)
        self._shapes.pop(position, None)
        self.day = replace(self.day, base=base, last=last, closed=closed)

    def spoken(self, rule: str, outcome: str, nonce: str, known: Sequence[PositionId]) -> None:
        """A limit has spoken: none does again today."""
        self.day = replace(self.day, fired=rule, outcome=outcome, nonce=nonce, known=tuple(known))
        self.question = None

    def rearm(self) -> None:
        """Nothing came of what was said: it may be said again."""
        self.day = replace(self.day, fired="", outcome="", nonce="", known=())
        self.question = None

    def knows(self, positions: Sequence[PositionId]) -> None:
        """The owner was told of these."""
        self.day = replace(self.day, known=(*self.day.known, *positions))

    def made_paise(self, pnls: Mapping[PositionId, int | None]) -> int | None:
        """What the day comes to with these P&Ls of all open positions; None = one of them is unknown.

        What was closed today, what is open, and what has gone without our doing, at its last P&L.
        """
        day = self.day
        total = sum(day.closed.values())
        for name, pnl in pnls.items():
            if pnl is None or name not in day.base:
                return None
            total += pnl - day.base[name]
        return total + sum(day.last.get(p, began) - began for p, began in day.base.items() if p not in pnls)

    def last_paise(self, open_now: Iterable[PositionId]) -> int:
        """The day's P&L by the last believable P&L of each position, however old."""
        day = self.day
        known = [p for p in {*open_now, *day.base} if p in day.last and p in day.base]
        return sum(day.closed.values()) + sum(day.last[p] - day.base[p] for p in known)

    # ----------------------------------------------------------------------------------- inside

    def _begin(self, standings: Sequence[Standing], today: str, yesterday: str) -> None:
        """A new day: what was carried over begins where yesterday ended, if we saw that."""
        carried = self.day.last if self.day.date == yesterday else {}
        base = {s.position: carried[s.position] for s in standings if s.position in carried}
        self.day = Day(date=today, base=base, last=dict(base))
        self._seen.clear()
        self._conditions = {name: Condition() for name in self._conditions}
        self._lasting.forget()

    def _follow_legs(self, standings: Iterable[Standing]) -> None:
        """Other legs, a row closed by hand: what was made so far stays, the new legs begin where they are.

        Otherwise a gain that somebody has taken would look like a loss, and end the day. Of a part
        that we have closed ourselves what it brought is known, and nothing begins anew.
        """
        for standing in standings:
            name, pnl = standing.position, standing.marked_paise
            shape = standing.legs, standing.realised_paise
            known = self._shapes.setdefault(name, shape)
            if known[0] == shape[0] or known[1] != shape[1]:
                self._shapes[name] = shape
            elif pnl is not None:
                self.end(name, None)
                self._shapes[name] = shape
                day = self.day
                self.day = replace(day, base={**day.base, name: pnl}, last={**day.last, name: pnl})
        if self._shapes != self.day.shapes:
            self.day = replace(self.day, shapes=dict(self._shapes))

    def _note(self, standings: Sequence[Standing], now_s: float) -> None:
        """Keep each position's newest believable P&L, and where its day began."""
        base, last = dict(self.day.base), dict(self.day.last)
        for standing in standings:
            name, pnl = standing.position, standing.marked_paise
            if name not in base and ist_date(standing.opened_at_s).isoformat() >= self.day.date:
                base[name] = 0
            if pnl is not None:
                base.setdefault(name, pnl)
                last[name] = pnl
            if standing.guarded_paise is not None:
                self._seen[name] = now_s, standing.guarded_paise
        if base != self.day.base or last != self.day.last:
            self.day = replace(self.day, base=base, last=last)

    def _guarded(self, standing: Standing, now_s: float) -> int | None:
        """What the loss limit counts of a position: for a short while the last, when there is nothing new."""
        if self._shapes[standing.position][0] != standing.legs:
            return None  # changed, and not priced since
        if standing.guarded_paise is not None:
            return standing.guarded_paise
        at_s, pnl = self._seen.get(standing.position, (-inf, 0))
        return pnl if now_s < at_s + GRACE_S else None

    def _deep(self, limits: DayLimits) -> bool:
        day, loss = self.guarded_paise, limits.loss_paise
        return day is not None and loss is not None and day * 100 <= -loss * _DEEP_PCT

    def _follow_peak(self, trailing: DayTrailing | None, now_s: float) -> None:
        """Keep the day's highest P&L that has lasted, from the activation of the trailing limit on."""
        if trailing is None:
            self._lasting.forget()
            return
        self._keep_lasting(trailing, now_s)
        if self.marked_paise is None:
            self._lasting.forget()
            return
        peak, none_paise = self.day.peak_paise, trailing.activate_paise - 1
        known_paise = none_paise if peak is None else max(peak, none_paise)
        self._lasting.see(self.marked_paise, now_s, -inf, known_paise)
        self._keep_lasting(trailing, now_s)

    def _keep_lasting(self, trailing: DayTrailing, now_s: float) -> None:
        """What has lasted by now; what waited under another activation may be none."""
        highs, _ = self._lasting.lasted(now_s)
        if highs and highs[-1] >= trailing.activate_paise:
            self.day = replace(self.day, peak_paise=highs[-1])

    def _met(self, limits: DayLimits) -> dict[str, Verdict]:
        """The limits that the day is beyond at this moment."""
        met = {}
        guarded, marked, trailing = self.guarded_paise, self.marked_paise, limits.trailing
        if limits.loss_paise is not None and guarded is not None and guarded <= -limits.loss_paise:
            met[DAY_LOSS] = self._verdict(DAY_LOSS, guarded, -limits.loss_paise, "at or below the limit")
        if marked is None:
            return met
        if trailing is not None:
            peak = self.day.peak_paise
            if peak is not None and marked <= peak - trailing.give_back_paise:
                words = (
                    f"{rupees(trailing.give_back_paise)} or more below its highest {signed_rupees(peak)}, at"
                )
                met[DAY_TRAILING] = self._verdict(
                    DAY_TRAILING, marked, peak - trailing.give_back_paise, words
                )
        if limits.profit_paise is not None and marked >= limits.profit_paise:
            met[DAY_PROFIT] = self._verdict(DAY_PROFIT, marked, limits.profit_paise, "at or above the target")
        return met

    def _verdict(self, rule: str, pnl_paise: int, threshold_paise: int, words: str) -> Verdict:
        loss = rule == DAY_LOSS
        return Verdict(
            rule=rule,
            action=Action.CLOSE_IMMEDIATELY if loss else Action.CLOSE_POSITION,
            urgency=Urgency.HIGH if loss else Urgency.MEDIUM,
            pnl_paise=pnl_paise,
            threshold_paise=threshold_paise,
            fraction=1.0,
            reason=f"The day's P&L of account {self.name}, {signed_rupees(pnl_paise)}, is {words} "
            f"{signed_rupees(threshold_paise)}",
        )
