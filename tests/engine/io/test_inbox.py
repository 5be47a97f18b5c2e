"""One way in: control first, ticks in order, and never longer than the list of instruments."""

from __future__ import annotations

import asyncio

from engine.io.inbox import CONFLATE_ABOVE, Inbox
from engine.messages import Beat, BeatKind, Tick, Ticks
from engine.model import InstrumentKey

BEAT = Beat(BeatKind.PULSE)


def ticks(count, instruments=10):
    return [Tick(InstrumentKey(n % instruments), n) for n in range(count)]


async def test_control_messages_overtake_ticks():
    """A button press does not wait behind a flood of prices."""
    inbox = Inbox()
    inbox.post_ticks(ticks(3))
    inbox.post(BEAT)
    assert await inbox.get() is BEAT
    assert isinstance(await inbox.get(), Ticks)


async def test_ticks_come_in_their_order_and_all_of_them_while_the_machine_keeps_up():
    """No tick is skipped below the limit: a peak may be in any of them."""
    inbox = Inbox()
    wanted = ticks(100)
    inbox.post_ticks(wanted[:60])
    inbox.post_ticks(wanted[60:])
    batch = await inbox.get()
    assert [t.ltp_paise for t in batch.ticks] == list(range(100))
    assert inbox.conflated == 0


async def test_a_flood_is_conflated_to_the_latest_tick_of_each_instrument_and_counted():
    """What is left is one tick an instrument, the newest, and the number that was dropped."""
    inbox = Inbox()
    inbox.post_ticks(ticks(CONFLATE_ABOVE + 1))
    batch = await inbox.get()
    assert sorted(t.ltp_paise for t in batch.ticks) == list(range(CONFLATE_ABOVE - 9, CONFLATE_ABOVE + 1))
    assert inbox.conflated == CONFLATE_ABOVE - 9


async def test_a_reader_that_waits_is_woken():
    """The reader sleeps until something comes."""
    inbox = Inbox()
    reader = asyncio.ensure_future(inbox.get())
    await asyncio.sleep(0)
    assert not reader.done()
    inbox.post(BEAT)
    assert await reader is BEAT
