"""How one message is said: where its thread has its place, or anew, with its picture, and pinned."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.kept import keyboard_from_text
from bot.layout import Draw, Page, span
from bot.sender import Delivered, Gone, Outcome, Refused, Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.queue import Outgoing
    from bot.store import ChatStore

log = logging.getLogger(__name__)


class Delivery:
    """Says messages, one at a time for each lane.

    Args:
        store: knows where each thread's message is.
        wall_s: what the host's clock shows; a late message says how late it is.
    """

    def __init__(self, store: ChatStore, wall_s: Callable[[], float]) -> None:
        self._store = store
        self._wall_s = wall_s

    async def say(self, item: Outgoing, sender: Sender) -> Outcome:
        """Edit the message of its thread, or send a new one; what came of it."""
        place = self._store.card(item.thread) if item.thread else None
        page = item.page if item.write is None else item.write()
        keyboard = page.keyboard
        if item.keeps_buttons and place is not None:
            own = keyboard or keyboard_from_text(place.keyboard)
            keyboard = () if place.answered else own
        if place is not None and place.message_id is not None and not item.fresh:
            outcome = await sender.edit(place.message_id, page.html, keyboard)
            await self._pin(item, place.message_id, outcome, sender, pinned=place.pinned)
            return outcome
        if item.edit_only:
            return Delivered(0)
        html = page.html + _lateness(item, self._wall_s())
        photo = b"" if page.draw is None else await _drawn(page.draw)
        if page.draw is not None and not photo:
            html += "\n<i>The picture could not be drawn.</i>"
        outcome = await sender.send(Page(html, keyboard, page.panel), silent=item.silent, photo=photo)
        if isinstance(outcome, Delivered):
            await self._pin(item, outcome.message_id, outcome, sender, pinned=False)
        return outcome

    async def _pin(
        self, item: Outgoing, message_id: int, outcome: Outcome, sender: Sender, *, pinned: bool
    ) -> None:
        """Pin what is to be pinned and is not yet; unpin what will never change again.

        A pin that got lost is tried again with the next edit, one that Telegram refuses is not.
        """
        if pinned and (isinstance(outcome, Gone) or item.last):
            await sender.unpin(message_id)
        elif item.pinned and not pinned and isinstance(outcome, Delivered):
            pin = await sender.pin(message_id)
            if isinstance(pin, Refused):
                log.warning("chat: the live summary cannot be pinned: %s; may the bot pin here?", pin.reason)
            if isinstance(pin, Delivered | Refused):
                self._store.place_card(item.thread, message_id)
                self._store.pin_card(item.thread)


async def _drawn(draw: Draw) -> bytes:
    """The picture, drawn on a thread; empty, and a line in the log, where it cannot be drawn.

    A picture is an ornament: whatever mistake there is in it, the words go out.
    """
    drawing = asyncio.ensure_future(asyncio.to_thread(draw))
    try:
        await asyncio.wait({drawing})
    finally:
        drawing.cancel()
    error = drawing.exception()
    if error is None:
        return drawing.result()
    if not isinstance(error, Exception):  # KeyboardInterrupt, SystemExit: the loop itself ends
        raise error
    log.error("chat: a picture could not be drawn", exc_info=error)
    return b""


def _lateness(item: Outgoing, wall_s: float) -> str:
    late_s = wall_s - item.created_s
    if item.delayed_after_s is None or late_s < item.delayed_after_s:
        return ""
    return f"\n<i>delayed {span(late_s)}</i>"
