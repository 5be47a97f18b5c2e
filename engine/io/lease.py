"""This process's hold on the lease: asks for it, and looks at it right before a command leaves.

The machine decides on the monitor's clock; this looks on clocks that nobody sets and that go on while
the process is stopped or the host is asleep. Whichever says that the lease is over is believed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from engine.effects import ClaimLease
from engine.errors import SourceError
from engine.io.ports import Clock, Lease
from engine.messages import LeaseState
from engine.tenure import ANSWER_S, GENERATION, MARGIN_S, LeaseTerms

_log = logging.getLogger(__name__)


def owner_name(chance: str) -> str:
    """The name of this process: host, process, chance and generation."""
    return f"{socket.gethostname().replace(':', '-')}:{os.getpid()}:{chance}:{GENERATION}"


class _Moment(NamedTuple):
    """One moment on two clocks: one that counts sleep and is never set, and the wall's."""

    boot_s: float
    wall_s: float


def _moment() -> _Moment:
    boot = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return _Moment(time.clock_gettime(boot), time.time())


class LeaseKeeper:
    """Takes, renews and releases the lease of one account.

    Args:
        lease: where it is written down.
        account: whose it is.
        terms: as what and for how long it is asked for.
        clock: the monitor's.
        moment: reads the clocks that nobody sets.

    Attributes:
        terms: as given.
    """

    def __init__(
        self,
        lease: Lease,
        account: str,
        terms: LeaseTerms,
        clock: Clock,
        moment: Callable[[], _Moment] = _moment,
    ) -> None:
        self._lease = lease
        self._account = account
        self.terms = terms
        self._clock = clock
        self._moment = moment
        self._fence = 0
        self._life_s = terms.ttl_s
        self._since: _Moment | None = None  # of the claim by which it is held

    async def claim(self, claim: ClaimLease) -> LeaseState:
        """Take or renew it; its life is counted from before the question."""
        since, asked_s = self._moment(), self._clock.now_s()
        owner, ttl_s = self.terms.owner, self.terms.ttl_s
        try:
            async with asyncio.timeout(ANSWER_S):
                if claim.fence:
                    holder = await self._lease.renew(self._account, owner, ttl_s, claim.fence)
                else:
                    holder = await self._lease.acquire(self._account, owner, ttl_s, claim)
        except (SourceError, TimeoutError) as error:
            _log.warning("the lease of account %s: %s", self._account, str(error) or "no answer")
            return LeaseState(failed=str(error) or "no answer")
        self._fence, self._since = (holder.fence, since) if holder.ours else (0, None)
        self._life_s = ttl_s if holder.left_s is None else min(holder.left_s, ttl_s)
        until_s = asked_s + self._life_s if holder.ours else 0.0
        return LeaseState(holder.ours, holder.fence, until_s, holder.owner)

    @property
    def fence(self) -> int:
        """Under which it is held; 0 = it is not, as far as is known."""
        return self._fence

    def passes(self) -> Callable[[], str]:
        """A look for a command that comes in now: why it may not leave any more, empty = it may.

        It may leave under the fence of now only: what was decided under an older one is decided anew,
        once the books are read.
        """
        fence = self._fence

        def why_not() -> str:
            since = self._since
            if since is None or not fence or fence != self._fence:
                return "the lease of the account is not ours any more"
            passed_s = max(now - then for now, then in zip(self._moment(), since, strict=True))
            if passed_s >= self._life_s - MARGIN_S:
                return "the lease of the account has run out"
            return ""

        return why_not

    async def release(self) -> None:
        """Let go of it, so that another monitor need not wait for its end; nothing leaves after this."""
        fence, self._fence, self._since = self._fence, 0, None
        if fence:
            with suppress(SourceError, TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    await self._lease.release(self._account, self.terms.owner, fence)
