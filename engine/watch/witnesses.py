"""Which contracts of a family can tell the forward, and which of them are heard.

Prices are paise; *both* is bid + ask, twice the mid. See `engine.watch.family`, `engine.parity`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from engine.model import InstrumentKind, Right
from engine.parity import Twins

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping

    from engine.guards import Shown
    from engine.model import InstrumentKey
    from engine.watch.lines import Line


class Seen(NamedTuple):
    """A line's newest quote, if its book gives a mark and nothing is wrong with it by itself."""

    shown: Shown
    arrived_s: float
    young: bool


def is_future(line: Line) -> bool:
    """Whether it is the future of its expiry, whose price is the forward."""
    return line.marks.instrument.kind is InstrumentKind.FUTURE


def contested(at_odds: Collection[tuple[Line, Line]]) -> set[Line]:
    """Who is not heard: a line at odds with both its neighbours, else both of a pair, whoever is to blame."""
    odds = Counter(line for pair in at_odds for line in pair)
    lonely = {line for line, times in odds.items() if times > 1}
    return lonely | {line for pair in at_odds if lonely.isdisjoint(pair) for line in pair}


def tell(seen: Mapping[Line, Seen], doubted: Container[InstrumentKey] = ()) -> tuple[list[Twins], list[int]]:
    """Strikes of which both the call and the put are seen, and futures: bid + ask, as many as there are.

    Args:
        seen: the quotes.
        doubted: contracts that one of their holders does not believe.
    """
    quoted: dict[Right | None, dict[int, int]] = {}
    for line, quote in seen.items():
        if line.marks.instrument.key not in doubted and (line.right or is_future(line)):
            quoted.setdefault(line.right, {})[line.strike_paise] = quote.shown.both_paise
    puts = quoted.get(Right.PUT, {})
    calls = quoted.get(Right.CALL, {})
    twins = [Twins(strike, both, puts[strike]) for strike, both in calls.items() if strike in puts]
    return twins, [*quoted.get(None, {}).values()]
