"""What the exits of some days came to together, from the line that each has left (`engine.books`).

Amounts are signed integer paise. What is not known is in no sum, and counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

__all__ = ["ExitLine", "ExitSums", "Share", "of_days", "sums_of"]

#: What an exit has left.
ExitLine = Mapping[str, Any]

_AFTER = "realised_after_charges_paise"


@dataclass(frozen=True, slots=True)
class Share:
    """What the exits of one rule, one symbol, or one strategy on its symbol have made after their charges.

    Attributes:
        paise: of those whose result is known; None = it is of none.
    """

    name: str
    exits: int
    paise: int | None


@dataclass(frozen=True, slots=True)
class ExitSums:
    """Exits together; results are realised, after the charges of the exits, those of the entries not.

    Attributes:
        days: on so many days exits ended.
        states: how many ended in each.
        unknown: so many have no known result; ``uncharged``, ``unslipped``: no known charges, slippage.
        slippage_paise: against the mids at the verdicts; positive = worse.
        expectancy_paise: the mean result of those that are known; None = there is none.
        profit_factor: what was won over what was lost; None = nothing was lost.
        drawdown_paise: the deepest fall of the running sum below its highest, 0 at the start; 0 or positive.
        flat_s: median from verdict to verified flat, seconds; None = none was verified.
        naked_s: the longest that one was without its hedge, seconds.
        strategies: by title; like ``symbols`` and ``rules`` the best first.
    """

    exits: int
    days: int
    states: Mapping[str, int]
    won: int
    lost: int
    unknown: int
    uncharged: int
    unslipped: int
    before_paise: int
    charges_paise: int
    after_paise: int
    slippage_paise: int
    expectancy_paise: int | None
    profit_factor: float | None
    drawdown_paise: int
    flat_s: float | None
    naked_s: float
    strategies: tuple[Share, ...]
    symbols: tuple[Share, ...]
    rules: tuple[Share, ...]

    @property
    def known(self) -> int:
        """How many have a known result."""
        return self.exits - self.unknown

    @property
    def win_rate(self) -> float | None:
        """Which part of these won, 0 to 1; None = there is none."""
        return self.won / self.known if self.known else None


def of_days(lines: Iterable[ExitLine], first: date, end: date) -> list[ExitLine]:
    """The newest line of each exit that ended from ``first`` on and before ``end`` (IST), in their order.

    ``lines``: all since ``first``, at least; a line that supersedes another has ended later.
    """
    newest = {line["intent"]: line for line in sorted(lines, key=lambda line: int(line["sequence"]))}
    since, until = first.isoformat(), end.isoformat()
    ended = [line for line in newest.values() if since <= _day(line) < until]
    return sorted(ended, key=lambda line: str(line["ended_at"]))


def sums_of(lines: Sequence[ExitLine]) -> ExitSums:
    """Add them up; one line an exit, in the order in which they ended."""
    results = _known(lines, _AFTER)
    gained, lost = sum(p for p in results if p > 0), -sum(p for p in results if p < 0)
    charges, slips = _known(lines, "charges_paise"), _known(lines, "slippage_rupees")
    flat_s = [s for line in lines if (s := line["seconds"]["to_verified_flat"]) is not None]
    return ExitSums(
        exits=len(lines),
        days=len({_day(line) for line in lines}),
        states=dict(Counter(str(line["state"]) for line in lines)),
        won=sum(p > 0 for p in results),
        lost=sum(p < 0 for p in results),
        unknown=len(lines) - len(results),
        uncharged=len(lines) - len(charges),
        unslipped=len(lines) - len(slips),
        before_paise=sum(_known(lines, "realised_before_charges_paise")),
        charges_paise=sum(charges),
        after_paise=sum(results),
        slippage_paise=sum(round(100 * slip) for slip in slips),
        expectancy_paise=round(sum(results) / len(results)) if results else None,
        profit_factor=gained / lost if lost else None,
        drawdown_paise=_drawdown(results),
        flat_s=median(flat_s) if flat_s else None,
        naked_s=max((line["naked_s"] for line in lines), default=0.0),
        strategies=_shares(lines, lambda line: str(line["title"])),
        symbols=_shares(lines, lambda line: str(line["title"]).partition(" ")[0]),
        rules=_shares(lines, lambda line: str(line["rule"])),
    )


def _shares(lines: Iterable[ExitLine], name: Callable[[ExitLine], str]) -> tuple[Share, ...]:
    parts: dict[str, list[ExitLine]] = defaultdict(list)
    for line in lines:
        parts[name(line)].append(line)
    shares = []
    for part, of in parts.items():
        results = _known(of, _AFTER)
        shares.append(Share(part, len(of), sum(results) if results else None))
    return tuple(sorted(shares, key=lambda each: (each.paise is None, -(each.paise or 0), each.name)))


def _drawdown(results: Iterable[int]) -> int:
    """The deepest fall of the running sum."""
    running = list(accumulate(results, initial=0))
    return max(peak - now for peak, now in zip(accumulate(running, max), running, strict=True))


def _known(lines: Iterable[ExitLine], name: str) -> list[Any]:
    return [line[name] for line in lines if line[name] is not None]


def _day(line: ExitLine) -> str:
    return str(line["ended_at"])[:10]
