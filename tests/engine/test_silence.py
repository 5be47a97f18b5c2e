"""A socket that says nothing is noticed by what the books say meanwhile."""

from __future__ import annotations

import pytest

from engine.effects import Alert, ReopenUpdates
from engine.silence import Silence
from tests.engine.makers import condor
from tests.support.broker import Fill, ModelBroker, World


def silent(silence, now_s, *names):
    for name in names:
        silence.books_told(name, now_s)


def test_three_orders_in_a_row_without_an_update_are_told_once():
    """Not before ten seconds have passed, not again for the fourth, and anew after it has spoken."""
    silence = Silence()
    silent(silence, 0.0, "1", "2", "3")
    assert silence.look(9.5) == []
    reopen, alert = silence.look(10.0)
    assert reopen == ReopenUpdates()
    assert isinstance(alert, Alert)
    assert alert.title == "Order updates are silent"
    silent(silence, 20.0, "4")
    assert silence.look(40.0) == []
    silence.socket_told("5")
    silent(silence, 50.0, "6", "7", "8")
    assert len(silence.look(60.0)) == 2


def test_an_update_that_comes_a_little_later_is_no_silence():
    """The books were read between the exchange's fill and its news; any word of the socket counts."""
    silence = Silence()
    silent(silence, 0.0, "1", "2")
    silence.look(10.0)
    silent(silence, 11.0, "3")
    silence.socket_told("3")
    assert silence.look(60.0) == []
    silent(silence, 61.0, "4", "5")
    assert silence.look(90.0) == []


@pytest.mark.parametrize("told", [False, True])
def test_an_exit_without_any_update_ends_flat_and_the_silence_is_told(told):
    """Four orders; the books alone are enough, and somebody hears of it."""

    class Telling(World):
        def do(self, effect):
            said = super().do(effect)
            for row in self.broker.orders.values() if told else ():
                said = [*said, *self.desk.update(row, self.now_s)]
            return said

    world = Telling(condor(), ModelBroker(fills_as=Fill.HALVES))
    world.exit()
    world.run(30.0)
    assert world.flat
    world.sync(15.0)
    assert ("Order updates are silent" in world.titles()) is not told
