"""What is said of the wish to be flat: how it is asked for, what it would do, how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.effects import Card
from engine.flatten import Step
from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.controls import Held
    from engine.flatten import Flatten
    from engine.tuning import NetTuning

__all__ = ["STEPS", "WORD", "flatten_card", "question_lines", "usage"]

#: What has to be typed after /flatten.
WORD = "everything"

#: Each step as people read it.
STEPS = {
    Step.EXITS: "Exits of all our positions",
    Step.EXIT_ALL: "Dhan's exit of everything",
    Step.VERIFY: "Account verified flat",
    Step.KILL: "Kill switch",
    Step.CONFIRM: "Kill switch read back",
}
_ORDER = tuple(STEPS)


def usage(wanted: NetTuning, *, paper: bool) -> str:
    """What /flatten does, and how one is asked about it."""
    too = ", then everything that is not ours" if wanted.exit_all and not paper else ""
    kill = ", and then switches Dhan's kill switch on" if wanted.kill_after_flat and not paper else ""
    return (
        f"Flatten closes every position of ours at once, shorts first{too}; verifies that the account is "
        f"flat{kill}. To be asked about it write: /flatten {WORD}"
    )


def question_lines(
    ours: Sequence[str], others: Sequence[Held], wanted: NetTuning, *, paper: bool
) -> tuple[str, ...]:
    """What yes would do: what is closed, what is not ours, and what comes after."""
    lines = [f"Closed: {', '.join(ours) or 'nothing of ours is open'}."]
    if others:
        too = "Not ours, closed by Dhan too" if wanted.exit_all else "Not ours, stays open"
        lines.append(f"{too}: {', '.join(map(str, others))}.")
    if paper:
        lines.append("On paper only: nothing reaches Dhan, and its kill switch is not touched.")
    elif not wanted.kill_after_flat:
        lines.append("The kill switch is not touched (KILL_SWITCH_AFTER_FLAT is off).")
    elif others and not wanted.exit_all:
        lines.append("The kill switch cannot be used while those are open.")
    else:
        lines.append("Then Dhan's kill switch: no order of anybody until you end it in Dhan's app.")
    return tuple(lines)


def flatten_card(wish: Flatten, *, paper: bool) -> Card:
    """Each step in a line: done, under way, or to come."""
    steps = [
        step
        for step in _ORDER
        if (step is not Step.EXIT_ALL or wish.others) and (step not in {Step.KILL, Step.CONFIRM} or wish.kill)
    ]
    reached = _ORDER.index(wish.step) if wish.step in STEPS else -1
    lines = []
    for step in steps:
        at = _ORDER.index(step)
        mark = "✓" if wish.step is Step.DONE or at < reached else "…" if at == reached else "·"
        lines.append(f"{mark} {STEPS[step]}")
    if wish.note:
        lines.append(f"{wish.note.rstrip('.')}.")
    if paper:
        lines.append("On paper: nothing reached Dhan.")
    titles = {Step.DONE: "Flat", Step.STOPPED: "Flatten stopped", Step.STUCK: "Flatten is stuck"}
    urgency = Urgency.HIGH if wish.step is Step.STUCK else Urgency.NORMAL
    return Card(
        wish.card, f"{titles.get(wish.step, 'Flattening')}: the whole account", tuple(lines),
        final=not wish.step.live, urgency=urgency, done=wish.step is Step.DONE,
    )  # fmt: skip
