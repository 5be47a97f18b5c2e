"""Where armed rules have nothing to say: between which P&Ls, and between which prices of the underlying."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from engine.rules.base import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.watch.alarms import Alarms
    from engine.watch.armed import Armed

#: Beyond any amount of money: a band without end.
_WITHOUT_END = 10**18


def quiet_between(
    open_paise: int, speaking: Iterable[Armed], ratchets: Iterable[Armed], alarms: Alarms | None
) -> tuple[int, int]:
    """Between which P&Ls of the open legs, both included, nobody says anything.

    Args:
        open_paise: where the P&L is now.
        speaking: the rules that may speak; none of them is met.
        ratchets: the rules that may rise, and would then speak elsewhere.
        alarms: who tells of losses; None = nobody does.
    """
    low_paise, high_paise = -_WITHOUT_END, _WITHOUT_END
    if alarms is not None:
        low, high = alarms.ladder.still_between(alarms.level)
        low_paise = low_paise if low is None else low
        high_paise = high_paise if high is None else high
    for armed in speaking:
        low, high = armed.still_between(open_paise)
        if low is not None and low > low_paise:
            low_paise = low
        if high is not None and high < high_paise:
            high_paise = high
    for armed in ratchets:
        rises = armed.rises_paise
        if rises is not None and rises < high_paise:
            high_paise = rises
    return low_paise, high_paise


def spot_between(speaking: Iterable[Armed]) -> tuple[float, float]:
    """Between which prices of the underlying no rule that goes by it speaks; none once one has fired."""
    spot_low, spot_high = -inf, inf
    for armed in speaking:
        params = armed.params
        if not isinstance(params, Limits):
            continue
        if armed.fired:
            return inf, -inf
        spot_low = spot_low if params.low is None else max(spot_low, params.low)
        spot_high = spot_high if params.high is None else min(spot_high, params.high)
    return spot_low, spot_high
