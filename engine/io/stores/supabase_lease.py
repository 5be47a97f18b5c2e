"""The lease of an account in the database that its rows are in: ends go by the database's clock alone.

What is written under it carries its fence, and the database refuses any but the newest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.effects import ClaimLease
from engine.errors import Declined
from engine.io.ports import Holder
from engine.io.stores.supabase_gate import Conflict, Gate
from engine.tenure import generation_of, newer


class SupabaseLease:
    """Implements `engine.io.ports.Lease`.

    Args:
        gate: the way to the database; its key must see all.
    """

    def __init__(self, gate: Gate) -> None:
        """Ask nothing yet."""
        self._gate = gate

    async def acquire(self, account: str, owner: str, ttl_s: float, claim: ClaimLease) -> Holder:
        """Take it if it is free or over, or if its owner is one of ``claim.heirs``; the fence grows.

        Asked again by its owner (an answer was lost) it has the fence that it has.

        Raises:
            Declined: its last owner was of a newer generation.
            SourceError: no answer.
        """
        heirs = list(claim.heirs)
        holder = await self._ask(
            "claim_lease", account=account, owner=owner, ttl_s=ttl_s, heirs=heirs, above=claim.above
        )
        if not holder.ours and generation_of(holder.owner) > generation_of(owner):
            raise Declined(newer(generation_of(holder.owner), generation_of(owner)))
        return holder

    async def renew(self, account: str, owner: str, ttl_s: float, fence: int) -> Holder:
        """Move its end, if this owner still has it under this fence. Raises SourceError."""
        return await self._ask("renew_lease", account=account, owner=owner, fence=fence, ttl_s=ttl_s)

    async def release(self, account: str, owner: str, fence: int) -> None:
        """Let go of it, if this owner has it under this fence; the fence stays. Raises SourceError."""
        await self._gate.call("release_lease", account=account, owner=owner, fence=fence)

    async def _ask(self, function: str, **arguments: Any) -> Holder:
        try:
            return _holder(await self._gate.call(function, **arguments), ours=True)
        except Conflict as refused:
            return _holder(json.loads(refused.detail or "null"), ours=False)


def _holder(lease: Mapping[str, Any] | None, *, ours: bool) -> Holder:
    return Holder(ours, lease["owner"], lease["fence"]) if lease else Holder(ours=False, owner="", fence=0)
