"""What the gallery shows: one message after another, said by a whole monitor and its chat.

A new kind of message is one more step here; `make pictures` draws it and writes it into the page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from math import sin
from pathlib import Path
from typing import NamedTuple

from engine.audit_page import AuditNow
from engine.chat_tuning import ChatTuning
from engine.effects import Alert, Card, Digest
from engine.io.log import LogLine, Redactor, Tail
from engine.io.process import Process
from engine.messages import AccountState, Actor, Beat, BeatKind, DrillWanted, FeedChanged, FeedState, Ticks
from engine.model import Urgency, position_id
from engine.picture import rules_now
from engine.sessions import at
from sandbox.telegram_server import Message as Bubble
from sandbox.telegram_server import TelegramServer
from tests.bot.house import AT_S, OWNER, VERSION, QuickClock, make_chat, message_with, running, telegram
from tests.bot.test_gauges_pages import AFTER, AUDITED, BEFORE
from tests.bot.test_why_view import seen_by
from tests.bot.whole import ENTRY, House
from tests.engine.makers import SPOT, traded

WELL = AccountState(
    AT_S + 80_000, "SELF", 1, orders_allowed=True, data_plan=True, derivatives=True, skew_s=0.1
)
#: Mids that have gained a little, rupees.
BETTER = (18, 38, 33, 16)
AFTER_CLOSE_S = at(date(2026, 2, 3), "15:31")
#: So long prices breathe before the first look, so that the day has a curve.
MORNING_MIN = 150
STEP_S = 10
POSITION = position_id("default", 3359)
STUCK = (
    "BANKNIFTY 24 NOV 58000 CE",
    "  BUY 35/35 @ 412.10",
    "BANKNIFTY 24 NOV 57000 PE",
    "  BUY 0/35",
    "The broker does not list BANKNIFTY 24 NOV 57000 PE; unknown is not flat",
)
LOGGED = (
    LogLine(AT_S - 90, "", "INFO order updates connected: reading the books"),
    LogLine(AT_S - 40, "", "INFO told, MEDIUM: NIFTY Iron Condor"),
    LogLine(AT_S - 5, "", "WARNING chat: user 666 in chat 666 is not allowed"),
)


class Scene(NamedTuple):
    """One message: the picture's name, its part of the page, what is said below it."""

    name: str
    part: str
    caption: str


class Shown(NamedTuple):
    """A scene whose message stands on the phone now."""

    scene: Scene
    bubble: Bubble
    server: TelegramServer


_LOOKS = (
    ("/status", "SEMI-AUTO", "how everything stands"),
    ("/positions", "Positions ·", "each position in two lines"),
    ("/p 3359", "3359 NIFTY Iron Condor", "one position; its buttons only look, or ask"),
    ("/pnl", "P&L today", "the day as a picture; or `week`, `month`, a position"),
    ("/payoff 3359", "At expiry", "what it can come to, at expiry and today"),
    ("/rules 3359", "at worst", "what guards it, and how far that is"),
    ("/why 3359", "Why ·", "what its rules did, and why not more"),
    ("/accounts", "P&L", "each account in short"),
    ("/mode", "semi-auto", "how far it may go"),
    ("/health", "Health ·", "one line each, the red first"),
    ("/feed", "Feed live", "how prices come, and how old they are"),
    ("/drill", "Drill ·", "the last drill, and a button for another"),
    ("/audit", "Audit ·", "who did what; below it whether the chain holds"),
    ("/log", "Log ·", "the end of the log, secrets taken out"),
    ("/version", "python-telegram-bot", "what runs here"),
    ("/help", "Commands", "every command"),
)
_ALERTS = (
    (Urgency.HIGH, "The price feed needs you", "Dhan has closed the socket: another program uses the token."),
    (Urgency.MEDIUM, "NIFTY Iron Condor", "Loss ₹4,120.00: 83 % of the way to the stop loss at −₹4,972.50."),
    (Urgency.NORMAL, "Ready for the session", "13 things are ready."),
)


def _morning(house: House, clock: QuickClock) -> None:
    """From the entry's mids to better ones, there and back a little: a sample a minute."""
    rig, steps = house.rig, MORNING_MIN * 60 // STEP_S
    for step in range(steps):
        done, wave = step / steps, sin(step / 110) + 0.4 * sin(step / 31)
        mids = [was + (now - was) * done for was, now in zip(ENTRY, BETTER, strict=True)]
        rig.now_s += STEP_S
        rig.quotes(mids[0], mids[1] + 4 * wave, mids[2] + 2 * wave, mids[3])
        rig.tell(Beat(BeatKind.PULSE))
    rig.tell(Beat(BeatKind.SYNC))
    clock.skip(MORNING_MIN * 60)


async def shown(folder: Path) -> AsyncIterator[Shown]:
    """Lead the house through its day; each message waits on the phone until the next is asked for."""
    clock, house = QuickClock(speed=10), House()
    house.audited, house.came = AuditNow(AUDITED, 1_204, 1_204, ""), iter((BEFORE, AFTER))
    house.rig.tell(WELL)
    house.rig.tell(FeedChanged(FeedState.LIVE, "prices arrive"))
    _morning(house, clock)
    house.rig.tell(Ticks([traded(SPOT, 25_012.35)]))
    tail = Tail(Redactor())
    tail._lines.extend(LOGGED)
    async with telegram(clock) as server:
        process, tuning = Process(VERSION, tail, AT_S - 7_500), ChatTuning()
        chat = make_chat(server, house, clock, folder, process=process, tuning=tuning)
        async with running(chat):
            pinned = await message_with(server, "nobody watches", timeout_s=60.0)
            yield Shown(Scene("summary", "Pinned", "how everything stands, edited in place"), pinned, server)
            async for scene, bubble in _looks(server, house, clock):
                yield Shown(scene, bubble, server)
            house.rig.now_s = clock.now_s()  # questions end by the chat's clock too
            house.rig.wait(1, *BETTER)
            async for scene, bubble in _set(server):
                yield Shown(scene, bubble, server)
            async for scene, bubble in _exits(server, house, clock):
                yield Shown(scene, bubble, server)
            async for scene, bubble in _told(server, house, clock):
                yield Shown(scene, bubble, server)


async def _asked(server: TelegramServer, command: str, words: str) -> Bubble:
    before = {message.id for message in server.sent()}
    server.phone.send(command)
    bubble = await server.wait_for(
        lambda s: next((m for m in s.sent() if m.id not in before and words in m.text), None), 60.0
    )
    assert bubble is not None
    return bubble


async def _looks(
    server: TelegramServer, house: House, clock: QuickClock
) -> AsyncIterator[tuple[Scene, Bubble]]:
    house.rig.tell(DrillWanted(Actor(OWNER, OWNER, "Asha")))
    house.rig.tell(WELL)
    house.rig.said.clear()
    house.rig.wait(31, *BETTER)
    house.rig.tell(Ticks([traded(SPOT, 25_012.35)]))
    clock.skip(31)
    house.rules_now = rules_now(house.rig.monitor, 3359, house.rig.now_s)
    house.seen = (seen_by(house.rig),)
    for command, words, caption in _LOOKS:
        bubble = await _asked(server, command, words)
        yield Scene(command.strip("/").split()[0], "Looking", f"`{command}`: {caption}"), bubble


async def _set(server: TelegramServer) -> AsyncIterator[tuple[Scene, Bubble]]:
    part = "Tighter, quieter, looser"
    yield (
        Scene("snooze", part, "`/snooze 3359`: each button is a command"),
        await _asked(server, "/snooze 3359", "Snooze 3359"),
    )
    card = await _asked(server, "/p 3359", "3359 NIFTY Iron Condor")
    server.phone.tap(card.id, "Tighten…")
    page = await message_with(server, "Tighten the stop of", timeout_s=60.0)
    yield Scene("tighten", part, "*Tighten…* of the card: nearer stops, each of which asks"), page
    ask = await _asked(server, "/set 3359 stop_loss -30%", "Tighten stop loss of 3359")
    yield Scene("set_question", part, "`/set 3359 stop_loss -30%`: what changes"), ask
    server.phone.tap(ask.id, "Leave as it is")
    await server.wait_for(lambda _: not ask.buttons, 60.0)
    keys = await _asked(server, "/set 3359 stop_loss -60%", "/code")
    yield Scene("first_key", part, "what loosens takes an owner, a code …"), keys
    server.phone.send(keys.text[keys.text.index("/code") :].split("\n")[0])
    await server.wait_for(lambda _: "/code" not in keys.text, 60.0)
    yield Scene("second_key", part, "… and a minute in which anybody may cancel"), keys
    server.phone.tap(keys.id, "Cancel")
    await server.wait_for(lambda _: not keys.buttons, 60.0)


async def _exits(
    server: TelegramServer, house: House, clock: QuickClock
) -> AsyncIterator[tuple[Scene, Bubble]]:
    part = "An exit"
    yield (
        Scene("exit", part, "`/exit`: nothing happens before a question"),
        await _asked(server, "/exit", "Exit which position?"),
    )
    ask = await _asked(server, "/exit 3359", "Exit 3359 NIFTY Iron Condor?")
    yield Scene("question", part, "the question, for a minute and for one answer"), ask
    server.phone.tap(ask.id, "Exit now")
    await server.wait_for(lambda _: "Exiting" in ask.text, 60.0)
    yield Scene("running", part, "the same message while the exit runs"), ask
    yield Scene("orders_live", part, "`/orders` meanwhile"), await _asked(server, "/orders", "Orders ·")
    house.end(BETTER)
    clock.skip(max(house.rig.now_s - clock.now_s(), 0))
    house.speak()
    await server.wait_for(lambda _: "Verified flat" in ask.text, 60.0)
    yield Scene("flat", part, "and at its end: books and positions agree"), ask
    yield Scene("orders", part, "`/orders` afterwards"), await _asked(server, "/orders", "verified flat")
    yield Scene("trades", part, "`/trades`: the fills"), await _asked(server, "/trades", "Trades ·")
    yield (
        Scene("report", part, "`/report`: the week in figures; or `month`"),
        await _asked(server, "/report", "Report of this week"),
    )


async def _told(
    server: TelegramServer, house: House, clock: QuickClock
) -> AsyncIterator[tuple[Scene, Bubble]]:
    part = "Told and refused"
    for urgency, title, text in _ALERTS:
        house.give(Alert(urgency, title, title, text, POSITION if "NIFTY" in title else None))
        bubble = await message_with(server, text.split(":")[0], timeout_s=60.0)
        yield Scene(f"alert_{urgency.name.lower()}", part, f"an alert, {urgency.name}"), bubble
        if urgency is Urgency.HIGH:
            clock.skip(60)
            again = await message_with(server, "NOT SEEN", timeout_s=60.0)
            yield Scene("again", part, "told again, louder, until somebody presses *Seen*"), again
            server.phone.tap(again.id, "Seen")
            yield Scene("seen", part, "and then"), await message_with(server, "Seen by", timeout_s=60.0)
    house.give(Card("x17", "Stuck: 3360 BANKNIFTY Short Strangle", STUCK, final=True, urgency=Urgency.HIGH))
    yield (
        Scene("stuck", part, "an exit that needs a person"),
        await message_with(server, "Stuck: 3360", timeout_s=60.0),
    )
    for name, command, words, caption in (
        ("misspelt", "/stpo", "Did you mean", "a word that is no command"),
        ("usage", "/set 3359", "Set one rule", "a command that lacks something"),
    ):
        yield Scene(name, part, f"`{command}`: {caption}"), await _asked(server, command, words)
    server.phone.send("/exit all", age_s=840)
    yield (
        Scene("old", part, "a command from before an outage"),
        await message_with(server, "Ignored “/exit all”", timeout_s=60.0),
    )
    server.phone.send("/flatten everything", user=666)
    yield (
        Scene("stranger", part, "somebody else tried"),
        await message_with(server, "A stranger at the bot", timeout_s=60.0),
    )
    yield (
        Scene("stop", part, "`/stop`: at once, without a question"),
        await _asked(server, "/stop", "Automation is halted"),
    )
    house.rig.now_s = clock.now_s()
    yield (
        Scene("resume", part, "`/resume`: asks first"),
        await _asked(server, "/resume", "Resume automation?"),
    )
    house.rig.now_s = AFTER_CLOSE_S
    for kind in (BeatKind.PULSE, BeatKind.SESSION_CLOSE, BeatKind.HEALTH):
        house.rig.tell(Beat(kind))
    house.give(house.rig.of(Digest)[-1])
    yield (
        Scene("digest", "The end of the day", "told once after the close, silently"),
        await message_with(server, "The session is over", timeout_s=60.0),
    )
