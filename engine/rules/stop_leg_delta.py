"""``stop_leg_delta = 0.6``: out when any sold option has become that likely to end in the money."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from engine.model import Verdict
from engine.rules.base import Kind, Limits, Rank, Refusal, Rule, Situation, Snapshot
from engine.rules.reading import number
from engine.rules.verdicts import market_stop

_NAME = "stop_leg_delta"
_CLEAR = 0.05


def _read(value: Any) -> float:
    expected = "a delta between 0.01 and 0.99 without a sign, e.g. 0.6"
    return float(number(value, Fraction(1, 100), Fraction(99, 100), expected))


def arm(delta: float, situation: Situation) -> Limits | Refusal:
    """Only what was sold is guarded."""
    sold = any(leg.quantity < 0 and leg.instrument.right for leg in situation.position.legs)
    if not sold:
        return Refusal("no option was sold, so there is no delta to guard", refused=False)
    text = f"delta of a sold option at {delta:g} or beyond"
    return Limits(None, delta, _CLEAR * delta, text, f"a delta of {delta:g}")


def measure(snapshot: Snapshot, params: Limits) -> float | None:  # noqa: ARG001 - every rule measures alike
    """The largest delta, in size, of the sold options."""
    return None if snapshot.model is None else snapshot.model.short_delta


def judge(snapshot: Snapshot, params: Limits) -> Verdict | None:
    """Met from the limit up, as long as the legs can be priced."""
    delta = measure(snapshot, params)
    if delta is None or snapshot.guarded_paise is None or not params.met(delta):
        return None
    return market_stop(_NAME, snapshot, f"a sold option's delta is {delta:.2f} in size ({params.text})")


RULE = Rule(_NAME, Kind.LOSS, Rank.STOP, _read, arm, judge, measure=measure, model=True)
