"""What the trade store's open rows come to, strategy by strategy, worked out a few at a time.

Whether rows are a position hangs on the rows of that strategy, its levels, the master and the day, and on
nothing else. So a reading is laid beside the last one by strategy, and only those that differ are looked at;
a first reading of a thousand takes its turns. Nobody sees an answer of which a part is still to be worked
out: `answer` is there when nothing is due, and it is what `listed` says of all rows at once.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from engine.joins import fitting
from engine.listed import Listed, listed
from engine.model import position_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from engine.joins import Fits
    from engine.model import ExitLevel, Instrument, InstrumentKey, PositionId, TradeRow

__all__ = ["Groups"]

_NOTHING = Listed((), (), {}, frozenset())


class _Reading(NamedTuple):
    """What is to be worked out."""

    rows: Sequence[TradeRow]
    instruments: Mapping[InstrumentKey, Instrument]
    today: date | None
    levels: Sequence[ExitLevel]


class _Asked(NamedTuple):
    """What one strategy's answer hangs on, beside master and day."""

    rows: tuple[TradeRow, ...]
    levels: tuple[ExitLevel, ...]


class Groups:
    """The newest reading by strategy, and the answers that are known of it.

    Attributes:
        due: the strategies that are still to be worked out.
    """

    def __init__(self) -> None:
        """No rows have been read."""
        self.due: dict[PositionId, None] = {}
        self._reading = _Reading((), {}, None, ())
        self._asked: dict[PositionId, _Asked] = {}
        self._known: dict[PositionId, Listed] = {}
        self._last: dict[PositionId, Listed] = {}  # what was known of it before, of another master or day
        self._fits: Fits = {}
        self._answer: Listed | None = _NOTHING

    def __len__(self) -> int:
        """How many strategies the newest reading has rows of."""
        return len(self._asked)

    def take(
        self,
        rows: Sequence[TradeRow],
        instruments: Mapping[InstrumentKey, Instrument],
        today: date,
        levels: Sequence[ExitLevel],
    ) -> None:
        """Go by this reading, whole, from now on; what was worked out of another one and still holds stays.

        Nobody may change an argument in place. See `listed` for what they are.
        """
        before, self._reading = self._reading, _Reading(rows, instruments, today, levels)
        alike = before.instruments is instruments and before.today == today
        if alike and _same(rows, before.rows) and _same(levels, before.levels):
            return
        symbols = {row.symbol for row in rows if not row.security_id}
        self._fits = fitting(symbols, instruments)
        asked = self._by_strategy()
        self._last = {name: answer for name, answer in (self._last | self._known).items() if name in asked}
        if alike:
            known = {name: self._known[name] for name in asked.keys() & self._known.keys()}
            known = {name: answer for name, answer in known.items() if asked[name] == self._asked[name]}
        else:
            known = {}
        self._asked, self._known, self._answer = asked, known, None
        self.due = dict.fromkeys(name for name in asked if name not in known)

    def work(self, most: int) -> None:
        """Work out so many more of them."""
        for name in list(islice(self.due, most)):
            self.of(name)

    def of(self, name: PositionId) -> Listed:
        """What one strategy's rows come to, worked out now if it was not yet; nothing, if it has none."""
        if name in self.due:
            del self.due[name]
            reading, asked = self._reading, self._asked[name]
            assert reading.today is not None  # noqa: S101 - of a reading that was taken
            found = listed(asked.rows, reading.instruments, reading.today, asked.levels, self._fits)
            last = self._last.pop(name, found)
            self._known[name] = last if last == found else found  # the same object: nobody has to compare it
        return self._known.get(name, _NOTHING)

    def answer(self) -> Listed:
        """What all rows come to, by strategy in the order of first rows; the same while nothing is new."""
        assert not self.due  # noqa: S101 - nobody may take a part for the whole
        if self._answer is None:
            found = [self._known[name] for name in self._asked]
            self._answer = Listed(
                tuple(position for each in found for position in each.positions),
                tuple(bad for each in found for bad in each.invalid),
                {name: rows for each in found for name, rows in each.aside.items()},
                frozenset(key for each in found for key in each.missed),
            )
        return self._answer

    def _by_strategy(self) -> dict[PositionId, _Asked]:
        rows: dict[tuple[str, int], list[TradeRow]] = {}
        for row in self._reading.rows:
            rows.setdefault((row.account, row.strategy_id), []).append(row)
        levels: dict[int, list[ExitLevel]] = {}
        for level in self._reading.levels:
            levels.setdefault(level.strategy_id, []).append(level)
        return {
            position_id(*whose): _Asked(tuple(theirs), tuple(levels.get(whose[1], ())))
            for whose, theirs in rows.items()
        }


def _same(one: Sequence[object], other: Sequence[object]) -> bool:
    return one is other or one == other
