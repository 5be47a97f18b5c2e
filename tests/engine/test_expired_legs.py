"""An exit that a night interrupts in which one of the position's contracts expires."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from engine.broker_nouns import BrokerPosition, Product
from engine.effects import Alert, Card
from engine.lapses import lapse
from engine.ledger import Ledger
from engine.messages import Beat, BeatKind, BrokerReport, InstrumentsLoaded, OrderUpdate, Ticks
from engine.model import Mode, Urgency
from engine.outgoing import Outgoing
from engine.paper import PaperExchange
from engine.plan import plan_exit
from engine.sessions import at
from engine.verify import Finding, verify
from engine.view import PositionState
from tests.engine.makers import leg, position, quote
from tests.support.broker import World
from tests.support.rig import Rig, overnight

NEAR = leg(-65, 25300, "CE", 40, date(2026, 2, 3))
FAR = leg(65, 25300, "CE", 90)
RULES = "[strategy.Calendar]\nexpiry_exit = 'off'\n"


def half_done():
    """A calendar spread on the evening of its near expiry: only the near leg is bought back."""
    rig = Rig(Mode.EXECUTE, position(NEAR, FAR, strategy="Calendar"))
    rig.wait(1, 40, 90)
    rig.command(confirmed=True)
    for row in rig.exchange.quote(quote(NEAR.key, 40, 40)):
        rig.tell(OrderUpdate(row))
    rig.wait(2)
    overnight(rig)
    rig.exchange.hold({key: net for key, net in rig.net.items() if net})
    return rig


def morning(rig):
    """Two minutes of the next session; the feed brings what it was asked for, and nothing else."""
    rig.now_s = at(date(2026, 2, 4), "09:15")
    for beat in (BeatKind.SESSION_OPEN, BeatKind.SYNC, BeatKind.CLEAN):
        rig.tell(Beat(beat))
    for _ in range(120):
        rig.wait(1)
        if FAR.key in rig.monitor.holdings.subscribed:
            tick = quote(FAR.key, 79.9, 80.1)
            for row in rig.exchange.quote(tick):
                rig.tell(OrderUpdate(row))
            rig.tell(Ticks([tick]))


@pytest.mark.parametrize("restarted", [False, True])
def test_the_leg_that_is_left_is_sold_after_the_other_has_expired(restarted):
    """The position is one no more that could be taken over, but its exit still needs prices to end."""
    rig = half_done()
    if restarted:
        rig.start()
    morning(rig)
    assert rig.flat
    assert rig.of(Card)[-1].title.startswith("Verified flat")
    assert not rig.rows
    assert None not in rig.exits.values()
    assert FAR.key not in rig.monitor.holdings.subscribed


def test_a_new_master_without_the_expired_contract_does_no_harm():
    """The morning's instrument master has dropped it: nothing is subscribed that nobody knows."""
    rig = half_done()
    rig.tell(InstrumentsLoaded({FAR.key: FAR.instrument}))
    assert rig.monitor.holdings.subscribed == {FAR.key}
    morning(rig)
    assert rig.flat


def test_until_its_exit_has_ended_the_position_stays_and_is_told_of_once():
    """What is left is still valued; the owner hears once that a contract has expired."""
    rig = half_done()
    rig.tell(Beat(BeatKind.SYNC))
    rig.tell(Beat(BeatKind.SYNC))
    assert set(rig.monitor.holdings.positions) == {rig.positions[0].id}
    told = [alert for alert in rig.of(Alert) if "expired on 2026-02-03" in alert.text]
    assert len(told) == 1


# ---------------------------------------------------- the leg that expires is the one that was not closed


def not_bought_back(mode=Mode.EXECUTE, near=NEAR, *, close=True):
    """A calendar spread whose near short does not trade on its last evening; the exit is not finished."""
    rig = Rig(mode, position(near, FAR, strategy="Calendar"), rules=RULES)
    rig.wait(1, 40, 90)
    rig.command(confirmed=True)
    rig.wait(2)
    if close:
        overnight(rig)
    return rig


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("mode", [Mode.EXECUTE, Mode.SIMULATE])
def test_a_short_that_expires_open_needs_no_order_and_its_hedge_is_sold(mode, restarted, listed):
    """Cash-settled: told HIGH at the close and after it, no order for it, the long sold, and that is flat."""
    rig = not_bought_back(mode)
    sent = len(rig.placed)
    if not listed:
        rig.exchange.hold({FAR.key: 65})
    if restarted:
        rig.start()
    morning(rig)
    assert [order.key for order in rig.placed[sent:]] == [FAR.key] * len(rig.placed[sent:])
    card = rig.of(Card)[-1]
    assert card.title.startswith("Verified flat")
    assert "  65 expired" in card.lines
    assert "P&L" not in " ".join(card.lines)
    told = {alert.title: alert for alert in rig.of(Alert)}
    lapsed = told["A contract expired before it was closed"]
    assert lapsed.urgency is Urgency.HIGH
    assert "65 units expired on 2026-02-03" in lapsed.text
    assert "settles it in cash" in lapsed.text
    assert "at the close of its last day" in told["A contract expires open"].text
    assert not {"Exit is stuck: look at the broker now", "A position was closed by somebody else"} & set(told)
    if mode is Mode.EXECUTE:
        assert not rig.rows
        assert rig.exits[1] is None
        assert rig.exits[2] is not None


def test_what_was_bought_back_before_the_rest_expired_counts_at_its_fills():
    """One of two lots is bought back: the other expires, and the row has no price of its own."""
    rig = not_bought_back(near=leg(-130, 25300, "CE", 40, date(2026, 2, 3)), close=False)
    tick = quote(NEAR.key, 40, 40)
    tick.ask_quantity = tick.bid_quantity = 65
    for row in rig.exchange.quote(tick):
        rig.tell(OrderUpdate(row))
    overnight(rig)
    rig.exchange.hold({key: net for key, net in rig.net.items() if key == FAR.key})
    morning(rig)
    card = rig.of(Card)[-1]
    assert card.title.startswith("Verified flat")
    assert {"  BUY 65/65 @ 40.00", "  65 expired"} <= set(card.lines)
    assert rig.exits[1] is None


def test_an_exit_all_of_whose_legs_expire_ends_and_is_told():
    """A spread's whole exit comes too late: nothing is left to trade, nothing is stuck."""
    legs = [
        leg(q, k, r, p, date(2026, 2, 3)) for q, k, r, p in ((-65, 25300, "CE", 40), (65, 25500, "CE", 15))
    ]
    rig = Rig(Mode.EXECUTE, position(*legs, strategy="Spread"))
    rig.wait(1, 40, 15)
    rig.command(confirmed=True)
    rig.wait(2)
    sent = len(rig.placed)
    overnight(rig)
    rig.exchange = PaperExchange()
    rig.wait(5)
    assert len(rig.placed) == sent
    assert rig.of(Card)[-1].title.startswith("Verified flat")
    assert not rig.rows
    told = [alert for alert in rig.of(Alert) if alert.title == "A contract expired before it was closed"]
    assert len(told) == 2


def test_a_stock_option_that_expires_open_ends_in_shares_and_that_is_said():
    """Physical settlement: HIGH at the close of its last day, and again when it has expired."""
    near = replace(NEAR, instrument=replace(NEAR.instrument, index_option=False))
    rig = not_bought_back(near=near)
    rig.wait(1)
    loud = [alert for alert in rig.of(Alert) if "settled in SHARES" in alert.text]
    assert [alert.urgency for alert in loud] == [Urgency.HIGH] * 2
    assert {alert.title for alert in loud} == {
        "A contract expires open",
        "A contract expired before it was closed",
    }


def test_a_part_need_not_find_what_it_was_to_leave_of_an_expired_leg():
    """One of two lots was to stay, and both have expired: the books show the far leg's, and that is all."""
    near, far = leg(-130, 25300, "CE", 40, date(2026, 2, 3)), leg(130, 25300, "CE", 90)
    whole = position(near, far, strategy="Calendar")
    world = World(whole)
    intent = world.exit()
    intent.legs = plan_exit(whole, closes=1)
    lapse(intent, date(2026, 2, 4), Outgoing("default", world.desk.blotter))
    intent.legs[1].quantity = 0  # its lot is sold
    listed = BrokerPosition(far.key, Product.MARGIN, 65)
    ledger = Ledger()
    ledger.take(BrokerReport(1, world.now_s, positions=(listed,)), {}, world.now_s)
    assert (intent.legs[0].lapsed, intent.legs[0].keeps) == (65, 65)
    assert verify(intent, ledger)[0] is Finding.FLAT


def test_on_paper_it_ends_in_a_process_that_lives_through_the_night():
    """The same books go on: yesterday's order has ended with its session and keeps nothing from ending."""
    rig = not_bought_back(Mode.SIMULATE, close=False)
    rig.now_s = at(date(2026, 2, 3), "15:30")
    for row in rig.exchange.close():
        rig.tell(OrderUpdate(row))
    rig.tell(Beat(BeatKind.SESSION_CLOSE))
    rig.now_s = at(date(2026, 2, 4), "09:14")
    morning(rig)
    assert rig.of(Card)[-1].title.startswith("Verified flat")
    assert rig.net == {NEAR.key: -65, FAR.key: 0}


def test_a_stock_option_that_nobody_closed_is_told_as_what_it_becomes():
    """No exit has run: the far leg stays watched, and it is said that shares are settled for the near one."""
    near = replace(NEAR, instrument=replace(NEAR.instrument, index_option=False))
    rig = Rig(Mode.ALERT_ONLY, position(near, FAR, strategy="Calendar"), rules=RULES)
    rig.now_s = at(date(2026, 2, 4), "09:15")
    rig.tell(Beat(BeatKind.SYNC))
    (alert,) = [alert for alert in rig.of(Alert) if alert.title == "A leg has expired; the rest goes on"]
    assert (alert.urgency, "to be settled in SHARES" in alert.text) == (Urgency.HIGH, True)


def test_a_plan_of_a_journal_of_before_knows_no_expiry():
    """The journal's old rows are still read; such an exit ends as it did."""
    rig = not_bought_back(close=False)
    (row,) = rig.journal["intent"].values()
    for plan in row["legs"]:
        for name in ("contract", "delivers", "lapsed"):
            del plan[name]
    rig.start()
    (intent,) = rig.monitor.desk.live()
    assert [plan.expiry for plan in intent.legs] == [None, None]


# ------------------------------------------------------------- nobody has closed anything, and it expires


def next_morning(rig, *, listed):
    """The session after the near expiry; the broker lists what is left, and perhaps the dead row as well."""
    rig.exchange = PaperExchange()
    rig.exchange.hold({each.key: each.quantity for each in rig.legs if listed or each.key == FAR.key})
    rig.now_s = at(date(2026, 2, 4), "09:15")
    for beat in (BeatKind.SESSION_OPEN, BeatKind.SYNC):
        rig.tell(Beat(beat))


def far_at(rig, mid, seconds):
    """Let time pass with quotes of the far leg alone."""
    for _ in range(seconds):
        tick = quote(FAR.key, mid - 0.1, mid + 0.1)
        tick.bid_quantity = tick.ask_quantity = 10_000
        for row in rig.exchange.quote(tick):
            rig.tell(OrderUpdate(row))
        rig.tell(Ticks([tick]))
        rig.wait(1)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("dropped", [True, False])
@pytest.mark.parametrize("restarted", [False, True])
def test_the_far_leg_of_a_calendar_keeps_its_stop_after_the_near_one_has_expired(restarted, dropped, listed):
    """The dead row is set aside and told of; what is left is watched, stopped out, closed in the store."""
    rig = Rig(Mode.EXECUTE, position(NEAR, FAR, strategy="Calendar"), rules=RULES + "stop_loss = -0.5\n")
    rig.wait(1, 40, 90)
    rig.tell(Beat(BeatKind.SESSION_CLOSE))
    rig.now_s = at(date(2026, 2, 4), "09:14")
    if restarted:
        rig.start()
    if dropped:
        rig.tell(InstrumentsLoaded({FAR.key: FAR.instrument}))
    next_morning(rig, listed=listed)
    far_at(rig, 90, 3)
    (told,) = [alert for alert in rig.of(Alert) if alert.title == "A leg has expired; the rest goes on"]
    assert told.urgency is Urgency.HIGH
    assert not [alert for alert in rig.of(Alert) if alert.title == "A position cannot be watched"]
    (shown,) = rig.view.positions
    assert "expired on 2026-02-03" in shown.differs
    far_at(rig, 30, 90)
    assert [order.key for order in rig.placed] == [FAR.key]
    assert rig.exits[1] is None
    assert rig.exits[2] is not None
    assert [view.state for view in rig.view.positions] == [PositionState.FLAT]
    assert rig.of(Card)[-1].title.startswith("Verified flat")


def test_exit_all_reaches_what_an_expiry_has_left_of_a_position():
    """The owner's word ends the far leg, and nothing is sent for the dead one."""
    rig = Rig(Mode.EXECUTE, position(NEAR, FAR, strategy="Calendar"), rules=RULES)
    rig.wait(1, 40, 90)
    next_morning(rig, listed=True)
    far_at(rig, 90, 3)
    rig.command(confirmed=True)
    far_at(rig, 90, 30)
    assert [order.key for order in rig.placed] == [FAR.key]
    assert rig.net[FAR.key] == 0
