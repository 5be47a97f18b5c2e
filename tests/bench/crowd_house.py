"""The whole house in a process of its own, with a stopwatch at every callback of its loop.

``python -m tests.bench.crowd_house STRATEGIES SYNCS SETTLE_S BEGAN_NS`` reads a house's settings as JSON
from standard input and prints one line of JSON, see `main`. CPU time is that of the loop's thread: what waits
for a core, or for an answer, does not hold the loop. Nothing steady is measured in the first SETTLE_S
seconds, in which the first looks and records of all positions are written.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from engine.io.app import Options, run_house
from engine.messages import Beat, BeatKind
from engine.model import Mode
from engine.settings import Settings
from tests.bench.callbacks import Stopwatch
from tests.bench.looks import looks
from tests.support.ear import Ear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.io.app import Wiring
    from engine.model import PositionId
    from engine.monitor import Monitor

_LOOK_S = 0.05
_PATIENCE_S = 120.0
#: How long a sync is watched, and beside it as long without one.
_WINDOW_S = 1.5


class Probe:
    """Looks at a house from outside of its way."""

    def __init__(self, strategies: int, syncs: int, settle_s: int) -> None:
        self._strategies, self._syncs, self._settle_s = strategies, syncs, settle_s
        self._watch = Stopwatch()
        self._wiring: Wiring | None = None
        self._unvalued: list[PositionId] | None = None

    def chat(self, wirings: Sequence[Wiring]) -> Ear:
        """A chat that says nothing."""
        [self._wiring] = wirings
        return Ear(lambda _said: None)

    async def run(self, settings: dict[str, str], began_ns: int) -> dict[str, Any]:
        """Start the house, wait until all is valued, watch its syncs."""
        self._watch.install()
        unheard = lambda _: None  # noqa: E731
        house = asyncio.create_task(
            run_house(Settings.parse(settings), Options(Mode.EXECUTE), self.chat, unheard, unheard)
        )
        async with asyncio.timeout(_PATIENCE_S):
            while not self._valued():
                await asyncio.wait({house}, timeout=_LOOK_S)
                if house.done():
                    house.result()
        found: dict[str, Any] = {
            "first_s": (time.monotonic_ns() - began_ns) / 1e9, "cpu_s": time.process_time(),
            "waited_s": _waited_s(),
            "start": self._watch.read(),
        }  # fmt: skip
        await asyncio.sleep(self._settle_s)
        found["settling"] = self._watch.read()
        syncs = [await self._sync() for _ in range(self._syncs)]
        found |= {"syncs": syncs, "sync_ms": median(each["ms"] for each in syncs)}
        found["looks"] = await self._looks()
        found["view_ms"] = sum(found["looks"]["view"])
        gc_began = time.process_time_ns()
        gc.collect()
        found["gc_ms"] = (time.process_time_ns() - gc_began) / 1e6
        found["rss_mb"], found["peak_mb"] = _memory_mb("VmRSS"), _memory_mb("VmHWM")
        house.cancel()
        await asyncio.wait({house})
        return found

    @property
    def _monitor(self) -> Monitor | None:
        """The house's own; it lends a picture of it and no more."""
        line = None if self._wiring is None else self._wiring.view.__self__  # type: ignore[attr-defined]
        return line._target.monitor if line is not None and line.up else None

    def _valued(self) -> bool:
        monitor = self._monitor
        if monitor is None or len(monitor.holdings.positions) < self._strategies:
            return False
        now_s = self._wiring.clock.now_s() if self._wiring else 0.0
        if self._unvalued is None:
            self._unvalued = list(monitor.holdings.positions)
        # a look at each of them, again and again, would be a part of what is measured
        while self._unvalued and monitor.watch.standing(self._unvalued[-1], now_s).marked_paise is not None:
            self._unvalued.pop()
        return not self._unvalued

    async def _sync(self) -> dict[str, Any]:
        """One sync, less what the loop does in the same time without one."""
        await asyncio.sleep(_WINDOW_S)
        without = self._watch.read()
        if self._wiring is not None:
            self._wiring.post(Beat(BeatKind.SYNC))
        await asyncio.sleep(_WINDOW_S)
        found = self._watch.read()
        return found | {"ms": found["ms"] - without["ms"], "without": without}

    async def _looks(self) -> dict[str, list[float]]:
        """What each look of a person's holds the loop for, piece by piece, in milliseconds."""
        wiring = self._wiring
        assert wiring is not None
        return {name: await self._watch.pieces(look(wiring)) for name, look in looks().items()}


def _waited_s() -> float:
    """How long the loop's thread, which is this process' first, has waited for a core so far."""
    return int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9


def _memory_mb(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith(name + ":")]
    return int(line.split()[1]) / 1024


def main() -> None:
    """Print what was found.

    ``first_s``: from the start of this process to the first value of the last position; ``waited_s``: so
    long its first thread has waited for a core until then. ``sync_ms``: how long a sync held the loop, the
    median of all. ``long``: callbacks above `LONG_MS`.
    """
    strategies, syncs, settle_s, began_ns = map(int, sys.argv[1:])
    found = asyncio.run(Probe(strategies, syncs, settle_s).run(json.load(sys.stdin), began_ns))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
