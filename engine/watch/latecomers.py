"""Whether a contract without a box finds room in a calm family, so that nobody else is looked at.

Everybody's box holds, whichever forward comes out of the levels that boxes were made for
(`engine.watch.family`). So a first quote changes nothing for the others when it adds no level beyond those
and fits a box of its own beside its neighbours'. Prices are paise; *both* is bid + ask, twice the mid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.model import Right
from engine.watch.boxes import box, within
from engine.watch.witnesses import is_future

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.watch.lines import Line
    from engine.watch.muster import Muster


class Reach(NamedTuple):
    """What all that may come to count as the forward lies between, twice; ``low > high``: nothing may."""

    low: int
    high: int

    @property
    def levels(self) -> tuple[int, ...]:
        """The ends, as `box` takes levels."""
        return () if self.low > self.high else tuple(self)


NO_REACH = Reach(1, 0)


def has_box(line: Line) -> bool:
    """Whether a line of a calm family is one that its boxes were made for."""
    return line.marks.low <= line.marks.high


def room_for(
    line: Line, both_paise: int, reach: Reach, muster: Muster
) -> Mapping[Line, tuple[int, int]] | None:
    """The boxes of a line that has none yet and of all beside it.

    Args:
        line: of a calm family; nothing of it counts yet.
        both_paise: its narrow quote.
        reach: what the family's boxes were made for.
        muster: the family's.

    Returns:
        None: it has no room, or may move the forward further than the others' boxes allow.
    """
    twins = [twin for twin in muster.twins.get(line, ()) if has_box(twin)]
    if not all(reach.low <= level <= reach.high for level in _levels(line, both_paise, twins)):
        return None
    pairs = muster.beside.get(line, ())
    known = {each for pair in pairs for each in pair if has_box(each)} | set(twins)
    both = {line: both_paise} | {each: _quoted(each) for each in known}
    # the level of twins may move as far as both of them, from where they are now
    witnesses = (line, *twins) if is_future(line) or muster.twins.get(line) else ()
    rooms = box(both, reach.levels, witnesses, pairs)
    rooms |= {each: within(rooms[each], each.marks.low, each.marks.high) for each in known}
    fit = all(low <= both[each] <= high for each, (low, high) in rooms.items())
    return rooms if fit else None


def _levels(line: Line, both_paise: int, twins: list[Line]) -> Iterator[int]:
    """What the forward may be, twice, by this quote."""
    if is_future(line):
        yield both_paise
    for twin in twins:
        apart = both_paise - _quoted(twin)
        yield 2 * line.strike_paise + (apart if line.right is Right.CALL else -apart)


def _quoted(line: Line) -> int:
    """The newest quote of a line that has a box."""
    return line.marks.bid_paise + line.marks.ask_paise
