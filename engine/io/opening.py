"""How one life of a house is opened: what it holds, taken in order and let go of in reverse."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager

from engine.io.clock import SystemClock
from engine.io.env import make_data_dir
from engine.io.house import House
from engine.io.journal import Journal, journal_name
from engine.io.lease import LeaseKeeper, owner_name
from engine.io.locks import HostLock, account_lock, on_this_host
from engine.io.plot import Plot
from engine.io.ports import Clock
from engine.io.storage import Storage, load_client
from engine.io.token_file import TokenFile
from engine.settings import Settings
from engine.tenure import LeaseTerms
from engine.words import LeasePlace

__all__ = ["open_house"]

REST_THREADS = 4


@asynccontextmanager
async def open_house(plot: Plot, clock: SystemClock) -> AsyncIterator[House]:
    """One life of an account's house, built and not yet started.

    Raises:
        ConfigError: the rules file has faults, or the directory cannot be made.
        JournalError: the journal cannot be opened, or another monitor sends orders for this account.
        Unreachable: the trade store's file cannot be opened.
    """
    settings = plot.settings
    async with AsyncExitStack() as held:
        make_data_dir(settings.data_dir)
        if settings.data_dir != settings.trades_dir:  # else the process has locked it
            held.enter_context(HostLock(settings.data_dir))
        if plot.sends and not on_this_host(settings.dhan_api_url):
            held.enter_context(account_lock(settings.dhan_client_id, settings.dhan_api_url))
        await asyncio.to_thread(load_client, settings)  # the loop goes on: another account may be alive
        storage = Storage(settings, plot.roll)
        held.push_async_callback(storage.close)
        lease = _lease(settings, storage, clock) if plot.sends else None
        if lease is not None:  # let go of when nothing can leave any more: after the threads have ended
            held.push_async_callback(lease.release)
        executor = ThreadPoolExecutor(REST_THREADS, thread_name_prefix="dhan")
        held.push_async_callback(asyncio.to_thread, executor.shutdown)  # others live on while they end
        journal = Journal(settings.data_dir / journal_name(plot.mode))
        held.callback(journal.close)
        token = TokenFile(
            settings.data_dir, settings.dhan_access_token.reveal(), plot.learn, settings.token_file
        )
        house = House(plot, journal, executor, token, clock, lease, storage)
        held.callback(house.dhan.rest.close)
        yield house


def _lease(settings: Settings, storage: Storage, clock: Clock) -> LeaseKeeper:
    """The lease of whoever may send orders; it lies where the rows are that its owner writes, or in Redis."""
    terms = LeaseTerms(owner_name(secrets.token_hex(4)), settings.lease_ttl_s)
    if settings.lease_in is LeasePlace.STORE:
        return LeaseKeeper(storage.lease(), settings.account, terms, clock)
    from engine.io.redis.parts import redis_lease  # noqa: PLC0415 - not without its setting

    # others keep their leases there too: the account's own name, not ours for it
    return LeaseKeeper(redis_lease(settings), settings.dhan_client_id, terms, clock)
