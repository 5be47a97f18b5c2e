"""A month of sessions on virtual time: what the house remembers does not grow with the days.

No bytes are counted and no clock is looked at: of every container that can be reached from the parts of the
house the entries are counted, by the way that leads there, after the first week and after a month.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from engine.io import tables
from engine.messages import Command, FeedChanged, FeedState, Tap, Wish
from engine.sessions import at
from tests.support.census import census
from tests.support.rig import OWNER
from tests.support.sea.bay import Bay, Weeks

#: Some seconds of work, on a machine that has nothing else to do.
pytestmark = pytest.mark.timeout(300)
FIRST, SESSIONS, WEEK = date(2026, 6, 1), 21, 5
EXPIRIES = (date(2026, 9, 29), date(2026, 10, 27), date(2026, 11, 23))
PROFIT, LOSS, BETWEEN = (8.0, 18.0, 20.0, 9.0), (6.0, 10.0, 190.0, 60.0), (18.0, 40.0, 36.0, 17.0)
RULES = ""
#: What may grow: a result for each day, for the reports of weeks and months, and the hours of each day of the
#: calendar that was asked for, which ends.
BY_DAY = {
    "monitor.diary.results",
    "boundaries._calendar._sessions",
    "boundaries._calendar._sessions[]",
    "boundaries._calendar._moments",
}


def day_of(house: Weeks, number: int, day: date) -> int:
    """Three condors come; one meets its target, one its stop, one is closed by a person; the next number.

    On the way the store and the broker are away for a while, the feed too, a person snoozes and tightens.
    """
    house.until(at(day, "09:30"))
    target, stop, hand = (house.enter(number + n, expiry) for n, expiry in enumerate(EXPIRIES))
    house.until(at(day, "09:35"))
    house.say(Command(Wish.SNOOZE, OWNER, number + 1, value="30m"))
    house.say(Command(Wish.SET, OWNER, number + 2, rule="stop_loss", value="-0.4"))
    yes(house)
    house.store.up, house.wire.reads = False, "blind"
    house.say(FeedChanged(FeedState.DOWN, f"no route, day {day}"))
    house.until(at(day, "10:10"))
    house.store.up, house.wire.reads = True, "honest"
    house.say(FeedChanged(FeedState.LIVE, "prices arrive"))
    house.until(at(day, "11:00"))
    house.price(target, PROFIT)
    house.run(20)
    house.until(at(day, "12:00"))
    house.price(stop, LOSS)
    house.run(20)
    house.until(at(day, "13:00"))
    house.price(hand, BETWEEN)
    house.say(Command(Wish.EXIT, OWNER, number + 2))
    house.run(2)
    yes(house)
    house.run(20)
    house.until(at(day, "20:00"))
    assert not house.monitor.holdings.positions
    assert not house.shore.account.net()
    for position in (target, stop, hand):
        house.shore.gone(position)
    return number + 3


def yes(house: Weeks) -> None:
    """The newest question is answered."""
    ask = house.ears.asks[-1]
    house.say(Tap(ask.nonce, True, OWNER, f"callback-{ask.nonce}", ask.edition))


def counted(house: Weeks):
    """What the parts of the product remember."""
    return census(
        monitor=house.monitor, runner=house.runner, inbox=house.inbox, performer=house.performer,
        boundaries=house.boundaries,
    )  # fmt: skip


def test_a_month_of_sessions_leaves_no_more_behind_than_a_week():
    """Books, exits, questions, peaks, tasks: the evening of the 21st session is like that of the 5th."""
    calendar = tables.calendar()
    house = Weeks(Bay(EXPIRIES, at(FIRST, "08:00"), calendar), RULES, calendar=calendar, hurry=10)
    day, number, week = FIRST, 1, None
    for session in range(1, SESSIONS + 1):
        number = day_of(house, number, day)
        if session == WEEK:
            week = counted(house)
        day = calendar.next_session(day)
    assert week is not None
    month = counted(house)
    grown = {way: (week[way], size) for way, size in month.items() if size > week[way] and way not in BY_DAY}
    assert grown == {}
    assert len(house.monitor.diary.results) == SESSIONS
    house.run(1)
    assert not house.agenda._tasks
    assert day - FIRST > timedelta(days=28)
