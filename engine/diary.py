"""What the day has come to, minute by minute, and what each day before it came to.

The running day is kept in one record that is written over each minute, each day's result in one of its
own, so that both survive a restart; how single positions went is known of this life only. Amounts are
signed integer paise, gross; moments epoch seconds.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.effects import Alert, Record
from engine.model import Urgency
from engine.rounds import Rounds
from engine.sessions import ist_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from engine.effects import Effect
    from engine.helm import Helm
    from engine.intents import Intent
    from engine.limits import Limits
    from engine.model import PositionId
    from engine.watch import Standing

__all__ = ["DayResult", "Diary", "Mark", "MarkKind", "Sample"]

SAMPLE_EVERY_S = 60.0
#: So many positions are looked at for a sample in one piece: 0.2 ms.
SEEN_AT_ONCE = 25
#: More marks than this no picture holds: the oldest go.
MARKS_KEPT = 60
#: The same alert again within this time is no second mark.
SAME_ALERT_S = 900.0
#: Stands for a P&L that was not known where numbers are packed.
_UNKNOWN = -(2**63)
#: More of an alert than this no picture has room for.
_TEXT_COLUMNS = 90


class Sample(NamedTuple):
    """A P&L at one moment; None = it was not known."""

    at_s: float
    paise: int | None


class MarkKind(StrEnum):
    """What a mark on a day's curve is of."""

    ALERT = "alert"
    EXIT = "exit"


class Mark(NamedTuple):
    """Something that happened at one moment of the day.

    Attributes:
        text: the alert's title and how its text begins; of an exit what it closed.
        position: which it is about; empty = the whole house.
        paise: what an exit has made; None = unknown, or no exit.
    """

    at_s: float
    kind: MarkKind
    text: str
    position: str = ""
    paise: int | None = None


@dataclass(frozen=True, slots=True)
class DayResult:
    """What a day came to when that was last known.

    Attributes:
        closed_paise: what of it was made by positions that were closed on that day.
    """

    at_s: float
    paise: int
    closed_paise: int


class Diary:
    """The days of the house, all its accounts together.

    Args:
        helm: whose positions and calendar these are.
        limits: knows the day of every account.

    Attributes:
        date: ISO date of the day that is kept; empty = none was begun yet.
        samples: of the whole house, oldest first.
        marks: what was told and closed.
        results: of every day, by ISO date.
    """

    def __init__(self, helm: Helm, limits: Limits) -> None:
        self._helm = helm
        self._limits = limits
        positions = helm.holdings
        self._turns = Rounds(lambda: positions.positions, SAMPLE_EVERY_S, SEEN_AT_ONCE)
        self._seen: dict[PositionId, Standing] = {}
        self._next: Callable[[float], list[Effect]] | None = None  # when all are seen
        self._told: dict[str, float] = {}
        self.date = ""
        self.samples: list[Sample] = []
        self.marks: list[Mark] = []
        self._moments: list[float] = []  # of the courses' entries; those of a thousand positions take 3 MB
        self._courses: dict[PositionId, array[int]] = {}
        self.results: dict[str, DayResult] = {}

    def restore(
        self, running: Mapping[str, Mapping[str, Any]], results: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Take over what the journal knows of the running day, and the results of all."""
        self.results = {day: DayResult(**row) for day, row in results.items()}
        row = running.get("today")
        if row is not None:
            self.date = row["date"]
            self.samples = [Sample(*each) for each in row["samples"]]
            self.marks = [Mark(at_s, MarkKind(kind), *rest) for at_s, kind, *rest in row["marks"]]

    def beat(self, now_s: float) -> list[Effect] | None:
        """Look at some positions, in session; once a minute, when all are seen, keep what they come to.

        A piece at a time, of which there are several in a pulse; None = there is nothing to do.
        """
        if not self._helm.holdings.intake.loaded or not self._helm.calendar.is_open(now_s):
            # a round that the close has cut is no round of the next morning
            self._next, self._seen = None, {}
            self._turns.drop()
            return None
        if self._next is not None:
            return self._next(now_s)
        turn = self._turns.next(now_s)
        self._look(turn, now_s)
        if self._turns.ended:
            self._next = self._add_up
        return [] if turn else None

    def close(self, now_s: float) -> list[Effect]:
        """The session has ended: its last sample, all positions at once."""
        if not self._helm.holdings.intake.loaded or ist_date(now_s).isoformat() != self.date:
            return []
        self._look(list(self._helm.holdings.positions), now_s)
        self._add_up(now_s)
        return self._sample(now_s)

    def course(self, position: PositionId) -> tuple[Sample, ...]:
        """The whole P&L of a position since its entry, as far as this life has seen it on that day."""
        values = self._courses.get(position, ())
        return tuple(
            Sample(at_s, None if paise == _UNKNOWN else paise)
            for at_s, paise in zip(self._moments, values, strict=False)
        )

    def hear(self, effects: Iterable[Effect], now_s: float) -> None:
        """Mark what was told aloud, in session."""
        for effect in effects:
            if isinstance(effect, Alert) and effect.urgency >= Urgency.MEDIUM:
                if now_s - self._told.get(effect.topic, -inf) < SAME_ALERT_S:
                    continue
                text = f"{effect.title}: {effect.text}"[:_TEXT_COLUMNS]
                self._mark(Mark(now_s, MarkKind.ALERT, text, effect.position or ""))
                self._told[effect.topic] = now_s

    def exited(self, intent: Intent, made_paise: int | None, now_s: float) -> None:
        """Mark an exit that has ended flat, of a part too, and what it made."""
        if intent.state.flat:
            self._mark(Mark(now_s, MarkKind.EXIT, intent.title, intent.position, made_paise))

    # ----------------------------------------------------------------------------------- inside

    def _mark(self, mark: Mark) -> None:
        if not self._helm.calendar.is_open(mark.at_s):
            return
        self._begin(ist_date(mark.at_s).isoformat())
        self.marks = [*self.marks, mark][-MARKS_KEPT:]

    def _begin(self, today: str) -> None:
        if today != self.date:
            self.date, self.samples, self.marks = today, [], []
            self._moments, self._courses, self._told = [], {}, {}

    def _look(self, turn: Sequence[PositionId], now_s: float) -> None:
        held = self._helm.holdings.positions
        self._seen |= {name: self._helm.watch.standing(name, now_s) for name in turn if name in held}

    def _add_up(self, now_s: float) -> list[Effect]:
        """Let the day of each account know what was seen."""
        held = self._helm.holdings.positions
        self._seen = {name: seen for name, seen in self._seen.items() if name in held}
        self._limits.follow(self._seen.values(), now_s)
        self._next = self._sample
        return []

    def _sample(self, now_s: float) -> list[Effect]:
        """Keep what the day comes to by what was seen; a day of nothing at all is none."""
        seen, self._seen, self._next = list(self._seen.values()), {}, None
        today = ist_date(now_s).isoformat()
        total = self._limits.kept(today)
        if total is None:
            return []
        self._begin(today)
        self.samples.append(Sample(float(int(now_s)), total.paise))
        self._follow(seen, now_s)
        effects: list[Effect] = [Record("diary", "today", self._running())]
        if total.paise is not None:
            result = DayResult(now_s, total.paise, total.closed_paise)
            self.results[today] = result
            effects.append(Record("daily", today, {n: getattr(result, n) for n in result.__slots__}))
        return effects

    def _follow(self, seen: Iterable[Standing], now_s: float) -> None:
        """One more entry in each course; who was not there before has unknown ones up to now."""
        for standing in seen:
            course = self._courses.setdefault(standing.position, array("q"))
            course.extend([_UNKNOWN] * (len(self._moments) - len(course)))
            paise = standing.marked_paise
            course.append(_UNKNOWN if paise is None else paise)
        self._moments.append(now_s)

    def _running(self) -> dict[str, Any]:
        marks = [[*mark] for mark in self.marks]
        return {"date": self.date, "samples": [[*sample] for sample in self.samples], "marks": marks}
