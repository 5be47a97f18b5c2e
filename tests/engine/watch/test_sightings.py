"""The why log: what is kept of a position, when, and how little that is."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.guards import ReplayGuard
from engine.model import Mode
from engine.watch.sightings import KEPT
from engine.why import Sighting
from tests.engine.makers import condor
from tests.engine.watch.test_watchlist import AT_ENTRY, TEN, Desk
from tests.support.rig import Rig

#: 82 % of the way to the stop of −₹4,972.50.
NEAR = (20, 85, 63, 18)
STOPPED = (20, 85, 77, 18)


def states(sightings):
    """The states of the stop, in order."""
    return [next(rule.state for rule in seen.rules if rule.rule == "stop_loss") for seen in sightings]


def kept(desk):
    """What the log has of the desk's position."""
    return desk.watch.why.of(desk.held.id)


def test_a_quiet_position_leaves_nothing_behind():
    """Ticks far from every threshold, judged or not, keep no look."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    for step in range(50):
        desk.wait(1)
        desk.quote(20, 45 + step % 3, 40, 18)
    assert kept(desk) == ()
    assert desk.watch.why.drain() == []


def test_near_a_threshold_one_look_a_second_is_enough():
    """Twenty judged prices in two seconds: two looks, whoever asks, and what was told of before them."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.quote(*NEAR)
    told = len(kept(desk))
    for step in range(20):
        desk.quote(20, 85, 63 + step % 2 * 0.1, 18)
        desk.wait(0.1)
        desk.watch.glance(desk.watch._positions, desk.now_s)
    assert 1 <= len(kept(desk)) - told <= 2
    assert all(seen.near for seen in kept(desk)[told:])
    assert [said.rule for seen in kept(desk) for said in seen.said] == ["loss_alert", "loss_alert"]


def test_every_step_of_a_stop_is_kept_with_what_was_seen():
    """Met, confirmed by time and fired: P&L, threshold and every leg's prices are there."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.quote(*STOPPED)
    desk.wait(2)
    assert states(kept(desk))[-2:] == ["met", "fired"]
    met = kept(desk)[states(kept(desk)).index("met")]
    stop = next(rule for rule in met.rules if rule.rule == "stop_loss")
    assert (stop.pnl_paise, stop.threshold_paise, stop.confirms_s) == (-500500, -497250, TEN + 2)
    assert (met.marked_paise, met.guarded_paise) == (-500500, -500500)
    assert [(leg.bid_paise, leg.ask_paise, leg.mark_paise, leg.age_s) for leg in met.legs][2] == (
        7695, 7705, 7700, 0.0,
    )  # fmt: skip
    assert [said.rule for said in kept(desk)[-1].said] == ["stop_loss"]


def test_a_trail_is_kept_with_the_level_it_has_risen_to():
    """After a peak of ₹1,950.00 the trail stands at ₹1,365.00, and a look says so."""
    desk = Desk(condor(), '[default]\ntrailing_stop = true\nprofit_target = "off"')
    for mids in (AT_ENTRY, (20, 15, 40, 18), (20, 15, 55, 18)):
        desk.quote(*mids)
        desk.wait(2)
    trail = next(rule for rule in kept(desk)[-1].rules if rule.rule == "trailing_stop")
    assert (trail.state, trail.pnl_paise, trail.threshold_paise) == ("fired", 97_500, 136_500)


@pytest.mark.parametrize(
    ("rupees", "near"),
    [(30, False), (25, False), (24, True), (22, True), (0, False)],
    ids=["at its peak", "0.56 of the cushion", "0.67", "0.89", "on its floor"],
)
def test_a_trail_is_near_when_most_of_its_cushion_is_used_up(rupees, near):
    """Peak ₹1,950, level ₹1,365: far at the peak, near from 0.6 of the way down, silent at the floor."""
    desk = Desk(condor(), '[default]\ntrailing_stop = true\nprofit_target = "off"')
    for mids in (AT_ENTRY, (20, 15, 40, 18)):
        desk.quote(*mids)
        desk.wait(1)
    told = len(kept(desk))
    desk.quote(20, 45 - rupees, 40, 18)
    desk.wait(1)
    desk.watch.glance(desk.watch._positions, desk.now_s)
    assert [seen.near for seen in kept(desk)[told:]] in ([[True], [True, True]] if near else [[]])


def test_a_trail_far_from_its_level_leaves_nothing_behind():
    """A minute in profit is no look a second, which would push out the verdicts of the day."""
    desk = Desk(condor(), '[default]\ntrailing_stop = true\nprofit_target = "off"')
    for mids in (AT_ENTRY, (20, 15, 40, 18)):
        desk.quote(*mids)
        desk.wait(1)
    told = len(kept(desk))
    for step in range(60):
        desk.quote(20, 15 + step % 3, 40, 18)
        desk.wait(1)
        desk.watch.glance(desk.watch._positions, desk.now_s)
    assert len(kept(desk)) == told


def test_a_stop_that_recovers_is_kept_too():
    """Met, and quiet again a second later: both are looks of their own."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.quote(*STOPPED)
    desk.wait(1)
    desk.quote(20, 84, 76, 18)
    assert states(kept(desk))[-2:] == ["met", "quiet"]


def test_the_guard_that_held_is_named():
    """A leg gone wide near the stop: the look says which leg, why, and what the stop goes by."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.quote(*NEAR)
    desk.wait(1.5)
    desk.now_s += 1
    desk.quote(None, 85, None, None, spread=60)
    doubt = next(leg.doubt for leg in kept(desk)[-1].legs if "24700" in leg.name)
    assert doubt == "wider than the spread guard allows; stops go by its last mark"
    assert kept(desk)[-1].marked_paise is None
    assert kept(desk)[-1].guarded_paise is not None


def test_a_suspect_price_is_named_and_confirms_no_days_loss():
    """A call dearer than the one below it: the look says what is wrong, the day does not go by it."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.quote(*NEAR)
    desk.wait(1.5)
    desk.now_s += 1
    desk.quote(None, None, None, 900)
    desk.watch.glance(desk.watch._positions, desk.now_s)
    doubt = next(leg.doubt for leg in kept(desk)[-1].legs if "25500" in leg.name)
    assert doubt.startswith("suspect: ")
    assert doubt.endswith("; it is as if it had not come")
    suspect = desk.held.legs[3].key
    arrived = desk.watch.standing(desk.held.id, desk.now_s).arrived_s
    assert set(arrived) == {leg.key for leg in desk.held.legs} - {suspect}


def test_the_memory_of_one_position_is_bounded():
    """A day spent at the threshold keeps the newest looks only."""
    desk = Desk(condor(), replay=ReplayGuard(10_000))
    desk.quote(*AT_ENTRY)
    desk.quote(*NEAR)
    for _ in range(KEPT + 50):
        desk.now_s += 5
        desk.watch.glance(desk.watch._positions, desk.now_s)
    assert len(kept(desk)) == KEPT
    assert kept(desk)[-1].at_s == desk.now_s


def test_a_quiet_position_is_glanced_at_twice_a_minute_and_only_the_newest_counts():
    """Such looks go to the journal as passing ones, and not into memory."""
    desk = Desk(condor(), replay=ReplayGuard(10_000))
    desk.quote(*AT_ENTRY)
    for _ in range(12):
        desk.watch.glance(desk.watch._positions, desk.now_s)
        desk.now_s += 5
    drained = desk.watch.why.drain()
    assert [(seen.at_s, seen.passing) for seen in drained] == [(TEN, True), (TEN + 30, True)]
    assert kept(desk) == ()


def test_a_position_that_is_dropped_is_forgotten():
    """What was kept of it is in the journal by then."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    desk.quote(*STOPPED)
    desk.watch.drop(desk.held.id)
    assert kept(desk) == ()


@given(st.lists(st.tuples(st.integers(10, 120), st.integers(0, 40)), max_size=30))
def test_whatever_happens_a_look_survives_the_journal_and_looks_are_rare(steps):
    """JSON there and back is the same look; never more looks than changes and seconds allow."""
    desk = Desk(condor())
    desk.quote(*AT_ENTRY)
    for mid, tenths in steps:
        desk.quote(None, mid, None, None)
        desk.wait(tenths / 10)
    looks = kept(desk)
    assert all(Sighting.from_json(json.loads(json.dumps(seen.to_json()))) == seen for seen in looks)
    for before, now in pairwise(looks):
        changed = [r.state for r in before.rules] != [r.state for r in now.rules]
        assert changed or now.said or now.at_s >= before.at_s + 1


def test_a_quiet_position_that_is_judged_all_the_time_is_looked_at_too():
    """Ticks that are judged twice a second must not keep the newest quiet look from being taken."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(61, 20, 45, 40, 18)
    assert [seen.passing for seen in rig.seen] == [True] * 3
