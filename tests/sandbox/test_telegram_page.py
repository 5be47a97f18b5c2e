"""The phone page's server side: its socket and its files."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from sandbox.telegram_server import TelegramServer, User
from tests.sandbox.telegram_house import OWNER, house, png

CARD = InlineKeyboardMarkup([[InlineKeyboardButton("Exit now", callback_data="c:1:y")]])


async def until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """Read the socket until an event of this type comes."""
    async with asyncio.timeout(10):
        while (event := await socket.receive_json())["type"] != kind:
            pass
    return dict(event)


@asynccontextmanager
async def page_of(server: TelegramServer) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Open the owner's page's socket."""
    async with aiohttp.ClientSession() as session, session.ws_connect(server.phone_url + "ws") as socket:
        yield socket


async def test_a_fresh_page_is_told_everything():
    """The first event names bot and person, and brings commands, pins and the messages still there."""
    async with house() as (server, bot), aiohttp.ClientSession() as session:
        await bot.set_my_commands([("status", "how it stands")])
        await bot.set_my_short_description("SIMULATE")
        kept = await bot.send_message(OWNER, "kept", disable_notification=True)
        gone = await bot.send_message(OWNER, "gone")
        await bot.delete_message(OWNER, gone.message_id)
        await bot.pin_chat_message(OWNER, kept.message_id)
        async with session.ws_connect(server.phone_url + "ws") as socket:
            hello = await until(socket, "hello")
    assert (hello["me"]["id"], hello["bot"]["name"], hello["about"]) == (OWNER, "Prahari", "SIMULATE")
    assert [c["command"] for c in hello["commands"]] == ["status"]
    assert hello["pinned"] == [kept.message_id]
    assert [(m.get("text"), m["silent"], m["own"]) for m in hello["messages"]][:1] == [("kept", True, False)]
    assert len(hello["messages"]) == 2


async def test_everything_that_happens_reaches_the_page():
    """Sends, edits, deletions, typing, drafts, pins, commands and descriptions are pushed as they happen."""
    async with house() as (server, bot), page_of(server) as socket:
        sent = await bot.send_message(OWNER, "one")
        assert (await until(socket, "message"))["message"]["text"] == "one"
        await bot.edit_message_text("two", OWNER, sent.message_id)
        assert (await until(socket, "message"))["message"]["edit_date"]
        await bot.send_chat_action(OWNER, "typing")
        assert (await until(socket, "action"))["action"] == "typing"
        await bot.send_message_draft(OWNER, 1, "<b>1</b> of 2", parse_mode="HTML")
        assert (await until(socket, "draft"))["text"] == "1 of 2"
        await bot.pin_chat_message(OWNER, sent.message_id)
        assert (await until(socket, "pinned"))["pinned"] == [sent.message_id]
        await bot.set_my_short_description("ALERT-ONLY")
        assert (await until(socket, "about"))["about"] == "ALERT-ONLY"
        await bot.set_my_commands([("stop", "halt")])
        assert (await until(socket, "commands"))["commands"][0]["command"] == "stop"
        await bot.delete_message(OWNER, sent.message_id)
        assert (await until(socket, "message"))["message"]["deleted"] is True


async def test_the_page_types_taps_and_edits():
    """What a person does on the page reaches the bot, and the answer to a tap finds its button."""
    async with house() as (server, bot), aiohttp.ClientSession() as session:
        card = await bot.send_message(OWNER, "sure?", reply_markup=CARD)
        async with session.ws_connect(server.phone_url + "ws") as socket:
            await socket.send_json({"type": "send", "text": "/status"})
            typed = (await until(socket, "message"))["message"]
            await socket.send_json({"type": "edit", "message_id": typed["message_id"], "text": "/exit"})
            tap = {"type": "tap", "message_id": card.message_id, "data": "c:1:y", "ref": "r1"}
            await socket.send_json(tap)
            tapped = await until(socket, "tapped")
            await bot.answer_callback_query(tapped["query"], "closing", show_alert=True)
            answer = await until(socket, "answer")
            updates = await bot.get_updates()
    assert (tapped["ref"], answer["query"], answer["text"], answer["alert"]) == (
        "r1", tapped["query"], "closing", True,
    )  # fmt: skip
    assert updates[0].message is not None
    assert updates[1].edited_message is not None
    assert updates[2].callback_query is not None
    assert (updates[0].message.text, updates[1].edited_message.text, updates[2].callback_query.data) == (
        "/status", "/exit", "c:1:y",
    )  # fmt: skip


@pytest.mark.parametrize(
    "wish",
    [
        {"type": "tap", "message_id": 1, "data": "never"},
        {"type": "tap", "message_id": 99, "data": "x"},
        {"type": "send"},
        {"type": "edit", "message_id": "x", "text": ""},
        {},
    ],
)
async def test_a_wrong_wish_is_a_problem_not_a_crash(wish):
    """A page that asks for what cannot be is told so and stays connected."""
    async with house() as (server, bot), aiohttp.ClientSession() as session:
        await bot.send_message(OWNER, "sure?", reply_markup=CARD)
        async with session.ws_connect(server.phone_url + "ws") as socket:
            await socket.send_json(wish)
            assert (await until(socket, "problem"))["text"]
            await socket.send_json({"type": "send", "text": "still here"})
            assert (await until(socket, "message"))["message"]["text"] == "still here"


async def test_each_person_has_a_phone():
    """Another person's page shows another chat, and toasts go only to the one who tapped."""
    group = -1001234
    async with (
        house(users=[User(OWNER, "Asha"), User(77, "Ravi")], chat_id=group) as (server, bot),
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.phone_url}ws?user=77&chat={group}") as ravis,
        session.ws_connect(f"{server.phone_url}ws?user=666") as strangers,
    ):
        assert (await until(ravis, "hello"))["chat"] == {"id": group, "title": "Desk", "private": False}
        assert (await until(strangers, "hello"))["chat"]["id"] == 666
        card = await bot.send_message(group, "sure?", reply_markup=CARD)
        query = server.phone.tap(card.message_id, "Exit now")
        await bot.answer_callback_query(query.id, "for Asha only")
        await bot.send_message(group, "for all")
        await bot.send_message(666, "for the stranger")
        seen = [await ravis.receive_json() for _ in range(2)]
        assert [event["message"]["text"] for event in seen] == ["sure?", "for all"]
        assert (await until(strangers, "message"))["message"]["text"] == "for the stranger"


async def test_the_page_is_served_and_nothing_else():
    """Its own files come with a strict policy, pictures inline, documents as downloads, no path beyond."""
    async with house() as (server, bot), aiohttp.ClientSession() as session:
        photo = await bot.send_photo(OWNER, png())
        paper = await bot.send_document(OWNER, b"<script>", filename="evil.html")
        assert paper.document is not None
        for path, status, mime in (
            ("phone/", 200, "text/html"),
            ("phone/app.js", 200, "text/javascript"),
            ("phone/style.css", 200, "text/css"),
            ("", 200, "text/html"),
            (f"phone/file/{photo.photo[0].file_id}", 200, "image/png"),
            (f"phone/file/{paper.document.file_id}", 200, "application/octet-stream"),
            ("phone/file/none", 404, "text/plain"),
            ("phone/..%2ftelegram_page.py", 404, "text/plain"),
        ):
            async with session.get(f"{server.api_url}/{path}") as answer:
                assert (answer.status, answer.content_type) == (status, mime), path
                if status == 200:
                    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


async def test_other_websites_cannot_use_the_socket():
    """A page from elsewhere, open in the same browser, is refused; so is a user that is no number."""
    async with house() as (server, _bot), aiohttp.ClientSession() as session:
        for path, headers, status in (
            ("ws", {"Origin": "https://evil.example"}, 403),
            ("ws", {"Origin": "http://evil.example", "Host": "evil.example"}, 403),
            ("ws?user=me", {}, 400),
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(server.phone_url + path, headers=headers)
            assert refused.value.status == status


def brightness(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` as the accessibility guidelines define it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(scheme):
    """Words stand out from what is behind them by 4.5 to 1, by day and by night."""
    css = (Path(__file__).parents[2] / "sandbox" / "phone" / "style.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\n\s*\}", css, re.DOTALL)[:2]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light + (dark if scheme == "dark" else "")))
    pairs = [
        ("ink", "bubble"), ("ink", "mine"), ("ink", "well"), ("soft", "bubble"), ("soft", "mine"),
        ("soft", "bar"), ("soft", "wall"), ("amber", "bar"), ("amber", "bubble"), ("link", "bubble"),
        ("link", "mine"), ("key-ink", "key"), ("danger", ""), ("success", ""), ("primary", ""),
    ]  # fmt: skip
    for words, behind in pairs:
        darker, lighter = sorted((brightness(colours[words]), brightness(colours.get(behind, "#ffffff"))))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (words, behind)


def test_the_page_needs_nothing_from_outside():
    """No file of the page names an address that is not its own."""
    for file in (Path(__file__).parents[2] / "sandbox" / "phone").iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"//[\w-]+\.\w+|@import|url\(", text) == [], file.name
