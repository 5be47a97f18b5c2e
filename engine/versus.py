"""Exits against their plan: what they realised beside the level of their rule, and beside holding on.

All amounts are signed integer paise before charges. What is not known is None and in no sum; nothing is
reckoned from prices that nobody has read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from engine.model import Segment, Side, instrument_key
from engine.rules.day_limits import DAY_RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from engine.exit_sums import ExitLine

__all__ = ["MEANINGS", "Tally", "Versus", "tally", "versus"]

#: What the two comparisons mean, for whoever reads a report.
MEANINGS = (
    (
        "*Level*: what an exit realised before charges, less the P&L at which its rule acts (its "
        "target, its stop, its trailing level). Positive: better than planned. Rules that wait for no "
        "P&L of the position (clock, Greeks, underlying, day limits, a person) have none, nor has a "
        "part of a position."
    ),
    (
        "*Saved or missed*: what an exit realised before charges, less what the same units would have "
        "come to at the close of the session in which it ended, at the mids (else last prices) that "
        "were read then. Positive: the exit saved this much; negative: it missed this much. What a "
        "position would have met on its way to that close, what getting out there would have cost, and "
        "all that came after it are not in it. Where the price of one contract was not read, it is not "
        "known."
    ),
)


class Versus(NamedTuple):
    """One exit against its plan.

    Attributes:
        level_paise: the P&L at which its rule acts; None = there is none, or it is not that of this exit.
        beyond_paise: realised less that; positive = better.
        held_paise: what its units would have come to at the close of the day on which it ended.
        saved_paise: realised less that; positive = saved, negative = missed.
    """

    level_paise: int | None
    beyond_paise: int | None
    held_paise: int | None
    saved_paise: int | None


@dataclass(frozen=True, slots=True)
class Tally:
    """One comparison over many exits.

    Attributes:
        better, worse: how many; with what they come to together, the second negative or 0.
        unknown: of so many it is not known.
    """

    better: int
    better_paise: int
    worse: int
    worse_paise: int
    unknown: int

    @property
    def known(self) -> bool:
        """Whether there is anything to tell; no difference at all is neither better nor worse."""
        return self.better + self.worse > 0

    @property
    def paise(self) -> int:
        """All of it together."""
        return self.better_paise + self.worse_paise


def versus(line: ExitLine, mids: Mapping[int, int]) -> Versus:
    """What is known of one exit.

    Args:
        line: its book (`engine.books`); one of an older version may lack what this goes by.
        mids: prices per unit at the close of the day on which it ended, by the contract's key.
    """
    made: int | None = line["realised_before_charges_paise"]
    level, saved = _level_paise(line), _saved_paise(line, mids)
    return Versus(
        level,
        None if made is None or level is None else made - level,
        None if made is None or saved is None else made - saved,
        None if made is None else saved,
    )


def tally(differences: Iterable[int | None]) -> Tally:
    """Count and add up."""
    found = list(differences)
    better = [paise for paise in found if paise is not None and paise > 0]
    worse = [paise for paise in found if paise is not None and paise < 0]
    return Tally(len(better), sum(better), len(worse), sum(worse), found.count(None))


def _level_paise(line: ExitLine) -> int | None:
    """The level of its rule, where it is one of the very units that this exit has closed."""
    verdict, legs = line.get("verdict"), _legs(line)
    if verdict is None or line["rule"] in DAY_RULES or line.get("part") is not None:
        return None
    whole = verdict["open_share"] == 1 and not any(leg["filled_by_earlier_exits"] for leg in legs)
    level: int | None = verdict["threshold_paise"] if whole else None
    return level


def _saved_paise(line: ExitLine, mids: Mapping[int, int]) -> int | None:
    """Entries cancel out: what its trades brought, less what the same units would have brought then."""
    saved, legs = 0, [leg for leg in _legs(line) if leg["filled"]]
    for leg in legs:
        turnover: int | None = leg["turnover_paise"]
        mid = mids.get(instrument_key(Segment(leg["segment"]), leg["security_id"]))
        if turnover is None or mid is None:
            return None
        saved += Side(leg["side"]).sign * (leg["filled"] * mid - turnover)
    return saved if legs else None


def _legs(line: ExitLine) -> Sequence[Mapping[str, Any]]:
    legs: Sequence[Mapping[str, Any]] = line.get("legs", ())
    return legs
