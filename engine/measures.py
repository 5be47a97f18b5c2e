"""What is counted of the house's own pace: integers that cost nothing to count, and what they come to.

Durations are seconds. Nothing here reads a clock: whoever counts says how long it took.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.effects import CancelOrder, ModifyOrder, PlaceOrder, WriteBook
from engine.messages import Beat, BeatKind, BrokerReport, CommandOutcome, TradesLoaded, Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.effects import Effect
    from engine.messages import Message

__all__ = ["BOUNDS_S", "LONG_BOUNDS_S", "ChatMeasures", "Histogram", "Measures", "Window"]

#: Upper bounds of what is over in a moment, and of what takes its time.
BOUNDS_S = (
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
_QUICK_S = BOUNDS_S[0]
LONG_BOUNDS_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)
#: Health goes by the last so many minutes.
WINDOW_MINUTES = 10
#: Commands whose answer never came are forgotten beyond so many.
_MOST_WAITING = 1_000


class Histogram:
    """How many durations lay at or below each bound; the last count is of what was above all.

    Attributes:
        counts: one more than there are bounds, not cumulated.
        sum_s: of all durations.
    """

    __slots__ = ("bounds_s", "counts", "sum_s")

    def __init__(self, bounds_s: Sequence[float] = BOUNDS_S) -> None:
        self.bounds_s = tuple(bounds_s)
        self.counts = [0] * (len(self.bounds_s) + 1)
        self.sum_s = 0.0

    def take(self, took_s: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds_s, took_s)] += 1
        self.sum_s += took_s

    def since(self, before: Sequence[int]) -> Histogram:
        """What has been counted since these counts; its sum is not known."""
        newer = Histogram(self.bounds_s)
        newer.counts = [now - then for now, then in zip(self.counts, before, strict=True)]
        return newer

    @property
    def count(self) -> int:
        """How many."""
        return sum(self.counts)

    def share_within(self, bound_s: float) -> float | None:
        """Which share was at or below one of the bounds; None = nothing was counted."""
        count = self.count
        below = self.counts[: self.bounds_s.index(bound_s) + 1]
        return sum(below) / count if count else None

    def percentile_s(self, share: float) -> float | None:
        """The bound that this share was at or below; infinite = above all; None = nothing was counted."""
        wanted, seen = share * self.count, 0
        if not wanted:
            return None
        for bound_s, count in zip((*self.bounds_s, float("inf")), self.counts, strict=True):
            seen += count
            if seen >= wanted:
                return bound_s
        return None


class Window:
    """The last minutes of a histogram."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._before: deque[tuple[int, ...]] = deque([tuple(histogram.counts)], WINDOW_MINUTES)

    def minute(self) -> None:
        """Another minute has passed."""
        self._before.append(tuple(self._histogram.counts))

    @property
    def recent(self) -> Histogram:
        """What was counted in it."""
        return self._histogram.since(self._before[0])


@dataclass(slots=True)
class ChatMeasures:
    """What the chat counts: how long HIGH alerts wait for Telegram, and how many messages wait now."""

    alert_latency: Histogram = field(default_factory=Histogram)
    waiting: int = 0
    waiting_high: int = 0


class Measures:
    """What is counted of one account's house; the runner tells it what has happened.

    Attributes:
        tick_to_decision: from the arrival of a batch's oldest tick until all of it was judged.
        evaluation: judging one batch.
        round_trip: from a command's leaving the machine to its answer, its turn in the lane too; by verb.
        time_to_flat: from the verdict of an exit to verified flat.
        rounds: how often the exit loop has gone round: pulses that were handled to the end.
        outcomes: answers to commands by (verb, kind).
        ended: exits by the state in which they ended.
        failed_reads: readings that gave no answer, by source.
        sync_gap_s: between the last two readings of the trade store; None = there were no two.
    """

    def __init__(self) -> None:
        self.tick_to_decision, self.evaluation = Histogram(), Histogram()
        self.round_trip = {verb: Histogram() for verb in (Verb.PLACE, Verb.MODIFY, Verb.CANCEL)}
        self.time_to_flat = Histogram(LONG_BOUNDS_S)
        self.rounds = 0
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.ended: Counter[str] = Counter()
        self.failed_reads: Counter[str] = Counter()
        self.sync_gap_s: float | None = None
        self.synced_s: float | None = None
        self._sent_s: dict[tuple[Verb, str], float] = {}
        self.windows = {
            "tick_to_decision": Window(self.tick_to_decision),
            "evaluation": Window(self.evaluation),
            "round_trip": Window(self.round_trip[Verb.PLACE]),
        }

    def judged(self, arrived_s: float, began_s: float, ended_s: float) -> None:
        """A batch of ticks was; moments of one clock."""
        waited_s, took_s = ended_s - arrived_s, ended_s - began_s
        known, judging = self.tick_to_decision, self.evaluation
        if waited_s > _QUICK_S:
            known.take(waited_s)
            judging.take(took_s)
            return
        # of few ticks both are mostly this quick, and then a search is dearer than all the rest
        known.counts[0] += 1
        known.sum_s += waited_s
        judging.counts[0] += 1
        judging.sum_s += took_s

    def heard(self, message: Message, now_s: float) -> None:
        """A message that is no batch of ticks was handled to the end."""
        match message:
            case Beat(kind=BeatKind.PULSE):
                self.rounds += 1
            case CommandOutcome(verb=verb, correlation_id=name, outcome=outcome):
                self.outcomes[verb.value, type(outcome).__name__.lower()] += 1
                sent_s = self._sent_s.pop((verb, name), None)
                if sent_s is not None:
                    self.round_trip[verb].take(now_s - sent_s)
            case TradesLoaded(rows=rows) if rows is not None:
                if self.synced_s is not None:
                    self.sync_gap_s = now_s - self.synced_s
                self.synced_s = now_s
            case TradesLoaded():
                self.failed_reads["trade store"] += 1
            case BrokerReport(failed=failed) if failed:
                self.failed_reads["broker"] += 1

    def performed(self, effect: Effect, now_s: float) -> None:
        """An effect leaves the machine."""
        match effect:
            case PlaceOrder(order=order):
                self._sent(Verb.PLACE, order.correlation_id, now_s)
            case ModifyOrder(order=order):
                self._sent(Verb.MODIFY, order.correlation_id, now_s)
            case CancelOrder(correlation_id=name):
                self._sent(Verb.CANCEL, name, now_s)
            case WriteBook(line=line):
                self.ended[str(line["state"])] += 1
                seconds = line.get("seconds") or {}
                if (to_flat_s := seconds.get("to_verified_flat")) is not None:
                    self.time_to_flat.take(float(to_flat_s))

    def minute(self) -> None:
        """A minute has passed."""
        for window in self.windows.values():
            window.minute()

    def _sent(self, verb: Verb, name: str, now_s: float) -> None:
        if len(self._sent_s) >= _MOST_WAITING:
            del self._sent_s[next(iter(self._sent_s))]
        self._sent_s[verb, name] = now_s
