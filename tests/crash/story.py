"""One story: an exit whose house is killed once or more, told by the books of exchange and house."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.io.clock import SystemClock
from engine.io.executions import verify_lines
from engine.io.journal import Journal
from engine.io.stores.sqlite import SqliteStore
from engine.model import Side
from engine.trades import parse_csv
from tests.crash.child import PASSAGES, SAID, Aim, book_lines, intents, live
from tests.support.stage import FIRST, START, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sandbox.orders import Order

#: A label of the parent's: the exchange has taken an order, and the house has not heard of it.
ACCEPTED = "accepted"
#: The condor has lost far more than this, and the loss need not last.
RULES = '[default]\nconfirm_s = 0\n[strategy."Iron Condor"]\nstop_loss_rupees = 1000\n'
#: How long a life may take.
LIFE_S = 45.0

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.crash.child"])


@dataclass(frozen=True, slots=True)
class Scene:
    """How the market treats the exit.

    Attributes:
        runs_away: the first short's price leaves as soon as its order is accepted.
        most_modifies: how often the house moves an order before it cancels and replaces it.
        late_s: how late an accepted order shows up in the book.
    """

    name: str
    runs_away: bool = False
    most_modifies: int = 20
    late_s: float = 0.0


STILL = Scene("everything fills at once")
MOVED = Scene("one order must be moved", runs_away=True)
REPLACED = Scene("one order must be replaced", runs_away=True, most_modifies=0)
#: Shorter than what the house waits before it calls an order absent, as it must be at Dhan.
LATE = Scene("the book is late", late_s=0.6)


@dataclass(frozen=True, slots=True)
class End:
    """Everything that must be the same, however often the house was killed.

    Attributes:
        nets: units held of each leg's contract, by security id.
        filled: signed units traded of it.
        live: orders that can still trade.
        orders: accepted orders of each leg that the market leaves alone.
        intents: the states of all exits.
        books: state and number of each line in the file of executions.
        booked: signed units that those tell of, by exchange trades.
        rows: of the trade store: security id, quantity, status; of legs the market leaves alone the price.
    """

    nets: dict[int, int]
    filled: dict[int, int]
    live: int
    orders: dict[int, int]
    intents: list[str]
    rows: list[tuple[object, ...]]
    books: list[tuple[str, int]]
    booked: dict[int, int]


@dataclass(slots=True)
class Story:
    """What was found.

    Attributes:
        kills: how each killed life ended, in words.
        passages: how often each label was passed in the last life.
    """

    end: End
    kills: list[str] = field(default_factory=list)
    passages: Counter[str] = field(default_factory=Counter)


async def tell(home: Path, scene: Scene, aims: Sequence[Aim | float]) -> Story:
    """Run an exit to its end.

    Args:
        home: an empty directory for the house.
        scene: how the market is.
        aims: where each life but the last dies: at a passage, or after so many seconds.

    Raises:
        AssertionError: a life failed, or its audit does not verify.
    """
    clock = SystemClock(START)
    stage = Stage(clock.now_s, shorts_sold_at=0.5)
    await stage.server.start()
    try:
        home.mkdir()
        await SqliteStore(home / "trades.sqlite3").import_rows(parse_csv(stage.trades_csv()))
        theatre = _Theatre(stage, scene, home, clock)
        kills = [how for aim in aims if (how := await theatre.life(aim))]
        (home / PASSAGES).unlink(missing_ok=True)
        await theatre.life(None)
        passages = Counter((home / PASSAGES).read_text().splitlines())
        passages[ACCEPTED] = theatre.accepted
        return Story(theatre.end(), kills, passages)
    finally:
        await stage.server.stop()


def _booked(books: Sequence[Mapping[str, Any]]) -> Counter[int]:
    """Signed units of all trades in these books, by security id."""
    booked: Counter[int] = Counter()
    for leg in (leg for book in books for leg in book["legs"]):
        units = sum(fill["units"] for order in leg["orders"] for fill in order["fills"])
        booked[leg["security_id"]] += Side(leg["side"]).sign * units
    return booked


class _Theatre:
    """The stage with one house after the other on it."""

    def __init__(self, stage: Stage, scene: Scene, home: Path, clock: SystemClock) -> None:
        self._stage, self._scene, self._home, self._clock = stage, scene, home, clock
        self._victim: int | None = None
        self._kill_at = 0
        self.accepted = 0
        self._enter = stage.exchange.enter
        stage.exchange.enter = self._entered  # type: ignore[method-assign]

    async def life(self, aim: Aim | float | None) -> str:
        """One life; how it was killed, or nothing when it ended well by itself."""
        env = self._stage.settings(self._home, self._clock.now_s(), RULES)
        inside = aim if isinstance(aim, Aim) and aim.label != ACCEPTED else None
        house = _context.Process(target=live, args=(env, inside, self._scene.most_modifies), daemon=True)
        house.start()
        self.accepted = 0
        self._kill_at = aim.passage if isinstance(aim, Aim) and aim.label == ACCEPTED else 0
        self._victim = house.pid
        dead = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(house.sentinel, dead.set)
        timer = loop.call_later(aim, house.kill) if isinstance(aim, float) else None
        try:
            async with asyncio.timeout(LIFE_S):
                await dead.wait()
        except TimeoutError:
            raise AssertionError(f"aimed at {aim}, a life did not end:\n{self._said()}") from None
        finally:
            loop.remove_reader(house.sentinel)
            if timer is not None:
                timer.cancel()
            house.kill()
            house.join()
        if house.exitcode == -signal.SIGKILL:
            return str(aim)
        assert house.exitcode == 0, f"aimed at {aim}, a life ended with {house.exitcode}:\n{self._said()}"
        return ""

    def end(self) -> End:
        """What there is now.

        Raises:
            AssertionError: the audit's chain is broken, or that of the executions, or one lacks a line.
        """
        exchange, moved = self._stage.exchange, self._moved()
        with closing(Journal(self._home / "journal.sqlite3")) as journal:
            assert journal.verify_audit() > 0
            kept = [value["line"] for value in journal.load()["book"].values()]
        lines = book_lines(self._home)
        assert verify_lines(lines, kept).faults == ()
        books = [json.loads(line) for line in lines]
        with closing(sqlite3.connect(self._home / "trades.sqlite3")) as store:
            rows = store.execute(
                "SELECT security_id, quantity, order_status, exit_price FROM trades ORDER BY id"
            )
            told = [(*row[:3], "" if row[0] == moved else row[3]) for row in rows]
        orders = Counter(order.ticket.instrument.security_id for order in self._orders())
        return End(
            nets={leg.security_id: exchange.net(leg.key) for leg in self._stage.legs[FIRST]},
            filled=dict(self._filled()),
            live=sum(1 for _ in exchange.account().live_orders()),
            orders={security_id: count for security_id, count in orders.items() if security_id != moved},
            intents=list(intents(self._home).values()),
            rows=told,
            books=[(book["state"], book["sequence"]) for book in books],
            booked=dict(_booked(books)),
        )

    def _orders(self) -> Iterator[Order]:
        yield from self._stage.exchange.account().orders.values()

    def _filled(self) -> Counter[int]:
        filled: Counter[int] = Counter()
        orders = self._stage.exchange.account().orders
        for trade in self._stage.exchange.account().trades:
            ticket = orders[trade.order_id].ticket
            filled[ticket.instrument.security_id] += ticket.side.sign * trade.quantity
        return filled

    def _moved(self) -> int | None:
        """The security id of the leg whose market runs away, if one does."""
        return self._stage.legs[FIRST][0].security_id if self._scene.runs_away else None

    def _entered(self, *args: object, **more: object) -> Order:
        """Stands in for the exchange's door: moves the market, kills the house."""
        order = self._enter(*args, **(more | {"late_s": self._scene.late_s}))
        self.accepted += 1
        if order.ticket.instrument.security_id == self._moved():
            self._run_away(order)
        if self.accepted == self._kill_at and self._victim is not None:
            os.kill(self._victim, signal.SIGKILL)
        return order

    def _run_away(self, order: Order) -> None:
        """The best price is three per cent further off, once: one move of the ladder does not reach it."""
        key = order.ticket.instrument.key
        quote = self._stage.market.quote(key)
        if sum(1 for o in self._orders() if o.ticket.instrument.key == key) == 1 and quote is not None:
            tick = order.ticket.instrument.tick_paise
            away = quote.asks[0].price_paise * 103 // 100 // tick * tick
            self._stage.market.set_quote(key, away - 10 * tick, away)

    def _said(self) -> str:
        return (self._home / SAID).read_text()[-4_000:]
