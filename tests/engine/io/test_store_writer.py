"""What is due to the trade store: in order, again until it is done, nothing in the way of anything else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from engine.effects import CloseTrades, Record, ReduceTrades, RowPart
from engine.errors import AuthFailed, Declined, Unreachable
from engine.io.store_writer import LATE_NEWS_S, STORE_RETRY_S, StoreWriter
from engine.messages import StoreWriting
from tests.support.clock import VirtualClock

INTENT = {
    "id": "260203001", "position": "default/3359", "by": "", "note": "", "part": None, "created_s": 0.0,
    "state": "working",
    "verdict": {
        "rule": "stop_loss", "reason": "below it", "pnl": -497_250, "threshold": -500_000, "urgency": 3,
    },
}  # fmt: skip
ORDER = {
    "id": "P-default-260203001-0-1-1", "intent": "260203001", "key": 2 << 32 | 49081, "side": "SELL",
    "quantity": 65, "limit": 2005, "filled": 0, "average": None, "state": "working", "order_id": "77",
    "sent_s": 1.0,
}  # fmt: skip
BOOK = {
    "intent": "260203001", "sequence": 1, "state": "flat", "part": None,
    "legs": [
        {
            "rows": {"1": {"units": 65, "left": 0, "entry_paise": None}}, "side": "BUY", "filled": 65,
            "realised_paise": None, "charges_paise": 2415, "slippage_paise": None, "closed_by_others": 0,
        }
    ],
}  # fmt: skip


class Store:
    """A store with faults by row, one for everything, one for figures, and one for exits."""

    def __init__(self):
        self.away, self.declines = None, {}
        self.no_figures = self.no_exits = None
        self.hangs, self.asked = False, asyncio.Event()
        self.done, self.figures, self.exits = [], [], []

    def _meet(self, *faults):
        for fault in (self.away, *faults):
            if fault is not None:
                raise fault

    async def close_rows(self, job):
        self._meet(*(self.declines.get(row) for row in job.exits))
        self.done.append(tuple(job.exits))

    async def reduce_rows(self, parts, _closed_at_s, name):
        self._meet(*(self.declines.get(part.row_id) for part in parts))
        self.done.append(name)

    async def note_exits(self, figures):
        self._meet(self.no_figures)
        self.figures.append(len(figures))
        return ()

    async def record_exit(self, intent, orders):
        self.asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        self._meet(self.no_exits)
        self.exits.append((intent["status"], [order["status"] for order in orders]))


class Desk:
    """A writer at work on virtual time."""

    def __init__(self):
        self.store, self.clock, self.said = Store(), VirtualClock(), []
        self.writer = StoreWriter(self.store, self.clock, self.said.append, lambda: None, exits=self.store)


@asynccontextmanager
async def desk():
    made = Desk()
    running = asyncio.ensure_future(made.writer.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_one_row_that_is_declined_holds_back_itself_and_no_other():
    """A lasting refusal of one job; what touches its rows waits behind it, everything else is written."""
    async with desk() as at:
        at.store.declines = {1: Declined("no such function"), 4: AuthFailed("no right")}
        at.writer.put(CloseTrades({4: 100}, 4.0))
        at.writer.put(ReduceTrades("e1", (RowPart(1, 130, 65, 1500),), 5.0))
        at.writer.put(CloseTrades({2: 100}, 6.0))
        at.writer.put(CloseTrades({1: 100}, 7.0))
        at.writer.put(CloseTrades({3: 100}, 8.0))
        await at.clock.advance(0)
        assert at.store.done == [(2,), (3,)]
        assert at.said == [StoreWriting(3, "no right")]
        at.store.declines = {}
        await at.clock.advance(STORE_RETRY_S)
        assert at.store.done[2:] == [(4,), "e1", (1,)]
        assert at.said[-1] == StoreWriting(0, "")


async def test_a_store_that_is_away_makes_all_wait_and_gets_them_in_order():
    """Forty closings while nothing answers: one question a round, then all of them as they happened."""
    async with desk() as at:
        at.store.away = Unreachable("no route")
        for row in range(1, 41):
            at.writer.put(CloseTrades({row: 100}, float(row)))
        await at.clock.advance(STORE_RETRY_S * 720)
        assert at.store.done == []
        assert at.said[-1] == StoreWriting(40, "no route")
        at.store.away = None
        await at.clock.advance(STORE_RETRY_S)
        assert at.store.done == [(row,) for row in range(1, 41)]


async def test_figures_that_cannot_be_noted_close_no_row_twice():
    """Their migration is missing: rows are closed once, exits are told, and it is no trouble of theirs."""
    async with desk() as at:
        at.store.no_figures = Declined("a function is missing")
        at.writer.put(CloseTrades({1: 100}, 5.0))
        at.writer.note(BOOK)
        at.writer.keep(Record("intent", "260203001", INTENT))
        await at.clock.advance(STORE_RETRY_S * 3)
        assert (at.store.done, at.said, at.store.exits) == ([(1,)], [], [("working", [])])
        at.store.no_figures = None
        await at.clock.advance(STORE_RETRY_S)
        assert at.store.figures == [1]


async def test_an_exit_is_told_as_it_stands_after_the_rows():
    """The last word of each exit counts; while rows wait, or exits are refused, nothing is lost of it."""
    async with desk() as at:
        at.store.away = Unreachable("no route")
        at.writer.keep(Record("intent", "260203001", INTENT))
        at.writer.keep(Record("order", ORDER["id"], ORDER))
        at.writer.keep(Record("memory", "default/3359", {}))
        await at.clock.advance(STORE_RETRY_S)
        at.store.away, at.store.no_exits = None, Declined("a table is missing")
        at.writer.keep(Record("order", ORDER["id"], ORDER | {"state": "filled", "filled": 65}))
        at.writer.put(CloseTrades({1: 100}, 5.0))
        await at.clock.advance(STORE_RETRY_S)
        assert (at.store.done, at.store.exits) == ([(1,)], [])
        at.store.no_exits = None
        await at.clock.advance(STORE_RETRY_S)
        assert at.store.exits == [("working", ["filled"])]
        at.writer.keep(Record("intent", "260203001", INTENT | {"state": "flat"}))
        await at.clock.advance(STORE_RETRY_S)
        assert at.store.exits[1:] == [("flat", ["filled"])]


async def test_exits_that_are_over_and_written_are_let_go_of_after_their_day():
    """A fill may come after a cancel on that day, and is told; a month of exits does not stay in memory."""
    async with desk() as at:
        late = ORDER | {"state": "cancelled"}
        for day in range(30):
            name, now_s = f"exit {day}", at.clock.now_s()
            ended = INTENT | {"id": name, "created_s": now_s, "ended_s": now_s, "state": "flat"}
            at.writer.keep(Record("intent", name, ended))
            at.writer.keep(Record("order", name, late | {"intent": name}))
            await at.clock.advance(LATE_NEWS_S / 2)
            at.writer.keep(Record("order", name, late | {"intent": name, "state": "filled"}))
            await at.clock.advance(LATE_NEWS_S / 2 + 1)
        stuck = INTENT | {"id": "stuck", "state": "stuck", "created_s": 0.0}
        at.writer.keep(Record("intent", "stuck", stuck))
        at.writer.keep(Record("order", "very late", late | {"intent": "exit 0"}))
        await at.clock.advance(0)
        assert at.store.exits[:-1] == [("flat", ["cancelled"]), ("flat", ["filled"])] * 30
        assert at.store.exits[-1] == ("stuck", [])
        assert (list(at.writer._intents), at.writer._orders) == (["stuck"], {})


async def test_an_exit_that_could_not_be_written_is_not_let_go_of():
    """However long the store does not take it: it is told when it does."""
    async with desk() as at:
        at.store.no_exits = Declined("a table is missing")
        at.writer.keep(Record("intent", "260203001", INTENT | {"state": "flat", "ended_s": at.clock.now_s()}))
        await at.clock.advance(LATE_NEWS_S * 2)
        at.store.no_exits = None
        await at.clock.advance(STORE_RETRY_S)
        assert at.store.exits == [("flat", [])]
        assert at.writer._intents == {}


async def test_a_writer_that_is_cut_off_in_the_midst_of_an_exit_tells_it_again():
    """What it was about to say is said by the next life of the task."""
    at = Desk()
    at.store.hangs = True
    at.writer.keep(Record("intent", "260203001", INTENT))
    first = asyncio.ensure_future(at.writer.run())
    await at.store.asked.wait()
    first.cancel()
    await asyncio.wait({first})
    at.store.hangs = False
    assert await at.writer.round()
    assert at.store.exits == [("working", [])]
