"""``max_holding_days = 10``: out in the tenth session after the one of entry."""

from __future__ import annotations

from typing import Any

from engine.model import Action, Urgency, Verdict
from engine.rules.base import Due, Kind, Rank, Rule, Situation, Snapshot
from engine.rules.reading import whole
from engine.rules.verdicts import clock_exit
from engine.sessions import ist_date

_NAME = "max_holding_days"


def _read(value: Any) -> int:
    return whole(value, 0, 500, "a whole number of sessions between 0 (the day of entry) and 500, e.g. 10")


def arm(days: int, situation: Situation) -> Due:
    """Sessions are counted, not days; an entry between two sessions belongs to the later one."""
    calendar = situation.calendar
    day = calendar.session_from(ist_date(situation.position.opened_at_s))
    for _ in range(days):
        day = calendar.next_session(day)
    clock = situation.settings.time_exit_at
    return Due(calendar.moment_s(day, clock), f"held for {days} sessions ({day:%d %b}, {clock})")


def judge(snapshot: Snapshot, params: Due) -> Verdict | None:
    """Met from its moment on, at the first prices."""
    if snapshot.now_s < params.due_s or snapshot.guarded_paise is None:
        return None
    return clock_exit(_NAME, snapshot, params, Action.CLOSE_POSITION, Urgency.MEDIUM)


RULE = Rule(_NAME, Kind.CLOCK, Rank.CLOCK, _read, arm, judge)
