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


async def test_an_edit_that_comes_after_the_answer_brings_no_buttons_back(tmp_path: Path):
    """It was on its way when somebody pressed; a yes that did not count brings them back, for its edition."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(chat := make_chat(server, core, clock, tmp_path)):
        ask = question(clock)
        core.give(ask)
        message = await asked(server)
        core.give(replace(ask, lines=("Dearer now",), again=True, edition=1))  # waits for a quiet moment
        server.phone.tap(message.id, "Exit now")
        (tap,) = await core.wait_for(lambda c: c.of(Tap))
        assert tap.edition == 0
        await server.wait_for(lambda s: "Dearer" in s.messages[message.id].text)
        assert server.messages[message.id].buttons == []
        core.give(replace(ask, lines=("Look again",), again=True, anew=True, edition=2))
        await server.wait_for(lambda s: "Look again" in s.messages[message.id].text)
        server.phone.tap(message.id, "Exit now")
        taps = await core.wait_for(lambda c: c.of(Tap) if len(c.of(Tap)) > 1 else [])
        assert taps[-1].edition == 2
        assert chat.health().waiting == 0
