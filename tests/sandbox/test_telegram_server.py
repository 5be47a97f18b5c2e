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
from telegram.error import ChatMigrated, InvalidToken
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes

from sandbox.telegram_server import TelegramServer
from tests.sandbox.telegram_house import OWNER, TOKEN, Moment, bot_for, house

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
            (
                "sendMessage",
                {"chat_id": "me", "text": "x"},
                'Bad Request: invalid chat_id specified: read "me"',
            ),
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
