"""Indian market time: the wall clock in words and the days and hours of the derivatives session."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from importlib.resources import files

from engine.session_table import parse_calendar

IST = timezone(timedelta(hours=5, minutes=30), "IST")
IST_OFFSET_S = 19_800

#: Days and hours of trading; dated facts that the engine ships.
CALENDAR = parse_calendar(files("engine.data").joinpath("sessions.toml").read_text(encoding="utf-8"))


def ist(now_s: float) -> datetime:
    """The Indian wall clock at an epoch moment (seconds, UTC)."""
    return datetime.fromtimestamp(now_s, IST)


def wall_text(now_s: float) -> str:
    """The form Dhan's order book uses: ``2026-02-03 09:20:00``, IST without a zone."""
    return ist(now_s).strftime("%Y-%m-%d %H:%M:%S")


def moment_s(day: date, hour: int, minute: int = 0) -> float:
    """Epoch seconds of an Indian wall-clock time."""
    return datetime.combine(day, time(hour, minute), IST).timestamp()


def expires_s(expiry: date) -> float:
    """When a contract of this expiry date stops trading: at the close of its last session."""
    return CALENDAR.session(CALENDAR.session_until(expiry)).close_s
