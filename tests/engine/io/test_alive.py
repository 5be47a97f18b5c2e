"""Signs of life: systemd hears them while every exit loop goes round, the outside while all is well."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import requests

from engine.effects import Audit
from engine.io.alive import LOOK_S, PING_S, DeadMan, Life, notifier, watchdog_s
from engine.io.inbox import Inbox
from engine.io.runner import Runner
from engine.measures import Measures
from engine.messages import Beat, BeatKind, FeedState
from engine.words import Secret
from tests.engine.io.test_runner import Machine, Notebook, World
from tests.engine.test_health import WELL
from tests.support.clock import VirtualClock, settle

WATCHDOG_S = 30.0
EVERY_S = WATCHDOG_S / 3


class Line:
    """The line to a house whose loop goes round when a test says so."""

    def __init__(self, account="default"):
        self.account, self.rounds, self.now = account, 0, WELL

    def health(self):
        return self.now


class Stage:
    """Some lines, what systemd heard, whose freezing was told, and the clock of it all."""

    def __init__(self, *accounts):
        self.lines = [Line(name) for name in accounts or ("default",)]
        self.heard, self.frozen, self.clock = [], [], VirtualClock()
        self.life = Life(self.lines, self.heard.append, WATCHDOG_S, self.clock, self.frozen.append)

    async def turn(self, *lines):
        """These go round once, then it is looked."""
        for line in lines:
            line.rounds += 1
        await self.clock.advance(EVERY_S)


@asynccontextmanager
async def living(*accounts):
    """A stage whose signs of life run."""
    stage = Stage(*accounts)
    task = asyncio.create_task(stage.life.run())
    await settle()
    yield stage
    task.cancel()
    await asyncio.wait({task})


async def test_systemd_hears_of_the_start_of_life_and_of_the_end():
    """READY once the loop has gone round, WATCHDOG while it does, STOPPING when the house is closed."""
    async with living() as stage:
        assert stage.heard == []
        await stage.turn(stage.lines[0])
        assert stage.heard[0] == "READY=1\nSTATUS=1 of 1 accounts watched"
        await stage.turn(stage.lines[0])
        await stage.turn(stage.lines[0])
        assert stage.heard[1:] == ["WATCHDOG=1"] * 2
    assert stage.heard[-1] == "STOPPING=1"


async def test_a_frozen_loop_ends_the_feeding_and_is_told_once():
    """One of two houses stands still: nothing is sent any more, and the owner hears which one it is."""
    async with living("default", "huf") as stage:
        first, huf = stage.lines
        await stage.turn(first, huf)
        await stage.turn(first, huf)
        before = len(stage.heard)
        for _ in range(3):
            await stage.turn(first)
        assert stage.heard[before:] == []
        assert stage.frozen == ["huf"]
        assert not stage.life.well
        await stage.turn(first, huf)
        assert stage.heard[before:] == ["WATCHDOG=1"]
        assert stage.life.well


async def test_a_house_that_is_down_does_not_get_the_others_killed():
    """Its fall is told and it is built again; a restart of all would hurt the accounts that are well."""
    async with living("default", "huf") as stage:
        first, huf = stage.lines
        await stage.turn(first, huf)
        huf.rounds = None
        await stage.turn(first)
        await stage.turn(first)
        assert stage.heard[-2:] == ["WATCHDOG=1"] * 2
        huf.rounds = 0  # its next life has begun in this moment
        await stage.turn(first)
        assert stage.heard[-1] == "WATCHDOG=1"
        fed = len(stage.heard)
        await stage.turn(first)  # and has not gone round for a whole look
        assert len(stage.heard) == fed


async def test_a_start_waits_half_a_minute_for_the_slow_ones():
    """One house that cannot be built does not keep systemd from knowing of the others."""
    async with living("default", "huf") as stage:
        stage.lines[1].rounds = None
        for _ in range(4):
            await stage.turn(stage.lines[0])
        assert stage.heard[0] == "READY=1\nSTATUS=1 of 2 accounts watched"


async def test_a_start_without_any_house_is_up_all_the_same_after_a_while():
    """All are down and told: to be killed for it would end the chat that says why, and their pauses."""
    async with living("default", "huf") as stage:
        for line in stage.lines:
            line.rounds = None
        await stage.clock.advance(31.0)
        await stage.turn()
        assert stage.heard[0] == "READY=1\nSTATUS=0 of 2 accounts watched"


async def test_a_house_that_is_there_and_never_goes_round_is_not_called_up():
    """Started anew, it may."""
    async with living() as stage:
        await stage.clock.advance(120.0)
        assert stage.heard == []


def test_only_a_pulse_that_was_handled_to_the_end_counts():
    """Ticks, and a pulse over which the machine falls, are no sign that exits go on."""
    measures, story = Measures(), []
    machine, notebook = Machine(), Notebook(story)
    runner = Runner(machine, notebook, World(story), Inbox(), VirtualClock(), measures=measures)
    runner.step(Beat(BeatKind.PULSE))
    runner.step(Beat(BeatKind.SYNC))
    assert measures.rounds == 1
    notebook.error = RuntimeError("the disk is gone")
    machine.effects = [Audit("health", {})]
    with pytest.raises(RuntimeError):
        runner.step(Beat(BeatKind.PULSE))
    assert measures.rounds == 1


@pytest.mark.parametrize("abstract", [False, True])
def test_news_go_to_the_socket_that_systemd_names(tmp_path, abstract):
    """A path, or a name in the abstract namespace, as in sd_notify(3)."""
    name = f"@prahari-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0"))
        notifier({"NOTIFY_SOCKET": name})("WATCHDOG=1")
        assert systemd.recv(100) == b"WATCHDOG=1"


def test_a_systemd_that_is_gone_or_not_there_stops_nothing(tmp_path, caplog):
    """Its socket is away: one line in the log; none is named: not even that."""
    notifier({})("READY=1")
    assert caplog.text == ""
    notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")})("READY=1")
    assert "systemd cannot be told READY" in caplog.text


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdogs_patience_is_read_as_systemd_says_it(environ, expected):
    """Microseconds, and only when they are meant for this process."""
    assert watchdog_s(environ) == expected


def test_without_a_watchdog_it_is_looked_all_the_same():
    """A frozen loop is told in the chat also where nobody restarts it."""
    assert Life([], lambda _news: None, None, VirtualClock(), lambda _name: None).every_s == LOOK_S


# ---------------------------------------------------------------------------------- the outside


class Outside:
    """Counts pings, or fails them as told."""

    def __init__(self):
        self.pings, self.error = [], None

    def get(self, url):
        self.pings.append(url)
        if self.error is not None:
            raise self.error


class Clock(VirtualClock):
    """Says when somebody goes to sleep."""

    def __init__(self):
        super().__init__()
        self.asleep = asyncio.Event()

    async def sleep(self, seconds):
        self.asleep.set()
        await super().sleep(seconds)


@asynccontextmanager
async def pinging(line, outside, *, turning=True):
    """An outside watch that runs; the yielded function lets one of its minutes pass."""
    clock = Clock()
    man = DeadMan(Secret("http://127.0.0.1/canary"), [line], lambda: turning, clock, outside.get)
    task = asyncio.create_task(man.run())
    await settle()

    async def minute():
        clock.asleep.clear()
        await clock.advance(PING_S)
        await clock.asleep.wait()  # the ping's thread has answered

    yield minute
    task.cancel()
    await asyncio.wait({task})


async def test_the_outside_is_told_each_minute_that_all_is_well():
    """One ping a minute to the address of the settings."""
    outside = Outside()
    async with pinging(Line(), outside) as minute:
        await minute()
        await minute()
    assert outside.pings == ["http://127.0.0.1/canary"] * 2


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (None, "is down"),
        (replace(WELL, degraded="the journal failed"), "only alerts"),
        (replace(WELL, feed=FeedState.DOWN, data_age_s=None), "hears no prices"),
    ],
)
async def test_the_outside_is_not_told_so_when_it_is_not(now, why, caplog):
    """A house that is down, only alerts in its session or hears nothing lets the outside watch ring."""
    caplog.set_level("INFO")
    line, outside = Line(), Outside()
    line.now = now
    async with pinging(line, outside) as minute:
        await minute()
    assert outside.pings == []
    assert why in caplog.text


async def test_a_loop_that_stands_still_is_not_well():
    """What systemd is not told, the outside is not told either."""
    outside = Outside()
    async with pinging(Line(), outside, turning=False) as minute:
        await minute()
    assert outside.pings == []


async def test_outside_the_session_a_dead_token_lets_nobody_ring():
    """At night the machine may be unfit to trade; what matters is told before the open."""
    line, outside = Line(), Outside()
    line.now = replace(WELL, in_session=False, degraded="the access token has ended", data_age_s=9_000.0)
    async with pinging(line, outside) as minute:
        await minute()
    assert len(outside.pings) == 1


async def test_an_outside_that_fails_is_logged_once_and_without_its_address(caplog):
    """The first failure and the recovery, each a line; whoever reads it cannot ping in our name."""
    outside = Outside()
    outside.error = requests.ConnectionError("https://hc.example/canary")
    async with pinging(Line(), outside) as minute:
        await minute()
        await minute()
        outside.error = None
        await minute()
    assert [record.getMessage() for record in caplog.records] == [
        "the outside watch cannot be told: ConnectionError",
        "the outside watch is told again",
    ]
