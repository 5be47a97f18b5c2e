"""When the house rests, and what it leaves out then."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from engine.effects import LoadTrades
from engine.idle import SYNC_AT_REST_S, awake
from engine.io import tables
from engine.messages import Beat, BeatKind, FeedChanged, FeedState, TradesLoaded
from engine.model import Mode
from engine.sessions import at
from tests.support.rig import Rig

ENTRY = (20, 45, 40, 18)
#: A Tuesday; Sunday 1 February 2026 was a session, Tuesday 3 March a holiday.
DAY = date(2026, 2, 3)


@pytest.mark.parametrize(
    ("day", "clock", "is_awake"),
    [
        (DAY, "08:54", False),
        (DAY, "08:55", True),
        (DAY, "12:00", True),
        (DAY, "15:44", True),
        (DAY, "15:45", False),
        (DAY, "03:00", False),
        (date(2026, 2, 1), "10:00", True),
        (date(2026, 2, 7), "10:00", False),
        (date(2026, 3, 3), "10:00", False),
    ],
)
def test_it_wakes_before_each_session_and_rests_after_it(day, clock, is_awake):
    """Twenty minutes before, a quarter of an hour after; on a Sunday that is a session, on no holiday."""
    assert awake(tables.calendar(), at(day, clock)) is is_awake


@pytest.mark.parametrize(
    ("day", "clock", "is_awake"),
    [
        (date(2026, 11, 7), "23:59", False),
        (date(2026, 11, 8), "00:00", True),
        (date(2026, 11, 8), "18:20", True),
        (date(2026, 11, 9), "00:00", False),
        (tables.calendar().last + timedelta(days=1), "20:00", True),
    ],
)
def test_a_day_whose_hours_nobody_knows_is_awake_all_day(day, clock, is_awake):
    """Sunday 8 November 2026 has a session whose hours were not yet told; the table ends one day."""
    assert awake(tables.calendar(), at(day, clock)) is is_awake


class Read(Rig):
    """A rig that counts how often the store is read."""

    def start(self):
        self.loads = 0
        super().start()

    def do(self, effect):
        self.loads += isinstance(effect, LoadTrades)
        return super().do(effect)

    def hour(self, clock):
        """An hour of half-minute beats from this time on; how often the store was read."""
        self.now_s, before = at(DAY, clock), self.loads
        for _ in range(120):
            self.now_s += 30
            self.tell(Beat(BeatKind.SYNC))
        return self.loads - before


def test_at_rest_store_and_books_are_read_every_five_minutes():
    """In the session each half minute."""
    rig = Read(Mode.EXECUTE)
    assert rig.hour("11:00") == 120
    assert rig.hour("20:00") == 3_600 / SYNC_AT_REST_S


def test_whoever_asks_is_answered_at_rest_too():
    """A word from Realtime that rows have changed reads them at once."""
    rig = Read(Mode.EXECUTE, now_s=at(DAY, "20:00"))
    before = rig.loads
    rig.tell(Beat(BeatKind.STORE))
    assert rig.loads == before + 1


def test_nothing_rests_before_everything_was_read():
    """A start in the evening whose store is away goes on asking each half minute."""
    rig = Read(Mode.EXECUTE)
    rig.store_answers = False
    rig.start()
    assert rig.hour("20:00") == 120


def test_nothing_rests_while_the_store_fails():
    """It answered in the session and is away now."""
    rig = Read(Mode.EXECUTE)
    rig.tell(TradesLoaded(None, "no route"))
    rig.store_answers = False
    assert rig.hour("20:00") == 120


def test_nothing_rests_while_an_exit_has_not_ended():
    """Its night is watched as closely as its day."""
    rig = Read(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.wait(2)
    assert list(rig.monitor.desk.live())
    assert rig.hour("20:00") == 120


def test_a_feed_that_goes_to_rest_was_not_lost():
    """The day counts how often prices ceased to come while they were wanted."""
    rig = Rig(Mode.ALERT_ONLY)
    for clock in ("11:00", "15:46"):
        rig.now_s = at(DAY, clock)
        rig.tell(FeedChanged(FeedState.LIVE, "prices arrive"))
        rig.tell(FeedChanged(FeedState.CONNECTING, "the market is closed"))
    assert rig.monitor.feed_lost_s == [at(DAY, "11:00")]
