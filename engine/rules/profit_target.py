"""``profit_target = 0.5``: out when the open legs have made that share of what they can make."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from math import ceil
from typing import Any

from engine.rules.base import Amount, Kind, Rank, Refusal, Rule, Situation
from engine.rules.basis import profit_basis
from engine.rules.reading import number
from engine.rules.verdicts import profit_exit

_NAME = "profit_target"


def _read(value: Any) -> Fraction:
    return number(
        value, Fraction(1, 1000), Fraction(10), "a fraction between 0.001 and 10, e.g. 0.5 for 50 %"
    )


def arm(share: Fraction, situation: Situation) -> Amount | Refusal:
    """The least P&L that is that share of the basis, in whole paise."""
    basis = profit_basis(situation.payoff)
    if isinstance(basis, Refusal):
        return basis
    return Amount(ceil(share * basis.amount_paise), basis.share(share))


RULE = Rule(_NAME, Kind.PROFIT, Rank.TARGET, _read, arm, partial(profit_exit, _NAME))
