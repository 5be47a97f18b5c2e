"""One way in: control first, ticks in order, and never longer than the list of instruments."""

from __future__ import annotations

import asyncio

from engine.io.inbox import CONFLATE_ABOVE, LARGEST, Inbox
from engine.messages import Beat, BeatKind, Tick, Ticks
from engine.model import InstrumentKey

BEAT = Beat(BeatKind.PULSE)


def ticks(count, instruments=10):
    return [Tick(InstrumentKey(n % instruments), n) for n in range(count)]


async def drained(inbox):
    """The prices of all ticks that wait, in the order in which they come."""
    waiting, prices = len(inbox), []
    while len(prices) < waiting:
        prices += [tick.ltp_paise for tick in (await inbox.get()).ticks]
    return prices


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
    assert await drained(inbox) == list(range(100))
    assert inbox.conflated == 0


async def test_a_flood_is_conflated_to_the_latest_tick_of_each_instrument_and_counted():
    """What is left is one tick an instrument, the newest, and the number that was dropped."""
    inbox = Inbox()
    inbox.post_ticks(ticks(CONFLATE_ABOVE + 1))
    assert sorted(await drained(inbox)) == list(range(CONFLATE_ABOVE - 9, CONFLATE_ABOVE + 1))
    assert inbox.conflated == CONFLATE_ABOVE - 9


async def test_a_reader_that_waits_is_woken():
    """The reader sleeps until something comes."""
    inbox = Inbox()
    reader = asyncio.ensure_future(inbox.get())
    await asyncio.sleep(0)
    assert not reader.done()
    inbox.post(BEAT)
    assert await reader is BEAT


async def test_a_button_gets_in_between_first_prices_that_take_long(monkeypatch):
    """A thousand ticks of a millisecond each: others have the loop every few, and their messages go first."""
    inbox, now_s = Inbox(), [0.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now_s[0])
    inbox.post_ticks(ticks(1_000, 1_000))
    asyncio.get_running_loop().call_soon(inbox.post, BEAT)  # nobody hears of it before the loop is let go
    handled = []
    while len(inbox):
        handled.append(await inbox.get())
        now_s[0] += 0.001 * len(getattr(handled[-1], "ticks", ()))
    assert BEAT in handled[:3]
    batches = [len(each.ticks) for each in handled if each is not BEAT]
    assert sum(batches) == 1_000
    assert max(batches) <= 4


async def test_quick_ticks_come_in_ever_larger_batches(monkeypatch):
    """What costs next to nothing is not cut into pieces for long: each piece costs too."""
    inbox = Inbox()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 0.0)
    inbox.post_ticks(ticks(4_000, 4_000))
    batches = []
    while len(inbox):
        batches.append(len((await inbox.get()).ticks))
    assert sum(batches) == 4_000
    assert len(batches) <= 40
    assert max(batches) == LARGEST


async def test_what_came_and_what_was_overtaken_is_counted():
    """For whoever looks at the feed."""
    inbox = Inbox()
    inbox.post_ticks(ticks(3))
    inbox.post_ticks(ticks(CONFLATE_ABOVE))
    assert inbox.received == CONFLATE_ABOVE + 3
    assert inbox.conflated == inbox.received - len(inbox)


async def test_more_instruments_than_the_limit_are_not_gone_through_at_every_tick():
    """Once conflated, as many again have to come; even so the queue is at most twice the instruments long."""
    inbox, many = Inbox(), 2 * CONFLATE_ABOVE
    longest, before = 0, 0
    gone_through = 0
    for tick in ticks(6 * many, many):
        waited = len(inbox)
        inbox.post_ticks([tick])
        longest = max(longest, len(inbox))
        gone_through += waited if inbox.conflated != before else 0
        before = inbox.conflated
    assert longest <= 2 * many + 1
    assert gone_through <= 2 * 6 * many
    assert inbox.received - inbox.conflated == len(inbox)
