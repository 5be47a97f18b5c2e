"""Effects become deeds in tasks of their own, and every answer comes back by the inbox."""

from __future__ import annotations

import asyncio
import socket
from decimal import Decimal

import pytest

from engine.broker_nouns import BrokerOrder, OrderRequest, OrderStatus, Product
from engine.controls import ControlState, PnlExit
from engine.effects import (
    AddTrades,
    CancelOrder,
    CloseTrades,
    ControlAccount,
    GoOn,
    LoadInstruments,
    LoadTrades,
    ModifyOrder,
    PlaceOrder,
    QueryAccount,
    QueryBroker,
    QueryControls,
    QueryMargin,
    QueryOrder,
    QueryQuotes,
    RecallOrder,
    ReduceTrades,
    RenewToken,
    ReopenUpdates,
    RowPart,
    WriteBook,
)
from engine.errors import BadInput, Unreachable
from engine.io.errands import Errands
from engine.io.inbox import Inbox
from engine.io.perform import Performer, Ports
from engine.io.store_writer import STORE_RETRY_S
from engine.messages import (
    Accepted,
    AccountState,
    Beat,
    BeatKind,
    BrokerReport,
    CommandOutcome,
    Further,
    InstrumentsLoaded,
    MarginKnown,
    OrderUpdate,
    QuotesRead,
    StoreWriting,
    Tick,
    TokenRenewal,
    TradesLoaded,
    Verb,
)
from engine.model import ExitLevel, Instrument, InstrumentKey, InstrumentKind, Segment, Side
from tests.engine.test_trades import PARSED
from tests.support.clock import VirtualClock, settle

REQUEST = OrderRequest("P-a-260203001-0-0-0", InstrumentKey(1), Side.BUY, 65, 1000, Product.MARGIN)
ROW = BrokerOrder(
    "1", REQUEST.correlation_id, InstrumentKey(1), Side.BUY, 65, 0, 0, 1000, OrderStatus.PENDING
)
NIFTY = Instrument(Segment.IDX_I, 13, InstrumentKind.INDEX, "NIFTY", "NIFTY")


LEVEL = ExitLevel(1, 3359, "stop_loss", "primary", "percentage", Decimal(50))


class Books:
    """A broker that answers, fails, or changes its order book between two reads."""

    def __init__(self):
        self.order_books = [[ROW]]
        self.read = []
        self.recalled, self.begun = [], []
        self.error = None

    async def place(self, order):
        self.begun.append(Verb.PLACE)
        return Accepted("1")

    async def modify(self, order_id, order):
        self.begun.append(Verb.MODIFY)
        return Accepted(order_id)

    async def cancel(self, order_id):
        self.begun.append(Verb.CANCEL)
        return Accepted(order_id)

    def recall(self, correlation_id):
        self.recalled.append(correlation_id)

    async def orders(self):
        self.read.append("orders")
        if self.error:
            raise self.error
        return self.order_books.pop(0) if len(self.order_books) > 1 else self.order_books[0]

    async def orders_named(self, name):
        if self.error:
            raise self.error
        return [row for row in self.order_books[0] if row.correlation_id == name]

    def reopen(self):
        self.read.append("reopened")

    async def quotes(self, keys):
        if self.error:
            raise self.error
        return [Tick(key, 1000) for key in keys]

    async def traded(self):
        self.read.append("fills and positions")
        return [], []


class Shelf:
    """A trade store that can be away."""

    def __init__(self):
        self.error, self.closed, self.asked, self.levels = None, [], 0, []
        self.notes, self.lacks = [], set()
        self.gate = asyncio.Event()
        self.gate.set()

    async def open_rows(self):
        self.asked += 1
        await self.gate.wait()
        if self.error:
            raise self.error
        return []

    async def exit_levels(self):
        return self.levels

    async def reduce_rows(self, parts, closed_at_s, name):
        if self.error:
            raise self.error
        self.closed.append((name, parts))

    async def add_rows(self, rows):
        if self.error:
            raise self.error
        self.closed.append(rows)

    async def note_exits(self, figures):
        if self.error:
            raise self.error
        self.notes.append([each.row_id for each in figures])
        return [each for each in figures if each.row_id in self.lacks]

    async def close_rows(self, job):
        if self.error:
            raise self.error
        self.closed.append(dict(job.exits))


class Doorman:
    """An account that is well."""

    async def state(self):
        return AccountState(kind="SELF")

    async def renew(self):
        return TokenRenewal("")


class Purse:
    """An account with a hundred rupees, where each basket costs one a step."""

    async def known(self, query):
        return MarginKnown(query.nonce, 10_000, tuple(100 * len(basket) for basket in query.baskets))


class Nets:
    """The broker's own nets, all of them off, and every command taken."""

    def __init__(self):
        self.sent = []

    async def state(self, request):
        return ControlState(request, killed=False, armed=(), held=())

    async def command(self, verb, terms):
        self.sent.append((verb, terms))
        return Accepted("")


class Silent:
    """A chat and a feed that nobody talks to in these tests."""

    def __getattr__(self, name):
        return lambda *_: None


class House:
    def __init__(self):
        self.inbox, self.broker, self.store, self.clock = Inbox(), Books(), Shelf(), VirtualClock()
        self.errands, self.control = Errands(), Nets()
        self.master_error, self.lines, self.masters = None, [], []
        self.performer = Performer(
            inbox=self.inbox,
            ports=Ports(
                self.broker, Doorman(), self.store, Silent(), Silent(), Purse(), self.broker, self.broker,
                self.control,
                taker=self.store,
            ),
            clock=self.clock, load_master=self.master, spawn=self.errands.spawn, books=self.lines.append,
        )  # fmt: skip

    async def master(self, symbols):
        self.masters.append(symbols)
        await self.store.gate.wait()
        if self.master_error:
            raise self.master_error
        return {NIFTY.key: NIFTY} if NIFTY.symbol in symbols else {}

    async def said(self, effect):
        """Perform one effect and take the answer from the inbox."""
        self.performer.perform(effect)
        return await self.inbox.get()

    async def nothing_more(self):
        await settle()
        self.inbox.post(Beat(BeatKind.HEALTH))
        return isinstance(await self.inbox.get(), Beat)


COMMANDS = pytest.mark.parametrize(
    ("effect", "verb"),
    [
        (PlaceOrder(REQUEST), Verb.PLACE),
        (ModifyOrder("1", REQUEST), Verb.MODIFY),
        (CancelOrder("1", REQUEST.correlation_id), Verb.CANCEL),
    ],
)


@COMMANDS
async def test_a_command_is_on_its_way_before_the_next_message_is_handled(effect, verb):
    """However much waits in the inbox: an order that is committed waits for nothing of it."""
    house = House()
    for _ in range(3):
        house.inbox.post(Beat(BeatKind.PULSE))
    await house.inbox.get()
    house.performer.perform(effect)
    assert house.broker.begun == []
    await house.inbox.get()
    assert house.broker.begun == [verb]


@COMMANDS
async def test_what_became_of_a_command_comes_back_under_its_correlation_id(effect, verb):
    """Place, modify and cancel answer with the outcome and the order they were about."""
    assert await House().said(effect) == CommandOutcome(verb, REQUEST.correlation_id, Accepted("1"))


async def test_a_recall_reaches_the_broker_s_queue_at_once_and_has_no_answer():
    """What is held there answers for itself."""
    house = House()
    house.performer.perform(RecallOrder(REQUEST.correlation_id))
    assert house.broker.recalled == [REQUEST.correlation_id]
    assert await house.nothing_more()


async def test_a_report_is_one_picture_of_orders_that_stood_still():
    """It is read again when the order book moved meanwhile (`tests/engine/io/test_broker_books.py`)."""
    house = House()
    house.broker.order_books = [[], [ROW], [ROW]]
    report = await house.said(QueryBroker(7, "test"))
    assert isinstance(report, BrokerReport)
    assert (report.request, report.orders, report.failed) == (7, (ROW,), "")
    assert house.broker.read == ["orders", "fills and positions", "orders", "fills and positions", "orders"]


@COMMANDS
async def test_a_command_makes_the_next_report_begin_with_the_orders(effect, verb):
    """Else the order book of the last one would do, and would be in vain."""
    house = House()
    house.broker.order_books = [[]]
    for known in (False, True):
        await house.said(QueryBroker(1, "test"))
        assert (house.broker.read[0] != "orders") is known
        house.broker.read = []
    await house.said(effect)
    await house.said(QueryBroker(2, "test"))
    assert house.broker.read[0] == "orders"


async def test_quotes_come_back_with_the_moment_of_the_question():
    """The machine can tell which of its prices are newer; no answer is no news."""
    house = House()
    key, asked_s = InstrumentKey(1), house.clock.now_s()
    said = await house.said(QueryQuotes((key,)))
    assert isinstance(said, QuotesRead)
    assert [tick.key for tick in said.ticks] == [key]
    assert said.began_s == asked_s
    house.broker.error = Unreachable("no route to host")
    house.performer.perform(QueryQuotes((key,)))
    assert await house.nothing_more()


async def test_a_silent_socket_is_opened_anew():
    """At once, without a task: there is nothing to wait for."""
    house = House()
    house.performer.perform(ReopenUpdates())
    assert house.broker.read == ["reopened"]


async def test_an_order_that_is_looked_up_comes_back_as_an_update():
    """Found by our name; not found and no answer are no news."""
    house = House()
    assert await house.said(QueryOrder(ROW.correlation_id)) == OrderUpdate(ROW, looked_up=True)
    house.performer.perform(QueryOrder("P-a-260203001-9-9-9"))
    assert await house.nothing_more()
    house.broker.error = Unreachable("no route to host")
    house.performer.perform(QueryOrder(ROW.correlation_id))
    assert await house.nothing_more()


async def test_a_failed_read_is_a_failed_report_and_not_an_empty_one():
    """Unreachable becomes a report that says so."""
    house = House()
    house.broker.error = Unreachable("no route to host")
    report = await house.said(QueryBroker(1, "test"))
    assert report.failed == "no route to host"


@pytest.mark.parametrize("error", [Unreachable("locked"), BadInput("row 3: price")])
async def test_a_store_that_cannot_be_read_is_not_an_empty_store(error):
    """None and the reason, never an empty tuple."""
    house = House()
    house.store.error = error
    assert await house.said(LoadTrades()) == TradesLoaded(None, str(error))
    house.store.error = None
    house.store.levels = [LEVEL]
    assert await house.said(LoadTrades()) == TradesLoaded((), levels=(LEVEL,), began_s=house.clock.now_s())


async def test_a_slow_store_is_asked_one_question_at_a_time():
    """A hanging load is not piled upon; whoever asked meanwhile gets one answer that is younger."""
    house = House()
    house.store.gate.clear()
    for _ in range(3):
        house.performer.perform(LoadTrades())
    await settle()
    assert house.store.asked == 1
    house.store.gate.set()
    assert await house.inbox.get() == TradesLoaded((), began_s=house.clock.now_s())
    assert isinstance(await house.inbox.get(), TradesLoaded)
    assert house.store.asked == 2
    assert await house.nothing_more()


async def test_a_master_that_cannot_be_had_says_so():
    """The reason comes back; the machine keeps the last good one."""
    house = House()
    assert await house.said(LoadInstruments(frozenset({"NIFTY"}))) == InstrumentsLoaded({NIFTY.key: NIFTY})
    house.master_error = Unreachable("404")
    assert await house.said(LoadInstruments(frozenset({"NIFTY"}))) == InstrumentsLoaded({}, "404")


async def test_two_loads_of_the_master_do_not_meet():
    """Both would write one file, and the older one could come last and know less: the newest wish follows."""
    house = House()
    house.store.gate.clear()
    for symbols in ({"A"}, {"A", "B"}, {"NIFTY", "A", "B"}):
        house.performer.perform(LoadInstruments(frozenset(symbols)))
        await settle()
    assert house.masters == [{"A"}]
    house.store.gate.set()
    assert await house.inbox.get() == InstrumentsLoaded({})
    assert await house.inbox.get() == InstrumentsLoaded({NIFTY.key: NIFTY})
    assert house.masters == [{"A"}, {"NIFTY", "A", "B"}]
    assert await house.nothing_more()


async def test_accepted_rows_are_written_until_the_store_takes_them_and_read_at_once():
    """A locked store delays them, and what comes after, and loses none."""
    house = House()
    house.store.error = Unreachable("locked")
    writer = asyncio.ensure_future(house.performer.writer.run())
    house.performer.perform(AddTrades((PARSED,)))
    house.performer.perform(CloseTrades({1: 1000}, 5.0))
    await house.clock.advance(STORE_RETRY_S)
    assert house.store.closed == []
    house.store.error = None
    await house.clock.advance(STORE_RETRY_S)
    assert house.store.closed == [(PARSED,), {1: 1000}]
    said = [await house.inbox.get() for _ in range(4)]
    assert [type(each) for each in said] == [StoreWriting, StoreWriting, StoreWriting, TradesLoaded]
    writer.cancel()
    await asyncio.wait({writer})


async def test_closing_rows_is_tried_until_the_store_takes_it():
    """A store that is away for a while still learns what was closed, once, in order."""
    house = House()
    house.store.error = Unreachable("locked")
    writer = asyncio.ensure_future(house.performer.writer.run())
    house.performer.perform(CloseTrades({1: 1000}, 5.0))
    part = RowPart(3, 130, 65, 1500)
    house.performer.perform(ReduceTrades("260203001", (part,), 5.5))
    house.performer.perform(CloseTrades({2: 2000}, 6.0))
    await house.clock.advance(STORE_RETRY_S)
    assert house.store.closed == []
    house.store.error = None
    await house.clock.advance(STORE_RETRY_S)
    assert house.store.closed == [{1: 1000}, ("260203001", (part,)), {2: 2000}]
    writer.cancel()
    await asyncio.wait({writer})


def line(row_id, mode="execute"):
    """The book of an exit of one row, in short."""
    leg = {
        "rows": {str(row_id): {"units": 65, "left": 0, "entry_paise": None}}, "side": "BUY", "filled": 65,
        "realised_paise": None, "charges_paise": 2415, "slippage_paise": None, "closed_by_others": 0,
    }  # fmt: skip
    return {"intent": "260203001", "sequence": 1, "mode": mode, "state": "flat", "part": None, "legs": [leg]}


async def test_a_book_goes_to_the_file_and_to_the_rows_once_these_are_there():
    """A store that is away, then one that lacks the row: asked again with the next job until it has it."""
    house = House()
    house.store.error, house.store.lacks = Unreachable("locked"), {1}
    writer = asyncio.ensure_future(house.performer.writer.run())
    house.performer.perform(CloseTrades({1: 1000}, 5.0))
    house.performer.perform(WriteBook(line(1)))
    assert house.lines == [line(1)]
    await house.clock.advance(STORE_RETRY_S)
    house.store.error = None
    await house.clock.advance(STORE_RETRY_S)
    assert house.store.closed == [{1: 1000}]
    assert house.store.notes[-1] == [1]
    house.store.lacks = set()
    house.performer.perform(CloseTrades({2: 1000}, 6.0))
    house.performer.perform(CloseTrades({3: 1000}, 7.0))
    await settle()
    assert house.store.closed[1:] == [{2: 1000}, {3: 1000}]
    assert house.store.notes == [[1], [1]]
    house.performer.perform(WriteBook(line(9, "simulate")))
    await settle()
    assert house.lines[1:] == [line(9, "simulate")]
    assert [9] not in house.store.notes
    writer.cancel()
    await asyncio.wait({writer})


async def test_what_is_under_way_gets_a_moment_to_end(caplog):
    """Stopping waits for an order command that is on its way; a failure is named in the log."""
    errands, ended = Errands(), []

    async def command():
        await settle()
        ended.append("command")

    async def broken():
        raise ValueError("broken")

    owner = asyncio.ensure_future(errands.run())
    errands.spawn("place 1", command())
    errands.spawn("report 2", broken())
    await asyncio.sleep(0)
    owner.cancel()
    await asyncio.wait({owner})
    assert ended == ["command"]
    assert "report 2 failed" in caplog.text


async def test_the_broker_s_nets_are_asked_and_told():
    """The state comes back under the number of its question, an outcome under the name of what wanted it."""
    house, terms = House(), PnlExit(100, 200)
    async with asyncio.timeout(5):
        running = asyncio.create_task(house.errands.run())
        assert await house.said(QueryControls(9)) == ControlState(9, killed=False, armed=(), held=())
        said = await house.said(ControlAccount(Verb.ARM, "pnl-exit", terms))
        assert said == CommandOutcome(Verb.ARM, "pnl-exit", Accepted(""))
        assert house.control.sent == [(Verb.ARM, terms)]
        running.cancel()


async def test_access_to_the_account_and_margin_are_asked():
    """The answers come back by the inbox like all others."""
    house = House()
    async with asyncio.timeout(5):
        running = asyncio.create_task(house.errands.run())
        assert await house.said(QueryAccount()) == AccountState(kind="SELF")
        assert await house.said(QueryMargin("n", ((), ()))) == MarginKnown("n", 10_000, (0, 0))
        assert await house.said(RenewToken()) == TokenRenewal("")
        running.cancel()


async def test_ticks_that_a_socket_holds_are_decided_about_before_a_further_turn():
    """They came while the last piece was worked on; the next one keeps them waiting no more."""
    house, seen, loop = House(), [], asyncio.get_running_loop()
    tick = Tick(InstrumentKey(1), 1000)
    here, there = socket.socketpair()

    def read():
        here.recv(1)
        house.inbox.post_ticks([tick])

    with here, there:
        here.setblocking(False)
        house.inbox.hand_over(seen.append)
        loop.add_reader(here, read)
        there.send(b"x")
        house.performer.perform(GoOn())
        seen.append(await house.inbox.get())
        loop.remove_reader(here)
    assert seen == [[tick], Further()]
