"""Journal first, then the world: and when the journal fails, no order."""

from __future__ import annotations

import pytest

from engine.errors import JournalError, Settled
from engine.io.inbox import Inbox
from engine.io.runner import Runner
from engine.messages import (
    Alert,
    Beat,
    BeatKind,
    CancelOrder,
    CommandOutcome,
    JournalState,
    ModifyOrder,
    PlaceOrder,
    Record,
    Refused,
    Settle,
)
from engine.model import InstrumentKey, OrderRequest, Product, Side, Urgency
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
        self.story, self.error = story, error

    def commit(self, items, _at_s):
        if self.error is not None:
            raise self.error
        self.story.append(("committed", len(items)))


class World:
    """Performs by writing down."""

    def __init__(self, story):
        self.story = story

    def perform(self, effect):
        self.story.append(("performed", type(effect).__name__))


def runner(*effects, error=None):
    story, inbox = [], Inbox()
    notebook = Notebook(story, error)
    made = Runner(Machine(*effects), notebook, World(story), inbox, VirtualClock())
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
    "order", [PlaceOrder(ORDER), ModifyOrder("1", ORDER), CancelOrder("1", ORDER.correlation_id)]
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
    made, inbox, _, notebook = runner(Record("order", "o", {}), error=JournalError("disk full"))
    made.step(Beat(BeatKind.PULSE))
    made.step(Beat(BeatKind.PULSE))
    notebook.error = None
    made.step(Beat(BeatKind.PULSE))
    assert await drain(inbox) == [JournalState("disk full"), JournalState("")]


async def test_a_question_that_somebody_else_decided_ends_the_process():
    """Going on would act twice; a restart reads what was decided."""
    made, _, story, _ = runner(Settle("n", "pending", "confirmed"), PlaceOrder(ORDER), error=Settled("n"))
    with pytest.raises(Settled):
        made.step(Beat(BeatKind.PULSE))
    assert story == []
