"""The sandbox's JSON against aiogram's pydantic models of Bot API 10.3, an independent reading of it."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiogram import types
from pydantic import BaseModel, TypeAdapter

from sandbox.telegram_server import TelegramServer, User
from tests.sandbox.telegram_house import OWNER, TOKEN, png

GROUP = -1001234
ALL_KINDS = '["message","edited_message","callback_query","my_chat_member"]'
BOARD = (
    '{"inline_keyboard":[[{"text":"Exit","callback_data":"c:1:y","style":"danger"},'
    '{"text":"Off","disabled":{}}],[{"text":"Id","copy_text":{"text":"A-7"}},'
    '{"text":"Web","url":"https://example.org","style":"primary"}]]}'
)
RICH = (
    "<b>b</b><i>i</i><u>u</u><s>s</s><tg-spoiler>p</tg-spoiler> <code>c</code> "
    "<a href='https://example.org'>a</a> "
    "<tg-time unix='1770090643' format='r'>soon</tg-time>\n<pre><code class='language-py'>x</code></pre>"
    "<blockquote>q</blockquote><blockquote expandable>e</blockquote> /status https://example.org"
)


class Caller:
    """Calls methods with plain HTTP and validates results with aiogram's models."""

    def __init__(self, server: TelegramServer, session: aiohttp.ClientSession) -> None:
        self._base = f"{server.api_url}/bot{TOKEN}"
        self._session = session

    async def __call__(self, model: Any, method: str, **fields: Any) -> Any:
        """Call, then return the result as the model; nothing in it may be unknown to the model."""
        form = aiohttp.FormData()
        for name, value in fields.items():
            if isinstance(value, bytes):
                form.add_field(name, value, filename=f"{name}.bin")
            else:
                form.add_field(name, str(value))
        async with self._session.post(f"{self._base}/{method}", data=form) as answer:
            body = await answer.json()
        assert body["ok"], body
        parsed = TypeAdapter(model).validate_python(body["result"], context={"bot": None})
        for each in parsed if isinstance(parsed, list) else [parsed]:
            assert unknown_fields(each) == []
        return parsed


def unknown_fields(value: Any, path: str = "") -> list[str]:
    """List the fields, at any depth, that a model had to keep as extras."""
    if isinstance(value, list):
        return [found for each in value for found in unknown_fields(each, path)]
    if not isinstance(value, BaseModel):
        return []
    here = [f"{path}.{name}" for name in value.model_extra or {}]
    inside = [unknown_fields(getattr(value, name), f"{path}.{name}") for name in type(value).model_fields]
    return here + [found for each in inside for found in each]


def test_unknown_fields_are_seen():
    """The check itself sees a field that aiogram does not know, also deep inside."""
    message = {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private", "colour": "red"}}
    assert unknown_fields(types.Message.model_validate(message)) == [".chat.colour"]


async def test_messages_of_every_kind_are_valid():
    """Text with all entities and buttons, photo, document, rich message, reply, pin: all parse as Message."""
    async with TelegramServer(token=TOKEN) as server, aiohttp.ClientSession() as session:
        call, here = Caller(server, session), {"chat_id": OWNER}
        server.state.rich = True
        text = await call(
            types.Message, "sendMessage", **here, text=RICH, parse_mode="HTML", reply_markup=BOARD
        )
        assert {e.type for e in text.entities} == {
            "bold", "italic", "underline", "strikethrough", "spoiler", "code", "text_link", "date_time",
            "pre", "blockquote", "expandable_blockquote", "bot_command", "url",
        }  # fmt: skip
        assert text.reply_markup.inline_keyboard[0][0].style == "danger"
        await call(types.Message, "sendPhoto", **here, photo=png(), caption="c", protect_content="true")
        await call(
            types.Message, "sendDocument", **here, document=b"x", message_effect_id="5104841245755180586"
        )
        reply = f'{{"message_id":{text.message_id}}}'
        await call(
            types.Message, "sendRichMessage", **here, rich_message='{"html":"a"}', reply_parameters=reply
        )
        edited = await call(
            types.Message, "editMessageText", **here, message_id=text.message_id, text="x", reply_markup=BOARD
        )
        assert edited.edit_date
        await call(types.Message, "editMessageReplyMarkup", **here, message_id=text.message_id)
        await call(bool, "pinChatMessage", **here, message_id=text.message_id)
        full = await call(types.ChatFullInfo, "getChat", **here)
        assert full.pinned_message.message_id == text.message_id


async def test_updates_of_every_kind_are_valid():
    """Messages, edits, taps, taps on deleted messages and membership changes all parse as Update."""
    async with (
        TelegramServer(token=TOKEN, users=[User(OWNER, "Asha", "asha"), 77], chat_id=GROUP) as server,
        aiohttp.ClientSession() as session,
    ):
        call = Caller(server, session)
        await call(list[types.Update], "getUpdates", allowed_updates=ALL_KINDS)
        sent = await call(types.Message, "sendMessage", chat_id=GROUP, text="x", reply_markup=BOARD)
        typed = server.phone.send("/status", user=77)
        server.phone.edit(typed.id, "/exit")
        server.phone.tap(sent.message_id, "Exit")
        await call(bool, "deleteMessage", chat_id=GROUP, message_id=sent.message_id)
        server.phone.tap(sent.message_id, "Exit")
        server.phone.block()
        server.phone.unblock()
        server.phone.invite(-5005, "Free signals", user=666)
        updates = await call(list[types.Update], "getUpdates")
        assert [u.event_type for u in updates] == [
            "message", "edited_message", "callback_query", "callback_query", "my_chat_member",
            "my_chat_member", "my_chat_member",
        ]  # fmt: skip
        assert isinstance(updates[3].callback_query.message, types.InaccessibleMessage)


async def test_all_other_objects_are_valid():
    """User, members, file, topic, commands, menu button, description and webhook info parse as documented."""
    async with (
        TelegramServer(token=TOKEN, users=[OWNER], chat_id=GROUP) as server,
        aiohttp.ClientSession() as session,
    ):
        call = Caller(server, session)
        server.state.chats[GROUP].forum = True
        assert (await call(types.User, "getMe")).is_bot
        await call(types.ChatFullInfo, "getChat", chat_id=GROUP)
        await call(types.ChatMemberMember, "getChatMember", chat_id=GROUP, user_id=OWNER)
        topic = await call(types.ForumTopic, "createForumTopic", chat_id=GROUP, name="HIGH")
        there = {"chat_id": GROUP, "message_thread_id": topic.message_thread_id}
        sent = await call(types.Message, "sendPhoto", **there, photo=png())
        assert sent.is_topic_message
        found = await call(types.File, "getFile", file_id=sent.photo[0].file_id)
        assert found.file_size == len(png())
        await call(bool, "setMyCommands", commands='[{"command":"status","description":"all"}]')
        assert (await call(list[types.BotCommand], "getMyCommands"))[0].command == "status"
        await call(types.MenuButtonCommands, "getChatMenuButton")
        await call(types.BotShortDescription, "getMyShortDescription")
        await call(types.WebhookInfo, "getWebhookInfo")


@pytest.mark.parametrize("method", ["getMe", "getUpdates", "getWebhookInfo"])
async def test_successes_wear_the_envelope(method):
    """Every success is ok:true with a result, and nothing else."""
    async with (
        TelegramServer(token=TOKEN) as server,
        aiohttp.ClientSession() as session,
        session.get(f"{server.api_url}/bot{TOKEN}/{method}") as answer,
    ):
        assert set(await answer.json()) == {"ok", "result"}
