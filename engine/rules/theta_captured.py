"""``theta_captured = 0.8``: out when most of the time value that was sold has melted away.

Time value is what the sold options cost beyond what exercising them would bring. What it was at
entry takes the underlying's price at entry, which is known only if the position was watched then.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.model import Verdict
from engine.rules.base import Kind, Limits, Rank, Refusal, Rule, Situation, Snapshot
from engine.rules.reading import number, percent
from engine.rules.verdicts import decay_exit
from engine.sensitivity import entry_extrinsic_paise

_NAME = "theta_captured"
_CLEAR = 0.05


@dataclass(frozen=True, slots=True)
class Captured(Limits):
    """The share, and the time value it is a share of, in paise; None = not known yet."""

    entry_paise: int | None = None


def _read(value: Any) -> Fraction:
    return number(
        value,
        Fraction(1, 100),
        Fraction(1),
        "a fraction between 0.01 and 1, e.g. 0.8 for 80 % of the time value",
    )


def arm(share: Fraction, situation: Situation) -> Captured | Refusal:
    """Needs a credit, and the underlying's price at entry."""
    if situation.payoff.net_premium_paise <= 0:
        return Refusal("no credit was received, so no time value was sold on balance", refused=False)
    text = f"{percent(share)} of the time value of the sold options"
    spot, entry = situation.entry_spot_paise, None
    if spot is not None:
        entry = entry_extrinsic_paise(situation.position.legs, spot)
        if entry <= 0:
            return Refusal("the sold options had no time value at entry")
    elif situation.entry_passed:
        return Refusal(
            "unavailable: the underlying's price at entry is not known, as the position was not watched then"
        )
    else:
        text += "; waits for the underlying's price at entry"
    return Captured(None, float(share), _CLEAR, text, f"{percent(share)} earned", entry)


def measure(snapshot: Snapshot, params: Captured) -> float | None:
    """The share that has melted; negative when volatility has blown it up."""
    model = snapshot.model
    if model is None or model.extrinsic_paise is None or params.entry_paise is None:
        return None
    return 1 - model.extrinsic_paise / params.entry_paise


def judge(snapshot: Snapshot, params: Captured) -> Verdict | None:
    """Met from the share up, on believable marks only."""
    share = measure(snapshot, params)
    if share is None or snapshot.marked_paise is None or not params.met(share):
        return None
    return decay_exit(_NAME, snapshot, f"{share * 100:.1f} % of the time value is earned ({params.text})")


RULE = Rule(_NAME, Kind.CLOCK, Rank.CLOCK, _read, arm, judge, measure=measure, model=True, at_entry=True)
