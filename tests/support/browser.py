"""Headless Chromium at the size of a phone, talking to loopback only."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


@contextmanager
def browser(profile: Path, scheme: str = "light", *, still: bool = False) -> Iterator[webdriver.Chrome]:
    """Open headless Chromium at the size of a phone; it talks to loopback only.

    Args:
        profile: an empty folder for it.
        scheme: light or dark.
        still: the person asked the system for less motion, so that nothing rides or fades.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--remote-debugging-port=0", f"--user-data-dir={profile}",
        "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=127.0.0.1",
    ):  # fmt: skip
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        motion = {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"}
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}, motion]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        yield driver
    finally:
        driver.quit()


def one(driver: webdriver.Chrome, selector: str) -> Any:
    """Wait for an element to be shown, then return it."""

    def shown(_driver: webdriver.Chrome) -> Any:
        return next(
            (each for each in driver.find_elements(By.CSS_SELECTOR, selector) if each.is_displayed()), None
        )

    return WebDriverWait(driver, 10, 0.05).until(shown, f"{selector} is not shown")


def gone(driver: webdriver.Chrome, selector: str) -> None:
    """Wait for an element to be hidden or taken away."""

    def hidden(_driver: webdriver.Chrome) -> bool:
        return not any(each.is_displayed() for each in driver.find_elements(By.CSS_SELECTOR, selector))

    WebDriverWait(driver, 10, 0.05).until(hidden, f"{selector} is still shown")
