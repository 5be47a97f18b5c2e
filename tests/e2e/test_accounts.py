"""Three accounts in one process, over real sockets: what befalls one of them never touches the others."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from contextlib import asynccontextmanager, closing

import pytest

from engine import ledger
from engine.accounts import People
from engine.effects import Alert, Answer, Ask, Card, Say
from engine.errors import Settled
from engine.io import app
from engine.io.app import Options, run_house
from engine.io.clock import SystemClock
from engine.io.env import load_settings
from engine.io.journal import Journal
from engine.io.locks import HostLock
from engine.io.stores.sqlite import SqliteStore
from engine.io.supervise import Pauses
from engine.messages import Actor, Command, Tap, Wish
from engine.model import Mode, Urgency
from engine.together import total_lines
from engine.trades import parse_csv
from tests.support.ear import Ear
from tests.support.looks import view_of
from tests.support.stage import FIRST, START, Owner, Stage
from tests.support.turns import until

OWNERS = (
    Owner("default", "1000000001", "token-of-the-first"),
    Owner("huf", "1000000002", "token-of-the-huf"),
    Owner("parents", "1000000003", "token-of-the-parents"),
)
ACCOUNTS = """
[account.default]
client_id = "1000000001"
token = "DHAN_ACCESS_TOKEN"
[account.huf]
client_id = "1000000002"
token = "DHAN_ACCESS_TOKEN_HUF"
mode = "semi-auto"
viewers = [7]
[account.parents]
client_id = "1000000003"
token = "DHAN_ACCESS_TOKEN_PARENTS"
"""
RULES = '[default]\nconfirm_s = 0\n[strategy."Iron Condor"]\nstop_loss_rupees = 1000\n'
SOMEBODY = Actor(4242, 4242, "Asha")
WAIT_S = 12.0


class Family:
    """Their exchange, their phone, and what has been said to each."""

    def __init__(self, home):
        self.clock = SystemClock(START)
        self.stage = Stage(self.clock.now_s, condors=3, shorts_sold_at=0.5, owners=OWNERS)
        self.home, self.said, self.wirings, self.views = home, {}, {}, {}
        self._news = asyncio.Event()

    def chat(self, wirings):
        """One chat for all; each account has an ear of its own."""
        self.wirings = {wiring.account: wiring for wiring in wirings}
        family = self

        class Phones(Ear):
            def of(self, account):
                return Ear(lambda said: family._hear(account, said))

        return Phones(lambda said: family._hear("", said))

    def _hear(self, account, said):
        self.said.setdefault(account, []).append(said)
        self._news.set()

    async def hears(self, account, kind, words):
        """Wait until this account has said that."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for said in self.said.get(account, ()):
                    if isinstance(said, kind) and words in (
                        said.text if kind in {Say, Answer} else said.title
                    ):
                        return said
                self._news.clear()
                await self._news.wait()

    async def until(self, true):
        """Wait until it is so."""
        await until(true, WAIT_S)

    def titles(self, account):
        return [said.title for said in self.said.get(account, ()) if isinstance(said, Alert | Card)]

    def traded(self, owner):
        """Units traded of each contract of an account; every order has the account's tag in its name."""
        account, found = self.stage.exchange.accounts[owner.client_id], Counter()
        for order in account.orders.values():
            assert order.ticket.correlation_id.startswith(f"P-{owner.account}-")
        for trade in account.trades:
            found[account.orders[trade.order_id].ticket.instrument.security_id] += trade.quantity
        return found

    def rows(self):
        """How many rows of each account stand how in the trade store."""
        with closing(sqlite3.connect(self.home / "trades.sqlite3")) as store:
            counted = "SELECT account, order_status, count(*) FROM trades GROUP BY 1, 2 ORDER BY 1"
            return store.execute(counted).fetchall()

    def asked_as(self):
        """The account's tag in the name of each new order that was asked for, and the client that asked."""
        bodies = [asked.body for asked in self.stage.exchange.log]
        return {(b["correlationId"].split("-")[1], b["dhanClientId"]) for b in bodies if "correlationId" in b}

    def planned(self, number):
        """Units that the condor of an account had in each contract."""
        legs = self.stage.legs[FIRST + number]
        return {leg.security_id: abs(self.stage.planned[leg.security_id]) for leg in legs}

    def settings(self, **tokens):
        env = self.stage.settings(self.home, self.clock.now_s(), RULES)
        file = self.home / "accounts.toml"
        file.write_text(ACCOUNTS)
        more = {
            "ACCOUNTS_FILE": str(file),
            "DHAN_ACCESS_TOKEN": OWNERS[0].token,
            "DHAN_ACCESS_TOKEN_HUF": OWNERS[1].token,
            "DHAN_ACCESS_TOKEN_PARENTS": OWNERS[2].token,
        }
        return load_settings(self.home / "no.env", env | more | tokens)

    @asynccontextmanager
    async def living(self, **tokens):
        """The process, for a block."""
        self.wirings, options = {}, Options(Mode.EXECUTE, table_every_s=0.1)
        run = run_house(self.settings(**tokens), options, self.chat, self.views.update, lambda _secret: None)
        process = asyncio.create_task(run)
        try:
            await self.until(lambda: self.wirings or process.done())
            yield process
        finally:
            process.cancel()
            await asyncio.wait({process})

    async def confirm(self, words="Stop loss"):
        """Wait for this question of huf's, and say yes when it can be acted on."""
        asked = await self.hears("huf", Ask, words)
        huf = self.wirings["huf"]
        await self.until(lambda: view_of(huf).positions and not view_of(huf).degraded)
        huf.post(Tap(asked.nonce, True, SOMEBODY, "tap"))


@pytest.fixture
async def family(tmp_path, monkeypatch):
    """Three losing condors, one for each account, and short pauses."""
    monkeypatch.setattr(ledger, "SETTLE_S", 1.0)
    monkeypatch.setattr(app, "REBUILD", Pauses(0.3, 1.0))
    home = tmp_path / "data"
    made = Family(home)
    await made.stage.server.start()
    home.mkdir()
    await SqliteStore(home / "trades.sqlite3").import_rows(parse_csv(made.stage.trades_csv()))
    yield made
    await made.stage.server.stop()


async def test_a_dead_token_is_told_and_the_others_leave_verified_flat(family):
    """One account acts, one asks first, one is locked out: each order is its own client's."""
    async with family.living(DHAN_ACCESS_TOKEN_PARENTS="dead"):
        assert family.wirings.keys() == {"default", "huf", "parents"}
        assert family.wirings["huf"].people == People(frozenset({7}), owners=frozenset({4242}))
        await family.hears("default", Card, "Verified flat")
        await family.confirm()
        await family.hears("huf", Card, "Verified flat")
        await family.until(
            lambda: any(a.urgency is Urgency.HIGH for a in family.said["parents"] if isinstance(a, Alert))
        )
        await family.until(lambda: len(family.views) == 3)
        modes = {name: view.mode for name, view in family.views.items()}
        assert modes == {"default": Mode.EXECUTE, "huf": Mode.SEMI_AUTO, "parents": Mode.EXECUTE}
        assert [len(view.positions) for view in family.views.values()] == [1, 1, 1]
        assert len(total_lines(family.views)) == 4
        rows = [("default", "CLOSED", 4), ("huf", "CLOSED", 4), ("parents", "TRADED", 4)]
        await family.until(lambda: family.rows() == rows)
    for number, owner in enumerate(OWNERS[:2]):
        assert family.traded(owner) == family.planned(number)
        assert not [
            at for at in family.stage.exchange.accounts[owner.client_id].holdings().values() if at.net
        ]
    assert family.asked_as() == {(owner.account, owner.client_id) for owner in OWNERS[:2]}
    assert not family.traded(OWNERS[2])
    assert not [
        title for title in family.titles("default") + family.titles("huf") if "token" in title.lower()
    ]


async def test_a_house_that_cannot_start_is_told_and_built_again_alone(family):
    """Another process has its directory: its commands are answered, its /stop is kept, the others exit."""
    lock = HostLock(family.home / "accounts" / "huf").__enter__()
    async with family.living():
        down = await family.hears("huf", Alert, "Account huf is down")
        assert down.urgency is Urgency.HIGH
        assert "held by another monitor" in down.text
        await family.hears("default", Card, "Verified flat")
        await family.hears("parents", Card, "Verified flat")
        huf = family.wirings["huf"]
        assert view_of(huf).down
        assert "held by another monitor" in view_of(huf).degraded
        huf.post(Command(Wish.EXIT, SOMEBODY, FIRST + 1))
        await family.hears("huf", Say, "Nothing was done. Account huf is down")
        huf.post(Command(Wish.STOP, SOMEBODY))
        await family.hears("huf", Say, "Kept: it will be halted before it does anything")
        assert view_of(huf).halted
        assert "without 1 of 3 accounts (down)" in total_lines(family.views)[-1]
        lock.__exit__()
        await family.hears("huf", Alert, "is up again")
        await family.until(lambda: bool(view_of(huf).positions))
        assert (view_of(huf).halted, view_of(huf).down) == (True, False)
        assert not family.traded(OWNERS[1])
        huf.post(Command(Wish.RESUME, SOMEBODY))
        await family.confirm("Resume")
        await family.confirm()
        await family.hears("huf", Card, "Verified flat")


async def test_only_the_house_whose_journal_fails_falls_and_it_goes_on_with_its_exit(family, monkeypatch):
    """Its question survives, its exit is made once; the others never hear of it."""
    commit, broken = Journal.commit, iter((1,))

    def fails(journal, items, at_s):
        if "accounts/huf" in str(journal._path) and armed and next(broken, 0):
            raise Settled("another process has decided")
        return commit(journal, items, at_s)

    armed = []
    monkeypatch.setattr(Journal, "commit", fails)
    async with family.living():
        await family.hears("huf", Ask, "Stop loss")
        armed.append(True)
        await family.confirm()
        assert "another process has decided" in (await family.hears("huf", Alert, "is down")).text
        await family.hears("huf", Alert, "is up again")
        await family.confirm()
        await family.hears("huf", Card, "Verified flat")
        await family.hears("default", Card, "Verified flat")
        await family.hears("parents", Card, "Verified flat")
    for number, owner in enumerate(OWNERS):
        assert family.traded(owner) == family.planned(number)
    assert not [title for title in family.titles("default") + family.titles("parents") if "Account" in title]


async def test_a_restart_resumes_every_account(family):
    """Ended in the midst of an exit, the next process finishes it and begins what was not begun."""
    async with family.living():
        first = family.stage.exchange.accounts[OWNERS[0].client_id]
        await family.until(lambda: bool(first.orders))
        await family.hears("huf", Ask, "Stop loss")
    async with family.living():
        await family.confirm()
        for owner in OWNERS:
            await family.hears(owner.account, Card, "Verified flat")
    for number, owner in enumerate(OWNERS):
        assert family.traded(owner) == family.planned(number)
