"""Starts everything, lets it run for so long, and says by the minute what has grown and what was missed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from tests.bench.soak import SETTLED_S
from tests.support.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT = Path(__file__).parents[3]
STRATEGIES, RATE = 200, 10_000
#: What may grow in a minute after the second one and still be called nothing: megabytes; and how many tasks
#: and descriptors the last minute may have more than the third (a request may be under way).
MEMORY_MB_A_MIN, TASKS, FDS = 0.5, 8, 8
_START_S, _END_S = 60.0, 30.0
_MINUTE_S = 60.0
#: A beat that is late while the house waits for a core that much says more about its neighbours.
_DISTURBED = 0.1


def soak(seconds: float, strategies: int = STRATEGIES, rate: int = RATE) -> dict[str, Any]:
    """Run it.

    Returns:
        ``lines`` of the probe (`tests.bench.soak.house`), what the sender has ``sent``, what the ``phone``
        has shown.

    Raises:
        AssertionError: one of the processes has failed.
    """
    place = Path(tempfile.mkdtemp(prefix="soak-"))
    with ExitStack() as held:
        held.callback(shutil.rmtree, place, ignore_errors=True)
        redis = RedisServer(place)
        held.callback(redis.kill)
        asyncio.run(redis.start())
        world = _start(held, "tests.bench.soak.world", str(place / "house"), str(strategies))
        told = json.loads(_line(world))
        env: dict[str, str] = told["env"]
        began_s = datetime.fromisoformat(env["CLOCK_START"]).timestamp()
        sender = _start(held, "tests.bench.soak.sender", str(rate), str(began_s))
        _say(sender, json.dumps(told["contracts"]))
        feed = f"ws://127.0.0.1:{int(_line(sender))}/"
        env |= {"DHAN_FEED_URL": feed, "REDIS_URL": redis.url.reveal(), "PYTHONPATH": str(_ROOT)}
        lines = _house(env, place, seconds)
        return {
            "seconds": seconds, "strategies": strategies, "contracts": len(told["contracts"]), "rate": rate,
            "lines": lines, "sent": json.loads(_line(sender)), "phone": _farewell(world),
        }  # fmt: skip


def _house(env: dict[str, str], place: Path, seconds: float) -> list[dict[str, Any]]:
    """The house from its start to its end, told to stop after so long; the lines of its probe."""
    read, write = os.pipe()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SOAK_TRACE") if name in os.environ}
    with (place / "said").open("wb") as said:
        house = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "tests.bench.soak.house", str(write)],
            env=kept | env, cwd=place, stdout=said, stderr=said, pass_fds=[write],
        )  # fmt: skip
    os.close(write)
    stop = threading.Timer(seconds, house.send_signal, [signal.SIGTERM])
    stop.start()
    lines = []
    with os.fdopen(read, encoding="utf-8") as told:
        for line in told:
            lines.append(json.loads(line))
            _show(lines)
    stop.cancel()
    try:
        status = house.wait(_END_S)
    except subprocess.TimeoutExpired:
        house.kill()
        raise AssertionError("the house does not stop") from None
    if status or not lines:
        raise AssertionError(f"the house ended with {status}: {(place / 'said').read_text()[-3_000:]}")
    return lines


def _show(lines: list[dict[str, Any]]) -> None:
    """That it lives, once a minute."""
    last = lines[-1]
    if last.get("at_s", 0) % _MINUTE_S < lines[0].get("at_s", 0):
        print(f"  {last['at_s']:.0f} s: {last['rss_mb']:.1f} MB", flush=True)


def _start(held: ExitStack, module: str, *words: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", module, *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT, text=True,
    )  # fmt: skip
    held.callback(_farewell, process)
    return process


def _say(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin:
        process.stdin.write(line + "\n")
        process.stdin.flush()


def _line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise AssertionError("a process of the soak has ended")
    return line


def _farewell(process: subprocess.Popen[str]) -> Any:
    """End its standard input, and so it; its last words."""
    if process.returncode is not None:
        return None
    words, _ = process.communicate(timeout=_END_S)
    return json.loads(words) if words.startswith("{") else None


# ------------------------------------------------------------------------------------- the page


def slope_mb_a_min(lines: Sequence[dict[str, Any]]) -> float | None:
    """How memory has grown a minute since it had settled: the slope of least squares; None = too short."""
    points = [(line["at_s"] / 60, line["rss_mb"]) for line in lines if line["at_s"] > SETTLED_S]
    if len(points) < 3:
        return None
    x0, y0 = (sum(column) / len(points) for column in zip(*points, strict=True))
    return sum((x - x0) * (y - y0) for x, y in points) / sum((x - x0) ** 2 for x, _ in points)


def page(found: dict[str, Any]) -> str:
    """The table by minutes, and below it what was expected beside what was found."""
    lines = [line for line in found["lines"] if line.get("at_s", found["seconds"]) < found["seconds"]]
    minutes: dict[int, list[dict[str, Any]]] = {}
    for line in lines:
        minutes.setdefault(int((line["at_s"] - 0.5) // _MINUTE_S) + 1, []).append(line)
    rows = [_row(number, part) for number, part in minutes.items()]
    head = ("minute", "memory MB", "blocks", "tasks", "threads", "files", "ticks/s", "conflated",
            "beats", "missed", "longest between pulses s", "age p50 µs", "p99 µs", "worst ms")  # fmt: skip
    title = (
        f"Soak: {found['strategies']:,} strategies on {found['contracts']:,} contracts, {found['rate']:,} "
        f"ticks/s for {found['seconds']:.0f} s; Telegram, Supabase and Redis on; the house waited for a core "
        f"{_waited(lines):.1%} of the time and worked {_worked(lines):.1%}"
    )
    table = tabulate(rows, headers=head, tablefmt="simple_outline", disable_numparse=True)
    return "\n".join([title, table, *_verdicts(found, lines)])


def _row(number: int, part: list[dict[str, Any]]) -> tuple[str, ...]:
    last, span_s = part[-1], 10.0 * len(part)
    missed = sum(sum(line["missed"].values()) for line in part)
    return (
        str(number), f"{last['rss_mb']:.1f}", f"{last['blocks']:,}", str(last["tasks"]), str(last["threads"]),
        str(last["fds"]), f"{sum(line['ticks'] for line in part) / span_s:,.0f}", f"{last['conflated']:,}",
        str(sum(line["beats"] for line in part)), str(missed),
        f"{max(line['pulse_gap_s'] for line in part):.2f}",
        f"{sorted(line['p50_us'] for line in part)[len(part) // 2]:,.0f}",
        f"{sorted(line['p99_us'] for line in part)[len(part) // 2]:,.0f}",
        f"{max(line['max_us'] for line in part) / 1e3:,.1f}",
    )  # fmt: skip


def _verdicts(found: dict[str, Any], lines: list[dict[str, Any]]) -> list[str]:
    settled = [line for line in lines if line["at_s"] > SETTLED_S]
    slope = slope_mb_a_min(lines)
    said = [f"phone: {found['phone']}; sender: {found['sent']}"]
    if slope is None:
        return [*said, "too short to say what grows: that is looked at after the second minute"]
    third, last = settled[:6], settled[-6:]
    tasks, fds = (
        max(line[name] for line in last) - max(line[name] for line in third) for name in ("tasks", "fds")
    )
    missed = sum(sum(line["missed"].values()) for line in settled)
    ours = sum(sum(line["missed"].values()) for line in _undisturbed(lines))
    while_free = (
        f"in the {len(_undisturbed(lines))} stretches in which it waited for a core for less than a tenth"
    )
    return [
        *said,
        f"memory {slope:+.2f} MB a minute after the second (expected ≤ {MEMORY_MB_A_MIN})",
        f"third minute to the last: tasks {tasks:+d} (expected ≤ {TASKS}), files {fds:+d} (expected ≤ {FDS})",
        f"beats missed after the second minute: {missed} (expected 0), of these {ours} {while_free}",
    ]


def _undisturbed(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the settled stretches those in which the machine let the house work."""
    return [
        line
        for before, line in pairwise(lines)
        if line["at_s"] > SETTLED_S
        and line["waited_s"] - before["waited_s"] < _DISTURBED * (line["at_s"] - before["at_s"])
    ]


def _waited(lines: list[dict[str, Any]]) -> float:
    return (lines[-1]["waited_s"] - lines[0]["waited_s"]) / max(lines[-1]["at_s"] - lines[0]["at_s"], 1.0)


def _worked(lines: list[dict[str, Any]]) -> float:
    return (lines[-1]["cpu_s"] - lines[0]["cpu_s"]) / max(lines[-1]["at_s"] - lines[0]["at_s"], 1.0)
