"""What a day leaves unfinished: told at the close, gone on with in the next session, whoever restarts."""

from __future__ import annotations

from datetime import date

import pytest

from engine.effects import Alert, Card
from engine.intents import IntentState
from engine.messages import Beat, BeatKind, OrderUpdate, Wish
from engine.model import Mode
from engine.orders import OrderState
from engine.sessions import at
from engine.view import PositionState
from tests.engine.makers import quote
from tests.support.rig import Rig, overnight

#: Mids of the condor's legs at entry, rupees.
ENTRY = (20, 45, 40, 18)


@pytest.mark.parametrize("restarted", [False, True])
def test_an_exit_that_the_close_interrupts_goes_on_in_the_next_session(restarted):
    """Told at the close; the next day new orders finish it, whether the process lived or not."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.exchange.quote(quote(rig.legs[1].key, 45.0, 45.0))  # one short is bought; nobody tells us
    assert sum(map(bool, rig.net.values())) == 3
    rig.wait(3)
    overnight(rig)
    assert "An exit is not finished" in {a.title for a in rig.of(Alert)}
    if restarted:
        rig.start()
    rig.wait(30)
    assert len(rig.placed) == 2  # the market is closed
    rig.wait(60, *ENTRY)
    assert rig.flat
    assert rig.of(Card)[-1].title.startswith("Verified flat")
    assert rig.monitor.desk.blotter.live() == []


def test_an_order_of_yesterday_that_nobody_knows_of_is_no_riddle_today():
    """Unknown at the close: the day is over, the order dead, and today's positions say what it did."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    for order in rig.monitor.desk.blotter.live():
        order.state, order.unknown_s = OrderState.UNKNOWN, rig.now_s
    overnight(rig)
    rig.wait(120, *ENTRY)
    assert rig.flat


def test_an_exit_of_long_ago_is_given_up_and_told():
    """A journal of last week: nothing is sent, the owner hears of it, the position is watched."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    sent = len(rig.placed)
    overnight(rig)
    rig.now_s = at(date(2026, 2, 10), "09:30")
    rig.start()
    rig.wait(60, *ENTRY)
    assert len(rig.placed) == sent
    assert "An exit was not finished in its session" in {a.title for a in rig.of(Alert)}
    assert rig.view.positions[0].state is PositionState.WATCHING


def test_a_restart_on_the_next_day_takes_up_the_same_exit_once():
    """Carried over, half done, killed and started again: told once, nothing bought twice."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    overnight(rig)
    rig.start()
    rig.now_s = at(date(2026, 2, 4), "09:15")
    rig.wait(2)
    rig.quotes(*ENTRY)
    rig.start()
    rig.wait(70, *ENTRY)
    assert rig.flat
    told = [a for a in rig.of(Alert) if a.title == "An exit was not finished in its session"]
    assert len(told) == 1
    assert sum(row.filled for row in rig.exchange.orders()) == 4 * 65


def half_bought_back(rig):
    """The shorts are bought back, and the longs' orders do not trade."""
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    for at_leg in (1, 2):
        for row in rig.exchange.quote(quote(rig.legs[at_leg].key, ENTRY[at_leg], ENTRY[at_leg])):
            rig.tell(OrderUpdate(row))


def listed_only_if_carried(rig):
    """Today's position list knows nothing of what was squared off yesterday, as Dhan's does."""
    rig.exchange.hold({key: net for key, net in rig.net.items() if net})


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("stopped", [False, True])
def test_legs_that_were_closed_yesterday_need_not_be_listed_today(restarted, stopped):
    """The shorts are gone from the broker's list with the night; the longs are sold, and that is flat."""
    rig = Rig(Mode.EXECUTE)
    half_bought_back(rig)
    if stopped:
        rig.command(Wish.STOP)
        rig.wait(10)
    overnight(rig)
    listed_only_if_carried(rig)
    if restarted:
        rig.start()
    rig.wait(120, *ENTRY)
    if stopped:
        rig.command(Wish.RESUME, confirmed=True)
        rig.command(confirmed=True)
    rig.wait(60, *ENTRY)
    assert rig.of(Card)[-1].title.startswith("Verified flat")
    assert not rig.rows


def test_a_list_without_any_of_an_exit_s_contracts_is_still_not_flat():
    """All was traded in yesterday's last seconds, and today's list is empty: a person has to look."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.quotes(*ENTRY)
    rig.broker_answers = False
    rig.quotes(*ENTRY)
    assert rig.flat
    overnight(rig)
    listed_only_if_carried(rig)
    rig.broker_answers = True
    rig.wait(120, *ENTRY)
    assert rig.rows
    assert "Exit is stuck: look at the broker now" in {a.title for a in rig.of(Alert)}


# ------------------------------------------------------------------ what the broker lists while it is closed


def zeros_at_night(rig, minutes=5):
    """The list shows every contract with nothing while the books are made anew; then the next morning."""
    held = rig.net
    rig.exchange.hold(dict.fromkeys(held, 0))
    for _ in range(minutes):
        rig.tell(Beat(BeatKind.SYNC))
        rig.wait(60)
    return held


@pytest.mark.parametrize("hour", ["16:30", "23:00"])
def test_zeros_that_are_listed_at_night_shrink_no_plan(hour):
    """One short is bought back, then the bell; the list of the night is all zeros: the next day goes on."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.exchange.quote(quote(rig.legs[1].key, 45.0, 45.0))
    rig.wait(3)
    overnight(rig)
    rig.now_s = at(date(2026, 2, 3), hour)
    held = zeros_at_night(rig)
    (intent,) = rig.monitor.desk.intents.values()
    assert [leg.quantity for leg in intent.legs] == [65] * 4
    assert intent.state is IntentState.WORKING
    rig.exchange.hold(held)
    rig.now_s = at(date(2026, 2, 4), "09:14")
    rig.wait(120, *ENTRY)
    assert rig.flat
    assert rig.of(Card)[-1].title.startswith("Verified flat")
    assert set(rig.exits) == {1, 2, 3, 4}


def test_zeros_that_are_listed_after_midnight_do_not_verify_what_was_traded():
    """All traded, unread at the close: a night's list of zeros is no proof, the morning's is."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.quotes(*ENTRY)
    rig.broker_answers = False
    rig.quotes(*ENTRY)
    overnight(rig)
    rig.broker_answers = True
    rig.now_s = at(date(2026, 2, 4), "02:00")
    zeros_at_night(rig)
    (intent,) = rig.monitor.desk.intents.values()
    assert intent.state is IntentState.WORKING
    assert not rig.exits
    rig.now_s = at(date(2026, 2, 4), "09:14")
    rig.wait(120, *ENTRY)
    assert rig.of(Card)[-1].title.startswith("Verified flat")


def test_an_exit_that_was_traded_in_the_last_second_is_verified_after_the_close():
    """Our own fills explain what the broker lists: flat, although the market has closed meanwhile."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.now_s = at(date(2026, 2, 3), "15:29:59")
    rig.quotes(*ENTRY)
    rig.broker_answers = False
    rig.quotes(*ENTRY)
    rig.now_s = at(date(2026, 2, 3), "15:40:01")
    rig.broker_answers = True
    rig.wait(10)
    assert rig.of(Card)[-1].title.startswith("Verified flat")


def test_a_list_that_lags_after_the_close_leaves_no_exit_stuck():
    """All traded, and the list does not follow by night: nothing is concluded before the next session."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.command(confirmed=True)
    rig.now_s = at(date(2026, 2, 3), "15:29:59")
    rig.quotes(*ENTRY)
    rig.broker_answers = False
    rig.quotes(*ENTRY)
    rig.now_s = at(date(2026, 2, 3), "15:40:01")
    rig.exchange.hold(dict.fromkeys(rig.net, 65))
    rig.broker_answers = True
    rig.wait(120)
    (intent,) = rig.monitor.desk.intents.values()
    assert intent.state is IntentState.WORKING


@pytest.mark.parametrize("held", [True, False])
def test_a_night_of_zeros_closes_no_position_at_the_bell(held):
    """Reads of the night do not count: in the morning three reads over a minute end a position."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(3, *ENTRY)
    rig.now_s = at(date(2026, 2, 4), "08:00")
    nets = zeros_at_night(rig)
    rig.now_s = at(date(2026, 2, 4), "09:15")
    rig.tell(Beat(BeatKind.SYNC))
    assert not rig.exits
    if held:
        rig.exchange.hold(nets)
    for _ in range(4):
        rig.wait(30)
        rig.tell(Beat(BeatKind.SYNC))
    assert bool(rig.exits) is not held
