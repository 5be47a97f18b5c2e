"""The house of the soak: ``python -m bot --execute`` itself, and a probe in its loop.

``python -m tests.bench.soak.house FD`` takes its settings from the environment and writes a line of JSON to
that file descriptor every few seconds, see `Probe.line`. With SOAK_TRACE in the environment, what memory has
grown by since the second minute is written there at the end, by `tracemalloc`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot import __main__ as program
from engine.io.app import run_house
from engine.io.inbox import Inbox
from engine.io.schedule import INTERVALS_S, PULSE_S
from engine.messages import Beat, BeatKind, Ticks
from engine.monitor import Monitor
from tests.bench.market import age_ns
from tests.bench.measure import percentile, waited_s
from tests.bench.soak import SETTLED_S

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from io import TextIOWrapper

    from engine.effects import Effect
    from engine.messages import Message

LINE_EVERY_S = 10.0
#: A beat that comes later after the last of its kind than its interval and this share of it was missed.
LATE = 0.5
_FDS = Path("/proc/self/fd")


class Probe:
    """Counts what the monitor handles; writes it down every few seconds."""

    def __init__(self, out: TextIOWrapper, *, trace: bool) -> None:
        self._out, self._trace = out, trace
        self._began_s = time.monotonic()
        self._last: dict[BeatKind, float] = {}
        self._missed: dict[str, int] = {}
        self._beats, self._gap_s, self._ticks = 0, 0.0, 0
        self._ages_ns: list[int] = []
        self._inboxes: list[Inbox] = []

    def install(self) -> None:
        """Look over the shoulder of every monitor of this process, and know its inbox."""
        handle, make, probe = Monitor.handle, Inbox.__init__, self

        def handled(self: Monitor, message: Message, now_s: float) -> list[Effect]:
            effects = handle(self, message, now_s)
            if type(message) is Ticks:
                probe.ticks(message)
            elif type(message) is Beat:
                probe.beat(message.kind, time.monotonic())
            return effects

        def made(self: Inbox) -> None:
            make(self)
            probe._inboxes.append(self)

        Monitor.handle = handled  # type: ignore[method-assign]
        Inbox.__init__ = made  # type: ignore[method-assign]

    def ticks(self, message: Ticks) -> None:
        """Count a batch, and take the age of its last tick."""
        self._ticks += len(message.ticks)
        if stamp := message.ticks[-1].volume:
            self._ages_ns.append(age_ns(stamp, time.monotonic_ns()))

    def beat(self, kind: BeatKind, now_s: float) -> None:
        """Count a beat; the last one of its kind may have been too long ago."""
        every_s = PULSE_S if kind is BeatKind.PULSE else INTERVALS_S.get(kind)
        if every_s is None:
            return
        self._beats += 1
        before_s = self._last.get(kind)
        self._last[kind] = now_s
        if before_s is None:
            return
        if kind is BeatKind.PULSE:
            self._gap_s = max(self._gap_s, now_s - before_s)
        if now_s - before_s > (1 + LATE) * every_s:
            self._missed[str(kind)] = self._missed.get(str(kind), 0) + 1

    def line(self) -> dict[str, Any]:
        """What was seen since the last line: memory, tasks and descriptors now, beats, ages of ticks."""
        ages = self._ages_ns or [0]
        found = {
            "at_s": round(time.monotonic() - self._began_s, 1),
            "rss_mb": _status_kb("VmRSS") / 1024, "blocks": sys.getallocatedblocks(),
            "tasks": len(asyncio.all_tasks()), "threads": int(_status("Threads")),
            "fds": sum(1 for _ in _FDS.iterdir()), "ticks": self._ticks, "beats": self._beats,
            "missed": dict(self._missed), "pulse_gap_s": self._gap_s, "cpu_s": time.process_time(),
            "waited_s": waited_s(), "conflated": sum(inbox.conflated for inbox in self._inboxes),
            "p50_us": percentile(ages, 0.5) / 1e3, "p99_us": percentile(ages, 0.99) / 1e3,
            "max_us": max(ages) / 1e3,
        }  # fmt: skip
        self._ticks, self._beats, self._gap_s = 0, 0, 0.0
        self._missed.clear()
        self._ages_ns.clear()
        return found

    async def run(self) -> None:
        """Write lines until cancelled."""
        first: tracemalloc.Snapshot | None = None
        try:
            while True:
                await asyncio.sleep(LINE_EVERY_S)
                self._write(self.line())
                if self._trace and first is None and time.monotonic() - self._began_s > SETTLED_S:
                    tracemalloc.start(5)
                    first = tracemalloc.take_snapshot()
        finally:
            if first is not None:
                top = tracemalloc.take_snapshot().compare_to(first, "lineno")[:25]
                self._write({"grown": [str(one) for one in top]})

    def _write(self, line: dict[str, Any]) -> None:
        self._out.write(json.dumps(line) + "\n")
        self._out.flush()


def _status(name: str) -> str:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [line for line in text.splitlines() if line.startswith(name + ":")]
    return line.split()[1]


def _status_kb(name: str) -> int:
    return int(_status(name))


def probed(
    run: Callable[..., Coroutine[Any, Any, None]], probe: Probe
) -> Callable[..., Coroutine[Any, Any, None]]:
    """The house, with the probe beside it for as long as it lives."""

    async def both(*words: object) -> None:
        beside = asyncio.create_task(probe.run(), name="soak probe")
        try:
            await run(*words)
        finally:
            beside.cancel()
            await asyncio.wait({beside})

    return both


def main() -> int:
    """Run the program as its owner would."""
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as out:
        probe = Probe(out, trace=bool(os.environ.get("SOAK_TRACE")))
        probe.install()
        setattr(program, "run_house", probed(run_house, probe))  # noqa: B010 - mypy
        return program.main(["--execute", "--interval", "30"])


if __name__ == "__main__":
    sys.exit(main())
