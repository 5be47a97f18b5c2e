"""``python -m tests.gallery``: draw docs/gallery/*.png on the phone page, and write docs/gallery.md."""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from tests.gallery.page import FOLDER, PAGE, written
from tests.gallery.scenes import Scene, shown
from tests.support.browser import browser

#: Enough for a page of few colours, and a quarter of the bytes.
_COLOURS = 48
#: A phone on which the longest message fits.
_TALL = {"width": 390, "height": 1_800, "deviceScaleFactor": 1, "mobile": True}


_LOADED = "return [...arguments[0].querySelectorAll('img')].every(i => i.complete && i.naturalWidth)"


async def main() -> int:
    """Draw; exit status 2 where there is no browser."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        print("chromium and chromedriver (Debian: chromium, chromium-driver) are missing", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    scenes: list[Scene] = []
    with tempfile.TemporaryDirectory() as room, browser(Path(room) / "profile", still=True) as driver:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", _TALL)
        async for scene, bubble, server in shown(Path(room)):
            # opened anew, the page has the sandbox's clock, which is moved on between scenes
            await asyncio.to_thread(driver.get, server.phone_url)
            await asyncio.to_thread(_draw, driver, bubble.id, bubble.text, FOLDER / f"{scene.name}.png")
            scenes.append(scene)
    PAGE.write_text(written(scenes), encoding="utf-8")
    return 0


def _draw(driver: WebDriver, message_id: int, text: str, file: Path) -> None:
    """One bubble with its buttons, once the page shows what it says."""
    title = text.split("\n", 1)[0].strip()[-12:]  # an emoji before it is no text on the page

    def drawn(_driver: WebDriver) -> bytes | None:
        found = driver.find_elements(By.CSS_SELECTOR, f'[data-message-id="{message_id}"]')
        if not found or title not in (found[0].get_attribute("textContent") or ""):
            return None
        bubble = found[0]
        if not driver.execute_script(_LOADED, bubble):
            return None
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", bubble)
        return bubble.screenshot_as_png

    # an edit puts another bubble into its place at any moment
    wait = WebDriverWait(driver, 20, 0.1, ignored_exceptions=[StaleElementReferenceException])
    png = wait.until(drawn, f"{file.stem}: {title!r} is not on the page")
    assert png is not None
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        few.save(file, optimize=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
