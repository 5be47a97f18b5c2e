"""``profit_scaling = true``: take a part of the combinations off at each of several profits.

Shares are of what the open combinations can make, so a level's threshold never moves per combination;
what a level closes is a share of the combinations that were entered.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.model import Action, Urgency, Verdict
from engine.money import signed_rupees
from engine.rules.base import Kind, Level, Rank, Refusal, Rule, Situation, Snapshot
from engine.rules.basis import profit_basis
from engine.rules.reading import number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME = "profit_scaling"
_EXPECTED = (
    "true, or levels such as [{at = 0.25, close = 0.25}, {at = 0.5, close = 0.25}] "
    "(at between 0.001 and 10, close between 0.001 and 1)"
)


class _Step(NamedTuple):
    """A level as it is written: share of the profit, share of the entry combinations."""

    at: Fraction
    close: Fraction


_QUARTER = Fraction(1, 4)
_DEFAULT = tuple(_Step(n * _QUARTER, _QUARTER) for n in (1, 2, 3))


def _read(value: Any) -> tuple[_Step, ...]:
    if value is True:
        return _DEFAULT
    if not isinstance(value, list) or not value or any(_odd(level) for level in value):
        raise ValueError(_EXPECTED)
    steps = tuple(
        _Step(
            number(level["at"], Fraction(1, 1000), Fraction(10), _EXPECTED),
            number(level["close"], Fraction(1, 1000), Fraction(1), _EXPECTED),
        )
        for level in value
    )
    if any(low.at >= high.at for low, high in pairwise(steps)):
        raise ValueError("levels whose at increases from each to the next")
    total = sum(step.close for step in steps)
    if total > 1:
        raise ValueError(f"levels that together close at most 1 (these close {float(total):g})")
    return steps


def _odd(level: Any) -> bool:
    return not isinstance(level, dict) or set(level) != {"at", "close"}


def arm(steps: tuple[_Step, ...], situation: Situation) -> tuple[Level, ...] | Refusal:
    """Every level with its threshold in whole paise and its combinations in whole lots."""
    basis = profit_basis(situation.payoff)
    if isinstance(basis, Refusal):
        return basis
    entry, left = situation.entry_combinations, situation.position.combinations
    if entry == 1:
        return Refusal(
            "one combination only, so there is nothing to scale: its levels are skipped", refused=False
        )
    return tuple(
        Level(
            ceil(step.at * basis.amount_paise),
            f"{basis.share(step.at)}, closes {closes} of {entry}",
            step.at,
            closes,
            left,
            entry,
        )
        for step in steps
        for closes in [max(floor(step.close * entry), 1)]
    )


def judge(snapshot: Snapshot, params: Level) -> Verdict | None:
    """Met from the threshold up, on believable marks only."""
    pnl = snapshot.marked_paise
    return None if pnl is None or pnl < params.threshold_paise else merge(snapshot, [params])


def merge(snapshot: Snapshot, met: Sequence[Level]) -> Verdict:
    """Close what the levels close together; when that leaves nothing, it is a full exit."""
    top = met[-1]
    closes = min(sum(level.closes for level in met), top.open)
    full = closes == top.open
    pnl = snapshot.marked_paise
    what = f"everything that is open ({closes})" if full else f"{closes} of {top.open} open combinations"
    return Verdict(
        rule=_NAME,
        action=Action.CLOSE_POSITION if full else Action.SCALE_OUT,
        urgency=Urgency.MEDIUM,
        pnl_paise=pnl,
        threshold_paise=top.threshold_paise,
        fraction=closes / top.entry,
        reason=f"P&L {'unknown' if pnl is None else signed_rupees(pnl)} has reached the level "
        f"{signed_rupees(top.threshold_paise)} ({percent(top.at)}): close {what}",
    )


RULE = Rule(_NAME, Kind.PROFIT, Rank.SCALING, _read, arm, judge, merge=merge)
