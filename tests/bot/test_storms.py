"""Storms of alerts over a real Telegram on loopback with its flood limits: what is heard, and when."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from engine.effects import Alert
from engine.model import Urgency
from sandbox.telegram_server import Flood, TelegramServer
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


@dataclass
class Told:
    """When each alert of a storm was given, and when the emulator first showed it."""

    given_s: dict[str, float]
    shown_s: dict[str, float]

    def late_s(self, title: str) -> float:
        """How long it took, seconds of the emulator's clock."""
        return self.shown_s[title] - self.given_s[title]


def storm(count: int, seed: int) -> list[Alert]:
    """So many alerts, each of a topic of its own, one in ten MEDIUM and one in twenty-five HIGH."""
    chance = Random(seed)
    urgencies = chance.choices((HIGH, MEDIUM, NORMAL), (4, 10, 86), k=count)
    return [alert(urgency, f"n{n:03d}") for n, urgency in enumerate(urgencies)]


async def rage(core: Core, clock: QuickClock, alerts: list[Alert], seconds: float) -> dict[str, float]:
    """Give them to the chat, evenly over these seconds of its clock."""
    given_s, began_s = {}, clock.now_s()
    for n, one in enumerate(alerts):
        await clock.sleep(began_s + n * seconds / len(alerts) - clock.now_s())
        given_s[one.title] = clock.now_s()
        core.give(one)
    return given_s


def shown(server: TelegramServer, titles: Iterable[str]) -> dict[str, float]:
    """When the emulator first took a message or an edit that names each title."""
    wanted, first_s = set(titles), {}
    for call in server.calls:
        for title in re.findall(r"(?:High|Medium|Normal) n[0-9]{3}", call.fields.get("text", "")):
            if call.ok and title in wanted:
                first_s.setdefault(title, call.at_s)
    return first_s


def counted(server: TelegramServer) -> int:
    """How many alerts the storm messages speak of, as they stand now."""
    found = [re.search(r"Storm: ([0-9]+) more", message.text) for message in server.sent()]
    return sum(int(each[1]) for each in found if each)


def single(server: TelegramServer) -> list[str]:
    """The titles of what was told by itself, as they stand in the chat."""
    heads = [message.text.split("\n")[0].removeprefix("🔴 ").removeprefix("🟠 ") for message in server.sent()]
    return [head for head in heads if re.fullmatch(r"(High|Medium|Normal) n[0-9]{3}", head)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_five_hundred_alerts_in_ten_seconds(tmp_path: Path, seed: int):
    """Each HIGH alert told by itself is there within a second, nothing is lost, and no flood limit is met."""
    clock, core, alerts = QuickClock(speed=4), Core(), storm(500, seed)
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.flood = Flood()
        server.phone.send("/help")
        await message_with(server, "Commands")  # it is up
        told = Told(await rage(core, clock, alerts, 10.0), {})
        high = [one.title for one in alerts if one.urgency is HIGH]
        await server.wait_for(lambda here: set(high) <= shown(here, high).keys(), 40)
        clock.skip(60)  # the next summary's minute
        await server.wait_for(lambda here: counted(here) + len(single(here)) == len(alerts), 40)
        told.shown_s = shown(server, told.given_s)
        alone = [title for title in high if title in single(server)]
        assert alone
        worst_s = max(told.late_s(title) for title in alone)
        assert worst_s < 1.0, worst_s
        assert told.late_s(high[0]) < 1.0
        assert max(told.late_s(title) for title in high) < 10.0
        assert [call.status for call in server.calls if call.status == 429] == []
        for urgency in ("High", "Medium", "Normal"):
            order = [title for title in single(server) if title.startswith(urgency)]
            assert order == sorted(order), "the order they were given in"


async def test_a_flood_wait_in_a_storm_loses_nothing_and_high_comes_first(tmp_path: Path):
    """Refused with 429 for ten seconds, the chat is left alone for so long; then HIGH is the first."""
    clock, core = QuickClock(speed=10), Core()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(alert(NORMAL, "n000"))
        await message_with(server, "Normal n000")
        server.faults.fail(429, method="sendMessage", retry_after_s=10)
        alerts = [alert(NORMAL, f"n{n:03d}") for n in range(1, 40)]
        for one in alerts[:20]:
            core.give(one)
        while not core.chat.rooms.outbox._budget.blocked_until_s:
            clock.rested.clear()
            await clock.rested.wait()
        [refused_s] = [call.at_s for call in server.calls if call.status == 429]
        core.give(alert(HIGH, "n900"))
        for one in alerts[20:]:
            core.give(one)
        await message_with(server, "High n900")
        sent = [call for call in server.calls_of("sendMessage") if call.ok and call.at_s > refused_s]
        assert "High n900" in sent[0].fields["text"]
        assert 10.0 <= sent[0].at_s - refused_s < 12.0
        clock.skip(60)
        await server.wait_for(lambda here: counted(here) + len(single(here)) == 41, 40)
