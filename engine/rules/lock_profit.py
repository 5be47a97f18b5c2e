"""``lock_profit = [{reach = 10000, keep = 5000}]``: once that much was made, this much is kept.

Rupees, realised P&L included. Of several tiers the highest that was reached counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from engine.model import Verdict
from engine.money import signed_rupees
from engine.rules.base import Kind, Rank, Ratchet, Rule, Situation, Snapshot
from engine.rules.reading import amount, table
from engine.rules.verdicts import ratchet_exit

_NAME = "lock_profit"
_EXPECTED = "tiers in rupees that grow, e.g. [{reach = 10000, keep = 5000}, {reach = 20000, keep = 14000}]"


class Tier(NamedTuple):
    """Once ``reach_paise`` was seen, out at ``keep_paise`` or below."""

    reach_paise: int
    keep_paise: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock(Ratchet):
    """Tiers, lowest first."""

    tiers: tuple[Tier, ...]

    def level(self, peak_paise: int) -> int:
        """What the highest tier at or below this peak keeps."""
        return max(tier.keep_paise for tier in self.tiers if tier.reach_paise <= peak_paise)

    def follows(self, other: Lock) -> bool:
        """Whether it keeps as much wherever a tier of the other begins; between them nothing falls."""
        return all(
            self.arms_paise <= tier.reach_paise and self.level(tier.reach_paise) >= tier.keep_paise
            for tier in other.tiers
        )

    @property
    def text(self) -> str:
        """Which tier counts, or from where on one will."""
        if self.peak_paise is None:
            first = self.tiers[0]
            return f"keeps {signed_rupees(first.keep_paise)}, once P&L has reached " + signed_rupees(
                first.reach_paise
            )
        reached = max(tier.reach_paise for tier in self.tiers if tier.reach_paise <= self.peak_paise)
        return f"locked in when P&L had reached {signed_rupees(reached)}"


def _read(value: Any) -> tuple[Tier, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(_EXPECTED)
    tiers = tuple(_tier(table(one, ("reach", "keep"), _EXPECTED)) for one in value)
    if any(
        low.reach_paise >= high.reach_paise or low.keep_paise >= high.keep_paise
        for low, high in pairwise(tiers)
    ):
        raise ValueError(f"{_EXPECTED}, each reach and keep above the one before")
    return tiers


def _tier(raw: dict[str, Any]) -> Tier:
    tier = Tier(amount(raw.get("reach"), 1, _EXPECTED), amount(raw.get("keep"), 0, _EXPECTED))
    if tier.keep_paise >= tier.reach_paise:
        raise ValueError(f"{_EXPECTED}, keep below reach")
    return tier


def arm(tiers: tuple[Tier, ...], situation: Situation) -> Lock:  # noqa: ARG001 - every rule is armed alike
    """Amounts need no basis: they suit every position."""
    return Lock(arms_paise=tiers[0].reach_paise, with_realised=True, tiers=tiers)


def judge(snapshot: Snapshot, params: Lock) -> Verdict | None:
    """Met from what the tier keeps down."""
    return ratchet_exit(_NAME, snapshot, params)


RULE = Rule(_NAME, Kind.PROFIT, Rank.TRAILING, _read, arm, judge)
