"""The commands that look into the house, over real HTTP: one account, several, one that is down."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from engine.accounts import People
from engine.audit_page import AuditNow
from engine.drill import Drilled, drill_now
from engine.errors import BadInput
from engine.feed_page import feed_now
from engine.health_page import health_now
from engine.io.log import LogLine, Redactor, Tail
from engine.io.process import Process
from engine.io.wiring import Traffic, quiet_view
from engine.messages import Actor, Command, DrillWanted
from engine.model import Mode, Urgency
from engine.orders_page import DeskNow, desk_now
from engine.preflight import Check, Light
from tests.bot.house import (
    AT_S,
    OWNER,
    VERSION,
    Core,
    QuickClock,
    alert,
    answered,
    house,
    make_chat,
    message_with,
    running,
    telegram,
)
from tests.bot.test_gauges_pages import AFTER, AUDITED, BEFORE, EXITS, FEED, FILLS, WELL

DESK = DeskNow(EXITS, FILLS)
FRIENDS = People(owners=frozenset({43}))
DOWN = "Account WIFE is down: the lock is held"


def seen(account: str = "default", **changes: object) -> Core:
    """A house of which everything can be seen."""
    core = Core(account=account, picture=house())
    core.pictures = {desk_now: DESK, health_now: WELL, feed_now: FEED, drill_now: Drilled(AT_S, WELL)}
    core.came = iter((BEFORE, AFTER))
    core.audited = AuditNow(AUDITED, 1_204, 1_204, "")
    for name, value in changes.items():
        setattr(core, name, value)
    return core


def fallen(account: str = "WIFE") -> Core:
    """A house that does not run; its journal is there all the same."""
    picture = quiet_view(AT_S, Mode.EXECUTE, DOWN, sandbox=False)
    return Core(account=account, picture=picture, audited=AuditNow(AUDITED, 7, 7, ""))


def process(*lines: LogLine) -> Process:
    tail = Tail(Redactor(["canary-later"]))
    tail._lines.extend(lines)
    return Process(VERSION, tail, AT_S - 7_500)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/orders", "BUY 65/130 @ 20.55 part filled"),
        ("/trades", "~12,34,56,789.05"),
        ("/trades 1", "2 earlier"),
        ("/health", "Health · all is well"),
        ("/feed", "prices/s, over 1 s           850"),
        ("/drill", "Drill · all is well"),
        ("/audit", "Chain holds: all 1,204 lines verified."),
        ("/audit 1", "asked: exit 3359"),
        ("/log", "Nothing was logged yet."),
        ("/version", "0123456789ab"),
        ("/trades x", "Read “x” after /trades; expected how many lines, from 1 to 50."),
        ("/trades 51", "from 1 to 50"),
        ("/log 0", "expected how many lines"),
        ("/audit -3", "expected how many lines"),
        ("/drill now", "expected nothing, or run. Nothing was done."),
    ],
)
async def test_each_command_shows_its_page_and_posts_nothing(tmp_path: Path, text: str, words: str):
    """A look is a look: the core hears of none of them."""
    clock, core = QuickClock(speed=10), seen()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send(text)
        page = await message_with(server, words)
        assert page.protected
        assert page.silent
        assert core.posted == []


async def test_several_accounts_are_each_told_of_under_their_names(tmp_path: Path):
    """The one that is down is unknown, not empty; its audit can be read."""
    clock = QuickClock(speed=10)
    cores = [seen("HUF"), fallen()]
    async with telegram(clock) as server, running(make_chat(server, cores, clock, tmp_path)):
        for text, known, unknown in (
            ("/orders", "HUF · Orders · 2 working", f"WIFE · Orders unknown: {DOWN}"),
            ("/trades", "HUF · Trades · 3 today", f"WIFE · Trades unknown: {DOWN}"),
            ("/feed", "HUF · Feed live", f"WIFE · Feed unknown: {DOWN}"),
            ("/drill", "HUF · Drill", f"WIFE · Drill unknown: {DOWN}"),
            ("/health", "HUF · Health · all is well", "WIFE · Health · 🔴 needs you"),
            ("/audit", "HUF · Audit · 1,204 lines", "WIFE · Audit · 7 lines"),
        ):
            server.phone.send(text)
            await message_with(server, known, timeout_s=30.0)
            await message_with(server, unknown, timeout_s=30.0)
        server.phone.send("/orders WIFE")
        await server.wait_for(
            lambda s: sum(m.text == f"WIFE · Orders unknown: {DOWN}" for m in s.sent()) == 2, 30.0
        )
        assert sum("HUF · Orders" in m.text for m in server.sent()) == 1


async def test_nobody_sees_what_is_of_an_account_in_which_they_are_nobody(tmp_path: Path):
    """Neither its orders nor its audit, nor its lines of the log, nor those that are of all."""
    clock = QuickClock(speed=10)
    cores = [seen("HUF"), seen("DESK", people=FRIENDS)]
    lines = (
        LogLine(AT_S, "HUF", "INFO [HUF] mine"),
        LogLine(AT_S, "DESK", "INFO [DESK] theirs"),
        LogLine(AT_S, "", "INFO of everybody, canary-later"),
    )
    async with (
        telegram(clock) as server,
        running(make_chat(server, cores, clock, tmp_path, process=process(*lines))),
    ):
        for text, words in (
            ("/orders", "HUF · Orders"),
            ("/audit", "HUF · Audit"),
            ("/log", "Of your accounts alone."),
        ):
            server.phone.send(text)
            await message_with(server, words, timeout_s=30.0)
        server.phone.send("/audit DESK")
        await message_with(server, "That needs a viewer of DESK.", timeout_s=30.0)
        shown = "\n".join(m.text for m in server.sent())
        assert "mine" in shown
        assert "theirs" not in shown
        assert "of everybody" not in shown
        assert "DESK · " not in shown


async def test_the_log_is_everybody_s_for_whoever_may_see_all(tmp_path: Path):
    """A named account has its own lines alone; secrets are not among them."""
    clock = QuickClock(speed=10)
    lines = (LogLine(AT_S, "HUF", "INFO [HUF] mine"), LogLine(AT_S, "", "WARNING of all, canary-later"))
    async with telegram(clock) as server:
        cores = [seen("HUF"), seen("WIFE")]
        async with running(make_chat(server, cores, clock, tmp_path, process=process(*lines))):
            server.phone.send("/log")
            page = await message_with(server, "of all, ***")
            assert "mine" in page.text
            server.phone.send("/log WIFE")
            await message_with(server, "Nothing was logged yet.")


async def test_a_journal_that_cannot_be_read_is_said(tmp_path: Path):
    """In the words of whoever could not read it."""
    clock, core = QuickClock(), seen(audited=BadInput("journal.sqlite3: cannot be read (locked)"))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/audit")
        await message_with(server, "The journal cannot be read now: journal.sqlite3: cannot be read (locked)")


async def test_a_drill_is_held_by_button_or_word_in_the_account_that_was_shown(tmp_path: Path):
    """The outcome is the core's to tell; nothing else is posted, and no account that was not meant."""
    clock = QuickClock(speed=10)
    huf, wife = seen("HUF"), seen("WIFE", pictures={})
    async with telegram(clock) as server, running(make_chat(server, [huf, wife], clock, tmp_path)):
        server.phone.send("/drill WIFE")
        page = await message_with(server, "WIFE · Drill\nNot held since the start.")
        press = server.phone.tap(page.id, "Hold the drill now")
        await wife.wait_for(lambda c: c.of(DrillWanted))
        await answered(server, press)
        assert (wife.posted, huf.posted) == ([DrillWanted(Actor(OWNER, OWNER, "Asha"))], [])
        server.phone.send("/drill run")
        await huf.wait_for(lambda c: c.of(DrillWanted))
        assert len(wife.of(DrillWanted)) == 2
        assert huf.of(Command) == wife.of(Command) == []


async def test_what_is_told_is_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """So that /log shows what the phone was told, by its title."""
    caplog.set_level(logging.INFO)
    clock, core = QuickClock(), seen()
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        core.give(alert(Urgency.HIGH, "t"))
        await message_with(server, "High t")
        assert "told, HIGH: High t" in caplog.text


async def test_a_house_that_is_built_anew_while_prices_are_counted_is_unknown(tmp_path: Path):
    """Counts of two lives are no rate."""
    clock, core = QuickClock(speed=10), seen(came=iter((AFTER, Traffic(3, 0, 0))))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/feed")
        await message_with(server, "Feed unknown: it was started a moment ago")


async def test_the_chat_s_own_trouble_is_a_line_of_health(tmp_path: Path):
    """And so is the disk; what is red comes first."""
    clock = QuickClock(speed=10)
    core = seen(disk_is=Check("disk", Light.RED, "0.1 GB free of 40"))
    async with telegram(clock) as server, running(make_chat(server, core, clock, tmp_path)):
        server.phone.send("/health")
        page = await message_with(server, "Health · 🔴 needs you")
        lines = page.text.split("\n")
        assert lines[1] == "RED  disk: 0.1 GB free of 40"
        assert any(line.startswith("ok   Telegram") for line in lines)
