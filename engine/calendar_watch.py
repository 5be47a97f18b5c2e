"""Tells the owner that the calendar does not cover today, or that it ends soon: once a day, once a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.effects import Alert, Record
from engine.model import Urgency
from engine.sessions import ENDING_DAYS, at, ist_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.effects import Effect
    from engine.sessions import Calendar

__all__ = ["CALENDAR_TOLD", "CalendarWatch"]

#: Under which name of the journal's settings it stands what was told.
CALENDAR_TOLD = "calendar"
#: Nobody is woken by it; there is time until the market opens.
TOLD_FROM = "08:30"
#: It is told again when no more than so many days are left.
STEPS_DAYS = (ENDING_DAYS, 14, 7, 3, 1, 0)

_REMEDY = (
    "Install a version that knows the new sessions, or write them into a file of your own "
    "(SESSIONS_FILE; docs/rules.md, Sessions), and start again."
)


class CalendarWatch:
    """Remembers what has been told, also across a restart."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._told = ""

    def restore(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over from the journal's settings what was told already."""
        self._told = settings.get(CALENDAR_TOLD, {}).get("told", "")

    def look(self, now_s: float) -> list[Effect]:
        """Tell what is to be told now, if it was not."""
        if now_s < at(ist_date(now_s), TOLD_FROM):
            return []
        name, alert = self._news(now_s)
        if alert is None or name == self._told:
            return []
        self._told = name
        return [Record("setting", CALENDAR_TOLD, {"told": name}), alert]

    def _news(self, now_s: float) -> tuple[str, Alert | None]:
        """What is the matter with the calendar, by a name that changes when it is to be told again."""
        today, calendar = ist_date(now_s), self._calendar
        if not calendar.covers(today):
            watched = (
                "Positions are watched and alerts go on in the usual hours"
                if calendar.is_session(today)
                else "Whether and when there is trading is not known, so no rule looks at it"
            )
            text = (
                f"The calendar of sessions does not cover {today:%d %b %Y}. {watched}; no order is sent, "
                f"not even on /exit: use Dhan's app. {_REMEDY}"
            )
            alert = Alert(
                Urgency.HIGH, f"calendar:{today}", "Today is not in the calendar: alerts only", text
            )
            return f"uncovered {today}", alert
        left = (calendar.last - today).days
        steps = [step for step in STEPS_DAYS if left <= step]
        if not steps:
            return "", None
        text = (
            f"Its last day is {calendar.last:%d %b %Y}; after that Prahari only alerts and sends no order. "
            f"{_REMEDY}"
        )
        days = f"{left} day{'s' * (left != 1)}"
        name = f"ends {calendar.last} within {steps[-1]}"
        return name, Alert(Urgency.MEDIUM, f"calendar:{name}", f"The calendar ends in {days}", text)
