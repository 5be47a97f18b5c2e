"""What was seen when it mattered: the frozen looks at a position from which "why" is answered.

A `Sighting` is one moment near a threshold, at a verdict, or while one was held back. Amounts are
integer paise, prices paise per unit, moments epoch seconds; None = unknown.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: From which share of the way to its threshold a rule is *near*: a loss, and a profit.
NEAR_LOSS = 0.6
NEAR_PROFIT = 0.8


class RuleState(StrEnum):
    """How far a rule has come. FIRED = it has spoken and its condition has not clearly gone since."""

    QUIET = "quiet"
    MET = "met"
    CONFIRMED = "confirmed"
    FIRED = "fired"


@dataclass(frozen=True, slots=True)
class LegSeen:
    """One leg as its prices stood.

    Attributes:
        bid_paise, ask_paise: the newest sides, 0 = empty.
        mark_paise: what it counted; None = no believable mark.
        age_s: of the newest quote; None = never quoted.
        doubt: why it has no mark, and what a stop goes by instead; empty = it is believed.
    """

    name: str
    quantity: int
    bid_paise: int
    ask_paise: int
    mark_paise: int | None
    age_s: float | None
    doubt: str


@dataclass(frozen=True, slots=True)
class RuleSeen:
    """One rule as it stood.

    Attributes:
        state: a `RuleState`; None = it does not guard the position, `text` says why.
        pnl_paise: the P&L as this rule counts it.
        last_paise: the same at the last believable marks, however old.
        threshold_paise, due_s: what it waits for; both None = neither an amount nor the clock.
        confirms_s: when time alone will confirm what is met.
    """

    rule: str
    state: str | None
    text: str
    pnl_paise: int | None = None
    last_paise: int | None = None
    threshold_paise: int | None = None
    due_s: float | None = None
    confirms_s: float | None = None

    @property
    def progress(self) -> float | None:
        """The share of the way to the threshold, from a P&L of nothing; None = it has no such way."""
        pnl = self.last_paise if self.pnl_paise is None else self.pnl_paise
        return pnl / self.threshold_paise if pnl is not None and self.threshold_paise else None

    @property
    def near(self) -> bool:
        """Whether this is worth keeping."""
        if self.progress is None or self.threshold_paise is None:
            return False
        return self.progress >= (NEAR_LOSS if self.threshold_paise < 0 else NEAR_PROFIT)


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict of that moment, and what the gate made of it (empty: not known)."""

    rule: str
    action: str
    reason: str
    also: tuple[str, ...] = ()
    gate: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A position at one moment.

    Attributes:
        marked_paise, guarded_paise: P&L at marks and as stops count it, realised included.
        last_paise: P&L at the last believable marks, realised included.
        silent: from which rank on rules may not speak, because of an exit, a question or an answer;
            empty = all may.
    """

    at_s: float
    marked_paise: int | None
    guarded_paise: int | None
    last_paise: int | None
    legs: tuple[LegSeen, ...]
    rules: tuple[RuleSeen, ...]
    silent: str = ""
    said: tuple[Said, ...] = ()

    @property
    def near(self) -> bool:
        """Whether some rule is near its threshold."""
        return any(rule.near for rule in self.rules)

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sighting:
        """What `to_json` gave, read back."""
        said = tuple(Said(**{**row, "also": tuple(row["also"])}) for row in data["said"])
        legs = tuple(LegSeen(**row) for row in data["legs"])
        rules = tuple(RuleSeen(**row) for row in data["rules"])
        return cls(**{**data, "legs": legs, "rules": rules, "said": said})
