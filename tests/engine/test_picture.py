"""Looks at the machine: whole, of one position, and without any figure."""

from __future__ import annotations

from dataclasses import replace

from engine.messages import Wish
from engine.model import Mode
from engine.picture import outline, picture
from tests.engine.makers import condor
from tests.support.rig import Rig

ENTRY = (20, 45, 40, 18)


def two():
    """A monitor of two positions with prices."""
    rig = Rig(Mode.EXECUTE, condor(), replace(condor(), strategy_id=4000))
    rig.wait(1, *ENTRY, *ENTRY)
    return rig


def test_a_look_at_one_position_is_the_whole_without_the_others():
    """Everything else of the house is in it, and an id that nobody has leaves none."""
    rig = two()
    whole = rig.view
    (other,) = [p for p in whole.positions if p.strategy_id == 4000]
    assert len(whole.positions) == 2
    assert picture(rig.monitor, rig.now_s, 4000) == replace(whole, positions=(other,))
    assert picture(rig.monitor, rig.now_s, 1) == replace(whole, positions=())


def test_an_outline_asks_for_the_figures_of_nothing(monkeypatch):
    """It agrees with the whole view, of which it takes no position's price, rule or state."""
    rig = two()
    rig.command(Wish.STOP)
    whole = rig.view
    monkeypatch.setattr(rig.monitor.watch, "seen", None)
    seen = outline(rig.monitor, rig.now_s)
    assert seen.held == tuple((p.strategy_id, p.symbol) for p in whole.positions)
    assert (seen.mode, seen.halted, seen.session_open, seen.code_of) == (Mode.EXECUTE, True, True, None)
    assert (whole.mode, whole.halted, whole.session_open) == (seen.mode, seen.halted, seen.session_open)
