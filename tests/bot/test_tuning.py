"""How the chat speaks: by a proxy, protected or not, and without a sound at night."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from engine.chat_tuning import ChatTuning, QuietHours
from engine.model import Urgency
from engine.words import Secret
from tests.bot.house import (
    Core,
    QuickClock,
    alert,
    house,
    make_chat,
    message_with,
    position,
    running,
    telegram,
)
from tests.support.proxy import proxy

#: `AT_S`, the tests' moment, is in it.
NOW = QuietHours(time(9), time(10))


async def test_everything_goes_by_the_proxy_polls_too(tmp_path: Path):
    """Where Telegram is blocked the owner's proxy carries each request, with its password."""
    clock = QuickClock()
    async with telegram(clock) as server, proxy() as between:
        tuning = ChatTuning(proxy=Secret(f"http://asha:canary@{between.address}"))
        async with running(
            make_chat(server, Core(picture=house(position())), clock, tmp_path, tuning=tuning)
        ):
            server.phone.send("/status")
            await message_with(server, "3359 NIFTY")
        carried = [target.rpartition("/")[2] for _, target in between.asked]
        assert {"getMe", "getUpdates", "sendMessage"} <= set(carried)
        assert len(between.keys) == len(carried)


async def test_protection_from_forwarding_can_be_turned_off(tmp_path: Path):
    """Someone who keeps a record of the chat elsewhere may forward its messages."""
    clock, core = QuickClock(), Core()
    tuning = ChatTuning(protect=False)
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path, tuning=tuning)):
        server.phone.send("/help")
        assert not (await message_with(server, "Commands")).protected


async def test_in_quiet_hours_only_a_high_alert_makes_a_sound(tmp_path: Path):
    """All three are delivered; the market is closed."""
    clock, core = QuickClock(), Core(picture=house(session_open=False))
    tuning = ChatTuning(quiet=NOW, summary=False)
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path, tuning=tuning)):
        for urgency in Urgency:
            core.give(alert(urgency, urgency.name))
        silent = {each: (await message_with(server, each.name)).silent for each in Urgency}
        assert silent == {Urgency.NORMAL: True, Urgency.MEDIUM: True, Urgency.HIGH: False}
        assert core.looked_at == []  # the clock of the exchange is asked, no position is drawn for it


async def test_in_a_session_no_hour_is_quiet(tmp_path: Path):
    """Whatever the setting says, an open market is no night."""
    clock, core = QuickClock(), Core(picture=house(session_open=True))
    tuning = ChatTuning(quiet=NOW)
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path, tuning=tuning)):
        core.give(alert(Urgency.MEDIUM, "loss"))
        assert not (await message_with(server, "loss")).silent
