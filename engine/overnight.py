"""Exits that meet the end of their session: told at the close, gone on with in the next, or given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import lapses
from engine.intents import IntentState
from engine.sessions import ist_date

if TYPE_CHECKING:
    from engine.intents import Intent
    from engine.outgoing import Outgoing

__all__ = ["interrupted", "resume"]

#: An unfinished exit is gone on with after a night or a long weekend, not after more.
OLDEST_S = 5 * 86_400.0


def interrupted(intent: Intent, now_s: float, out: Outgoing) -> None:
    """Tell of an exit that the closing bell has interrupted, and of what expires before the next."""
    text = f"{intent.title}: the market has closed. The exit goes on next session; /stop ends it."
    out.tell(intent, f"close:{intent.id}:{ist_date(now_s)}", "An exit is not finished", text)
    lapses.warn(intent, ist_date(now_s), out)


def resume(intent: Intent, since_s: float, now_s: float, out: Outgoing) -> None:
    """Go on with an exit of an earlier day in the one that began at ``since_s``, or give it up.

    It goes on whether this process has lived through the night or not: with new orders, a new mid, and what
    the broker shows today. One that is older than `OLDEST_S` ends here, because nobody can say what has
    happened since.
    """
    intent.begun_s, intent.naked_since_s = since_s, None
    for leg in intent.legs:
        leg.start_day()
    text = f"{intent.title}: an exit of an earlier day goes on in the next session. /stop ends it."
    if now_s - intent.created_s > OLDEST_S:
        intent.note = "too old to go on"
        intent.end(IntentState.ABORTED, now_s)
        text = f"{intent.title}: an exit of long ago was never finished and is given up."
    out.save(intent)
    out.tell(intent, f"overnight:{intent.id}", "An exit was not finished in its session", text)
    if intent.state.live:
        lapses.lapse(intent, ist_date(since_s), out)
