"""A month of sessions on virtual time: what the house remembers does not grow with the days.

No bytes are counted and no clock is looked at: of every container that can be reached from the parts of the
house the entries are counted, by the way that leads there, after the first week and after a month.
"""

from __future__ import annotations

from datetime import date, timedelta

from engine.io import tables
from engine.messages import Command, Tap, Wish
from engine.sessions import at
from tests.support.census import census
from tests.support.rig import OWNER
from tests.support.sea.bay import Bay, Weeks

FIRST, SESSIONS, WEEK = date(2026, 6, 1), 21, 5
EXPIRIES = (date(2026, 9, 29), date(2026, 10, 27), date(2026, 11, 23))
PROFIT, LOSS, BETWEEN = (8.0, 18.0, 20.0, 9.0), (6.0, 10.0, 190.0, 60.0), (18.0, 40.0, 36.0, 17.0)
RULES = ""
#: What may grow: a figure for each day, for the reports of weeks and months.
BY_DAY = {"monitor.diary.results"}


def day_of(house: Weeks, number: int, day: date) -> int:
    """Three condors come; one meets its target, one its stop, one is closed by a person; the next number."""
    house.until(at(day, "09:30"))
    target, stop, hand = (house.enter(number + n, expiry) for n, expiry in enumerate(EXPIRIES))
    house.until(at(day, "11:00"))
    house.price(target, PROFIT)
    house.run(30)
    house.until(at(day, "12:00"))
    house.price(stop, LOSS)
    house.run(30)
    house.until(at(day, "13:00"))
    house.price(hand, BETWEEN)
    house.say(Command(Wish.EXIT, OWNER, number + 2))
    house.run(2)
    ask = house.ears.asks[-1]
    house.say(Tap(ask.nonce, True, OWNER, f"callback-{number}", ask.edition))
    house.run(30)
    house.until(at(day, "20:00"))
    assert not house.monitor.holdings.positions
    assert not house.shore.account.net()
    for position in (target, stop, hand):
        house.shore.gone(position)
    return number + 3


def counted(house: Weeks):
    """What the parts of the product remember."""
    return census(
        monitor=house.monitor, runner=house.runner, inbox=house.inbox, performer=house.performer,
        boundaries=house.boundaries,
    )  # fmt: skip


def test_a_month_of_sessions_leaves_no_more_behind_than_a_week():
    """Books, exits, questions, peaks, tasks: the evening of the 21st session is like that of the 5th."""
    calendar = tables.calendar()
    house = Weeks(Bay(EXPIRIES, at(FIRST, "08:00"), calendar), RULES, calendar=calendar)
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
    assert not house.agenda._tasks
    assert day - FIRST > timedelta(days=28)
