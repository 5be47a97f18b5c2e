"""Journal first, then the world: and when the journal fails, no order."""

from __future__ import annotations

import asyncio

import pytest

from engine.broker_nouns import OrderRequest, Product
from engine.effects import (
    Alert,
    Audit,
    CancelOrder,
    ControlAccount,
    ModifyOrder,
    PlaceOrder,
    QueryBroker,
    Record,
    Settle,
)
from engine.errors import JournalError, Settled, Unwritable
from engine.io.inbox import Inbox
from engine.io.runner import Runner
from engine.messages import (
    Actor,
    Beat,
    BeatKind,
    Command,
    CommandOutcome,
    JournalState,
    Refused,
    Tick,
    Verb,
    Wish,
)
from engine.model import InstrumentKey, Side, Urgency
from tests.support.clock import VirtualClock

ORDER = OrderRequest("P-a-260203001-0-0-0", InstrumentKey(1), Side.BUY, 65, 1000, Product.MARGIN)
ALERT = Alert(Urgency.HIGH, "t", "t", "t")


class Machine:
    """Answers every message with the effects it was given."""

    def __init__(self, *effects):
        self.effects = list(effects)

    def handle(self, _message, _now_s):
        return list(self.effects)


class Notebook:
    """A journal that keeps what is committed, or fails as told; shares its story with the world."""

    def __init__(self, story, error=None):
        self.story, self.error, self.kept = story, error, []
        self.slow, self.tries, self.no_json = None, 0, []

    def commit(self, items, _at_s):
        self.tries += 1
        if self.slow is not None:
            self.slow._now_s += 1.0
        if self.error is not None:
            raise self.error
        for item in items:
            if item in self.no_json:
                raise Unwritable("nan is no JSON", item)
        self.kept += items
        self.story.append(("committed", len(items)))


class World:
    """Performs by writing down."""

    def __init__(self, story):
        self.story = story

    def perform(self, effect):
        self.story.append(("performed", type(effect).__name__))

    def soon(self, act):
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, act)

    def recorded(self, record):
        """What a store that keeps exits as rows would hear; nothing waits for it."""


def runner(*effects, error=None, clock=None):
    story, inbox = [], Inbox()
    notebook = Notebook(story, error)
    made = Runner(Machine(*effects), notebook, World(story), inbox, clock or VirtualClock())
    return made, inbox, story, notebook


async def drain(inbox):
    inbox.post(Beat(BeatKind.HEALTH))
    found = []
    while not isinstance(message := await inbox.get(), Beat):
        found.append(message)
    return found


async def test_records_are_committed_before_anything_is_performed():
    """However the machine orders its effects, the disk comes first, all records at once."""
    made, _, story, _ = runner(PlaceOrder(ORDER), Record("intent", "i", {}), ALERT, Record("order", "o", {}))
    made.step(Beat(BeatKind.PULSE))
    assert story == [("committed", 2), ("performed", "PlaceOrder"), ("performed", "Alert")]


@pytest.mark.parametrize(
    "order",
    [
        PlaceOrder(ORDER),
        ModifyOrder("1", ORDER),
        CancelOrder("1", ORDER.correlation_id),
        ControlAccount(Verb.KILL, "f"),
    ],
)
async def test_an_order_whose_record_cannot_be_written_does_not_leave(order):
    """The desk is told that it was not sent; the alert beside it still goes out."""
    made, inbox, story, _ = runner(Record("order", "o", {}), order, ALERT, error=JournalError("disk full"))
    made.step(Beat(BeatKind.PULSE))
    assert story == [("performed", "Alert")]
    state, outcome = await drain(inbox)
    assert state == JournalState("disk full")
    assert isinstance(outcome, CommandOutcome)
    assert outcome.outcome == Refused("journal", "not sent: the journal failed")


async def test_the_machine_is_told_once_that_the_journal_fails_and_once_that_it_works():
    """Failing twice is one message; the first commit that works is the next."""
    clock = VirtualClock()
    made, inbox, _, notebook = runner(Record("order", "o", {}), error=JournalError("disk full"), clock=clock)
    made.step(Beat(BeatKind.PULSE))
    await clock.advance(1.0)
    made.step(Beat(BeatKind.PULSE))
    notebook.error = None
    await clock.advance(1.0)
    made.step(Beat(BeatKind.PULSE))
    assert await drain(inbox) == [JournalState("disk full"), JournalState("")]


async def test_a_halt_is_saved_once_the_journal_has_it():
    """Until then whoever ends the process would lose it."""
    clock = VirtualClock()
    made, _, _, notebook = runner(Record("setting", "halted", {"on": True}), clock=clock)
    assert made.saved
    notebook.error = JournalError("disk full")
    made.step(Beat(BeatKind.PULSE))
    assert not made.saved
    notebook.error = None
    await clock.advance(1.0)
    made.step(Beat(BeatKind.PULSE))
    assert made.saved


async def test_what_could_not_be_written_is_written_first_once_the_disk_has_room():
    """No record is lost: the next beat tries again by itself, the newest word of each key counts."""
    clock = VirtualClock()
    made, inbox, story, notebook = runner(error=JournalError("disk full"), clock=clock)
    made._monitor.effects = [Record("confirmation", "n", {"status": "pending"}), Audit("asked")]
    made.step(Beat(BeatKind.PULSE))
    made._monitor.effects = [Record("order", "o", {"filled": 0}), PlaceOrder(ORDER)]
    made.step(Beat(BeatKind.PULSE))
    made._monitor.effects = [Record("order", "o", {"filled": 65}), Settle("n", "pending", "confirmed")]
    made.step(Beat(BeatKind.PULSE))
    made._monitor.effects = []
    notebook.error = None
    await clock.advance(1.0)
    made.step(Beat(BeatKind.PULSE))
    made.step(Beat(BeatKind.PULSE))
    assert story == [("committed", 4)]
    assert notebook.kept == [
        Record("confirmation", "n", {"status": "pending"}), Audit("asked"),
        Record("order", "o", {"filled": 65}), Settle("n", "pending", "confirmed"),
    ]  # fmt: skip
    assert (await drain(inbox))[-1] == JournalState("")


async def test_a_journal_that_fails_for_long_holds_no_endless_story():
    """Of the talk only the newest thousand lines wait for the disk; records all do."""
    clock = VirtualClock()
    made, _, _, notebook = runner(
        Record("order", "o", {}), *[Audit("tick")] * 300, error=JournalError("disk full"), clock=clock
    )
    for _ in range(10):
        made.step(Beat(BeatKind.PULSE))
    notebook.error = None
    await clock.advance(1.0)
    made.step(Beat(BeatKind.PULSE))
    assert len([item for item in notebook.kept if isinstance(item, Audit)]) == 1_300
    assert Record("order", "o", {}) in notebook.kept


async def test_a_journal_that_is_slow_to_fail_does_not_hold_the_house():
    """Each attempt waits for a lock; the next one comes a second after it gave up, not at once."""
    clock = VirtualClock()
    made, _, _, notebook = runner(Record("order", "o", {}), error=JournalError("locked"), clock=clock)
    notebook.slow = clock
    for _ in range(20):
        made.step(Beat(BeatKind.PULSE))
        await clock.advance(0.1)
    assert notebook.tries == 2


async def test_a_record_that_no_journal_can_hold_costs_its_own_order_and_no_other(caplog):
    """A value that is no JSON would fail for ever: the order beside it is held back, the next one is not."""
    record = Record("order", "o", {})
    made, inbox, story, notebook = runner(record, PlaceOrder(ORDER))
    notebook.no_json = [record]
    made.step(Beat(BeatKind.PULSE))
    (outcome,) = await drain(inbox)
    assert isinstance(outcome.outcome, Refused)
    story.clear()
    notebook.no_json = []
    made.step(Beat(BeatKind.PULSE))
    assert story == [("committed", 1), ("performed", "PlaceOrder")]
    assert "given up" in caplog.text


async def test_a_record_that_no_journal_can_hold_takes_no_other_with_it():
    """A halt that waits for the disk, and what was decided beside the bad one, are written all the same."""
    clock = VirtualClock()
    halt, bad, asked = Record("setting", "halted", {"on": True}), Record("order", "o", {}), Audit("asked")
    made, inbox, story, notebook = runner(halt, error=JournalError("disk full"), clock=clock)
    made.step(Beat(BeatKind.PULSE))
    assert not made.saved
    notebook.error, notebook.no_json = None, [bad]
    made._monitor.effects = [bad, asked, CancelOrder("1", ORDER.correlation_id)]
    await clock.advance(1.0)
    made.step(Beat(BeatKind.PULSE))
    assert (notebook.kept, made.saved) == ([halt, asked], True)
    assert story == [("committed", 2)]  # the cancel is held back: its own record is the bad one
    assert isinstance((await drain(inbox))[1], JournalState)


async def test_no_order_is_left_in_the_journal_without_its_exit():
    """The exit's own record is the bad one: its order is held back, and so is the row that tells of it."""
    exit_, order, halt = Record("intent", "i", {}), Record("order", "o", {}), Record("setting", "halted", {})
    made, inbox, _, notebook = runner(exit_, order, halt, PlaceOrder(ORDER))
    notebook.no_json = [exit_]
    made.step(Beat(BeatKind.PULSE))
    (outcome,) = await drain(inbox)
    assert isinstance(outcome.outcome, Refused)
    assert notebook.kept == [halt]


async def test_an_order_is_not_held_back_by_somebody_else_s_bad_record():
    """What could not be written before, and cannot be at all, was about other orders."""
    clock = VirtualClock()
    bad, good = Record("memory", "m", {}), Record("order", "o", {})
    made, _, story, notebook = runner(bad, error=JournalError("disk full"), clock=clock)
    made.step(Beat(BeatKind.PULSE))
    notebook.error, notebook.no_json = None, [bad]
    made._monitor.effects = [good, PlaceOrder(ORDER)]
    await clock.advance(1.0)
    made.step(Beat(BeatKind.PULSE))
    assert story == [("committed", 1), ("performed", "PlaceOrder")]


async def test_what_only_reads_at_the_broker_sets_out_before_the_commit():
    """The disk takes the exit while its books are read; everything else waits for the journal as ever."""
    made, inbox, story, _ = runner(Record("intent", "i", {}), ALERT, QueryBroker(1, "an exit begins"))
    made.step(Beat(BeatKind.PULSE))
    assert (story, made.saved) == ([("performed", "QueryBroker")], False)
    await asyncio.sleep(0)  # what was begun has its turn first, and what that begins
    assert len(story) == 1
    await asyncio.sleep(0)
    assert story == [("performed", "QueryBroker"), ("committed", 1), ("performed", "Alert")]
    assert (made.saved, inbox.held) == (True, False)


async def test_no_message_is_handled_before_the_last_one_is_in_the_journal():
    """The next one carries out first what is left of the one before; ticks do not come in between."""
    made, inbox, story, _ = runner(Record("intent", "i", {}), QueryBroker(1, "an exit begins"))
    running = asyncio.ensure_future(made.run())
    await asyncio.sleep(0)
    inbox.post_ticks([Tick(InstrumentKey(1), 5)])
    made._monitor.effects = [ALERT]
    assert story == [("performed", "QueryBroker")]
    inbox.post_ticks([Tick(InstrumentKey(1), 6)])
    assert len(story) == 1
    made.step(Beat(BeatKind.PULSE))
    assert story[1:] == [("committed", 1), ("performed", "Alert")]
    running.cancel()
    await asyncio.wait({running})


@pytest.mark.parametrize("beside", [PlaceOrder(ORDER), CancelOrder("1", ORDER.correlation_id)])
async def test_an_order_does_not_wait_until_a_read_has_set_out(beside):
    """What goes to the exchange is committed at once."""
    made, _, story, _ = runner(Record("order", "o", {}), QueryBroker(1, "sync"), beside)
    made.step(Beat(BeatKind.PULSE))
    assert story == [("committed", 1), ("performed", "QueryBroker"), ("performed", type(beside).__name__)]


async def test_what_a_person_has_said_is_in_the_journal_before_anything_comes_of_it():
    """A /stop is not lost because a read went first."""
    made, _, story, _ = runner(Record("setting", "halted", {"on": True}), QueryBroker(1, "stopping"))
    made.step(Command(Wish.STOP, Actor(1, 2, "Asha")))
    assert story == [("committed", 1), ("performed", "QueryBroker")]


async def test_a_house_that_is_closed_in_that_moment_keeps_what_it_decided():
    """The commit is made on the way out."""
    made, inbox, story, _ = runner(Record("intent", "i", {}), QueryBroker(1, "an exit begins"))
    running = asyncio.ensure_future(made.run())
    await asyncio.sleep(0)
    inbox.post_ticks([Tick(InstrumentKey(1), 5)])
    running.cancel()
    await asyncio.sleep(0)
    assert story == [("performed", "QueryBroker"), ("committed", 1)]


async def test_a_question_that_somebody_else_decided_is_found_out_of_turn_too():
    """The commit that comes after a read has set out ends the run like any other."""
    made, inbox, _, notebook = runner(Settle("n", "pending", "yes"), QueryBroker(1, "an exit begins"))
    running = asyncio.ensure_future(made.run())
    await asyncio.sleep(0)
    inbox.post_ticks([Tick(InstrumentKey(1), 5)])
    notebook.error = Settled("decided")
    with pytest.raises(Settled):
        await running


async def test_a_question_that_somebody_else_decided_ends_the_process():
    """Going on would act twice; a restart reads what was decided."""
    made, _, story, _ = runner(Settle("n", "pending", "confirmed"), PlaceOrder(ORDER), error=Settled("n"))
    with pytest.raises(Settled):
        made.step(Beat(BeatKind.PULSE))
    assert story == []


async def test_ticks_are_handled_while_their_socket_is_read():
    """Nothing has to wake up: what comes of them has been performed when the feed has posted them."""
    made, inbox, story, _ = runner(ALERT)
    running = asyncio.ensure_future(made.run())
    await asyncio.sleep(0)
    inbox.post_ticks([Tick(InstrumentKey(1), 5)])
    assert story == [("performed", "Alert")]
    running.cancel()
    await asyncio.wait({running})
    inbox.post_ticks([Tick(InstrumentKey(1), 6)])
    assert (len(story), len(inbox)) == (1, 1)


async def test_a_question_that_another_process_has_decided_ends_the_run_from_wherever_it_is_found():
    """The feed's reader is no place to die in: the runner does."""
    made, inbox, _, _ = runner(Settle("n", "pending", "yes"), error=Settled("decided"))
    running = asyncio.ensure_future(made.run())
    await asyncio.sleep(0)
    with pytest.raises(Settled):
        inbox.post_ticks([Tick(InstrumentKey(1), 5)])
    with pytest.raises(Settled):
        await running
