"""What a person was shown when asked, and whether a yes still means it.

Each time a question is shown anew it is another *edition*, and its button says which: a press tells what
stood on the phone, whatever was sent since or was lost on the way. A yes counts while what the exits cost
now is near what that edition showed. If it is not, the question is put once more with the new figures.
A second yes counts by the same measure; to a stop it counts at any price: who has said yes to a stop
twice wants out, and the limits of the orders still hold. It has to be pressed on those new figures: a
double tap, whose second press carries the old edition, has not seen them and counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Ruling", "Tolerance", "Worth", "near", "rule_on", "stirred"]


class Worth(NamedTuple):
    """What exits would cost together.

    Attributes:
        cost_paise: what buying back costs less what selling brings; negative = money comes in.
        turnover_paise: what all of it amounts to, bought and sold; positive.
    """

    cost_paise: int
    turnover_paise: int


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far prices may have moved from what was shown: the larger of an amount and a share.

    Attributes:
        paise: so much in money.
        pct: or so many per cent of the turnover shown.
    """

    paise: int = 100_000
    pct: float = 3.0

    def of(self, shown: Worth) -> int:
        """In paise, of what was shown."""
        return max(self.paise, int(shown.turnover_paise * self.pct / 100))


class Ruling(StrEnum):
    """What becomes of a yes."""

    COUNTS = "counts"
    ASK_AGAIN = "ask again"
    OLD = "old"
    VOID = "void"


def near(shown: Worth | None, now: Worth | None, tolerance: Tolerance) -> bool:
    """Whether what is now is what was shown, as far as it matters; unknown is near unknown alone."""
    if shown is None or now is None:
        return shown is now
    return abs(now.cost_paise - shown.cost_paise) <= tolerance.of(shown)


def stirred(shown: Worth | None, now: Worth | None, tolerance: Tolerance) -> bool:
    """Whether the card should be drawn anew: half of the tolerance is used up."""
    half = Tolerance(tolerance.paise // 2, tolerance.pct / 2)
    return not near(shown, now, half)


def rule_on(*, is_near: bool, asked_again: bool, seen_again: bool, stop: bool) -> Ruling:
    """Decide about a yes.

    Args:
        is_near: the price now is near what the edition pressed has shown.
        asked_again: a yes to this question did not count already.
        seen_again: the edition pressed was drawn after that.
        stop: it is about a loss.
    """
    if not asked_again:
        return Ruling.COUNTS if is_near else Ruling.ASK_AGAIN
    if not seen_again:
        return Ruling.OLD
    return Ruling.COUNTS if is_near or stop else Ruling.VOID
