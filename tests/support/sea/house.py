"""A whole house by the sea: monitor, runner, performer and journal of the product, on virtual time.

Nothing of the product is replaced but the edges: the broker's HTTP (`wire`), the trade store's and the
chat's ports, and the clock. A process can die at any commit and any command, and a new one is born.
"""

from __future__ import annotations

import json
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NoReturn

from engine.controls import ControlState
from engine.effects import Alert, Ask, CancelOrder, Digest, Effect, ModifyOrder, PlaceOrder, ReduceTrades
from engine.errors import Unreachable
from engine.io import tables
from engine.io.inbox import Inbox
from engine.io.perform import Performer, Ports
from engine.io.runner import Runner
from engine.ledger import SETTLE_S
from engine.messages import (
    AccountState,
    Beat,
    BeatKind,
    BrokerReport,
    MarginKnown,
    Message,
    OrderUpdate,
    Tick,
    Ticks,
)
from engine.model import Mode, TradeRow, Urgency
from engine.monitor import Monitor, MonitorConfig
from engine.tenure import LeaseTerms
from engine.tuning import Tuning
from engine.watch import Watchlist
from engine.wire import parse_order_updates
from tests.engine.makers import quote
from tests.support.rig import rows_of, written
from tests.support.sea.judge import Judge, must
from tests.support.sea.lease import TTL_S, SeaLease
from tests.support.sea.pages import Killed, Pages
from tests.support.sea.tasks import Agenda
from tests.support.sea.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from engine.book_rows import RowFigures
    from engine.effects import CloseTrades, QueryMargin, RowPart
    from engine.messages import TokenRenewal
    from engine.model import ExitLevel, Instrument, InstrumentKey
    from engine.sessions import Calendar
    from tests.support.sea.market import Shore

PULSE_S, SYNC_S = 0.5, 30.0
#: Nothing the house does on purpose takes longer in a world that behaves.
LONGEST_S = 420.0

_calendar = cache(tables.calendar)
_rulebook = cache(tables.rulebook)


class Store:
    """The trade store's port: its rows in memory, and whether it answers."""

    def __init__(self, rows: Sequence[TradeRow]) -> None:
        self.rows, self.up = list(rows), True
        self.exits: dict[int, int | None] = {}

    async def open_rows(self) -> Sequence[TradeRow]:
        self._knock()
        return tuple(self.rows)

    async def exit_levels(self) -> Sequence[ExitLevel]:
        return ()

    async def close_rows(self, job: CloseTrades) -> None:
        self._knock()
        self.exits |= job.exits
        self.rows = [row for row in self.rows if row.id not in job.exits]

    async def reduce_rows(self, parts: Sequence[RowPart], closed_at_s: float, name: str) -> None:
        self._knock()
        self.rows = written(self.rows, ReduceTrades(name, tuple(parts), closed_at_s))

    async def note_exits(self, figures: Sequence[RowFigures]) -> Sequence[RowFigures]:
        self._knock()
        return ()

    def _knock(self) -> None:
        if not self.up:
            raise Unreachable("the trade store does not answer")


class Hands(Performer):
    """`Performer` in a process that can die when a command has just left."""

    crash = False
    later: Callable[[Callable[[], None]], None]

    def soon(self, act: Callable[[], None]) -> None:
        """A moment later, on the agenda's time."""
        self.later(act)

    def perform(self, effect: Effect) -> None:
        """Do it, and die when the time has come."""
        super().perform(effect)
        if self.crash and isinstance(effect, PlaceOrder | ModifyOrder | CancelOrder):
            raise Killed


class Ears:
    """The ports of the chat, the feed and the access: a person who hears everything and says nothing here."""

    def __init__(self, judge: Judge) -> None:
        self.asks: list[Ask] = []
        self.digests: list[Digest] = []
        self.wanted: dict[InstrumentKey, None] = {}
        self._judge = judge

    def alert(self, alert: Alert) -> None:
        if alert.urgency is Urgency.HIGH:
            self._judge.alerted(alert)

    async def state(self, request: int | None = None) -> AccountState | ControlState:
        return AccountState() if request is None else ControlState(request)

    async def command(self, verb: object, terms: object) -> NoReturn:
        raise AssertionError("no net of the broker is wanted here")

    async def renew(self) -> TokenRenewal:
        raise AssertionError("no token here comes near its end")

    async def known(self, query: QueryMargin) -> MarginKnown:
        return MarginKnown(query.nonce, failed="nobody keeps an account here")

    def ask(self, ask: Ask) -> None:
        if not ask.again:
            self.asks.append(ask)

    def answer(self, answer: object) -> None: ...
    def card(self, card: object) -> None: ...
    def say(self, say: object) -> None: ...

    def digest(self, digest: Digest) -> None:
        self.digests.append(digest)

    def subscribe(self, instruments: Sequence[Instrument]) -> None:
        self.wanted = dict.fromkeys(each.key for each in instruments)

    def reopen(self) -> None: ...


class House:
    """The house and the world around it; everything a test does to them it does here or to the parts.

    Attributes:
        updates: how the order-update socket goes: ``honest``, ``silent``, ``double``, ``late`` or ``bare``
            (without prices).
        births: how many processes have lived.
    """

    def __init__(
        self,
        shore: Shore,
        mode: Mode = Mode.EXECUTE,
        rules: str = "",
        tuning: Tuning | None = None,
        *,
        leased: bool = False,
        journal: Path | None = None,
        calendar: Calendar | None = None,
        books: Callable[[Mapping[str, Any]], None] = lambda _line: None,
    ) -> None:
        """``journal``: its file, else memory; ``books`` takes the lines for the file of executions."""
        self.calendar, self.books = calendar or _calendar(), books
        self.shore, self.mode, self.rules = shore, mode, rules
        self.tuning = tuning or Tuning()
        self.agenda = Agenda(shore.market.now_s)
        self.leased, self.lease = leased, SeaLease(self.agenda)
        self.judge = Judge(self.agenda, shore, mode, batches=bool(self.tuning.batch_lots))
        self.pages = self.judge.pages = Pages(self.judge.recorded, journal)
        self.wire = self._wire()
        self.store = Store(
            [row for p in shore.positions for row in rows_of(p, min(leg.row_id for leg in p.legs))]
        )
        self.ears = Ears(self.judge)
        self.judge.halted, self.judge.taken = self._halted, lambda: self.lease.taken
        self.updates = "honest"
        self.births = 0
        self._heard = 0
        self._told_updates = 0
        self.born()

    def _wire(self) -> Wire:
        return Wire(self.agenda, self.shore.exchange, self.judge)

    # ------------------------------------------------------------------------------ the process

    def born(self) -> None:
        """A process begins: everything it knows comes from the journal."""
        self.births += 1
        config = MonitorConfig(
            self.mode, "default", sandbox=False, seed=b"0123456789abcdef", tuning=self.tuning,
            lease=LeaseTerms(f"here:{self.births}:aa", TTL_S) if self.leased else None,
        )  # fmt: skip
        self.lease.owner = f"here:{self.births}:aa"
        self.monitor = Monitor(config, self.calendar, self._watch())
        kept = self.pages.load()
        self.monitor.restore(kept, self.agenda.at_s)
        live = {
            name for name, each in kept.get("intent", {}).items() if each["state"] in ("working", "stopping")
        }
        same = live == {intent.id for intent in self.monitor.desk.live()}
        must(same, 6, f"a restart remembers other exits than {live}")
        self.inbox = Inbox()
        self.performer = Hands(
            inbox=self.inbox,
            ports=Ports(
                self.wire, self.ears, self.store, self.ears, self.ears, self.ears, self.wire, self.ears,
                self.ears,
                self.lease,
            ),
            clock=self.agenda, load_master=self._master, spawn=self.agenda.spawn, books=self.books,
        )  # fmt: skip
        self._writes = False
        self.runner = Runner(self.monitor, self.pages, self.performer, self.inbox, self.agenda)
        self.performer.later = self._later
        self.say(Beat(BeatKind.SYNC))

    def _later(self, act: Callable[[], None]) -> None:
        """A moment later, in which the process may die: what a read set out before is not committed then."""
        self.agenda.later(0.01, partial(self._act, act, self.births))

    def _act(self, act: Callable[[], None], life: int) -> None:
        try:
            if life == self.births:
                act()
        except Killed:
            self.dies()

    def _watch(self) -> Watchlist:
        return Watchlist(self.calendar, _rulebook(self.rules))

    def dies(self) -> None:
        """SIGKILL and a successor: what was on its way to us is gone, what has left arrives."""
        self.agenda.kill()
        self.judge.dies()
        self.pages.crash = ""
        self.born()

    async def _master(self, _symbols: frozenset[str]) -> Mapping[InstrumentKey, Instrument]:
        return self.shore.market.instruments

    def _halted(self) -> bool:
        on_disk = self.pages.kept.get("setting", {}).get("halted", {}).get("on", False)
        return bool(on_disk or self.monitor.helm.halted)

    def say(self, message: Message) -> None:
        """The process takes in a message, and all that wait."""
        self.inbox.post(message)
        self._pump()

    def _pump(self) -> None:
        try:
            while waiting := self.inbox._control:
                message = waiting.popleft()
                if isinstance(message, BrokerReport):
                    self.judge.reported(message)
                elif isinstance(message, OrderUpdate):
                    self.judge.updated(message.order)
                self.runner.step(message)
            if self.performer.writer.waiting and not self._writes:
                self._writes = True
                self.agenda.spawn("write", self._write())
        except Killed:
            self.dies()

    async def _write(self) -> None:
        while not await self.performer.writer.round():
            await self.agenda.sleep(5.0)
        self._writes = False

    # ------------------------------------------------------------------------------------- time

    def run(self, seconds: float) -> None:
        """Let time pass, with a pulse each half second."""
        for _ in range(round(seconds / PULSE_S)):
            self._pass_until(self.agenda.at_s + PULSE_S)
            self.shore.quote()
            self._trade()
            self.say(Ticks([self._tick(key) for key in self._carried()]))
            self.say(Beat(BeatKind.PULSE))
            if self.agenda.at_s % SYNC_S < PULSE_S:
                self.say(Beat(BeatKind.SYNC))
            self.judge.look()

    def _pass_until(self, end_s: float) -> None:
        while True:
            exchange_s = self.shore.exchange.next_due_s()
            world_s = self.agenda.next_s()
            if min(world_s, end_s if exchange_s is None else exchange_s) >= end_s:
                break
            if exchange_s is not None and exchange_s <= world_s:
                self.agenda.at_s = max(self.agenda.at_s, exchange_s)
                self._trade()
            else:
                self.agenda.step()
                self._hear()
                self._pump()
        self.agenda.at_s = end_s

    def _trade(self) -> None:
        self.shore.exchange.advance(self.agenda.at_s)
        self._hear()

    def _hear(self) -> None:
        """What happened at the exchange: fills for the judge, updates for the process."""
        account, updates = self.shore.account, self.shore.exchange.updates
        for trade in account.trades[self._heard :]:
            self._heard += 1
            order = account.orders.get(trade.order_id) or self.wire.vanished[trade.order_id]
            self.judge.filled(order, trade)
        while updates:
            bare = {"avgTradedPrice": None} if self.updates == "bare" else {}
            frame = json.dumps({"Data": {**updates.popleft().data, **bare}, "Type": "order_alert"})
            self._told_updates += 1
            odd = self._told_updates % 2
            delays = {"silent": (), "double": (0.05, 1.0), "late": (3.0 * odd + 0.05,)}
            for delay_s in delays.get(self.updates, (0.05,)):
                self.agenda.later(delay_s, partial(self._update, frame, self.births))

    def _update(self, frame: str, life: int) -> None:
        if life == self.births:
            for order in parse_order_updates(frame):
                self.inbox.post(OrderUpdate(order))

    def _carried(self) -> Iterable[InstrumentKey]:
        """What the feed brings prices of."""
        return self.shore.legs

    def _tick(self, key: InstrumentKey) -> Tick:
        mid = self.shore.mids[key]
        tick = quote(key, mid - 0.05, mid + 0.05)
        tick.bid_quantity = tick.ask_quantity = 10_000
        return tick

    def morning(self, at_s: float) -> None:
        """The broker's books are new: of yesterday's orders nothing is unknown any more."""
        self.agenda.at_s, self._heard = at_s, 0
        self.judge.morning()

    # ------------------------------------------------------------------------------------- end

    def calm(self) -> None:
        """The world behaves from now on."""
        self.wire.calm()
        self.lease.calm()
        self.updates, self.pages.full, self.pages.crash, self.store.up = "honest", False, "", True
        self.performer.crash = False
        self.shore.depth = 100 * 65

    def finish(self) -> None:
        """Let the world behave until nothing is left to happen, then judge how it ended."""
        self.calm()
        end_s = self.agenda.at_s + LONGEST_S
        self.run(3.0)
        while self.agenda.at_s < end_s and not self._at_rest:
            self.run(2.0)
        if self.judge.crossed:
            # a difference is told of when two reads agree, of a contract in which we have not just traded
            self.run(SETTLE_S + 2.5 * SYNC_S)
        self.judge.end()
        assert 0 not in self.store.exits.values(), f"an exit at a price of nothing: {self.store.exits}"
        self._watches_what_is_left()

    def _watches_what_is_left(self) -> None:
        """2: after verified parts the process watches so many combinations as are left."""
        for position in self.shore.positions if not self.judge.hands else ():
            closed = self.judge.parts_closed(position)
            found = self.monitor.holdings.positions.get(position.id)
            if closed is None or found is None:
                continue
            share = (position.combinations - closed, position.combinations)
            same = found.combinations == share[0] and self.monitor.watch.shares(position.id) == share
            must(same, 2, f"{position.id} is watched as another size than the {share} that are left")

    @property
    def _at_rest(self) -> bool:
        exiting = any(True for _ in self.monitor.desk.live())
        working = any(True for _ in self.shore.account.live_orders())
        # what was decided last is written a moment later than a read that came of it sets out
        return not exiting and not working and self.runner.saved and self.judge.quiet
