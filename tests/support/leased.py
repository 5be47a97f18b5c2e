"""Rigs that must own their account: one place where leases are written down, on virtual time."""

from __future__ import annotations

from collections import deque

from engine.effects import Alert, Audit, ClaimLease
from engine.messages import LeaseState
from engine.model import Mode
from engine.tenure import LeaseTerms
from tests.support.rig import Rig

TTL_S = 30.0


class Registry:
    """Who owns the account: an owner, a fence, an end; it may be away."""

    def __init__(self):
        self.owner, self.fence, self.until_s = "", 0, 0.0
        self.away = ""

    def answer(self, claim, owner, now_s):
        """What a `ClaimLease` of this owner comes to."""
        if self.away:
            return LeaseState(failed=self.away)
        if claim.fence:
            ours = (self.owner, self.fence) == (owner, claim.fence)
        else:
            ours = self.owner in {"", owner, *claim.heirs} or self.until_s <= now_s
            self.fence = max(self.fence, claim.above) + 1 if ours else self.fence
        if not ours:
            return LeaseState(fence=self.fence, by=self.owner)
        self.owner, self.until_s = owner, now_s + TTL_S
        return LeaseState(True, self.fence, self.until_s, owner)

    def give(self, owner, until_s):
        """Somebody else has it."""
        self.owner, self.fence, self.until_s = owner, self.fence + 1, until_s


class Leased(Rig):
    """A rig whose monitor needs the lease of its account.

    ``wanted`` are all effects that went to the world, in order; ``handled`` all effects of each handling.
    """

    def __init__(self, *positions, owner="here:1:aa", registry=None, mode=Mode.EXECUTE, rules=""):
        self.registry = registry or Registry()
        self.lease = LeaseTerms(owner, TTL_S)
        self.handled = []
        self.audits, self.claims, self.wanted, self.asleep = [], [], [], False
        super().__init__(mode, *positions, rules=rules)

    def tell(self, message):
        """Handle one message and everything that follows from it, and keep what came of each."""
        todo = deque([message])
        while todo:
            self.handled.append(self.monitor.handle(todo.popleft(), self.now_s))
            for effect in self.handled[-1]:
                todo.extend(self.do(effect))

    def do(self, effect):
        if isinstance(effect, Audit):
            self.audits.append(effect)
        return super().do(effect)

    def ask_the_world(self, effect):
        self.wanted.append(effect)
        if isinstance(effect, ClaimLease):
            self.claims.append(effect)
            return [] if self.asleep else [self.registry.answer(effect, self.owner, self.now_s)]
        return super().ask_the_world(effect)

    @property
    def owner(self):
        """The name of the process that lives now."""
        assert self.lease is not None
        return self.lease.owner

    @property
    def titles(self):
        """Of every alert so far."""
        return [alert.title for alert in self.of(Alert)]

    @property
    def degraded(self):
        return self.view.degraded
