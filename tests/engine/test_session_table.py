"""The table of sessions as text: what is refused, and what an owner may lay over it."""

from __future__ import annotations

from datetime import date

import pytest

from engine.errors import ConfigError
from engine.io import tables
from engine.session_table import parse_calendar
from engine.sessions import NO_AUCTION, at

SHIPPED = tables.calendar()
NEXT_YEAR = """
last = 2027-12-31
holidays = [2027-01-26, 2027-03-22]
"""


def hours(rest):
    """A table that is whole but for the hours."""
    return (
        "first = 2026-01-01\nlast = 2026-12-31\nholidays = []\nuncertain = []\nspecial = []\n"
        f"[[hours]]\nfrom = 2026-01-01\nopen = 09:15:00\n{rest}"
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("first = ", "TOML"),
        ("first = 2026-01-01", "missing"),
        ("last = 2026-12-31\nfirst = 3", "date was expected"),
        (hours("close = 9"), "time was expected"),
        (hours("close = 09:15:00"), "each later than the last"),
        (hours("close = 15:40:00\nauction = {open = 15:15:00, band_pct = 3}"), "'close' is missing"),
        (
            hours("close = 15:30:00\nauction = {open = 15:15:00, close = 15:35:00, band_pct = 3}"),
            "each later",
        ),
        (hours("close = 15:40:00\ncloses = 15:40:00"), "read the key 'closes'"),
    ],
)
def test_a_broken_table_is_refused(text, fault):
    """The error says what is wrong with the table."""
    with pytest.raises(ConfigError, match=fault):
        parse_calendar(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("last = 2027-12-31", "covers 2027, of which no holiday is listed"),
        ("holiday = [2027-01-26]", "read the key 'holiday'"),
        ("[[special]]\ndate = 2026-11-08\nopen = 18:00:00\nclose = 17:00:00", "each later than the last"),
    ],
)
def test_a_faulty_table_of_the_owner_is_refused(text, fault):
    """A year of weekdays without holidays would send orders into closed markets."""
    with pytest.raises(ConfigError, match=fault):
        parse_calendar(text, over=SHIPPED)


def test_an_owner_adds_a_year():
    """Its holidays are none of the shipped years', which stay as they are."""
    calendar = parse_calendar(NEXT_YEAR, over=SHIPPED)
    assert calendar.covers(date(2027, 1, 4))
    assert not calendar.covers(date(2028, 1, 3))
    assert not calendar.is_session(date(2027, 3, 22))
    assert not calendar.is_session(date(2026, 12, 25))
    day = date(2027, 1, 4)
    assert calendar.session(day) == (at(day, "09:15"), at(day, "15:40"))
    assert calendar.auction(day).open_s == at(day, "15:15")


def test_an_owner_names_the_hours_of_a_day_that_was_uncertain():
    """The Muhurat hour, once the exchange has told it; it has no closing auction unless that is said."""
    day = date(2026, 11, 8)
    text = "[[special]]\ndate = 2026-11-08\nopen = 18:00:00\nclose = 19:00:00"
    calendar = parse_calendar(text, over=SHIPPED)
    assert calendar.covers(day)
    assert calendar.session(day) == (at(day, "18:00"), at(day, "19:00"))
    assert calendar.auction(day) == NO_AUCTION
    assert calendar.special.keys() > SHIPPED.special.keys()


def test_an_owner_adds_a_holiday_and_other_hours():
    """A holiday declared the week before, and a close that moves: what the owner says of a day wins."""
    text = """
    holidays = [2026-12-01, 2026-02-01]
    [[hours]]
    from = 2026-12-07
    open = 09:00:00
    close = 15:50:00
    """
    calendar = parse_calendar(text, over=SHIPPED)
    assert not calendar.is_session(date(2026, 12, 1))
    assert not calendar.is_session(date(2026, 2, 1))
    before, after = date(2026, 12, 4), date(2026, 12, 7)
    assert calendar.session(before).close_s == at(before, "15:40")
    assert calendar.session(after) == (at(after, "09:00"), at(after, "15:50"))


def test_the_file_of_the_owner_is_read(tmp_path):
    """With a byte order mark as Notepad writes it, too."""
    own = tmp_path / "sessions.toml"
    own.write_bytes(b"\xef\xbb\xbf" + NEXT_YEAR.encode())
    assert tables.calendar(own).last == date(2027, 12, 31)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe", "not UTF-8 text at byte 0"),
        (b"last = 2027-12-31", "mine.toml: last = 2027-12-31 covers"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path, content, fault):
    """The fault begins with the setting and the path."""
    own = tmp_path / "mine.toml"
    if content is not None:
        own.write_bytes(content)
    with pytest.raises(ConfigError, match=fault) as caught:
        tables.calendar(own)
    assert caught.value.faults[0].startswith(f"SESSIONS_FILE: {own}")
