"""One account's rows of the trade store that all accounts share.

What is wrong with another account's row is not ours to stumble over. A row of an account that nobody runs is
told once, by whoever sees it first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from engine.book_rows import RowFigures
from engine.effects import Alert, CloseTrades, RowPart
from engine.errors import BadInput
from engine.io.ports import TradeStore
from engine.model import ExitLevel, TradeRow, Urgency
from engine.trades import StoredRow, sound_rows

__all__ = ["OwnRows", "Roll"]

#: So many rows are named in a message.
_NAMED = 10


class SharedStore(TradeStore, Protocol):
    """A trade store that tells whose each row is before it is understood."""

    async def stored_rows(self) -> Sequence[StoredRow]:
        """Every open row, or what is wrong with it. Raises SourceError."""


class Roll:
    """The accounts of this process, and which rows of nobody's have been told.

    Args:
        running: names of the accounts that run here.
        idle: names of those that are turned off.
    """

    def __init__(self, running: Collection[str], idle: Collection[str] = ()) -> None:
        """Nothing is told yet."""
        self._running, self._idle = frozenset(running), frozenset(idle)
        self._told: set[int] = set()

    def stray(self, rows: Sequence[StoredRow]) -> list[Alert]:
        """What is to be told of rows that nobody runs, each row once."""
        new: dict[str, list[int]] = {}
        for each in rows:
            if each.account not in self._running and each.id not in self._told:
                new.setdefault(each.account, []).append(each.id)
        self._told.update(row_id for ids in new.values() for row_id in ids)
        return [self._alert(account, ids) for account, ids in sorted(new.items())]

    def _alert(self, account: str, ids: list[int]) -> Alert:
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        named = ", ".join(str(row_id) for row_id in ids[:_NAMED]) + more
        way = (
            "it is turned off in the accounts file"
            if account in self._idle
            else "the accounts file has no such account; correct the rows, or add it there"
        )
        return Alert(
            Urgency.MEDIUM,
            f"rows of {account} {ids[0]}",
            f"Nobody watches account {account}",
            f"Open rows of the trade store name it: {named}. They are not watched: {way}.",
        )


class OwnRows:
    """`engine.io.ports.TradeStore` for one of several accounts.

    Args:
        store: the store of all.
        account: whose rows are given out.
        roll: shared by all accounts of the process.
        tell: alerts the owner.
    """

    def __init__(self, store: SharedStore, account: str, roll: Roll, tell: Callable[[Alert], None]) -> None:
        self._store, self._account = store, account
        self._roll, self._tell = roll, tell
        self._others: frozenset[int] = frozenset()  # strategy ids that only other accounts' rows name

    async def open_rows(self) -> Sequence[TradeRow]:
        """Every open row of the account. Raises SourceError; BadInput of its own rows alone."""
        stored = await self._store.stored_rows()
        for alert in self._roll.stray(stored):
            self._tell(alert)
        own = sound_rows(each for each in stored if each.account == self._account)
        theirs = {
            each.row.strategy_id
            for each in stored
            if each.account != self._account and not isinstance(each.row, BadInput)
        }
        self._others = frozenset(theirs - {row.strategy_id for row in own})
        return own

    async def exit_levels(self) -> Sequence[ExitLevel]:
        """The rows of ``strategy_exit_levels`` but those of others' strategies. Raises SourceError."""
        levels = await self._store.exit_levels()
        return tuple(level for level in levels if level.strategy_id not in self._others)

    async def close_rows(self, job: CloseTrades) -> None:
        """As the store does: rows are named by their ids. Raises SourceError."""
        await self._store.close_rows(job)

    async def reduce_rows(self, parts: Sequence[RowPart], closed_at_s: float, name: str) -> None:
        """As the store does. Raises SourceError."""
        await self._store.reduce_rows(parts, closed_at_s, name)

    async def note_exits(self, figures: Sequence[RowFigures]) -> Sequence[RowFigures]:
        """As the store does. Raises SourceError."""
        return await self._store.note_exits(figures)
