"""Sending, editing and deleting, as unmodified python-telegram-bot sees it."""

from __future__ import annotations

import aiohttp
import pytest
from telegram import (
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    Message,
    ReplyParameters,
)
from telegram.error import BadRequest, EndPointNotFound

from sandbox.telegram_server import TelegramServer
from tests.sandbox.telegram_house import OWNER, TOKEN, Moment, house, png

CONFIRM = InlineKeyboardMarkup([
    [
        InlineKeyboardButton("Exit now", callback_data="c:abc:y", api_kwargs={"style": "danger"}),
        InlineKeyboardButton("Not now", callback_data="c:abc:n"),
    ],
    [InlineKeyboardButton("Copy id", copy_text=CopyTextButton("A-7F3K"))],
])  # fmt: skip


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
