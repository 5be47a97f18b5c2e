"""The chat over real HTTP, against the sandbox's Telegram."""

from __future__ import annotations

from pathlib import Path

from engine.messages import Command, Tap, Wish
from sandbox.telegram_server import TelegramServer
from tests.bot.house import OWNER, QuickClock, house, make_chat, one_tap_core, position, running, telegram


def last(server: TelegramServer) -> str:
    """The newest message of the bot."""
    sent = server.sent()
    return sent[-1].text if sent else ""


async def test_status_answers_with_the_table(tmp_path: Path):
    """A person who sends /status reads their position at once."""
    clock = QuickClock()
    core = one_tap_core(clock)
    core.picture = house(position())
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/status")
        await server.wait_for(lambda s: "3359 NIFTY" in last(s))
        assert core.posted == []


async def test_an_exit_from_picker_to_verified_flat(tmp_path: Path):
    """/exit, a pick, yes: one tap reaches the core, and the question turns into the outcome."""
    clock = QuickClock()
    core = one_tap_core(clock)
    core.picture = house(position(), position(3360))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/exit")
        picker = await server.wait_for(lambda s: next((m for m in s.sent() if "Exit which" in m.text), None))
        server.phone.tap(picker.id, "p:3359")
        asked = await server.wait_for(lambda s: next((m for m in s.sent() if "Exit now" in m.buttons), None))
        assert [key.get("style") for key in asked.keys] == ["danger", None]
        press = server.phone.tap(asked.id, "Exit now")
        await server.wait_for(lambda _: "Verified flat" in asked.text)
        await server.wait_for(lambda _: press.answered)
        assert press.toast == "Exiting."
        assert asked.buttons == []
        [command] = core.of(Command)
        assert (command.wish, command.strategy_id, command.by.user_id) == (Wish.EXIT, 3359, OWNER)
        [tap] = core.of(Tap)
        assert tap.yes
