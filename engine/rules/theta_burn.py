"""``theta_burn = 0.08``: out when a day costs a bought position more than that share of its value."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from engine.model import Verdict
from engine.rules.base import Kind, Limits, Rank, Refusal, Rule, Situation, Snapshot
from engine.rules.reading import number, percent
from engine.rules.verdicts import decay_exit

_NAME = "theta_burn"
_CLEAR = 0.05


def _read(value: Any) -> Fraction:
    return number(
        value, Fraction(1, 1000), Fraction(1), "a fraction of the value a day between 0.001 and 1, e.g. 0.08"
    )


def arm(share: Fraction, situation: Situation) -> Limits | Refusal:
    """Only what was paid for burns."""
    if situation.payoff.net_premium_paise >= 0:
        return Refusal("no premium was paid, so there is none to burn", refused=False)
    text = f"a day's theta at {percent(share)} of the value or beyond"
    return Limits(None, float(share), _CLEAR * float(share), text, f"{percent(share)} a day")


def measure(snapshot: Snapshot, params: Limits) -> float | None:  # noqa: ARG001 - every rule measures alike
    """What the model says a day costs, as a share of what the open legs are worth at mark."""
    model = snapshot.model
    if model is None or model.theta_paise is None or model.value_paise <= 0:
        return None
    return -model.theta_paise / model.value_paise


def judge(snapshot: Snapshot, params: Limits) -> Verdict | None:
    """Met from the limit up, on believable marks only."""
    burn = measure(snapshot, params)
    if burn is None or snapshot.marked_paise is None or not params.met(burn):
        return None
    return decay_exit(_NAME, snapshot, f"a day costs {burn * 100:.1f} % of the value ({params.text})")


RULE = Rule(_NAME, Kind.CLOCK, Rank.CLOCK, _read, arm, judge, measure=measure, model=True)
