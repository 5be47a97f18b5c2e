"""A snooze with a leash: what it is to be silent about a position, and what ends it. Pure.

``/snooze 3359 30 5000 above 24500``: for half an hour nothing below HIGH is told of the position, unless its
P&L falls ₹5,000 below what it was, or the underlying reaches 24,500 from below.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.errors import BadInput
from engine.money import from_rupees, rupees
from engine.sessions import ist

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BLIND_S", "Leash", "Terms", "read_terms"]

#: A leash whose P&L or underlying is unknown for so long holds nothing: the snooze ends.
BLIND_S = 60.0
LONGEST_MIN = 24 * 60
#: So many titles are remembered of what was not told.
TITLES_KEPT = 5

_MINUTES = re.compile(r"([0-9]{1,4})(?:m|min)?")
_EXPECTED = (
    f"expected minutes from 1 to {LONGEST_MIN}, then how many rupees worse, then above or below and a level "
    "of the underlying, such as 30, or 60 5000, or 60 5000 below 24500; or off"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a person has asked for; None = no such end.

    Attributes:
        above: the level is to be reached from below; False = from above.
    """

    minutes: int
    worse_paise: int | None = None
    level_paise: int | None = None
    above: bool = False


@dataclass(frozen=True, slots=True)
class Leash:
    """One position's snooze.

    Attributes:
        symbol: the underlying's name, for words.
        rows: the position's rows of the trade store: one with other rows is another position.
        by: who wanted it.
        floor_paise: the P&L at which it ends.
        blind_since_s: since when P&L or underlying is unknown; None = they are known, or not needed.
        missed: how many alerts were not told; ``titles``: of the last of them.
    """

    position: str
    symbol: str
    rows: tuple[int, ...]
    by: str
    until_s: float
    worse_paise: int | None = None
    floor_paise: int | None = None
    level_paise: int | None = None
    above: bool = False
    blind_since_s: float | None = None
    missed: int = 0
    titles: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The snooze as the journal keeps it."""
        return {**asdict(self), "rows": list(self.rows), "titles": list(self.titles)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Leash:
        """Read the journal's form back; a restart begins to look anew."""
        return cls(
            **{**row, "rows": tuple(row["rows"]), "titles": tuple(row["titles"]), "blind_since_s": None}
        )

    def seen(self, pnl_paise: int | None, spot_paise: int | None, now_s: float) -> Leash:
        """After a look: whether what it hangs on is known."""
        unknown = (self.floor_paise is not None and pnl_paise is None) or (
            self.level_paise is not None and spot_paise is None
        )
        if unknown == (self.blind_since_s is not None):
            return self
        return replace(self, blind_since_s=now_s if unknown else None)

    def over(self, pnl_paise: int | None, spot_paise: int | None, now_s: float) -> str:
        """Why it ends now, as a sentence without its full stop; empty = it does not."""
        if now_s >= self.until_s:
            return "Its time is over"
        if self.floor_paise is not None and pnl_paise is not None and pnl_paise <= self.floor_paise:
            return f"It is {rupees(self.worse_paise or 0)} worse than when it was snoozed"
        if self.level_paise is not None and spot_paise is not None and self._reached(spot_paise):
            return f"{self.symbol} is at {_level(spot_paise)}, {self._side} {_level(self.level_paise)}"
        if self.blind_since_s is not None and now_s >= self.blind_since_s + BLIND_S:
            return "What it hangs on cannot be seen any more: a price is unknown"
        return ""

    def silenced(self, title: str) -> Leash:
        """After one alert that was not told."""
        return replace(self, missed=self.missed + 1, titles=(*self.titles, title)[-TITLES_KEPT:])

    def words(self) -> str:
        """Until when, e.g. ``quiet until 10:45, ₹5,000.00 worse, or NIFTY above 24,500.00``."""
        ends = [f"quiet until {ist(self.until_s):%H:%M}"]
        if self.worse_paise is not None and self.floor_paise is not None:
            ends.append(f"{rupees(self.worse_paise)} worse (P&L {rupees(self.floor_paise)})")
        if self.level_paise is not None:
            ends.append(f"{self.symbol} {self._side} {_level(self.level_paise)}")
        return ends[0] if len(ends) == 1 else f"{', '.join(ends[:-1])}, or {ends[-1]}"

    @property
    def _side(self) -> str:
        return "above" if self.above else "below"

    def _reached(self, spot_paise: int) -> bool:
        level = self.level_paise or 0
        return spot_paise >= level if self.above else spot_paise <= level


def read_terms(text: str) -> Terms:
    """Read what follows the id of /snooze.

    Raises:
        BadInput: it is not to be understood; the text says what was read and what is expected.
    """
    words = text.lower().split()
    said = BadInput(f"Read “{text[:60]}” after /snooze; {_EXPECTED}. Nothing was changed.")
    minutes = _MINUTES.fullmatch(words[0]) if words else None
    if minutes is None or not 1 <= int(minutes[1]) <= LONGEST_MIN:
        raise said
    terms, rest = Terms(int(minutes[1])), words[1:]
    try:
        if rest and rest[0] not in {"above", "below"}:
            terms, rest = replace(terms, worse_paise=_paise(rest[0])), rest[1:]
        if rest:
            side, level = rest
            terms = replace(terms, level_paise=_paise(level), above=side == "above")
            if side not in {"above", "below"}:
                raise said
    except ValueError as error:
        raise said from error
    return terms


def _paise(word: str) -> int:
    """A positive amount of rupees. Raises ValueError."""
    paise = from_rupees(word.removeprefix("₹").replace(",", ""))
    if paise <= 0:
        raise ValueError(word)
    return paise


def _level(paise: int) -> str:
    return rupees(paise).removeprefix("₹")
