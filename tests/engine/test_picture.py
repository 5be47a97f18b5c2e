"""Looks at the machine: whole, of one position, and without any figure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.helm import Snooze
from engine.messages import Wish
from engine.model import Action, Mode, Urgency, Verdict
from engine.picture import DRAWN_AT_ONCE, Drawing, held_now, outline, picture
from engine.rules.base import Rank
from engine.view import PositionState
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


def test_a_picture_in_pieces_is_the_one_in_one_piece():
    """One position at a time: the same, when nothing happens in between."""
    rig = two()
    drawing = Drawing(rig.monitor)
    assert drawing.go_on(rig.now_s, most=1) is None
    assert drawing.go_on(rig.now_s, most=1) == rig.view


def test_no_piece_of_a_picture_looks_at_more_positions_than_it_may(monkeypatch):
    """Whatever is left waits for the next piece, and nothing is looked at twice."""
    rig = Rig(Mode.EXECUTE, *(replace(condor(), strategy_id=number) for number in range(1, 12)))
    looked, seen = [], rig.monitor.watch.seen

    def counted(name, forwards):
        looked.append(name)
        return seen(name, forwards)

    monkeypatch.setattr(rig.monitor.watch, "seen", counted)
    drawing, pieces = Drawing(rig.monitor), []
    while True:
        before = len(looked)
        found = drawing.go_on(rig.now_s)
        pieces.append(len(looked) - before)
        if found is not None:
            break
    assert pieces == [DRAWN_AT_ONCE, DRAWN_AT_ONCE, 11 - 2 * DRAWN_AT_ONCE]
    assert [view.id for view in found.positions] == sorted(looked, key=lambda name: int(name.split("/")[1]))


def test_what_ends_and_what_comes_while_it_is_drawn_is_as_it_is_at_the_end():
    """A position that has ended is not in it, drawn or not, and one that has come is."""
    rig = two()
    drawing = Drawing(rig.monitor)
    assert drawing.go_on(rig.now_s, most=1) is None
    held = rig.monitor.holdings.positions
    [first, second] = list(held)
    rig.monitor.holdings.lives.drop(first)
    assert [view.id for view in drawing.go_on(rig.now_s).positions] == [second]
    drawing = Drawing(rig.monitor)
    rig.monitor.holdings.lives.drop(second)
    new = replace(condor(), strategy_id=5000)
    rig.monitor.holdings.lives.put(new, rig.now_s)
    assert [view.id for view in drawing.go_on(rig.now_s).positions] == [new.id]
    assert [view.id for view in drawing.go_on(rig.now_s).positions] == [new.id]


def test_an_exit_that_begins_while_it_is_drawn_is_shown():
    """Drawn before as watched, it is shown with its exit; the other one is watched on."""
    rig = two()
    drawing = Drawing(rig.monitor)
    assert drawing.go_on(rig.now_s, most=1) is None
    [first, _] = rig.monitor.holdings.positions.values()
    rig.command(Wish.EXIT, first.strategy_id, confirmed=True)
    states = {view.strategy_id: view.state for view in drawing.go_on(rig.now_s).positions}
    assert states.pop(first.strategy_id) is PositionState.EXITING
    assert list(states.values()) == [PositionState.WATCHING]


WHY = "Broker: 0 units"


def snoozed(rig, name):
    rig.monitor.helm.snoozed[name] = Snooze(rig.now_s + 600, Rank.SCALING)


def differs(rig, name):
    rig.monitor.helm.differences.restore({name: {"why": WHY}})


def unwatched(rig, name):
    rig.monitor.helm.differences.restore({name: {"why": WHY, "stance": "not watched"}})


def changed(rig, name):
    rig.monitor.holdings.reading.contracts.why[name] = "The lot is another one"


def asked_about(rig, name):
    verdict = Verdict("stop_loss", Action.CLOSE_POSITION, Urgency.HIGH, 0, 0, 1.0, "It is met")
    rig.monitor.dialogue.questions.issue(Wish.EXIT, (name,), (), verdict, "Exit?", rig.now_s, forced=False)


def broken(rig, name):
    rig.monitor.watch.watched(name).broken = "stop_loss has failed"


@pytest.mark.parametrize("happens", [snoozed, differs, unwatched, changed, asked_about, broken])
def test_whatever_takes_a_position_from_its_rules_while_it_is_drawn_is_shown(happens):
    """Drawn before as watched, it stands as in a picture that is begun now, and is listed if it is held."""
    rig = two()
    drawing = Drawing(rig.monitor)
    assert drawing.go_on(rig.now_s, most=1) is None
    first = next(iter(rig.monitor.holdings.positions))
    happens(rig, first)
    stands = {view.id: view.state for view in drawing.go_on(rig.now_s).positions}
    assert stands == {view.id: view.state for view in rig.view.positions}
    assert stands[first] is not PositionState.WATCHING
    held = [name for name, state in stands.items() if state is PositionState.HELD]
    assert [name for name, _ in held_now(rig.monitor, rig.now_s)] == held


def test_another_position_by_the_same_name_is_drawn_anew():
    """Its legs are others than when its turn came."""
    rig = two()
    drawing = Drawing(rig.monitor)
    assert drawing.go_on(rig.now_s, most=1) is None
    [first, _] = rig.monitor.holdings.positions.values()
    rig.monitor.holdings.lives.drop(first.id)
    rig.monitor.holdings.lives.put(replace(first, legs=first.legs[:2]), rig.now_s)
    assert drawing.go_on(rig.now_s) is None
    legs = {view.id: len(view.legs) for view in drawing.go_on(rig.now_s).positions}
    assert legs.pop(first.id) == 2
    assert list(legs.values()) == [4]
