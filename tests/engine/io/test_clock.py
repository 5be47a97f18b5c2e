"""The host's clock and the tests' virtual one."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

import pytest

from engine.io.clock import SystemClock
from tests.support.clock import VirtualClock


class Host:
    """A host whose two clocks the test sets by hand."""

    def __init__(self) -> None:
        self.wall_s = 1_770_090_600.0
        self.monotonic_s = 50.0

    def pass_(self, seconds: float) -> None:
        """Let real time pass on both clocks."""
        self.wall_s += seconds
        self.monotonic_s += seconds

    def clock(self, start: datetime | None = None) -> SystemClock:
        """A clock on this host."""
        return SystemClock(start, wall_s=lambda: self.wall_s, monotonic_s=lambda: self.monotonic_s)


def test_tells_the_worlds_time_and_ignores_slew():
    """A wall clock nudged by less than a second never makes a duration negative."""
    host = Host()
    clock = host.clock()
    before_s = clock.now_s()
    host.wall_s -= 0.9
    host.pass_(0.1)
    assert clock.now_s() == pytest.approx(before_s + 0.1)


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 1.5])
def test_follows_a_step_of_the_wall_clock_and_says_so(step_s, caplog):
    """A suspended host or a mended clock moves the monitor's clock at once, with one line in the log."""
    host = Host()
    clock = host.clock()
    host.wall_s += step_s
    with caplog.at_level(logging.WARNING):
        assert clock.now_s() == pytest.approx(host.wall_s)
        host.pass_(5)
        assert clock.now_s() == pytest.approx(host.wall_s)
    assert [record.getMessage() for record in caplog.records] == [
        f"the host's clock stepped by {step_s:+.1f} s; following it"
    ]


def test_clock_start_begins_there_and_runs_in_real_time_whatever_the_wall_says():
    """CLOCK_START shifts the world; steps of the host's wall clock do not reach it."""
    host = Host()
    start = datetime.fromisoformat("2026-02-03T09:20:00+05:30")
    clock = host.clock(start)
    host.pass_(12.5)
    host.wall_s += 7200
    assert clock.now_s() == pytest.approx(start.timestamp() + 12.5)


async def test_virtual_sleepers_wake_in_order_each_at_its_own_moment():
    """Advancing past several sleepers wakes them one by one, and a new sleep inside counts too."""
    clock = VirtualClock(1000.0)
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps_s: float) -> None:
        for nap_s in naps_s:
            await clock.sleep(nap_s)
            seen.append((name, clock.now_s()))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("late", 5))
        group.create_task(sleeper("often", 1, 1, 4))
        lazy = group.create_task(sleeper("cancelled", 2))
        await clock.advance(0)
        lazy.cancel()
        await clock.advance(6)
    assert seen == [("often", 1001), ("often", 1002), ("late", 1005), ("often", 1006)]
    assert clock.now_s() == 1006
    assert clock.sleeping == 0
