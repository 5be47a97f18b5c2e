"""The poll against all that can fail: it goes on, says so once, and hears the next command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from telegram import Update

from bot.application import build
from bot.faults import Fault, FaultBook
from bot.poller import Poller, PollPace, UpdatesRequest, identity
from bot.store import ChatStore
from engine.chat_tuning import ChatTuning
from engine.effects import Alert
from sandbox.telegram_faults import Faults
from sandbox.telegram_server import TelegramServer
from tests.bot.house import TOKEN, QuickClock, telegram

PACE = PollPace(hold_s=1, grace_s=0.3, first_rest_s=0.05, longest_rest_s=0.1)


class Ear:
    """A poll at work: what it heard and what it alarmed."""

    def __init__(self, server: TelegramServer, clock: QuickClock, store: ChatStore) -> None:
        self.server = server
        self.clock = clock
        self.store = store
        self.heard: asyncio.Queue[Update] = asyncio.Queue()
        self.alarms: list[Alert] = []
        self.seen: list[Fault] = []
        self.faults = FaultBook("poll", self.alarms.append)

    async def next_text(self) -> str:
        """Wait for the next update and read it."""
        async with asyncio.timeout(10):
            message = (await self.heard.get()).message
        assert message is not None
        return message.text or ""


@asynccontextmanager
async def polling(server: TelegramServer, clock: QuickClock, folder: Path) -> AsyncIterator[Ear]:
    """Run a poll with a memory in the folder."""
    app = build(TOKEN, server.api_url, ChatTuning())
    ear = Ear(server, clock, ChatStore(folder / "chat.sqlite3"))
    async with app.bot:
        poller = Poller(
            app.bot, store=ear.store, faults=ear.faults, clock=clock, pace=PACE, hand_on=ear.heard.put
        )
        work = asyncio.create_task(poller.run())
        try:
            yield ear
            assert not work.done(), "the poll ended by itself"
        finally:
            work.cancel()
            await asyncio.wait({work})
            ear.store.close()


def block_page(faults: Faults) -> None:
    """A provider's page in Telegram's place."""
    faults.fail(404, times=3, method="getUpdates", page="<html>This site is blocked.</html>")


@pytest.mark.parametrize(
    ("arm", "fault", "alarms"),
    [
        (lambda f: f.fail(401, times=3, method="getUpdates"), Fault.REFUSED, 2),
        (lambda f: f.fail(404, times=3, method="getUpdates"), Fault.REFUSED, 2),
        (block_page, Fault.REFUSED, 2),
        (lambda f: f.fail(409, times=3, method="getUpdates"), Fault.CONFLICT, 1),
        (lambda f: f.fail(502, times=3, method="getUpdates"), Fault.SERVER, 0),
        (lambda f: f.fail(429, times=1, method="getUpdates", retry_after_s=1), Fault.FLOOD, 0),
        (lambda f: f.drop(times=3, method="getUpdates"), Fault.UNREACHABLE, 0),
        (lambda f: f.hang(times=1, method="getUpdates"), Fault.SILENT, 0),
    ],
)
async def test_it_outlives_every_fault(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    arm: Callable[[Faults], None],
    fault: Fault,
    alarms: int,
):
    """However often a poll fails, it is said once; the command sent meanwhile is heard afterwards."""
    clock = QuickClock()
    async with telegram(clock) as server:
        arm(server.faults)
        async with polling(server, clock, tmp_path) as ear:
            await server.wait_for(lambda s: s.faults.armed == 0)
            server.phone.send("/status")
            assert await ear.next_text() == "/status"
            # A conflict counts as over only after it stayed away for a while: two pollers take turns.
            assert ear.faults.open == ((Fault.CONFLICT,) if fault is Fault.CONFLICT else ())
            assert len(ear.alarms) == alarms
        said = [record.getMessage() for record in caplog.records if record.name == "bot.faults"]
        assert sum(f"poll: {fault} (" in line for line in said) == 1
        assert sum(f"poll: {fault} is over" in line for line in said) == int(fault is not Fault.CONFLICT)


def test_two_pollers_taking_turns_are_one_alarm():
    """Conflict, success, conflict, success: the owner reads it once, and once more when it is over."""
    alarms: list[Alert] = []
    book = FaultBook("poll", alarms.append)
    for second in range(20):
        book.seen(Fault.CONFLICT, second)
        book.gone(second + 0.5)
    assert [alarm.title for alarm in alarms] == ["A second program polls this bot"]
    book.gone(60.0)
    assert alarms[-1].text == "A second program polls this bot: over after 60 s."
    assert book.open == ()


def test_a_long_outage_is_told_afterwards():
    """A minute without Telegram cannot be told while it lasts; afterwards it is."""
    alarms: list[Alert] = []
    book = FaultBook("poll", alarms.append)
    book.seen(Fault.UNREACHABLE, 0.0)
    book.gone(59.0)
    assert alarms == []
    book.seen(Fault.UNREACHABLE, 100.0)
    book.seen(Fault.UNREACHABLE, 300.0)
    book.gone(400.0)
    assert [alarm.text for alarm in alarms] == ["Telegram unreachable: over after 5 min."]


async def test_a_restarted_poll_skips_what_was_heard(tmp_path: Path):
    """Delivered again after a crash, an update is recognised; a new one is not mistaken for it."""
    clock = QuickClock()
    async with telegram(clock) as server:
        async with polling(server, clock, tmp_path) as ear:
            server.phone.send("/stop")
            assert await ear.next_text() == "/stop"
            server.faults.hang(times=100, method="getUpdates")
        server.faults.clear()
        async with polling(server, clock, tmp_path) as ear:
            server.phone.send("/help")
            assert await ear.next_text() == "/help"


async def test_an_unreadable_update_does_not_block_those_behind_it(tmp_path: Path):
    """It is confirmed unread, once, and the next command is heard."""
    clock = QuickClock()
    async with telegram(clock) as server, polling(server, clock, tmp_path) as ear:
        server.updates.push("message", {"message_id": 1, "date": "yesterday"})
        server.phone.send("/status")
        async with asyncio.timeout(10):
            assert (await ear.heard.get()).message is None
        assert await ear.next_text() == "/status"


def test_an_unreadable_update_is_blanked():
    """What the library cannot read keeps its number and loses the rest; good ones are untouched."""
    payload = b'{"ok": true, "result": [{"update_id": 5, "message": {"date": "x"}}, {"update_id": 6}]}'
    assert UpdatesRequest.parse_json_payload(payload)["result"] == [{"update_id": 5}, {"update_id": 6}]
    assert UpdatesRequest.parse_json_payload(b'{"ok": false}') == {"ok": False}


def test_the_same_number_is_not_the_same_update():
    """When Telegram starts its numbers anew, an old number on a new message is new."""

    def named(date: int) -> str:
        chat = {"id": 1, "type": "private"}
        raw = {"update_id": 7, "message": {"message_id": 1, "date": date, "chat": chat, "text": "x"}}
        update = Update.de_json(raw, None)
        assert update is not None
        return identity(update)

    assert named(1_800_000_000) == named(1_800_000_000)
    assert named(1_800_000_000) != named(1_800_600_000)
