"""Somebody else trades in the contracts of a running exit, and the broker's list tells of it late."""

from __future__ import annotations

from engine.model import Side
from tests.support.sea.machine import PLOTS, Machine


def test_a_hand_s_trade_that_the_position_list_does_not_show_yet_carries_nothing_through_zero():
    """One lot of a long is sold by hand as the exit begins: we sell what is left, whatever the list says."""
    machine = Machine()
    machine.begin(plot=PLOTS[0], hands=True, over=False, depth=100, reads="honest", wish="")
    machine.lag(lag_s=20.0)
    machine.exit(which=None)
    machine.hand_trade(leg=0, lots=1, side=Side.SELL)
    machine.wait(seconds=40.0)
    assert list(machine.house.judge.net.values()) == [0, 0, 0, 0]
    machine.teardown()
    assert not machine.house.judge.crossed


def test_an_exit_follows_a_hand_s_trade_at_once_when_fills_and_list_agree():
    """The list shows what our fills and the hand's leave: that is believed without waiting out its lag."""
    machine = Machine()
    machine.begin(plot=PLOTS[0], hands=True, over=False, depth=1, reads="honest", wish="")
    machine.exit(which=None)
    machine.wait(seconds=0.5)
    machine.hand_trade(leg=0, lots=1, side=Side.SELL)
    machine.wait(seconds=16.0)
    assert list(machine.house.judge.net.values()) == [0, 0, 0, 0]
    assert not list(machine.house.monitor.desk.live())
    machine.teardown()


def test_an_exit_that_waits_for_another_exit_s_lost_order_ends_and_is_told():
    """An order is gone from the books, and a hand trades the rest: neither exit waits for ever."""
    machine = Machine()
    machine.begin(plot=PLOTS[1], hands=True, over=False, depth=0, reads="honest", wish="exit")
    machine.vanish()
    machine.stop()
    machine.wait(seconds=2.0)
    machine.depth(lots=100)
    machine.square_off()
    machine.wait(seconds=2.0)
    machine.resume()
    machine.exit(which=None)
    machine.wait(seconds=360.0)
    desk = machine.house.monitor.desk
    assert not list(desk.live())
    stuck = [name for name in desk.intents if f"stuck:{name}" in machine.house.judge.loud]
    assert stuck == ["260203001", "260203003"]
