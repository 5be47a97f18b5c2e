"""The broker's positions, read again and again for whoever takes them over."""

from __future__ import annotations

import asyncio

from engine.errors import Unreachable
from engine.io.held import EVERY_S, SOON_READS, SOON_S, watch_held
from engine.messages import HeldAtBroker
from tests.support.clock import VirtualClock

NOTHING = HeldAtBroker((), ())


async def test_the_first_reads_come_soon_and_failures_are_told_once(caplog):
    """Two that agree are there within seconds; a broker that is away is asked on, and told of once."""
    clock, posted, asked = VirtualClock(), [], []
    faults = [Unreachable("no route"), Unreachable("no route")]

    async def read() -> HeldAtBroker:
        asked.append(clock.now_s())
        if faults:
            raise faults.pop()
        return NOTHING

    watching = asyncio.create_task(watch_held(read, posted.append, clock))
    await clock.advance(SOON_S * (SOON_READS + 1))
    assert len(posted) == SOON_READS
    assert [record.message for record in caplog.records] == [
        "the positions to be taken over cannot be read: no route"
    ]
    await clock.advance(3 * EVERY_S)
    assert len(posted) == SOON_READS + 3
    assert asked[-1] - asked[-2] == EVERY_S
    watching.cancel()
    await asyncio.wait({watching})
