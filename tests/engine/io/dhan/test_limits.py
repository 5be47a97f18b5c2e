"""The lanes that keep us below Dhan's rate limits, on virtual time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.io.dhan.limits import ORDER_WINDOWS, Lane, Rank, Slots, Window
from tests.support.clock import VirtualClock, settle


class SteppedClock:
    """A clock whose sleepers move it themselves, at once."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def now_s(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_a_burst_passes_and_the_rest_is_spread():
    """Eight orders of ten go at once, the others when the window lets them."""
    clock = VirtualClock()
    lane, sent = Lane(clock, ORDER_WINDOWS), list[float]()
    start_s = clock.now_s()

    async def send() -> None:
        await lane.turn()
        sent.append(round(clock.now_s() - start_s, 3))

    tasks = [asyncio.create_task(send()) for _ in range(10)]
    await clock.advance(0.5)
    assert sent == [0.0] * 8
    await clock.advance(1.0)
    assert sent == [0.0] * 8 + [1.1, 1.1]
    await asyncio.gather(*tasks)


@given(pauses_s=st.lists(st.floats(0.0, 0.4), min_size=20, max_size=60))
async def test_no_window_ever_holds_more_than_its_calls(pauses_s: list[float]):
    """However calls come in, no stretch of a window's length holds more turns than allowed."""
    clock = SteppedClock()
    lane, given_s = Lane(clock, (Window(3, 1.0), Window(10, 5.0))), list[float]()
    for pause_s in pauses_s:
        clock.now += pause_s
        await lane.turn()
        given_s.append(clock.now)
    for calls, seconds in ((3, 1.0), (10, 5.0)):
        for first, last in zip(given_s, given_s[calls:], strict=False):
            assert last - first >= seconds - 1e-6


async def test_a_clock_set_back_does_not_block_the_lane():
    """When the host's clock jumps back an hour, the next order does not wait an hour."""
    clock = SteppedClock()
    lane = Lane(clock, (Window(1, 1.0),))
    await lane.turn()
    clock.now -= 3_600.0
    set_back_s = clock.now
    await lane.turn()
    assert clock.now - set_back_s <= 1.0


async def test_a_clock_set_back_forgets_nothing_that_was_sent():
    """The day's turns are all taken when the clock jumps back an hour: there is none for another day."""
    clock = SteppedClock()
    lane = Lane(clock, (Window(3, 86_400.0),))
    for _ in range(3):
        await lane.turn()
    clock.now -= 3_600.0
    assert not await lane.turn(Rank.PLACE, 86_000.0)
    assert await lane.turn(Rank.PLACE, 500.0)


class Queue:
    """A lane of one call a second on virtual time, taken just now, and who got which turn when."""

    def __init__(self, *windows: Window) -> None:
        self.clock = VirtualClock()
        self.start_s = self.clock.now_s()
        self.lane = Lane(self.clock, windows or (Window(1, 1.0),))
        self.story: list[tuple[str, float, bool]] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def wants(self, name: str, rank: Rank, patience_s: float = 1_000.0) -> asyncio.Task[None]:
        async def wait() -> None:
            went = await self.lane.turn(rank, patience_s)
            self.story.append((name, round(self.clock.now_s() - self.start_s, 3), went))

        self.tasks.append(asyncio.create_task(wait()))
        await settle()
        return self.tasks[-1]

    def went(self) -> list[str]:
        return [name for name, _, went in self.story if went]


async def test_a_cancel_overtakes_places_and_these_overtake_new_prices():
    """Whatever waits already, the cancel gets the next turn, then the order, the new price last."""
    queue = Queue()
    await queue.wants("first", Rank.PLACE)
    await queue.wants("price", Rank.MODIFY)
    await queue.wants("order", Rank.PLACE)
    await queue.clock.advance(0.5)
    await queue.wants("cancel", Rank.CANCEL)
    await queue.clock.advance(5.0)
    assert queue.story == [
        ("first", 0.0, True), ("cancel", 1.0, True), ("order", 2.0, True), ("price", 3.0, True),
    ]  # fmt: skip


async def test_who_has_waited_long_enough_goes_without_and_leaves_the_turn_to_others():
    """An order that got no turn in time hears so in that moment, and the next in line loses nothing."""
    queue = Queue(Window(1, 10.0))
    await queue.wants("first", Rank.PLACE)
    await queue.wants("hasty", Rank.PLACE, patience_s=2.0)
    await queue.wants("calm", Rank.MODIFY)
    await queue.clock.advance(20.0)
    assert queue.story == [("first", 0.0, True), ("hasty", 2.0, False), ("calm", 10.0, True)]


async def test_a_waiter_that_is_cancelled_does_not_hold_up_the_others():
    """Its place in the queue is gone with it."""
    queue = Queue()
    await queue.wants("first", Rank.PLACE)
    dropped = await queue.wants("dropped", Rank.CANCEL)
    await queue.wants("next", Rank.PLACE)
    dropped.cancel()
    await queue.clock.advance(5.0)
    assert queue.story == [("first", 0.0, True), ("next", 1.0, True)]


async def test_new_prices_leave_room_for_orders_and_cancels():
    """A hundred new prices use up their share of the second; an order passes them at once."""
    queue = Queue(Window(8, 1.0, kept=2))
    for number in range(100):
        await queue.wants(f"price {number}", Rank.MODIFY)
    assert len(queue.went()) == 6
    await queue.wants("order", Rank.PLACE)
    await queue.wants("cancel", Rank.CANCEL)
    assert queue.went()[6:] == ["order", "cancel"]
    await queue.clock.advance(30.0)
    assert len(queue.went()) == 102


async def test_what_an_earlier_process_has_sent_counts():
    """Told of seven commands of a moment ago, the lane has one more turn; told of a day's, it has none."""
    queue = Queue(Window(8, 1.0), Window(20, 86_400.0))
    queue.lane.remember([queue.start_s - 0.5] * 7)
    for number in range(2):
        await queue.wants(f"order {number}", Rank.PLACE)
    assert queue.went() == ["order 0"]
    await queue.clock.advance(1.0)
    assert queue.went() == ["order 0", "order 1"]
    full = Lane(queue.clock, (Window(8, 1.0), Window(20, 86_400.0)))
    full.remember([queue.start_s - 3_600.0] * 20)
    task = asyncio.create_task(full.turn(Rank.PLACE, 2.0))
    await queue.clock.advance(3.0)
    assert not await task


async def test_turns_of_a_future_that_a_set_back_clock_has_undone_block_nobody_for_longer():
    """A process remembers a command of an hour ahead: it counts as one of now."""
    queue = Queue(Window(1, 1.0))
    queue.lane.remember([queue.start_s + 3_599.0, queue.start_s + 3_600.0])
    await queue.wants("order", Rank.PLACE)
    assert queue.went() == []
    await queue.clock.advance(1.0)
    assert queue.went() == ["order"]


@pytest.mark.parametrize(
    ("seconds", "most"), [(1.0, 8), (60.0, 240), (3_600.0, 950), (86_399.0, 6_600)], ids=str
)
async def test_the_windows_of_dhan_hold_from_the_second_to_the_day(seconds: float, most: int):
    """As many orders as can be in a second, a minute, an hour and a day are below what Dhan allows."""
    clock, given = SteppedClock(), 0
    lane = Lane(clock, ORDER_WINDOWS)
    end_s = clock.now + seconds
    while given < most:
        await lane.turn(Rank.PLACE)
        given += 1
    assert clock.now < end_s
    await lane.turn(Rank.PLACE)
    assert clock.now >= end_s


class Held:
    """Slots of which each taker keeps its own until told, and who got one."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.got: list[str] = []

    async def wants(self, name: str, rank: Rank) -> asyncio.Task[None]:
        async def take() -> None:
            await self.slots.take(rank)
            self.got.append(name)

        task = asyncio.create_task(take())
        await settle()
        return task


async def test_a_slot_is_kept_for_what_does_not_yield():
    """Of two slots the curious get one, however many they are; the books get the other at once."""
    held = Held(Slots(2, kept=1))
    waiting = [await held.wants(f"other {number}", Rank.OTHER) for number in range(3)]
    await held.wants("books", Rank.BOOKS)
    assert held.got == ["other 0", "books"]
    held.slots.free()
    await settle()
    assert held.got == ["other 0", "books"]
    held.slots.free()
    await settle()
    assert held.got == ["other 0", "books", "other 1"]
    for task in waiting[2:]:
        task.cancel()


async def test_slots_are_not_lost_with_who_is_cancelled():
    """One that is cancelled while it waits, and one in the very moment it is given its slot."""
    held = Held(Slots(1))
    await held.wants("first", Rank.BOOKS)
    waits = await held.wants("waits", Rank.BOOKS)
    given = await held.wants("given", Rank.BOOKS)
    waits.cancel()
    held.slots.free()
    given.cancel()
    await settle()
    assert held.got == ["first"]
    await held.wants("last", Rank.OTHER)
    assert held.got == ["first", "last"]
