"""A whole house in the evening: the feed rests, the chat does not."""

from __future__ import annotations

import pytest

from engine.model import Mode
from tests.e2e.outside import WAIT_S, monitor, sandbox, text_of

pytestmark = pytest.mark.timeout(90)
EVENING = "2026-11-18T20:00:00+05:30"


async def test_in_the_evening_no_socket_is_open_and_the_chat_knows_the_last_prices(tmp_path):
    """They were asked for once, by REST; whoever asks is answered at once."""
    async with (
        sandbox() as world,
        monitor(world, tmp_path, Mode.ALERT_ONLY, rules="", CLOCK_START=EVENING),
    ):
        await world.telegram.wait_for(text_of("Prahari is running"), WAIT_S)
        for _ in range(30):
            before = len(world.telegram.sent())
            world.telegram.phone.send("/feed")
            await world.telegram.wait_for(lambda s, before=before: len(s.sent()) > before, WAIT_S)
            if "all priced" in world.telegram.sent()[-1].text:
                break
        page = world.telegram.sent()[-1].text
        assert "all priced" in page
        assert "the market is closed" in page.replace("\n  ", " ")
        assert world.dhan.feed_connections == 0
