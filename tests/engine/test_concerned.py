"""An exit is looked at when something concerns it, and that does the same as looking at all each time."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.broker_nouns import BrokerOrder, OrderStatus
from engine.effects import CancelOrder, ModifyOrder, PlaceOrder, QueryBroker, QueryOrder, RecallOrder
from engine.exits import ExitDesk
from engine.intents import Intent, IntentState
from engine.messages import CommandOutcome, Refused, Verb
from engine.model import Action, Side, Urgency, Verdict
from engine.plan import plan_exit
from engine.pricing import Style, Touch
from engine.tuning import Tuning
from tests.engine.makers import leg, position
from tests.support.broker import START_S, Fault, Fill, ModelBroker

COMMANDS = (PlaceOrder, ModifyOrder, CancelOrder)


class Counting(ExitDesk):
    """Counts how often an exit was looked at."""

    looks = 0

    def _move(self, *asked):
        self.looks += 1
        super()._move(*asked)


class Thorough(Counting):
    """Looks at every exit at every message."""

    def _turn(self, now_s, keys=None):
        return super()._turn(now_s)


def condors(number):
    """So many condors; two beside each other share a put spread, the next two a call spread."""
    made = []
    for n in range(number):
        put, call = 24_000 + 50 * (n // 2 * 10), 26_000 + 50 * ((n + 1) // 2 * 10)
        made.append(
            position(
                leg(65, put - 200, "PE", 20), leg(-65, put, "PE", 40),
                leg(-130, call, "CE", 40), leg(130, call + 200, "CE", 20), strategy_id=100 + n,
            )
        )  # fmt: skip
    return made


class Twins:
    """Two desks that are told the same, beside one exchange; what they want must be the same.

    The clock moves with the pulse only, and the prices with it, as the desk sees them.
    """

    def __init__(self, number, *, rule="stop_loss", batch_lots=0, fills_as=Fill.NEVER, lag_s=0.0):
        self.now_s, self.gate, self.shift, self.around_paise = START_S, "", 0, 1000
        self.positions, self.rule = condors(number), rule
        self.broker = ModelBroker(fills_as=fills_as, lag_s=lag_s)
        for each in self.positions:
            self.broker.hold(each)
        self.desks = [
            made("default", self.touch, lambda *_: self.gate, Tuning(batch_lots=batch_lots), lambda _: True)
            for made in (Counting, Thorough)
        ]
        self.waiting = deque()

    def touch(self, key):
        around = self.around_paise + (key * 7 + self.shift) % 60
        return Touch(around, around + 10, around + 5, self.now_s)

    def tell(self, told):
        """Tell both, and keep what is to be carried to the exchange."""
        quick, thorough = (told(desk) for desk in self.desks)
        assert quick == thorough
        asks = (*COMMANDS, QueryBroker, QueryOrder, RecallOrder)
        self.waiting.extend(effect for effect in quick if isinstance(effect, asks))

    def begin(self, n, style=Style.URGENT):
        """Begin the exit of a position."""
        verdict = Verdict(self.rule, Action.CLOSE_IMMEDIATELY, Urgency.HIGH, -500000, -497250, 1.0, "loss")
        what, name = self.positions[n], f"260203{n:03d}"
        self.tell(
            lambda desk: desk.open(
                Intent(
                    name, what.id, "default", "NIFTY", verdict, style, plan_exit(what), self.rule, name,
                    self.now_s,
                ),
                self.now_s,
            )
        )  # fmt: skip

    def pulse(self, seconds=0.5, shift=0):
        """Let time pass, and the market move."""
        self.now_s += seconds
        self.shift += shift
        self.broker.pass_time(self.now_s)
        self.tell(lambda desk: desk.pulse(self.now_s))

    def carry(self, at=0):
        """Carry one effect to the exchange, and the answer back."""
        if not self.waiting:
            return
        self.waiting.rotate(-at)
        effect = self.waiting.popleft()
        match effect:
            case QueryBroker():
                report = self.broker.report(effect.request, self.now_s)
                self.tell(lambda desk: desk.report(report, self.now_s))
            case QueryOrder():
                for row in [
                    o for o in self.broker.orders.values() if o.correlation_id == effect.correlation_id
                ]:
                    self.tell(lambda desk, row=row: desk.update(row, self.now_s, heard=False))
            case PlaceOrder():
                name = effect.order.correlation_id
                self.answer(Verb.PLACE, name, self.broker.place(effect.order, self.now_s))
            case ModifyOrder():
                name = effect.order.correlation_id
                self.answer(Verb.MODIFY, name, self.broker.modify(effect.order_id, effect.order))
            case CancelOrder():
                self.answer(Verb.CANCEL, effect.correlation_id, self.broker.cancel(effect.order_id))
            case RecallOrder() if self.broker.recall(effect.correlation_id):
                self.answer(Verb.PLACE, effect.correlation_id, Refused("NOT-SENT", "not sent: recalled"))

    def answer(self, verb, name, outcome):
        if outcome is not None:
            self.tell(lambda desk: desk.outcome(CommandOutcome(verb, name, outcome), self.now_s))

    def trade(self, at, *, whole, heard):
        """One order trades; the update comes, or is lost."""
        resting = [o.order_id for o in self.broker.orders.values() if not o.status.final]
        if not resting:
            return
        order_id = resting[at % len(resting)]
        row = self.broker.orders[order_id]
        left = row.quantity - row.filled
        self.broker.trade(order_id, left if whole else -(-left // 2), self.now_s)
        if heard:
            row = self.broker.orders[order_id]
            self.tell(lambda desk: desk.update(row, self.now_s))

    def hand(self, at):
        """Somebody closes some of what is held in the app, or cancels an order of ours."""
        held = [key for key, net in self.broker.net.items() if net]
        if held:
            key = held[at % len(held)]
            self.broker.by_hand(key, -65 if self.broker.net[key] > 0 else 65, self.now_s)

    def elsewhere(self):
        """Somebody else's order changes, in a contract that no exit is about."""
        row = BrokerOrder("9", "", 1, Side.BUY, 65, 0, 0, 1000, OrderStatus.PENDING)
        self.tell(lambda desk: desk.update(row, self.now_s))

    def stop(self):
        self.tell(lambda desk: desk.stop(self.now_s))


_NUMBER = st.integers(0, 7)
_EVENTS = st.one_of(
    st.tuples(st.just("begin"), _NUMBER),
    st.tuples(st.just("carry"), _NUMBER),
    st.tuples(st.just("carry"), _NUMBER),
    st.tuples(st.just("carry"), _NUMBER),
    st.tuples(st.just("trade"), _NUMBER, st.booleans(), st.booleans()),
    st.tuples(st.just("trade"), _NUMBER, st.booleans(), st.booleans()),
    st.tuples(st.just("pulse"), st.sampled_from([0.5, 0.5, 1.5, 6.0, 31.0]), st.integers(-20, 20)),
    st.tuples(st.just("hand"), _NUMBER),
    st.tuples(st.just("elsewhere")),
    st.tuples(st.just("fault"), st.sampled_from(list(Fault))),
    st.tuples(st.just("gate"), st.sampled_from(["", "", "the journal cannot be written"])),
    st.tuples(st.just("broker"), st.sampled_from(["reads_fail", "lists_positions"]), st.booleans()),
    st.tuples(st.just("stop")),
)


def _happen(twins, begun, event):
    match event:
        case ("begin", n) if n % len(twins.positions) not in begun:
            begun.add(n % len(twins.positions))
            twins.begin(n % len(twins.positions), list(Style)[n % len(Style)])
        case ("carry", at):
            twins.carry(at)
        case ("trade", at, whole, heard):
            twins.trade(at, whole=whole, heard=heard)
        case ("pulse", seconds, shift):
            twins.pulse(seconds, shift)
        case ("hand", at):
            twins.hand(at)
        case ("fault", fault):
            twins.broker.faults.append(fault)
        case ("gate", gate):
            twins.gate = gate
            twins.pulse()  # what is permitted changes with it
        case ("broker", what, on):
            setattr(twins.broker, what, on)
        case ("stop" | "elsewhere" as name,):
            getattr(twins, name)()


@settings(deadline=None)
@given(
    st.lists(_EVENTS, min_size=10, max_size=60),
    st.sampled_from(["stop_loss", "day_loss_rupees"]),
    st.sampled_from([0, 1]),
    st.sampled_from([0.0, 3.0]),
)
def test_looking_at_whom_a_message_concerns_does_what_looking_at_all_does(events, rule, batch_lots, lag_s):
    """Exits that share contracts, every answer, fill and fault in any order: each effect is the same."""
    twins = Twins(4, rule=rule, batch_lots=batch_lots, lag_s=lag_s)
    begun = set()
    for event in (("begin", 0), ("begin", 1), *events):
        _happen(twins, begun, event)
    quick, thorough = twins.desks
    assert quick.looks <= thorough.looks


def test_an_exit_that_was_told_of_at_its_cap_goes_on_with_the_next_message_whatever_that_is_about():
    """The market runs away; right after each step, news of nobody: who has done something is not done yet."""
    twins = Twins(1)
    twins.begin(0)
    for _ in range(60):
        while twins.waiting:
            twins.carry()
        twins.around_paise = 2000
        twins.pulse(1.0)
        twins.elsewhere()
    quick, _ = twins.desks
    (intent,) = quick.intents.values()
    assert any(plan.uncapped for plan in intent.legs)


@pytest.mark.parametrize("rule", ["stop_loss", "day_loss_rupees"])
def test_of_twenty_exits_at_once_a_message_has_only_those_that_share_its_contracts_looked_at(rule):
    """Answers and fills have three or four exits looked at in the mean, not all twenty.

    Whoever has done something is looked at once more: after a read of the books that is everybody, once.
    """
    twins = Twins(20, rule=rule)
    for n in range(20):
        twins.begin(n)
    quick, thorough = twins.desks
    looks, messages = 0, 0
    for _ in range(40):  # seconds
        for _ in range(len(twins.waiting)):
            before, books = quick.looks, isinstance(twins.waiting[0], QueryBroker)
            twins.carry()
            looks, messages = looks + (not books) * (quick.looks - before), messages + (not books)
        while any(not order.status.final for order in twins.broker.orders.values()):
            before = quick.looks
            twins.trade(0, whole=True, heard=True)
            looks, messages = looks + quick.looks - before, messages + 1
        twins.pulse(1.0)
    assert {intent.state for intent in quick.intents.values()} == {IntentState.FLAT}
    assert messages >= 160
    assert looks <= 5 * messages
    assert thorough.looks > 3 * quick.looks
