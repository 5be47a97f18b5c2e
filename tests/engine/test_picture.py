"""Looks at the machine: whole, of one position, and without any figure."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import drawing
from engine.drawing import FULL_AT_ONCE, Drawing, picture
from engine.helm import Snooze
from engine.messages import Ticks, Wish
from engine.model import Action, Mode, PositionId, Urgency, Verdict
from engine.picture import held_now, in_brief, outline
from engine.rules.base import Rank
from engine.view import PositionBrief, PositionState
from tests.engine.makers import condor, quote, strangle
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
    assert pieces == [FULL_AT_ONCE] * 5 + [11 - 5 * FULL_AT_ONCE]
    assert [view.id for view in found.positions] == sorted(looked, key=lambda name: int(name.split("/")[1]))


MANY = 9


def many(monkeypatch, loudest=2):
    """A monitor of some positions with prices, of which so many are the loudest; the dearest is the last."""
    monkeypatch.setattr(drawing, "LOUDEST", loudest)
    rig = Rig(Mode.EXECUTE, *(replace(condor(), strategy_id=number) for number in range(1, MANY + 1)))
    rig.wait(1, *ENTRY * MANY)
    return rig


def drawn(rig, wanted=()):
    """All pieces of a picture of the loudest and of these."""
    pieces = Drawing(rig.monitor, wanted=wanted)
    while (seen := pieces.go_on(rig.now_s)) is None:
        pass
    return seen


def test_only_the_loudest_and_who_is_wanted_are_drawn_in_full(monkeypatch):
    """The others are in brief, in their place; whatever is summed up or warned of is the same."""
    rig = many(monkeypatch)
    whole, seen = rig.view, drawn(rig, ["default/5"])
    assert [p.strategy_id for p in seen.full] == [1, 2, 5]
    assert seen.full == tuple(p for p in whole.full if p.strategy_id in {1, 2, 5})
    for brief, full in zip(seen.positions, whole.full, strict=True):
        assert all(getattr(brief, field.name) == getattr(full, field.name) for field in fields(PositionBrief))
    assert (seen.pnl_paise, seen.value_paise) == (whole.pnl_paise, whole.value_paise)
    assert seen.closing_pnl_paise == whole.closing_pnl_paise is not None
    assert replace(seen, positions=()) == replace(whole, positions=())


def test_whoever_is_troubled_or_urgent_is_among_the_loudest(monkeypatch):
    """The last by its number is drawn in full when it is held, and so is one that a stop comes near to."""
    monkeypatch.setattr(drawing, "LOUDEST", 1)
    condors = [replace(condor(), strategy_id=number) for number in (1, 2, 3, 4, 9)]
    rig = Rig(Mode.ALERT_ONLY, *condors[:4], replace(strangle(), strategy_id=5), condors[4])
    rig.wait(2, *ENTRY * 4, 20, 18, *ENTRY)
    snoozed(rig, PositionId("default/9"))
    whole = {p.strategy_id: p for p in rig.view.full}
    assert whole[9].calm < whole[5].calm
    assert whole[5].urgency > whole[9].urgency
    assert {p.strategy_id for p in drawn(rig).full} == {5, 9}


def test_who_goes_while_it_is_drawn_takes_no_place_among_the_loudest(monkeypatch):
    """A mass exit leaves those in full that are still held."""
    rig = many(monkeypatch)
    pieces = Drawing(rig.monitor, wanted=())
    assert pieces.go_on(rig.now_s, most=MANY - 1) is None
    for name in list(rig.monitor.holdings.positions)[:-3]:
        rig.monitor.holdings.lives.drop(name)
    while (seen := pieces.go_on(rig.now_s)) is None:
        pass
    assert [p.strategy_id for p in seen.positions] == [7, 8, 9]
    assert [p.strategy_id for p in seen.full] == [7, 8]


def test_hundreds_that_are_flat_make_a_picture_of_a_few_no_longer():
    """They cost next to nothing, and go many to a piece."""
    rig = two()
    rig.monitor.holdings.flat.update(
        {made.id: made for made in (replace(condor(), strategy_id=number) for number in range(5000, 5200))}
    )
    pieces, count = Drawing(rig.monitor, wanted=()), 1
    while (seen := pieces.go_on(rig.now_s)) is None:
        count += 1
    assert len(seen.positions) == 202
    assert count < 10


def test_a_few_positions_are_all_drawn_in_full(monkeypatch):
    """What a page says of a small house is of one piece."""
    rig = many(monkeypatch, loudest=MANY)
    assert drawn(rig) == rig.view


def test_who_begins_to_exit_after_it_was_drawn_in_brief_is_shown_as_it_stands(monkeypatch):
    """Its state is that of the end, and so is that of one which has come."""
    rig = many(monkeypatch)
    pieces = Drawing(rig.monitor, wanted=())
    assert pieces.go_on(rig.now_s, most=MANY - 1) is None
    rig.command(Wish.EXIT, 4, confirmed=True)
    while (seen := pieces.go_on(rig.now_s)) is None:
        pass
    states = {p.strategy_id: p.state for p in seen.positions}
    assert states.pop(4) is PositionState.EXITING
    assert set(states.values()) == {PositionState.WATCHING}


prices = st.integers(1, 120)
some = st.lists(st.tuples(*[st.one_of(prices, st.none())] * 4), max_size=2)


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[prices] * 4), some, st.integers(1, 15), st.sampled_from([0, 0, 20, 8 * 3600]))
def test_in_brief_a_position_is_what_it_is_in_full(first, others, spread, later_s):
    """At whatever prices, or none, old ones, and when the market is closed."""
    rig = Rig(Mode.ALERT_ONLY, condor())
    for mids in [first, *others]:
        quoted = [(leg.key, mid) for leg, mid in zip(rig.legs, mids, strict=True) if mid is not None]
        rig.tell(Ticks([quote(key, mid - spread / 20, mid + spread / 20) for key, mid in quoted]))
        rig.wait(1)
    rig.now_s += later_s
    [full] = rig.view.full
    [brief] = in_brief(rig.monitor, list(rig.monitor.holdings.positions.values()), rig.now_s)
    assert brief == PositionBrief(**{each.name: getattr(full, each.name) for each in fields(brief)})


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
