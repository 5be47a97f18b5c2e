"""Indian market time: the wall clock in words and the hours of the derivatives session."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

IST = timezone(timedelta(hours=5, minutes=30), "IST")
IST_OFFSET_S = 19_800

_LONGER_SINCE = date(2026, 8, 3)


def ist(now_s: float) -> datetime:
    """The Indian wall clock at an epoch moment (seconds, UTC)."""
    return datetime.fromtimestamp(now_s, IST)


def wall_text(now_s: float) -> str:
    """The form Dhan's order book uses: ``2026-02-03 09:20:00``, IST without a zone."""
    return ist(now_s).strftime("%Y-%m-%d %H:%M:%S")


def moment_s(day: date, hour: int, minute: int = 0) -> float:
    """Epoch seconds of an Indian wall-clock time."""
    return datetime.combine(day, time(hour, minute), IST).timestamp()


def session_s(day: date) -> tuple[float, float]:
    """Opening and close of equity derivatives, epoch seconds.

    Continuous trading runs 09:15 to 15:40 since 3 August 2026 and ended at 15:30 before that
    (NSE circular FAOP/74467).
    """
    minute = 40 if day >= _LONGER_SINCE else 30
    return moment_s(day, 9, 15), moment_s(day, 15, minute)
