"""A walk through the phone page in a real browser."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup

from sandbox.telegram_entities import plain
from sandbox.telegram_server import Message, TelegramServer
from sandbox.telegram_state import Body
from tests.sandbox.telegram_house import OWNER, house
from tests.support.browser import browser, gone, one

CARD = InlineKeyboardMarkup([
    [
        InlineKeyboardButton("Exit now", callback_data="c:1:y", api_kwargs={"style": "danger"}),
        InlineKeyboardButton("Not now", callback_data="c:1:n"),
    ],
    [InlineKeyboardButton("Later", api_kwargs={"disabled": {}})],
])  # fmt: skip


#: Scroll to the top and come back once the page has seen it: its listeners run before the second frame.
SCROLL_UP = """
    document.getElementById("scroll").scrollTo({top: 0, behavior: "instant"});
    requestAnimationFrame(() => requestAnimationFrame(() => arguments[0]()));
"""
#: How much of the composer does not fit into it, pixels.
OVERFLOW = "const c = document.getElementById('composer'); return c.scrollHeight - c.clientHeight"


def bottom(driver: webdriver.Chrome, selector: str) -> float:
    """Find where an element ends, pixels from the top."""
    rect = one(driver, selector).rect
    return rect["y"] + rect["height"]


class Walk:
    """A person with a browser on one thread, a bot on the event loop."""

    def __init__(self, server: TelegramServer, bot: Bot, profile: Path) -> None:
        self.server, self.bot, self.profile = server, bot, profile
        self.loop = asyncio.get_running_loop()

    def let(self, awaitable: Any) -> Any:
        """Run something on the bot's side and wait for it."""
        return asyncio.run_coroutine_threadsafe(awaitable, self.loop).result(10)

    def bubble(self, message: Message) -> str:
        """Name the bubble of a message as a selector."""
        return f'[data-message-id="{message.id}"]'

    def chat(self) -> None:
        """Type a command, choose one from the list, tap, see the toast, the edit and the alert box."""
        with browser(self.profile) as driver:
            driver.get(self.server.phone_url)
            one(driver, "#status[data-state=on]")
            one(driver, "#composer").send_keys("/status", Keys.ENTER)
            typed = self.let(self.server.wait_for(lambda s: list(s.messages.values())))[0]
            assert (typed.text, "/status" in one(driver, self.bubble(typed)).text) == ("/status", True)

            one(driver, "#composer").send_keys("/")
            one(driver, "[data-command=exit]")
            one(driver, "#composer").send_keys(Keys.ARROW_DOWN, Keys.ENTER)
            gone(driver, "#sheet")
            self.let(self.server.wait_for(lambda s: "/exit" in [m.text for m in s.messages.values()]))

            sent = self.let(self.bot.send_message(OWNER, "Close?", reply_markup=CARD))
            card = self.server.messages[sent.message_id]
            self.tap_and_see(driver, card)
            self.fill(driver)
            assert driver.title == "Prahari", "whoever stands at the end has seen what came on the way there"
            assert driver.get_log("browser") == []

    def fill(self, driver: webdriver.Chrome) -> None:
        """Let a burst of messages come, more than the page shows at once."""
        for number in range(25):
            last = self.let(self.bot.send_message(OWNER, f"filling {number}"))
        one(driver, f'[data-message-id="{last.message_id}"]')

    async def meanwhile(self) -> None:
        """Let a message come while no page is there to see it."""
        state = self.server.state
        state.post(OWNER, state.bot.id, Body(plain("unseen too"), "unseen too"))

    def tap_and_see(self, driver: webdriver.Chrome, card: Message) -> None:
        """Tap the card's red button and follow what the bot makes of it."""
        assert not one(driver, "[data-button=Later]").is_enabled()
        red = one(driver, f'{self.bubble(card)} [data-button="c:1:y"]')
        assert red.get_attribute("data-style") == "danger"
        red.click()
        one(driver, '[data-button="c:1:y"][aria-busy=true]')
        query = self.let(self.server.wait_for(lambda s: list(s.state.queries.values())))[0]
        self.let(self.bot.answer_callback_query(query.id, "closing 3359"))
        assert one(driver, "#toast").text == "closing 3359"
        assert bottom(driver, "#toast") < red.rect["y"]
        gone(driver, "[aria-busy=true]")
        self.let(self.bot.edit_message_text("verified flat", OWNER, card.id, reply_markup=CARD))
        WebDriverWait(driver, 10, 0.05).until(
            lambda _d: "verified flat" in one(driver, self.bubble(card)).text
        )
        assert "edited" in one(driver, f"{self.bubble(card)} .meta").text

        one(driver, f'{self.bubble(card)} [data-button="c:1:n"]').click()
        queries = self.server.state.queries
        self.let(self.server.wait_for(lambda _s: len(queries) == 2))
        self.let(self.bot.answer_callback_query(list(queries)[-1], "too late", show_alert=True))
        assert one(driver, "#alert-text").text == "too late"
        one(driver, "#alert-ok").click()
        gone(driver, "#alert")

    def look(self) -> None:
        """Tables fit, signs are drawn, loud ones pulse, the title counts the unseen, an outage shows."""
        with browser(self.profile, "dark", still=True) as driver:
            driver.get(self.server.phone_url)
            one(driver, "#status[data-state=on]")
            row = "3359 NIFTY IC  +6,240 +51.2 HIGH"
            assert len(row) == 32
            table = f"🔴 <pre>{row}</pre>" + "<tg-time unix='9999999999' format='r'>later</tg-time>"
            loud = self.let(self.bot.send_message(OWNER, table, parse_mode="HTML"))
            silent = self.let(self.bot.send_message(OWNER, "calm", disable_notification=True))
            one(driver, f'[data-message-id="{loud.message_id}"].loud .bell')
            one(driver, f'[data-message-id="{silent.message_id}"]:not(.loud) .hush')
            wide, room = driver.execute_script(
                "const p = document.querySelector('pre'); return [p.scrollWidth, p.clientWidth]"
            )
            assert wide <= room
            sign = one(driver, f'[data-message-id="{loud.message_id}"] img')
            assert sign.get_attribute("alt") == "🔴"
            assert driver.execute_script("return arguments[0].naturalWidth", sign) > 0
            composer = driver.execute_script(OVERFLOW)
            assert composer <= 0
            assert driver.execute_script("return document.documentElement.scrollWidth") == 390
            assert one(driver, "time").text.startswith("in ")

            self.fill(driver)
            driver.execute_async_script(SCROLL_UP)
            self.let(self.bot.send_message(OWNER, "unseen"))
            assert one(driver, "#chip").text == "1 new message ↓"
            assert driver.title == "(1) Prahari"
            one(driver, "#chip").click()
            gone(driver, "#chip")
            assert driver.title == "Prahari"

            driver.execute_async_script(SCROLL_UP)
            self.let(self.server.stop())
            one(driver, "#banner")
            self.let(self.meanwhile())
            self.let(self.server.start())
            gone(driver, "#banner")
            assert one(driver, "#chip").text == "1 new message ↓"
            assert driver.execute_script("return document.getElementById('scroll').scrollTop") < 5


needs_chromium = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")),
    reason="needs chromium and chromedriver: apt-get install chromium chromium-driver",
)


@needs_chromium
async def test_a_person_types_taps_and_sees_the_answer(tmp_path):
    """In a real browser: typed and chosen commands arrive, a tap spins, toasts, edits and alerts."""
    async with house() as (server, bot):
        await bot.set_my_commands([("status", "how it stands"), ("exit", "close a position")])
        await asyncio.to_thread(Walk(server, bot, tmp_path).chat)


@needs_chromium
async def test_a_person_sees_loud_from_silent_and_misses_nothing(tmp_path):
    """In a real browser: fitting tables, bells, relative times, the unread chip, and an outage survived."""
    async with house() as (server, bot):
        await asyncio.to_thread(Walk(server, bot, tmp_path).look)
