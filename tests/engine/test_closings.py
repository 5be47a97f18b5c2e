"""What exits have closed, until the store shows it: by exit, with what each row held."""

from __future__ import annotations

from dataclasses import replace

from engine.closings import KEPT_S, MISSED_DAYS, Closings
from engine.effects import CloseTrades, ReduceTrades, RowPart
from engine.intents import Intent
from engine.messages import Beat, BeatKind
from engine.model import Action, Mode, Urgency, Verdict
from engine.plan import plan_exit
from engine.pricing import Style
from engine.reductions import Reductions
from tests.engine.makers import condor
from tests.support.rig import Rig, rows_of

ROWS = rows_of(condor())
DAY_S = 86_400.0


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


def test_a_closed_row_is_left_out_of_each_reading_that_lists_it():
    """Of one that lists it later than the first, and of one that was there before it was closed."""
    closings, rows = Closings(), tuple(ROWS)
    closings.add("e1", {1: 5460}, {}, 5.0)
    without = rows[1:]
    assert closings.but(without) is without
    assert closings.but(rows) == without
    closings.add("e2", {2: None}, {}, 6.0)
    assert closings.but(rows) == rows[2:]


def test_what_is_written_down_is_what_a_restart_knows():
    """Record and restore are each other's mirror."""
    first, second = Closings(), Closings()
    record, job = first.add("e1", {1: 5460, 2: None}, {1: 130, 7: 65}, 5.0)
    assert job == CloseTrades({1: 5460, 2: None}, 5.0, "e1", {1: 130})
    second.restore({record.key: record.value})
    assert second.late(ROWS) == first.late(ROWS) == [job]


def test_what_the_store_has_not_listed_for_days_is_forgotten():
    """Not what it lists again, not what was closed lately, and no part of an exit that has a row left."""
    closings = Closings()
    closings.add("gone", {1: 5460}, {}, 0.0)
    closings.add("left", {2: 100, 3: None}, {}, 0.0)
    closings.add("new", {4: 100}, {}, KEPT_S)
    for day in range(MISSED_DAYS):
        closings.settle(ROWS[1:2], KEPT_S + (day - MISSED_DAYS + 1) * DAY_S)
    assert [row.id in closings for row in ROWS] == [True, True, True, True]
    closings.settle(ROWS[1:2], KEPT_S + 1)
    assert [row.id in closings for row in ROWS] == [False, True, True, True]
    assert [job.name for job in closings.late(ROWS)] == ["left", "new"]


def test_a_store_that_shows_less_for_a_moment_does_not_open_a_row_again():
    """It has refused the write for a week: neither an empty answer nor some short ones forget it."""
    closings = Closings()
    closings.add("owed", {1: 5460}, {}, 0.0)
    for day in range(7, 7 + 2 * MISSED_DAYS):
        closings.settle(ROWS, day * DAY_S)
        for second in range(2 * MISSED_DAYS):
            closings.settle((), day * DAY_S + second)
            closings.settle(ROWS[1:], day * DAY_S + second)
        assert closings.but(tuple(ROWS)) == tuple(ROWS[1:])


def test_a_store_without_any_open_row_forgets_nothing():
    """An empty answer is also what a store gives that may not show its rows, for as long as it may not."""
    closings = Closings()
    closings.add("owed", {1: 5460}, {}, 0.0)
    for day in range(7, 7 + 2 * MISSED_DAYS):
        closings.settle((), day * DAY_S)
    assert 1 in closings


class Refusing(Rig):
    """A rig whose store takes no change of its rows."""

    def do(self, effect):
        return [] if isinstance(effect, CloseTrades) else super().do(effect)


def test_a_week_after_an_exit_that_the_store_never_took_one_empty_answer_reopens_nothing():
    """The rows are listed again thirty seconds later: they are closed, and nothing is traded."""
    rig = Refusing(Mode.EXECUTE)
    rig.wait(2, 10, 20, 20, 10)
    rig.command(strategy_id=3359, confirmed=True)
    rig.wait(60, 10, 20, 20, 10)
    assert rig.flat
    placed, rows = len(rig.placed), rig.rows
    rig.now_s += 7 * DAY_S
    for listed in (rows, [], rows):
        rig.rows = listed
        rig.now_s += 30
        rig.tell(Beat(BeatKind.SYNC))
    assert rows
    assert not rig.monitor.holdings.positions
    assert len(rig.placed) == placed


class Listening(Rig):
    """A rig that keeps what is written to the store."""

    def __init__(self):
        self.jobs = []
        super().__init__()

    def do(self, effect):
        if isinstance(effect, CloseTrades | ReduceTrades):
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


def test_what_the_store_has_missed_is_written_in_the_order_in_which_it_happened():
    """Whatever its rows' ids are; and a part is taken off a row before its rest is closed."""
    rig = Listening()
    rig.journal["closed"] = {
        "e4": {"exits": {"1": None}, "at_s": 9.0}, "e1": {"exits": {"3": None}, "at_s": 5.0},
    }  # fmt: skip
    rig.journal["reduced"] = {
        name: {"parts": [[row, 65, 30, 1500]], "at_s": at_s, "settled": False}
        for name, row, at_s in (("e3", 1, 8.0), ("e2", 2, 7.0))
    }
    rig.jobs.clear()
    rig.start()
    assert [job.name for job in rig.jobs[:4]] == ["e1", "e2", "e3", "e4"]


def test_parts_that_a_dead_process_took_off_a_row_are_written_before_its_end():
    """The store has been away since: the row holds there what it held before the part."""
    rig = Listening()
    rig.journal["reduced"] = {"e1": {"parts": [[1, 65, 30, 1500]], "at_s": 7.0, "settled": False}}
    rig.store_answers = False
    rig.start()
    assert rig.jobs == []
    (made,) = rig.positions
    verdict = Verdict("stop_loss", Action.CLOSE_IMMEDIATELY, Urgency.HIGH, -1, -1, 1.0, "loss")
    legs = [replace(leg, rows={1: 30}) for leg in plan_exit(made)[:1]]
    intent = Intent("e2", made.id, "default", "", verdict, Style.URGENT, legs, "", "", rig.now_s)
    done = rig.monitor.holdings.close(intent, rig.now_s)
    assert [job.name for job in done if isinstance(job, CloseTrades | ReduceTrades)] == ["e1", "e2"]


def test_rows_of_another_store_are_none_of_its_business():
    """Ids begin at 1 again in another store, or in a new file: what was closed in the first stays there."""
    record, _ = Closings("sqlite:aa").add("e1", {1: 5460}, {1: 65}, 5.0)
    kept = {record.key: record.value}
    here, elsewhere, old = Closings("sqlite:aa"), Closings("supabase:https://x"), Closings("sqlite:aa")
    here.restore(kept)
    elsewhere.restore(kept)
    old.restore({"e0": {"exits": {"2": None}, "at_s": 1.0}})
    assert (1 in here, 1 in elsewhere, 2 in old) == (True, False, True)


def test_reductions_of_another_store_are_none_of_its_business():
    """As with what was closed."""
    record = Reductions("sqlite:aa").add("e1", (RowPart(1, 130, 65, 5460),), 5.0)
    here, elsewhere = Reductions("sqlite:aa"), Reductions("sqlite:bb")
    for each in (here, elsewhere):
        each.restore({record.key: record.value}, ())
    assert (len(here.late()), len(elsewhere.late())) == (1, 0)


def test_a_row_that_counts_less_here_alone_is_closed_as_the_store_has_it():
    """The owner left two legs out; another number would be taken for somebody else's edit."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(1, 10, 20, 20, 10)
    gone = dict.fromkeys((leg.key for leg in rig.legs[:2]), 0)
    rig.exchange.hold({**rig.exchange._baseline, **gone})
    parts = [RowPart(row.id, row.quantity, 0, None) for row in ROWS[:2]]
    rig.monitor.holdings.correct("leave-1", parts, rig.now_s, in_store=False)
    rig.command(strategy_id=3359, confirmed=True)
    rig.wait(30, 10, 20, 20, 10)
    (kept,) = rig.journal["closed"].values()
    assert kept["units"] == {str(row.id): row.quantity for row in ROWS}
