"""A stage whose trades are in a Supabase on loopback, and monitors that live there in their own processes."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial

import pytest

from engine.effects import Alert, Card
from engine.io.app import Options, run_house
from engine.io.clock import SystemClock
from engine.model import Mode
from engine.settings import Settings
from sandbox.bell import Bell
from sandbox.supabase_server import SupabaseServer
from tests.e2e.owner import FREEZES
from tests.e2e.test_two_owners import started
from tests.support import turns
from tests.support.ear import Ear
from tests.support.looks import view_of
from tests.support.stage import START, Stage

RULES = '[default]\nconfirm_s = 0\n[strategy."Iron Condor"]\nstop_loss_rupees = 1000\n'
WAIT_S = 180.0


class SupabaseWorld:
    """The outside: an exchange with one condor, and the database that its rows are in.

    Attributes:
        on_enter: called with each order that the exchange accepts.
    """

    def __init__(self, database, home, **stage):
        self.database, self.home = database, home
        self._leapt_s = 0.0
        self.clock = SystemClock(START, monotonic_s=self.monotonic_s)
        self.stage = Stage(self.clock.now_s, **stage)
        self.server = SupabaseServer(database.terms)
        self.on_enter = lambda _order: None
        self.bell = Bell()
        enter = self.stage.exchange.enter

        def entered(*args, **more):
            made = enter(*args, **more)
            self.on_enter(made)
            self.bell.ring()
            return made

        setattr(self.stage.exchange, "enter", entered)  # noqa: B010 - mypy

    def monotonic_s(self):
        """What carries every clock of this world."""
        return time.monotonic() + self._leapt_s

    def leap(self, seconds):
        """So much time passes at once for the exchange and for a house in this process."""
        self._leapt_s += seconds

    async def fill(self):
        """Write the stage's rows into the database, as a person would."""
        for cells in csv.DictReader(io.StringIO(self.stage.trades_csv())):
            await self.put(**cells)

    async def put(self, **cells):
        """One row; its id."""
        names = ", ".join(f'"{name}"' for name in cells)
        statement = (
            f"insert into trades ({names}) select {names} "  # noqa: S608 - of constants
            "from json_populate_record(null::trades, $1) returning id"
        )
        (row,) = await self.database.rows(statement, json.dumps(cells))
        return row["id"]

    def settings(self, rules=RULES, **more):
        """The environment of a monitor in this world."""
        env = self.stage.settings(self.home, self.clock.now_s(), rules)
        return env | {
            "SUPABASE_URL": self.server.url, "SUPABASE_SECRET_KEY": self.server.keys.secret, **more,
        }  # fmt: skip

    @asynccontextmanager
    async def monitor(self, **more):
        """A monitor in a process of its own; killed for good at the end."""
        async with started(self.settings(**more) | {FREEZES: ""}, self.home / "log") as monitor:
            yield monitor

    async def until_rows(self, true):
        """Wait until the rows of the database are so; the rows."""
        return await self.until("select * from trades order by id", true)

    async def until(self, question, true):
        """Wait until the answer to a question of SQL is so; the rows of it."""
        calls = self.server.rest.calls
        async with asyncio.timeout(WAIT_S):
            while True:
                seen = len(calls)  # a monitor changes rows by calls alone
                if true(rows := await self.database.rows(question)):
                    return rows
                await turns.until(partial(_more, calls, seen), WAIT_S)

    def looks_as_owner(self):
        """How often a monitor has read both tables to the end since it was given the lease."""
        paths = [path for _, path, status in self.server.rest.calls if status == 200]
        owned = [n for n, path in enumerate(paths) if "claim_lease" in path]
        return sum("strategy_exit_levels" in path for path in paths[owned[-1] :]) if owned else 0

    async def rows(self):
        """All rows, in the order of their ids."""
        return await self.database.rows("select * from trades order by id")

    def brought(self):
        """What the exchange says each contract was traded at: average in rupees, by security id."""
        account = self.stage.exchange.account()
        sums, units = defaultdict(int), defaultdict(int)
        for trade in account.trades:
            key = account.orders[trade.order_id].ticket.instrument.security_id
            sums[key] += trade.quantity * trade.price_paise
            units[key] += trade.quantity
        return {key: Decimal(round(sums[key] / units[key])) / 100 for key in sums}

    def held(self, strategy_id):
        """Whether the exchange holds anything of a condor."""
        return any(self.stage.exchange.net(leg.key) for leg in self.stage.legs[strategy_id])

    @property
    def nets(self):
        """Units held of each contract."""
        return {at.net for at in self.stage.exchange.account().holdings().values()}


@asynccontextmanager
async def supabase_world(database, home, **stage):
    """A world for a block."""
    home.mkdir(exist_ok=True)
    world = SupabaseWorld(database, home, **stage)
    await world.stage.server.start()
    await world.server.start()
    await world.fill()
    try:
        yield world
    finally:
        await world.server.stop()
        await world.stage.server.stop()


def _more(calls, seen):
    return len(calls) > seen


async def until(true):
    """Wait until it is so."""
    await turns.until(true, WAIT_S)


class Person:
    """Hears everything that a house in this process says, and sees what it shows."""

    def __init__(self):
        self.heard, self.wiring = [], None

    def ear(self, wirings):
        """Plug in."""
        (self.wiring,) = wirings
        return Ear(self.heard.append)

    @property
    def titles(self):
        """Of everything said so far."""
        return [said.title for said in self.heard if isinstance(said, Alert | Card)]

    def legs(self, strategy_id):
        """Units of each leg of a position, priced or not; none = it is not there."""
        return [leg.quantity for at in self._positions if at.strategy_id == strategy_id for leg in at.legs]

    def units(self, strategy_id):
        """Units of each leg of a position, when every leg is priced; else None."""
        for position in self._positions:
            if position.strategy_id == strategy_id and position.pnl_paise is not None:
                return [leg.quantity for leg in position.legs]
        return None

    def pnl_paise(self, strategy_id):
        """What a position has made; None = it is not there, or not priced."""
        return next((each.pnl_paise for each in self._positions if each.strategy_id == strategy_id), None)

    @property
    def _positions(self):
        return view_of(self.wiring).positions if self.wiring else ()

    until = staticmethod(until)


@asynccontextmanager
async def living(world, rules=RULES):
    """A house in this process, for a block; who hears it."""
    person = Person()
    settings = Settings.parse(world.settings(rules))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.io.app.SystemClock", partial(SystemClock, monotonic_s=world.monotonic_s))
        house = asyncio.create_task(
            run_house(settings, Options(Mode.EXECUTE), person.ear, lambda _view: None, lambda _secret: None)
        )
        try:
            yield person
        finally:
            house.cancel()
            await asyncio.wait({house})
