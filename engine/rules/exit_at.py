"""``exit_at = "15:10"``: flat by that time, every day."""

from __future__ import annotations

from engine.model import Action, Urgency, Verdict
from engine.rules.base import Daily, Due, Kind, Rank, Rule, Situation, Snapshot
from engine.rules.reading import clock
from engine.rules.verdicts import clock_exit

_NAME = "exit_at"


def arm(at: str, situation: Situation) -> Daily:  # noqa: ARG001 - every rule is armed alike
    """A time of day suits every position; one taken over after it leaves at once."""
    return Daily(at, f"daily square-off at {at}")


def judge(snapshot: Snapshot, params: Due | Daily) -> Verdict | None:
    """Met from today's moment on, at the first prices; before the session is known, never."""
    if isinstance(params, Daily) or snapshot.now_s < params.due_s or snapshot.guarded_paise is None:
        return None
    return clock_exit(_NAME, snapshot, params, Action.CLOSE_POSITION, Urgency.MEDIUM)


RULE = Rule(_NAME, Kind.CLOCK, Rank.CLOCK, clock, arm, judge)
