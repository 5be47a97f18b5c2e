"""What a position takes along through its life, and what ends with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.effects import Record
from engine.lives import Lives
from engine.model import Mode
from tests.engine.makers import condor
from tests.support.rig import Rig

CONDOR = condor()
UP, DOWN = (20, 20, 20, 18), (20, 70, 40, 18)


class House(Rig):
    """A house that watches one condor, and has seen a peak."""

    def __init__(self):
        super().__init__(Mode.ALERT_ONLY, CONDOR)
        for mids in (UP, UP, DOWN, DOWN):
            self.wait(2, *mids)

    @property
    def lives(self) -> Lives:
        """The lives of its positions."""
        return self.monitor.holdings.lives

    @property
    def peak_paise(self):
        """What is remembered of the condor."""
        return self.lives.memory(CONDOR.id).peak_paise


@pytest.fixture
def house():
    """A condor with a peak."""
    made = House()
    assert made.peak_paise > 0
    return made


def test_one_that_goes_and_comes_back_with_its_rows_has_its_peak(house):
    """Also while it is away."""
    peak_paise = house.peak_paise
    house.lives.drop(CONDOR.id)
    assert not house.lives.positions
    assert house.peak_paise == peak_paise
    house.lives.put(CONDOR, house.now_s)
    assert house.peak_paise == peak_paise


def test_one_that_was_closed_begins_anew(house):
    """The journal forgets it too; until the day is over it is shown as it was."""
    [forgotten] = house.lives.end(CONDOR.id)
    assert (forgotten.kind, forgotten.key) == ("memory", CONDOR.id)
    assert forgotten.value["peak_paise"] is None
    assert list(house.lives.flat) == [CONDOR.id]
    house.lives.put(CONDOR, house.now_s)
    assert house.peak_paise is None
    assert not house.lives.flat


def test_only_what_has_changed_is_kept(house):
    """Nothing of one that is not watched; all of one that has come back."""
    house.lives.remember([CONDOR.id])
    assert house.lives.remember([CONDOR.id]) == []
    house.lives.drop(CONDOR.id)
    assert house.lives.remember([CONDOR.id]) == []
    house.lives.put(CONDOR, house.now_s)
    [kept] = house.lives.remember([CONDOR.id])
    assert kept == Record("memory", CONDOR.id, house.lives.memory(CONDOR.id).to_json())
    assert house.lives.remember([CONDOR.id]) == []


@pytest.mark.parametrize("busy", [True, False])
def test_one_that_has_begun_to_exit_is_left_as_it_is(house, busy):
    """Other legs, or none: its exit goes by those that it was planned from."""
    lives = house.lives
    lives._busy = lambda name: busy and name == CONDOR.id
    other = replace(CONDOR, legs=CONDOR.legs[:2])
    assert bool(lives.change(CONDOR.id, other, house.now_s)) is not busy
    assert len(lives.positions[CONDOR.id].legs) == (4 if busy else 2)
    assert bool(lives.change(CONDOR.id, None, house.now_s)) is not busy
    assert (CONDOR.id in lives.positions) is busy
