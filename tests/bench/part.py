"""What a part of the bench is: a name, how it is run, whether it runs without being asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.measure import Rounds


class Size(StrEnum):
    """How much is run: for numbers, for shapes in a few seconds, for the tests."""

    FULL = "full"
    QUICK = "quick"
    TINY = "tiny"


@dataclass(frozen=True, slots=True)
class Result:
    """What a part found.

    Attributes:
        table: as `tests.bench.report.part` makes it, without a number in its title.
        rounds: every number of every round, for the JSON.
    """

    table: str
    rounds: Rounds

    def numbers(self) -> dict[str, Any]:
        """For the JSON: medians by name, each round, and how long the process waited for a core."""
        good = self.rounds.good
        names = good[0] if good else ()
        return {
            "median": {name: median(one[name] for one in good) for name in names},
            "rounds": good,
            "waited": self.rounds.shares,
            "void": self.rounds.void,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """One table of the bench.

    Attributes:
        name: what ``--part`` takes, and its name in the JSON.
        run: measures and writes the table; in full size it takes some twenty seconds at most if it is
            run by default, since all of these together have three minutes.
        default: runs without being asked for.
        fetches: installs something first, so that nothing but its own name runs it: neither ``--all`` nor
            the tests do.
    """

    name: str
    run: Callable[[Size], Result]
    default: bool = True
    fetches: bool = False
