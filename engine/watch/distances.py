"""How far each rule of a position is: in rupees, and in points of the underlying where that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.rules.base import Kind, Limits, Ratchet
from engine.sensitivity import points_to
from engine.view import ThresholdView

if TYPE_CHECKING:
    from engine.rules.base import Snapshot
    from engine.sensitivity import Sensitivity
    from engine.watch.armed import Armed
    from engine.watch.watched import Watched


def thresholds(watched: Watched, snapshot: Snapshot) -> tuple[ThresholdView, ...]:
    """All rules: the armed ones with what they wait for, the others with why they do not."""
    model = watched.scale.ask(snapshot.now_s)
    return (
        *(threshold(armed, snapshot, model) for armed in watched.armed),
        *(ThresholdView(note.rule, None, note.text, available=False) for note in watched.notes),
    )


def threshold(armed: Armed, snapshot: Snapshot, model: Sensitivity | None) -> ThresholdView:
    """One armed rule and how far it is."""
    params, spot = armed.params, snapshot.underlying_paise
    distance = _distance_paise(armed, snapshot)
    points = None
    if isinstance(params, Limits) and not armed.rule.model:
        points = _points(params, spot)
    elif distance is not None and model is not None:
        points = points_to(model, distance)
    return ThresholdView(
        armed.rule.name,
        armed.threshold_paise,
        params.text,
        distance_paise=distance,
        points=points,
        underlying_paise=None if points is None or spot is None else spot + round(points * 100),
        met=armed.look(snapshot) is not None,
    )


def _distance_paise(armed: Armed, snapshot: Snapshot) -> int | None:
    """What has to be gained until it is met, negative what has to be lost; None also when it is met."""
    loss = armed.rule.kind is Kind.LOSS
    pnl = snapshot.guarded_paise if loss else snapshot.marked_paise
    if pnl is None or armed.level_paise is None:
        return None
    distance = armed.level_paise - pnl
    falls = loss or isinstance(armed.params, Ratchet)
    return distance if (distance < 0) == falls and distance else None


def _points(params: Limits, spot_paise: int | None) -> float | None:
    """To the nearer limit of the underlying's price; None when it is beyond."""
    if spot_paise is None or params.met(spot_paise):
        return None
    limits = [limit - spot_paise for limit in (params.low, params.high) if limit is not None]
    return min(limits, key=abs) / 100
