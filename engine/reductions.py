"""What verified partial exits have taken off the trade store's rows, until the store shows it.

The store may be away, and on paper it is never told: what we have closed is ours to take off its rows
until it has caught up. From then on another quantity there is the owner's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from engine.effects import Record, ReduceTrades, RowPart
from engine.plan import rows_after

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from engine.intents import Intent
    from engine.model import TradeRow

__all__ = ["Closed", "Reductions", "closed_by"]


class Closed(NamedTuple):
    """What a partial exit has closed.

    Attributes:
        parts: what it took off rows that stay.
        ended: rows of which nothing is left, and the exit price.
        realised_paise: gross P&L of what was traded.
    """

    parts: tuple[RowPart, ...]
    ended: dict[int, int | None]
    realised_paise: int


def closed_by(intent: Intent) -> Closed:
    """Share out what an exit has traded among the rows that it was planned from."""
    parts: list[RowPart] = []
    ended: dict[int, int | None] = {}
    realised_paise = 0
    for index, leg in enumerate(intent.legs):
        units, turnover_paise = intent.traded(index)
        average_paise = intent.average_paise(index)
        realised_paise -= leg.side.sign * turnover_paise
        for row, left in rows_after(leg, units).items():
            held = leg.rows[row]
            realised_paise -= (held - left) * leg.prices_paise[row]
            if left == 0:
                ended[row] = average_paise
            elif left != held:
                parts.append(RowPart(row, abs(held), abs(left), average_paise))
    return Closed(tuple(parts), ended, realised_paise)


class Reductions:
    """Reductions that the store does not show yet, oldest first."""

    def __init__(self) -> None:
        self._pending: dict[str, ReduceTrades] = {}
        self._of_earlier_days: set[str] = set()

    def restore(self, kept: Mapping[str, Mapping[str, Any]], today: Container[str]) -> None:
        """Take over what the journal knows; exits are numbered in the order of their days.

        Args:
            kept: the records, by exit.
            today: the exits whose orders are taken over too.
        """
        self._of_earlier_days = {name for name in kept if name not in today}
        for name, value in sorted(kept.items()):
            if not value["settled"]:
                parts = tuple(RowPart(*part) for part in value["parts"])
                self._pending[name] = ReduceTrades(name, parts, value["at_s"])

    def add(self, name: str, parts: tuple[RowPart, ...], now_s: float) -> Record:
        """Remember what an exit has closed; the record belongs into the transaction that ends it."""
        self._pending[name] = job = ReduceTrades(name, parts, now_s)
        return _record(job, settled=False)

    def apply(self, row: TradeRow, *, earlier: bool = False) -> TradeRow:
        """The row as it is after our exits, whether the store knows of them yet or not.

        ``earlier``: after those only whose orders are in no book any more.
        """
        for name, job in self._pending.items():
            for part in job.parts if not earlier or name in self._of_earlier_days else ():
                if part.row_id == row.id and part.before == row.quantity:
                    row = row.after_part(part.after)
        return row

    def late(self) -> list[ReduceTrades]:
        """What is to be written, or written again: the store takes each part once."""
        return [job for job in self._pending.values() if job.parts]

    def settle(self, rows: Iterable[TradeRow]) -> list[Record]:
        """Take note of rows just read from a store that is written to; forget what they show."""
        shown = {row.id: row.quantity for row in rows}
        waiting: set[int] = set()  # a later part of the same row waits for the earlier
        records = []
        for job in list(self._pending.values()):
            ids = {part.row_id for part in job.parts}
            if waiting & ids or any(shown.get(part.row_id) == part.before for part in job.parts):
                waiting |= ids
            else:
                del self._pending[job.name]
                records.append(_record(job, settled=True))
        return records


def _record(job: ReduceTrades, *, settled: bool) -> Record:
    kept = {"parts": [list(part) for part in job.parts], "at_s": job.closed_at_s, "settled": settled}
    return Record("reduced", job.name, kept)
