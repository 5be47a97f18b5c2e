"""The lease in the database: one owner, a fence that only grows, an end by the database's own clock."""

from __future__ import annotations

import pytest

from engine.effects import ClaimLease
from engine.errors import AuthFailed, Declined, Unreachable
from engine.io.ports import Holder
from engine.io.stores.supabase_gate import Gate
from engine.io.stores.supabase_lease import SupabaseLease
from engine.words import Secret

FIRST = ClaimLease(0, (), 0)
A, B = "here:1:aa", "there:2:bb"


@pytest.fixture
def lease(shop):
    """The place, empty."""
    return SupabaseLease(shop.gate)


async def passed(shop):
    """The end of every lease has come."""
    await shop.house.database.run("update engine_leases set expires_at = now() - interval '1 s'")


async def test_the_first_has_it_and_the_second_is_told_who(lease):
    """Taken under fence 1; another claim changes nothing and names the owner; accounts are apart."""
    assert await lease.acquire("a", A, 30, FIRST) == Holder(True, A, 1)
    assert await lease.acquire("a", B, 30, FIRST) == Holder(False, A, 1)
    assert await lease.acquire("another account", B, 30, FIRST) == Holder(True, B, 1)


async def test_it_is_free_at_its_end_and_the_fence_has_grown(lease, shop):
    """The old owner's renewal is refused, under his fence and under the new one."""
    await lease.acquire("a", A, 30, FIRST)
    await passed(shop)
    assert await lease.renew("a", A, 30, 1) == Holder(True, A, 1)  # nobody was faster
    await passed(shop)
    assert await lease.acquire("a", B, 30, FIRST) == Holder(True, B, 2)
    assert await lease.renew("a", A, 30, 1) == Holder(False, B, 2)
    assert await lease.renew("a", A, 30, 2) == Holder(False, B, 2)


async def test_what_is_let_go_of_is_free_at_once_and_its_fence_stays(lease):
    """Only its owner lets go of it, under his own fence."""
    await lease.acquire("a", A, 30, FIRST)
    await lease.release("a", B, 1)
    await lease.release("a", A, 7)
    assert not (await lease.acquire("a", B, 30, FIRST)).ours
    await lease.release("a", A, 1)
    assert await lease.acquire("a", B, 30, FIRST) == Holder(True, B, 2)


async def test_an_heir_need_not_wait_and_a_fence_that_is_known_is_passed(lease):
    """A dead predecessor's lease; and a journal that knows of a higher fence than the database."""
    await lease.acquire("a", A, 30, FIRST)
    assert await lease.acquire("a", B, 30, ClaimLease(0, (A,), 41)) == Holder(True, B, 42)
    assert await lease.acquire("a", B, 30, ClaimLease(0, (), 42)) == Holder(True, B, 43)


async def test_a_claim_whose_answer_was_lost_is_made_again(lease, shop):
    """Done, and the connection gone before the answer: the second claim has the same fence."""
    shop.faults.lose_reply()
    with pytest.raises(Unreachable):
        await lease.acquire("a", A, 30, FIRST)
    assert await lease.acquire("a", A, 30, FIRST) == Holder(True, A, 1)


async def test_nobody_there_is_an_error_and_a_renewal_of_nothing_is_a_loss(lease, shop):
    """An outage says nothing of who owns the account; a row that has gone says that we do not."""
    assert await lease.renew("a", A, 30, 1) == Holder(False, "", 0)
    shop.faults.fail(503)
    with pytest.raises(Unreachable):
        await lease.renew("a", A, 30, 1)


async def test_a_publishable_key_takes_no_lease(shop):
    """It may not call the functions; the sentence says which key and which migration."""
    gate = Gate(shop.house.server.url, Secret(shop.house.server.keys.publishable), sees_all=False)
    with pytest.raises(AuthFailed, match="use the secret key"):
        await SupabaseLease(gate).acquire("a", A, 30, FIRST)
    await gate.close()


async def test_an_older_version_never_takes_over_from_a_newer_one(lease, shop):
    """Not after the end and not once it was let go of; the same and a newer one do, the older hears why."""
    older, same, newer = "here:1:aa:1", "there:2:bb:2", "there:3:cc:3"
    await lease.acquire("a", "here:0:ff:2", 30, FIRST)
    await passed(shop)
    with pytest.raises(Declined, match="generation 2, and this one is of generation 1"):
        await lease.acquire("a", older, 30, ClaimLease(0, ("here:0:ff:2",), 0))
    held = await lease.acquire("a", same, 30, FIRST)
    assert held.ours
    await lease.release("a", same, held.fence)
    with pytest.raises(Declined):
        await lease.acquire("a", older, 30, FIRST)
    assert (await lease.acquire("a", newer, 30, FIRST)).ours
    assert (await lease.acquire("b", older, 30, FIRST)).ours  # another account is another matter
