"""The messages that stay true: one pinned summary, and the newest card of each position that was asked for.

They are looked at every two seconds and edited in place when something material has changed
(`engine.material`), as often as the outbox lets the lowest rank. A card ends when its position does, and
gives way to a newer one of the same position; after a restart both go on in the messages they had.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bot.accounts import mark
from bot.layout import Page, escape
from bot.letters import NEWS_LIFE_S, REPLY_LIFE_S
from bot.position_card import card_page
from bot.queue import Outgoing, Rank
from bot.status import clock_words, stopped_words
from bot.store import LIVING
from bot.summary import ALIVE_MIN, Summed, summary_page, summed
from bot.views import under
from engine.material import (
    House,
    Shown,
    house_changed,
    house_of,
    house_turned,
    position_changed,
    position_turned,
    shown_of,
)
from engine.model import PositionId
from engine.view import PositionState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from bot.accounts import Accounts
    from bot.store import ChatStore
    from engine.io.app import Wiring
    from engine.io.ports import Clock
    from engine.view import MonitorView, PositionView

SUMMARY = f"{LIVING}summary"
_CARD = f"{LIVING}card"
#: How often the accounts are looked at.
LOOK_EVERY_S = 2.0
#: A look may last one part of so many of the time: with very many positions it comes less often. Others have
#: the loop for most of it.
LOOK_SHARE = 40.0
#: An account that is still coming up has no positions yet; so long nothing is made of that.
COMING_UP_S = 60.0
#: A summary that is older is renewed even if nothing has changed: its age is what tells that it is dead.
RENEW_S = ALIVE_MIN * 60 * 2 / 3
#: At the end so many messages are told that it is the end: more would cost a burst.
_PARTED = 4


@dataclass(frozen=True, slots=True)
class _Now:
    """What a message would say now: as far as it matters, whether that is its last word, and the page."""

    gist: Shown | tuple[House, ...] | str
    page: Callable[[], Page]
    last: bool = False


class Living:
    """The owner of all living messages of the chat. Nothing here waits but for the accounts to be drawn."""

    def __init__(
        self,
        accounts: Accounts,
        summed: Sequence[Wiring],
        *,
        store: ChatStore,
        add: Callable[[Outgoing], None],
        clock: Clock,
        wall_s: Callable[[], float],
    ) -> None:
        """``summed``: the accounts in the pinned summary, none = there shall be no summary."""
        self._accounts = accounts
        self._summed = tuple(summed)
        self._store = store
        self._add = add
        self._clock = clock
        self._wall_s = wall_s
        self._views: dict[str, MonitorView] = {}
        self._sums: dict[str, Summed] = {}
        self._shown: dict[str, Shown | tuple[House, ...] | str] = {}
        self._summed_s = 0.0
        self._began_s: float | None = None
        self._due_s = 0.0
        for thread in store.living():
            place = store.card(thread)
            if place is None or place.message_id is None:  # asked for in an earlier life, never delivered
                store.forget_card(thread)

    def show(self, one: Wiring, view: MonitorView, position: PositionView) -> None:
        """Show a position's card at the bottom of the chat; an earlier one gives way once it is there."""
        page, wall_s = self._card(one, view, position), self._wall_s()
        until_s = wall_s + REPLY_LIFE_S
        if position.state is PositionState.FLAT:
            self._add(Outgoing(Rank.REPLY, page, wall_s, until_s, silent=True))
            return
        numbers = [int(thread.rpartition("|")[2]) for thread in self._cards()]
        thread = f"{_CARD}|{one.account}|{position.id}|{max(numbers, default=0) + 1}"
        self._store.expect_card(thread, "")
        self._shown[thread] = shown_of(position, view)
        if (known := self._views.get(one.account)) is not None:  # in which it may be in brief
            positions = tuple(position if p.id == position.id else p for p in known.positions)
            self._views[one.account] = replace(known, positions=positions)
        self._add(Outgoing(Rank.REPLY, page, wall_s, until_s, thread=thread, silent=True))

    async def look(self) -> None:
        """Look at everything if it is time to, and queue what is out of date."""
        began_s = self._clock.now_s()
        self._began_s = began_s if self._began_s is None else self._began_s
        if began_s < self._due_s:
            return
        living = self._store.living()
        for gone in self._shown.keys() - {*living, SUMMARY}:
            del self._shown[gone]
        if self._standing() or self._summed:
            carded = self._carded()
            views = {each.account: await each.glance(carded) for each in self._accounts.all}
            seen = {each.account: views[each.account] for each in self._summed}
            # a thousand positions are summed and sorted aside: the loop has ticks to attend to
            self._views, self._sums = views, await asyncio.to_thread(summed, seen)
            threads = self._standing()  # a card may have come, or moved, meanwhile
            newest, found = self._newest(), []
            try:
                for thread in threads if SUMMARY in threads or not self._summed else (SUMMARY, *threads):
                    found.append(self._look_at(thread, newest))
                    await asyncio.sleep(0)  # many cards are no one piece of work either
            finally:  # a card that cannot be written silences no other, nor the summary
                for message in filter(None, found):  # together: what has turned goes first
                    self._add(message)
        now_s = self._clock.now_s()
        self._due_s = now_s + max(LOOK_EVERY_S, (now_s - began_s) * LOOK_SHARE)

    def last_words(self) -> Iterator[Outgoing]:
        """What the summary and the first cards say when the monitor ends, as edits without buttons."""
        threads = [SUMMARY, *self._cards()]
        for thread in [each for each in threads if each in self._shown and self._stands(each)][:_PARTED]:
            if thread == SUMMARY:
                page = summary_page(self._sums, self._wall_s(), stopped=True)
            else:
                now = self._now(thread, self._newest())
                if now is None or now.last:
                    continue
                at_s = max(view.at_s for view in self._views.values())
                page = Page(f"{stopped_words(at_s)}\n{now.page().html}")
            del self._shown[thread]  # should there be another life
            yield Outgoing(Rank.TURN, page, self._wall_s(), self._wall_s(), thread=thread, edit_only=True)

    # -------------------------------------------------------------------------------- what is to be said

    def _look_at(self, thread: str, newest: Collection[str]) -> Outgoing | None:
        now = self._now(thread, newest)
        rank = None if now is None else self._due(thread, now)
        if now is None or rank is None:
            return None
        wall_s, page = self._wall_s(), now.page()
        summary = thread == SUMMARY and not now.last
        return Outgoing(
            rank, page, wall_s, wall_s + NEWS_LIFE_S, thread=thread, edit_only=not summary,
            pinned=summary, last=now.last, silent=True, write=partial(self._write, thread, page),
        )  # fmt: skip

    def _due(self, thread: str, now: _Now) -> Rank | None:
        """Who a message that is out of date goes with; None = it is true as it stands."""
        shown, gist = self._shown.get(thread), now.gist
        if isinstance(shown, Shown) and isinstance(gist, Shown):
            if position_changed(shown, gist):
                return Rank.TURN if position_turned(shown, gist) else Rank.DRIFT
            return None
        if isinstance(shown, tuple) and isinstance(gist, tuple) and len(shown) == len(gist):
            if any(map(house_changed, shown, gist)):
                return Rank.TURN if any(map(house_turned, shown, gist)) else Rank.DRIFT
            return Rank.DRIFT if self._wall_s() - self._summed_s >= RENEW_S else None
        if shown == gist:
            return None
        return Rank.DRIFT if gist == "moved" else Rank.TURN

    def _write(self, thread: str, page: Page) -> Page:
        """The page as it is when it leaves, which is what is shown from then on."""
        now = self._now(thread, self._newest())
        if now is None:
            return page
        self._shown[thread] = now.gist
        if thread == SUMMARY:
            self._summed_s = self._wall_s()
        return now.page()

    def _now(self, thread: str, newest: Collection[str]) -> _Now | None:
        """What this message would say; None = nobody can tell yet, it stays as it is.

        ``newest``: of each position the card that has not moved.
        """
        if thread == SUMMARY:
            return self._summary()
        _, account, position_id, _ = thread.split("|")
        name = escape(position_id.removeprefix("default/"))
        if thread not in newest:
            return _ended(name, "moved", "Its card has moved below")
        one, view = self._accounts.find(account), self._views.get(account)
        if one is None or view is None:
            return _ended(name, "gone", "Its account is watched no more")
        position = next((p for p in view.full if p.id == position_id), None)
        if position is not None:
            flat = position.state is PositionState.FLAT
            return _Now(shown_of(position, view), partial(self._card, one, view, position), last=flat)
        if self._coming_up(view) or any(p.id == position_id for p in view.positions):
            return None  # or its card came while the house was drawn: it is wanted in full next time
        if view.down:
            text = f"<b>{name}</b>\nUnknown: {escape(view.degraded)}"
            return _Now("down", partial(Page, text))
        return _ended(name, "gone", f"Not among the positions any more, {clock_words(view.at_s)}")

    def _summary(self) -> _Now | None:
        if not self._summed:
            return _ended("Summary", "off", "Switched off")
        sums = self._sums
        if any(self._coming_up(one.view) for one in sums.values()):
            return None
        houses = tuple(house_of(name, one.view, one.shown) for name, one in sums.items())
        return _Now(houses, lambda: summary_page(sums, self._wall_s()))

    def _coming_up(self, view: MonitorView) -> bool:
        """Whether what an account is without just now may come within the first minute."""
        began_s = self._clock.now_s() if self._began_s is None else self._began_s
        begins = view.down or not view.store or bool(view.degraded)
        return begins and self._clock.now_s() - began_s < COMING_UP_S

    def _card(self, one: Wiring, view: MonitorView, position: PositionView) -> Page:
        return under(self._accounts.title(one.account), card_page(view, position, mark(one.account)))

    # --------------------------------------------------------------------------------------- the threads

    def _standing(self) -> list[str]:
        return [thread for thread in self._store.living() if self._stands(thread)]

    def _cards(self) -> list[str]:
        return [thread for thread in self._store.living() if thread.startswith(_CARD)]

    def _carded(self) -> set[PositionId]:
        """The positions that have a card."""
        return {PositionId(thread.split("|")[2]) for thread in self._cards()}

    def _newest(self) -> set[str]:
        """Of each position the card that was delivered last: the others have moved."""
        newest: dict[str, tuple[int, str]] = {}
        for thread in self._cards():
            of, _, number = thread.rpartition("|")
            if self._stands(thread):
                newest[of] = max(newest.get(of, (0, "")), (int(number), thread))
        return {thread for _, thread in newest.values()}

    def _stands(self, thread: str) -> bool:
        """Whether its message is known to be in the chat."""
        place = self._store.card(thread)
        return place is not None and place.message_id is not None


def _ended(name: str, gist: str, text: str) -> _Now:
    return _Now(gist, partial(Page, f"<b>{name}</b>\n{text}."), last=True)
