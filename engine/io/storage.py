"""Where the legs are recorded, and where the owner of an account is: made from the settings, in one place.

Supabase's client is imported by who uses it: it takes a quarter of a second, and most tools need none.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from random import Random
from typing import TYPE_CHECKING

from engine.effects import Alert
from engine.errors import Unreachable
from engine.io.clock import SystemClock
from engine.io.env import make_data_dir
from engine.io.exporter import Exports
from engine.io.importer import Imports
from engine.io.lease import LeaseKeeper
from engine.io.ports import Clock, Lease, TradeStore
from engine.io.stores.inherited_lease import InheritedLease
from engine.io.stores.own_rows import OwnRows, Roll
from engine.io.stores.sqlite import SqliteStore
from engine.io.stores.sqlite_lease import SqliteLease
from engine.messages import Beat, BeatKind, Message, RealtimeState
from engine.project import project_of
from engine.settings import Settings
from engine.words import LeasePlace, TradesSource

if TYPE_CHECKING:
    from engine.io.stores.supabase import SupabaseStore
    from engine.io.stores.supabase_gate import Gate


class Storage:
    """The storage that the settings ask for; `close` it when nothing is read or written any more.

    Args:
        roll: the accounts that share the store, each with a `Storage` of its own; None = there is one
            account, whose house has all rows.
    """

    def __init__(self, settings: Settings, roll: Roll | None = None) -> None:
        """Connect to nothing yet."""
        self._file = settings.trades_dir / "trades.sqlite3"
        self._inherited = settings.data_dir / "lease.json"
        self._roll = roll
        self.taker: SqliteStore | None = None
        self.exits: SupabaseStore | None = None
        self._leases = settings.lease_in is LeasePlace.STORE
        self.gate: Gate | None = None
        self._supabase: SupabaseStore | None = None
        project = project_of(settings.supabase_url, settings.supabase_secret_key, settings.supabase_anon_key)
        if settings.trades_source is TradesSource.SUPABASE and project is not None:
            from engine.io.stores.supabase_gate import Gate  # noqa: PLC0415 - see above

            self.gate = Gate(project.url, project.key, sees_all=project.sees_all)

    def store(
        self, account: str, lease: LeaseKeeper | None, tell: Callable[[Alert], None], clock: Clock
    ) -> TradeStore:
        """The trade store of an account; its writes go under the lease.

        Raises:
            Unreachable: the embedded store's file cannot be opened.
        """
        if self.gate is None:
            self.taker = SqliteStore(self._file)
            return self._own(self.taker, account, tell)
        from engine.io.stores.supabase import SupabaseStore  # noqa: PLC0415 - see above

        keeper = lease if self._leases and self.gate.sees_all else None  # else it is not in the database

        def fence() -> int | None:
            if keeper is None:
                return None
            if not keeper.fence:
                raise Unreachable(
                    "the rows are their owner's to write, and this monitor is not the owner now"
                )
            return keeper.fence

        self._supabase = self.exits = SupabaseStore(self.gate, account, fence, tell, clock)
        return self._own(self._supabase, account, tell)

    def _own(
        self, store: SqliteStore | SupabaseStore, account: str, tell: Callable[[Alert], None]
    ) -> TradeStore:
        return store if self._roll is None else OwnRows(store, account, self._roll, tell)

    def identity(self) -> str:
        """Which store this is: ids of rows mean something in it alone. Raises Unreachable of a file."""
        return SqliteStore(self._file).identity() if self.gate is None else f"supabase:{self.gate.url}"

    def tasks(
        self, account: str, post: Callable[[Message], None], clock: Clock
    ) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        """What must run for as long as the store is used: each a name and how its life begins."""
        store = self._supabase
        if self.gate is None or store is None:
            return
        from engine.io.stores.realtime import RealtimeWatch  # noqa: PLC0415 - see above

        def look(everything: bool) -> None:  # noqa: FBT001 - a callback
            if everything:
                store.want_all()
            post(Beat(BeatKind.STORE))

        def heard(failed: str) -> None:
            post(RealtimeState(failed))

        name, jitter = f"{account}/{socket.gethostname()}", Random().random  # noqa: S311 - protects nothing
        yield "realtime", RealtimeWatch(self.gate, name, look, heard, clock, jitter).run

    def lease(self) -> Lease:
        """Where the owner of an account is written down: where the rows are, if the key is good for it.

        Raises Unreachable of a file.
        """
        if self.gate is None or not self.gate.sees_all:
            return SqliteLease(self._file)
        from engine.io.stores.supabase_lease import SupabaseLease  # noqa: PLC0415 - see above

        return InheritedLease(SupabaseLease(self.gate), self._inherited)

    async def close(self) -> None:
        """Let go of the connections."""
        if self.gate is not None:
            await self.gate.close()


def load_client(settings: Settings) -> None:
    """Import what these settings need of Supabase's client; half a second, the first time."""
    if settings.trades_source is not TradesSource.SUPABASE or settings.supabase_url is None:
        return
    for name in ("supabase", "supabase_gate", "supabase_lease", "realtime"):
        import_module(f"engine.io.stores.{name}")
    with suppress(ImportError):  # what its HTTP client would import in the loop, at its first question
        import_module("anyio._backends._asyncio")


def roll_of(settings: Settings) -> Roll | None:
    """The accounts that share a store; None = there is one account, whose house has all rows."""
    if not settings.accounts:
        return None
    names = {on: [a.name for a in settings.accounts if a.enabled is on] for on in (True, False)}
    return Roll(names[True], names[False])


@asynccontextmanager
async def store_to_fill(settings: Settings) -> AsyncIterator[Imports]:
    """Where rows of files go, whichever trade store it is; the embedded one is made when it is not there yet.

    Raises:
        BadInput: the key to Supabase sees too little.
    """
    storage = Storage(settings, roll_of(settings))
    try:
        if storage.gate is None:
            yield _embedded_store(settings)
        else:
            from engine.io.stores.supabase_import import SupabaseImport  # noqa: PLC0415 - see above

            yield SupabaseImport(storage.gate)
    finally:
        await storage.close()


def _embedded_store(settings: Settings) -> SqliteStore:
    make_data_dir(settings.trades_dir)
    return SqliteStore(settings.trades_dir / "trades.sqlite3")


@asynccontextmanager
async def rows_to_export(settings: Settings) -> AsyncIterator[Exports]:
    """Where the rows of the trade store are given out, whichever it is; for a tool."""
    storage = Storage(settings, roll_of(settings))
    try:
        if storage.gate is None:
            yield _embedded_store(settings)
        else:
            from engine.io.stores.supabase_export import SupabaseExport  # noqa: PLC0415 - see above

            yield SupabaseExport(storage.gate, SystemClock().now_s)
    finally:
        await storage.close()


@asynccontextmanager
async def store_to_read(settings: Settings) -> AsyncIterator[TradeStore]:
    """The trade store for a tool that reads it, beside a monitor or without one. Raises Unreachable."""
    make_data_dir(settings.data_dir)
    storage = Storage(settings, roll_of(settings))
    try:
        yield storage.store(settings.account, None, lambda _alert: None, SystemClock())
    finally:
        await storage.close()
