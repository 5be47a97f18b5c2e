"""A house in simulate mode on virtual time: runner, journal, paper broker and recorder, a scripted feed."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date, time
from math import ceil

from engine.io import tables
from engine.io.inbox import Inbox
from engine.io.journal import Journal
from engine.io.paper import PaperBroker
from engine.io.perform import Performer, Ports
from engine.io.recorder import Recorder
from engine.io.runner import Runner
from engine.messages import (
    AccountState,
    Actor,
    Beat,
    BeatKind,
    Command,
    FeedChanged,
    FeedState,
    RulesChanged,
    Tick,
    Wish,
)
from engine.model import Mode
from engine.monitor import Monitor, MonitorConfig
from engine.paper import PaperExchange
from engine.recording.scribe import KEPT, Opening, Scribe
from engine.sessions import at
from engine.tuning import Tuning
from engine.watch import Watchlist
from tests.engine.makers import condor
from tests.support.clock import VirtualClock, settle
from tests.support.ear import Ear
from tests.support.rig import rows_of

DAY = date(2026, 2, 3)
#: Ten minutes before the close, off the beat of the pulses: on no real clock two messages share a moment.
START = time(15, 20, 0, 300_000)
#: Mids of the condor's legs at entry, rupees.
ENTRY = (20, 45, 40, 18)
PULSE_S, SYNC_S = 0.5, 30.0
ASHA = Actor(42, 42, "Asha")


class Shelf:
    """A trade store whose rows a test may change."""

    def __init__(self, rows):
        self.rows, self.levels = list(rows), []

    async def open_rows(self):
        return list(self.rows)

    async def exit_levels(self):
        return list(self.levels)


class Silence:
    """A port that nobody asks in simulate mode, or that has nothing to say."""

    def subscribe(self, instruments):
        """Prices come from the script."""

    async def state(self):
        return AccountState()

    async def quotes(self, _keys):
        return []


class PaperHouse:
    """One life; `living` lets it run.

    Attributes:
        said: what the phone would show.
    """

    def __init__(self, home, *positions, rules="", clock=None, room=lambda _path: 2**40):
        self.clock = clock or VirtualClock(at(DAY, START))
        self.positions = positions or (condor(),)
        rows, number = [], 1
        for position in self.positions:
            rows += rows_of(position, number)
            number += len(position.legs)
        self.shelf, self.said, self.inbox = Shelf(rows), [], Inbox()
        self.journal = Journal(home / "journal-paper.sqlite3")
        calendar = tables.calendar()
        watch = Watchlist(calendar, tables.rulebook(rules), charges=tables.charges())
        config = MonitorConfig(Mode.SIMULATE, "default", sandbox=False, seed=bytes(16))
        self.monitor = Monitor(config, calendar, watch)
        kept = self.journal.load()
        self.monitor.restore(kept, self.clock.now_s())
        state = {kind: kept.get(kind, {}) for kind in KEPT}
        self.rules = rules
        opening = Opening("default", "simulate", asdict(Tuning()), state, lambda: self.rules)
        self.recorder = Recorder(
            Scribe(opening), home, Mode.SIMULATE, calendar, self.clock, self.said.append, room
        )
        broker = PaperBroker(
            PaperExchange(), self.clock, self.monitor.holdings.reading.recorded_nets, self.inbox.post
        )
        self._tasks = set()
        silence = Silence()
        performer = Performer(
            inbox=self.inbox,
            ports=Ports(
                broker=broker, access=silence, store=self.shelf, feed=silence, chat=Ear(self.said.append),
                margins=silence, quotes=silence, updates=silence, control=silence,
            ),
            clock=self.clock, load_master=self._master, spawn=self._spawn, books=lambda _line: None,
        )  # fmt: skip
        self.runner = Runner(
            self.monitor, self.journal, performer, self.inbox, self.clock, (broker.listen,),
            record=self.recorder.heard,
        )  # fmt: skip
        self._pulse_s = ceil(self.clock.now_s() / PULSE_S) * PULSE_S
        self._synced_s = 0.0

    @property
    def legs(self):
        return [leg for position in self.positions for leg in position.legs]

    async def _master(self, _symbols):
        return {leg.key: leg.instrument for leg in self.legs}

    def _spawn(self, _name, work):
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @asynccontextmanager
    async def living(self):
        """Run the house; at the end everything is in its file, and the file is let go of."""
        run = asyncio.create_task(self.runner.run())
        self.inbox.post(FeedChanged(FeedState.LIVE, "a script"))
        self.inbox.post(Beat(BeatKind.SYNC))
        await settle()
        try:
            yield self
        finally:
            run.cancel()
            await asyncio.wait({run, *self._tasks})
            self.recorder.flush()
            self.recorder._places.close()
            self.journal.close()

    async def quote(self, *mids, spread=0.1, size=650, volume=0):
        """Quote every leg at these mids, rupees, all in one batch."""
        await self.ticks(
            *(
                Tick(
                    leg.key, round(mid * 100), 0, round((mid - spread / 2) * 100), size,
                    round((mid + spread / 2) * 100), size, volume,
                )
                for leg, mid in zip(self.legs, mids, strict=True)
            )
        )  # fmt: skip

    async def ticks(self, *ticks):
        """Let these come as one batch."""
        self.inbox.post_ticks(ticks)
        await settle()

    async def passes(self, seconds):
        """Let time pass, a pulse at each half second, and a look into the store at each half minute."""
        until_s = self.clock.now_s() + seconds
        while self._pulse_s <= until_s:
            await self.clock.advance(self._pulse_s - self.clock.now_s())
            self.inbox.post(Beat(BeatKind.PULSE))
            if self._pulse_s - self._synced_s >= SYNC_S:
                self._synced_s = self._pulse_s
                self.inbox.post(Beat(BeatKind.SYNC))
            await settle()
            self._pulse_s += PULSE_S
        await self.clock.advance(until_s - self.clock.now_s())

    async def until(self, clock):
        """Let time pass until this time of the day."""
        await self.passes(at(DAY, clock) - self.clock.now_s())

    async def closes(self):
        """The bell."""
        await self.until("15:30:00")
        self.inbox.post(Beat(BeatKind.SESSION_CLOSE))
        await settle()

    async def take_rules(self, rules):
        """The rules file has another content."""
        self.rules = rules
        self.inbox.post(RulesChanged(tables.rulebook(rules), "rules.toml", "another"))
        await settle()

    async def ask_exit(self):
        """A person wants the first position closed."""
        strategy_id = self.positions[0].strategy_id
        self.inbox.post(Command(Wish.EXIT, ASHA, strategy_id, confirmed=True, owner=True))
        await settle()
