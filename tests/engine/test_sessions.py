"""Sessions, holidays, expiries: what the shipped table says and how a replay sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.io import tables
from engine.sessions import NO_AUCTION, Calendar, Hours, at, dte, ist, ist_date

CALENDAR = tables.calendar()
DAYS_2026 = st.dates(date(2026, 1, 1), date(2026, 12, 20))


def test_the_session_grew_by_ten_minutes_in_august_2026():
    """Closing at 15:30 until the last Friday of July, at 15:40 from Monday the 3rd of August."""
    before, after = date(2026, 7, 31), date(2026, 8, 3)
    assert CALENDAR.session(before) == (at(before, "09:15"), at(before, "15:30"))
    assert CALENDAR.session(after) == (at(after, "09:15"), at(after, "15:40"))


def test_underlyings_rest_from_the_closing_auction_on():
    """Since August 2026 from 15:15 until the options close; before, never."""
    day, before = date(2026, 8, 3), date(2026, 7, 31)
    assert CALENDAR.auction(day) == (at(day, "15:15"), at(day, "15:35"), 3)
    assert CALENDAR.auction(before) == CALENDAR.auction(date(2026, 8, 15)) == NO_AUCTION
    rests = [CALENDAR.spot_rests(at(day, clock)) for clock in ("15:14:59", "15:15", "15:39:59", "15:40")]
    assert rests == [False, True, True, False]
    assert not CALENDAR.spot_rests(at(before, "15:29"))


@pytest.mark.parametrize(
    ("expiry", "day", "clock"),
    [
        (date(2026, 7, 28), date(2026, 7, 28), "15:30"),  # the last NIFTY expiry of the old hours
        (date(2026, 8, 4), date(2026, 8, 4), "15:35"),  # its auction ends then, the options trade on
        (date(2026, 11, 24), date(2026, 11, 23), "15:35"),  # a holiday: the session before
        (date(2030, 6, 25), date(2030, 6, 25), "15:35"),  # beyond the table, as the newest hours say
    ],
)
def test_an_expiry_is_settled_when_the_underlying_s_closing_price_is_known(expiry, day, clock):
    """At the close until July 2026, at the end of the closing auction since August."""
    assert CALENDAR.settlement_s(expiry) == at(day, clock)


@pytest.mark.parametrize(
    ("tuesday", "expiry"),
    [
        (date(2026, 3, 3), date(2026, 3, 2)),
        (date(2026, 3, 31), date(2026, 3, 30)),
        (date(2026, 4, 14), date(2026, 4, 13)),
        (date(2026, 10, 20), date(2026, 10, 19)),
        (date(2026, 11, 10), date(2026, 11, 9)),
        (date(2026, 11, 24), date(2026, 11, 23)),
        (date(2026, 1, 15), date(2026, 1, 14)),
        (date(2026, 5, 28), date(2026, 5, 27)),
    ],
)
def test_an_expiry_on_a_holiday_falls_on_the_session_before(tuesday, expiry):
    """The exchanges' published expiries of 2026 follow from the holiday list."""
    assert CALENDAR.session_until(tuesday) == expiry


def test_special_sessions_are_sessions():
    """The budget Sunday of 2026 trades its hours, the Muhurat evening of 2025 only one."""
    sunday, muhurat = date(2026, 2, 1), date(2025, 10, 21)
    assert CALENDAR.is_open(at(sunday, "12:00"))
    assert not CALENDAR.is_open(at(muhurat, "12:00"))
    assert CALENDAR.is_open(at(muhurat, "13:45"))


def test_a_day_the_table_does_not_know_is_said_so():
    """Beyond the table, and on the Muhurat Sunday of unpublished hours, nothing is covered."""
    assert CALENDAR.covers(date(2026, 11, 23))
    assert not CALENDAR.covers(date(2026, 11, 8))
    assert not CALENDAR.is_session(date(2026, 11, 8))
    assert not CALENDAR.covers(date(2027, 1, 4))
    assert CALENDAR.is_session(date(2027, 1, 4))


def test_the_market_is_open_from_the_first_second_until_before_the_last():
    """The close itself is no longer open."""
    day = date(2026, 2, 3)
    assert not CALENDAR.is_open(at(day, "09:15") - 0.001)
    assert CALENDAR.is_open(at(day, "09:15"))
    assert CALENDAR.is_open(at(day, "15:30") - 0.001)
    assert not CALENDAR.is_open(at(day, "15:30"))
    assert not CALENDAR.is_open(at(date(2026, 1, 26), "12:00"))


def test_the_window_is_the_running_session_or_the_next():
    """At the close the next session counts, over weekend and holiday alike."""
    friday, tuesday = date(2026, 1, 23), date(2026, 1, 27)
    assert CALENDAR.window(at(friday, "03:00")) == CALENDAR.session(friday)
    assert CALENDAR.window(at(friday, "15:29")) == CALENDAR.session(friday)
    assert CALENDAR.window(at(friday, "15:30")) == CALENDAR.session(tuesday)
    assert CALENDAR.window(at(date(2026, 1, 24), "12:00")) == CALENDAR.session(tuesday)


@given(DAYS_2026)
def test_sessions_before_and_after_are_neighbours(day):
    """Walking one session forth and back from a session returns to it."""
    here = CALENDAR.session_from(day)
    assert CALENDAR.previous_session(CALENDAR.next_session(here)) == here
    assert CALENDAR.session_until(day) <= day <= here


def test_days_to_expiry_are_counted_on_indian_dates():
    """Half past midnight in India is still yesterday in UTC; expiry day itself counts zero."""
    expiry = date(2026, 2, 3)
    assert dte(at(expiry, "00:30"), expiry) == 0
    assert dte(at(expiry, "23:59"), expiry) == 0
    assert dte(at(date(2026, 1, 27), "09:15"), expiry) == 7
    assert ist_date(at(expiry, "00:30")) == expiry
    assert ist(at(expiry, "15:00")).isoformat() == "2026-02-03T15:00:00+05:30"


def test_a_recorded_day_is_a_session_and_a_day_without_rows_is_not():
    """Between the recorded days nothing else trades; around them the table speaks again."""
    calendar = CALENDAR.for_recording([date(2019, 5, 20), date(2019, 5, 22)])
    assert [calendar.is_session(date(2019, 5, d)) for d in (20, 21, 22, 23)] == [True, False, True, True]
    assert calendar.covers(date(2019, 5, 20))
    assert calendar.session(date(2019, 5, 20)).close_s == at(date(2019, 5, 20), "15:30")
    assert calendar.previous_session(date(2019, 5, 30)) == date(2019, 5, 29)


def test_a_recorded_evening_session_is_given_regular_hours():
    """In a replay every recorded date trades from 09:15."""
    muhurat = date(2025, 10, 21)
    calendar = CALENDAR.for_recording([muhurat])
    assert calendar.session(muhurat) == (at(muhurat, "09:15"), at(muhurat, "15:30"))


def test_rows_recorded_on_a_holiday_do_not_open_the_market():
    """A page saved on a holiday shows the previous close; nothing trades on it."""
    holiday = date(2025, 8, 27)
    assert not CALENDAR.for_recording([holiday]).is_session(holiday)
    assert not CALENDAR.for_recording([date(2025, 8, 26), holiday]).is_session(holiday)


def test_a_clock_rule_comes_before_the_end_of_a_short_session():
    """Three in the afternoon does not exist in the Muhurat session: ten minutes before its end it is."""
    muhurat, day = date(2025, 10, 21), date(2026, 2, 3)
    assert CALENDAR.moment_s(muhurat, "15:00") == at(muhurat, "14:35")
    assert CALENDAR.moment_s(day, "15:00") == at(day, "15:00")
    assert CALENDAR.moment_s(muhurat, "14:30") == at(muhurat, "14:30")
    assert CALENDAR.moment_s(muhurat, "14:40") == at(muhurat, "14:35")  # no later than a later clock


EVENING = date(2026, 11, 8)


def evening_calendar(first="18:00", last="19:15"):
    hours = Hours(time.fromisoformat(first), time.fromisoformat(last), None)
    return replace(CALENDAR, uncertain=frozenset(), special={**CALENDAR.special, EVENING: hours})


def test_an_evening_session_is_no_session_in_which_every_clock_has_struck():
    """Muhurat at six: three in the afternoon is ten minutes before its end, not its first price."""
    calendar = evening_calendar()
    assert calendar.moment_s(EVENING, "15:00") == at(EVENING, "19:05")
    assert calendar.moment_s(EVENING, "09:20") == at(EVENING, "19:05")


@given(st.times(), st.times(), st.sampled_from([("18:00", "19:15"), ("13:45", "14:45"), ("09:15", "12:00")]))
def test_in_a_session_of_its_own_hours_no_clock_strikes_later_than_a_later_one(one, other, hours):
    """In the morning, across noon and in the evening."""
    earlier, later = sorted([f"{one:%H:%M}", f"{other:%H:%M}"])
    calendar = evening_calendar(*hours)
    assert calendar.moment_s(EVENING, earlier) <= calendar.moment_s(EVENING, later)


def test_a_clock_time_within_the_session_is_kept_to_the_minute():
    """Three minutes before the close is a setting like any other; only what comes after it is moved."""
    day = date(2026, 2, 3)
    assert CALENDAR.moment_s(day, "15:27") == at(day, "15:27")
    assert CALENDAR.moment_s(day, "15:30") == at(day, "15:20")


def test_questions_without_an_answer_are_errors():
    """A holiday has no hours, "late" is no time of day, and an empty calendar is not searched for ever."""
    with pytest.raises(BadInput, match="not a trading session"):
        CALENDAR.session(date(2026, 1, 26))
    with pytest.raises(BadInput, match="time of day"):
        at(date(2026, 1, 27), "late")
    start = date(2026, 1, 1)
    dead = Calendar(
        start, start, frozenset(start + timedelta(d) for d in range(99)), frozenset(), CALENDAR.hours, {}
    )
    with pytest.raises(BadInput, match="no session"):
        dead.next_session(start)


def test_between_two_recordings_may_lie_years():
    """A replay of 2019 and 2026 knows no sessions in between, and finds its way across."""
    calendar = CALENDAR.for_recording([date(2019, 5, 20), date(2026, 8, 18)])
    assert calendar.previous_session(date(2026, 8, 18)) == date(2019, 5, 20)
    assert calendar.next_session(date(2019, 5, 20)) == date(2026, 8, 18)
    assert calendar.session_until(date(2025, 10, 28)) == date(2019, 5, 20)
