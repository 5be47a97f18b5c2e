"""Commands that wait in our own house: for their turn, for a thread, and what may still hold them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.io.dhan.http import Reply
from engine.io.dhan.limits import Lane, Window
from engine.io.dhan.rest import DhanRest
from engine.messages import Accepted, Outcome, Refused
from engine.model import InstrumentKey
from tests.engine.io.dhan.conftest import TOKEN, limit_order
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
