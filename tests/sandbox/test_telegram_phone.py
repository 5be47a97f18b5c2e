"""What people do on their phones, and what the bot hears of it."""

from __future__ import annotations

import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, Forbidden

from sandbox.telegram_server import User
from tests.sandbox.telegram_house import OWNER, Moment, house

GROUP = -1001234
YES = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="c:1:y")]])
MALLORY = 666


async def test_a_command_is_marked_as_one():
    """A typed command carries a bot_command entity, without which PTB would not see a command."""
    async with house(users=[User(OWNER, "Asha", "asha")]) as (server, bot):
        server.phone.send(" /exit 3359 ")
        (update,) = await bot.get_updates()
        assert update.message is not None
        assert update.message.text == "/exit 3359"
        assert [(e.type, e.offset, e.length) for e in update.message.entities] == [("bot_command", 0, 5)]
        assert update.effective_user is not None
        assert (update.effective_user.id, update.effective_user.username) == (OWNER, "asha")


async def test_a_message_can_have_waited():
    """A command typed ten minutes ago is dated so, however late the bot fetches it."""
    now = Moment()
    async with house(now=now) as (server, bot):
        server.phone.send("/exit all", age_s=600)
        (update,) = await bot.get_updates()
        assert update.message is not None
        assert update.message.date.timestamp() == now.at_s - 600


async def test_a_corrected_command_is_an_edited_message():
    """An edit arrives as edited_message with its edit date; only a person's own message can be edited."""
    async with house() as (server, bot):
        typed = server.phone.send("/exit 1")
        server.phone.edit(typed.id, "/exit 2")
        update = (await bot.get_updates())[-1]
        assert update.message is None
        assert update.edited_message is not None
        assert (update.edited_message.text, typed.edits) == ("/exit 2", ["/exit 1", "/exit 2"])
        assert update.edited_message.edit_date is not None
        sent = await bot.send_message(OWNER, "x")
        with pytest.raises(ValueError, match="the bot's"):
            server.phone.edit(sent.message_id, "y")


async def test_two_taps_are_two_queries():
    """Every press is an update of its own, from whoever pressed."""
    async with house(users=[OWNER, 77], chat_id=GROUP) as (server, bot):
        sent = await bot.send_message(GROUP, "sure?", reply_markup=YES)
        server.phone.tap(sent.message_id, "Yes")
        server.phone.tap(sent.message_id, "c:1:y", user=77)
        server.phone.tap(sent.message_id, "Yes", user=MALLORY)
        queries = [u.callback_query for u in await bot.get_updates()]
        assert [q.from_user.id for q in queries if q] == [OWNER, 77, MALLORY]
        assert len({q.id for q in queries if q}) == 3
        assert {q.chat_instance for q in queries if q} == {queries[0].chat_instance if queries[0] else ""}


async def test_an_old_button_can_still_be_pressed():
    """A phone that has not redrawn presses a button that an edit has taken away, or a deleted message's."""
    async with house() as (server, bot):
        sent = await bot.send_message(OWNER, "sure?", reply_markup=YES)
        await bot.edit_message_text("done", OWNER, sent.message_id)
        server.phone.tap(sent.message_id, "Yes")
        await bot.delete_message(OWNER, sent.message_id)
        server.phone.tap(sent.message_id, "Yes")
        edited, deleted = [u.callback_query for u in await bot.get_updates()]
        assert edited is not None
        assert deleted is not None
        assert edited.data == deleted.data == "c:1:y"
        assert deleted.message is not None
        assert edited.message is not None
        assert (edited.message.is_accessible, deleted.message.is_accessible) == (True, False)


async def test_data_can_be_forged_but_buttons_cannot_be_imagined():
    """A doctored client sends what it likes; a tap on a button that never was is a mistake in the test."""
    async with house() as (server, bot):
        sent = await bot.send_message(OWNER, "sure?", reply_markup=YES)
        server.phone.forge(sent.message_id, "c:2:y", user=MALLORY)
        (update,) = await bot.get_updates()
        assert update.callback_query is not None
        assert update.callback_query.data == "c:2:y"
        with pytest.raises(LookupError, match=r"no button 'No'.*'Yes'"):
            server.phone.tap(sent.message_id, "No")


async def test_a_stranger_writes_in_a_chat_of_their_own():
    """A stranger's message comes from their own private chat, and nobody writes in another's."""
    async with house() as (server, bot):
        server.phone.send("/exit all", user=MALLORY)
        (update,) = await bot.get_updates()
        assert update.effective_chat is not None
        assert (update.effective_chat.id, update.effective_chat.type) == (MALLORY, "private")
        with pytest.raises(ValueError, match="another person's"):
            server.phone.send("/exit all", user=MALLORY, chat=OWNER)


async def test_a_group_shows_the_bot_only_what_is_for_it():
    """In a group a bot in privacy mode hears commands, mentions and replies to itself, not the chatter."""
    async with house(users=[OWNER, 77], chat_id=GROUP) as (server, bot):
        sent = await bot.send_message(GROUP, "P&L +1")
        server.phone.send("nice weather", user=77)
        server.phone.send("/status", user=77)
        server.phone.send("well, @prahari_sandbox_bot?")
        server.phone.send("why?", reply_to=sent.message_id)
        heard = [u.message for u in await bot.get_updates()]
        assert [m.text for m in heard if m] == ["/status", "well, @prahari_sandbox_bot?", "why?"]
        assert {m.chat.type for m in heard if m} == {"supergroup"}


async def test_a_blocked_bot_can_no_longer_write():
    """Blocking is told as my_chat_member, and sends are refused with 403 until the person comes back."""
    async with house() as (server, bot):
        server.phone.block()
        with pytest.raises(Forbidden, match="blocked by the user"):
            await bot.send_message(OWNER, "x")
        server.phone.unblock()
        await bot.send_message(OWNER, "y")
        changes = [u.my_chat_member for u in await bot.get_updates()]
        assert [(c.old_chat_member.status, c.new_chat_member.status) for c in changes if c] == [
            ("member", "kicked"),
            ("kicked", "member"),
        ]


async def test_being_added_to_a_group_is_told():
    """An invitation to a group arrives as my_chat_member, naming who invited; then the bot can leave."""
    async with house() as (server, bot):
        server.phone.invite(-5005, "Free signals", user=MALLORY)
        (update,) = await bot.get_updates()
        assert update.my_chat_member is not None
        assert (update.my_chat_member.chat.title, update.my_chat_member.from_user.id) == (
            "Free signals",
            MALLORY,
        )
        await bot.leave_chat(-5005)
        with pytest.raises(Forbidden, match="not a member"):
            await bot.send_message(-5005, "x")


async def test_an_update_can_be_delivered_twice():
    """A confirmed update can come again, as it does when the confirmation was lost."""
    async with house() as (server, bot):
        server.phone.send("/exit 3359")
        (update,) = await bot.get_updates()
        assert await bot.get_updates(offset=update.update_id + 1) == ()
        server.updates.redeliver(update.to_dict())
        assert await bot.get_updates() == (update,)


async def test_what_a_person_deletes_is_edited_and_pinned_no_more():
    """The bot is not told; its next edit fails with Telegram's words, and the pin is gone."""
    async with house() as (server, bot):
        message = await bot.send_message(OWNER, "pinned")
        await bot.pin_chat_message(OWNER, message.message_id, disable_notification=True)
        server.phone.delete(message.message_id)
        assert server.state.chats[OWNER].pinned == []
        with pytest.raises(BadRequest, match="Message to edit not found"):
            await bot.edit_message_text("new", OWNER, message.message_id)


async def test_a_message_may_become_too_old_to_be_edited():
    """Beyond the limit that is set, Telegram's words say so; none is set at first."""
    async with house() as (server, bot):
        message = await bot.send_message(OWNER, "old")
        await bot.edit_message_text("new", OWNER, message.message_id)
        server.state.edit_limit_s = -1.0
        with pytest.raises(BadRequest, match="Message can't be edited"):
            await bot.edit_message_text("newer", OWNER, message.message_id)
