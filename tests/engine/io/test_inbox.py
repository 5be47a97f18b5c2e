"""One way in: control first, ticks in order, and never longer than the list of instruments."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from engine.errors import Settled
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
    monkeypatch.setattr("engine.io.inbox.monotonic", lambda: now_s[0])
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
    monkeypatch.setattr("engine.io.inbox.monotonic", lambda: 0.0)
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


class Reader:
    """Takes ticks at once, each of which costs so many seconds of a clock."""

    def __init__(self, monkeypatch, each_s=0.0):
        self.prices, self.now_s, self._each_s = [], 100.0, each_s
        monkeypatch.setattr("engine.io.inbox.monotonic", lambda: self.now_s)

    def __call__(self, ticks):
        self.prices += [tick.ltp_paise for tick in ticks]
        self.now_s += self._each_s * len(ticks)


def test_ticks_that_nothing_waits_before_are_handed_over_within_the_call(monkeypatch):
    """No wake-up in between; they are counted as all others are."""
    inbox, reader = Inbox(), Reader(monkeypatch)
    inbox.hand_over(reader)
    inbox.post_ticks(ticks(3))
    assert (reader.prices, len(inbox), inbox.received) == ([0, 1, 2], 0, 3)
    inbox.hand_over(None)
    inbox.post_ticks(ticks(3))
    assert (reader.prices, len(inbox)) == ([0, 1, 2], 3)


async def test_ticks_are_never_handed_over_before_what_waits(monkeypatch):
    """Not before a control message, and not before older ticks."""
    inbox, reader = Inbox(), Reader(monkeypatch)
    inbox.hand_over(reader)
    inbox.post(BEAT)
    inbox.post_ticks(ticks(1))
    assert await inbox.get() is BEAT
    inbox.post_ticks(ticks(2)[1:])
    assert (reader.prices, await drained(inbox)) == ([], [0, 1])
    inbox.post_ticks(ticks(3)[2:])
    assert reader.prices == [2]


async def test_a_burst_is_handed_over_for_one_turn_and_waits_after_it(monkeypatch):
    """Ticks of half a millisecond out of one reading of a socket: four of them, then others have the loop."""
    inbox, reader = Inbox(), Reader(monkeypatch, each_s=0.0005)
    inbox.hand_over(reader)
    for tick in ticks(10):
        inbox.post_ticks([tick])
    assert (reader.prices, len(inbox)) == ([0, 1, 2, 3], 6)
    assert await drained(inbox) == [4, 5, 6, 7, 8, 9]
    reader.now_s += 0.001  # another reading
    inbox.post_ticks(ticks(11)[10:])
    assert reader.prices == [0, 1, 2, 3, 10]


async def test_more_ticks_than_a_batch_are_not_taken_in_one_piece(monkeypatch):
    """A whole buffer of frames comes as one: what its first tick brings about must not wait for its last."""
    inbox, reader = Inbox(), Reader(monkeypatch)
    inbox.hand_over(reader)
    inbox.post_ticks(ticks(LARGEST))
    assert len(reader.prices) == LARGEST
    inbox.post_ticks(ticks(3_000))
    assert (len(reader.prices), len(inbox), inbox.received) == (LARGEST, 3_000, 3_000 + LARGEST)
    assert await drained(inbox) == list(range(3_000))


async def test_a_reader_that_fails_at_once_fails_where_it_waits_too():
    """The socket's reader hears of it, and nothing is handed over any more."""
    inbox = Inbox()

    def fail(_ticks):
        inbox.fall(ZeroDivisionError("planted"))
        raise ZeroDivisionError("planted")

    inbox.hand_over(fail)
    waiting = asyncio.ensure_future(inbox.get())
    await asyncio.sleep(0)
    for _ in range(2):
        with contextlib.suppress(ZeroDivisionError):
            inbox.post_ticks(ticks(1))
    with pytest.raises(ZeroDivisionError):
        await waiting
    assert len(inbox) == 1


def test_ticks_that_come_while_ticks_are_taken_wait(monkeypatch):
    """The machine handles one thing after the other."""
    inbox, taken = Inbox(), []

    def reader(found):
        taken.append(found[0].ltp_paise)
        if len(taken) == 1:
            inbox.post_ticks(ticks(2)[1:])

    inbox.hand_over(reader)
    inbox.post_ticks(ticks(1))
    assert (taken, len(inbox)) == ([0], 1)


def pulses(monkeypatch, inbox, after_s):
    """A pulse, and ticks that wait when the next one comes so long after it."""
    now_s = [100.0]
    monkeypatch.setattr("engine.io.inbox.monotonic", lambda: now_s[0])
    inbox.post(BEAT)
    assert inbox._control.popleft() is BEAT
    inbox.post_ticks(ticks(3))
    now_s[0] += after_s
    inbox.post(BEAT)


async def told(inbox, most=99):
    """What comes, in its order: the prices of ticks, and what else there is."""
    found = []
    while len(inbox) and len(found) < most:
        message = await inbox.get()
        found += [tick.ltp_paise for tick in message.ticks] if isinstance(message, Ticks) else [message]
    return found


async def test_a_pulse_that_is_late_comes_after_the_ticks_that_waited_for_it(monkeypatch):
    """The loop stood: a peak that the next tick in line takes back has not lasted. A button goes first."""
    inbox, button = Inbox(), Beat(BeatKind.SYNC)
    pulses(monkeypatch, inbox, 1.5)
    inbox.post(button)
    inbox.post_ticks(ticks(6)[3:])
    assert inbox.waiting() == (2, 6)
    found = await told(inbox)
    assert found[0] is button
    assert [each for each in found if each is not BEAT][1:] == [0, 1, 2, 3, 4, 5]
    assert 3 <= found[1:].index(BEAT) < 6


async def test_a_pulse_that_is_in_time_comes_before_all_ticks(monkeypatch):
    """As every control message."""
    inbox = Inbox()
    pulses(monkeypatch, inbox, 0.6)
    assert await told(inbox) == [BEAT, 0, 1, 2]


async def test_a_late_pulse_waits_for_the_next_one_at_most(monkeypatch):
    """However long the ticks take: confirmations are looked at twice a second."""
    inbox = Inbox()
    pulses(monkeypatch, inbox, 1.5)
    assert await told(inbox, 1) == [0]
    inbox.post(BEAT)
    assert await told(inbox) == [BEAT, BEAT, 1, 2]


async def test_ticks_that_are_conflated_hold_a_late_pulse_back_no_longer_than_they_wait(monkeypatch):
    """What is left of them goes before it, and no more."""
    inbox = Inbox()
    pulses(monkeypatch, inbox, 1.5)
    inbox.post_ticks(ticks(CONFLATE_ABOVE))
    found = await told(inbox)
    assert found.index(BEAT) <= 10


async def test_after_a_fall_no_tick_is_handed_over_any_more():
    """Between the fall and whoever waits a socket may be read; a decision now would be made twice."""
    inbox, taken = Inbox(), []
    inbox.hand_over(taken.append)
    inbox.fall(Settled("somebody else has decided"))
    inbox.post_ticks(ticks(1))
    assert taken == []
    with pytest.raises(Settled):
        await inbox.get()
