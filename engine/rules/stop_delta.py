"""``stop_delta = 0.5``: out when a combination moves like half the underlying, either way."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from engine.model import Verdict
from engine.rules.base import Kind, Limits, Rank, Rule, Situation, Snapshot
from engine.rules.reading import number
from engine.rules.verdicts import market_stop

_NAME = "stop_delta"
_CLEAR = 0.05


def _read(value: Any) -> float:
    return float(
        number(
            value, Fraction(1, 100), Fraction(100), "a delta between 0.01 and 100 without a sign, e.g. 0.5"
        )
    )


def arm(delta: float, situation: Situation) -> Limits:  # noqa: ARG001 - every rule is armed alike
    """Suits every position; a combination is the smallest whole share of it."""
    return Limits(
        None,
        delta,
        _CLEAR * delta,
        f"net delta of a combination at {delta:g} or beyond",
        f"a delta of {delta:g}",
    )


def measure(snapshot: Snapshot, params: Limits) -> float | None:  # noqa: ARG001 - every rule measures alike
    """The size of the model's net delta per unit of a combination."""
    model = snapshot.model
    return None if model is None or model.unit_delta is None else abs(model.unit_delta)


def judge(snapshot: Snapshot, params: Limits) -> Verdict | None:
    """Met from the limit up, as long as the legs can be priced."""
    delta = measure(snapshot, params)
    if delta is None or snapshot.guarded_paise is None or not params.met(delta):
        return None
    return market_stop(_NAME, snapshot, f"the net delta is {delta:.2f} in size ({params.text})")


RULE = Rule(_NAME, Kind.LOSS, Rank.STOP, _read, arm, judge, measure=measure, model=True)
