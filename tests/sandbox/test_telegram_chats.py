"""The bot's profile, its chats, pins, commands, reactions and topics, seen by python-telegram-bot."""

from __future__ import annotations

import pytest
from telegram import (
    BotCommand,
    BotCommandScopeChat,
    MenuButtonCommands,
    Message,
)
from telegram.error import BadRequest, Forbidden

from tests.sandbox.telegram_house import OWNER, house


async def test_pins_show_in_the_chat():
    """A pin makes a service message and the chat's pinned message; unpinning what is not pinned fails."""
    async with house() as (server, bot):
        first = await bot.send_message(OWNER, "one")
        second = await bot.send_message(OWNER, "two")
        for message in (first, second, second):
            await bot.pin_chat_message(OWNER, message.message_id, disable_notification=True)
        services = [m for m in server.sent() if m.service]
        assert [m.service["pinned_message"]["text"] for m in services] == ["one", "two"]
        pinned = (await bot.get_chat(OWNER)).pinned_message
        assert isinstance(pinned, Message)
        assert pinned.text == "two"
        await bot.unpin_chat_message(OWNER, first.message_id)
        with pytest.raises(BadRequest, match="Message to unpin not found"):
            await bot.unpin_chat_message(OWNER, first.message_id)
        await bot.unpin_all_chat_messages(OWNER)
        assert (await bot.get_chat(OWNER)).pinned_message is None


async def test_commands_are_kept_per_scope():
    """The owner's chat sees its own list; a stranger's chat sees the default one, which is empty."""
    async with house() as (server, bot):
        scope = BotCommandScopeChat(OWNER)
        await bot.set_my_commands([BotCommand("status", "how it stands")], scope=scope)
        assert [c.command for c in await bot.get_my_commands(scope=scope)] == ["status"]
        assert await bot.get_my_commands() == ()
        assert server.state.commands_for(OWNER, OWNER)[0]["description"] == "how it stands"
        assert server.state.commands_for(666, 666) == []
        await bot.delete_my_commands(scope=scope)
        assert await bot.get_my_commands(scope=scope) == ()
        with pytest.raises(BadRequest, match=r"(?i)bot_command_invalid"):
            await bot.set_my_commands([("Status", "capitals are not allowed")])


async def test_the_bots_own_profile():
    """Short description, menu button and getMe behave, and the description has its limit."""
    async with house() as (_server, bot):
        await bot.set_my_short_description("SIMULATE · 1 account")
        assert (await bot.get_my_short_description()).short_description == "SIMULATE · 1 account"
        await bot.set_chat_menu_button(OWNER, MenuButtonCommands())
        assert (await bot.get_chat_menu_button(OWNER)).type == "commands"
        assert (bot.id, bot.username) == (7654321, "prahari_sandbox_bot")
        with pytest.raises(BadRequest):
            await bot.set_my_short_description("x" * 121)


async def test_reactions_topics_drafts_and_typing():
    """The small signs work within Telegram's bounds: a check mark is no reaction, a private chat no forum."""
    async with house(users=[OWNER], chat_id=-1001234) as (server, bot):
        own = server.phone.send("/status")
        await bot.set_message_reaction(-1001234, own.id, "👀")
        assert own.reactions == ("👀",)
        with pytest.raises(BadRequest, match=r"(?i)reaction_invalid"):
            await bot.set_message_reaction(-1001234, own.id, "✅")
        with pytest.raises(BadRequest, match="not a forum"):
            await bot.create_forum_topic(-1001234, "HIGH")
        server.state.chats[-1001234].forum = True
        topic = await bot.create_forum_topic(-1001234, "HIGH")
        sent = await bot.send_message(-1001234, "x", message_thread_id=topic.message_thread_id)
        assert (sent.message_thread_id, sent.is_topic_message) == (topic.message_thread_id, True)
        assert await bot.send_message_draft(OWNER, 1, "2 of 4 legs filled")
        assert await bot.send_chat_action(OWNER, "typing")
        with pytest.raises(BadRequest, match="private chats only"):
            await bot.send_message_draft(-1001234, 1, "x")


async def test_chat_membership():
    """The call getChatMember tells members from people who left; an unknown person is an error."""
    async with house(users=[OWNER, 77], chat_id=-1001234) as (server, bot):
        server.phone.person(666)
        assert (await bot.get_chat_member(-1001234, 77)).status == "member"
        assert (await bot.get_chat_member(-1001234, 666)).status == "left"
        with pytest.raises(BadRequest, match="User not found"):
            await bot.get_chat_member(-1001234, 31337)
        await bot.leave_chat(-1001234)
        with pytest.raises(Forbidden):
            await bot.send_message(-1001234, "x")
