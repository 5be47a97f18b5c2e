"""Unmodified python-telegram-bot against the sandbox's Bot API."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from telegram import (
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Update,
)
from telegram.error import BadRequest, ChatMigrated, Conflict, InvalidToken
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes

from sandbox import telegram_chats, telegram_media, telegram_messages
from sandbox.telegram_server import TelegramServer
from tests.sandbox.telegram_house import OWNER, TOKEN, Moment, bot_for, house

METHODS = [*telegram_chats.METHODS, *telegram_media.METHODS, *telegram_messages.METHODS]
CONFIRM = InlineKeyboardMarkup([
    [
        InlineKeyboardButton("Exit now", callback_data="c:abc:y", api_kwargs={"style": "danger"}),
        InlineKeyboardButton("Not now", callback_data="c:abc:n"),
    ],
    [InlineKeyboardButton("Copy id", copy_text=CopyTextButton("A-7F3K"))],
])  # fmt: skip


async def test_a_whole_conversation_with_an_application():
    """A command, a card with buttons, a tap, a toast and the edited card, all by PTB's own loop."""

    async def start(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_html("Close <b>3359</b>?", reply_markup=CONFIRM)

    async def tapped(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        query = update.callback_query
        assert query is not None
        await query.answer("closing 3359")
        await query.edit_message_text("verified flat")

    async with TelegramServer(token=TOKEN) as server:
        application = Application.builder().bot(bot_for(server)).job_queue(None).build()
        application.add_handler(CommandHandler("exit", start))
        application.add_handler(CallbackQueryHandler(tapped))
        async with application:
            await application.start()
            assert application.updater is not None
            await application.updater.start_polling(timeout=5)
            server.phone.send("/exit 3359")
            (card,) = await server.wait_for(lambda s: s.sent())
            assert (card.text, card.buttons) == ("Close 3359?", ["Exit now", "Not now", "Copy id"])
            query = server.phone.tap(card.id, "Exit now")
            await server.wait_for(lambda _s: query.answered and card.text == "verified flat")
            assert (query.toast, query.data, card.buttons) == ("closing 3359", "c:abc:y", [])
            assert card.edits == ["Close 3359?", "verified flat"]
            await application.updater.stop()
            await application.stop()


async def test_updates_are_kept_until_confirmed():
    """An update comes again until a higher offset confirms it; a negative offset keeps the last ones."""
    async with house() as (server, bot):
        for number in range(4):
            server.phone.send(f"/exit {number}")
        first = await bot.get_updates(limit=2)
        assert [u.message.text for u in first if u.message] == ["/exit 0", "/exit 1"]
        assert (await bot.get_updates())[0] == first[0]
        rest = await bot.get_updates(offset=first[-1].update_id + 1)
        assert [u.message.text for u in rest if u.message] == ["/exit 2", "/exit 3"]
        (last,) = await bot.get_updates(offset=-1)
        assert last == rest[-1]
        assert len(server.updates) == 1


async def test_a_long_poll_ends_with_the_first_update():
    """A waiting getUpdates answers as soon as somebody types, and with nothing when its time is over."""
    async with house() as (server, bot):
        polling = asyncio.create_task(bot.get_updates(timeout=30))
        await server.wait_for(lambda s: s.calls_of("getUpdates"))
        server.phone.send("/status")
        (update,) = await polling
        assert update.message is not None
        assert update.message.text == "/status"
        assert await bot.get_updates(offset=update.update_id + 1, timeout=1) == ()


async def test_an_update_older_than_a_day_is_gone():
    """Telegram keeps what nobody fetched for 24 hours and no longer."""
    now = Moment()
    async with house(now=now) as (server, bot):
        server.phone.send("/stop")
        now.at_s += 23 * 3600
        server.phone.send("/status")
        now.at_s += 2 * 3600
        assert [u.message.text for u in await bot.get_updates() if u.message] == ["/status"]


async def test_unwanted_kinds_of_update_never_come():
    """After allowed_updates, other kinds are not even queued."""
    async with house() as (server, bot):
        await bot.get_updates(allowed_updates=["callback_query"])
        server.phone.send("/status")
        assert await bot.get_updates() == ()
        assert (await bot.get_webhook_info()).allowed_updates == ("callback_query",)


async def test_pending_updates_can_be_dropped():
    """The call deleteWebhook with drop_pending_updates empties the queue that getWebhookInfo counts."""
    async with house() as (server, bot):
        server.phone.send("/exit all")
        assert (await bot.get_webhook_info()).pending_update_count == 1
        await bot.delete_webhook(drop_pending_updates=True)
        assert (await bot.get_webhook_info()).pending_update_count == 0


@pytest.mark.parametrize(("token", "status"), [("1234:wrong", 401), ("nonsense", 404)])
async def test_a_wrong_token_is_refused(token, status):
    """A well-formed stranger's token gets 401, a malformed one 404, for methods and files alike."""
    async with house() as (server, _bot), aiohttp.ClientSession() as session:
        for path in (f"/bot{token}/getMe", f"/file/bot{token}/files/F1/x"):
            async with session.get(server.api_url + path) as answer:
                assert (answer.status, (await answer.json())["error_code"]) == (status, status)
        bot = bot_for(server, token)
        with pytest.raises(InvalidToken):
            await bot.initialize()
        await bot.shutdown()


async def test_parameters_come_in_every_spelling():
    """Query, form and JSON carry the same call, method names ignore case, unknown methods are 404."""
    async with house() as (server, _bot), aiohttp.ClientSession() as session:
        base = f"{server.api_url}/bot{TOKEN}"
        fields = {"chat_id": str(OWNER), "text": "x"}
        for asked in (
            session.get(f"{base}/SENDMESSAGE", params=fields),
            session.post(f"{base}/sendMessage", data=fields),
            session.post(f"{base}/sendmessage", json=fields | {"chat_id": OWNER}),
        ):
            async with asked as answer:
                assert (await answer.json())["ok"] is True
        assert [m.text for m in server.sent()] == ["x", "x", "x"]
        for path, given, words in (
            ("getNothing", {}, "Not Found: method not found"),
            ("sendMessage", {"text": "x"}, "Bad Request: chat_id is empty"),
            ("sendMessage", {"chat_id": "@me", "text": "x"}, "Bad Request: chat not found"),
            ("getUpdates", {"offset": "soon"}, "Bad Request: invalid offset specified"),
            ("deleteMessage", {"chat_id": str(OWNER)}, "Bad Request: message identifier is not specified"),
            ("", {}, "Not Found"),
            ("getMe/twice", {}, "Not Found"),
            (
                "sendMessage",
                fields | {"reply_markup": "{"},
                "Bad Request: can't parse reply_markup JSON object",
            ),
        ):
            answer = await session.post(f"{base}/{path}", data=given)
            assert (await answer.json())["description"] == words
        answer = await session.post(
            f"{base}/sendMessage", data=b"{", headers={"Content-Type": "application/json"}
        )
        assert (await answer.json())["description"] == "Bad Request: can't parse JSON object"


#: What nobody should send, in any field: other types, other shapes, broken text.
RUBBISH = (
    "null", "true", "5", "[]", "{}", "[1]", '"x"', "1e9", "99999999999999999999999", "{", "\x00",
    '[{"type": 1}]', '[{"type": "bold", "offset": -5, "length": 99}]', '{"message_id": [1]}',
    '{"inline_keyboard": 1}', '{"inline_keyboard": [[{"text": 1, "callback_data": {}}]]}',
    '{"type": "photo", "media": 5, "caption": 5}', '[{"command": 1, "description": 2}]',
)  # fmt: skip
FIELDS = (
    "chat_id", "text", "message_id", "reply_markup", "parse_mode", "entities", "caption", "caption_entities",
    "reply_parameters", "message_thread_id", "commands", "scope", "menu_button", "reaction", "media", "photo",
    "callback_query_id", "offset", "limit", "allowed_updates", "user_id", "action", "name", "rich_message",
    "url",
)  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
async def test_rubbish_in_any_field_is_answered_in_telegrams_way(field):
    """No call, however wrong, gets anything but Telegram's own JSON with a code below 500."""
    async with house() as (server, bot), aiohttp.ClientSession() as session:
        server.state.rich = server.state.chats[OWNER].forum = True
        sent = await bot.send_message(OWNER, "x")
        usual = {"chat_id": str(OWNER), "message_id": str(sent.message_id), "text": "y", "name": "n"}
        for method in [*METHODS, "getUpdates", "setWebhook"]:
            for rubbish in RUBBISH:
                fields = usual | {field: rubbish}
                async with session.post(f"{server.api_url}/bot{TOKEN}/{method}", data=fields) as answer:
                    assert answer.status < 500, (method, rubbish)
                    assert (await answer.json())["ok"] is (answer.status == 200)
            server.updates.webhook = ""


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"[1]"),
        ("application/json", b"null"),
        ("application/json; charset=nope", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=a", b"x"),
        ("application/x-www-form-urlencoded", b"\xff=\xff"),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_bad_request(kind, body):
    """Broken JSON, forms and multipart bodies are refused with 400 in Telegram's shape."""
    async with house() as (server, _bot), aiohttp.ClientSession() as session:
        url = f"{server.api_url}/bot{TOKEN}/sendMessage"
        async with session.post(url, data=body, headers={"Content-Type": kind}) as answer:
            assert (answer.status, (await answer.json())["ok"]) == (400, False)


async def test_null_in_a_json_body_means_left_out():
    """A client that spells its defaults out as null sends the same message."""
    async with house() as (server, _bot), aiohttp.ClientSession() as session:
        fields = {"chat_id": OWNER, "text": "x", "parse_mode": None, "reply_markup": None}
        async with session.post(f"{server.api_url}/bot{TOKEN}/sendMessage", json=fields) as answer:
            assert (await answer.json())["ok"] is True


async def test_a_webhook_ends_the_polling_until_it_is_deleted():
    """A webhook wants https, getUpdates then answers 409, deleteWebhook lets the poll go on."""
    async with house() as (server, bot):
        with pytest.raises(BadRequest, match="https url"):
            await bot.set_webhook("http://127.0.0.1/x")
        assert await bot.set_webhook("https://example.org/hook")
        assert (await bot.get_webhook_info()).url == "https://example.org/hook"
        server.phone.send("/status")
        with pytest.raises(Conflict, match="while webhook is active"):
            await bot.get_updates()
        assert await bot.delete_webhook()
        assert [update.message.text for update in await bot.get_updates()] == ["/status"]


async def test_a_group_becomes_a_supergroup():
    """A migrated chat is refused with its new id, which PTB raises as ChatMigrated."""
    async with house() as (server, bot):
        server.faults.fail(400, method="sendMessage", migrate_to_chat_id=-1009)
        with pytest.raises(ChatMigrated) as moved:
            await bot.send_message(OWNER, "x")
        assert moved.value.new_chat_id == -1009


async def test_waiting_in_vain_says_how_far_things_went():
    """A wait that fails names the last calls and messages."""
    async with house() as (server, bot):
        await bot.send_message(OWNER, "the last thing said")
        with pytest.raises(TimeoutError, match=r"sendMessage 200.*the last thing said"):
            await server.wait_for(lambda _s: False, timeout_s=0.01)


def test_a_chat_needs_somebody_in_it():
    """A private chat id that is no user's is a mistake in the setting up, said at once."""
    with pytest.raises(ValueError, match="nobody's"):
        TelegramServer(token=TOKEN, users=[1], chat_id=2)
