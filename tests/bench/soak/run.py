"""Starts everything around the house, lets it run for so long, and collects what all of them saw."""

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
from pathlib import Path
from typing import Any

from redis import Redis

from tests.support.redis_server import RedisServer

_ROOT = Path(__file__).parents[3]
STRATEGIES, RATE = 200, 10_000
_START_S, _END_S = 60.0, 30.0
_MINUTE_S = 60.0


def soak(seconds: float, strategies: int = STRATEGIES, rate: int = RATE) -> dict[str, Any]:
    """Run it.

    Returns:
        ``lines`` of the probe (`tests.bench.soak.house`), what the sender has ``sent``, what the ``world``
        has shown and served, how many keys the ``mirror`` has.

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
            "lines": lines, "sent": json.loads(_line(sender)), "mirror": _keys(redis),
            "world": _farewell(world),
        }  # fmt: skip


def _keys(redis: RedisServer) -> int:
    with Redis.from_url(redis.url.reveal()) as client:
        return int(client.dbsize())


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
