"""Unmodified python-telegram-bot against the sandbox's Bot API."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from telegram import (
    BotCommand,
    BotCommandScopeChat,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    MenuButtonCommands,
    Message,
    ReplyParameters,
    Update,
)
from telegram.error import BadRequest, ChatMigrated, EndPointNotFound, Forbidden, InvalidToken
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes

from sandbox.telegram_server import TelegramServer
from tests.sandbox.telegram_house import OWNER, TOKEN, Moment, bot_for, house, png

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


async def test_a_message_shows_what_was_asked_for():
    """Style, copy text, silence, protection, reply and entities come back in the Message."""
    async with house() as (server, bot):
        asked = server.phone.send("/status")
        sent = await bot.send_message(
            OWNER,
            "P&amp;L <b>+₹6,240</b>",
            parse_mode="HTML",
            disable_notification=True,
            protect_content=True,
            reply_parameters=ReplyParameters(asked.id),
            reply_markup=CONFIRM,
        )
        assert sent.text == "P&L +₹6,240"
        assert sent.parse_entities() == {sent.entities[0]: "+₹6,240"}
        assert sent.has_protected_content
        assert sent.reply_to_message is not None
        assert sent.reply_to_message.message_id == asked.id
        assert sent.reply_markup is not None
        assert sent.reply_markup.to_dict() == CONFIRM.to_dict()
        stored = server.messages[sent.message_id]
        assert (stored.silent, stored.protected, stored.html) == (True, True, "P&amp;L <b>+₹6,240</b>")


async def test_edits_change_text_keyboard_and_history():
    """An edit without keyboard takes it away; keyboard alone can be edited; every state is remembered."""
    async with house() as (server, bot):
        sent = await bot.send_message(OWNER, "one", reply_markup=CONFIRM)
        edited = await bot.edit_message_text("two", OWNER, sent.message_id)
        assert isinstance(edited, Message)
        assert (edited.text, edited.reply_markup) == ("two", None)
        assert edited.edit_date is not None
        await bot.edit_message_reply_markup(OWNER, sent.message_id, reply_markup=CONFIRM)
        assert server.messages[sent.message_id].buttons == ["Exit now", "Not now", "Copy id"]
        assert server.messages[sent.message_id].edits == ["one", "two", "two"]


REFUSED = [
    ({"text": "<b>x"}, "can't parse entities: can't find end tag corresponding to start tag \"b\""),
    ({"text": "  "}, "message text is empty"),
    ({"text": "x" * 4097}, "message is too long"),
    ({"text": "😀" * 2049}, "message is too long"),
    ({"text": "x", "chat_id": 999}, "chat not found"),
    ({"text": "x", "reply_parameters": ReplyParameters(999)}, "message to be replied not found"),
    ({"text": "x", "message_thread_id": 999}, "message thread not found"),
    ({"text": "x", "parse_mode": "MarkdownV2"}, "unsupported parse_mode"),
]


@pytest.mark.parametrize(("fields", "words"), REFUSED)
async def test_bad_sends_are_refused_in_telegrams_words(fields, words):
    """What Telegram would not send is a BadRequest, and nothing appears in the chat."""
    async with house() as (server, bot):
        with pytest.raises(BadRequest) as refused:
            await bot.send_message(**{"chat_id": OWNER, "parse_mode": "HTML"} | fields)
        assert words.lower() in str(refused.value).lower()
        assert server.sent() == []


BAD_BUTTONS = [
    ({"text": "x", "callback_data": "₹" * 22}, "button_data_invalid"),
    ({"text": "x", "callback_data": ""}, "button_data_invalid"),
    ({"text": "x"}, "text buttons are unallowed"),
    ({"text": "x", "callback_data": "a", "url": "https://example.org"}, "text buttons are unallowed"),
    ({"text": "", "callback_data": "a"}, "button text is empty"),
    ({"text": "x", "callback_data": "a", "style": "orange"}, "invalid button style"),
    ({"text": "x", "url": "ftp://example.org"}, "wrong http url"),
    ({"text": "x", "copy_text": {"text": "y" * 257}}, "button_copy_text_invalid"),
    ("x", "object expected"),
]


@pytest.mark.parametrize(("button", "words"), BAD_BUTTONS)
async def test_bad_buttons_are_refused(button, words):
    """A button must do exactly one thing, within its limits: 64 bytes of data, three colours."""
    async with TelegramServer(token=TOKEN) as server, aiohttp.ClientSession() as session:
        call = {"chat_id": OWNER, "text": "x", "reply_markup": {"inline_keyboard": [[button]]}}
        async with session.post(f"{server.api_url}/bot{TOKEN}/sendMessage", json=call) as answer:
            assert answer.status == 400
            assert words in (await answer.json())["description"].lower()


async def test_the_longest_allowed_things_are_taken():
    """4,096 characters after parsing, 64 bytes of button data, 200 of toast: the limits themselves pass."""
    async with house() as (server, bot):
        board = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="d" * 64)]])
        sent = await bot.send_message(OWNER, f"<b>{'x' * 4096}</b>", parse_mode="HTML", reply_markup=board)
        query = server.phone.tap(sent.message_id, "x")
        await bot.answer_callback_query(query.id, "t" * 200)
        assert query.toast == "t" * 200


async def test_edits_are_refused_when_they_change_nothing_or_hit_nothing():
    """Not modified, not found, not mine, no text: each edit error as Telegram words it."""
    async with house() as (server, bot):
        sent = await bot.send_message(OWNER, "<b>one</b>", parse_mode="HTML", reply_markup=CONFIRM)
        own = server.phone.send("hello")
        photo = await bot.send_photo(OWNER, png())
        with pytest.raises(BadRequest, match="Message is not modified"):
            await bot.edit_message_text(
                "<b>one</b>", OWNER, sent.message_id, parse_mode="HTML", reply_markup=CONFIRM
            )
        with pytest.raises(BadRequest, match="Message is not modified"):
            await bot.edit_message_reply_markup(OWNER, sent.message_id, reply_markup=CONFIRM)
        with pytest.raises(BadRequest, match="Message can't be edited"):
            await bot.edit_message_text("x", OWNER, own.id)
        with pytest.raises(BadRequest, match="There is no text in the message to edit"):
            await bot.edit_message_text("x", OWNER, photo.message_id)
        await bot.delete_message(OWNER, sent.message_id)
        with pytest.raises(BadRequest, match="Message to edit not found"):
            await bot.edit_message_text("x", OWNER, sent.message_id)
        with pytest.raises(BadRequest, match="Message to delete not found"):
            await bot.delete_message(OWNER, sent.message_id)


async def test_a_tap_is_answered_once_and_soon():
    """A second answer, one after 15 seconds and one to an invented query are too old."""
    now = Moment()
    async with house(now=now) as (server, bot):
        sent = await bot.send_message(OWNER, "x", reply_markup=CONFIRM)
        first, second = (server.phone.tap(sent.message_id, "Not now") for _ in range(2))
        await bot.answer_callback_query(first.id, "no", show_alert=True)
        assert (first.toast, first.alert) == ("no", True)
        now.at_s += 16
        for stale in (first.id, second.id, "123"):
            with pytest.raises(BadRequest, match="Query is too old"):
                await bot.answer_callback_query(stale)
        assert not second.answered


async def test_photos_and_documents_make_the_round_trip():
    """A picture sent from bytes can be fetched again, swapped for another, and captioned."""
    async with house() as (server, bot):
        sent = await bot.send_photo(OWNER, png(40, 20), caption="<i>payoff</i>", parse_mode="HTML")
        assert (sent.photo[-1].width, sent.photo[-1].height, sent.caption) == (40, 20, "payoff")
        fetched = await (await sent.photo[-1].get_file()).download_as_bytearray()
        assert bytes(fetched) == png(40, 20)
        swapped = await bot.edit_message_media(InputMediaPhoto(png(8, 8), "new"), OWNER, sent.message_id)
        assert isinstance(swapped, Message)
        assert (swapped.photo[-1].width, swapped.caption) == (8, "new")
        captioned = await bot.edit_message_caption(OWNER, sent.message_id, caption="newer")
        assert isinstance(captioned, Message)
        assert (captioned.caption, captioned.photo) == ("newer", swapped.photo)
        paper = await bot.send_document(OWNER, b"a,b\n1,2\n", filename="trades.csv")
        assert paper.document is not None
        assert (paper.document.file_name, paper.document.file_size) == ("trades.csv", 8)
        again = await bot.send_document(OWNER, paper.document.file_id)
        assert again.document == paper.document
        with pytest.raises(BadRequest, match=r"(?i)image_process_failed"):
            await bot.send_photo(OWNER, b"not a picture")
        with pytest.raises(BadRequest, match="Wrong file identifier"):
            await bot.send_photo(OWNER, "https://example.org/x.png")
        assert server.calls_of("sendPhoto")[-1].status == 400


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


async def test_rich_messages_are_a_switch():
    """The method sendRichMessage does not exist until it is switched on, which is how a bot probes for it."""
    async with house() as (server, bot):
        call = {"chat_id": OWNER, "rich_message": {"html": "<table></table>"}}
        with pytest.raises(EndPointNotFound):
            await bot.do_api_request("sendRichMessage", api_kwargs=call)
        server.state.rich = True
        sent = await bot.do_api_request("sendRichMessage", api_kwargs=call, return_type=Message)
        assert isinstance(sent, Message)
        assert "rich_message" in sent.api_kwargs


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
