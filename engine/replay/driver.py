"""Drives the monitor through a tape on virtual time: what it asks for is done at once, on paper.

Between two snapshots the monitor's half-second beat runs; beats at which nothing can happen are
jumped over. A snapshot is one instant: what was sent before it fills on its quotes, positions begin
with it, its prices are told and then the fills, so that nothing sent because of it fills on it. A
beat that falls on a snapshot's moment comes after it.
"""

from __future__ import annotations

from collections import deque
from math import ceil, floor, inf
from typing import TYPE_CHECKING, Any

from engine.effects import (
    Alert,
    Ask,
    CancelOrder,
    GoOn,
    LoadInstruments,
    LoadTrades,
    ModifyOrder,
    PlaceOrder,
    QueryBroker,
)
from engine.guards import fault
from engine.messages import (
    Beat,
    BeatKind,
    BrokerReport,
    CommandOutcome,
    FeedChanged,
    FeedState,
    Further,
    InstrumentsLoaded,
    OrderUpdate,
    Tick,
    Ticks,
    TradesLoaded,
    Verb,
)
from engine.replay.cast import position_of, tick_of
from engine.replay.tape import by_contract
from engine.sessions import ist_date
from engine.tuning import Tuning

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.broker_nouns import BrokerOrder
    from engine.intents import Intent
    from engine.messages import Message
    from engine.model import ExitLevel, InstrumentKey, TradeRow
    from engine.monitor import Monitor
    from engine.paper import PaperExchange
    from engine.replay.cast import Cast, Entrant
    from engine.replay.story import Story
    from engine.replay.tape import Row, Snapshot, Tape
    from engine.sessions import Calendar

    #: Sees the monitor, what became of each position so far, and the moment.
    Observer = Callable[[Monitor, Story, float], None]

BEATS_PER_S = 2
#: A minute after anything happened an exit has walked to its cap, waited there and gone on to the band;
#: from then on only losing patience moves it, and otherwise it is asked about once a minute.
SETTLED_S = 60.0
RESTING_BEAT_S = 60.0
#: A made-up quote has no size: it fills whatever is asked of it.
ANY_QUANTITY = 10**9

_STIRRING = frozenset({Alert, CancelOrder, ModifyOrder, PlaceOrder})


class Driver:
    """One replay; `run` once.

    Args:
        made_up: bid and ask of a contract around a last price, where the recording has no quotes.
        observe: looks on after every snapshot in session; it must change nothing.

    Attributes:
        ticks: prices of contracts and underlyings so far; what several positions hold counts once.
    """

    def __init__(
        self,
        monitor: Monitor,
        calendar: Calendar,
        exchange: PaperExchange,
        cast: Cast,
        made_up: Callable[[InstrumentKey, int], tuple[int, int]],
        story: Story,
        levels: tuple[ExitLevel, ...] = (),
        observe: Observer | None = None,
    ) -> None:
        self.ticks = 0
        self._monitor = monitor
        self._calendar = calendar
        self._exchange = exchange
        self._cast = cast
        self._made_up = made_up
        self._story = story
        self._waiting: list[Entrant] = list(cast.entrants)
        self._rows: list[TradeRow] = []
        self._levels = levels
        self._observe = observe
        self._now_s = -inf
        self._beaten_s = -inf
        self._stirred_s = -inf
        self._questions_s: list[float] = []
        self._inbox: deque[Message] = deque()
        self._does: dict[type, Callable[[Any], None]] = {
            PlaceOrder: self._place,
            ModifyOrder: self._modify,
            CancelOrder: self._cancel,
            QueryBroker: self._report,
            Ask: self._ask,
            LoadTrades: lambda _: self._inbox.append(TradesLoaded(tuple(self._rows), levels=levels)),
            LoadInstruments: lambda _: self._inbox.append(InstrumentsLoaded(cast.instruments)),
            GoOn: lambda _: self._inbox.append(Further()),
        }

    def run(self, tape: Tape) -> None:
        """Play everything, day by day.

        A day's beats end when nothing more can be decided on its last prices: the silence after a
        recording's end is not the market's. What is shown after a close is left out; what is stamped with
        the close itself is that day's last word.
        """
        patience_s = 2.5 * tape.step_s
        day = None
        for snapshot in tape.snapshots():
            if self._calendar.is_over(snapshot.at_s):
                continue
            if ist_date(snapshot.at_s) == day:
                self._advance(snapshot.at_s)
                self._snapshot(snapshot)
            else:
                if day is None:
                    self._open(snapshot.at_s)
                else:
                    self._end_day(patience_s)
                day = ist_date(snapshot.at_s)
                self._snapshot(snapshot)
                self._tell(Beat(BeatKind.SESSION_OPEN))
                self._tell(Beat(BeatKind.SYNC))
        if day is not None:
            self._advance(self._now_s + patience_s)
            self._story.close_day(self._now_s)
        self._story.end()

    # ------------------------------------------------------------------------------------- days

    def _open(self, at_s: float) -> None:
        """Start the house: the broker's positions are read before anything is decided."""
        self._now_s = at_s
        self._tell(FeedChanged(FeedState.LIVE, "a recording"))
        self._tell(Beat(BeatKind.SYNC))

    def _end_day(self, patience_s: float) -> None:
        """Let the last prices have their say, then close."""
        self._advance(self._now_s + patience_s)
        self._advance_to_close()
        self._story.close_day(self._now_s)

    def _advance(self, to_s: float) -> None:
        """Let time pass up to a moment, its own beat left out: that comes after its prices."""
        session = self._calendar.window(self._now_s)
        end_s = min(to_s, session.close_s)
        start_s = max(self._now_s, session.open_s)
        while (beat_s := self._next_beat_s(start_s)) < end_s:
            start_s = self._now_s = self._beaten_s = beat_s
            self._tell(Beat(BeatKind.PULSE))
        if session.close_s <= to_s:
            self._advance_to_close()

    def _advance_to_close(self) -> None:
        """Reach the close of a session that is running: day orders die with it."""
        session = self._calendar.window(self._now_s)
        if self._now_s < session.open_s:
            return
        self._now_s = session.close_s
        for order in self._exchange.close():
            self._tell(OrderUpdate(order))

    def _next_beat_s(self, from_s: float) -> float:
        """The next beat at which anything can happen; inf = none."""
        first_s = ceil(from_s * BEATS_PER_S) / BEATS_PER_S
        if first_s <= self._beaten_s:
            first_s = (floor(self._beaten_s * BEATS_PER_S) + 1) / BEATS_PER_S
        self._questions_s = [s for s in self._questions_s if s > self._beaten_s]
        due_s = self._monitor.watch.next_due_s()
        due_s = min(
            inf if due_s is None else due_s,
            self._exits_due_s(first_s),
            self._monitor.limits.next_due_s(),
            *(snooze.until_s for snooze in self._monitor.helm.snoozed.values()),
            *self._questions_s,
        )
        return ceil(max(first_s, due_s) * BEATS_PER_S) / BEATS_PER_S if due_s < inf else inf

    def _exits_due_s(self, first_s: float) -> float:
        """When a running exit may next do something by itself; inf = none runs.

        An exit whose contracts have all expired will never do anything.
        """
        begun = [leg.mid_s for i in self._monitor.desk.live() if not self._expired(i) for leg in i.legs]
        if not begun:
            return inf
        if first_s - max(self._stirred_s, *begun) <= SETTLED_S:
            return first_s
        patience = [s + Tuning().patient_wait_s for s in begun if s + Tuning().patient_wait_s >= first_s]
        return min([ceil(first_s / RESTING_BEAT_S) * RESTING_BEAT_S, *patience])

    def _expired(self, intent: Intent) -> bool:
        today, instruments = ist_date(self._now_s), self._cast.instruments
        expiries = [instruments[leg.key].expiry for leg in intent.legs]
        return all(expiry is not None and expiry < today for expiry in expiries)

    # -------------------------------------------------------------------------------- snapshots

    def _snapshot(self, snapshot: Snapshot) -> None:
        self._now_s = self._stirred_s = snapshot.at_s
        rows = [(key, row) for row in snapshot.rows for key in self._cast.keys.get(row.contract, ())]
        ticks = [tick_of(key, row) for key, row in rows]
        watched = self._cast.underlyings  # not those of refused positions alone
        ticks += [Tick(watched[name], paise) for name, paise in snapshot.spots.items() if name in watched]
        in_session = self._calendar.is_open(self._now_s)
        updates: list[OrderUpdate] = []
        if in_session and self._exchange.working():
            suspect = self._monitor.watch.suspects(ticks, self._now_s)
            believed = [(key, row) for key, row in rows if key not in suspect]
            updates = [OrderUpdate(order) for key, row in believed for order in self._match(key, row)]
        self._enter(snapshot)
        self.ticks += len(snapshot.rows) + len(snapshot.spots)
        if ticks:
            self._tell(Ticks(ticks, instant=True))
        for update in updates:
            self._tell(update)
        if in_session:
            self._story.follow(self._now_s)
            if self._observe is not None:
                self._observe(self._monitor, self._story, self._now_s)
        elif self._calendar.closes(self._now_s):
            self._story.strike(self._now_s)

    def _match(self, key: InstrumentKey, row: Row) -> list[BrokerOrder]:
        """Fill what was sent before this snapshot, at its quote; without quotes at a made-up one."""
        tick = tick_of(key, row)
        if fault(tick):
            return []
        if row.bid_paise is None:
            tick.bid_paise, tick.ask_paise = self._made_up(key, row.ltp_paise)
            tick.bid_quantity = tick.ask_quantity = ANY_QUANTITY
        return self._exchange.quote(tick)

    def _enter(self, snapshot: Snapshot) -> None:
        """Take over the positions that begin with this snapshot."""
        shown = by_contract(snapshot.rows)
        begun: list[TradeRow] = []
        for entrant in list(self._waiting):
            entered = entrant.enter(self._now_s, shown)
            if entered is not None:
                self._waiting.remove(entrant)
                begun += entered
                self._story.begin(position_of(entered, self._cast.instruments))
        if begun:
            self._rows += begun
            self._tell(TradesLoaded(tuple(self._rows), levels=self._levels))
            self._exchange.hold(self._monitor.holdings.reading.recorded_nets())

    # ---------------------------------------------------------------------------------- effects

    def _tell(self, message: Message) -> None:
        """Hand over one message, and all answers to what it brings about."""
        self._inbox.append(message)
        while self._inbox:
            for effect in self._monitor.handle(self._inbox.popleft(), self._now_s):
                if type(effect) in _STIRRING:
                    self._stirred_s = self._now_s
                if type(effect) in self._does:
                    self._does[type(effect)](effect)
                else:
                    self._story.take(effect, self._now_s)

    def _place(self, effect: PlaceOrder) -> None:
        outcome = self._exchange.place(effect.order)
        self._inbox.append(CommandOutcome(Verb.PLACE, effect.order.correlation_id, outcome))

    def _modify(self, effect: ModifyOrder) -> None:
        outcome = self._exchange.modify(effect.order_id, effect.order)
        self._inbox.append(CommandOutcome(Verb.MODIFY, effect.order.correlation_id, outcome))

    def _cancel(self, effect: CancelOrder) -> None:
        outcome = self._exchange.cancel(effect.order_id)
        self._inbox.append(CommandOutcome(Verb.CANCEL, effect.correlation_id, outcome))

    def _report(self, effect: QueryBroker) -> None:
        exchange = self._exchange
        self._inbox.append(
            BrokerReport(
                effect.request, self._now_s, exchange.orders(), exchange.fills(), exchange.positions()
            )
        )

    def _ask(self, effect: Ask) -> None:
        """Nobody answers in a replay; the question has to run out all the same."""
        self._questions_s.append(effect.expires_s)
        self._story.take(effect, self._now_s)
