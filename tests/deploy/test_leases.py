"""The database's leases: one owner per account, and fences that only grow."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from tests.deploy.conftest import call_on

_CLOSED_AT = datetime(2026, 2, 3, 5, tzinfo=UTC)


def refused(words: str) -> Any:
    """Expect a refusal that becomes HTTP 409."""
    return pytest.raises(asyncpg.PostgresError, match=words, check=lambda error: error.sqlstate == "PT409")


async def test_a_free_lease_is_given_and_told(call, database):
    """The first owner gets fence 1, and the audit knows it."""
    lease = await call("claim_lease", account="default", owner="a", ttl_s=30.0)
    assert (lease["owner"], lease["fence"]) == ("a", 1)
    (row,) = await database.rows("select account, actor, kind, ref from audit")
    assert row == {"account": "default", "actor": "a", "kind": "lease claimed", "ref": "default"}


async def test_a_held_lease_is_refused_and_says_by_whom(call):
    """Another owner is refused while it lasts; the detail says who holds it until when."""
    held = await call("claim_lease", account="default", owner="a", ttl_s=30.0)
    with refused("the lease of default is held by a") as info:
        await call("claim_lease", account="default", owner="b", ttl_s=30.0)
    assert json.loads(info.value.detail) == held


async def test_accounts_do_not_touch_each_other(call):
    """A lease of one account says nothing of another."""
    await call("claim_lease", account="one", owner="a", ttl_s=30.0)
    assert (await call("claim_lease", account="two", owner="b", ttl_s=30.0))["fence"] == 1


async def test_its_owner_may_ask_again(call):
    """A claim repeated after a lost answer gives the same fence, with more time."""
    first = await call("claim_lease", account="default", owner="a", ttl_s=30.0)
    again = await call("claim_lease", account="default", owner="a", ttl_s=60.0)
    assert again["fence"] == first["fence"]
    assert again["expires_at"] > first["expires_at"]


async def test_after_its_end_the_next_fence_is_higher(call, database):
    """A lease that has run out goes to the next, also to its own former owner, with the next fence."""
    for fence, owner in ((1, "a"), (2, "b"), (3, "b")):
        lease = await call("claim_lease", account="default", owner=owner, ttl_s=30.0)
        assert lease["fence"] == fence
        await database.rows("update engine_leases set expires_at = now() returning 1")


async def test_a_claim_of_what_was_read_holds_only_while_it_is_so(call):
    """With a version the claim is a compare-and-set: whoever read the lease before it changed is refused."""
    first = await call("claim_lease", account="default", owner="a", ttl_s=30.0, version=0)
    with refused("has changed since it was read"):
        await call("claim_lease", account="default", owner="a", ttl_s=30.0, version=0)
    again = await call("claim_lease", account="default", owner="a", ttl_s=30.0, version=first["version"])
    assert again["version"] > first["version"]


async def test_of_many_at_once_one_gets_it(call, database):
    """Four engines that want a lease that has run out, at the same moment: one gets it, three are refused."""
    await call("claim_lease", account="default", owner="old", ttl_s=30.0)
    await database.rows("update engine_leases set expires_at = now() returning 1")
    async with database.session() as holder:
        held = holder.transaction()
        await held.start()
        await holder.execute("select 1 from engine_leases for update")
        claims = [
            asyncio.create_task(call("claim_lease", account="default", owner=f"engine {n}", ttl_s=30.0))
            for n in range(4)
        ]
        await _waiting(database, 4)
        await held.rollback()
        answers = await asyncio.gather(*claims, return_exceptions=True)
    assert [answer["fence"] for answer in answers if isinstance(answer, dict)] == [2]
    assert sum(getattr(answer, "sqlstate", "") == "PT409" for answer in answers) == 3


async def test_of_many_at_once_one_gets_the_first(database):
    """The same where there never was a lease."""
    claims = [
        call_on(database, "claim_lease", account="default", owner=f"engine {n}", ttl_s=30.0) for n in range(4)
    ]
    answers = await asyncio.gather(*claims, return_exceptions=True)
    assert [answer["fence"] for answer in answers if isinstance(answer, dict)] == [1]
    assert sum(getattr(answer, "sqlstate", "") == "PT409" for answer in answers) == 3


async def test_a_renewal_prolongs_and_is_lost_with_the_lease(call, database):
    """The owner prolongs it, after its end too; once somebody else has it the renewal is refused."""
    first = await call("claim_lease", account="default", owner="a", ttl_s=30.0)
    await database.rows("update engine_leases set expires_at = now() returning 1")
    renewed = await call("renew_lease", account="default", owner="a", fence=1, ttl_s=60.0)
    assert renewed["expires_at"] > first["expires_at"]
    await database.rows("update engine_leases set expires_at = now() returning 1")
    taken = await call("claim_lease", account="default", owner="b", ttl_s=30.0)
    with refused("the lease of default is lost") as info:
        await call("renew_lease", account="default", owner="a", fence=1, ttl_s=60.0)
    assert json.loads(info.value.detail) == taken


async def test_a_former_life_cannot_renew(call, database):
    """The same owner by name, but with the fence of before: lost, for the lease is a newer one."""
    for _ in range(2):
        await call("claim_lease", account="default", owner="a", ttl_s=30.0)
        await database.rows("update engine_leases set expires_at = now() returning 1")
    with refused("the lease of default is lost"):
        await call("renew_lease", account="default", owner="a", fence=1, ttl_s=60.0)


async def test_a_renewal_of_nothing_is_refused(call):
    """Where no lease was ever taken there is none to renew."""
    with refused("the lease of default is lost"):
        await call("renew_lease", account="default", owner="a", fence=1, ttl_s=60.0)


async def test_what_is_given_back_is_free_at_once(call, database):
    """Only its owner gives a lease back; the next one has it at once, with a higher fence."""
    await call("claim_lease", account="default", owner="a", ttl_s=30.0)
    assert await call("release_lease", account="default", owner="b", fence=1) is False
    assert await call("release_lease", account="default", owner="a", fence=2) is False
    assert await call("release_lease", account="default", owner="a", fence=1) is True
    (kept,) = await database.rows("select fence, expires_at <= clock_timestamp() as over from engine_leases")
    assert kept == {"fence": 1, "over": True}
    assert (await call("claim_lease", account="default", owner="b", ttl_s=30.0))["fence"] == 2


@pytest.mark.parametrize(
    "terms",
    [{"account": "", "owner": "a", "ttl_s": 1.0}, {"account": "x", "owner": "", "ttl_s": 1.0},
     {"account": "x", "owner": "a", "ttl_s": 0.0}, {"account": "x", "owner": "a", "ttl_s": None}],
)  # fmt: skip
async def test_a_claim_without_sense_is_refused(call, terms):
    """No account, no owner or no time: refused, and no row made."""
    with pytest.raises(asyncpg.DataError, match="an account, an owner and a time above 0"):
        await call("claim_lease", **terms)


async def test_a_write_needs_the_newest_fence(call, database):
    """A former owner's fence, a guess and none at all are refused while somebody holds the lease."""
    terms = {"account": "default", "exit_id": "P-1", "closed_at": _CLOSED_AT, "rows": []}
    assert await call("close_trades", fence=None, **terms)  # nobody has a lease: the host's lock is enough
    await call("claim_lease", account="default", owner="a", ttl_s=30.0)
    assert await call("close_trades", fence=1, **terms)
    for stale in (None, 0, 2):
        with refused("is not held with fence"):
            await call("close_trades", fence=stale, **terms)
    await database.rows("update engine_leases set expires_at = now() returning 1")
    assert await call("close_trades", fence=1, **terms)  # run out, but nobody else has taken it
    assert await call("close_trades", fence=None, **terms)
    await call("claim_lease", account="default", owner="b", ttl_s=30.0)
    with refused("is not held with fence 1"):
        await call("close_trades", fence=1, **terms)


async def test_no_new_owner_comes_between_check_and_write(call, database):
    """A write that has passed the fence is finished before a claim is answered."""
    await call("claim_lease", account="default", owner="a", ttl_s=30.0)
    await database.rows("update engine_leases set expires_at = now() returning 1")
    async with database.session() as writer:
        writing = writer.transaction()
        await writing.start()
        await writer.fetchval("select prahari_fenced('default', 1)")
        claim = asyncio.create_task(call("claim_lease", account="default", owner="b", ttl_s=30.0))
        await _waiting(database, 1)
        assert not claim.done()
        await writing.commit()
        assert (await claim)["fence"] == 2


async def _waiting(database, count):
    """Until so many connections wait for a lock."""
    query = (
        "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' "
        "and datname = current_database()"
    )
    while (await database.rows(query))[0]["n"] < count:
        pass
