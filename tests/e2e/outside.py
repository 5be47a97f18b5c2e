"""A sandbox and a monitor that lives in it: in this process, or in one of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from bot.__main__ import _chat
from engine.io.app import Options, run_house
from engine.io.clock import SystemClock
from engine.io.log import Redactor, Tail
from engine.io.stores.sqlite import SqliteStore
from engine.settings import Settings
from engine.trades import parse_csv
from sandbox.house import Sandbox

ROOT = Path(__file__).resolve().parents[2]
START = "2026-11-18T10:15:00+05:30"
#: The demo's strangle has lost some 9,000 rupees: this fires at the first believable prices.
AT_ONCE = '[strategy."Short Strangle"]\nstop_loss_rupees = 1000\n'
WAIT_S = 30.0


@asynccontextmanager
async def sandbox(*, story=False, **secrets):
    """A running sandbox on a clock that starts at `START`; its market breathes by itself."""
    clock = SystemClock(datetime.fromisoformat(START))
    async with Sandbox(clock.now_s, phone_port=0, story=story, **secrets) as world:
        yield world


async def environment(world, home: Path, rules: str = "", **more: str) -> dict[str, str]:
    """The settings of a monitor in this sandbox, its trade store filled."""
    home.mkdir(exist_ok=True)
    await SqliteStore(home / "trades.sqlite3").import_rows(parse_csv(world.outside.trades_csv()))
    (home / "rules.toml").write_text(rules)
    return {
        **world.outside.settings,
        "CLOCK_START": START,
        "DATA_DIR": str(home),
        "RULES_FILE": str(home / "rules.toml"),
        **more,
    }


@asynccontextmanager
async def monitor(world, home: Path, mode, rules: str = AT_ONCE, **more: str):
    """A monitor in this very loop, as ``make run`` has it; ``more`` are settings of its own."""
    async with living(await environment(world, home, rules, **more), mode):
        yield


@asynccontextmanager
async def living(environ: dict[str, str], mode):
    """A monitor with these settings in this very loop, for a block."""
    settings = Settings.parse(environ)
    house = asyncio.create_task(
        run_house(
            settings,
            Options(mode),
            _chat(settings, Tail(Redactor())),
            lambda _view: None,
            lambda _secret: None,
        )
    )
    try:
        yield
    finally:
        house.cancel()
        await asyncio.wait({house})


@asynccontextmanager
async def process(env: dict[str, str], *args: str, cwd: Path = ROOT, module: str = "bot"):
    """``python -m bot`` in a process of its own, its ``.env`` that of ``cwd``; killed for good at the end."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DHAN_", "TELEGRAM_"))}
    ours = {"PYTHONPATH": str(ROOT), "EVENT_LOOP": "asyncio"}  # as from requirements.txt; uvloop by choice
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *args, cwd=cwd, env=clean | ours | env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, limit=2**20,
    )  # fmt: skip
    try:
        yield child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGKILL)
            await child.wait()


def held(world, strategy_id: int) -> dict[int, int]:
    """A demo position's contracts and what the exchange holds of each."""
    rows = [row for row in world.outside.trades if row["strategy_id"] == strategy_id]
    books = {at.key & 0xFFFFFFFF: at for at in world.dhan.exchange.account().holdings().values()}
    return {row["security_id"]: books[row["security_id"]].net for row in rows}


def orders_of(world, strategy_id: int):
    """Every order the exchange has seen in a demo position's contracts."""
    ids = {row["security_id"] for row in world.outside.trades if row["strategy_id"] == strategy_id}
    return [
        o for o in world.dhan.exchange.account().orders.values() if o.ticket.instrument.security_id in ids
    ]


def text_of(words: str):
    """The first message of the bot that contains these words, for ``wait_for``."""
    return lambda server: next((m for m in server.sent() if words in m.text), None)


def button_of(message, words: str) -> str:
    """The callback data of a message's button."""
    return next(key["callback_data"] for key in message.keys if words in key["text"])
