"""The lease of an account in Redis, for monitors on several hosts that share no trade store.

Ends go by Redis' clock alone. What Redis forgets it must not give away, and one that comes back with an older
copy knows less than was promised: beside each lease stands the run of the server that it was told to. In any
other run a new owner, heirs too, waits until the server is as old as a lease can be. A server that may evict
keys which do not expire keeps none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import Declined, Unreachable
from engine.io.ports import Holder
from engine.io.redis.link import Link
from engine.tenure import generation_of, newer

if TYPE_CHECKING:
    from engine.effects import ClaimLease
    from engine.io.redis.names import Names
    from engine.words import Secret

_READ = """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('PERSIST', KEYS[1])  -- a script that has begun to write may go on though Redis is full
local owner, fence, ends, run = unpack(redis.call('HMGET', KEYS[1], 'owner', 'fence', 'until_ms', 'run'))
local about = redis.call('INFO', 'server')
local this_run = string.match(about, 'run_id:(%w+)')
local up_s = tonumber(string.match(about, 'uptime_in_seconds:(%d+)'))
owner, fence, ends = owner or '', tonumber(fence or 0), tonumber(ends or 0)
"""

#: Key: the lease. Arguments: owner, life (ms), a fence to be above, generation, then the heirs.
#: Answers: 1 = it is ours, owner, fence, why it is not given.
_TAKE = f"""{_READ}
local before = tonumber(redis.call('HGET', KEYS[1], 'version') or 0) or 0
if before > tonumber(ARGV[4]) then return {{0, '', before, 'newer'}} end
local free = owner == '' or owner == ARGV[1] or ends <= now
for i = 5, #ARGV do free = free or owner == ARGV[i] end
if not free then return {{0, owner, fence, ''}} end
local memory = redis.call('INFO', 'memory')
if string.find(memory, 'maxmemory_policy:allkeys') then return {{0, '', 0, 'evicts'}} end
if run ~= this_run and up_s * 1000 <= tonumber(ARGV[2]) then return {{0, '', 0, 'new'}} end
fence = math.max(fence, tonumber(ARGV[3])) + 1
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fence', fence, 'until_ms', now + ARGV[2], 'version', ARGV[4],
  'run', this_run)
return {{1, ARGV[1], fence, ''}}
"""

#: Key: the lease. Arguments: owner, life (ms), fence. Answers: 1 = it is ours, owner, fence.
_RENEW = f"""{_READ}
if owner ~= ARGV[1] or fence ~= tonumber(ARGV[3]) then return {{0, owner, fence}} end
redis.call('HSET', KEYS[1], 'until_ms', now + ARGV[2], 'run', this_run)
return {{1, owner, fence}}
"""

#: Key: the lease. Arguments: owner, fence.
_RELEASE = f"""{_READ}
if owner == ARGV[1] and fence == tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'owner', '', 'until_ms', 0)
end
return {{}}
"""

_WHY_NOT = {
    "evicts": "Redis may evict keys that do not expire (maxmemory-policy): it can keep no lease",
    "new": "Redis has just started and may have forgotten an owner: it is asked again until that one's end",
}


class RedisLease:
    """Implements `engine.io.ports.Lease`; it connects for each question, of which there are few."""

    def __init__(self, url: Secret, names: Names) -> None:
        self._url, self._names = url, names

    async def acquire(self, account: str, owner: str, ttl_s: float, claim: ClaimLease) -> Holder:
        """Take it if it is free or over, or if its owner is one of ``claim.heirs``; the fence grows.

        Raises:
            Declined: its last owner was of a newer generation.
            Unreachable: no answer, or it is not given yet.
        """
        ours_is = generation_of(owner)
        life_ms = round(1_000 * ttl_s)
        ours, by, fence, why = await self._run(
            _TAKE, account, [owner, life_ms, claim.above, ours_is, *claim.heirs]
        )
        if why == b"newer":
            raise Declined(newer(fence, ours_is))
        if why:
            raise Unreachable(_WHY_NOT[bytes(why).decode()])
        return Holder(bool(ours), bytes(by).decode(), fence)

    async def renew(self, account: str, owner: str, ttl_s: float, fence: int) -> Holder:
        """Move its end, if this owner still has it under this fence."""
        ours, by, now = await self._run(_RENEW, account, [owner, round(1_000 * ttl_s), fence])
        return Holder(bool(ours), bytes(by).decode(), now)

    async def release(self, account: str, owner: str, fence: int) -> None:
        """Let go of it, if this owner has it under this fence; the fence stays."""
        await self._run(_RELEASE, account, [owner, fence])

    async def _run(self, script: str, account: str, args: list[bytes | str | int]) -> list[Any]:
        link = Link(self._url)
        try:
            return await link.run(script, [self._names.lease(account)], args)
        finally:
            await link.close()
