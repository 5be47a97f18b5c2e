"""The part about exits: from a stop's verdict to its first order, the last of four, and to verified flat.

The exchange is another process (`tests.bench.venue`), the house is the whole real one in this process:
sockets, journal on disk, trade store; only its chat is an ear. Both processes look at the same clock.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from engine.effects import Card, PlaceOrder
from engine.exits import ExitDesk
from engine.io.app import Options, run_house
from engine.io.dhan.warm import WarmConnection
from engine.io.journal import Journal
from engine.io.perform import Performer
from engine.io.runner import Runner
from engine.model import Mode, key_parts
from engine.settings import Settings
from tests.bench.measure import Rounds, percentile, repeat
from tests.support.ear import Ear
from tests.support.looks import view_of
from tests.support.stage import FIRST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from engine.effects import Alert, Answer, Ask, Effect, Say
    from engine.intents import Intent
    from engine.io.app import Wiring
    from engine.io.dhan.http import Reply
    from engine.io.journal import Item
    from engine.messages import Message
    from engine.view import MonitorView

_ROOT = Path(__file__).parents[2]
#: What the sandbox's exchange takes for each order.
LATENCY_S = 0.05
#: After the start and each exit, so that the next finds the read lane as empty as one that comes alone.
_PAUSE_S = 1.1
_LOOK_S = 0.05
_PATIENCE_S = 60.0
_SECURITY = re.compile(rb'"securityId": "(\d+)"')


def dispatch(exits: int, rounds: int) -> Rounds:
    """Part 6: so many exits one after the other in each good round.

    Returns:
        For each round ``first p50``, ``accepted p50``, ``flat p99`` and so on in milliseconds from the
        verdict, and before them the stages of the first order: ``opened``, the exit is in the journal,
        ``read``, the report that lets it go is taken up, ``decided``, ``kept``, in the journal too,
        ``bytes``, at the socket; of that ``syncs``, all commits in between. ``left`` and ``taken`` are of
        every order from the moment at which the message that let it go was taken up, until its bytes are at
        the socket and until the exchange has it; ``journal`` is how long the commit in between took.

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
    opened: int = 0  # the first commit after the verdict has ended
    read: int = 0  # of the first order: its message was taken up,
    decided: int = 0  # its commit began
    kept: int = 0  # and ended
    syncs: int = 0  # how long all commits took from the verdict on, until then
    let_go: dict[int, int] = field(default_factory=dict)  # by security id: its message was taken up
    left: dict[int, int] = field(default_factory=dict)  # likewise: its bytes are at the socket
    commits: list[int] = field(default_factory=list)  # how long those took that an order waited for

    def committed(self, began: int, ended: int) -> None:
        """The journal has something."""
        if self.verdict:
            self.opened = self.opened or ended
            self.syncs += 0 if self.kept else ended - began

    def lets_go(self, security_id: int, taken_up: int, began: int, ended: int) -> None:
        """An order leaves the machine: when its message was taken up, and its record was committed."""
        self.let_go[security_id] = taken_up
        self.commits.append(ended - began)
        if not self.kept:
            self.read, self.decided, self.kept = taken_up, began, ended


async def _round(exits: int) -> dict[str, float]:
    """One house that makes all these exits."""
    with TemporaryDirectory(prefix="bench-") as place:
        async with _venue(Path(place), exits) as venue, _House(venue.settings) as house:
            found = [await house.exit(venue, FIRST + number) for number in range(exits)]
    numbers: dict[str, float] = {}
    for name in found[0]:
        for share_name, share in (("p50", 0.5), ("p99", 0.99)):
            numbers[f"{name} {share_name}"] = percentile([each for one in found for each in one[name]], share)
    return numbers


@contextmanager
def _watch(times: Callable[[], _Times]) -> Iterator[None]:
    """Look on at every exit and every order that a house of this process lets go."""
    opening, stepping, doing, committing = ExitDesk.open, Runner.step, Performer.perform, Journal.commit
    exchanging = WarmConnection.exchange
    taken_up = began = ended = 0

    def opened(self: ExitDesk, intent: Intent, now_s: float) -> list[Effect]:
        times().verdict = time.monotonic_ns()
        return opening(self, intent, now_s)

    def stepped(self: Runner, message: Message) -> None:
        nonlocal taken_up, began, ended
        taken_up = began = ended = time.monotonic_ns()
        stepping(self, message)

    def commit(self: Journal, items: Sequence[Item], at_s: float) -> None:
        nonlocal began, ended
        began = time.monotonic_ns()
        committing(self, items, at_s)
        ended = time.monotonic_ns()
        times().committed(began, ended)

    async def exchange(self: WarmConnection, request: bytes, *more: Any) -> Reply:
        if found := _SECURITY.search(request):
            times().left[int(found[1])] = time.monotonic_ns()
        return await exchanging(self, request, *more)

    def does(self: Performer, effect: Effect) -> None:
        if isinstance(effect, PlaceOrder):
            times().lets_go(key_parts(effect.order.key)[1], taken_up, began, ended)
        doing(self, effect)

    with ExitStack() as put_back:
        for owner, name, instead in (
            (ExitDesk, "open", opened), (Runner, "step", stepped), (Journal, "commit", commit),
            (Performer, "perform", does), (WarmConnection, "exchange", exchange),
        ):  # fmt: skip
            put_back.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, instead)
        yield


class _House:
    """The whole house in this loop, with stopwatches: where an exit is opened, orders let go, flat told."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings = Settings.parse(settings)
        self._wiring: Wiring | None = None
        self._times = _Times()

    async def __aenter__(self) -> Self:
        self._watch = _watch(lambda: self._times)
        self._watch.__enter__()
        run = run_house(self._settings, Options(Mode.EXECUTE), self._chat, _unheard, _unheard)
        self._running = asyncio.create_task(run)
        await self._until(self._ready, "the house did not get ready")
        await asyncio.sleep(_PAUSE_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watch.__exit__(None, None, None)
        self._running.cancel()
        await asyncio.wait({self._running})

    async def exit(self, venue: _Venue, strategy_id: int) -> dict[str, list[float]]:
        """Let one condor lose; milliseconds of everything, by name."""
        self._times = _Times()
        venue.lose(strategy_id)
        await self._until(lambda: bool(self._times.flat), f"the exit of {strategy_id} did not end")
        accepted = dict([await venue.accepted(strategy_id) for _ in range(4)])
        await asyncio.sleep(_PAUSE_S)
        times = self._times
        if not times.verdict:
            raise AssertionError(f"{strategy_id} left before its turn")
        bytes_left = min(times.left.values())
        spans = {
            **{
                name: [moment - times.verdict]
                for name, moment in (
                    ("opened", times.opened), ("read", times.read), ("decided", times.decided),
                    ("kept", times.kept), ("bytes", bytes_left),
                )
            },
            "syncs": [times.syncs],
            "first": [min(accepted.values()) - times.verdict],
            "accepted": [max(accepted.values()) - times.verdict],
            "flat": [times.flat - times.verdict],
            "left": [times.left[security_id] - times.let_go[security_id] for security_id in accepted],
            "taken": [at_ns - times.let_go[security_id] for security_id, at_ns in accepted.items()],
            "journal": times.commits,
        }  # fmt: skip
        return {name: [span / 1e6 for span in each] for name, each in spans.items()}

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

    async def accepted(self, strategy_id: int) -> tuple[int, int]:
        """Contract and moment (ns) of the next accepted order. Raises AssertionError when it is another's."""
        order = await _line(self.process)
        if order["security_id"] not in self.legs[strategy_id]:
            raise AssertionError(f"an order of another position while {strategy_id} leaves")
        return int(order["security_id"]), int(order["at_ns"])


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
