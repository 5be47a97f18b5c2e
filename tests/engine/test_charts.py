"""What a picture shows: the right day, the right sessions, and nothing that is not known."""

from __future__ import annotations

from datetime import date

from engine.charts import Bar, Scope, Wanted
from engine.diary import DayResult
from engine.messages import Beat, BeatKind, Wish
from engine.model import Mode
from engine.sessions import at
from tests.support.rig import Rig

ENTRY, DOWN = (20, 45, 40, 18), (20, 75, 40, 18)
LOSS = -195_000
TODAY = date(2026, 2, 3)


def drawn(rig, scope, strategy_id=3359):
    """The pictures asked for at this moment."""
    return Wanted(scope, strategy_id)(rig.monitor, rig.now_s)


def test_the_day_ends_in_the_pnl_of_this_moment():
    """Not a minute old: the last point is what the prices of now make."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.wait(61, *ENTRY)
    rig.wait(1, *DOWN)
    [chart] = drawn(rig, Scope.DAY)
    assert (chart.now_paise, chart.known_s, chart.samples[-1].paise) == (LOSS, rig.now_s, LOSS)
    assert chart.now_paise == rig.view.positions[0].pnl_paise
    assert chart.day == TODAY


def test_a_day_that_cannot_be_priced_says_of_when_it_is_and_what_lacks():
    """The last that is known stands, with its own time."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.wait(61, *DOWN)
    rig.wait(100)
    [chart] = drawn(rig, Scope.DAY)
    assert (chart.now_paise, chart.blind) == (LOSS, ("default/3359",))
    assert chart.known_s < rig.now_s - 60


def test_in_the_evening_the_day_stands_as_it_closed_and_in_the_morning_too():
    """Until the next session opens its day is the one to see; then there is none yet."""
    rig = Rig(Mode.ALERT_ONLY, now_s=at(TODAY, "15:28"))
    rig.wait(119, *DOWN)
    rig.now_s = at(TODAY, "15:30")
    rig.tell(Beat(BeatKind.SESSION_CLOSE))
    for clock, day in (("20:00", TODAY), ("09:00", date(2026, 2, 4))):
        rig.now_s = at(day, clock)
        [chart] = drawn(rig, Scope.DAY)
        assert (chart.day, chart.now_paise, chart.samples[-1].at_s) == (TODAY, LOSS, at(TODAY, "15:30"))
    rig.now_s = at(date(2026, 2, 4), "09:16")
    assert drawn(rig, Scope.DAY) == ()


def test_the_day_limits_are_levels_of_the_day():
    """Loss below, profit above."""
    limits = "day_loss_rupees = 6000\nday_profit_rupees = 4000\n"
    rig = Rig(Mode.ALERT_ONLY, rules=f"[account.default]\n{limits}")
    rig.wait(2, *ENTRY)
    [chart] = drawn(rig, Scope.DAY)
    assert [(each.paise, each.stops) for each in chart.levels] == [(-600_000, True), (400_000, False)]


def test_a_positions_course_has_its_rules_and_its_own_marks():
    """What is drawn is its whole P&L, beside the levels that the rules wait for."""
    rig = Rig(Mode.EXECUTE)
    rig.wait(61, *ENTRY)
    rig.wait(2, *DOWN)
    [chart] = drawn(rig, Scope.POSITION)
    assert [each.paise for each in chart.levels] == [-497_250, 152_750]
    assert (chart.now_paise, chart.position.strategy) == (LOSS, "Iron Condor")
    rig.command(Wish.EXIT, 3359, confirmed=True)
    rig.wait(60, *DOWN)
    assert rig.flat
    [ended] = drawn(rig, Scope.POSITION)
    assert ended.levels == ()
    assert [mark.text for mark in ended.marks] == ["NIFTY Iron Condor"]


def test_nobody_knows_a_strange_position():
    """No course, no payoff."""
    rig = Rig(Mode.ALERT_ONLY)
    assert drawn(rig, Scope.POSITION, 7) == drawn(rig, Scope.PAYOFF, 7) == ()


def test_a_week_has_its_sessions_its_gaps_and_what_is_to_come():
    """Monday is on record, Tuesday runs, the rest is ahead; what the sum holds is what is known."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.wait(61, *DOWN)
    rig.monitor.diary.results["2026-02-02"] = DayResult(at(date(2026, 2, 2), "15:30"), 50_000, 50_000)
    [chart] = drawn(rig, Scope.WEEK)
    ahead = [Bar(date(2026, 2, n), None, ahead=True) for n in (4, 5, 6)]
    assert list(chart.bars) == [Bar(date(2026, 2, 2), 50_000), Bar(TODAY, LOSS, whole=False), *ahead]
    assert chart.total_paise == 50_000 + LOSS


def test_a_day_on_which_the_house_ended_early_is_not_a_whole_one():
    """A result of noon is no result of the close, and a day without a record is none, not zero."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.monitor.diary.results["2026-01-29"] = DayResult(at(date(2026, 1, 29), "12:00"), -1_000, 0)
    rig.now_s = at(date(2026, 1, 30), "18:00")
    [chart] = drawn(rig, Scope.MONTH)
    by_day = {bar.day.day: bar for bar in chart.bars}
    assert by_day[29] == Bar(date(2026, 1, 29), -1_000, whole=False)
    assert by_day[30] == Bar(date(2026, 1, 30), None)
    assert 26 not in by_day  # Republic Day
    assert (chart.total_paise, len(chart.known)) == (-1_000, 1)


def test_on_sunday_the_week_is_that_of_friday():
    """The last session that has begun says which week and month it is."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.now_s = at(date(2026, 3, 8), "12:00")
    [chart] = drawn(rig, Scope.WEEK)
    assert chart.bars[-1].day == date(2026, 3, 6)
    assert not any(bar.ahead for bar in chart.bars)
