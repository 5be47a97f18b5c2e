"""Days to expiry and expiry itself: when they strike, whom they spare."""

from __future__ import annotations

from datetime import date

import pytest

from engine.model import Action, Urgency
from engine.rules.registry import rules
from engine.sessions import at
from tests.engine.makers import EXPIRY, condor, future, leg, position
from tests.engine.rules.situations import CALENDAR, due, refusal, seen

FAR = date(2026, 3, 30)


def call(expiry=EXPIRY, opened="2026-02-03", clock="09:20", *, index=True):
    """A long call, entered at that moment."""
    moment = at(date.fromisoformat(opened), clock)
    return position(leg(65, 25000, "CE", 100, expiry, index=index), opened_at_s=moment)


def test_seven_days_before_expiry_at_three():
    """Expiry on Tuesday the 24th: out on Tuesday the 17th."""
    params = due("time_exit_dte", 7, call())
    assert params.due_s == at(date(2026, 2, 17), "15:00")
    judge = rules()["time_exit_dte"].judge
    assert judge(seen(0, params.due_s - 0.001), params) is None
    assert judge(seen(None, params.due_s), params) is None
    verdict = judge(seen(-500, params.due_s), params)
    assert verdict is not None
    assert (verdict.action, verdict.urgency, verdict.threshold_paise) == (
        Action.CLOSE_POSITION,
        Urgency.MEDIUM,
        None,
    )
    assert verdict.pnl_paise == -500


@pytest.mark.parametrize(
    ("days", "day"),
    [
        (9, date(2026, 2, 16)),  # the 15th is a Sunday: the first session within the days
        (0, EXPIRY),
        (1, date(2026, 2, 23)),
    ],
)
def test_the_first_session_within_the_days(days, day):
    """Weekends do not trade; zero days is expiry day itself."""
    assert due("time_exit_dte", days, call()).due_s == at(day, "15:00")


def test_an_expiry_on_a_holiday_still_has_a_last_session():
    """A table that calls expiry day a holiday gets the session before it."""
    params = due("time_exit_dte", 0, call(date(2026, 3, 3)))
    assert params.due_s == at(date(2026, 3, 2), "15:00")


def test_the_nearest_expiry_counts():
    """Of a calendar the near leg."""
    calendar = position(leg(-65, 25000, "CE", 100), leg(65, 25000, "CE", 180, FAR))
    assert due("time_exit_dte", 7, calendar).due_s == at(date(2026, 2, 17), "15:00")


def test_who_was_entered_within_the_days_is_exempt():
    """Seven days left at entry is within seven; the owner may lift it."""
    late = call(opened="2026-02-17")
    exempt = refusal("time_exit_dte", 7, late)
    assert not exempt.refused
    assert "time_exit_dte_always" in exempt.text
    lifted = due("time_exit_dte", 7, late, "[default]\ntime_exit_dte_always = true")
    assert lifted.due_s == at(date(2026, 2, 17), "15:00")
    assert due("time_exit_dte", 7, call(opened="2026-02-16")).due_s == lifted.due_s


def test_the_clock_time_is_a_setting():
    """Both rules have their own."""
    text = '[default]\ntime_exit_at = "10:30"\nexpiry_exit_at = "14:45"'
    assert due("time_exit_dte", 7, call(), text).due_s == at(date(2026, 2, 17), "10:30")
    assert due("expiry_exit", "on", call(), text).due_s == at(EXPIRY, "14:45")


def test_index_options_leave_on_expiry_day():
    """Cash settlement: at three on the day, without warnings."""
    params = due("expiry_exit", True, condor())
    assert (params.due_s, params.warn_s) == (at(EXPIRY, "15:00"), ())
    verdict = rules()["expiry_exit"].judge(seen(0, params.due_s), params)
    assert verdict is not None
    assert (verdict.action, verdict.urgency) == (Action.CLOSE_IMMEDIATELY, Urgency.HIGH)
    assert rules()["expiry_exit"].judge(seen(0, params.due_s - 1), params) is None
    assert rules()["expiry_exit"].judge(seen(None, params.due_s), params) is None


def test_stock_options_leave_the_session_before_and_warn_from_three_before():
    """Physical settlement: expiry on Tuesday the 24th, out on Monday, told since Thursday."""
    params = due("expiry_exit", "on", call(index=False))
    assert params.due_s == at(date(2026, 2, 23), "15:00")
    assert params.warn_s == tuple(at(date(2026, 2, d), "09:15") for d in (19, 20, 23))
    assert "physical" in params.text


def test_in_a_replay_of_one_day_a_stock_expiry_weeks_away_is_not_today():
    """The session before expiry is looked up in the real calendar, not among the recorded days."""
    replay = CALENDAR.for_recording([date(2026, 2, 3)])
    params = due("expiry_exit", "on", call(index=False), calendar=replay)
    assert params.due_s == at(date(2026, 2, 23), "15:00")


def test_what_never_expires_has_no_clock():
    """A position without dated legs is left alone by both rules."""
    undated = position(future(65, 25000, expiry=None))
    assert not refusal("time_exit_dte", 7, undated).refused
    assert not refusal("expiry_exit", "on", undated).refused


@pytest.mark.parametrize(
    ("days", "day"),
    [
        (0, date(2026, 2, 3)),
        (1, date(2026, 2, 4)),
        (4, date(2026, 2, 9)),  # over a weekend
        (20, date(2026, 3, 4)),  # over Holi, the 3rd of March
    ],
)
def test_holding_is_counted_in_sessions_from_the_day_of_entry(days, day):
    """The day of entry is session 0; out at the same clock time as the other rules of days."""
    params = due("max_holding_days", days, call())
    assert params.due_s == at(day, "15:00")
    assert due("max_holding_days", days, call(), '[default]\ntime_exit_at = "10:30"').due_s == at(
        day, "10:30"
    )


def test_an_entry_on_a_sunday_is_held_from_monday():
    """A timestamp outside of sessions belongs to the next one."""
    sunday = call(opened="2026-02-08", clock="20:00")
    assert due("max_holding_days", 1, sunday).due_s == at(date(2026, 2, 10), "15:00")


def test_holding_minutes_run_on_the_clock():
    """Ninety minutes after 09:20 is 10:50, whatever happened meanwhile."""
    params = due("max_holding_minutes", 90, call())
    assert params.due_s == at(date(2026, 2, 3), "10:50")
    assert "90 minutes" in params.text


@pytest.mark.parametrize("name", ["max_holding_days", "max_holding_minutes"])
def test_holding_rules_strike_from_their_moment_on_at_the_first_price(name):
    """Not before, not without a price, and then as a patient exit."""
    params = due(name, 30, call())
    judge = rules()[name].judge
    assert judge(seen(0, params.due_s - 0.001), params) is None
    assert judge(seen(None, params.due_s), params) is None
    verdict = judge(seen(-500, params.due_s), params)
    assert verdict is not None
    assert (verdict.rule, verdict.action, verdict.urgency) == (name, Action.CLOSE_POSITION, Urgency.MEDIUM)
    assert (verdict.pnl_paise, verdict.threshold_paise) == (-500, None)
