"""``python -m sandbox``: only the outside world, for a monitor in another process."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sandbox.house import PHONE_PORT, Sandbox

DEFAULT_START = "2026-11-18T10:15:00+05:30"


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped; prints the settings a monitor needs, one NAME=value a line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--start", default=DEFAULT_START, help="where its clock begins (default %(default)s)")
    parser.add_argument("--trades", type=Path, metavar="FILE", help="write the demo's trades there as CSV")
    parser.add_argument(
        "--phone-port", type=int, default=PHONE_PORT, help="default %(default)s; 0 = any free one"
    )
    args = parser.parse_args(argv)
    return asyncio.run(_serve(datetime.fromisoformat(args.start), args.trades, args.phone_port))


async def _serve(start: datetime, trades: Path | None, phone_port: int) -> int:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    async with Sandbox(lambda: start.timestamp() + loop.time() - began_s, phone_port=phone_port) as sandbox:
        outside = sandbox.outside
        if trades is not None:
            trades.write_text(outside.trades_csv(), encoding="utf-8")
        for name, value in {**outside.settings, "CLOCK_START": start.isoformat()}.items():
            print(f"{name}={shlex.quote(value)}")
        print(f"# phone page: {outside.phone_url}", flush=True)
        await stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
