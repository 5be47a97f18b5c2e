"""``time_exit_dte = 7``: out on the first session with that few days left to the nearest expiry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from engine.model import Action, Urgency, Verdict
from engine.rules.base import Due, Kind, Rank, Refusal, Rule, Situation, Snapshot
from engine.rules.expiries import nearest_expiry
from engine.rules.reading import whole
from engine.rules.verdicts import clock_exit
from engine.sessions import dte

_NAME = "time_exit_dte"


def _read(value: Any) -> int:
    return whole(value, 0, 365, "a whole number of calendar days between 0 and 365, e.g. 7")


def arm(days: int, situation: Situation) -> Due | Refusal:
    """The first session within the days, at the clock time; expired by entry means exempt."""
    expiry = nearest_expiry(situation.position)
    if expiry is None:
        return Refusal("no leg expires", refused=False)
    at_entry = dte(situation.position.opened_at_s, expiry)
    if at_entry <= days and not situation.settings.time_exit_dte_always:
        return Refusal(
            f"entered with {at_entry} days to expiry, which is within {days}; "
            "time_exit_dte_always = true lifts this exemption",
            refused=False,
        )
    calendar = situation.calendar
    day = min(calendar.session_from(expiry - timedelta(days)), calendar.session_until(expiry))
    clock = situation.settings.time_exit_at
    return Due(
        calendar.moment_s(day, clock),
        f"{days} days or fewer to expiry on {expiry:%d %b %Y} ({day:%d %b}, {clock})",
    )


def judge(snapshot: Snapshot, params: Due) -> Verdict | None:
    """Met from its moment on, at the first prices."""
    if snapshot.now_s < params.due_s or snapshot.guarded_paise is None:
        return None
    return clock_exit(_NAME, snapshot, params, Action.CLOSE_POSITION, Urgency.MEDIUM)


RULE = Rule(_NAME, Kind.CLOCK, Rank.CLOCK, _read, arm, judge)
