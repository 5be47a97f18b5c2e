"""What verified partial exits have taken off the trade store's rows, until the store shows it.

The store may be away, and on paper it is never told: what we have closed is ours to take off its rows
until it has caught up. From then on another quantity there is the owner's own.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.closings import is_of
from engine.effects import Record, ReduceTrades, RowPart
from engine.plan import rows_after
from engine.trades import row_key

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from engine.intents import Intent
    from engine.messages import BrokerReport
    from engine.model import InstrumentKey, TradeRow

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
    """Reductions that the store does not show yet, oldest first.

    Args:
        store: which store the rows are in; ids of another one are other rows. Empty = whatever it is.
    """

    def __init__(self, store: str = "") -> None:
        self._store = store
        self._pending: dict[str, ReduceTrades] = {}
        self._of_earlier_days: set[str] = set()
        self._here_alone: set[str] = set()

    def restore(self, kept: Mapping[str, Mapping[str, Any]], today: Container[str]) -> None:
        """Take over what the journal knows, in the order in which it happened.

        Args:
            kept: the records, by exit.
            today: the exits whose orders are taken over too.
        """
        ours = {name: value for name, value in kept.items() if is_of(value, self._store)}
        self._of_earlier_days = {name for name in ours if name not in today}
        for name, value in sorted(ours.items(), key=lambda each: (each[1]["at_s"], each[0])):
            if not value["settled"]:
                parts = tuple(RowPart(*part) for part in value["parts"])
                self._pending[name] = ReduceTrades(name, parts, value["at_s"])
                self._here_alone |= {name} if value.get("here_alone") else set()

    def add(self, name: str, parts: tuple[RowPart, ...], now_s: float, *, here_alone: bool = False) -> Record:
        """Remember what an exit has closed; the record belongs into the transaction that ends it.

        ``here_alone``: the store is not to be written to; the rows count as reduced as long as they are what
        they were.
        """
        self._pending[name] = ReduceTrades(name, parts, now_s)
        self._here_alone |= {name} if here_alone else set()
        return self._record(name, settled=False)

    def apply(self, row: TradeRow, *, earlier: bool = False) -> TradeRow:
        """The row as it is after our exits, whether the store knows of them yet or not.

        ``earlier``: after those only whose orders are in no book any more.
        """
        for name, job in self._pending.items():
            for part in job.parts if not earlier or name in self._of_earlier_days else ():
                if part.row_id == row.id and part.before == row.quantity:
                    row = row.after_part(part.after)
        return row

    def left_of(self, rows: tuple[TradeRow, ...]) -> tuple[TradeRow, ...]:
        """The rows after our exits, those that still hold something; the very same while none is pending."""
        if not self._pending:
            return rows
        touched = {part.row_id for job in self._pending.values() for part in job.parts}
        left = (self.apply(row) if row.id in touched else row for row in rows)
        return tuple(row for row in left if row.quantity)

    def late(self) -> list[ReduceTrades]:
        """What is to be written, or written again: the store takes each part once."""
        return [job for name, job in self._pending.items() if job.parts and name not in self._here_alone]

    def before(self, rows: Container[int]) -> list[ReduceTrades]:
        """What the store must have of these rows before anything else; it may have been away since."""
        return [job for job in self.late() if any(part.row_id in rows for part in job.parts)]

    def is_more(self, row: TradeRow) -> bool:
        """Whether the store says more of a row than we count, and is not to be told so."""
        alone = [self._pending[name] for name in self._here_alone & self._pending.keys()]
        return any(part.row_id == row.id for job in alone for part in job.parts)

    def regrown(self, rows: Iterable[TradeRow], report: BrokerReport) -> list[Record]:
        """Forget what only we have taken off rows of which the broker holds as much as they say."""
        if not self._here_alone:
            return []
        recorded: Counter[InstrumentKey] = Counter()
        keys: dict[int, InstrumentKey] = {}
        for row in rows:
            keys[row.id] = row_key(row)
            recorded[keys[row.id]] += row.action.sign * row.quantity
        held: Counter[InstrumentKey] = Counter()
        for listed in report.positions:
            held[listed.key] += listed.net_quantity
        records = []
        for name in sorted(self._here_alone & self._pending.keys()):
            touched = {keys[part.row_id] for part in self._pending[name].parts if part.row_id in keys}
            if touched and all(held[key] == recorded[key] for key in touched):
                records.append(self._record(name, settled=True))
                del self._pending[name]
        return records

    def settle(self, rows: Iterable[TradeRow]) -> list[Record]:
        """Take note of rows just read from a store that is written to; forget what they show."""
        if not self._pending:
            return []
        shown = {row.id: row.quantity for row in rows}
        waiting: set[int] = set()  # a later part of the same row waits for the earlier
        records = []
        for job in list(self._pending.values()):
            ids = {part.row_id for part in job.parts}
            if waiting & ids or any(shown.get(part.row_id) == part.before for part in job.parts):
                waiting |= ids
            else:
                records.append(self._record(job.name, settled=True))
                del self._pending[job.name]
        return records

    def _record(self, name: str, *, settled: bool) -> Record:
        job = self._pending[name]
        kept = {
            "parts": [list(part) for part in job.parts],
            "at_s": job.closed_at_s,
            "settled": settled,
            "here_alone": name in self._here_alone,
            "store": self._store,
        }
        return Record("reduced", name, kept)
