"""Order updates and books together: while either is silent, the other brings a whole exit to its end.

A condor of four legs leaves over real sockets; one of the two ways in which the house learns of its orders
is taken from it, at the start, in the middle, or in turn.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from engine.effects import Alert, Card
from engine.io.app import Options, run_house
from engine.io.clock import SystemClock
from engine.io.stores.sqlite import SqliteStore
from engine.model import Mode
from engine.settings import Settings
from engine.trades import parse_csv
from sandbox.faults import Socket
from tests.support.ear import Ear
from tests.support.stage import START, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = [pytest.mark.timeout(90), pytest.mark.slow]

WAIT_S = 45.0
#: The condor has lost far more than this, and the loss need not last.
RULES = '[default]\nconfirm_s = 0\n[strategy."Iron Condor"]\nstop_loss_rupees = 1000\n'


class Theatre:
    """The stage, and what the house on it has said."""

    def __init__(self) -> None:
        clock = SystemClock(START)
        self.now_s = clock.now_s
        self.stage = Stage(clock.now_s, shorts_sold_at=0.5)
        self.server, self.faults = self.stage.server, self.stage.server.faults
        self.said: list[object] = []
        self._news = asyncio.Event()
        self._entered = 0
        self._then: dict[int, Callable[[], None]] = {}
        enter = self.stage.exchange.enter

        def entered(*args: object, **more: object) -> object:
            self._entered += 1
            self._then.pop(self._entered, lambda: None)()
            return enter(*args, **more)

        self.stage.exchange.enter = entered  # type: ignore[method-assign, assignment]

    def at_order(self, number: int, then: Callable[[], None]) -> None:
        """Do this when the exchange is about to take its so-manieth order."""
        self._then[number] = then

    def hear(self, said: object) -> None:
        self.said.append(said)
        self._news.set()

    @property
    def titles(self) -> list[str]:
        return [said.title for said in self.said if isinstance(said, Alert | Card)]

    async def until(self, title: str) -> None:
        """Wait until the house has said this."""
        async with asyncio.timeout(WAIT_S):
            while not any(said.startswith(title) for said in self.titles):
                self._news.clear()
                await self._news.wait()

    async def flat(self) -> None:
        """Wait for the end; each leg had one order, which traded all of it and nothing else."""
        await self.until("Verified flat")
        account = self.stage.exchange.account()
        assert {at.net for at in account.holdings().values()} == {0}
        orders = Counter(order.ticket.instrument.security_id for order in account.orders.values())
        assert orders == dict.fromkeys(self.stage.planned, 1)
        traded = Counter[int]()
        for trade in account.trades:
            order = account.orders[trade.order_id]
            traded[order.ticket.instrument.security_id] += trade.quantity
        assert traded == {key: abs(units) for key, units in self.stage.planned.items()}


@asynccontextmanager
async def living(theatre: Theatre, home: Path) -> AsyncIterator[None]:
    """A house on this stage, whose condor leaves at once."""
    await theatre.server.start()
    settings = Settings.parse(theatre.stage.settings(home, theatre.now_s(), RULES))
    await SqliteStore(home / "trades.sqlite3").import_rows(parse_csv(theatre.stage.trades_csv()))
    house = asyncio.create_task(
        run_house(
            settings, Options(Mode.EXECUTE), lambda _: Ear(theatre.hear), lambda _: None, lambda _: None
        )
    )
    try:
        yield
    finally:
        house.cancel()
        await asyncio.wait({house})
        await theatre.server.stop()


@pytest.mark.parametrize("first", [0, 1], ids=["from the start", "after a reset in the middle"])
async def test_with_a_silent_update_socket_the_books_bring_the_exit_to_its_end(tmp_path: Path, first: int):
    """Connections are accepted and say nothing: the books tell, and the owner hears of the silence."""
    theatre = Theatre()

    def dies() -> None:
        theatre.faults.updates.silent = True
        theatre.faults.cut(Socket.ORDERS)

    if first:
        theatre.at_order(first, dies)
    else:
        theatre.faults.updates.silent = True
    async with living(theatre, tmp_path / "house"):
        await theatre.flat()
        await theatre.until("Order updates are silent")
        async with asyncio.timeout(WAIT_S):  # that connection is given up, and another one comes
            await theatre.server.until(lambda: not theatre.server.update_listeners)
            await theatre.server.until(lambda: theatre.server.update_listeners == 1)


@pytest.mark.parametrize("book", ["/orders", "/positions"])
async def test_without_the_books_for_a_while_the_exit_waits_for_them_and_ends(tmp_path: Path, book: str):
    """Updates tell of the shorts; nothing new is sent until the books are back, and the owner hears of it."""
    theatre = Theatre()

    def goes() -> None:
        if book == "/orders":
            theatre.faults.error(verb="GET", path=book, times=5, status=503)
        else:
            theatre.faults.stall(verb="GET", path=book, times=6, seconds=5.0)

    theatre.at_order(2, goes)
    async with living(theatre, tmp_path / "house"):
        await theatre.flat()
    assert "The broker cannot be read" in theatre.titles
    assert "The broker answers again" in theatre.titles


async def test_disturbed_in_turn_each_stands_in_for_the_other(tmp_path: Path):
    """Dumb at the first order, blind at the second, dumb again at the third, both at the fourth."""
    theatre = Theatre()

    def dumb(*, silent: bool = True) -> None:
        theatre.faults.updates.silent = silent

    def blind() -> None:
        dumb(silent=False)
        theatre.faults.reset(verb="GET", path="/trades")

    def both() -> None:
        dumb()
        theatre.faults.error(verb="GET", path="/orders")

    for number, then in enumerate((dumb, blind, dumb, both), start=1):
        theatre.at_order(number, then)
    async with living(theatre, tmp_path / "house"):
        await theatre.flat()
    assert not theatre.faults.rest or not any(fault.times for fault in theatre.faults.rest)
