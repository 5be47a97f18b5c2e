"""``max_holding_minutes = 90``: out that long after entry, on the clock and not in sessions."""

from __future__ import annotations

from typing import Any

from engine.model import Action, Urgency, Verdict
from engine.rules.base import Due, Kind, Rank, Rule, Situation, Snapshot
from engine.rules.reading import whole
from engine.rules.verdicts import clock_exit
from engine.sessions import ist

_NAME = "max_holding_minutes"
_MOST = 60 * 24 * 365


def _read(value: Any) -> int:
    return whole(value, 1, _MOST, f"a whole number of minutes between 1 and {_MOST}, e.g. 90")


def arm(minutes: int, situation: Situation) -> Due:
    """A moment after the close is served at the next opening."""
    due_s = situation.position.opened_at_s + 60 * minutes
    return Due(due_s, f"held for {minutes} minutes ({ist(due_s):%d %b, %H:%M})")


def judge(snapshot: Snapshot, params: Due) -> Verdict | None:
    """Met from its moment on, at the first prices."""
    if snapshot.now_s < params.due_s or snapshot.guarded_paise is None:
        return None
    return clock_exit(_NAME, snapshot, params, Action.CLOSE_POSITION, Urgency.MEDIUM)


RULE = Rule(_NAME, Kind.CLOCK, Rank.CLOCK, _read, arm, judge)
