"""The lanes that keep us below Dhan's rate limits, on virtual time."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from engine.io.dhan.limits import ORDER_WINDOWS, Lane
from tests.support.clock import VirtualClock


class SteppedClock:
    """A clock whose sleepers are told how long they would have waited."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.waited_s = 0.0

    def now_s(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waited_s = seconds


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
    lane, given_s = Lane(clock, ((3, 1.0), (10, 5.0))), list[float]()
    for pause_s in pauses_s:
        clock.now += pause_s
        clock.waited_s = 0.0
        await lane.turn()
        given_s.append(clock.now + clock.waited_s)
    for calls, seconds in ((3, 1.0), (10, 5.0)):
        for first, last in zip(given_s, given_s[calls:], strict=False):
            assert last - first >= seconds - 1e-6


async def test_a_clock_set_back_does_not_block_the_lane():
    """When the host's clock jumps back an hour, the next order does not wait an hour."""
    clock = SteppedClock()
    lane = Lane(clock, ((1, 1.0),))
    await lane.turn()
    clock.now -= 3_600.0
    await lane.turn()
    assert clock.waited_s == 0.0
