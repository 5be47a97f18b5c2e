"""What a day leaves unfinished: told at the close, gone on with in the next session, whoever restarts."""

from __future__ import annotations

from datetime import date

import pytest

from engine.effects import Alert, Card
from engine.messages import OrderUpdate, Wish
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
