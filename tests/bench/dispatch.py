"""The part about exits: from a stop's verdict to the last of four orders accepted, and to verified flat.

The exchange is another process (`tests.bench.venue`), the house is the whole real one in this process:
sockets, journal on disk, trade store; only its chat is an ear. Both processes look at the same clock.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from engine.effects import Card
from engine.exits import ExitDesk
from engine.io.app import Options, run_house
from engine.model import Mode
from engine.settings import Settings
from tests.bench.measure import Rounds, percentile, repeat
from tests.support.ear import Ear
from tests.support.looks import view_of
from tests.support.stage import FIRST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from engine.effects import Alert, Answer, Ask, Effect, Say
    from engine.intents import Intent
    from engine.io.app import Wiring
    from engine.view import MonitorView

_ROOT = Path(__file__).parents[2]
#: What the sandbox's exchange takes for each order.
LATENCY_S = 0.05
#: After the start and each exit, so that the next finds the read lane as empty as one that comes alone.
_PAUSE_S = 1.1
_LOOK_S = 0.05
_PATIENCE_S = 60.0


def dispatch(exits: int, rounds: int) -> Rounds:
    """Part 6: so many exits one after the other in each good round.

    Returns:
        For each round ``accepted p50``, ``flat p99`` and so on in milliseconds from the verdict.

    Raises:
        AssertionError: an exit did not end flat with four orders.
    """
    return repeat(lambda: asyncio.run(_round(exits)), rounds)


def _unheard(_said: object) -> None:
    """Take what nobody wants to see here."""


@dataclass(slots=True)
class _Times:
    """Moments of the exit that is under way, nanoseconds."""

    verdict: int = 0
    flat: int = 0


async def _round(exits: int) -> dict[str, float]:
    """One house that makes all these exits."""
    with TemporaryDirectory(prefix="bench-") as place:
        async with _venue(Path(place), exits) as venue, _House(venue.settings) as house:
            found = [await house.exit(venue, FIRST + number) for number in range(exits)]
    numbers: dict[str, float] = {}
    for name in ("accepted", "flat"):
        for share_name, share in (("p50", 0.5), ("p99", 0.99)):
            numbers[f"{name} {share_name}"] = percentile([one[name] for one in found], share)
    return numbers


class _House:
    """The whole house in this loop, with two stopwatches: where an exit is opened, where flat is told."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings = Settings.parse(settings)
        self._wiring: Wiring | None = None
        self._times = _Times()

    async def __aenter__(self) -> Self:
        self._open, desk = ExitDesk.open, self

        def opened(self: ExitDesk, intent: Intent, now_s: float) -> list[Effect]:
            desk._times.verdict = time.monotonic_ns()
            return desk._open(self, intent, now_s)

        ExitDesk.open = opened  # type: ignore[method-assign]
        run = run_house(self._settings, Options(Mode.EXECUTE), self._chat, _unheard, _unheard)
        self._running = asyncio.create_task(run)
        await self._until(self._ready, "the house did not get ready")
        await asyncio.sleep(_PAUSE_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        ExitDesk.open = self._open  # type: ignore[method-assign]
        self._running.cancel()
        await asyncio.wait({self._running})

    async def exit(self, venue: _Venue, strategy_id: int) -> dict[str, float]:
        """Let one condor lose; milliseconds from the verdict to the fourth acceptance, and to flat."""
        self._times = _Times()
        venue.lose(strategy_id)
        await self._until(lambda: bool(self._times.flat), f"the exit of {strategy_id} did not end")
        accepted = [await venue.accepted(strategy_id) for _ in range(4)]
        await asyncio.sleep(_PAUSE_S)
        times = self._times
        if not times.verdict:
            raise AssertionError(f"{strategy_id} left before its turn")
        return {
            "accepted": (max(accepted) - times.verdict) / 1e6,
            "flat": (times.flat - times.verdict) / 1e6,
        }

    def _chat(self, wirings: Sequence[Wiring]) -> Ear:
        (self._wiring,) = wirings
        return Ear(self._heard)

    def _heard(self, said: Alert | Ask | Answer | Card | Say) -> None:
        if isinstance(said, Card) and said.title.startswith("Verified flat") and not self._times.flat:
            self._times.flat = time.monotonic_ns()

    def _ready(self) -> bool:
        view: MonitorView | None = view_of(self._wiring) if self._wiring else None
        return bool(view and view.positions) and all(p.pnl_paise is not None for p in view.positions)

    async def _until(self, true: Callable[[], bool], or_else: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not true():
                    await asyncio.wait({self._running}, timeout=_LOOK_S)
        except TimeoutError:
            raise AssertionError(or_else) from None


@dataclass(slots=True)
class _Venue:
    """The other process."""

    process: asyncio.subprocess.Process
    settings: dict[str, str]
    legs: dict[int, list[int]]

    def lose(self, strategy_id: int) -> None:
        """Let a condor lose now."""
        if self.process.stdin is None:
            raise AssertionError("the venue has no standard input")
        self.process.stdin.write(f"{strategy_id}\n".encode())

    async def accepted(self, strategy_id: int) -> int:
        """When the next order was accepted, nanoseconds. Raises AssertionError when it is another's."""
        order = await _line(self.process)
        if order["security_id"] not in self.legs[strategy_id]:
            raise AssertionError(f"an order of another position while {strategy_id} leaves")
        return int(order["at_ns"])


@asynccontextmanager
async def _venue(place: Path, condors: int) -> AsyncIterator[_Venue]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.venue", str(place / "house"), str(condors), str(LATENCY_S),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=_ROOT,
    )  # fmt: skip
    try:
        first = await _line(process)
        yield _Venue(process, first["env"], {int(number): legs for number, legs in first["legs"].items()})
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The next line that the venue writes. Raises AssertionError when it has ended."""
    line = await process.stdout.readline() if process.stdout else b""
    if not line:
        raise AssertionError("the venue has ended")
    found: dict[str, Any] = json.loads(line)
    return found
