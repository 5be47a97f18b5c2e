"""Who owns the account: the lease of this monitor, as far as it is known here.

A lease has an owner, an end and a *fence*: a number that grows each time the account changes hands.
Whoever does not hold it, or cannot prove in time that he still does, only alerts. Nothing of ours
leaves the house then, cancels neither: another owner may count on that order.

Right before a command leaves, `engine.io.lease` looks once more, on clocks that no one sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.effects import (
    Alert,
    Audit,
    CancelOrder,
    ClaimLease,
    CloseTrades,
    ControlAccount,
    ModifyOrder,
    PlaceOrder,
    Record,
    ReduceTrades,
)
from engine.model import Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from engine.effects import Effect
    from engine.messages import LeaseState

__all__ = ["GENERATION", "MARGIN_S", "LeaseTerms", "Tenure", "generation_of", "host_of", "newer"]

#: What monitors that share an account must agree on: names of orders, rows of exits, who may write what. It
#: grows when one of these changes; who is of an older one never takes an account over from a newer one.
GENERATION = 1
#: So long before its end a lease counts as over: connecting to the broker takes up to a second.
MARGIN_S = 1.5
#: It is renewed so often in its life, and at least this often: what is left when its place goes away is long.
RENEWALS = 3
RENEW_S = 30.0
#: One that others hold is asked for this often, or more often if it is that short.
ASK_AGAIN_S = 5.0
#: A claim that has had no answer for so long is made again.
ANSWER_S = 10.0
#: A lease that has run out, with no answer that says why, is told of after this long.
SILENT_S = 3.0


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """What this process asks for.

    Attributes:
        owner: its name, ``host:pid:chance:generation``.
        ttl_s: how long a lease lives unless it is renewed.
    """

    owner: str
    ttl_s: float


class Tenure:
    """The lease of one account, taken and kept by one process.

    Args:
        terms: what is asked for; None = this monitor sends nothing to a broker and needs no lease.

    Attributes:
        fence: under which number commands leave; 0 = there is none.
        owned: this process has had the account before.
    """

    def __init__(self, terms: LeaseTerms | None) -> None:
        self.fence = 0
        self.owned = False
        self._terms = terms
        self._until_s = 0.0
        self._highest = 0  # of all fences that were ever seen
        self._heirs: tuple[str, ...] = ()
        self._other = ""
        self._failed = ""
        self._asked_s: float | None = None
        self._waiting = False
        self._lapsed_s: float | None = None
        self._told = ""

    def restore(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over from the processes that had this journal before: they are dead, or we would not have it.

        Only those of this host: a journal that was copied elsewhere says nothing of the life of its writer.
        """
        row = rows.get("owner", {})
        here = "" if self._terms is None else host_of(self._terms.owner)
        self._heirs = tuple(name for name in row.get("owners", ()) if host_of(name) == here)
        self._highest = row.get("fence", 0)

    # ------------------------------------------------------------------------------ answering

    @property
    def needed(self) -> bool:
        """Whether this monitor sends anything, so that it must own the account."""
        return self._terms is not None

    def why(self, now_s: float) -> str:
        """Why this monitor does not own the account at the moment; empty = it does, or need not."""
        if self._terms is None or MARGIN_S < self._until_s - now_s <= self._terms.ttl_s + MARGIN_S:
            return ""
        if self._other:
            return f"another monitor owns this account ({host_of(self._other)})"
        if self._failed:
            did = "renewed" if self.fence else "taken"
            return f"the lease of this account could not be {did} ({self._failed})"
        if self.fence:
            return "the lease of this account has run out"
        return "the lease of this account has not been taken yet"

    # --------------------------------------------------------------------------------- driving

    def look(self, now_s: float) -> list[Effect]:
        """Ask for the lease when it is time, and tell of one that has run out in silence."""
        if self._terms is None:
            return []
        if not self.why(now_s):
            self._lapsed_s = None
        elif self._lapsed_s is None or now_s < self._lapsed_s:
            self._lapsed_s = now_s
        effects = self._claim(self._terms, now_s) if self._due(self._terms, now_s) else []
        if self._lapsed_s is not None and now_s - self._lapsed_s >= SILENT_S:
            effects += self._tell(now_s)
        return effects

    def _due(self, terms: LeaseTerms, now_s: float) -> bool:
        if self._asked_s is None or now_s < self._asked_s:  # the clock was set back
            return True
        since_s, turn_s = now_s - self._asked_s, min(terms.ttl_s / RENEWALS, RENEW_S)
        if self._waiting:
            return since_s >= ANSWER_S
        return since_s >= (min(turn_s, ASK_AGAIN_S) if self.why(now_s) else turn_s)

    def _claim(self, terms: LeaseTerms, now_s: float) -> list[Effect]:
        first = self._asked_s is None
        self._asked_s, self._waiting = now_s, True
        claim = ClaimLease(self.fence, self._heirs, self._highest)
        # Written down before it is asked for: a process that dies in between must be known to its heir.
        return [self._kept((*self._heirs, terms.owner)), claim] if first else [claim]

    def take(self, said: LeaseState, now_s: float) -> tuple[list[Effect], bool]:
        """Take in an answer; what is to be told, and whether the account is ours anew.

        Anew: somebody else may have traded since we last looked, so everything is to be read again.
        """
        self._waiting = False
        self._highest = max(self._highest, said.fence)
        if said.failed:
            self._failed = said.failed
            return (self._tell(now_s) if self.why(now_s) else []), False
        self._failed = ""
        if not said.held or self._terms is None:
            self._other, self._until_s, self.fence = said.by, 0.0, 0
            return self._tell(now_s), False
        anew, self.fence, self._until_s = said.fence != self.fence, said.fence, said.until_s
        self.owned = True
        before, self._other = self._other, ""
        effects: list[Effect] = []
        if anew:
            self._heirs = ()
            effects = [self._kept((self._terms.owner,)), Audit("lease", {"fence": said.fence, "by": said.by})]
        if self._told and not self.why(now_s):
            self._told = ""
            whose = f"It is taken over from {host_of(before)}. " if before else ""
            text = f"{whose}The broker's books are read, then the rules act here."
            effects.append(Alert(Urgency.MEDIUM, "lease-ours", "This monitor owns the account", text))
        return effects, anew

    def guarded(self, effects: list[Effect], now_s: float) -> list[Effect]:
        """Say under which fence the commands among these leave; and leave the store's rows to their owner."""
        if self._terms is None:
            return effects
        if self.why(now_s):
            return [effect for effect in effects if not isinstance(effect, CloseTrades | ReduceTrades)]
        orders = [name for name in map(_order_of, effects) if name]
        if not orders:
            return effects
        return [Audit("sent under the lease", {"fence": self.fence, "orders": orders}), *effects]

    def _tell(self, now_s: float) -> list[Effect]:
        """Loudly, once for each trouble; that of a failing renewal has other words each time."""
        kind = self._other or ("failed" if self._failed else "run out")
        why = self.why(now_s)
        if self._told == kind or not why:
            return []
        self._told = kind
        text = (
            f"{why[0].upper()}{why[1:]}. Nothing is sent from here, no cancel either; positions are watched "
            "and told of. It takes the account over by itself once the lease is free."
        )
        return [Alert(Urgency.HIGH, f"lease:{kind}", "This monitor does not own the account", text)]

    def _kept(self, owners: tuple[str, ...]) -> Effect:
        return Record("lease", "owner", {"owners": list(owners), "fence": self._highest})


def generation_of(owner: str) -> int:
    """The generation in an owner's name; 0 = from before there were any."""
    word = "".join(owner.split(":")[3:4])
    return int(word) if word.isdecimal() else 0


def newer(last: int, ours: int) -> str:
    """Why an account is not given to this version."""
    return (
        f"its last owner was of a newer version of this program, generation {last}, and this one is of "
        f"generation {ours}: use that one (docs/operations.md)"
    )


def host_of(owner: str) -> str:
    """The host in an owner's name."""
    return owner.partition(":")[0]


def _order_of(effect: Effect) -> str:
    """The name of the order, or of the wish, that a command is about; empty for all that is no command."""
    if isinstance(effect, PlaceOrder | ModifyOrder):
        return effect.order.correlation_id
    if isinstance(effect, ControlAccount):
        return effect.name
    return effect.correlation_id if isinstance(effect, CancelOrder) else ""
