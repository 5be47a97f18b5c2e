"""What a newcomer does: two commands, a page in the browser, one exit from tap to verified flat."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import urllib.request

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.e2e.outside import process
from tests.support.browser import browser, one

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        shutil.which("chromium") is None or shutil.which("chromedriver") is None,
        reason="chromium and chromedriver are not installed (Debian: chromium, chromium-driver)",
    ),
]


async def test_a_newcomer_exits_a_position_by_hand_and_the_exchange_holds_nothing_of_it(tmp_path):
    """`python -m bot` without credentials: alerts come, /status answers, Exit, Confirm, flat, zero."""
    async with process({"DATA_DIR": str(tmp_path / "data")}) as child:
        screen = await printed(child)
        assert max(map(len, screen.splitlines())) <= 80
        (phone,) = re.findall(r"phone\s+(http\S+)", screen)
        (exchange,) = re.findall(r"exchange\s+(http\S+)", screen)
        await asyncio.to_thread(walk, phone, tmp_path / "profile")
        books = json.loads(await asyncio.to_thread(fetch, exchange))
    (account,) = books["accounts"].values()
    spread = {p["securityId"]: p["netQty"] for p in account["positions"] if _of_the_spread(p)}
    assert len(spread) == 2
    assert set(spread.values()) == {0}


async def test_a_rule_tightened_on_the_phone_acts_there_and_says_why(tmp_path):
    """`--simulate`: look at the rules, tighten two, the exit comes at the new level, /why tells it."""
    async with process({"DATA_DIR": str(tmp_path / "data")}, "--simulate") as child:
        (phone,) = re.findall(r"phone\s+(http\S+)", await printed(child))
        await asyncio.to_thread(tighten, phone, tmp_path / "profile")


def tighten(url: str, profile) -> None:
    """/rules, /set with its question, /why."""
    with browser(profile) as driver:
        driver.get(url)
        until(driver, lambda: "of the way to" in page(driver), 20)
        send(driver, "/rules")
        press(driver, "3361")
        until(driver, lambda: "stop_loss = -0.5 · shipped default" in page(driver), 10)
        send(driver, "/set 3361 stop_loss -20%")
        until(driver, lambda: "Tighten stop loss of 3361" in page(driver), 10)
        press(driver, "Tighten")
        until(driver, lambda: "Tightened: 3361" in page(driver), 10)
        send(driver, "/set 3361 stop_loss -40%")
        until(driver, lambda: "Loosening needs two keys" in page(driver), 10)
        send(driver, "/rules 3361")
        until(driver, lambda: "stop_loss = -0.2 · chat, by Asha" in page(driver), 10)
        send(driver, "/set 3361 profit_target 5%")
        until(driver, lambda: "It is met already: " in page(driver), 10)
        press(driver, "Tighten, exit now")
        until(driver, lambda: "Verified flat: 3361" in page(driver), 60)
        send(driver, "/why 3361")
        until(driver, lambda: "Why · 3361 NIFTY Bull Put Spread" in page(driver), 10)
        # how much that is goes by the days that the sandbox's contracts have left
        assert re.search(r"5 % of the maximum profit ₹[\d,.]+\) → exit started", page(driver))


def walk(url: str, profile) -> None:
    """Everything the newcomer's thumb does."""
    with browser(profile) as driver:
        driver.get(url)
        until(driver, lambda: "of the way to" in page(driver), 20)  # an alert has come by itself
        send(driver, "/status")
        until(driver, lambda: "ASTRAL" in page(driver), 10)
        send(driver, "/exit")
        press(driver, "3361")
        until(driver, lambda: "Exit 3361" in page(driver), 10)
        press(driver, "Exit now")
        until(driver, lambda: "Verified flat: 3361" in page(driver), 30)
        assert "Exit which position?" not in page(driver)  # one message from the choice to the outcome


def page(driver) -> str:
    return driver.find_element(By.TAG_NAME, "body").text


def send(driver, words: str) -> None:
    composer = one(driver, "#composer")
    composer.send_keys(words)
    composer.send_keys(Keys.ENTER)


def press(driver, words: str) -> None:
    """Press the newest button that says this."""

    def newest():
        named = [b for b in driver.find_elements(By.CSS_SELECTOR, "[data-button]") if words in b.text]
        return named[-1] if named else None

    driver.execute_script("arguments[0].click()", until(driver, newest, 10))


def until(driver, look, seconds: float):
    return WebDriverWait(driver, seconds, 0.1).until(lambda _driver: look())


async def printed(child) -> str:
    """The screen a newcomer reads, up to its last line."""
    lines = []
    async with asyncio.timeout(30):
        while "Ctrl-C" not in "".join(lines):
            lines.append((await child.stdout.readline()).decode())
    return "".join(lines)


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the sandbox's own address
        return answer.read()


def _of_the_spread(row) -> bool:
    return row["tradingSymbol"].startswith("NIFTY") and row["drvStrikePrice"] in (24_900.0, 24_700.0)
