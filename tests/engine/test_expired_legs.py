"""An exit that a night interrupts in which one of the position's contracts expires."""

from __future__ import annotations

from datetime import date

import pytest

from engine.effects import Alert, Card
from engine.messages import Beat, BeatKind, InstrumentsLoaded, OrderUpdate, Ticks
from engine.model import Mode
from engine.sessions import at
from tests.engine.makers import leg, position, quote
from tests.support.rig import Rig, overnight

NEAR = leg(-65, 25300, "CE", 40, date(2026, 2, 3))
FAR = leg(65, 25300, "CE", 90)


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
