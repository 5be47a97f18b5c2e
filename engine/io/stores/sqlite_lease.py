"""The lease of an account in a SQLite file of its own, beside the trade store's.

Not in the same file: the owner may hold that one's lock for as long as he edits a row, and a renewal
must not wait for that. Whoever shares the trade store, by whatever name he knows its file, finds the
same lease. Ends are by the clocks of the hosts that share the file: they must agree to a second.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from engine.effects import ClaimLease
from engine.errors import Declined, Unreachable
from engine.io.ports import Holder
from engine.tenure import generation_of, newer

_SCHEMA = """CREATE TABLE IF NOT EXISTS engine_leases (
    account TEXT PRIMARY KEY, owner TEXT NOT NULL, fence INTEGER NOT NULL,
    version TEXT NOT NULL, until REAL NOT NULL
) WITHOUT ROWID"""
#: How long another program's lock is waited for.
_LOCK_WAIT_S = 2.0


class SqliteLease:
    """Implements `engine.io.ports.Lease`.

    Args:
        store: the trade store's file.
        wall_s: the world's time.
    """

    def __init__(self, store: Path, wall_s: Callable[[], float] = time.time) -> None:
        """Make the file and its table when they are not there yet.

        Raises:
            Unreachable: the file cannot be opened or is no such file.
        """
        self.path = store.resolve().with_suffix(".lease.sqlite3")
        self._wall_s = wall_s
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise Unreachable(f"{self.path}: cannot be opened ({error.strerror})") from error
        with self._database() as database:
            database.execute(_SCHEMA)

    async def acquire(self, account: str, owner: str, ttl_s: float, claim: ClaimLease) -> Holder:
        """Take it if it is free or over, or if its owner is one of ``claim.heirs``; the fence grows.

        Raises:
            Declined: its last owner was of a newer generation.
            Unreachable: the file cannot be read.
        """
        return await asyncio.to_thread(self._acquire, account, owner, ttl_s, claim)

    async def renew(self, account: str, owner: str, ttl_s: float, fence: int) -> Holder:
        """Move its end, if this owner still has it under this fence."""
        return await asyncio.to_thread(self._renew, account, owner, ttl_s, fence)

    async def release(self, account: str, owner: str, fence: int) -> None:
        """Let go of it, if this owner has it under this fence; the fence stays."""
        await asyncio.to_thread(self._release, account, owner, fence)

    def _acquire(self, account: str, owner: str, ttl_s: float, claim: ClaimLease) -> Holder:
        with self._transaction() as database:
            holder, until_s, before = _read(database, account)
            if before > generation_of(owner):
                raise Declined(newer(before, generation_of(owner)))
            free = holder.owner in {"", owner, *claim.heirs} or until_s <= self._wall_s()
            if not free:
                return holder
            fence = max(holder.fence, claim.above) + 1
            database.execute(
                "INSERT INTO engine_leases VALUES (?, ?, ?, ?, ?) ON CONFLICT (account) DO UPDATE SET "
                "owner = excluded.owner, fence = excluded.fence, version = excluded.version, "
                "until = excluded.until",
                (account, owner, fence, str(generation_of(owner)), self._wall_s() + ttl_s),
            )
        return Holder(ours=True, owner=owner, fence=fence)

    def _renew(self, account: str, owner: str, ttl_s: float, fence: int) -> Holder:
        with self._transaction() as database:
            moved = database.execute(
                "UPDATE engine_leases SET until = ? WHERE account = ? AND owner = ? AND fence = ?",
                (self._wall_s() + ttl_s, account, owner, fence),
            )
            holder, *_ = _read(database, account)
            return holder._replace(ours=moved.rowcount == 1)

    def _release(self, account: str, owner: str, fence: int) -> None:
        with self._transaction() as database:
            database.execute(
                "UPDATE engine_leases SET owner = '', until = 0 "
                "WHERE account = ? AND owner = ? AND fence = ?",
                (account, owner, fence),
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and nobody else meanwhile."""
        with self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            with database:
                yield database

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """The file, opened only if it is still there."""
        try:
            with closing(
                sqlite3.connect(
                    f"{self.path.as_uri()}?mode=rw", uri=True, timeout=_LOCK_WAIT_S, isolation_level=None
                )
            ) as database:
                yield database
        except sqlite3.Error as error:
            raise Unreachable(f"{self.path}: {error}") from error


def _read(database: sqlite3.Connection, account: str) -> tuple[Holder, float, int]:
    """Who has it, until when, and of which generation the last owner was; nobody = one without a name."""
    row = database.execute(
        "SELECT owner, fence, until, CAST(version AS INTEGER) FROM engine_leases WHERE account = ?",
        (account,),
    ).fetchone()
    return (Holder(False, row[0], row[1]), row[2], row[3]) if row else (Holder(False, "", 0), 0.0, 0)
