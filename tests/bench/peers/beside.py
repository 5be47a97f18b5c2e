"""The part about peers: the same packets and rules through nautilus_trader, and freqtrade's exit loop.

Ours runs in this process, each peer in one of its own, round by round in turn; all tell the CPU time of
their process. Ours has its four default rules armed, the peers a target, a stop and (nautilus) an alert half
way to the stop; all three see the same number of lunges, or the run fails.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from engine.effects import Alert
from engine.io.inbox import Inbox
from engine.io.runner import Runner
from engine.model import key_parts
from engine.payoff import payoff
from engine.wire import decode
from tests.bench.cpu import Drive, Stream
from tests.bench.market import HOLDERS, scene
from tests.bench.measure import Rounds, repeat
from tests.bench.part import Result, Size
from tests.bench.peers.child import Child
from tests.bench.peers.environments import NotInstalled, python_of
from tests.bench.report import micros, part, spread, times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.effects import Effect
    from engine.io.journal import Journal
    from engine.io.perform import Performer
    from engine.io.ports import Clock
    from engine.messages import Tick

NAUTILUS, FREQTRADE = ("nautilus_trader", "1.221.0"), ("freqtrade", "2026.9")
#: So many packets are read in one turn of the loop, ours and nautilus'.
TOGETHER = 10
#: Of the stop's threshold: where the lowest alert speaks, and where it is armed again.
_ALERT, _REARM = 0.4, 0.32
_STOP, _TARGET = 0.5, 0.5


class Extent(NamedTuple):
    """So many positions, ticks a round, and good rounds."""

    positions: int
    ticks: int
    rounds: int


_EXTENTS = {
    Size.FULL: Extent(1_000, 20_000, 7), Size.QUICK: Extent(100, 2_000, 2), Size.TINY: Extent(24, 1_200, 1),
}  # fmt: skip


class Ours:
    """The house from packet to verdict: what nautilus does with its queue, and without."""

    def __init__(self, positions: int, ticks: int) -> None:
        """Set up the market, the monitor, and one round of packets all over its contracts."""
        self.drive = Drive(scene(positions))
        self.stream = Stream(self.drive.market, ticks)
        self._loop = asyncio.new_event_loop()
        self.drive.prepare()
        self.drive.run(self.stream)

    def close(self) -> None:
        """Let go of the loop."""
        self._loop.close()

    def core(self) -> None:
        """Decode and `Monitor.handle`, packet by packet."""
        self.drive.run(self.stream)

    def live(self) -> None:
        """Decode, inbox, runner, `Monitor.handle`; nobody is there to perform or to write down."""
        told = self._loop.run_until_complete(self._live())
        if told != self.stream.lunges:
            raise AssertionError(f"{told} alerts for {self.stream.lunges} lunges")

    async def _live(self) -> int:
        inbox, heard, grid, frames = Inbox(), _Ear(), self.drive.market.grid, self.stream.frames
        clock = _Still(self.drive._now_s)
        runner = Runner(
            self.drive._monitor, cast("Journal", heard), cast("Performer", heard), inbox, cast("Clock", clock)
        )
        running = asyncio.create_task(runner.run())
        post = inbox.post_ticks
        for at in range(0, len(frames), TOGETHER):
            for frame in frames[at : at + TOGETHER]:
                post(cast("Sequence[Tick]", decode(frame, grid)))
            clock.moment_s += TOGETHER * 2e-5
            await asyncio.sleep(0)
        while inbox:  # noqa: ASYNC110 - the runner is busy with it
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait({running})
        self.drive._now_s = clock.moment_s
        if inbox.conflated:
            raise AssertionError("ticks were conflated")
        return heard.alerts


class _Still:
    """A clock that moves when it is told to."""

    def __init__(self, moment_s: float) -> None:
        self.moment_s = moment_s

    def now_s(self) -> float:
        """The moment."""
        return self.moment_s


class _Ear:
    """Journal and performer in one: counts the alerts."""

    def __init__(self) -> None:
        self.alerts = 0

    def commit(self, items: Sequence[object], now_s: float) -> None:
        """Write nothing."""

    def recorded(self, record: object) -> None:
        """No store is behind it."""

    def perform(self, effect: Effect) -> None:
        """Count it."""
        self.alerts += isinstance(effect, Alert)


def job(ours: Ours, home: Path) -> Path:
    """The market as a peer wants it: legs, levels in rupees, and one round of packets."""
    monitor, legs, condors = ours.drive._monitor, [], {}
    for number, position in enumerate(monitor.holdings.positions.values()):
        shape = payoff(position.legs)
        most, worst = (shape.max_profit_paise or 0) / 100, (shape.max_loss_paise or 0) / 100
        stop = worst * _STOP
        condors[number] = (stop * _ALERT, stop * _REARM, stop, most * _TARGET)
        for leg in position.legs:
            security_id = key_parts(leg.key)[1]
            legs.append((number, security_id, leg.quantity, (leg.entry_price_paise or 0) / 100))
    frames = home / "frames"
    frames.write_bytes(b"".join(ours.stream.frames))
    written = home / "job.json"
    words = {"legs": legs, "condors": condors, "frames": str(frames), "together": TOGETHER}
    written.write_text(json.dumps(words), encoding="utf-8")
    return written


def peers(size: Size) -> Result:
    """Measure ours beside every peer that can be installed here.

    Returns:
        For each round CPU microseconds a tick of ``ours live``, ``ours core``, ``nautilus live`` and
        ``nautilus core``; and of ``ours position``, ``freqtrade default`` and ``freqtrade
        levels`` a position.

    Raises:
        AssertionError: not everybody saw every tick and every lunge.
    """
    extent = _EXTENTS[size]
    ours = Ours(extent.positions, extent.ticks)
    with ExitStack() as held:
        held.callback(ours.close)
        home = Path(held.enter_context(TemporaryDirectory(prefix="bench-peers-")))
        children, notes = _children(held, ours, home, extent.positions)

        def one_round() -> dict[str, float]:
            a_tick = _ours(ours)
            if nautilus := children.get(NAUTILUS[0]):
                a_tick |= _nautilus(nautilus, ours)
            if freqtrade := children.get(FREQTRADE[0]):
                a_tick |= _freqtrade(freqtrade, extent.positions)
            return a_tick

        one_round()
        rounds = repeat(one_round, extent.rounds)
    return Result(_table(rounds, extent.positions, "; ".join(notes)), rounds)


def _children(held: ExitStack, ours: Ours, home: Path, positions: int) -> tuple[dict[str, Child], list[str]]:
    """Those that can be started here, by name; of all, what runs or why it does not."""
    trades = home / "trades.json"
    trades.write_text(json.dumps({"trades": positions}), encoding="utf-8")
    children, notes = {}, []
    for (name, version), script, work in (
        (NAUTILUS, "run_nautilus.py", job(ours, home)), (FREQTRADE, "run_freqtrade.py", trades),
    ):  # fmt: skip
        try:
            child = Child(python_of(name, version), script, work)
        except (NotInstalled, AssertionError) as error:
            notes.append(f"{name} {version} not measured: {error}")
        else:
            children[name] = held.enter_context(child)
            notes.append(child.versions)
    return children, notes


def _ours(ours: Ours) -> dict[str, float]:
    """Microseconds a tick, and a position that it touches."""
    ticks = len(ours.stream.frames)
    live, core = (_cpu_s(ours, run) / ticks * 1e6 for run in (ours.live, ours.core))
    return {"ours live": live, "ours core": core, "ours position": live / HOLDERS}


def _nautilus(child: Child, ours: Ours) -> dict[str, float]:
    """Microseconds a tick."""
    found = {}
    for variant in ("live", "core"):
        told = child.round(variant)
        if told["said"] != ours.stream.lunges:
            raise AssertionError(f"nautilus said {told['said']}, {ours.stream.lunges} lunges")
        found[f"nautilus {variant}"] = told["cpu_s"] / len(ours.stream.frames) * 1e6
    return found


def _freqtrade(child: Child, positions: int) -> dict[str, float]:
    """Microseconds a position."""
    found = {}
    for variant in ("default", "levels"):
        told = child.round(variant)
        if (told["said"], told["seen"]) != (0, positions):
            raise AssertionError(f"freqtrade looked at {told['seen']}, closed {told['said']}")
        found[f"freqtrade {variant}"] = told["cpu_s"] / positions * 1e6
    return found


def _cpu_s(ours: Ours, run: Callable[[], None]) -> float:
    ours.drive.prepare()
    began_s = process_time()
    run()
    return process_time() - began_s


#: Who, what it is called in a round, beside which of ours it stands, and what is expected.
_ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("Prahari, a tick: decode, inbox, runner, verdict", "ours live", "", ""),
    ("nautilus_trader, a tick: adapter, live engine, bus, strategy", "nautilus live", "ours live", "≥ 4×"),
    ("Prahari, a tick: decode and verdict alone", "ours core", "", ""),
    ("nautilus_trader, a tick: its engine called directly, P&L by hand", "nautilus core", "ours core", ""),
    ("Prahari, a position that a tick touches", "ours position", "", ""),
    (
        "freqtrade, a position: its loop's step (trades, exits, commit)",
        "freqtrade default",
        "ours position",
        "≥ 100×",
    ),
    ("freqtrade, a position: exit_positions alone, no signals", "freqtrade levels", "ours position", ""),
)


def _table(rounds: Rounds, positions: int, note: str) -> str:
    names: set[str] = set(rounds.good[0])
    rows: list[tuple[Any, ...]] = []
    for text, name, beside, expected in _ROWS:
        if name not in names:
            rows.append((text, "not measured", "", expected))
            continue
        ratio = spread(rounds.ratios(name, beside), times) if beside else ""
        rows.append((text, spread(rounds.each(name), micros), ratio, expected))
    title = (
        f"Peers: from bytes to verdict, {positions:,} open positions, packets all over their contracts, CPU"
    )
    return part(title, ("who", "cost", "against ours", "expected"), rows, rounds, note)
