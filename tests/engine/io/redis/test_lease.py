"""The lease in Redis: one owner, a fence that grows, an end, and nothing given away that was forgotten."""

from __future__ import annotations

import asyncio

import pytest

from engine.effects import ClaimLease
from engine.errors import Declined, Unreachable
from engine.io.ports import Holder
from engine.io.redis.lease import RedisLease
from tests.engine.io.redis.house import NAMES
from tests.support.redis_server import redis_server

FIRST = ClaimLease(0, (), 0)
A, B = "here:1:aa", "there:2:bb"


@pytest.fixture
async def server():
    """A Redis that knows an old lease, and so need not wait until it is old itself."""
    async with redis_server() as one:
        for account in ("a", "b"):
            old = {"owner": "", "fence": 7, "until_ms": 0, "run": (await one.ear.info("server"))["run_id"]}
            await one.ear.hset(NAMES.lease(account), mapping=old)
        yield one


@pytest.fixture
def lease(server):
    """The place."""
    return RedisLease(server.url, NAMES)


async def over(server, account="a"):
    """The lease's life has passed."""
    await server.ear.hset(NAMES.lease(account), "until_ms", 1)


async def test_the_first_has_it_and_the_second_is_told_who(lease):
    """Taken under the next fence; another claim changes nothing and names the owner."""
    assert await lease.acquire("a", A, 30, FIRST) == Holder(True, A, 8)
    assert await lease.renew("a", A, 30, 7) == Holder(False, A, 8)
    assert await lease.acquire("a", B, 30, FIRST) == Holder(False, A, 8)
    assert await lease.acquire("b", B, 30, FIRST) == Holder(True, B, 8)


async def test_it_is_free_at_its_end_and_the_fence_has_grown(lease, server):
    """The old owner's renewal is refused then, under his fence and under the new one."""
    await lease.acquire("a", A, 30, FIRST)
    await over(server)
    assert await lease.acquire("a", B, 30, FIRST) == Holder(True, B, 9)
    assert await lease.renew("a", A, 30, 8) == Holder(False, B, 9)
    assert await lease.renew("a", A, 30, 9) == Holder(False, B, 9)


async def test_a_renewal_moves_the_end_and_keeps_the_fence(lease, server):
    """Also when it comes too late and nobody was faster."""
    await lease.acquire("a", A, 30, FIRST)
    await over(server)
    assert await lease.renew("a", A, 30, 8) == Holder(True, A, 8)
    assert not (await lease.acquire("a", B, 30, FIRST)).ours


async def test_what_is_let_go_of_is_free_at_once_and_its_fence_stays(lease):
    """Only its owner lets go of it, under his own fence."""
    await lease.acquire("a", A, 30, FIRST)
    await lease.release("a", B, 8)
    await lease.release("a", A, 9)
    assert not (await lease.acquire("a", B, 30, FIRST)).ours
    await lease.release("a", A, 8)
    assert await lease.acquire("a", B, 30, FIRST) == Holder(True, B, 9)


async def test_an_heir_need_not_wait_and_a_fence_that_is_known_is_passed(lease):
    """A dead predecessor's lease; and a journal that knows of a higher fence than Redis."""
    await lease.acquire("a", A, 30, FIRST)
    assert await lease.acquire("a", B, 30, ClaimLease(0, ("x", A), 41)) == Holder(True, B, 42)


async def test_a_redis_that_has_forgotten_gives_nothing_away_before_the_end_of_a_life(lease, server):
    """Restarted and empty, it neither renews nor gives; once it is as old as a lease can be, it does."""
    await lease.acquire("a", A, 30, FIRST)
    server.kill()
    await server.start()
    assert await lease.renew("a", A, 30, 8) == Holder(False, "", 0)
    with pytest.raises(Unreachable, match="just started"):
        await lease.acquire("a", B, 30, FIRST)
    async with asyncio.timeout(10):
        while True:
            try:
                assert await lease.acquire("a", B, 1, FIRST) == Holder(True, B, 1)
            except Unreachable:
                await asyncio.sleep(0.05)
            else:
                break


async def test_a_redis_that_comes_back_with_an_older_copy_gives_nothing_away_either(lease, server):
    """Its copy tells of an end that has passed, while the owner has long renewed: not even an heir."""
    old = {"owner": B, "fence": 7, "until_ms": 1, "run": "the one before"}
    await server.ear.hset(NAMES.lease("a"), mapping=old)
    for claim in (FIRST, ClaimLease(0, (B,), 7)):
        with pytest.raises(Unreachable, match="just started"):
            await lease.acquire("a", A, 30, claim)
    assert await lease.renew("a", B, 30, 7) == Holder(True, B, 7)
    assert await lease.acquire("a", A, 30, FIRST) == Holder(False, B, 7)
    await lease.release("a", B, 7)
    assert await lease.acquire("a", A, 30, FIRST) == Holder(True, A, 8)


async def test_a_redis_that_evicts_keeps_no_lease(lease, server):
    """What may disappear at any moment is no place for an owner."""
    await server.ear.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(Unreachable, match="evict"):
        await lease.acquire("a", A, 30, FIRST)


async def test_a_full_redis_keeps_it(lease, server):
    """Prices that take all the room do not cost the lease."""
    await lease.acquire("a", A, 30, FIRST)
    server.fill()
    assert (await lease.renew("a", A, 30, 8)).ours
    await lease.release("a", A, 8)
    assert (await lease.acquire("a", B, 30, FIRST)).ours


async def test_a_redis_that_is_gone_or_hangs_is_no_answer(lease, server):
    """Neither a lease nor the news that somebody else has it."""
    server.freeze()
    with pytest.raises(Unreachable, match="does not answer"):
        await lease.renew("a", A, 30, 8)
    server.kill()
    with pytest.raises(Unreachable, match="cannot be reached"):
        await lease.acquire("a", A, 30, FIRST)


async def test_of_many_that_ask_at_once_one_gets_it(lease):
    """Twenty claims together: one is granted, the others are told by whom it is held."""
    names = [f"host{n}:{n}:aa" for n in range(20)]
    found = await asyncio.gather(*(lease.acquire("a", name, 30, FIRST) for name in names))
    winner = next(holder for holder in found if holder.ours)
    assert sum(holder.ours for holder in found) == 1
    assert {(holder.owner, holder.fence) for holder in found} == {(winner.owner, 8)}


async def test_an_older_version_never_takes_over_from_a_newer_one(lease, server):
    """Not after the end and not once it was let go of; the same and a newer one do, the older hears why."""
    older, same, newer = "here:1:aa:1", "there:2:bb:2", "there:3:cc:3"
    await lease.acquire("a", "here:0:ff:2", 30, FIRST)
    await over(server)
    with pytest.raises(Declined, match="generation 2, and this one is of generation 1"):
        await lease.acquire("a", older, 30, ClaimLease(0, ("here:0:ff:2",), 0))
    held = await lease.acquire("a", same, 30, FIRST)
    assert held.ours
    await lease.release("a", same, held.fence)
    with pytest.raises(Declined):
        await lease.acquire("a", older, 30, FIRST)
    assert (await lease.acquire("a", newer, 30, FIRST)).ours
    assert (await lease.acquire("b", older, 30, FIRST)).ours  # another account is another matter
