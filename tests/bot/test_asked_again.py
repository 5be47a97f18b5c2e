"""A question that has more to say: the same message, edited; its buttons stay while it is open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.messages import Tap
from tests.bot.house import Core, QuickClock, asked, card, make_chat, question, running, telegram


async def test_a_question_that_learns_more_keeps_its_buttons_until_it_is_answered(tmp_path: Path):
    """The same message, edited once; after a tap it is left alone, and an unknown one is not sent."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(chat := make_chat(server, core, clock, tmp_path)):
        ask = question(clock)
        core.give(ask)
        message = await asked(server)
        more = replace(ask, lines=(*ask.lines, "Margin: enough at each step"), again=True)
        core.give(more)
        await server.wait_for(lambda s: "Margin" in s.messages[message.id].text)
        assert server.messages[message.id].buttons == ["Exit now", "Cancel"]
        server.phone.tap(message.id, "Exit now")
        await core.wait_for(lambda c: c.of(Tap))
        core.give(replace(more, lines=("too late",)))
        core.give(replace(more, nonce="never-asked"))
        assert chat.health().waiting == 0
        core.give(card(ask.nonce))
        await server.wait_for(lambda s: "Verified flat" in s.messages[message.id].text)
        assert [m.id for m in server.sent()] == [message.id]


async def test_what_is_learnt_while_a_question_still_waits_goes_with_it(tmp_path: Path):
    """One message, with its buttons."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server:
        chat = make_chat(server, core, clock, tmp_path)
        ask = question(clock)
        core.give(ask)
        core.give(replace(ask, lines=("Margin: enough at each step",), again=True))
        async with running(chat):
            message = await asked(server)
            assert "Margin: enough" in message.text
            assert len(server.sent()) == 1
