"""The lease in its file: one owner, a fence that only grows, an end, and no waiting for the owner's edits."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
from contextlib import closing

import pytest

from engine.effects import ClaimLease
from engine.errors import Declined, Unreachable
from engine.io.ports import Holder
from engine.io.stores.sqlite import SqliteStore
from engine.io.stores.sqlite_lease import SqliteLease

FIRST = ClaimLease(0, (), 0)
A, B = "here:1:aa", "there:2:bb"


class World:
    """A place for leases, and the world's time."""

    def __init__(self, store):
        self.now_s = 1_000_000.0
        self.lease = SqliteLease(store, lambda: self.now_s)


@pytest.fixture
def world(tmp_path):
    """An empty place beside a trade store."""
    return World(tmp_path / "data" / "trades.sqlite3")


async def test_the_first_has_it_and_the_second_is_told_who(world):
    """Taken under fence 1; another claim changes nothing and names the owner."""
    assert await world.lease.acquire("a", A, 30, FIRST) == Holder(True, A, 1)
    assert await world.lease.acquire("a", B, 30, FIRST) == Holder(False, A, 1)
    assert await world.lease.acquire("another account", B, 30, FIRST) == Holder(True, B, 1)


async def test_it_is_free_at_its_end_and_the_fence_has_grown(world):
    """Not a moment before; the old owner's renewal is refused, under his fence and under the new one."""
    await world.lease.acquire("a", A, 30, FIRST)
    world.now_s += 29.9
    assert not (await world.lease.acquire("a", B, 30, FIRST)).ours
    world.now_s += 0.1
    assert await world.lease.acquire("a", B, 30, FIRST) == Holder(True, B, 2)
    assert await world.lease.renew("a", A, 30, 1) == Holder(False, B, 2)
    assert await world.lease.renew("a", A, 30, 2) == Holder(False, B, 2)


async def test_a_renewal_moves_the_end_and_keeps_the_fence(world):
    """Also when it comes too late and nobody was faster."""
    await world.lease.acquire("a", A, 30, FIRST)
    world.now_s += 20
    assert await world.lease.renew("a", A, 30, 1) == Holder(True, A, 1)
    world.now_s += 20
    assert not (await world.lease.acquire("a", B, 30, FIRST)).ours
    world.now_s += 20
    assert await world.lease.renew("a", A, 30, 1) == Holder(True, A, 1)


async def test_what_is_let_go_of_is_free_at_once_and_its_fence_stays(world):
    """Only its owner lets go of it, under his own fence."""
    await world.lease.acquire("a", A, 30, FIRST)
    await world.lease.release("a", B, 1)
    await world.lease.release("a", A, 7)
    assert not (await world.lease.acquire("a", B, 30, FIRST)).ours
    await world.lease.release("a", A, 1)
    assert await world.lease.acquire("a", B, 30, FIRST) == Holder(True, B, 2)


async def test_an_heir_need_not_wait_and_a_fence_that_is_known_is_passed(world):
    """A dead predecessor's lease; and a journal that knows of a higher fence than the file."""
    await world.lease.acquire("a", A, 30, FIRST)
    assert await world.lease.acquire("a", B, 30, ClaimLease(0, (A,), 41)) == Holder(True, B, 42)


async def test_a_restart_of_the_file_forgets_nothing(world, tmp_path):
    """Another process finds the owner and the fence."""
    await world.lease.acquire("a", A, 30, FIRST)
    again = SqliteLease(tmp_path / "data" / "trades.sqlite3", lambda: world.now_s)
    assert await again.acquire("a", B, 30, FIRST) == Holder(False, A, 1)


async def test_whoever_shares_the_trade_store_shares_the_lease(world, tmp_path):
    """The second monitor's store is a link to the first one's: it finds the same row."""
    (tmp_path / "second").mkdir()
    link = tmp_path / "second" / "trades.sqlite3"
    link.symlink_to(tmp_path / "data" / "trades.sqlite3")
    assert SqliteLease(link).path == world.lease.path


async def test_an_edit_of_the_rows_does_not_hold_it_up(world, tmp_path):
    """The owner's tool holds the trade store's lock; the lease is renewed all the same."""
    path = tmp_path / "data" / "trades.sqlite3"
    SqliteStore(path)
    await world.lease.acquire("a", A, 30, FIRST)
    with closing(sqlite3.connect(path, isolation_level=None)) as tool:
        tool.execute("BEGIN EXCLUSIVE")
        assert (await world.lease.renew("a", A, 30, 1)).ours


async def test_a_file_that_has_gone_is_no_answer(world):
    """Neither a lease nor the news that somebody else has it."""
    world.lease.path.unlink()
    with pytest.raises(Unreachable, match="lease"):
        await world.lease.renew("a", A, 30, 1)
    with pytest.raises(Unreachable, match="lease"):
        await world.lease.acquire("a", A, 30, FIRST)


def take(path, name, ready, answers):
    """One process that wants it at the same moment as the others."""
    lease = SqliteLease(path)
    ready.wait()
    answers.put(asyncio.run(lease.acquire("a", name, 30, FIRST)))


def test_of_many_processes_that_ask_at_once_one_gets_it(tmp_path):
    """Six claims at a barrier: one is granted, five are told by whom it is held."""
    context = multiprocessing.get_context("forkserver")
    ready, answers = context.Barrier(6), context.Queue()
    path = tmp_path / "trades.sqlite3"
    names = [f"host{n}:{n}:aa" for n in range(6)]
    crowd = [context.Process(target=take, args=(path, name, ready, answers)) for name in names]
    for process in crowd:
        process.start()
    found = [answers.get(timeout=30) for _ in crowd]
    for process in crowd:
        process.join()
    winner = next(holder for holder in found if holder.ours)
    assert sorted(holder.ours for holder in found) == [False] * 5 + [True]
    assert {(holder.owner, holder.fence) for holder in found} == {(winner.owner, 1)}


async def test_an_older_version_never_takes_over_from_a_newer_one(world):
    """Not after the end and not once it was let go of; the same and a newer one do, the older hears why."""
    older, same, newer = "here:1:aa:1", "there:2:bb:2", "there:3:cc:3"
    await world.lease.acquire("a", "here:0:ff:2", 30, FIRST)
    world.now_s += 31
    with pytest.raises(Declined, match="generation 2, and this one is of generation 1"):
        await world.lease.acquire("a", older, 30, ClaimLease(0, ("here:0:ff:2",), 0))
    held = await world.lease.acquire("a", same, 30, FIRST)
    assert held.ours
    await world.lease.release("a", same, held.fence)
    with pytest.raises(Declined):
        await world.lease.acquire("a", older, 30, FIRST)
    assert (await world.lease.acquire("a", newer, 30, FIRST)).ours
    assert (await world.lease.acquire("b", older, 30, FIRST)).ours  # another account is another matter
