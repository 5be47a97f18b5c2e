"""The session table beside one that others keep (`exchange_calendars`, XBOM): every difference has a name."""

from __future__ import annotations

import warnings
from datetime import date, timedelta

import exchange_calendars
import pytest

from engine.io import tables
from engine.sessions import at

CALENDAR = tables.calendar()
DAYS = [CALENDAR.first + timedelta(day) for day in range((CALENDAR.last - CALENDAR.first).days + 1)]
#: Equity derivatives close ten minutes later since then (NSE/FAOP/74467); XBOM goes on with 15:30.
LONGER_FROM = date(2026, 8, 3)
#: Sessions that XBOM, which knows regular weekdays only, does not have.
OURS_ALONE = {
    date(2025, 2, 1): "a Saturday: union budget",
    date(2025, 10, 21): "Diwali, a holiday with the Muhurat hour 13:45-14:45",
    date(2026, 2, 1): "a Sunday: union budget",
}


@pytest.fixture(scope="module")
def theirs():
    """XBOM's sessions: opening and close by day, epoch seconds."""
    with warnings.catch_warnings():  # the library's own use of pandas, of which ours is not to hear
        warnings.filterwarnings("ignore", "Series.values returning an ndarray that drops timezone", Warning)
        xbom = exchange_calendars.get_calendar("XBOM", start=str(CALENDAR.first), end=str(CALENDAR.last))
    opens, closes = xbom.opens, xbom.closes
    assert (xbom.first_session.date(), xbom.last_session.date()) == (CALENDAR.first, CALENDAR.last)
    return {day.date(): (opens[day].timestamp(), closes[day].timestamp()) for day in xbom.sessions}


def test_the_same_days_trade_but_for_the_named_ones(theirs):
    """Every holiday and every weekday of both years; no difference without a reason."""
    ours = {day for day in DAYS if CALENDAR.is_session(day)}
    assert ours - theirs.keys() == OURS_ALONE.keys()
    assert theirs.keys() - ours == set()


def test_the_same_hours_but_for_the_longer_session(theirs):
    """09:15 to 15:30, and 15:40 in ours since August 2026."""
    for day, hours in theirs.items():
        ours = CALENDAR.session(day)
        assert ours.open_s == hours[0]
        assert hours[1] == at(day, "15:30")
        assert ours.close_s == (at(day, "15:40") if day >= LONGER_FROM else hours[1])


def test_what_nobody_knows_is_not_covered(theirs):
    """The Muhurat Sunday of 2026, which XBOM does not have either: its hours are in no source of ours."""
    assert {day for day in DAYS if not CALENDAR.covers(day)} == {date(2026, 11, 8)}
    assert date(2026, 11, 8) not in theirs
