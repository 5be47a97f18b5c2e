"""Commands that wait in our own house: for their turn, for a thread, and what may still hold them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import RateLimited
from engine.io.dhan.http import Reply
from engine.io.dhan.limits import Lane, Window
from engine.io.dhan.rest import DhanRest
from engine.messages import Accepted, Outcome, Refused
from engine.model import InstrumentKey
from tests.engine.io.dhan.conftest import limit_order
from tests.engine.io.dhan.http_peers import TOKEN
from tests.support.clock import VirtualClock, settle

KEY = InstrumentKey(2 << 32 | 49_081)
ORDER = limit_order(KEY, 9_000)
FULL = Refused("NOT-SENT", "not sent: the order lane is full")
RECALLED = Refused("NOT-SENT", "not sent: it was recalled")


class House:
    """A client whose calls are answered at once on its threads, and noted with their moment."""

    def __init__(
        self, executor: ThreadPoolExecutor, passes: Callable[[], Callable[[], str]] | None = None
    ) -> None:
        self.clock = VirtualClock()
        self.start_s = self.clock.now_s()
        self.left: list[tuple[str, float]] = []
        self.held = threading.Event()
        self.held.set()
        self.rest = DhanRest(
            client_id="1", access_token=lambda: TOKEN, base_url="http://127.0.0.1:9/v2",
            executor=executor, clock=self.clock, passes=passes,
        )  # fmt: skip
        api = self.rest._api
        api.place_order = self._answers("place")
        api.modify_order = self._answers("modify")
        api.cancel_order = self._answers("cancel")

    def _answers(self, name: str) -> Callable[..., Reply]:
        def answer(*_args: object, **_fields: object) -> Reply:
            self.left.append((name, round(self.clock.now_s() - self.start_s, 3)))
            assert self.held.wait(5.0)
            return Reply(200, b'{"orderId":"7","orderStatus":"TRANSIT"}')

        return answer

    async def until(self, work: asyncio.Task[Outcome], step_s: float = 0.1) -> Outcome:
        """Let time pass until this is answered."""
        while not work.done():
            await self.clock.advance(step_s)
            await asyncio.wait({work}, timeout=0.01)
        return await work


@pytest.fixture
def house() -> Iterator[House]:
    """A client with one thread."""
    with ThreadPoolExecutor(1) as executor:
        made = House(executor)
        yield made
        made.held.set()
        made.rest.close()


async def busy(house: House) -> None:
    """Use up the second's turns of everybody."""
    await asyncio.gather(*(house.rest.cancel("1") for _ in range(8)))
    house.left.clear()


async def jam(house: House) -> None:
    """Use up the minute's turns of everybody."""
    for _ in range(30):
        await busy(house)
        await house.clock.advance(1.1)


async def test_an_order_that_gets_no_turn_in_time_is_not_sent_later(house: House):
    """The minute's turns are used up: after two seconds the order is refused, and it never leaves."""
    await jam(house)
    began_s = house.clock.now_s()
    work = asyncio.create_task(house.rest.place(ORDER))
    assert await house.until(work) == FULL
    assert house.clock.now_s() - began_s == pytest.approx(2.0, abs=0.2)
    await house.clock.advance(120.0)
    assert not house.left


async def test_a_cancel_is_asked_for_before_the_orders_that_wait(house: House):
    """There is one turn at a time: the cancel gets the next, then the order, the new price none in time."""
    house.rest._order_lane = Lane(house.clock, (Window(1, 0.9),))
    await house.rest.cancel("1")
    works = [
        asyncio.create_task(house.rest.modify("1", ORDER)),
        asyncio.create_task(house.rest.place(ORDER)),
        asyncio.create_task(house.rest.cancel("2")),
    ]
    assert await house.until(works[0]) == FULL
    assert await house.until(works[1]) == Accepted("7")
    assert await house.until(works[2]) == Accepted("2")
    assert [name for name, _ in house.left] == ["cancel", "cancel", "place"]


async def test_a_recalled_order_never_leaves(house: House):
    """/stop reaches an order that waits for its turn; another command of its name is not held by that."""
    await busy(house)
    work = asyncio.create_task(house.rest.place(ORDER))
    await settle()
    house.rest.recall(ORDER.correlation_id)
    assert await house.until(work) == RECALLED
    assert not house.left
    assert await house.rest.modify("7", ORDER) == Accepted("7")


async def test_a_recalled_order_never_leaves_a_thread_s_queue(house: House):
    """/stop reaches an order that has its turn and waits for a thread."""
    house.held.clear()
    first = asyncio.create_task(house.rest.cancel("1"))
    work = asyncio.create_task(house.rest.place(ORDER))
    await settle()
    house.rest.recall(ORDER.correlation_id)
    house.held.set()
    assert await house.until(work) == RECALLED
    assert await first == Accepted("1")
    assert [name for name, _ in house.left] == ["cancel"]


async def test_a_recall_that_comes_too_late_or_for_nothing_is_forgotten(house: House):
    """An order of the same name that is sent afterwards is not held by it."""
    house.rest.recall(ORDER.correlation_id)
    assert await house.rest.place(ORDER) == Accepted("7")
    house.rest.recall(ORDER.correlation_id)
    assert await house.rest.modify("7", ORDER) == Accepted("7")


def reading(
    house: House, names: tuple[str, ...] = ("get_order_list", "get_trade_book", "get_positions")
) -> None:
    """Let the books be empty, and every other page too; note who was read when."""

    def answers(name: str) -> Callable[..., Reply]:
        def answer(*_args: object, **_fields: object) -> Reply:
            self_s = round(house.clock.now_s() - house.start_s, 3)
            house.left.append((name, self_s))
            return Reply(200, b"[]")

        return answer

    for name in names:
        setattr(house.rest._api, name, answers(name))
    house.rest._http.get = answers("page")


async def test_an_exit_s_report_is_read_before_a_hundred_other_pages_that_wait(house: House):
    """The storm has begun a while ago and goes on for long; the report of the books is there at once."""
    reading(house)
    storm = [asyncio.create_task(house.rest.ask(f"/page/{number}")) for number in range(100)]
    for _ in range(5):
        await house.clock.advance(0.1)
        await asyncio.wait(storm, timeout=0.01)
    before_s = house.clock.now_s()
    for read in (house.rest.orders, house.rest.fills, house.rest.positions):
        await asyncio.wait_for(read(), 5.0)
    assert house.clock.now_s() == before_s
    assert sum(name == "page" for name, _ in house.left) < 10
    for task in storm:
        task.cancel()
    await asyncio.gather(*storm, return_exceptions=True)


async def test_pages_that_nobody_answers_do_not_hold_up_the_books():
    """Dhan's profile page hangs, asked twice: the order book is read all the same."""
    with ThreadPoolExecutor(4) as executor:
        house = House(executor)
        reading(house)
        house.held.clear()
        house.rest._http.get = house._answers("page")
        pages = [asyncio.create_task(house.rest.ask("/profile")) for _ in range(2)]
        await settle()
        assert await asyncio.wait_for(house.rest.orders(), 5.0) == []
        house.held.set()
        await asyncio.gather(*pages)
        house.rest.close()


async def test_who_was_told_that_quotes_are_asked_for_too_often_does_not_ask_again_soon(house: House):
    """Dhan threatens to block the user: neither the feed nor an exit asks for a minute, then both may."""
    bodies = [b'{"status":"failed","data":{"805":"Too many requests."}}', b'{"data":{},"status":"success"}']

    def answer(*_args: object, **_fields: object) -> Reply:
        house.left.append(("quotes", round(house.clock.now_s() - house.start_s, 3)))
        return Reply(200, bodies.pop(0))

    house.rest._api.quote_data = answer
    for _ in range(2):
        with pytest.raises(RateLimited) as refused:
            await asyncio.wait_for(house.rest.quotes([KEY]), 5.0)
        assert refused.value.retry_after_s == pytest.approx(60.0)
    assert len(house.left) == 1
    await house.clock.advance(60.0)
    assert await house.rest.quotes([KEY]) == []


async def test_the_last_look_is_right_before_it_leaves_and_for_every_command() -> None:
    """Decided while all was well, it waits for a thread: what has become of the lease meanwhile counts."""
    with ThreadPoolExecutor(1) as executor:
        trouble = ""
        house = House(executor, passes=lambda: lambda: trouble)
        await house.rest.place(ORDER)
        assert len(house.left) == 1
        house.held.clear()
        blocked = asyncio.create_task(house.rest.cancel("1"))  # takes the only thread
        while len(house.left) < 2:
            await asyncio.wait({blocked}, timeout=0.01)
        waiting = [
            asyncio.create_task(house.rest.place(ORDER)),
            asyncio.create_task(house.rest.modify("7", ORDER)),
            asyncio.create_task(house.rest.cancel("7")),
        ]
        await settle()
        trouble = "the lease of the account has run out"
        house.held.set()
        said = [await house.until(task) for task in (blocked, *waiting)]
        assert said[0] == Accepted("1")
        assert said[1:] == [Refused("NOT-SENT", f"not sent: {trouble}")] * 3
        assert len(house.left) == 2
        house.rest.close()
