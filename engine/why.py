"""What was seen when it mattered: the frozen looks at a position from which "why" is answered.

A `Sighting` is one moment near a threshold, at a verdict, or while one was held back. Amounts are
integer paise, prices paise per unit, moments epoch seconds; None = unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: From which share of the way to its threshold a rule is *near*: one the P&L falls to, one it rises to.
NEAR_LOSS = 0.6
NEAR_PROFIT = 0.8


class RuleState(StrEnum):
    """How far a rule has come. FIRED = it has spoken and its condition has not clearly gone since."""

    QUIET = "quiet"
    MET = "met"
    CONFIRMED = "confirmed"
    FIRED = "fired"


@dataclass(frozen=True, slots=True)
class Way:
    """Where a rule's threshold lies, and from where the P&L comes to it.

    Attributes:
        peak_paise: of a threshold that follows the P&L: its peak, from which the way leads down;
            None = the way leads from a P&L of nothing.
        floor_paise: at and below it the rule is silent; None = never.
    """

    threshold_paise: int
    peak_paise: int | None = None
    floor_paise: int | None = None

    def silent(self, pnl_paise: int) -> bool:
        """Whether the rule may not speak at this P&L."""
        return self.floor_paise is not None and pnl_paise <= self.floor_paise

    def gone(self, pnl_paise: int) -> float | None:
        """The share of the way that lies behind this P&L; None = there is no way, or the rule is silent."""
        if self.silent(pnl_paise):
            return None
        start = 0 if self.peak_paise is None else self.peak_paise
        whole = self.threshold_paise - start
        return (pnl_paise - start) / whole if whole else None

    def near(self, pnl_paise: int) -> bool:
        """Whether this P&L is close to the threshold, or beyond."""
        gone = self.gone(pnl_paise)
        falls = self.threshold_paise < 0 or self.peak_paise is not None
        return gone is not None and gone >= (NEAR_LOSS if falls else NEAR_PROFIT)


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
        peak_paise, floor_paise: of a threshold that follows the P&L, as in `Way`.
    """

    rule: str
    state: str | None
    text: str
    pnl_paise: int | None = None
    last_paise: int | None = None
    threshold_paise: int | None = None
    due_s: float | None = None
    confirms_s: float | None = None
    peak_paise: int | None = None
    floor_paise: int | None = None

    @property
    def known_paise(self) -> int | None:
        """The P&L it stands at, as far as any is known."""
        return self.last_paise if self.pnl_paise is None else self.pnl_paise

    @property
    def progress(self) -> float | None:
        """The share of the way to the threshold (`Way.gone`); None = it has no such way."""
        way, pnl = self._way, self.known_paise
        return None if way is None or pnl is None else way.gone(pnl)

    @property
    def near(self) -> bool:
        """Whether this is worth keeping."""
        way, pnl = self._way, self.known_paise
        return way is not None and pnl is not None and way.near(pnl)

    @property
    def silent(self) -> bool:
        """Whether it stands where its rule may not speak."""
        way, pnl = self._way, self.known_paise
        return way is not None and pnl is not None and way.silent(pnl)

    @property
    def _way(self) -> Way | None:
        if self.threshold_paise is None:
            return None
        return Way(self.threshold_paise, self.peak_paise, self.floor_paise)


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
        parts = {"legs": self.legs, "rules": self.rules, "said": self.said}
        return _plain(self) | {name: tuple(map(_plain, seen)) for name, seen in parts.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sighting:
        """What `to_json` gave, read back."""
        said = tuple(Said(**{**row, "also": tuple(row["also"])}) for row in data["said"])
        legs = tuple(LegSeen(**row) for row in data["legs"])
        rules = tuple(RuleSeen(**row) for row in data["rules"])
        return cls(**{**data, "legs": legs, "rules": rules, "said": said})


def _plain(seen: Any) -> dict[str, Any]:
    """Its fields by name; `dataclasses.asdict` copies each value, which is most of a look's cost."""
    return {name: getattr(seen, name) for name in seen.__slots__}
