"""``stop_margin = 0.10``: out when a tenth of the margin that was blocked at entry is lost."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from math import floor
from typing import Any

from engine.money import rupees
from engine.rules.base import Amount, Kind, Rank, Refusal, Rule, Situation
from engine.rules.reading import number, percent
from engine.rules.verdicts import loss_exit

_NAME = "stop_margin"


def _read(value: Any) -> Fraction:
    return number(
        value,
        Fraction(1, 1000),
        Fraction(10),
        "a fraction of the margin between 0.001 and 10, e.g. 0.1 for 10 %",
    )


def arm(share: Fraction, situation: Situation) -> Amount | Refusal:
    """The share of what the trade store says was blocked."""
    margin = situation.position.margin_paise
    if margin is None:
        return Refusal(
            "unavailable: the margin blocked at entry is not known (column margin of the trades); "
            "use stop_loss, stop_credit_multiple or stop_loss_rupees"
        )
    return Amount(floor(-share * margin), f"{percent(share)} of the margin {rupees(margin)}")


RULE = Rule(_NAME, Kind.LOSS, Rank.STOP, _read, arm, partial(loss_exit, _NAME))
