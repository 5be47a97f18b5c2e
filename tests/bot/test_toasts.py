"""Answers to presses over real HTTP: one each, soon, and none of them in the way of another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.application import build
from bot.toasts import Toasts
from engine.chat_tuning import ChatTuning
from engine.effects import Answer
from sandbox.telegram_server import Query, TelegramServer
from tests.bot.house import OWNER, TOKEN, QuickClock, answered, telegram


class Bar:
    """A lane of toasts, and what came too late for it."""

    def __init__(self, server: TelegramServer, clock: QuickClock, message_id: int) -> None:
        self.server = server
        self.late: list[str] = []
        self.toasts = Toasts(clock, self.late.append)
        self._message_id = message_id

    def press(self) -> Query:
        """Press a button; the answer is owed from now on."""
        query = self.server.phone.forge(self._message_id, "c:n:y")
        self.toasts.opened(query.id)
        return query


@asynccontextmanager
async def toasting() -> AsyncIterator[Bar]:
    """Run the lane against a Telegram with one message."""
    clock = QuickClock()
    async with telegram(clock) as server:
        app = build(TOKEN, server.api_url, ChatTuning())
        async with app.bot:
            sent = await app.bot.send_message(OWNER, "question")
            bar = Bar(server, clock, sent.message_id)
            work = asyncio.create_task(bar.toasts.run(app.bot))
            try:
                yield bar
                assert not work.done(), "the lane ended by itself"
            finally:
                work.cancel()
                await asyncio.wait({work})


async def test_a_press_is_answered_once():
    """The first answer is shown; a second one for the same press is not sent."""
    async with toasting() as bar:
        press = bar.press()
        bar.toasts.answer(Answer(press.id, "Exiting.", alarm=True))
        bar.toasts.answer(Answer(press.id, "Again."))
        await answered(bar.server, press)
        assert (press.toast, press.alert) == ("Exiting.", True)
        assert len(bar.server.calls_of("answerCallbackQuery")) == 1


async def test_a_press_that_telegram_forgot_is_no_trouble():
    """Too old to be answered: the lane goes on with the next one."""
    async with toasting() as bar:
        bar.toasts.opened("9999999")
        bar.toasts.answer(Answer("9999999", "Too late."))
        press = bar.press()
        bar.toasts.answer(Answer(press.id, "Left alone."))
        await answered(bar.server, press)
        assert press.toast == "Left alone."


async def test_an_answer_that_got_lost_is_given_once_more():
    """A dropped connection costs a second call, not the toast."""
    async with toasting() as bar:
        bar.server.faults.drop(method="answerCallbackQuery")
        press = bar.press()
        bar.toasts.answer(Answer(press.id, "Exiting."))
        await answered(bar.server, press)
        assert press.toast == "Exiting."


async def test_a_hanging_answer_does_not_hold_up_the_next():
    """Each press has a task of its own."""
    async with toasting() as bar:
        bar.server.faults.hang(method="answerCallbackQuery")
        first, second = bar.press(), bar.press()
        bar.toasts.answer(Answer(first.id, "One."))
        await bar.server.wait_for(lambda s: s.faults.armed == 0)
        bar.toasts.answer(Answer(second.id, "Two."))
        await answered(bar.server, second)
        assert not first.answered
        bar.server.faults.clear()


async def test_late_words_become_a_message_only_when_they_alarm():
    """After its press was answered, an alarm is said aloud; the rest is the card's business."""
    async with toasting() as bar:
        bar.toasts.answer(Answer("1", "Left alone."))
        bar.toasts.answer(Answer("1", "The position has changed.", alarm=True))
        assert bar.late == ["The position has changed."]


async def test_a_long_toast_is_cut_to_telegrams_limit():
    """More than 200 characters would be refused."""
    async with toasting() as bar:
        press = bar.press()
        bar.toasts.answer(Answer(press.id, "x" * 500))
        await answered(bar.server, press)
        assert press.toast is not None
        assert len(press.toast) == 200
