"""Storms of alerts over a real Telegram on loopback with its flood limits: what is heard, and when."""

from __future__ import annotations

from pathlib import Path

from engine.model import Urgency
from sandbox.telegram_server import Flood
from tests.bot.house import Core, QuickClock, alert, make_chat, message_with, running, telegram

HIGH, MEDIUM, NORMAL = Urgency.HIGH, Urgency.MEDIUM, Urgency.NORMAL


async def test_high_alerts_beyond_the_budget_are_counted_at_once(tmp_path: Path):
    """None waits for a minute's end: whatever is not told by itself is in a count at once."""
    clock, core = QuickClock(), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.flood = Flood()
        for n in range(20):
            core.give(alert(HIGH, f"first {n:02d}"))
        storm = await message_with(server, "Storm: ")
        single = len([m for m in server.sent() if m.text.startswith("🔴 High first")])
        await server.wait_for(lambda _: f"Storm: {20 - single} more" in storm.text)
        core.give(alert(HIGH, "the last one"))
        began_s = clock.now_s()
        await server.wait_for(lambda _: "High the last one" in storm.text)
        assert clock.now_s() - began_s < 5.0
        assert [call.status for call in server.calls if call.status == 429] == []


async def test_what_a_storm_has_held_back_outlives_a_restart(tmp_path: Path):
    """Killed before its summary was due, the next life tells it."""
    clock, core = QuickClock(speed=10), Core()
    async with telegram(clock) as server:
        async with running(make_chat(server, core, clock, tmp_path)):
            for n in range(14):
                core.give(alert(NORMAL, f"n{n:02d}"))
            await message_with(server, "Storm: 2 more alerts")
            for n in range(14, 20):
                core.give(alert(MEDIUM, f"n{n:02d}"))
        async with running(make_chat(server, core, clock, tmp_path)):
            await message_with(server, "Storm: 6 more alerts", timeout_s=60)


async def test_an_end_that_waits_to_prove_itself_outlives_a_restart(tmp_path: Path):
    """The phone must not go on saying that no prices arrive because the process was restarted."""
    clock, core = QuickClock(speed=10), Core()
    async with telegram(clock) as server:
        async with running(make_chat(server, core, clock, tmp_path)):
            for topic in ("prices-silent", "prices-back") * 2:
                core.give(alert(HIGH if topic == "prices-silent" else MEDIUM, topic))
            await message_with(server, "Medium prices-back")
            assert len([m for m in server.sent() if "prices-back" in m.text]) == 1
        async with running(make_chat(server, core, clock, tmp_path)):
            clock.skip(30)
            await server.wait_for(lambda here: len([m for m in here.sent() if "prices-back" in m.text]) == 2)
            assert core.chat.health().unseen == 0
