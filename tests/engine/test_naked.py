"""How long an exit leaves more without a hedge than it found, and what its owner is told of the risk."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from engine.blotter import Blotter
from engine.broker_nouns import OrderRequest
from engine.intents import Intent, IntentState, LegPlan
from engine.ledger import Ledger
from engine.model import Action, Side, Urgency, Verdict
from engine.naked import NakedClock, risk_words
from engine.orders import Order, OrderState
from engine.outgoing import Outgoing
from engine.plan import plan_exit
from engine.pricing import Style
from engine.tuning import Tuning
from tests.engine.makers import OPENED, condor, future, leg, position, strangle
from tests.support.broker import Fill, ModelBroker, World

LOT, LATER = 65, date(2026, 3, 31)
TITLE = "An exit has lost its hedge"


class Choosy(ModelBroker):
    """Takes every order; those of one contract rest until ``sells_s``."""

    slow = 0
    sells_s = float("inf")

    def admit(self, request, now_s):
        rests = request.key == self.slow and now_s < self.sells_s
        self.fills_as = Fill.NEVER if rests else Fill.AT_ONCE
        return super().admit(request, now_s)

    def pass_time(self, now_s):
        super().pass_time(now_s)
        for order_id, order in self.orders.items() if now_s >= self.sells_s else ():
            self.trade(order_id, order.quantity - order.filled, now_s)


def covered_put(tuning=None, lots=1, sells_after_s=None) -> World:
    """A short future covers a sold put, a call the future; the put cannot be bought back for long."""
    put = leg(-LOT * lots, 24_700, "PE", 45)
    made = position(future(-LOT * lots, 25_000), put, leg(LOT * lots, 25_500, "CE", 18))
    broker = Choosy()
    broker.slow = put.key
    world = World(made, broker, tuning)
    broker.sells_s = float("inf") if sells_after_s is None else world.now_s + sells_after_s
    world.exit()
    return world


def told(world) -> list[str]:
    return [alert.text for alert in world.alerts if alert.title == TITLE]


def test_seconds_without_a_hedge_count_from_the_fill_that_took_it():
    """The future is bought back at once, its put twelve seconds later; that is read within three more."""
    world = covered_put(sells_after_s=12.0)
    assert world.run() is IntentState.FLAT
    assert 12.0 <= world.intent.naked_s <= 15.5
    assert world.records["intent"][world.intent.id]["naked_s"] == world.intent.naked_s
    assert world.intent.naked_since_s is None
    assert not told(world)


def test_over_its_budget_the_owner_is_told_once_loudly_with_what_can_be_lost():
    """The put stands alone: no amount is its limit, and it loses as the market falls."""
    world = covered_put()
    world.run(19.0)
    assert not told(world)
    world.run(60.0)
    (text,) = told(world)
    assert text.endswith("What is left has no limit to its loss: 65 units lose as the market falls.")
    (alert,) = [alert for alert in world.alerts if alert.title == TITLE]
    assert alert.urgency is Urgency.HIGH


def test_the_seconds_survive_a_restart():
    """The process dies twelve seconds in: the budget of twenty is over eight seconds later, not twenty."""
    world = covered_put()
    world.run(12.0)
    world.restart()
    world.run(6.0)
    assert not told(world)
    world.run(4.0)
    assert len(told(world)) == 1


def test_over_its_budget_an_exit_in_batches_sells_no_hedge_while_anything_is_short():
    """The put of the first batch is late; from then on all shorts go first, and the end is flat."""
    late = covered_put(Tuning(batch_lots=1, naked_budget_s=5.0), lots=3, sells_after_s=8.0)
    assert late.run() is IntentState.FLAT
    assert [order.side for order in late.broker.placed].count(Side.SELL) == 1
    early = covered_put(Tuning(batch_lots=1, naked_budget_s=5.0), lots=3, sells_after_s=2.0)
    assert early.run() is IntentState.FLAT
    assert [order.side for order in early.broker.placed].count(Side.SELL) == 3


@pytest.mark.parametrize("made", [condor(), strangle()], ids=["hedged", "naked from the start"])
def test_nothing_counts_that_was_not_worse_than_before(made):
    """A condor goes shorts first; a strangle has had no hedge to lose. One of its legs is slow."""
    broker = Choosy()
    broker.slow = made.legs[1].key
    world = World(made, broker)
    world.exit()
    world.run(60.0)
    assert (world.intent.naked_s, world.intent.naked_since_s) == (0.0, None)
    assert not told(world)


def test_what_an_earlier_exit_has_left_without_a_hedge_does_not_count_against_the_next():
    """The future was bought back before /stop: the put is bare when the next exit begins."""
    intent = exit_of(position(future(-LOT, 25_000), leg(-LOT, 24_700, "PE", 45)))
    put, hedge = sorted(intent.legs, key=lambda plan: "FUT" in plan.name)
    request = OrderRequest("P-default-260203001-1-0-0", put.key, put.side, LOT, 4_500, put.product)
    intent.orders = [Order(request, intent.id, intent.legs.index(put), 0, 0, OPENED)]
    hedge.before = LOT
    clock = NakedClock(Ledger(), Outgoing("default", Blotter()), 20.0)
    clock.look(intent, OPENED)
    assert intent.naked_since_s is None
    hedge.before = 0
    intent.orders.append(filled(intent, hedge))
    clock.look(intent, OPENED)
    assert intent.naked_since_s == OPENED


@pytest.mark.parametrize("lots", [0, 1])
def test_hedges_that_somebody_else_has_sold_count_at_once(lots):
    """Of a spread the long is sold in the app, all of it or one of two, while we buy the short back."""
    made = position(leg(-2 * LOT, 25_300, "CE", 40), leg(2 * LOT, 25_500, "CE", 18))
    broker = Choosy()
    broker.slow = made.legs[0].key
    world = World(made, broker)
    world.exit()
    world.run(2.0)
    broker.by_hand(made.legs[1].key, (lots - 2) * LOT, world.now_s)
    world.held[made.legs[1].key] = lots * LOT
    world.run(18.0)
    assert not told(world)
    world.run(10.0)
    (text,) = told(world)
    assert text.endswith(f"{LOT * (2 - lots)} units lose as the market rises.")


def test_a_night_does_not_count():
    """What was bare at the close is bare again from the first look of the next day on."""
    world = covered_put(Tuning(naked_budget_s=300.0))
    world.run(10.0)
    world.now_s += 86_400.0
    world.carry(world.desk.start_day(world.now_s - 9 * 3_600.0, world.now_s))
    world.run(10.0)
    assert world.intent.naked_s + world.now_s - (world.intent.naked_since_s or world.now_s) < 30.0


# --------------------------------------------------------------------------------- what is told


def words(intent) -> str:
    """What is told before the broker was read."""
    return risk_words(intent, Ledger())


def exit_of(made) -> Intent:
    verdict = Verdict("stop_loss", Action.CLOSE_IMMEDIATELY, Urgency.HIGH, None, None, 1.0, "loss")
    return Intent("260203001", made.id, "default", "", verdict, Style.URGENT, plan_exit(made), "", "", OPENED)


def buy_back(intent, name, price):
    """One leg is traded, at this price in rupees."""
    plan = next(plan for plan in intent.legs if plan.name.endswith(name))
    plan.before, plan.before_paise = plan.quantity, plan.quantity * price * 100


def filled(intent, plan) -> Order:
    """The order that has traded all of a leg."""
    request = OrderRequest("P-default-260203001-0-0-0", plan.key, plan.side, plan.quantity, 100, plan.product)
    index = intent.legs.index(plan)
    return Order(request, intent.id, index, 0, 0, OPENED, OrderState.FILLED, filled=plan.quantity)


def rows(made):
    """The position with a row of the store for each leg."""
    return replace(made, legs=tuple(replace(each, row_id=n) for n, each in enumerate(made.legs)))


def test_the_worst_end_is_that_of_the_payoff_with_what_the_fills_have_made():
    """The condor of the worked example loses at most 9,945; its call bought back for 60 makes that 13,845."""
    intent = exit_of(rows(condor()))
    assert words(intent).endswith("the position ends at −₹9,945.00 at worst.")
    buy_back(intent, "25300 CE", 60)
    assert words(intent).endswith("the position ends at −₹13,845.00 at worst.")
    buy_back(intent, "24700 PE", 10)
    assert words(intent).endswith("the position ends at −₹1,495.00 at worst.")


def test_what_somebody_else_has_closed_counts_as_if_it_had_made_nothing():
    """Its price is not known: of the long call only the entry is."""
    intent = exit_of(rows(position(leg(LOT, 25_300, "CE", 40), leg(LOT, 25_500, "CE", 18))))
    intent.legs[0].quantity = 0
    assert words(intent).endswith("the position ends at −₹1,170.00 at worst.")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (strangle(), "no limit to its loss: 65 units lose as the market rises or falls."),
        (position(leg(-LOT, 25_300, "CE", 40)), "65 units lose as the market rises."),
        (position(leg(-LOT, 25_300, "CE", 40), leg(LOT, 25_500, "CE", 18, LATER)), "in several expiries"),
        (position(leg(LOT, 25_300, "CE", None)), "An entry price is missing"),
    ],
    ids=["both", "one", "calendar", "no price"],
)  # fmt: skip
def test_what_cannot_be_a_number_is_said_in_words(made, said):
    """No limit, several expiries, no entry price."""
    assert said in words(exit_of(rows(made)))


def test_an_exit_that_has_traded_all_has_nothing_to_lose():
    """There is no sentence for it."""
    intent = exit_of(position(leg(LOT, 25_300, "CE", 40)))
    buy_back(intent, "CE", 50)
    assert not words(intent)


def test_a_leg_comes_back_from_the_journal_with_its_contract_and_from_an_old_one_without():
    """Of an exit that an older version began it is not known what hedges what, and that is said."""
    intent = exit_of(condor())
    intent.naked_s, intent.naked_since_s = 3.5, OPENED
    kept = json.loads(json.dumps(intent.to_json()))
    assert Intent.from_json(kept, []) == intent
    for row in kept["legs"]:
        del row["contract"]
    del kept["naked_s"], kept["naked_since_s"]
    old = Intent.from_json(kept, [])
    assert (old.naked_s, old.naked_since_s) == (0.0, None)
    assert words(old) == "What it can still lose is not known."
    assert all(isinstance(each, LegPlan) for each in old.legs)
