"""Answers to button presses: each press gets one, soon, whatever the core is doing.

They have a lane of their own because Telegram does not count them against the chat's limits, and
because a phone shows a spinning button until one arrives.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from telegram.error import BadRequest

from bot.faults import WIRE_FAULTS
from bot.layout import cut
from engine.effects import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram.ext import ExtBot

    from engine.io.ports import Clock

log = logging.getLogger(__name__)

#: How long the core may take before the press is answered without it.
CORE_MAY_TAKE_S = 0.9
#: What is said then; the outcome comes as a message.
FALLBACK = "Received. The outcome follows here."
#: Telegram's limit for a toast, characters.
TOAST_LIMIT = 200


class Toasts:
    """Owns one small task per press until it is answered."""

    def __init__(self, clock: Clock, late: Callable[[str], None]) -> None:
        """``late`` gets the text of an alarm that came after its press had been answered."""
        self._clock = clock
        self._late = late
        self._open: dict[str, asyncio.Future[Answer]] = {}
        self._presses: asyncio.Queue[str] = asyncio.Queue()

    def opened(self, callback_id: str) -> None:
        """A button was pressed; an answer is owed."""
        if callback_id not in self._open:
            self._open[callback_id] = asyncio.get_running_loop().create_future()
            self._presses.put_nowait(callback_id)

    def answer(self, answer: Answer) -> None:
        """Give the answer; too late, an alarm becomes a message and the rest is left to the card."""
        owed = self._open.get(answer.callback_id)
        if owed is not None and not owed.done():
            owed.set_result(answer)
        elif answer.alarm:
            self._late(answer.text)

    async def run(self, bot: ExtBot[None]) -> None:
        """Answer presses until cancelled."""
        async with asyncio.TaskGroup() as answers:
            while True:
                callback_id = await self._presses.get()
                answers.create_task(self._serve(bot, callback_id), name="chat toast")

    async def _serve(self, bot: ExtBot[None], callback_id: str) -> None:
        owed = self._open[callback_id]
        patience = asyncio.ensure_future(self._clock.sleep(CORE_MAY_TAKE_S))
        either: tuple[asyncio.Future[Any], ...] = (owed, patience)
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
        del self._open[callback_id]
        await _send(bot, owed.result() if owed.done() else Answer(callback_id, FALLBACK))


async def _send(bot: ExtBot[None], answer: Answer) -> None:
    text = cut(answer.text, TOAST_LIMIT) or None  # the library spells an empty text "[]"
    for _ in range(2):
        try:
            await bot.answer_callback_query(answer.callback_id, text, show_alert=answer.alarm)
        except BadRequest as error:
            # Telegram forgets a press after some ten seconds; what it asked for was done all the same.
            log.info("chat: a press could not be answered: %s", error.message)
            return
        except WIRE_FAULTS as error:
            log.info("chat: a press could not be answered: %s", type(error).__name__)
        else:
            return
