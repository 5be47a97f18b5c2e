"""What an override would change, seen before it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import BadInput
from engine.watch.distances import threshold
from engine.watch.family import Forwards

if TYPE_CHECKING:
    from engine.model import Verdict
    from engine.view import ThresholdView
    from engine.watch.watched import Watched


@dataclass(frozen=True, slots=True)
class Trial:
    """One rule of one position, as it is and as it would be.

    Attributes:
        before: nothing = it does not stand guard yet.
        after: the same with the override, each with how far it is now.
        fires: what it would say at once, at the prices of this moment; None = nothing.
        pnl_paise: P&L as this rule counts it; None = not known now.
        changes: it would wait for something else than it does.
    """

    before: tuple[ThresholdView, ...]
    after: tuple[ThresholdView, ...]
    fires: Verdict | None
    pnl_paise: int | None
    changes: bool


def try_out(known: Watched, after: Watched, rule: str, now_s: float) -> Trial:
    """Compare a rule of a position with the same under other rules, ``after`` being a watch of nobody's.

    Raises:
        BadInput: there it does not stand guard.
    """
    snapshot = after.snapshot(now_s)
    model = after.scale.ask(Forwards(now_s))
    armed = [one for one in after.armed if one.rule.name == rule]
    if not armed:
        why = next((note.text for note in after.notes if note.rule == rule), "it has acted already")
        raise BadInput(f"{rule} would not guard this position: {why}")
    said = [verdict for one in armed if (verdict := one.look(snapshot)) is not None]
    marked, realised = snapshot.marked_paise, armed[0].counts_paise
    pnl = snapshot.guarded_paise if marked is None else marked
    return Trial(
        tuple(
            threshold(one, snapshot, model, one.look(snapshot))
            for one in known.armed
            if one.rule.name == rule
        ),
        tuple(threshold(one, snapshot, model, one.look(snapshot)) for one in armed),
        said[0] if said else None,
        None if pnl is None else pnl + realised,
        changes=not all(any(one.like(old) for old in known.armed) for one in armed),
    )
