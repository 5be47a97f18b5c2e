"""``stop_loss = -0.5``: out when the open legs have lost that share of what they can lose."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from math import floor
from typing import Any

from engine.rules.base import Amount, Kind, Rank, Refusal, Rule, Situation
from engine.rules.basis import stop_basis
from engine.rules.reading import number, percent
from engine.rules.verdicts import loss_exit

_NAME = "stop_loss"


def _read(value: Any) -> Fraction:
    return number(
        value, Fraction(-1), Fraction(-1, 1000), "a fraction between -1 and -0.001, e.g. -0.5 for 50 %"
    )


def arm(share: Fraction, situation: Situation) -> Amount | Refusal:
    """The highest P&L that is that share of the worst case, in whole paise."""
    basis = stop_basis(situation.payoff, debit=situation.settings.debit_basis)
    if isinstance(basis, Refusal):
        return basis
    return Amount(floor(share * basis.amount_paise), f"{percent(-share)} of the {basis.text}")


RULE = Rule(_NAME, Kind.LOSS, Rank.STOP, _read, arm, partial(loss_exit, _NAME))
