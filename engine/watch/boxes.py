"""Bounds within which the prices of a family may move before anything needs a closer look.

Prices are paise; *both* is bid + ask, twice the mid. See `engine.watch.family`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.guards import BEYOND_INTRINSIC_PCT, NEIGHBOUR_SHARE, NEIGHBOUR_TICKS
from engine.model import Right
from engine.pnl import ANY_PAISE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.watch.lines import Line

#: How far the underlying and each witness of the forward may go, as a share, before boxes are made anew:
#: 0.25 per cent of the underlying's price, doubled like everything here.
AWAY_SHARE = 800


def box(
    both_paise: Mapping[Line, int],
    levels_both_paise: Sequence[int],
    witnesses: Iterable[Line],
    pairs: Iterable[tuple[Line, Line]],
) -> dict[Line, tuple[int, int]]:
    """The box of every line, so that while all are in theirs nothing is suspect.

    Args:
        both_paise: what is quoted for each.
        levels_both_paise: all that may come to count as the forward, each twice.
        witnesses: the lines that some of these levels come from.
        pairs: neighbours that have to agree, the lower strike first.
    """
    away = max(levels_both_paise, default=0) // AWAY_SHARE
    boxes = dict.fromkeys(both_paise, (1, ANY_PAISE))
    if levels_both_paise:
        low, high = min(levels_both_paise) - 2 * away, max(levels_both_paise) + 2 * away
        boxes = {line: _above_intrinsic(line, low, high) for line in both_paise}
    for line in witnesses:
        if line in both_paise:
            boxes[line] = within(boxes[line], both_paise[line] - away, both_paise[line] + away)
    for pair in pairs:
        if pair[0] in both_paise and pair[1] in both_paise:
            _part(pair, both_paise, boxes)
    return boxes


def within(box: tuple[int, int], low: int, high: int) -> tuple[int, int]:
    """What two boxes have in common."""
    return max(box[0], low), min(box[1], high)


def _above_intrinsic(line: Line, low: int, high: int) -> tuple[int, int]:
    """The box of a line whose underlying, doubled, stays between these."""
    instrument = line.marks.instrument
    strike = 2 * line.strike_paise
    # the tolerance is the smaller one of quotes: who is outside is looked at, not condemned
    if instrument.right is Right.CALL:
        return max(high - strike - high * BEYOND_INTRINSIC_PCT // 100 + 1, 1), ANY_PAISE
    if instrument.right is Right.PUT:
        return max(strike - low - low * BEYOND_INTRINSIC_PCT // 100 + 1, 1), ANY_PAISE
    return 1, ANY_PAISE


def _part(
    pair: tuple[Line, Line], both_paise: Mapping[Line, int], boxes: dict[Line, tuple[int, int]]
) -> None:
    """Divide the room between two neighbours: each may take half of it.

    Spreads are reckoned as nothing, so that they may change freely.
    """
    low, high = pair
    calls = low.marks.instrument.right is Right.CALL
    dear, cheap = (low, high) if calls else (high, low)
    distance = 2 * (high.strike_paise - low.strike_paise)
    slack = max(2 * NEIGHBOUR_TICKS * low.marks.instrument.tick_paise, distance // NEIGHBOUR_SHARE)
    one, other = both_paise[dear], both_paise[cheap]
    apart, together = (distance + slack - (one - other)) // 2, (one - other + slack) // 2
    boxes[dear] = within(boxes[dear], one - together, one + apart)
    boxes[cheap] = within(boxes[cheap], other - apart, other + together)
