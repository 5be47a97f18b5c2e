"""The looks into the house, of a whole house: what they show is what it has done."""

from __future__ import annotations

import pytest

from engine.model import Mode
from tests.e2e.outside import WAIT_S, monitor, orders_of, sandbox, text_of

pytestmark = pytest.mark.timeout(120)


async def test_what_an_exit_has_done_is_seen_in_every_page(tmp_path):
    """An exit by hand, a stranger at the door, a drill; then each page, and the chain of it all holds."""
    async with sandbox() as world, monitor(world, tmp_path, Mode.EXECUTE, rules=""):
        telegram = world.telegram

        async def look(command, words):
            telegram.phone.send(command)
            return (await telegram.wait_for(text_of(words), WAIT_S)).text

        await telegram.wait_for(text_of("of the way to"), WAIT_S)  # books, rows and prices are there
        await look("/orders", "No exit has ordered anything today.")
        telegram.phone.send("/flatten everything", user=666)
        telegram.phone.send("/exit 3361")
        ask = await telegram.wait_for(text_of("Exit 3361"), WAIT_S)
        telegram.phone.tap(ask.id, "Exit now")
        await telegram.wait_for(text_of("Verified flat: 3361"), WAIT_S)
        orders = await look("/orders", "verified flat")
        assert orders.count("filled") == len(orders_of(world, 3361)) == 2
        assert "Trades · 2 today" in await look("/trades", "Trades ·")
        assert "ours, fence" in await look("/health", "Health ·")
        assert "Feed live" in await look("/feed", "all priced")
        await look("/drill run", "things were looked at")
        assert "plan 3359" in await look("/drill", "Drill ·")
        told = await look("/audit 60", "Chain holds: all")
        assert "turned away: /flatten" in told.replace("\n  ", " ")
        await look("/version", "python-telegram-bot")
