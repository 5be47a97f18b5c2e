"""One account's day: plain arithmetic, and limits that speak once."""

from __future__ import annotations

import json
from datetime import date
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.account import Account
from engine.day import Day
from engine.model import Action, PositionId, Urgency
from engine.rules.day_limits import DayLimits, DayTrailing
from engine.sessions import at
from engine.watch import Standing
from engine.watch.lasting import Lasting, Unbroken

TODAY, YESTERDAY = "2026-02-03", "2026-02-02"
TEN = at(date(2026, 2, 3), "10:00")
BEFORE = at(date(2026, 2, 2), "10:00")
A, B = PositionId("default/1"), PositionId("default/2")
LOSS = DayLimits(loss_paise=600_000)


def standing(name, pnl, *, opened_at_s=TEN, guarded=..., legs=(), arrived=None):
    """A position at this P&L in paise."""
    return Standing(name, opened_at_s, pnl, pnl if guarded is ... else guarded, legs, arrived or {})


class Book:
    """An account looked at by hand."""

    def __init__(self, limits=LOSS, day=None, lasts_s=1.0):
        self.limits, self.now_s, self.lasts_s, self.unbroken = limits, TEN, lasts_s, Unbroken()
        self.restart(day or Day())

    def restart(self, day):
        """Go on with what was kept of the day."""
        self.account = Account("default", day, Lasting(self.lasts_s, self.unbroken))

    def look(self, *standings, wait=0.0):
        """Let time pass, look, judge; the rule that spoke."""
        self.now_s += wait
        self.account.look(standings, self.now_s, TODAY, YESTERDAY)
        verdict = self.account.judge(self.limits, 2.0, self.now_s)
        if verdict is not None:
            self.account.spoken(verdict.rule, "acted", "", [s.position for s in standings])
        return verdict

    @property
    def day(self):
        """The day's P&L at marks and as the loss limit counts it."""
        return self.account.marked_paise, self.account.guarded_paise


def test_the_day_is_the_sum_of_what_is_open_and_what_was_closed_today():
    """Two positions of today, one of them closed at another P&L than was last seen."""
    book = Book()
    book.look(standing(A, -100), standing(B, 250))
    assert book.day == (150, 150)
    book.account.end(B, 300)
    book.look(standing(A, -120))
    assert book.day == (180, 180)


def test_what_was_carried_over_counts_from_yesterdays_last_price_on():
    """A gap over the night is part of today; what was lost before is not."""
    book = Book(day=Day(date=YESTERDAY, base={A: 0}, last={A: -500}, closed={B: 900}))
    book.look(standing(A, -800, opened_at_s=BEFORE))
    assert book.day == (-300, -300)


def test_what_was_carried_over_unseen_counts_from_its_first_price_on():
    """Nobody knows where yesterday ended: the first believable P&L of today is the start."""
    book = Book(day=Day(date="2026-01-30", last={A: -500}))
    book.look(standing(A, -800, opened_at_s=BEFORE))
    book.look(standing(A, -900, opened_at_s=BEFORE))
    assert book.day == (-100, -100)


def test_a_position_that_is_gone_without_our_doing_counts_its_last_pnl_and_may_come_back():
    """Closed by hand, or unreadable for a while: never counted twice."""
    book = Book()
    book.look(standing(A, -100), standing(B, 250))
    book.look(standing(A, -100))
    assert book.day == (150, 150)
    book.look(standing(A, -100), standing(B, 200))
    assert book.day == (100, 100)


def test_a_part_that_we_have_closed_counts_with_what_its_fills_brought():
    """Half of the legs go and what they brought is known: the day is the P&L, slippage included."""
    book = Book()
    book.look(standing(A, 100, legs=((1, 150),)))
    half = standing(A, 80, legs=((1, 75),))._replace(realised_paise=30)
    book.look(half)
    assert book.day == (80, 80)
    book.look(half._replace(marked_paise=90, guarded_paise=90))
    assert book.day == (90, 90)


def test_a_position_that_is_entered_again_begins_with_nothing():
    """Verified flat at a loss, then the same strategy with other legs: both count in full."""
    book = Book()
    book.look(standing(A, -100, legs=((1, 75),)))
    book.account.end(A, -200)
    book.look(standing(A, -30, legs=((2, 75),)))
    assert book.day == (-230, -230)


def test_a_gain_that_somebody_took_by_hand_is_no_loss():
    """A leg that stood at +500 leaves the store: the day stays where it was, and goes on from there."""
    book = Book()
    both, one = ((1, 75), (2, -75)), ((2, -75),)
    book.look(standing(A, 100, legs=both))
    book.look(standing(A, None, guarded=-400, legs=one))
    assert book.day == (None, None)
    book.look(standing(A, -400, legs=one))
    assert book.day == (100, 100)
    book.look(standing(A, -450, legs=one))
    assert book.day == (50, 50)


def test_a_loss_must_last_and_speaks_once():
    """Not at once, not after a recovery, then after two seconds, then never again that day."""
    book = Book()
    assert book.look(standing(A, -600_000)) is None
    assert book.look(standing(A, -599_999), wait=1) is None
    assert book.look(standing(A, -600_000), wait=1) is None
    assert book.look(standing(A, -610_000), wait=1.9) is None
    assert book.account.due_s == book.now_s + 0.1
    verdict = book.look(standing(A, -610_000), wait=0.1)
    assert (verdict.rule, verdict.action, verdict.urgency) == (
        "day_loss_rupees", Action.CLOSE_IMMEDIATELY, Urgency.HIGH,
    )  # fmt: skip
    assert (verdict.pnl_paise, verdict.threshold_paise) == (-610_000, -600_000)
    assert book.look(standing(A, -900_000), wait=100) is None


def test_a_deep_loss_needs_another_price_of_every_leg_that_moved():
    """Another leg ticking along confirms nothing; the mover's second price does, within the two seconds."""
    book = Book()
    book.look(standing(A, 0, arrived={1: TEN, 2: TEN}))
    assert book.look(standing(A, -700_000, arrived={1: TEN, 2: TEN + 0.4}), wait=0.5) is None
    assert book.look(standing(A, -700_000, arrived={1: TEN + 0.6, 2: TEN + 0.4}), wait=0.5) is None
    assert book.look(standing(A, -700_000, arrived={1: TEN + 0.6, 2: TEN + 1.1}), wait=0.5) is not None


def test_a_leg_whose_newest_price_does_not_count_confirms_no_deep_loss():
    """It is left out of the arrivals, and goes on being waited for."""
    book = Book()
    book.look(standing(A, 0, arrived={1: TEN, 2: TEN}))
    assert book.look(standing(A, -700_000, arrived={1: TEN, 2: TEN + 0.4}), wait=0.5) is None
    assert book.look(standing(A, -700_000, arrived={1: TEN + 0.6}), wait=0.5) is None
    assert book.look(standing(A, -700_000, arrived={1: TEN + 0.6, 2: TEN + 1.1}), wait=0.5) is not None


def test_a_position_without_a_price_counts_its_last_one_for_a_while_and_then_blinds_the_day():
    """Fifteen seconds for the loss limit, none for a profit; and it is named."""
    book = Book(DayLimits(600_000, 100))
    book.look(standing(A, 50), standing(B, 40))
    assert book.look(standing(A, 80), standing(B, None), wait=5) is None
    assert book.day == (None, 120)
    book.look(standing(A, 80), standing(B, None), wait=10)
    assert book.day == (None, None)
    assert book.account.blind == (B,)
    assert book.look(standing(A, -9_000_000), standing(B, None), wait=60) is None


def test_the_trailing_limit_is_armed_by_one_amount_and_fires_on_another():
    """Below its activation it is silent; then it follows the highest P&L, and takes a second."""
    book = Book(DayLimits(trailing=DayTrailing(8_000, 3_000)))
    assert book.look(standing(A, 7_999)) is None
    assert book.look(standing(A, 4_000), wait=10) is None
    book.look(standing(A, 9_000), wait=1)
    assert book.look(standing(A, 6_001), wait=10) is None
    assert book.look(standing(A, 6_000), wait=1) is None
    verdict = book.look(standing(A, 5_900), wait=1)
    assert (verdict.rule, verdict.action, verdict.threshold_paise) == (
        "day_trailing", Action.CLOSE_POSITION, 6_000,
    )  # fmt: skip


def test_a_highest_of_the_day_has_to_last_a_second():
    """Two legs half a second apart: what was between two looks of one move is no peak, what stays is."""
    book = Book(DayLimits(trailing=DayTrailing(8_000, 3_000)))
    for pnl in (9_000, 15_000, 12_000, 12_000, 9_500):
        assert book.look(standing(A, pnl), wait=0.5) is None
    assert book.account.day.peak_paise == 12_000
    for pnl in (9_000, 9_000):
        assert book.look(standing(A, pnl), wait=0.5) is None
    assert book.look(standing(A, 9_000), wait=0.5).threshold_paise == 9_000


def test_the_day_is_looked_at_when_a_highest_of_it_has_lasted():
    """Time alone makes it one, and wakes whoever sleeps between prices; then nothing waits."""
    book = Book(DayLimits(trailing=DayTrailing(8_000, 3_000)))
    book.look(standing(A, 7_999))
    assert book.account.due_s == inf
    book.look(standing(A, 9_000), wait=1)
    assert (book.account.due_s, book.account.day.peak_paise) == (book.now_s + 1, None)
    book.look(standing(A, 9_000), wait=1)
    assert (book.account.due_s, book.account.day.peak_paise) == (inf, 9_000)


@pytest.mark.parametrize("blind", [True, False])
def test_a_highest_of_the_day_that_was_not_there_all_the_time_begins_anew(blind):
    """Half way through the second the day cannot be priced, or is below the activation."""
    book = Book(DayLimits(trailing=DayTrailing(8_000, 3_000)))
    for pnl in (9_000, None if blind else 7_999, 9_000, 9_000):
        book.look(standing(A, pnl), wait=0.5)
    assert book.account.day.peak_paise is None
    book.look(standing(A, 9_000), wait=0.5)
    assert book.account.day.peak_paise == 9_000


def test_a_highest_that_waits_is_measured_by_the_rule_of_the_moment():
    """The owner raises the activation, or takes the rule away and back, while one is on its way."""
    low, high = DayTrailing(8_000, 3_000), DayTrailing(9_500, 3_000)
    book = Book(DayLimits(trailing=low))
    book.look(standing(A, 9_000))
    book.limits = DayLimits(trailing=high)
    book.look(standing(A, 9_000), wait=1)
    assert book.account.day.peak_paise is None
    book.limits = DayLimits(trailing=low)
    book.look(standing(A, 9_000))
    book.limits = LOSS
    book.look(standing(A, 9_000), wait=0.5)
    assert book.account.due_s == inf
    book.limits = DayLimits(trailing=low)
    book.look(standing(A, 9_000), wait=0.5)
    assert book.account.day.peak_paise is None


def test_a_highest_of_the_last_beat_of_a_session_is_none_of_the_next():
    """What nobody has looked at over night has not lasted."""
    book = Book(DayLimits(trailing=DayTrailing(8_000, 3_000)))
    book.account.look([standing(A, 9_000, opened_at_s=BEFORE)], BEFORE, YESTERDAY, "2026-01-30")
    book.account.judge(book.limits, 2.0, BEFORE)
    assert book.account.due_s == BEFORE + 1
    book.look(standing(A, 9_000, opened_at_s=BEFORE))
    assert (book.account.day.peak_paise, book.account.due_s) == (None, inf)


def test_a_highest_that_only_a_break_has_made_last_begins_anew():
    """Five seconds without a beat: what came meanwhile nobody has seen; a second later it counts."""
    book = Book(DayLimits(trailing=DayTrailing(8_000, 3_000)))
    peaks = []
    for wait_s in (0.0, 5.0, 0.5, 0.5):
        book.look(standing(A, 9_000), wait=wait_s)
        book.unbroken.beat(book.now_s)
        peaks.append(book.account.day.peak_paise)
    assert peaks == [None, None, None, 9_000]


def test_a_recordings_highest_counts_at_once():
    """All prices of one of its instants belong together."""
    book = Book(DayLimits(trailing=DayTrailing(8_000, 3_000)), lasts_s=0.0)
    book.look(standing(A, 9_000))
    assert (book.account.day.peak_paise, book.account.due_s) == (9_000, inf)


def test_a_limit_that_is_sure_waits_for_a_graver_one_that_is_met():
    """A day that fell from its peak beyond its loss limit: after one second nothing, after two the loss."""
    book = Book(DayLimits(600_000, None, DayTrailing(100, 50)))
    book.look(standing(A, 200))
    assert book.look(standing(A, -600_000), wait=1) is None
    assert book.look(standing(A, -600_000), wait=1) is None
    assert book.look(standing(A, -600_000), wait=1).rule == "day_loss_rupees"


def test_a_new_day_begins_with_nothing_fired():
    """What spoke yesterday may speak again."""
    book = Book(day=Day(date=YESTERDAY, last={A: -700_000}, fired="day_loss_rupees", outcome="acted"))
    book.look(standing(A, -700_000, opened_at_s=BEFORE))
    assert book.day == (0, 0)
    assert not book.account.day.fired


PNL = st.integers(-2_000_000, 2_000_000)
STEPS = st.lists(
    st.tuples(st.sampled_from(["look", "end", "restart"]), st.integers(0, 3), PNL, st.integers(0, 5)),
    max_size=40,
)


@given(STEPS)
def test_the_day_is_plain_arithmetic_and_a_limit_speaks_at_most_once_across_restarts(steps):
    """Positions come, move and are closed, the process restarts: the sum is that of a child's book."""
    book = Book(DayLimits(600_000, 600_000, DayTrailing(300_000, 200_000)))
    pnls: dict[str, int] = {}
    closed, fired = 0, 0
    for what, number, pnl, seconds in steps:
        name = PositionId(f"default/{number}")
        if what == "restart":
            kept = Day.from_json(json.loads(json.dumps(book.account.day.to_json())))
            assert kept == book.account.day
            book.restart(kept)
        elif what == "end" and name in pnls:
            book.account.end(name, pnl)
            closed += pnl
            del pnls[name]
        else:
            pnls[name] = pnl
        fired += book.look(*(standing(*each) for each in pnls.items()), wait=seconds) is not None
        assert book.day == (closed + sum(pnls.values()),) * 2
    assert fired <= 1
