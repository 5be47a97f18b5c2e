"""How to measure on a machine that others use too: CPU seconds, round-robin, busy rounds void.

CPU time (user and system of this process) is steady where wall time is not, and variants that take
turns within each round see the same machine. A round in which this process waited for a core for
more than two per cent of the time says more about its neighbours than about the code: it is void
and is run again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: The largest share of a round that may be spent waiting for a core.
VOID_SHARE = 0.02

_SCHEDSTAT = Path("/proc/self/schedstat")


def waited_s() -> float:
    """Seconds this process's main thread was ready to run and had no core (Linux; 0 elsewhere)."""
    if not _SCHEDSTAT.exists():
        return 0.0
    return int(_SCHEDSTAT.read_text(encoding="ascii").split()[1]) / 1e9


class Waiting:
    """The share of a stretch of time in which this process waited for a core."""

    def __init__(self) -> None:
        self._began_s, self._waited_s = time.monotonic(), waited_s()

    def share(self) -> float:
        """The share since the beginning."""
        return (waited_s() - self._waited_s) / max(time.monotonic() - self._began_s, 1e-9)


@dataclass(slots=True)
class Rounds:
    """What each round found, by name: CPU seconds, microseconds, packets a second.

    Attributes:
        good: the rounds that count; when the machine gave too few, all of them (see ``void``).
        shares: run-queue wait of every round, good or not.
        void: too few rounds were good.
    """

    good: list[dict[str, float]] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    void: bool = False

    def each(self, name: str) -> list[float]:
        """One number of all rounds."""
        return [one[name] for one in self.good]

    def ratios(self, over: str, under: str) -> list[float]:
        """Each round's own ratio of two numbers: what the machine does to both cancels out."""
        return [one[over] / one[under] for one in self.good]


def repeat(one_round: Callable[[], dict[str, float]], rounds: int, void_share: float = VOID_SHARE) -> Rounds:
    """Run so many good rounds, at most twice as many in all.

    Args:
        one_round: runs one and says what it found.
        rounds: how many good rounds are wanted.
        void_share: the largest share of a good round that this process waits for a core.
    """
    found = Rounds()
    bad: list[dict[str, float]] = []
    while len(found.good) < rounds and len(found.shares) < 2 * rounds:
        waiting = Waiting()
        one = one_round()
        found.shares.append(waiting.share())
        (found.good if found.shares[-1] <= void_share else bad).append(one)
    if len(found.good) < rounds:
        found.void = True
        found.good += bad
    return found


def compare(
    variants: Mapping[str, Callable[[], object]], rounds: int, before: Callable[[], object] | None = None
) -> Rounds:
    """Run all variants in turn; CPU seconds of each.

    Args:
        variants: what to measure; each is called once a round.
        rounds: how many good rounds are wanted.
        before: prepares a round, not measured.
    """

    def one_round() -> dict[str, float]:
        if before is not None:
            before()
        costs = {}
        for name, run in variants.items():
            began_s = time.process_time()
            run()
            costs[name] = time.process_time() - began_s
        return costs

    return repeat(one_round, rounds)


def percentile(numbers: Sequence[float], share: float) -> float:
    """The smallest of these that no more than the rest, a share of ``1 - share``, exceed."""
    return sorted(numbers)[max(ceil(share * len(numbers)), 1) - 1]
