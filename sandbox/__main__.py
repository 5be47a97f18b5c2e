"""Only the outside world, for a monitor in another process."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import signal
import sys
from contextlib import suppress
from datetime import datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.house import PHONE_PORT, Sandbox
from sandbox.ist import IST, ist
from sandbox.market import DEFAULT_SEED
from sandbox.replay import RecordedMarket, SpeedClock

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_START = "2026-11-18T10:15:00+05:30"
_LAST_PORT = 65_535


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped; prints the settings a monitor needs, one NAME=value a line."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.day is not None and args.trades is not None:
        parser.error("--trades writes the demo's book, and a recorded --day has none")
    try:
        return asyncio.run(_serve(args))
    except (OSError, ValueError) as wrong:
        print(f"python -m sandbox: {wrong}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    add = parser.add_argument
    add("--start", type=moment, default=DEFAULT_START, help="where its clock begins (default %(default)s)")
    add("--speed", type=speed, default=1.0, help="how fast its clock runs (default %(default)s, as in life)")
    add("--seed", type=int, default=DEFAULT_SEED, help="the same seed gives the same market (%(default)s)")
    add("--calm", action="store_true", help="no story in the first seconds, prices at life's own pace")
    add("--day", type=Path, metavar="FILE", help="a recorded day (CSV, perhaps gzip) in place of the market")
    add("--trades", type=Path, metavar="FILE", help="write the demo's trades there as CSV")
    add("--port", type=port, default=0, help="port of Dhan (default: any free one)")
    add("--phone-port", type=port, default=PHONE_PORT, help="default %(default)s; 0 = any free one")
    return parser


def moment(text: str) -> datetime:
    """An ISO date and time; without an offset it is Indian. Raises ValueError."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=IST)


def port(text: str) -> int:
    """A TCP port. Raises ValueError."""
    if not 0 <= int(text) <= _LAST_PORT:
        raise ValueError(text)
    return int(text)


def speed(text: str) -> float:
    """How many times as fast as life, above 0. Raises ValueError."""
    if not 0 < float(text) < inf:
        raise ValueError(text)
    return float(text)


async def _serve(args: argparse.Namespace) -> int:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    day = None if args.day is None else RecordedMarket(args.day)
    start = args.start if day is None else ist(day.start_s)
    clock = SpeedClock(start.timestamp(), args.speed, loop.time)
    world = Sandbox(
        clock, phone_port=args.phone_port, dhan_port=args.port, story=not args.calm, seed=args.seed, day=day
    )
    async with world as sandbox:
        outside = sandbox.outside
        if args.trades is not None:
            args.trades.write_text(outside.trades_csv(), encoding="utf-8")
        for name, value in {**outside.settings, "CLOCK_START": start.isoformat()}.items():
            print(f"{name}={shlex.quote(value)}")
        print(f"# phone page: {outside.phone_url}", flush=True)
        await stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
