"""Somebody else's hand on a position or on our orders: told, held, and ended as what it is."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import date

import pytest

from engine.broker_nouns import BrokerOrder, OrderStatus
from engine.effects import Alert, Audit, Card, LoadInstruments, Say
from engine.idle import SYNC_AT_REST_S
from engine.intents import IntentState
from engine.messages import (
    Actor,
    Beat,
    BeatKind,
    Command,
    InstrumentsLoaded,
    OrderUpdate,
    Ticks,
    Unknown,
    Wish,
)
from engine.model import Mode, Side, Urgency
from engine.paper import PaperExchange
from engine.sessions import at
from engine.tuning import Tuning
from tests.engine.makers import condor, leg, position, quote
from tests.support.broker import Fault, Fill, ModelBroker, World
from tests.support.rig import Rig

ENTRY = (20, 45, 40, 18)
LOSS = (6, 10, 190, 60)
PROFIT = (8, 20, 14, 6)
RULES = "[default]\nprofit_target = 0.3\nstop_loss_rupees = 1000\n"


def short_call():
    return position(leg(-65, 25300, "CE", 40))


def cancel_all(world):
    """A hand in the app cancels what works."""
    for name, row in world.broker.orders.items():
        if not row.status.final:
            world.broker.orders[name] = replace(row, status=OrderStatus.CANCELLED, reason="by user")


def untraded(rig, seconds, mids):
    """Quotes that nothing trades at."""
    for _ in range(int(seconds * 2)):
        rig.now_s += 0.5
        for each, mid in zip(rig.legs, mids, strict=True):
            rig.tell(Ticks([quote(each.key, mid - 0.05, mid + 0.05)]))
        rig.tell(Beat(BeatKind.PULSE))


# ------------------------------------------------------------------------------ an exit being stopped


def test_an_exit_that_is_being_stopped_is_in_no_hurry(monkeypatch):
    """/stop, its cancel unanswered, then the stop loss: told that automation is halted, nothing joins."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    monkeypatch.setattr(rig.exchange, "cancel", lambda _order_id: Unknown("timeout"))
    untraded(rig, 20, (20, 27, 22, 18))
    rig.command(Wish.STOP)
    untraded(rig, 10, LOSS)
    (intent,) = rig.monitor.desk.intents.values()
    assert intent.state is IntentState.STOPPING
    assert intent.verdict.rule == "profit_target"
    told = [alert.text for alert in rig.of(Alert)]
    assert not [text for text in told if "hurry" in text]
    assert [text for text in told if "Automation is halted (/resume); nothing was sent." in text]


# --------------------------------------------------------------------- a hand on our working orders


def test_a_cancel_that_is_not_ours_is_told_and_the_second_holds_the_exit():
    """The owner cancels in the app: a HIGH alert and one new order; again: the exit is stuck, told."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    for _ in range(40):
        world.step()
        cancel_all(world)
    assert world.intent.state is IntentState.STUCK
    assert len(world.broker.placed) == 2
    told = [a for a in world.alerts if a.title == "An order was cancelled by somebody else"]
    assert [a.urgency for a in told] == [Urgency.HIGH] * 2
    assert "(by user). A new one is placed" in told[0].text
    assert "somebody else cancels our orders" in world.intent.note
    assert "Exit is stuck: look at the broker now" in world.titles()


def test_holding_an_exit_takes_the_other_legs_orders_back():
    """Somebody cancels one leg's orders twice: the other short's order is cancelled by us, once."""
    world = World(condor(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    key = world.intent.legs[0].key
    for _ in range(40):
        world.step()
        for name, row in world.broker.orders.items():
            if row.key == key and not row.status.final:
                world.broker.orders[name] = replace(row, status=OrderStatus.CANCELLED)
    assert world.intent.state is IntentState.STUCK
    assert all(row.status.final for row in world.broker.orders.values())
    assert "An order turned up after its exit had ended" not in world.titles()


def test_one_event_that_takes_the_orders_of_both_shorts_does_not_hold_the_exit():
    """The exchange cancels everything once: each is told, and the exit goes on with new orders."""
    world = World(condor(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    cancel_all(world)
    world.run(10.0)
    assert world.intent.state is IntentState.WORKING
    assert len(world.intent.live_orders()) == 2
    assert sum(a.title == "An order was cancelled by somebody else" for a in world.alerts) == 2


def test_the_count_of_foreign_cancels_survives_a_restart():
    """One before the restart, one after it: the exit is held."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    cancel_all(world)
    while not world.alerts:
        world.step()
    world.restart()
    world.run(3.0)
    assert len(world.broker.placed) == 2
    cancel_all(world)
    assert world.run(10.0) is IntentState.STUCK


def test_what_was_asked_in_an_earlier_life_is_not_known_and_not_told():
    """An order that the journal remembers is gone after a restart: perhaps we had cancelled it."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    world.restart()
    cancel_all(world)
    world.run(3.0)
    assert world.intent.state is IntentState.WORKING
    assert "An order was cancelled by somebody else" not in world.titles()


@pytest.mark.parametrize("ioc", [True, False])
def test_our_own_cancels_and_orders_at_once_or_not_at_all_are_no_hand(ioc):
    """IOC orders come back cancelled by the exchange, /stop cancels by us: neither is told as a hand."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER), Tuning(ioc=ioc))
    world.exit()
    for _ in range(6):
        world.step()
        for name, row in world.broker.orders.items():
            if ioc and not row.status.final and world.desk.blotter.get(row.correlation_id).request.ioc:
                world.broker.orders[name] = replace(row, status=OrderStatus.CANCELLED)
    world.carry(world.desk.stop(world.now_s))
    assert world.run(10.0) is IntentState.ABORTED
    assert "An order was cancelled by somebody else" not in world.titles()


def test_orders_that_the_close_has_cancelled_are_no_hand():
    """The gate is shut when the news comes: nobody is told of a hand, and the exit goes on another day."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    world.gate = "The market is closed"
    cancel_all(world)
    world.run(10.0)
    assert world.intent.state is IntentState.WORKING
    assert "An order was cancelled by somebody else" not in world.titles()


def test_a_limit_that_nobody_here_asked_for_is_told_once():
    """The owner moves our order in the app: HIGH, once; our own re-pricing is not told."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(60.0)  # it rests at the end of its ladder
    assert "An order was changed by somebody else" not in world.titles()
    (name,) = world.broker.orders
    world.broker.orders[name] = replace(world.broker.orders[name], limit_paise=2905)
    world.run(10.0)
    told = [a for a in world.alerts if a.title == "An order was changed by somebody else"]
    assert [a.urgency for a in told] == [Urgency.HIGH]
    assert "₹29.05 now" in told[0].text


# ------------------------------------------------------------- store and broker disagree: held, lifted


def other():
    """A second position, of other contracts."""
    return position(leg(-65, 24000, "PE", 30), leg(65, 23800, "PE", 15), strategy_id=7, strategy="Put Spread")


def synced(rig, times=2, seconds=30):
    """So many rounds of reading broker and store."""
    for _ in range(times):
        rig.now_s += seconds
        rig.tell(Beat(BeatKind.SYNC))


def by_hand(rig, index, units):
    """Somebody trades one leg's contract in the app."""
    net = rig.net
    net[rig.legs[index].key] += units
    rig.exchange.hold(net)


def titles(rig):
    return [alert.title for alert in rig.of(Alert)]


def test_a_difference_holds_its_position_and_the_others_go_on():
    """A hand has bought one short back: the condor's rules only tell, the other position's rules act."""
    rig = Rig(Mode.EXECUTE, condor(), other(), rules=RULES)
    rig.wait(3, *ENTRY, 30, 15)
    by_hand(rig, 1, 65)
    synced(rig)
    (alert,) = [a for a in rig.of(Alert) if a.title == "Trade store and broker disagree"]
    assert alert.urgency is Urgency.HIGH
    assert "the trade store says -65 units, the broker holds none" in alert.text
    assert "/exit 3359 closes" in alert.text
    assert "/resume takes it over" in alert.text
    assert [view.state.value for view in rig.view.positions] == ["watching", "held"]
    rig.wait(10, *LOSS, 90, 20)
    told = [a.text for a in rig.of(Alert) if a.position == "default/3359"]
    assert any("Nothing was sent: trade store and broker disagree about this position." in t for t in told)
    assert [intent.position for intent in rig.monitor.desk.intents.values()] == ["default/7"]


def heard(rig, index, units):
    """The update socket tells of a trade in the app."""
    side = Side.BUY if units > 0 else Side.SELL
    row = BrokerOrder(
        "777", "", rig.legs[index].key, side, abs(units), abs(units), 1000, 0, OrderStatus.TRADED
    )
    rig.tell(OrderUpdate(row))


def test_a_trade_that_the_update_socket_tells_of_is_looked_into_at_once():
    """Fifteen seconds after a hand's trade its position is held; nobody waits for two rounds of reading."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    by_hand(rig, 1, 65)
    heard(rig, 1, 65)
    rig.wait(15, *ENTRY)
    assert titles(rig).count("Trade store and broker disagree") == 1


def test_whoever_trades_often_does_not_use_up_the_reads():
    """A hundred trades of somebody else in fifty seconds: a handful of reports is asked for."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    before = rig.monitor.desk.blotter.ledger.asked
    for _ in range(100):
        heard(rig, 1, 65)
        rig.wait(0.5, *ENTRY)
    assert 2 <= rig.monitor.desk.blotter.ledger.asked - before <= 10


def test_an_exit_whose_legs_others_close_tells_it_once():
    """The broker's own net has closed all four legs when an exit begins: one message, not four."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    rig.exchange.hold(dict.fromkeys(rig.net, 0))
    rig.wait(60, *PROFIT)
    assert not rig.placed
    assert titles(rig).count("Exit needs an eye") == 1


def test_a_difference_is_seen_while_another_position_exits():
    """The put spread's exit runs and is not filled; the condor's difference is told all the same."""
    rig = Rig(Mode.EXECUTE, condor(), other(), rules=RULES)
    rig.wait(3, *ENTRY, 30, 15)
    untraded(rig, 10, (*ENTRY, 90, 20))
    assert [i.position for i in rig.monitor.desk.live()] == ["default/7"]
    by_hand(rig, 1, 65)
    untraded(rig, 20, (*ENTRY, 90, 20))
    told = [a.position for a in rig.of(Alert) if a.title == "Trade store and broker disagree"]
    assert told == ["default/3359"]


def test_agreement_lifts_the_hold_and_what_was_only_told_is_judged_again():
    """The hand undoes its trade: told, and the stop that was only told acts."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    by_hand(rig, 1, 65)
    synced(rig)
    rig.wait(10, *LOSS)
    assert not rig.placed
    by_hand(rig, 1, -65)
    synced(rig, 1)
    assert titles(rig).count("Trade store and broker agree again") == 1
    rig.wait(20, *LOSS)
    assert rig.flat


def test_a_difference_that_passes_or_is_seen_once_holds_nothing():
    """Store and broker do not learn of a trade at one moment: two reads within ten seconds say nothing."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    by_hand(rig, 1, 65)
    synced(rig, 3, 3)
    by_hand(rig, 1, -65)
    synced(rig, 3)
    assert "Trade store and broker disagree" not in titles(rig)


def test_a_hold_survives_a_restart_and_is_not_told_again():
    """Before any report of the new life the position is held as it was; nothing is sent."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    by_hand(rig, 1, 65)
    synced(rig)
    rig.start()
    rig.wait(10, *LOSS)
    assert not rig.placed
    assert titles(rig).count("Trade store and broker disagree") == 1


def test_resume_takes_a_position_over_until_the_difference_is_another_one():
    """/resume, and the stop acts on what is held; another difference would hold it again."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    by_hand(rig, 1, 65)
    synced(rig)
    rig.command(Wish.RESUME, confirmed=True)
    assert "Automation is running again" in rig.of(Say)[-1].text
    rig.start()  # what was taken over stays so
    synced(rig)
    assert titles(rig).count("Trade store and broker disagree") == 1
    by_hand(rig, 3, -65)
    synced(rig)
    assert titles(rig).count("Trade store and broker disagree") == 2
    rig.command(Wish.RESUME, confirmed=True)
    rig.wait(30, *LOSS)
    assert {order.key for order in rig.placed} == {rig.legs[0].key, rig.legs[2].key}


def test_a_resume_by_the_host_rings_and_names_what_it_has_taken_over():
    """Who is at the host is not seen in the chat: that rules act again on a held position is told there."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    by_hand(rig, 1, 65)
    synced(rig)
    host = Actor(0, 0, "the host")
    rig.tell(Command(Wish.STOP, host))
    effects = rig.monitor.handle(Command(Wish.RESUME, host, confirmed=True), rig.now_s)
    (alert,) = (each for each in effects if isinstance(each, Alert))
    assert (alert.urgency, alert.title) == (Urgency.HIGH, "Automation was resumed by the host")
    assert "Automation is running again, mode execute" in alert.text
    name = rig.positions[0].id
    assert f"Taken over as it is now: {name}, " in alert.text
    assert Audit("resumed", {"by": "the host", "user": 0, "taken_over": [name]}) in effects


def test_a_position_that_is_gone_from_the_store_is_held_no_more():
    """Its rows were closed by somebody: nothing is left to be held, also not after a restart."""
    rig = Rig(Mode.EXECUTE, condor(), other())
    by_hand(rig, 1, 65)
    synced(rig)
    rig.rows = [row for row in rig.rows if row.strategy_id == 7]
    synced(rig, 2)
    assert not rig.monitor.helm.differences.why("default/3359")
    assert rig.journal["difference"]["default/3359"]["why"] == ""


def test_a_day_limit_leaves_a_position_out_of_which_store_and_broker_disagree():
    """The day's loss closes the other position, and says which one it has left alone."""
    rules = '[default]\nstop_loss = "off"\nprofit_target = "off"\n[account.default]\nday_loss_rupees = 2000\n'
    rig = Rig(Mode.EXECUTE, condor(), other(), rules=rules)
    rig.wait(3, *ENTRY, 30, 15)
    by_hand(rig, 1, 65)
    synced(rig)
    rig.wait(20, *ENTRY, 90, 20)
    assert [intent.position for intent in rig.monitor.desk.intents.values()] == ["default/7"]
    assert any("Left out, their automation is held: default/3359." in a.text for a in rig.of(Alert))


# ----------------------------------------------------------------------- closed by somebody else: an end


def test_an_exit_whose_position_is_closed_by_hand_takes_its_order_back_and_ends_as_that():
    """The owner closes the short in the app while ours rests: cancelled by us, then closed outside."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    world.broker.by_hand(world.intent.legs[0].key, 65, world.now_s)
    assert world.run(60.0) is IntentState.CLOSED_OUTSIDE
    assert [row.status for row in world.broker.orders.values()] == [OrderStatus.CANCELLED]
    assert world.intent.exit_paise(0) is None


def test_a_leg_of_which_a_hand_has_closed_a_part_has_no_exit_price():
    """Half of two lots is closed by hand, we buy the rest: flat, but not by us alone."""
    world = World(position(leg(-130, 25300, "CE", 40)), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    world.broker.by_hand(world.intent.legs[0].key, 65, world.now_s)
    world.broker.fills_as = Fill.AT_ONCE
    assert world.run(120.0) is IntentState.CLOSED_OUTSIDE
    assert world.flat
    assert world.intent.filled(0) == 65
    assert world.intent.exit_paise(0) is None


def test_more_that_a_hand_adds_in_the_middle_of_an_exit_is_told_and_ends_it_flat():
    """What was planned is bought back; what the hand has sold besides stays, and is told."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    key = world.intent.legs[0].key
    sold = BrokerOrder("9", "", key, Side.SELL, 65, 65, 1000, 1000, OrderStatus.TRADED)
    world.broker.orders["9"] = sold
    world.broker.by_hand(key, -65, world.now_s)
    world.held[key] = -130  # from here on
    world.run(3.0)
    (name,) = [name for name, row in world.broker.orders.items() if not row.status.final]
    world.broker.trade(name, 65, world.now_s)
    assert world.run(10.0) is IntentState.FLAT
    assert world.broker.net[key] == -65
    (alert,) = [alert for alert in world.alerts if alert.title == "The broker holds more"]
    assert (alert.urgency, "added 65 units" in alert.text) == (Urgency.HIGH, True)


def test_a_position_that_is_flat_outside_ends_without_an_order():
    """Everything was closed in the app: told HIGH, rows closed without a price, no order."""
    rig = Rig(Mode.EXECUTE, condor(), other(), rules=RULES)
    rig.wait(3, *ENTRY, 30, 15)
    rig.exchange.hold({each.key: 0 if each in condor().legs else each.quantity for each in rig.legs})
    synced(rig, 2)
    assert "A position was closed by somebody else" not in titles(rig)
    synced(rig, 2)
    (alert,) = [a for a in rig.of(Alert) if a.title == "A position was closed by somebody else"]
    assert (alert.urgency, alert.position) == (Urgency.HIGH, "default/3359")
    assert rig.exits == {1: None, 2: None, 3: None, 4: None}
    assert not rig.placed
    (intent,) = rig.monitor.desk.intents.values()
    assert intent.ended_s == intent.created_s
    assert rig.of(Card)[-1].title == "Closed by somebody else: 3359 NIFTY Iron Condor"
    assert [view.reason for view in rig.view.positions if view.strategy_id == 3359] == [
        "closed by somebody else"
    ]
    rig.start()
    synced(rig, 4)
    assert titles(rig).count("A position was closed by somebody else") == 1
    assert [position.strategy_id for position in rig.monitor.holdings.positions.values()] == [7]


@pytest.mark.parametrize("mode", [Mode.EXECUTE, Mode.ALERT_ONLY])
def test_unknown_is_not_closed_and_alert_only_leaves_the_rows_alone(mode):
    """The broker lists nothing, or we only alert: the position is held, and nothing is written."""
    rig = Rig(mode, rules=RULES)
    rig.wait(3, *ENTRY)
    rig.exchange.hold({each.key: 0 for each in rig.legs} if mode is Mode.ALERT_ONLY else {})
    if mode is Mode.EXECUTE:
        rig.exchange = PaperExchange()
    synced(rig, 6)
    assert "Trade store and broker disagree" in titles(rig)
    assert not rig.exits
    assert len(rig.monitor.holdings.positions) == 1


def test_many_reports_in_a_few_seconds_close_nothing():
    """Five reads in twenty-five seconds say the same: too soon to end a position."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    rig.exchange.hold({each.key: 0 for each in rig.legs})
    synced(rig, 5, 5)
    assert not rig.exits


def test_what_the_broker_lists_while_the_market_is_closed_ends_no_position():
    """At night its books are made anew: the position is held and told of, and its rows stay."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    rig.now_s = at(date(2026, 2, 3), "23:00")
    rig.exchange.hold({each.key: 0 for each in rig.legs})
    synced(rig, 4, SYNC_AT_REST_S)
    assert "Trade store and broker disagree" in titles(rig)
    assert not rig.exits
    assert len(rig.monitor.holdings.positions) == 1


def test_a_restart_does_not_call_half_closed_what_somebody_else_has_ended():
    """An exit that ended outside is over: nothing of it stands when the next process begins."""
    world = World(short_call(), ModelBroker(fills_as=Fill.NEVER))
    world.exit()
    world.run(1.0)
    world.broker.by_hand(world.intent.legs[0].key, 65, world.now_s)
    assert world.run(60.0) is IntentState.CLOSED_OUTSIDE
    assert not world.desk.standing()


# ----------------------------------------------------------------------- the instrument master changes


def reload(rig, number, **changed):
    """The morning's master, with one leg's contract changed; nothing at all = it is gone."""
    master = {each.key: each.instrument for each in rig.legs}
    key = rig.legs[number].key
    if changed:
        master[key] = replace(master[key], **changed)
    else:
        del master[key]
    rig.tell(InstrumentsLoaded(master))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"lot": 75}, "lot 65 is 75 now"),
        ({"tick_paise": 10}, "tick ₹0.05 is ₹0.10 now"),
        ({"strike_paise": 2_400_000}, "strike ₹24,700.00 is ₹24,000.00 now"),
        ({"expiry": date(2026, 3, 31)}, "expiry 2026-02-24 is 2026-03-31 now"),
        ({"symbol": "OTHER", "display": "OTHER 1 CE"}, "means OTHER 1 CE now"),
        ({}, "is not in the instrument master any more"),
    ],
)
def test_a_held_contract_that_changes_holds_its_position(changed, told):
    """HIGH, its rules only tell, it stays watched, the other one goes on; back again: it acts."""
    rig = Rig(Mode.EXECUTE, condor(), other(), rules=RULES)
    rig.wait(3, *ENTRY, 30, 15)
    reload(rig, 1, **changed)
    (alert,) = [a for a in rig.of(Alert) if a.title == "A contract has changed"]
    assert (alert.urgency, alert.position) == (Urgency.HIGH, "default/3359")
    assert alert.choices == (Wish.RESUME,)
    assert told in alert.text
    assert ("65 units of NIFTY" in alert.text and "no whole lots of 75" in alert.text) is ("lot" in changed)
    assert [view.state.value for view in rig.view.positions] == ["watching", "held"]
    rig.wait(10, *LOSS, 90, 20)
    assert [intent.position for intent in rig.monitor.desk.intents.values()] == ["default/7"]
    rig.tell(InstrumentsLoaded({each.key: each.instrument for each in rig.legs}))
    rig.wait(20, *LOSS, 90, 20)
    assert rig.flat


def test_resume_takes_a_changed_contract_over():
    """Another tick: after /resume the exit goes by the new one."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    reload(rig, 1, tick_paise=10)
    rig.command(Wish.RESUME, confirmed=True)
    rig.wait(20, *LOSS)
    (intent,) = rig.monitor.desk.intents.values()
    assert sorted(plan.tick_paise for plan in intent.legs) == [5, 5, 5, 10]


def test_what_may_change_every_day_holds_nothing():
    """The day's price range, the freeze quantity and a name are not the contract."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    reload(rig, 1, lower_paise=5, upper_paise=90_000, freeze_quantity=1_800, trading_symbol="NIFTY-X")
    assert "A contract has changed" not in titles(rig)
    rig.wait(20, *LOSS)
    assert rig.flat


def test_the_master_is_read_in_the_morning_and_once_for_each_contract_it_lacks(monkeypatch):
    """The beat asks for it; a row of an unknown contract asks once, not at every load."""
    rig = Rig(Mode.EXECUTE)
    asked = []
    ask = rig.ask_the_world

    def listening(effect):
        asked.extend([effect] if isinstance(effect, LoadInstruments) else [])
        return ask(effect)

    monkeypatch.setattr(rig, "ask_the_world", listening)
    rig.tell(Beat(BeatKind.MASTER))
    assert asked == [LoadInstruments(frozenset({"NIFTY"}))]
    rig.rows.append(replace(rig.rows[0], id=99, strategy_id=8, security_id=999_999))
    synced(rig, 3)
    assert len(asked) == 2
    rig.rows.append(replace(rig.rows[0], id=100, strategy_id=9, symbol="BANKNIFTY", security_id=999_998))
    synced(rig, 3)
    assert asked[2:] == [LoadInstruments(frozenset({"NIFTY", "BANKNIFTY"}))]


def test_a_stuck_exit_names_a_leg_that_was_turned_round_before_its_turn():
    """The short is refused for good; of the long two lots were sold by hand, where one was held."""
    made = position(leg(-65, 25300, "CE", 40), leg(65, 25500, "CE", 18))
    world = World(made, ModelBroker(deque([Fault.REFUSED])))
    world.broker.by_hand(made.legs[1].key, -130, world.now_s)
    world.held[made.legs[1].key] = -65
    world.exit()
    assert world.run() is IntentState.STUCK
    long = made.legs[1].instrument.display
    assert world.intent.note.endswith(f"; {long}: the broker shows -65: it stands the other way round")


@pytest.mark.parametrize("changed", [{"tick_paise": 10}, {"lot": 13}, {}])
def test_a_changed_contract_holds_its_position_over_a_restart(changed, monkeypatch):
    """Another tick, another lot, or gone: held after the restart too and told once; back again, it acts."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    reload(rig, 1, **changed)
    master = dict(rig.monitor.holdings.reading.instruments)
    true = rig.legs[1].instrument
    if changed:
        master[true.key] = replace(true, **changed)
    else:
        del master[true.key]
    load(rig, monkeypatch, master)
    rig.start()
    assert titles(rig).count("A contract has changed") == 1
    rig.wait(10, *LOSS)
    assert not rig.placed
    assert [view.state.value for view in rig.view.positions] == ["held"]
    rig.tell(InstrumentsLoaded({each.key: each.instrument for each in rig.legs}))
    rig.wait(20, *LOSS)
    assert rig.flat


def load(rig, monkeypatch, master):
    """From now on the instrument master is this one."""
    ask = rig.ask_the_world
    monkeypatch.setattr(
        rig,
        "ask_the_world",
        lambda effect: [InstrumentsLoaded(master)] if isinstance(effect, LoadInstruments) else ask(effect),
    )


def test_a_contract_that_changes_while_nobody_runs_is_seen_at_the_start(monkeypatch):
    """The tick is another one after the night: told at the start, held; taken over, it stays so."""
    rig = Rig(Mode.EXECUTE, rules=RULES)
    rig.wait(3, *ENTRY)
    master = dict(rig.monitor.holdings.reading.instruments)
    key = rig.legs[1].key
    master[key] = replace(master[key], tick_paise=10)
    load(rig, monkeypatch, master)
    rig.start()
    (alert,) = [a for a in rig.of(Alert) if a.title == "A contract has changed"]
    assert "tick ₹0.05 is ₹0.10 now" in alert.text
    rig.wait(10, *LOSS)
    assert not rig.placed
    rig.command(Wish.RESUME, confirmed=True)
    rig.start()
    assert not rig.monitor.holdings.changed
    rig.wait(20, *LOSS)
    (intent,) = rig.monitor.desk.intents.values()
    assert sorted(plan.tick_paise for plan in intent.legs) == [5, 5, 5, 10]


def test_what_is_remembered_of_contracts_ends_with_the_position():
    """Its rows are gone: a later position of that number begins with the contracts of its day."""
    rig = Rig(Mode.EXECUTE, condor(), other())
    assert len(rig.journal["contracts"]["default/3359"]["legs"]) == 4
    rig.rows = [row for row in rig.rows if row.strategy_id == 7]
    synced(rig, 3)
    assert rig.journal["contracts"]["default/3359"] == {"legs": [], "why": ""}
    assert len(rig.journal["contracts"]["default/7"]["legs"]) == 2
