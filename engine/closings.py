"""Rows that exits have closed, until the trade store shows them closed.

The store may be away for as long as it likes: what was closed stands in the journal, and is written to the
store whenever a read shows it open still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.effects import CloseTrades, Record
from engine.sessions import ist_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from engine.model import TradeRow

__all__ = ["Closings", "is_of"]


#: So long after its end an exit's rows are remembered although the store does not list them.
KEPT_S = 6 * 86_400.0
#: And only when answers of so many days, in a row as far as there were any, had other rows and none of these.
MISSED_DAYS = 3


class Closings:
    """What was closed, by the exit that closed it.

    Args:
        store: which store the rows are in; ids of another one are other rows. Empty = whatever it is.
    """

    def __init__(self, store: str = "") -> None:
        self._store = store
        self._jobs: dict[str, CloseTrades] = {}
        self._of: dict[int, str] = {}
        self._missed: dict[str, set[date]] = {}  # by job: the days on which the store did not list it
        self._but, self._settled = _Ids(), _Ids()

    def __contains__(self, row_id: int) -> bool:
        """Whether the row is closed, whatever the store says."""
        return row_id in self._of

    def but(self, rows: tuple[TradeRow, ...]) -> tuple[TradeRow, ...]:
        """The rows that are not closed; mostly the very same, which is what tells that nothing is new."""
        if self._of.keys().isdisjoint(self._but.of(rows)):
            return rows
        return tuple(row for row in rows if row.id not in self._of)

    def restore(self, kept: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the journal knows, in the order in which it happened."""
        ours = {name: value for name, value in kept.items() if is_of(value, self._store)}
        for name, value in sorted(ours.items(), key=lambda each: (each[1]["at_s"], each[0])):
            exits = {int(row): paise for row, paise in value["exits"].items()}
            units = {int(row): number for row, number in value.get("units", {}).items()}
            self._take(CloseTrades(exits, value["at_s"], name, units))

    def add(
        self, name: str, exits: Mapping[int, int | None], units: Mapping[int, int], now_s: float
    ) -> tuple[Record, CloseTrades]:
        """Remember what an exit has closed; the record belongs into the transaction that ends it.

        Args:
            name: the exit's id.
            exits: exit price by row id; None = nobody here traded it.
            units: of each row, as far as they are known.
            now_s: when.
        """
        job = CloseTrades(dict(exits), now_s, name, {row: units[row] for row in exits if row in units})
        self._take(job)
        value = {
            "exits": {str(row): paise for row, paise in job.exits.items()},
            "units": {str(row): number for row, number in job.units.items()},
            "at_s": now_s,
            "store": self._store,
        }
        return Record("closed", name, value), job

    def settle(self, rows: tuple[TradeRow, ...], now_s: float) -> None:
        """Let go of what was closed long ago and the store has not listed for days: it shows it closed.

        One answer is no proof: a store that has refused our writes for a week may once answer with less than
        it has, and an answer without any row says nothing of these. As long as it lists one of them a write
        is owed (`late`). The journal keeps them all; should such a row come back, the broker's books tell
        what becomes of it.
        """
        listed = self._settled.of(rows)
        if not listed:
            return
        for name, job in list(self._jobs.items()):
            if not listed.isdisjoint(job.exits):
                self._missed.pop(name, None)
                continue
            missed = self._missed.setdefault(name, set())
            missed.add(ist_date(now_s))
            if now_s - job.closed_at_s > KEPT_S and len(missed) >= MISSED_DAYS:
                self._forget(job)

    def _forget(self, job: CloseTrades) -> None:
        del self._jobs[job.name], self._missed[job.name]
        for row in job.exits:
            if self._of.get(row) == job.name:
                del self._of[row]

    def late(self, rows: Iterable[TradeRow]) -> list[CloseTrades]:
        """What is to be written again: the store still shows it open."""
        late: dict[str, list[int]] = {}
        for row in rows:
            if row.id in self._of:
                late.setdefault(self._of[row.id], []).append(row.id)
        return [_part(self._jobs[name], ids) for name, ids in late.items()]

    def _take(self, job: CloseTrades) -> None:
        self._jobs[job.name] = job
        self._of |= dict.fromkeys(job.exits, job.name)


class _Ids:
    """Those of the last rows: four thousand that say what they said are the same object."""

    def __init__(self) -> None:
        self._rows: tuple[TradeRow, ...] = ()
        self._ids: frozenset[int] = frozenset()

    def of(self, rows: tuple[TradeRow, ...]) -> frozenset[int]:
        if rows is not self._rows:
            self._rows, self._ids = rows, frozenset(row.id for row in rows)
        return self._ids


def is_of(value: Mapping[str, Any], store: str) -> bool:
    """Whether a record of the journal is about rows of this store; an older one does not say, and is."""
    return not store or value.get("store", "") in {"", store}


def _part(job: CloseTrades, ids: Iterable[int]) -> CloseTrades:
    exits = {row: job.exits[row] for row in ids}
    units = {row: job.units[row] for row in exits if row in job.units}
    return CloseTrades(exits, job.closed_at_s, job.name, units)
