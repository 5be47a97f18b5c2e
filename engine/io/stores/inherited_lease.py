"""What a host remembers of its lease, for a restart while the place of the lease cannot be reached.

The database says until when the dead process of this host has the account: nobody else can take it before. So
its heir may go on until then, under the same fence, though nobody can be asked.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from engine.effects import ClaimLease
from engine.errors import Declined, SourceError, Unreachable
from engine.io.ports import Holder, Lease

#: So long the place may take to say who has it; longer is as good as away.
PATIENCE_S = 5.0
#: The life of a lease that is only asked for to be let go of.
LAST_S = 5.0


class _Kept(NamedTuple):
    """A lease that was held; its end by this host's clock, counted from before the question.

    ``known_as``: whose it is as the place has it, an ancestor's or the owner's own.
    """

    account: str
    owner: str
    fence: int
    until_s: float
    known_as: str


class InheritedLease:
    """A `engine.io.ports.Lease` with a memory on this host.

    Args:
        place: where the lease is.
        path: the memory, beside the journal.
        wall_s: the world's time.
    """

    def __init__(self, place: Lease, path: Path, wall_s: Callable[[], float] = time.time) -> None:
        """Ask nothing yet."""
        self._place, self._path, self._wall_s = place, path, wall_s
        self._heir_of = ""  # whose lease is used, while the place does not know of us
        self._away = False  # the last question had no answer

    async def acquire(self, account: str, owner: str, ttl_s: float, claim: ClaimLease) -> Holder:
        """As the place does; while it is away, what is left of a dead process's. Raises SourceError."""
        until_s = self._wall_s() + ttl_s
        kept = await asyncio.to_thread(self._read)
        ours = kept is not None and kept.account == account and kept.owner in claim.heirs
        if kept is not None and ours:
            claim = replace(claim, heirs=(*claim.heirs, kept.known_as))
        try:
            async with asyncio.timeout(PATIENCE_S):
                holder = await self._place.acquire(account, owner, ttl_s, claim)
        except Declined:  # the place has answered: a newer version had the account
            raise
        except (SourceError, TimeoutError) as error:
            self._away = True
            left_s = min(kept.until_s - self._wall_s(), ttl_s) if kept is not None and ours else 0.0
            if kept is None or left_s <= 0:
                raise Unreachable(str(error) or "the place of the lease does not answer") from error
            self._heir_of = kept.known_as
            await asyncio.to_thread(self._write, kept._replace(owner=owner))
            return Holder(True, owner, kept.fence, left_s)
        self._heir_of, self._away = "", False
        return await self._remember(holder, account, owner, until_s)

    async def renew(self, account: str, owner: str, ttl_s: float, fence: int) -> Holder:
        """As the place does; an heir takes the lease over, under a fence of its own. Raises SourceError."""
        until_s, self._away = self._wall_s() + ttl_s, True
        if self._heir_of:
            claim = ClaimLease(0, (self._heir_of,), fence)
            holder = await self._place.acquire(account, owner, ttl_s, claim)
            self._heir_of = ""
        else:
            holder = await self._place.renew(account, owner, ttl_s, fence)
        self._away = False
        return await self._remember(holder, account, owner, until_s)

    async def release(self, account: str, owner: str, fence: int) -> None:
        """As the place does; nobody inherits what is let go of. Raises SourceError.

        A place that did not answer last time is asked first: one that is away cannot let go of anything, and
        then the next process of this host inherits, as after a crash.
        """
        if self._away:
            holder = await self.renew(account, owner, LAST_S, fence)
            if not holder.ours:
                return
            fence = holder.fence
        await asyncio.to_thread(self._path.unlink, missing_ok=True)
        await self._place.release(account, self._heir_of or owner, fence)

    async def _remember(self, holder: Holder, account: str, owner: str, until_s: float) -> Holder:
        if holder.ours:
            await asyncio.to_thread(self._write, _Kept(account, owner, holder.fence, until_s, owner))
        else:
            await asyncio.to_thread(self._path.unlink, missing_ok=True)
        return holder

    def _read(self) -> _Kept | None:
        try:
            return _Kept(**json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None  # no memory, or none that can be read: then the place alone knows

    def _write(self, kept: _Kept) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(kept._asdict()), encoding="utf-8")
            fresh.replace(self._path)
        except OSError as error:
            raise Unreachable(f"{self._path}: cannot be written ({error.strerror})") from error
