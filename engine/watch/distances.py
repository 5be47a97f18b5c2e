"""How far each rule of a position is: in rupees, and in points of the underlying where that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.rules.base import Kind, Limits, Ratchet
from engine.sensitivity import points_to
from engine.view import ThresholdView
from engine.why import Way

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Verdict
    from engine.rules.base import Snapshot
    from engine.sensitivity import Sensitivity
    from engine.watch.armed import Armed
    from engine.watch.watched import Watched


def thresholds(
    watched: Watched, snapshot: Snapshot, model: Sensitivity | None, met: Mapping[Armed, Verdict | None]
) -> tuple[ThresholdView, ...]:
    """All rules: the armed ones with what they wait for, the others with why they do not.

    ``met``: what each armed rule says of this moment.
    """
    return (
        *(threshold(armed, snapshot, model, said) for armed, said in met.items()),
        *(ThresholdView(note.rule, None, note.text, available=False) for note in watched.notes),
    )


def threshold(
    armed: Armed, snapshot: Snapshot, model: Sensitivity | None, said: Verdict | None
) -> ThresholdView:
    """One armed rule and how far it is; ``said``: what it says of this moment."""
    params, spot = armed.params, snapshot.underlying_paise
    pnl = snapshot.guarded_paise if armed.rule.kind is Kind.LOSS else snapshot.marked_paise
    distance = _distance_paise(armed, pnl)
    way, counted = _way(armed), None if pnl is None else pnl + armed.counts_paise
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
        met=said is not None,
        near=way is not None and counted is not None and way.near(counted),
        silent_paise=way.floor_paise if way and counted is not None and way.silent(counted) else None,
        ratchet=isinstance(params, Ratchet),
    )


def _way(armed: Armed) -> Way | None:
    """Where its threshold lies; None = it waits for no P&L, or not yet."""
    params, threshold_paise = armed.params, armed.threshold_paise
    if threshold_paise is None:
        return None
    if isinstance(params, Ratchet):
        return Way(threshold_paise, params.peak_paise, params.floor_paise)
    return Way(threshold_paise)


def _distance_paise(armed: Armed, pnl_paise: int | None) -> int | None:
    """What has to be gained until it is met, negative what has to be lost; None also when it is met.

    Args:
        armed: the rule.
        pnl_paise: of the open legs, as the rule goes by it; None = unknown.
    """
    if pnl_paise is None or armed.level_paise is None:
        return None
    distance = armed.level_paise - pnl_paise
    falls = armed.rule.kind is Kind.LOSS or isinstance(armed.params, Ratchet)
    return distance if (distance < 0) == falls and distance else None


def _points(params: Limits, spot_paise: int | None) -> float | None:
    """To the nearer limit of the underlying's price; None when it is beyond."""
    if spot_paise is None or params.met(spot_paise):
        return None
    limits = [limit - spot_paise for limit in (params.low, params.high) if limit is not None]
    return min(limits, key=abs) / 100
