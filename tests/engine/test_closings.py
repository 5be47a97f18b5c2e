"""What exits have closed, until the store shows it: by exit, with what each row held."""

from __future__ import annotations

from engine.closings import Closings
from engine.effects import CloseTrades
from tests.engine.makers import condor
from tests.support.rig import Rig, rows_of

ROWS = rows_of(condor())


def test_rows_that_the_store_shows_open_are_written_again_by_the_exit_that_closed_them():
    """With its name, its moment and what they held; an older journal does not know the latter."""
    closings = Closings()
    closings.restore({
        "e2": {"exits": {"3": None}, "at_s": 9.0},
        "e1": {"exits": {"1": 5460, "2": None}, "units": {"1": 130}, "at_s": 5.0},
    })  # fmt: skip
    assert [row.id in closings for row in ROWS] == [True, True, True, False]
    assert closings.late(ROWS[1:]) == [CloseTrades({2: None}, 5.0, "e1"), CloseTrades({3: None}, 9.0, "e2")]
    assert closings.late(ROWS[:1]) == [CloseTrades({1: 5460}, 5.0, "e1", {1: 130})]


def test_what_is_written_down_is_what_a_restart_knows():
    """Record and restore are each other's mirror."""
    first, second = Closings(), Closings()
    record, job = first.add("e1", {1: 5460, 2: None}, {1: 130, 7: 65}, 5.0)
    assert job == CloseTrades({1: 5460, 2: None}, 5.0, "e1", {1: 130})
    second.restore({record.key: record.value})
    assert second.late(ROWS) == first.late(ROWS) == [job]


class Listening(Rig):
    """A rig that keeps what is written to the store."""

    def __init__(self):
        self.jobs = []
        super().__init__()

    def do(self, effect):
        if isinstance(effect, CloseTrades):
            self.jobs.append(effect)
        return super().do(effect)


def test_an_exit_says_what_its_rows_held():
    """So that a store can tell that somebody has changed them meanwhile."""
    rig = Listening()
    rig.wait(1, 10, 20, 20, 10)
    rig.command(strategy_id=rig.positions[0].strategy_id, confirmed=True)
    rig.wait(30, 10, 20, 20, 10)
    (job,) = rig.jobs
    assert job.units == {row.id: row.quantity for row in ROWS}
    assert job.name in rig.journal["closed"]
