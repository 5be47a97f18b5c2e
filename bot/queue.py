"""What waits to be sent, in which order, and how fast: pure, time is an argument.

Telegram allows about one message a second to a chat, edits included, and punishes the impatient with
minutes of silence (its `retry_after` has been seen above two minutes for eager editing). So we stay
well below: five in a burst, then one every two seconds, and the last of the burst belong to those who
matter most. Nothing quiet may spend what a HIGH alert needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from bot.layout import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

#: Five at once and 0.5 a second are at most ten in any ten seconds.
BURST = 5.0
PER_S = 0.5
#: Telegram punishes eager editing hardest: a card that changes by itself is edited this often at most.
EDIT_EVERY_S = 5.0
#: A living message (`bot.living`) tells nothing that an alert does not: all of them together change so often.
LIVE_EVERY_S = 10.0
#: After a flood wait for an edit, living messages rest at least so long.
FLOODED_REST_S = 60.0
#: More than this waiting is a storm nobody reads; the quietest and oldest go first.
WAITING_LIMIT = 500


class Rank(IntEnum):
    """Who goes first; lower is sooner.

    The last two are living messages: something turned (a state, an urgency, a fill), or amounts drifted.
    """

    HIGH = 0
    QUESTION = 1
    REPLY = 2
    MEDIUM = 3
    NORMAL = 4
    EDIT = 5
    TURN = 6
    DRIFT = 7


LIVING_RANKS = frozenset({Rank.TURN, Rank.DRIFT})
#: How many messages of the burst must be left over after one of this rank was sent.
RESERVE: dict[Rank, float] = {
    Rank.HIGH: 0.0,
    Rank.QUESTION: 1.0,
    Rank.REPLY: 1.0,
    Rank.MEDIUM: 2.0,
    Rank.NORMAL: 3.0,
    Rank.EDIT: 4.0,
    Rank.TURN: 4.0,
    Rank.DRIFT: 4.0,
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way.

    Attributes:
        thread: the nonce whose message this is or edits; empty = a message of its own.
        edit_only: change the thread's message if it has one, else say nothing.
        fresh: send a new message even if the thread has one (it can no longer be edited).
        write: makes the page anew when it is sent, so that nothing old is told; None = ``page`` is it.
        pinned: pin the message without a sound once it is there.
        last: the thread's last word: when it is delivered the message is unpinned and forgotten.
        keeps_buttons: an edit that leaves the thread's unanswered buttons where they are.
        silent: no sound on the phone.
        created_s: when it was said, wall clock; a late alert says how late it is.
        until_s: wall clock after which nobody needs it.
        delayed_after_s: from this age on the message says that it is late; None = never.
        durable: delivered by a later life if need be.
        row: its row in the chat's store, 0 = not kept.
        attempts: how often Telegram's answer was missed.
        not_before_s: monitor's clock; not to be tried again earlier.
    """

    rank: Rank
    page: Page
    created_s: float
    until_s: float
    thread: str = ""
    edit_only: bool = False
    fresh: bool = False
    write: Callable[[], Page] | None = None
    pinned: bool = False
    last: bool = False
    keeps_buttons: bool = False
    silent: bool = False
    delayed_after_s: float | None = None
    durable: bool = False
    row: int = 0
    attempts: int = 0
    not_before_s: float = 0.0
    place: int = 0


@dataclass(slots=True)
class Budget:
    """A token bucket for one chat; ``blocked_until_s`` is what Telegram itself asked for."""

    tokens: float = BURST
    at_s: float = 0.0
    blocked_until_s: float = 0.0
    next_edit_s: float = 0.0
    next_live_s: float = 0.0

    def take(self, rank: Rank, now_s: float) -> bool:
        """Spend one message if this rank may."""
        if self.wait_s(rank, now_s) > 0:
            return False
        self.tokens -= 1
        if rank is Rank.EDIT:
            self.next_edit_s = now_s + EDIT_EVERY_S
        if rank in LIVING_RANKS:
            self.next_live_s = now_s + LIVE_EVERY_S
        return True

    def wait_s(self, rank: Rank, now_s: float) -> float:
        """Tell how long this rank has to wait, if nobody else spends meanwhile."""
        self._refill(now_s)
        missing = 1 + RESERVE[rank] - self.tokens
        # A hair of tolerance: a sleep that ends exactly on time must not find 0.9999999 of a message.
        ready = missing / PER_S if missing > 1e-6 else 0.0
        own_s = self.next_live_s if rank in LIVING_RANKS else now_s
        if rank is Rank.EDIT:
            own_s = self.next_edit_s
        return max(ready, own_s - now_s, self.blocked_until_s - now_s, 0.0)

    def block_edits(self, seconds: float, now_s: float) -> None:
        """Obey a flood wait that an edit met: what changes by itself rests, alerts are tried all the same.

        Telegram counts edits and sends together, so a send may be refused too; then `block` has it rest.
        """
        self.next_edit_s = max(self.next_edit_s, now_s + seconds)
        self.next_live_s = max(self.next_live_s, now_s + max(seconds, FLOODED_REST_S))

    def room(self, now_s: float) -> float:
        """How many messages may leave at once, if they are HIGH."""
        self._refill(now_s)
        return self.tokens if now_s >= self.blocked_until_s else 0.0

    def block(self, seconds: float, now_s: float) -> None:
        """Obey a flood wait; after it the burst is spent, and only one message is left."""
        self._refill(now_s)
        self.blocked_until_s = max(self.blocked_until_s, now_s + seconds)
        self.tokens = min(self.tokens, 1.0)

    def _refill(self, now_s: float) -> None:
        since_s = max(self.at_s, self.blocked_until_s)
        if now_s > since_s:
            self.tokens = min(BURST, self.tokens + (now_s - since_s) * PER_S)
        self.at_s = max(self.at_s, now_s)


@dataclass(slots=True)
class Waiting:
    """The queue: by rank, then by age; one entry per thread, always its latest content."""

    _entries: dict[int, Outgoing] = field(default_factory=dict)
    _places: int = 0

    def __len__(self) -> int:
        return len(self._entries)

    def count(self, rank: Rank) -> int:
        """Tell how many of a rank wait."""
        return sum(entry.rank is rank for entry in self._entries.values())

    def add(self, item: Outgoing) -> list[Outgoing]:
        """Queue a message; the answer is what it made superfluous (same thread, or over the limit)."""
        older = self._of_thread(item.thread)
        gone = []
        if older is not None:
            gone.append(self._entries.pop(older.place))
            item = replace(item, rank=min(item.rank, older.rank), place=older.place)
        else:
            self._places += 1
            item = replace(item, place=self._places)
        self._entries[item.place] = item
        while len(self._entries) > WAITING_LIMIT:
            least = max(self._entries.values(), key=lambda entry: (entry.rank, -entry.place))
            gone.append(self._entries.pop(least.place))
        return gone

    def give_back(self, item: Outgoing) -> Outgoing | None:
        """Queue a message again where it stood; the answer is it, if a newer one replaced it."""
        newer = self._of_thread(item.thread)
        if newer is not None:
            self._entries[newer.place] = replace(newer, rank=min(newer.rank, item.rank))
            return item
        self._entries[item.place] = item
        return None

    def head(self, ranks: Collection[Rank], now_s: float, busy: Collection[str]) -> Outgoing | None:
        """Show the next message of these ranks that may be tried now; ``busy`` threads have to wait.

        A card must not overtake the first message of its thread in the other lane: it would become a
        second message.
        """
        ready = (
            entry
            for entry in self._entries.values()
            if entry.rank in ranks and entry.not_before_s <= now_s and entry.thread not in busy
        )
        return min(ready, key=lambda entry: (entry.rank, entry.place), default=None)

    def next_due_s(self, ranks: Collection[Rank], now_s: float) -> float | None:
        """Tell when the next message of these ranks becomes due by itself; None when there is none."""
        dues = (e.not_before_s for e in self._entries.values() if e.rank in ranks)
        return min((due_s for due_s in dues if due_s > now_s), default=None)

    def remove(self, item: Outgoing) -> None:
        """Take a message out."""
        del self._entries[item.place]

    def expired(self, wall_s: float) -> list[Outgoing]:
        """Take out what nobody needs any more."""
        old = [entry for entry in self._entries.values() if entry.until_s <= wall_s]
        for entry in old:
            del self._entries[entry.place]
        return old

    def _of_thread(self, thread: str) -> Outgoing | None:
        if not thread:
            return None
        return next((e for e in self._entries.values() if e.thread == thread), None)
