"""``stop_credit_multiple = 2.0``: out when a sold position has lost that many times its credit."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from math import floor
from typing import Any

from engine.money import rupees
from engine.rules.base import Amount, Kind, Rank, Refusal, Rule, Situation
from engine.rules.reading import number
from engine.rules.verdicts import loss_exit

_NAME = "stop_credit_multiple"


def _read(value: Any) -> Fraction:
    return number(
        value, Fraction(1, 10), Fraction(100), "a number between 0.1 and 100, e.g. 2.0 for twice the credit"
    )


def arm(multiple: Fraction, situation: Situation) -> Amount | Refusal:
    """Only what was sold for a credit has one to multiply."""
    credit = situation.payoff.net_premium_paise
    if credit <= 0:
        return Refusal("no credit was received, so there is none to multiply", refused=False)
    return Amount(floor(-multiple * credit), f"{float(multiple):g} × the credit {rupees(credit)}")


RULE = Rule(_NAME, Kind.LOSS, Rank.STOP, _read, arm, partial(loss_exit, _NAME))
