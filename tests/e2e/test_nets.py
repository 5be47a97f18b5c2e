"""Dhan's own nets through real sockets: armed, lost, read back; flattened and staying flat."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from engine.effects import Alert, Ask, Card, Say
from engine.io.app import Options, run_house
from engine.io.clock import SystemClock
from engine.io.stores.sqlite import SqliteStore
from engine.messages import Actor, Command, Tap, Wish
from engine.model import Mode, Right
from engine.settings import Settings
from engine.trades import parse_csv
from sandbox import desk
from sandbox.account import Account
from sandbox.exchange import DEFAULT_CLIENT, Exchange
from tests.support.ear import Ear
from tests.support.stage import START, Stage

pytestmark = pytest.mark.timeout(90)

ASHA = Actor(4242, 4242, "Asha")
WAIT_S = 40.0
NO_RULES = '[default]\nstop_loss = "off"\nprofit_target = "off"\n'
DAY_STOP = NO_RULES + "[account.default]\nday_loss_rupees = 6000\n"
NETS = {"BROKER_PNL_EXIT": "on", "KILL_SWITCH_AFTER_FLAT": "on", "ALLOW_EXIT_ALL": "on"}
PATHS = {"kill switch": ("POST", "/killswitch"), "exit all": ("DELETE", "/positions")}


class World(NamedTuple):
    """The outside: a stage with one condor, its clock, its exchange and the account there."""

    stage: Stage
    clock: SystemClock
    exchange: Exchange
    account: Account


class Person:
    """Hears everything, and can speak."""

    def __init__(self):
        self.heard, self._news, self.plugged_in = [], asyncio.Event(), asyncio.Event()

    def ear(self, wirings):
        (wiring,) = wirings
        self.post = wiring.post
        self.plugged_in.set()
        return Ear(self._hear)

    def _hear(self, effect):
        self.heard.append(effect)
        self._news.set()

    async def until(self, true):
        """Wait until something that was heard is so; that thing."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for effect in self.heard:
                    if true(effect):
                        return effect
                self._news.clear()
                await self._news.wait()

    async def asks(self, command, kind):
        """Ask until the house has read the books and is able to answer so; the answer."""
        answer: object = None
        while not isinstance(answer, kind):
            self.heard.clear()
            self.post(command)
            answer = await self.until(lambda effect: isinstance(effect, Say | kind))
        return answer

    async def titled(self, kind, words):
        return await self.until(lambda e: isinstance(e, kind) and words in e.title)


@asynccontextmanager
async def house(world, home, mode=Mode.EXECUTE, rules=NO_RULES, **settings):
    """A monitor on this stage, and the person it talks to."""
    env = world.stage.settings(home, world.clock.now_s(), rules) | settings
    if not (home / "trades.sqlite3").exists():
        await SqliteStore(home / "trades.sqlite3").import_rows(parse_csv(world.stage.trades_csv()))
    person = Person()
    running = asyncio.create_task(
        run_house(Settings.parse(env), Options(mode), person.ear, lambda _view: None, lambda _secret: None)
    )
    try:
        await person.plugged_in.wait()
        yield person
    finally:
        running.cancel()
        await asyncio.wait({running})


@pytest.fixture
async def world():
    """Set the stage and open its doors."""
    clock = SystemClock(START)
    stage = Stage(clock.now_s)
    await stage.server.start()
    yield World(stage, clock, stage.exchange, stage.exchange.accounts[DEFAULT_CLIENT])
    await stage.server.stop()


@pytest.fixture
def heard(world, monkeypatch):
    """What the server was told about the whole account, whether it answered or not."""
    told = []
    exit_all = desk.exit_all

    def counted(*args):
        told.append("exit all")
        exit_all(*args)

    monkeypatch.setattr(desk, "exit_all", counted)
    return told


async def yes_to_flatten(person):
    """Type the word, read, press yes."""
    ask = await person.asks(Command(Wish.FLATTEN, ASHA, value="everything"), Ask)
    person.post(Tap(ask.nonce, yes=True, by=ASHA, callback_id="1"))
    return ask


def strange_option(stage):
    """A contract of the owner's that is in no trade store."""
    known = stage.exchange.source.instruments.values()
    puts = [each for each in known if each.right is Right.PUT and each.security_id not in stage.planned]
    return next(each for each in puts if (quote := stage.market.quote(each.key)) and quote.ask_paise)


#: What is lost, whether it was taken, and how; every other way is in tests/engine/io/dhan/test_control.py,
#: and what follows from it, on virtual time, in tests/engine/test_flattening.py.
LOSSES = [
    ("kill switch", True, None),
    ("kill switch", True, "half_body"),
    ("kill switch", False, "reset"),
    ("exit all", True, "error"),
]


@pytest.mark.parametrize(("what", "accepted", "fault"), LOSSES)
async def test_flat_and_staying_flat_whatever_is_lost(tmp_path, world, heard, what, accepted, fault):
    """Ours by our orders, the rest by Dhan, verified, the kill switch on: one exit of everything."""
    other = strange_option(world.stage)
    world.exchange.carry(other.key, other.lot, 5_000)
    async with house(world, tmp_path / "home", **NETS) as person:
        await person.until(lambda e: isinstance(e, Alert))
        if fault:
            verb, path = PATHS[what]
            getattr(world.stage.server.faults, fault)(verb=verb, path=path, accepted=accepted)
        ask = await yes_to_flatten(person)
        assert "closed by Dhan too" in "\n".join(ask.lines)
        card = await person.until(lambda e: isinstance(e, Card) and e.nonce == ask.nonce and e.final)
    assert card.done, card
    assert heard == ["exit all"]
    assert world.account.killed
    assert set(world.account.net().values()) <= {0}


async def test_a_house_that_is_ended_and_begun_again_goes_on(tmp_path, world, heard):
    """Ended right after yes; the next process closes, verifies and switches, each once."""
    async with house(world, tmp_path / "home", **NETS) as person:
        await person.until(lambda e: isinstance(e, Alert))
        ask = await yes_to_flatten(person)
        await person.until(lambda e: isinstance(e, Card) and e.nonce == ask.nonce)
    async with house(world, tmp_path / "home", **NETS) as person:
        card = await person.until(lambda e: isinstance(e, Card) and e.nonce == ask.nonce and e.final)
    assert card.done
    assert heard == []
    assert world.account.killed
    legs = [order.ticket.instrument.security_id for order in world.account.orders.values() if order.filled]
    assert len(legs) == len(set(legs))


@pytest.mark.parametrize("fault", [None, "reset", "half_body", "error"])
async def test_the_p_and_l_exit_is_armed_and_read_back(tmp_path, world, fault):
    """25 % beyond the day stop, known by what Dhan shows, whatever became of the answer."""
    if fault:
        getattr(world.stage.server.faults, fault)(verb="POST", path="/pnlExit")
    async with house(world, tmp_path / "home", rules=DAY_STOP, **NETS) as person:
        await person.until(lambda e: isinstance(e, Alert))
        async with asyncio.timeout(80):
            await person.titled(Alert, "Dhan's own exit is armed")
    assert world.account.pnl_exit.loss_rupees == 7_500


@pytest.mark.parametrize("mode", [Mode.SIMULATE, Mode.ALERT_ONLY])
async def test_modes_that_do_not_send_change_nothing_at_dhan(tmp_path, world, heard, mode):
    """Paper is closed on paper, alert-only refuses; Dhan hears of no command, with every net switched on."""
    async with house(world, tmp_path / "home", mode, rules=DAY_STOP, **NETS) as person:
        if mode is Mode.SIMULATE:
            ask = await yes_to_flatten(person)
            card = await person.until(lambda e: isinstance(e, Card) and e.nonce == ask.nonce and e.final)
            assert "On paper: nothing reached Dhan." in card.lines
        else:
            person.post(Command(Wish.FLATTEN, ASHA, value="everything"))
            await person.until(lambda e: isinstance(e, Say) and "places no orders" in e.text)
    assert (world.account.pnl_exit, world.account.killed, heard, world.exchange.log) == (None, False, [], [])
