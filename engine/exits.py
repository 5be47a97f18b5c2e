"""The exit desk: owns every intent and moves each to its end.

The desk is driven by what is learnt (reports, updates, outcomes) and by the clock's pulse. It sends
an order only on a report that was asked for after everything it knows about the contract, and only
while the gate permits. An exit ends verified flat, stuck with a human told, or aborted by /stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import lapses, overnight
from engine.batches import turn
from engine.blotter import Blotter, lost_order
from engine.concerned import Concerned, DayShorts
from engine.effects import Audit, QueryBroker
from engine.endings import Endings
from engine.intents import Intent, IntentState
from engine.meddling import Meddling
from engine.naked import NakedClock
from engine.orders import Event, Order, OrderState
from engine.outgoing import Outgoing
from engine.pace import Pace
from engine.passage import Passage
from engine.plan import SHORTS
from engine.pricing import Style
from engine.refusals import meet
from engine.register import Register
from engine.requotes import Requotes, is_old
from engine.riddles import Riddles
from engine.rules.day_limits import DAY_RULES
from engine.sessions import ist_date
from engine.silence import Silence
from engine.stalls import Stalls
from engine.steps import (
    Block,
    Tell,
    Wait,
    freeze_mid,
    next_step,
    renew_mid,
)
from engine.strangers import Strangers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from engine.blotter import Change
    from engine.broker_nouns import BrokerOrder
    from engine.effects import Effect
    from engine.messages import BrokerReport, CommandOutcome
    from engine.model import InstrumentKey, Verdict
    from engine.pricing import Touch
    from engine.steps import Step
    from engine.tuning import Tuning

__all__ = ["ExitDesk"]

#: A day limit ends several positions: how long their longs wait until all that is short is bought back.
SHORTS_FIRST_S = 30.0


class ExitDesk(Register):
    """Every exit of one account.

    Args:
        account: the account's name, part of every correlation id.
        touch: the best prices of a contract now.
        permit: why an intent may not send now; empty = it may. None: what belongs to no exit.
        tuning: how patient exits are.
        in_session: whether the market trades at a moment.
        disowned: why the account is not ours at a moment, so that no cancel leaves either; empty = it is.
    """

    def __init__(
        self,
        account: str,
        touch: Callable[[InstrumentKey], Touch],
        permit: Callable[[Intent | None, float], str],
        tuning: Tuning,
        in_session: Callable[[float], bool],
        disowned: Callable[[float], str] = lambda _now_s: "",
    ) -> None:
        super().__init__()
        self.blotter = Blotter()
        self._touch = touch
        self._permit = permit
        self._tuning = tuning
        self._in_session = in_session
        self._disowned = disowned
        self._out = Outgoing(account, self.blotter)
        self._endings = Endings(self.blotter.ledger, self._out, in_session)
        self._meddling = Meddling(self._out)
        self._riddles = Riddles(self.intents, self.blotter, self._out)
        self._naked = NakedClock(self.blotter.ledger, self._out, tuning.naked_budget_s)
        self._strangers = Strangers(account, self.blotter, self._out)
        self._passage = Passage(touch, permit, self.blotter, self._out, self._strangers)
        self._pace = Pace()
        self._stalls = Stalls()
        self._silence = Silence()
        self._requotes = Requotes(touch, permit)
        self._waits: dict[str, str] = {}
        self._reads_for: set[str] = set()  # intents that wait for the books
        self._concerned = Concerned()
        self._day_shorts = DayShorts()

    # --------------------------------------------------------------------------------- driving

    def restore(self, intents: Iterable[Mapping[str, Any]], orders: Iterable[Mapping[str, Any]]) -> None:
        """Take over what the journal knows; call once, before anything else."""
        for row in orders:
            order = Order.from_json(dict(row))
            self.blotter.add(order)
            self._meddling.restored(order)
        for row in intents:
            intent = Intent.from_json(dict(row), self.blotter.of(str(row["id"])))
            self.enter(intent)
            self._day_shorts.look(intent)
        stuck = [i for i in self.intents.values() if i.state is IntentState.STUCK]
        for leg in [leg for intent in (*stuck, *self.live()) for leg in intent.legs]:
            self.blotter.ledger.resume(leg)
        self._pace.wanted = any(True for _ in self.live())

    def open(self, intent: Intent, now_s: float) -> list[Effect]:
        """Take on a decided exit; nothing is sent before a report asked for from now on."""
        if not any(True for _ in self.live()):  # several that begin together share one report
            self._pace.overtake()
        self.enter(intent)
        for leg in intent.legs:
            self.blotter.ledger.touched(leg.key)
            touch = self._touch(leg.key)
            if not is_old(touch, now_s):  # else it is frozen with the first order, from newer ones
                freeze_mid(leg, touch, now_s)
        self._out.save(intent)
        self._out.add(Audit("intent", intent.to_json()))
        self._pace.wanted = True
        return self._turn(now_s, _keys(intent))

    def start_day(self, since_s: float, now_s: float) -> list[Effect]:
        """A day begins at ``since_s``: earlier orders are dead, the broker's books are new."""
        self._riddles.start_day()
        self._strangers.start_day()
        dead = [order for order in self.blotter.start_day(since_s) if order.state.live]
        for order in dead:
            order.learn(Event.SEEN_EXPIRED)
            self._out.save_order(order)
        for intent in self.turn_over(since_s):
            overnight.resume(intent, since_s, now_s, self._out)
        self._forget_the_rest()
        for leg in [leg for intent in (*self.stuck(), *self.live()) for leg in intent.legs]:
            self.blotter.ledger.resume(leg)
        for intent in self.intents.values():
            self._look_for_shorts(intent)
        return self._turn(now_s)

    def _forget_the_rest(self) -> None:
        """What was known of exits that do not count any more."""
        names = {*self.intents, *(order.id for intent in self.intents.values() for order in intent.orders)}
        self._meddling.keep(names)
        self._stalls.keep(names)
        self._out.keep(names)
        self._passage.keep(names)

    def tell_again(self) -> list[Effect]:
        """Tell of every exit that stands stuck: the process that recorded it may have died unheard."""
        for intent in self.stuck():
            self._endings.tell_stuck(intent)
        return self._out.take()

    def session_closed(self, now_s: float) -> list[Effect]:
        """Tell of every exit that the closing bell has interrupted."""
        for intent in self.live():
            overnight.interrupted(intent, now_s, self._out)
        return self._turn(now_s)

    def closed_outside(self, intent: Intent) -> list[Effect]:
        """Take on an exit that has ended before it began: somebody else has closed all that it was about."""
        self.enter(intent)
        self._out.save(intent)
        self._out.add(Audit(intent.state, {"intent": intent.id}))
        return self._out.take()

    def hasten(
        self, intent: Intent, verdict: Verdict, now_s: float, style: Style = Style.URGENT
    ) -> list[Effect]:
        """A graver reason has joined an exit: it goes on from the market as it is now, mostly urgently.

        An exit of a part becomes one of the whole: what it has traded counts, what rests goes on.
        """
        intent.verdict, intent.style = verdict, style
        if intent.part is not None:
            intent.part, intent.verify_since_s = None, None
            for leg in intent.legs:
                leg.become_whole()
            lapses.lapse(intent, ist_date(now_s), self._out)  # what was to stay may have expired by now
        for leg in intent.legs:
            renew_mid(leg, self._touch(leg.key), now_s)
        self._out.save(intent)
        self._out.add(Audit("hastened", {"intent": intent.id}))
        return self._turn(now_s, _keys(intent))

    def stop(self, now_s: float) -> list[Effect]:
        """Cancel every working order of ours and end every exit where it stands."""
        for intent in self.live():
            intent.state = IntentState.STOPPING
            self._out.save(intent)
            self._out.recall(intent)
        return self._turn(now_s)

    def report(self, report: BrokerReport, now_s: float) -> list[Effect]:
        """Take in the broker's truth, or the news that it could not be had."""
        newest = report.request == self.blotter.ledger.asked
        self._pace.answered(now_s, newest=newest, failed=bool(report.failed))
        if report.failed:
            return self._turn(now_s, ())
        first, live = self.blotter.ledger.report is None, self.blotter.live()
        self._learn(self.blotter.report(report, now_s), now_s)
        for order in () if first else live:  # of what was before the first one nobody could hear
            if order.state is OrderState.FILLED:
                self._silence.books_told(order.order_id, now_s)
        effects = self._turn(now_s)
        self._endings.take_up(self.stuck())
        return effects + self._out.take()

    def update(self, row: BrokerOrder, now_s: float, *, heard: bool = True) -> list[Effect]:
        """Take in one order's news from the update socket; not ``heard``: it was asked for."""
        if heard:
            self._silence.socket_told(row.order_id)
        self._learn(self.blotter.update(row, now_s), now_s)
        return self._turn(now_s, self._about(self.blotter.ours(row)))

    def outcome(self, news: CommandOutcome, now_s: float) -> list[Effect]:
        """Take in what became of a command of ours."""
        self._out.add(
            Audit("outcome", {"order": news.correlation_id, "verb": news.verb, "said": repr(news.outcome)})
        )
        self._learn(self.blotter.outcome(news, now_s), now_s)
        return self._turn(now_s, self._about(self.blotter.get(news.correlation_id)))

    def pulse(self, now_s: float) -> list[Effect]:
        """Let time pass: step prices, ask again, alarm about the unknown."""
        return self._turn(now_s)

    def ask(self, now_s: float, why: str) -> None:
        """Queue a request for a report with the next effects."""
        self._pace.asked(now_s)
        self._out.add(QueryBroker(self.blotter.ledger.next_request(), why))

    # -------------------------------------------------------------------------------- learning

    def _learn(self, changes: Iterable[Change], now_s: float) -> None:
        learnt = list(changes)
        for intent in [self.intents[change.order.intent] for change in learnt]:
            self.touched(intent)
            self._look_for_shorts(intent)
        for change in learnt:
            order, intent = change.order, self.intents[change.order.intent]
            self._pace.wanted = True
            if change.refusal is not None:
                self._refused(intent, order, change.refusal, now_s)
            self._out.save_order(order)
            news = {"order": order.id, "state": order.state, "filled": order.filled, "reason": order.reason}
            self._out.add(Audit("order", news))
            if not self._permit(intent, now_s):  # at the close the exchange cancels what is left
                self._meddling.cancelled(intent, order)
            if change.resized:
                text = (
                    f"Order {order.id} is for {order.request.quantity} units now; nobody here asked for that."
                )
                topic = f"resized:{order.id}:{order.request.quantity}"
                self._out.tell(intent, topic, "An order was changed by somebody else", text)
            if intent.rest(order.leg) < 0:
                leg = intent.legs[order.leg]
                text = (
                    f"{leg.name}: {intent.filled(order.leg)} units were filled, {leg.quantity} planned. "
                    "Check the position at the broker."
                )
                self._out.tell(intent, f"overfill:{order.id}", "More was filled than planned", text)

    def _refused(self, intent: Intent, order: Order, refusal: tuple[str, str], now_s: float) -> None:
        leg = intent.legs[order.leg]
        met = meet(leg, order, intent.filled(order.leg), refusal, now_s)
        if met.blocked:
            self._block(intent, order.leg, met.blocked, now_s)
        elif met.told:
            topic = f"refused:{intent.id}:{leg.key}:{leg.refused_since_s:.0f}"
            self._out.tell(intent, topic, "An exit is refused and goes on", met.told)
        self._out.save(intent)

    def _block(self, intent: Intent, index: int, why: str, now_s: float) -> None:
        leg = intent.legs[index]
        leg.blocked = why
        self._look_for_shorts(intent)
        if self._whose_turn(intent, now_s):  # else the whole exit is stuck, and says so itself
            self._out.tell(intent, f"blocked:{intent.id}:{leg.key}", "A leg of an exit is stuck", why)

    # ---------------------------------------------------------------------------------- acting

    def _turn(self, now_s: float, keys: Iterable[InstrumentKey] | None = None) -> list[Effect]:
        """Move live intents as far as they go now, and ask for a report if one is wanted.

        ``keys``: the contracts that something was learnt about; None = time has passed, or all have changed.
        """
        self._concerned.begin(keys)
        no_cancel = self._disowned(now_s) or ("" if self._in_session(now_s) else "the market is closed")
        moved = []
        for intent in [*self.live()]:
            if self._concerned.is_(intent):
                moved.append(intent)
                self.touched(intent)
                before = self._out.collected
                self._move(intent, no_cancel, now_s)
                if self._out.collected != before:
                    self._concerned.acted(intent)
                self._look_for_shorts(intent)
        self._pace.wanted = self._pace.wanted or bool(self._reads_for)
        if self._riddles.solve(no_cancel, now_s):
            self._pace.wanted = True
        if self._strangers.live() and self._strangers.deal(self._permit(None, now_s), now_s):
            self._pace.wanted = True
        for effect in (*self._silence.look(now_s), *self._requotes.look(moved, self.live, now_s)):
            self._out.add(effect)
        self._query(now_s)
        return self._out.take()

    def _about(self, order: Order | None) -> list[InstrumentKey]:
        """The contracts on which an order's news bears: all those of its exit; others may share them."""
        return [] if order is None else _keys(self.intents[order.intent])

    def _look_for_shorts(self, intent: Intent) -> None:
        if self._day_shorts.look(intent):
            self._concerned.day_changed()

    def _move(self, intent: Intent, no_cancel: str, now_s: float) -> None:
        """Move one intent as far as it goes now."""
        self._waits.pop(intent.id, None)
        self._reads_for.discard(intent.id)
        self._meddling.look(intent)
        self._naked.look(intent, now_s)
        lost = lost_order(intent.orders, now_s) if self._in_session(now_s) else None
        if lost is not None:
            name = intent.legs[lost.leg].name
            text = f"{name}: order {lost.id} is not in the broker's books. It may still trade."
            self._endings.stuck(intent, f"{text} Nothing more is sent")
        elif intent.state is IntentState.STOPPING:
            self._wait(intent, self._endings.wind_down(intent, no_cancel, now_s))
        else:
            self._work(intent, now_s)
        if self._stalls.stalled(intent, now_s) and (why := self._waits.get(intent.id)):
            self._out.tell(intent, f"stalled:{intent.id}:{why}", "Exit does not get on", f"{why}.")
        self._meddling.look(intent)  # what was asked for just now
        self._naked.look(intent, now_s)

    def _work(self, intent: Intent, now_s: float) -> None:
        open_legs = [i for i in range(len(intent.legs)) if intent.rest(i) > 0 or intent.live_on(i)]
        if not open_legs:
            self._wait(intent, self._endings.verify(intent, now_s))
            return
        if not self._in_session(now_s):
            self._rest(intent, now_s)
            return
        before = self._out.collected
        may_go = allowed = self._whose_turn(intent, now_s)
        if allowed and self._shorts_elsewhere(intent, now_s):
            allowed = [each for each in allowed if intent.legs[each[0]].rank == SHORTS]
            if not allowed:
                self._waits[intent.id] = "what other positions are short of is bought back first"
                return
        for index, units in allowed:
            touch = self._touch(intent.legs[index].key)
            live = self.blotter.live()
            step = next_step(intent, index, units, self.blotter.ledger, live, touch, now_s, self._tuning)
            self._take(intent, index, step, now_s)
        if may_go and self._out.collected == before:
            return  # nothing was done that could end its turn
        if any(intent.rest(i) > 0 for i in open_legs) and not self._whose_turn(intent, now_s):
            self._endings.stuck(intent, "; ".join(leg.blocked for leg in intent.legs if leg.blocked))

    def _whose_turn(self, intent: Intent, now_s: float) -> list[tuple[int, int]]:
        """Which legs may go now, and how far: one without a hedge for long sells no more of them."""
        hold = self._naked.late(intent, now_s) or self._shorts_elsewhere(intent, now_s)
        return turn(intent, self._tuning.batch_lots, now_s, hold=hold)

    def _rest(self, intent: Intent, now_s: float) -> None:
        """The market is closed: the broker's books are made anew at night, so nothing is concluded from them.

        What they list then is neither less held nor closed by somebody else, and nothing can be sent.
        """
        if why := self._permit(intent, now_s):
            self._out.tell(intent, f"gate:{intent.id}:{why}", "Exit is held back", why)

    def _shorts_elsewhere(self, intent: Intent, now_s: float) -> bool:
        """Whether another exit of the same day limit is still short of something that can be bought.

        A margin account counts a long of one strategy as cover for a short of another. But a short that
        nobody sells must not keep everything else in the market.
        """
        if intent.verdict.rule not in DAY_RULES or now_s >= intent.begun_s + SHORTS_FIRST_S:
            return False
        return self._day_shorts.beside(intent)

    def _take(self, intent: Intent, index: int, step: Step, now_s: float) -> None:
        if isinstance(step, Wait):
            self._wait(intent, step)
        elif isinstance(step, Block):
            self._block(intent, index, step.reason, now_s)
            self._out.save(intent)
        elif isinstance(step, Tell):
            self._pace.wanted = True
            self._concerned.acted(intent)  # it goes on, also when it was told before
            if self._out.tell(intent, step.topic, "Exit needs an eye", step.text):
                self._out.save(intent)
        elif (instead := self._passage.let_out(intent, index, step, now_s)) is not None:
            self._take(intent, index, instead, now_s)

    def _wait(self, intent: Intent, step: Wait | None) -> None:
        if step is None:
            return
        if step.report:
            self._reads_for.add(intent.id)
        if step.why:
            self._waits[intent.id] = step.why

    def _query(self, now_s: float) -> None:
        if self._pace.due(now_s, self._resting, self._stale):
            self.ask(now_s, "an exit is running")

    def _resting(self) -> bool:
        return bool(self.blotter.live())

    def _stale(self) -> bool:
        return any(self._needs_the_books(intent) for intent in self.live())

    def _needs_the_books(self, intent: Intent) -> bool:
        """Whether an exit can do nothing before the books are read again.

        What is at the exchange brings its own news, so that nothing is won by asking at once; the reads
        are counted, and those that are spent on it are missing when everything has been traded.
        """
        legs = range(len(intent.legs))
        unfinished = [i for i in legs if intent.rest(i) > 0 or intent.live_on(i)] or legs
        fresh = self.blotter.ledger.fresh
        return any(not intent.live_on(i) and not fresh(intent.legs[i].key) for i in unfinished)


def _keys(intent: Intent) -> list[InstrumentKey]:
    return [leg.key for leg in intent.legs]
