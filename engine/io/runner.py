"""The one loop: a message in, the machine's effects out; journal first, then the world.

The loop itself never waits for the world: every effect that does becomes a task of its own, and its
answer comes back by the inbox like everything else.

One thing sets out before the journal has what was decided: what only reads at the broker. It changes nothing
there, and when the process dies before the commit, nobody has acted on it. So the books that an exit waits
for are on their way while the disk takes the exit; before the next message is handled the commit is made.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic

from engine.effects import (
    Audit,
    CancelOrder,
    ControlAccount,
    Effect,
    ModifyOrder,
    PlaceOrder,
    QueryBroker,
    QueryQuotes,
    Record,
    Seen,
    Settle,
)
from engine.errors import JournalError, Settled, Unwritable
from engine.io.inbox import Inbox
from engine.io.journal import Journal
from engine.io.perform import Performer
from engine.io.ports import Clock
from engine.io.recorder import Heard
from engine.measures import Measures
from engine.messages import (
    Command,
    CommandOutcome,
    JournalState,
    Message,
    Refused,
    Tap,
    Tick,
    Ticks,
    Verb,
)
from engine.monitor import Monitor

_log = logging.getLogger(__name__)

#: How soon a journal that failed is tried again.
JOURNAL_AGAIN_S = 1.0
#: While it fails, no more of the story than this is held for it.
MOST_AUDITS = 1_000

_Kept = Record | Settle | Audit | Seen
#: What there may be too much of while the journal fails.
_Talk = Audit | Seen
#: What a person has said is in the journal before anything comes of it.
_Word = Command | Tap
#: What may leave before its commit.
_Read = QueryBroker | QueryQuotes
#: What must not, and does not wait for a read to set out.
_Order = PlaceOrder | ModifyOrder | CancelOrder | ControlAccount


class Runner:
    """Feeds the machine and performs what it wants.

    Args:
        listeners: told of every message after it was handled (the paper exchange, the table).
        measures: where its pace is counted; None = nobody wants to know.
        record: takes every message, its moment and what came of it; None = the day is not recorded.
    """

    def __init__(
        self,
        monitor: Monitor,
        journal: Journal,
        performer: Performer,
        inbox: Inbox,
        clock: Clock,
        listeners: Sequence[Callable[[Message], None]] = (),
        measures: Measures | None = None,
        record: Callable[[Heard], None] | None = None,
    ) -> None:
        self._monitor = monitor
        self._journal = journal
        self._performer = performer
        self._inbox = inbox
        self._clock = clock
        self._listeners = tuple(listeners)
        self._measures = measures or Measures()
        self._judged = self._measures.judged
        self._record = record
        self._journal_broken = False
        self._unsaved: list[_Kept] = []
        self._again_s = 0.0
        self._due: tuple[list[Effect], float] | None = None  # decided, and not committed yet

    @property
    def saved(self) -> bool:
        """Whether the journal has everything that was decided."""
        return not self._unsaved and self._due is None

    async def run(self) -> None:
        """Handle messages until cancelled; ticks at once, while nothing waits."""
        self._inbox.hand_over(self._at_once)
        try:
            while True:
                self.step(await self._inbox.get())
        finally:
            self._inbox.hand_over(None)
            self._finish()

    def _at_once(self, ticks: Sequence[Tick]) -> None:
        """Ticks within the reading of their socket."""
        self._ours(lambda: self.step(Ticks(ticks)))

    def _ours(self, act: Callable[[], None]) -> None:
        """Do it outside of `run`; what is wrong with us then is ours, not only its caller's."""
        whole = False
        try:
            act()
            whole = True
        finally:
            if not whole and (why := sys.exception()) is not None:
                self._inbox.fall(why)

    def step(self, message: Message) -> None:
        """Handle one message: decide, commit, perform.

        Raises:
            Settled: another process decided a question of ours; going on would act twice.
        """
        self._finish()
        now_s = self._clock.now_s()
        began_s = monotonic()
        effects = self._monitor.handle(message, now_s)
        if ticks := type(message) is Ticks:
            self._judged(self._inbox.arrived_s, began_s, monotonic())
        if effects or self._unsaved:
            left = effects if isinstance(message, _Word) else self._set_out(effects)
            if len(left) == len(effects):
                self._carry_out(effects, now_s)
            else:
                self._due, self._inbox.held = (left, now_s), True
                self._performer.soon(partial(self._ours, self._finish))
        for listener in self._listeners:
            listener(message)
        if not ticks:
            self._measures.heard(message, monotonic())
        if self._record is not None:
            self._record((message, now_s, effects))

    def _set_out(self, effects: list[Effect]) -> list[Effect]:
        """Begin what only reads, where it would wait for nothing but a commit; what is left to be done."""
        reads = any(isinstance(e, _Read) for e in effects) and any(isinstance(e, _Kept) for e in effects)
        if not reads or self._journal_broken or any(isinstance(e, _Order) for e in effects):
            return effects
        self._perform([e for e in effects if isinstance(e, _Read)])
        return [e for e in effects if not isinstance(e, _Read)]

    def _finish(self) -> None:
        """Carry out what was decided before a read set out."""
        if self._due is not None:
            (effects, now_s), self._due, self._inbox.held = self._due, None, False
            self._carry_out(effects, now_s)

    def _carry_out(self, effects: list[Effect], now_s: float) -> None:
        kept = [e for e in effects if isinstance(e, _Kept)]
        wanted = [e for e in effects if not isinstance(e, _Kept)]
        if (kept or self._unsaved) and not self._commit(kept, now_s):
            wanted = [e for e in wanted if not self._hold_back(e)]
        self._perform(wanted)

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            self._performer.perform(effect)
            self._measures.performed(effect, monotonic())

    def _commit(self, kept: Sequence[_Kept], now_s: float) -> bool:
        """Write these, and before them what could not be written until now.

        A journal that fails is tried again every second, whatever else happens: nobody would
        otherwise notice that the disk has room again, and what was decided meanwhile (a question, a
        /stop) would be lost in the next restart.
        """
        items = [*self._unsaved, *kept]
        if self._journal_broken and now_s < self._again_s:
            self._unsaved = _latest(items)
            return False
        whole = True
        try:
            while (given_up := self._write(items, now_s)) is not None:
                items = [item for item in items if item is not given_up]
                if any(item is given_up for item in kept):
                    # what hangs on it is held back, an order with its row: one without its exit could not be
                    # taken over. What was decided beside it, or before, is written
                    items, whole = [item for item in items if not (_is_order(item) and item in kept)], False
        except Settled:
            raise
        except JournalError as error:
            if not self._journal_broken:
                _log.error("%s", error)
                self._inbox.post(JournalState(str(error)))
            # from now, not from before the attempt: a locked journal makes each attempt wait
            self._journal_broken, self._again_s = True, self._clock.now_s() + JOURNAL_AGAIN_S
            self._unsaved = _latest(items)
            return False
        self._unsaved = []
        for item in items:
            if isinstance(item, Record):
                self._performer.recorded(item)
        if self._journal_broken:
            self._journal_broken = False
            _log.warning("the journal works again")
            self._inbox.post(JournalState(""))
        return whole

    def _write(self, items: Sequence[_Kept], now_s: float) -> _Kept | None:
        """Write all of these, or find one that no journal can hold, and nothing is written.

        Raises:
            JournalError: as `Journal.commit`.
        """
        try:
            self._journal.commit(items, now_s)
        except Unwritable as error:
            _log.exception("a record cannot be written and is given up")
            return next(item for item in items if item is error.item)
        return None

    def _hold_back(self, effect: Effect) -> bool:
        """An order whose record is not on disk must not leave; the desk is told it was not sent."""
        match effect:
            case PlaceOrder():
                name, verb = effect.order.correlation_id, Verb.PLACE
            case ModifyOrder():
                name, verb = effect.order.correlation_id, Verb.MODIFY
            case CancelOrder():
                name, verb = effect.correlation_id, Verb.CANCEL
            case ControlAccount():
                name, verb = effect.name, effect.verb
            case _:
                return False
        self._inbox.post(CommandOutcome(verb, name, Refused("journal", "not sent: the journal failed")))
        return True


def _is_order(item: _Kept) -> bool:
    return isinstance(item, Record) and item.kind == "order"


def _latest(items: list[_Kept]) -> list[_Kept]:
    """Only the newest record of each key, in the order of their news, and not endless talk."""
    newest = {(item.kind, item.key): item for item in items if isinstance(item, Record)}
    too_many = sum(isinstance(item, _Talk) for item in items) - MOST_AUDITS
    left: list[_Kept] = []
    for item in items:
        if isinstance(item, Record) and newest[item.kind, item.key] is not item:
            continue
        if isinstance(item, _Talk) and too_many > 0:
            too_many -= 1
            continue
        left.append(item)
    return left
