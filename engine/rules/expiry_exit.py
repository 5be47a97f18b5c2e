"""``expiry_exit``: never be caught by an expiry.

Index options are settled in cash: out on expiry day. Stock options are settled in shares, which
blocks their full value or has to be delivered: out one session earlier, and the owner is warned
from three sessions before expiry on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model import Action, Urgency, Verdict
from engine.rules.base import Due, Kind, Rank, Refusal, Rule, Situation, Snapshot
from engine.rules.expiries import nearest_expiry
from engine.rules.verdicts import clock_exit

if TYPE_CHECKING:
    from datetime import date

    from engine.sessions import Calendar

_NAME = "expiry_exit"
_WARNING_SESSIONS = 3


def _read(value: Any) -> bool:
    if value is True or value == "on":
        return True
    raise ValueError('"on" or "off"')


def arm(setting: bool, situation: Situation) -> Due | Refusal:  # noqa: ARG001, FBT001 - every rule is armed alike
    """Expiry day, or the session before for what would be delivered."""
    position, calendar = situation.position, situation.calendar
    expiry = nearest_expiry(position)
    if expiry is None:
        return Refusal("no leg expires", refused=False)
    clock = situation.settings.expiry_exit_at
    day = calendar.session_until(expiry)
    physical = any(
        leg.instrument.expiry == expiry and not leg.instrument.index_option for leg in position.legs
    )
    if not physical:
        return Due(calendar.moment_s(day, clock), f"expiry on {expiry:%d %b %Y}, out by {clock}")
    warnings = _warnings(calendar, day)
    day = calendar.previous_session(day)
    return Due(
        calendar.moment_s(day, clock),
        f"physical settlement at expiry on {expiry:%d %b %Y}, out on {day:%d %b} at {clock}",
        warnings,
    )


def _warnings(calendar: Calendar, day: date) -> tuple[float, ...]:
    """The openings of the last three sessions before expiry day."""
    opens = []
    for _ in range(_WARNING_SESSIONS):
        day = calendar.previous_session(day)
        opens.append(calendar.session(day).open_s)
    return tuple(reversed(opens))


def judge(snapshot: Snapshot, params: Due) -> Verdict | None:
    """Met from its moment on, at the first prices."""
    if snapshot.now_s < params.due_s or snapshot.guarded_paise is None:
        return None
    return clock_exit(_NAME, snapshot, params, Action.CLOSE_IMMEDIATELY, Urgency.HIGH)


RULE = Rule(_NAME, Kind.CLOCK, Rank.EXPIRY, _read, arm, judge)
