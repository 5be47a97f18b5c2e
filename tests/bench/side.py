"""What side work does to the way of a tick: chat and trade store, working, hanging and dead, and none at all.

The same house, pace and sender as in the latency part, with the real chat or the real client of Supabase in
the same loop. The claim is about ratios within a round, so all variants take turns in each of them.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.app import TelegramChat
from bot.poller import PollPace
from bot.rooms import ChatPlot
from engine.accounts import People
from engine.chat_tuning import ChatTuning
from engine.errors import SourceError
from engine.io.clock import SystemClock
from engine.io.drawing import Easel
from engine.io.heap import settled
from engine.io.interpreter import shared_fairly
from engine.io.journal import Journal
from engine.io.log import Redactor, Tail
from engine.io.process import Process
from engine.io.stores.sqlite import SqliteStore
from engine.io.stores.supabase import SupabaseStore
from engine.io.stores.supabase_gate import Gate
from engine.io.wiring import Traffic, Wiring
from engine.messages import TradesLoaded
from engine.preflight import Check, Light
from engine.words import Secret
from tests.bench.callbacks import Turns
from tests.bench.house import build
from tests.bench.latency import in_turns, line_of, sending
from tests.bench.market import NOW_S, scene
from tests.bench.measure import Rounds
from tests.bench.receivers import Stopwatch, house
from tests.bot.house import OWNER, TOKEN, VERSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from engine.io.ports import TradeStore
    from engine.picture import RulesNow
    from tests.bench.latency import Pace

_ROOT = Path(__file__).parents[2]
#: Names of the variants, in the order of a round.
VARIANTS = (
    "nothing", "chat works", "chat hangs", "chat is dead", "store works", "store hangs", "store is dead",
)  # fmt: skip
#: So often a person asks for something, and the rows are read.
_EVERY_S = 0.5
#: A chat that comes up does so within this time, and what that costs, once in its life, is not counted.
_COMING_UP_S = 2.0


def side(pace: Pace, rounds: int, variants: Sequence[str] = VARIANTS, *, complete: bool = True) -> Rounds:
    """So many good rounds after one that warms up.

    ``complete``: that a packet was overtaken by a newer one of its contract is a failure.

    Returns:
        For each round ``chat works p99`` and so on in microseconds, and ``chat works cpu`` in microseconds
        a tick; ``chat works held`` is for how long the 99th of a hundred moments would have found the loop
        busy with a turn it had begun, in milliseconds of its CPU time: no wait for a core is in it.

    Raises:
        AssertionError: a packet is missing, or was overtaken and may not be.
    """
    market = scene(pace.positions)
    monitor = build(market, Stopwatch)
    clock = SystemClock(datetime.fromtimestamp(NOW_S, ZoneInfo("Asia/Kolkata")))
    with ExitStack() as held:
        place = Path(held.enter_context(TemporaryDirectory(prefix="bench-side-")))
        journal = held.enter_context(closing(Journal(place / "journal.sqlite3")))
        phone = held.enter_context(_process("tests.bench.phone", str(_EVERY_S)))
        sender = held.enter_context(sending(pace))
        silent = held.enter_context(_silent())
        port, telegram = int(line_of(sender)), line_of(phone).strip()
        rows = SqliteStore(place / "trades.sqlite3")
        asyncio.run(rows.import_rows(market.rows))

        def chat(url: str) -> Callable[[], AsyncIterator[None]]:
            return lambda: _chatting(monitor, clock, url, place)

        def store(url: str) -> Callable[[], AsyncIterator[None]]:
            return lambda: _reading(monitor, clock, _supabase(url, clock))

        beside = {
            "chat works": chat(telegram),
            "chat hangs": chat(silent),
            "chat is dead": chat("http://127.0.0.1:9"),
            "store works": lambda: _reading(monitor, clock, rows),
            "store hangs": store(silent),
            "store is dead": store("http://127.0.0.1:9"),
        }

        async def heard(name: str) -> Callable[[], dict[str, float]]:
            turns = Turns()
            with settled(), shared_fairly():  # as the house has it
                async with asynccontextmanager(beside.get(name, _nothing))():
                    turns.install()
                    await house(port, market, monitor, journal, clock, pace.packets)
            return lambda: {f"{name} held": turns.wait_ms(0.99, pace.packets / pace.rate)}

        return in_turns(variants, heard, monitor, sender, rounds, complete=complete)


# ------------------------------------------------------------------------------------------ what runs beside


async def _nothing() -> AsyncIterator[None]:
    yield


async def _chatting(monitor: Stopwatch, clock: SystemClock, url: str, place: Path) -> AsyncIterator[None]:
    """The whole chat, with its pinned summary; whoever is at this address is its Telegram."""
    plot = ChatPlot(
        token=TOKEN, api_url=url, chat_id=OWNER, accounts=[_wiring(monitor, clock)], clock=clock,
        wall_s=time.time, store_path=place / "chat.sqlite3", process=Process(VERSION, Tail(Redactor()), 0.0),
        tuning=ChatTuning(summary=True), pace=PollPace(),
    )  # fmt: skip
    chat = TelegramChat(plot)
    async with _beside(chat.run()):
        with suppress(TimeoutError):  # from one that hangs or is dead nothing will ever be heard
            async with asyncio.timeout(_COMING_UP_S):
                while chat.rooms.poller is None or chat.rooms.poller.last_success_s is None:  # noqa: ASYNC110
                    await asyncio.sleep(_COMING_UP_S / 100)
        yield


async def _reading(monitor: Stopwatch, clock: SystemClock, store: TradeStore) -> AsyncIterator[None]:
    """The trade store read again and again; whatever it says is handed to the machine."""

    async def read() -> None:
        while True:
            try:
                rows, levels = await store.open_rows(), await store.exit_levels()
            except SourceError as error:
                monitor.handle(TradesLoaded(None, str(error)), clock.now_s())
            else:
                monitor.handle(TradesLoaded(tuple(rows), levels=tuple(levels)), clock.now_s())
            await clock.sleep(_EVERY_S)

    async with _beside(read()):
        yield


@asynccontextmanager
async def _beside(running: object) -> AsyncIterator[None]:
    """Run it as a task for the length of a block."""
    task = asyncio.ensure_future(running)  # type: ignore[call-overload]
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=5.0)


def _supabase(url: str, clock: SystemClock) -> SupabaseStore:
    return SupabaseStore(
        Gate(url, Secret("bench-key"), sees_all=True), "default", lambda: None, lambda _alert: None, clock
    )


def _wiring(monitor: Stopwatch, clock: SystemClock) -> Wiring:
    """What the chat is plugged into: this machine, and nothing of a journal."""
    easel = Easel(monitor, clock)

    async def nothing(_asked: object) -> tuple[()]:
        return ()

    async def disk() -> Check:
        return Check("disk", Light.GREEN, "enough")

    def rules(_strategy_id: int) -> tuple[RulesNow, ...]:
        return ()

    return Wiring(
        account="default", people=People(owners=frozenset({OWNER})), post=lambda _message: None,
        view=easel.draw, glance=easel.glance, rules=rules, why=nothing, clock=clock,
        see=lambda draw: draw(monitor, clock.now_s()),
        traffic=lambda: Traffic(0, 0, 0), audit=nothing, books=nothing, disk=disk,
    )  # fmt: skip


@contextmanager
def _silent() -> Iterator[str]:
    """An address where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as ear:
        yield f"http://127.0.0.1:{ear.getsockname()[1]}"


@contextmanager
def _process(module: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    with suppress(BrokenPipeError), subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", module, *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT,
    ) as other:  # fmt: skip
        yield other
