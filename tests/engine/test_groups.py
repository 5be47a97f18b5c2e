"""Rows worked out strategy by strategy: whatever comes in whatever pieces, it is what all of them come to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.groups import Groups
from engine.listed import listed
from engine.model import ExitLevel
from tests.engine.makers import condor
from tests.support.rig import rows_of

TODAY = date(2026, 2, 3)
INSTRUMENTS = {leg.key: leg.instrument for leg in condor().legs}
POSITIONS = [replace(condor(), strategy_id=number) for number in range(1, 6)]
ROWS = {row.id: row for one in POSITIONS for row in rows_of(one, 10 * one.strategy_id)}

_EDITS = {
    "double": lambda row: replace(row, quantity=2 * row.quantity),
    "odd": lambda row: replace(row, quantity=row.quantity + 1),
    "no id": lambda row: replace(row, security_id=0),
    "another's": lambda row: replace(row, strategy_id=row.strategy_id % 5 + 1),
    "another account's": lambda row: replace(row, account="family"),
    "unknown contract": lambda row: replace(row, security_id=row.security_id + 5_000_000),
    "closed": lambda row: replace(row, order_status="CLOSED"),
    "dead": lambda row: replace(
        row, security_id=77, timestamp_s=0.0, expiry_date=TODAY - timedelta(days=3), order_status="TRADED"
    ),
}
_STEP = st.one_of(
    st.tuples(st.just("row"), st.sampled_from(sorted(ROWS)), st.sampled_from(sorted(_EDITS))),
    st.tuples(st.just("gone"), st.sampled_from(sorted(ROWS)), st.none()),
    st.tuples(st.just("back"), st.sampled_from(sorted(ROWS)), st.none()),
    st.tuples(st.just("level"), st.integers(1, 5), st.integers(-90, -10)),
    st.tuples(st.just("master"), st.integers(0, 3), st.none()),
    st.tuples(st.just("day"), st.integers(0, 40), st.none()),
)


class Told:
    """What a store, a master and the calendar say after some steps."""

    def __init__(self):
        self.rows, self.levels = dict(ROWS), {}
        self.instruments, self.today = INSTRUMENTS, TODAY

    def step(self, what, which, how):
        """Let one of them say something else, or the same again."""
        if what == "row" and which in self.rows:
            self.rows[which] = _EDITS[how](self.rows[which])
        elif what == "gone":
            self.rows.pop(which, None)
        elif what == "back":
            self.rows[which] = ROWS[which]
        elif what == "level":
            self.levels[which] = ExitLevel(which, which, "stop_loss", "primary", "percentage", Decimal(how))
        elif what == "master":
            left = list(INSTRUMENTS)[which:]
            self.instruments = {key: replace(INSTRUMENTS[key]) for key in left}
        elif what == "day":
            self.today = TODAY + timedelta(days=which)

    @property
    def all(self):
        """As it is asked for."""
        return tuple(self.rows.values()), self.instruments, self.today, tuple(self.levels.values())


def in_order(found):
    """What was found; in which order is nobody's business."""
    good = sorted(found.positions, key=lambda each: each.id)
    bad = sorted(found.invalid, key=lambda each: each.id)
    return good, bad, dict(found.aside), found.missed


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(_STEP, max_size=4), st.integers(0, 3)), max_size=8))
def test_in_pieces_it_comes_to_what_it_comes_to_at_once(readings):
    """Readings that are overtaken half worked out, then a whole one."""
    groups, told = Groups(), Told()
    for steps, pieces in readings:
        for step in steps:
            told.step(*step)
        groups.take(*told.all)
        for _ in range(pieces):
            groups.work(2)
    groups.take(*told.all)
    while groups.due:
        groups.work(2)
    assert in_order(groups.answer()) == in_order(listed(*told.all))
    for name in {position.id for position in groups.answer().positions}:
        assert groups.of(name).positions == tuple(p for p in groups.answer().positions if p.id == name)


def worked_out(groups, told):
    """How many strategies had to be looked at for this reading."""
    groups.take(*told.all)
    number = len(groups.due)
    groups.work(99)
    return number


def test_only_strategies_with_news_are_looked_at():
    """A row, a level; a new master or day concerns all; the same said in new words concerns nobody."""
    groups, told = Groups(), Told()
    assert worked_out(groups, told) == 5
    told.rows = {number: replace(row) for number, row in told.rows.items()}
    assert worked_out(groups, told) == 0
    told.step("row", 20, "double")
    assert worked_out(groups, told) == 1
    told.step("level", 3, -20)
    assert worked_out(groups, told) == 1
    told.step("row", 30, "another's")
    assert worked_out(groups, told) == 2
    told.step("day", 1, None)
    assert worked_out(groups, told) == 5
    told.step("master", 0, None)
    assert worked_out(groups, told) == 5


def test_positions_that_a_new_master_leaves_as_they_were_are_the_same_objects():
    """Nobody has to compare a thousand of them leg by leg."""
    groups, told = Groups(), Told()
    worked_out(groups, told)
    before = groups.answer().positions
    told.step("master", 0, None)
    worked_out(groups, told)
    assert all(map(lambda one, other: one is other, before, groups.answer().positions))


def test_nobody_has_an_answer_of_a_part():
    """While strategies are due there is no list of all of them that somebody could take for one."""
    groups, told = Groups(), Told()
    groups.take(*told.all)
    groups.work(4)
    with pytest.raises(AssertionError):
        groups.answer()
