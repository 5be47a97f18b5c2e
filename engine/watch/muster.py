"""What only a change of lines or holders changes in a family: who tells the forward, who is beside whom."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

from engine.model import Right
from engine.watch.witnesses import is_future

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from engine.watch.lines import Line

    #: Two neighbouring strikes that one position holds, the lower one first.
    Pair = tuple[Line, Line]

_OTHER = {Right.CALL: Right.PUT, Right.PUT: Right.CALL}


class Muster(NamedTuple):
    """The lines of a family, by what they are to each other.

    Attributes:
        witnesses: who can tell the forward.
        twins: of each option those of the other right at its strike.
        pairs: neighbours that have to agree, each pair once.
        beside: of each line the pairs it is in.
        max_age_s: how old the spot may be, as the strictest guard says.
    """

    witnesses: tuple[Line, ...]
    twins: Mapping[Line, tuple[Line, ...]]
    pairs: tuple[Pair, ...]
    beside: Mapping[Line, list[Pair]]
    max_age_s: float


def muster(lines: Collection[Line], held: Iterable[Iterable[Pair]]) -> Muster:
    """Put the lines in order; ``held``: the pairs of each position."""
    at: dict[tuple[Right | None, int], list[Line]] = {}
    for line in lines:
        at.setdefault((line.right, line.strike_paise), []).append(line)
    twins = {
        line: tuple(at.get((_OTHER[line.right], line.strike_paise), ()))
        for line in lines
        if line.right is not None
    }
    pairs = tuple({pair: None for pairs in held for pair in pairs})
    beside: dict[Line, list[Pair]] = {}
    for pair in pairs:
        for line in pair:
            beside.setdefault(line, []).append(pair)
    return Muster(
        tuple(line for line in lines if is_future(line) or twins.get(line)),
        twins,
        pairs,
        beside,
        min((line.marks.guard.max_quote_age_s for line in lines), default=inf),
    )
