"""``check telegram``: the bot, its chat and a message, against the sandbox's Telegram."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from engine.io.chat_check import chat_line, check_chat
from engine.preflight import Light
from engine.settings import Settings
from engine.words import Secret
from tests.e2e.outside import environment, sandbox


@pytest.fixture
async def world(tmp_path):
    """A sandbox, and the settings of a bot in it."""
    async with sandbox() as made:
        yield made, Settings.parse(await environment(made, tmp_path / "home"))


async def looked(settings, *, send=False):
    """(name, light, text) of each line."""
    return await asyncio.to_thread(check_chat, settings, send=send)


async def test_bot_and_chat_are_named_and_nothing_is_sent(world):
    """Two green lines; the phone has no message."""
    made, settings = world
    bot, chat = await looked(settings)
    assert (bot.light, chat.light) == (Light.GREEN, Light.GREEN)
    assert bot.text.startswith("@")
    assert chat.text.startswith("private, ")
    assert made.telegram.sent() == []


async def test_a_message_is_sent_only_when_it_is_asked_for(world):
    """One, and silently."""
    made, settings = world
    assert [check.name for check in await looked(settings, send=True)] == ["bot", "chat", "message"]
    (message,) = made.telegram.sent()
    assert "Nothing is asked of you" in message.text


async def test_a_wrong_token_ends_it_with_the_remedy_and_without_the_token(world):
    """Telegram's own words, then where to mend it."""
    _, settings = world
    wrong = "8000000009:canary-wrong-token-that-nobody-knows"
    (bot,) = await looked(replace(settings, telegram_bot_token=Secret(wrong)))
    assert bot.light is Light.RED
    assert "HTTP 401" in bot.text
    assert "@BotFather" in bot.text
    assert "canary" not in bot.text


async def test_a_wrong_chat_is_red_with_the_way_to_the_right_one(world):
    """The bot is well, the chat is not there."""
    _, settings = world
    _, chat = await looked(replace(settings, telegram_chat_id=1))
    assert chat.light is Light.RED
    assert "--find-chat" in chat.text


async def test_the_drill_goes_the_bots_own_way(world):
    """A proxy that is not there is not gone around."""
    _, settings = world
    chat = replace(settings.chat, proxy=Secret("socks5://127.0.0.1:9"))
    told = await asyncio.to_thread(chat_line, replace(settings, chat=chat))
    assert (told.light, told.text) == (Light.RED, "Telegram does not answer (ConnectError)")
