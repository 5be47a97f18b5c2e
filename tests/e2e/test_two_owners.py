"""Two real monitors for one account: the first is frozen in the midst of an exit, the second finishes it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import asynccontextmanager, closing, suppress

import pytest

from engine.io.clock import SystemClock
from engine.io.stores.sqlite import SqliteStore
from engine.trades import parse_csv
from tests.e2e.outside import ROOT
from tests.e2e.owner import CLAIMED, FREEZES, FROZEN
from tests.support.stage import START, Stage

TTL_S = 5
WAIT_S = 60.0
RULES = '[default]\nconfirm_s = 0\n[strategy."Iron Condor"]\nstop_loss_rupees = 1000\n'


class Monitor:
    """One process, and what it has said so far."""

    def __init__(self, process):
        self.process = process
        self.said = []
        self._news = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        while line := await self.process.stdout.readline():
            async with self._news:
                self.said.append(tuple(json.loads(line)))
                self._news.notify_all()

    async def says(self, title, after=0):
        """Wait until it has said this, and give back the text."""
        async with asyncio.timeout(WAIT_S), self._news:
            await self._news.wait_for(lambda: self._found(title, after))
        return self._found(title, after)[0]

    async def ended(self):
        """Wait until an exit of its has ended."""
        async with asyncio.timeout(WAIT_S), self._news:
            await self._news.wait_for(lambda: any(final for *_, final in self.said))

    def _found(self, title, after=0):
        return [text for each, text, _ in self.said[after:] if title in each]

    def send(self, number):
        """Send it a signal."""
        self.process.send_signal(number)

    async def end(self):
        """SIGTERM; its exit code."""
        self.process.terminate()
        async with asyncio.timeout(WAIT_S):
            code = await self.process.wait()
            await self._reader
        return code


@asynccontextmanager
async def started(environ, log):
    """A monitor in a process of its own, with these settings; killed for good at the end."""
    ours = ("DHAN_", "TELEGRAM_", "SUPABASE_")
    clean = {name: word for name, word in os.environ.items() if not name.startswith(ours)}
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.e2e.owner", cwd=ROOT, stderr=errors,
            env=clean | environ, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
    try:
        yield Monitor(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Theatre:
    """The stage, and every command that reaches the exchange."""

    def __init__(self, home):
        self.home = home
        self.clock = SystemClock(START)
        self.stage = Stage(self.clock.now_s)
        self.place = home / "first" / "trades.lease.sqlite3"
        self.commands = []
        self.on_enter = lambda _order: None
        exchange = self.stage.exchange
        for name in ("enter", "modify", "cancel"):
            setattr(exchange, name, self._noted(name, getattr(exchange, name)))

    def _noted(self, name, inner):
        def noted(*args, **more):
            made = inner(*args, **more)
            self.commands.append(name)
            if name == "enter":
                self.on_enter(made)
            return made

        return noted

    @asynccontextmanager
    async def monitor(self, name, *, freezes=False):
        """One more monitor, with a directory of its own and the trade store of the first."""
        env = self.stage.settings(self.home / name, self.clock.now_s(), RULES)
        rows = self.home / name / "trades.sqlite3"
        if not rows.exists():
            rows.symlink_to(self.home / "first" / "trades.sqlite3")
        own = {"LEASE_TTL_S": str(TTL_S), FREEZES: str(freezes)}
        async with started(env | own, self.home / f"{name}.log") as monitor:
            yield monitor

    def lose(self, rupees):
        """Both shorts become dearer."""
        for leg in self.shorts:
            quote = self.stage.market.quote(leg.key)
            bid, ask = quote.bids[0].price_paise, quote.asks[0].price_paise
            self.stage.market.set_quote(leg.key, bid + rupees * 100, ask + rupees * 100)

    @property
    def shorts(self):
        return [leg for leg in self.legs if self.stage.planned[leg.security_id] < 0]

    @property
    def legs(self):
        return [leg for condor in self.stage.legs.values() for leg in condor]

    @property
    def nets(self):
        return {self.stage.exchange.net(leg.key) for leg in self.legs}

    def filled(self):
        """Signed units traded of each leg."""
        units: Counter[int] = Counter()
        account = self.stage.exchange.account()
        for trade in account.trades:
            ticket = account.orders[trade.order_id].ticket
            units[ticket.instrument.security_id] += ticket.side.sign * trade.quantity
        return dict(units)


def _rows(file, query):
    """What a SQLite file says; nothing when there is none yet."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as at:
        return at.execute(query).fetchall()
    return []


@asynccontextmanager
async def theatre(home):
    """A still market with one condor in the account, and its rows in the first one's store."""
    made = Theatre(home)
    await made.stage.server.start()
    (home / "first").mkdir()
    (home / "second").mkdir()
    await SqliteStore(home / "first" / "trades.sqlite3").import_rows(parse_csv(made.stage.trades_csv()))
    try:
        yield made
    finally:
        await made.stage.server.stop()


async def freeze_with_orders_resting(world, first):
    """The owner's orders are at the exchange, which nobody there knows yet, and the market is elsewhere."""
    frozen = asyncio.Event()

    def freeze(_order):
        if not frozen.is_set():
            frozen.set()
            first.send(signal.SIGSTOP)
            world.lose(3)

    world.on_enter = freeze
    world.lose(8)
    async with asyncio.timeout(WAIT_S):
        await frozen.wait()


async def freeze_with_orders_unsent(world, first):
    """The owner's orders are decided and written down, and he freezes (by himself) before they leave."""
    world.lose(8)
    await first.says(FROZEN)
    assert not world.commands


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize("freeze", [freeze_with_orders_resting, freeze_with_orders_unsent])
async def test_a_frozen_owner_that_wakes_sends_nothing_and_the_other_has_finished_its_exit(tmp_path, freeze):
    """SIGSTOP in the midst of an exit, past the end of the lease, then SIGCONT: only the other trades on."""
    itself = freeze is freeze_with_orders_unsent
    async with theatre(tmp_path) as world, world.monitor("first", freezes=itself) as first:
        await first.says(CLAIMED)
        assert _rows(world.place, "SELECT owner FROM engine_leases"), "nobody owns the account"
        async with world.monitor("second") as second:
            assert "another monitor owns" in (await second.says("does not own the account")).casefold()
            await freeze(world, first)
            await second.says("This monitor owns the account")
            if not itself:
                await second.says("An order of ours is in the book that no journal knows")
            await second.ended()
            assert world.nets == {0}
            done, heard = world.commands.copy(), len(first.said)
            first.send(signal.SIGCONT)
            await first.says("does not own the account", heard)
            assert await first.end() == 0
            assert world.commands == done
            assert await second.end() == 0
        assert _rows(world.place, "SELECT owner, fence FROM engine_leases") == [("", 2)]  # let go of
        assert world.filled() == {key: -units for key, units in world.stage.planned.items()}
        rows = _rows(tmp_path / "first" / "trades.sqlite3", "SELECT order_status FROM trades")
        assert rows == [("CLOSED",)] * 4
