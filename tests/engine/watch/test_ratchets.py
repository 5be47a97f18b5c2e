"""Stories of levels that follow the peak: through ticks, restarts and changes of the legs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.io import tables
from engine.rules.base import Ratchet
from engine.sessions import at
from engine.watch import Memory
from tests.engine.makers import condor, long_call, position, quote
from tests.engine.watch.test_watchlist import AT_ENTRY, Desk

# The condor's basis is ₹3,055: a trail arms at ₹763.75. A rupee on a leg is ₹65.
TRAIL = '[default]\nprofit_target = "off"\ntrailing_stop = true'
TIERS = "lock_profit = [{reach = 1000, keep = 500}, {reach = 2000, keep = 1500}]"
LOCK = f'[default]\nprofit_target = "off"\n{TIERS}'
#: What the version before wrote in the journal.
OLD_MEMORY = {
    "peak_paise": 152750, "trough_paise": -5, "alert_level": 40, "realised_paise": 0, "open_share": [1, 1],
    "warned_s": None,
}  # fmt: skip


def at_profit(desk, rupees):
    """Quote the condor so that its P&L is so many times ₹65."""
    return desk.quote(20, 45 - rupees, 40, 18)


def peak_at(desk, rupees):
    """The same for a second, so that it is a peak."""
    return at_profit(desk, rupees) + desk.wait(1)


def level_of(desk, name="trailing_stop"):
    """The threshold shown for a rule, in paise."""
    return next(t.threshold_paise for t in desk.figures.thresholds if t.rule == name)


def test_a_profit_that_gives_back_three_tenths_is_taken():
    """Peak ₹1,950 (30 × 65), level ₹1,365: at ₹1,365 for a second it goes, at ₹1,430 it stays."""
    desk = Desk(condor(), TRAIL)
    desk.quote(*AT_ENTRY)
    assert level_of(desk) is None
    peak_at(desk, 30)
    assert level_of(desk) == 136500
    at_profit(desk, 22)
    assert desk.wait(5) == []
    at_profit(desk, 21)
    assert desk.wait(0.5) == []
    assert desk.wait(0.5) == [("trailing_stop", 136500)]


def test_the_peak_begins_when_the_trail_is_armed():
    """₹715 is no peak; ₹780 is."""
    desk = Desk(condor(), TRAIL)
    desk.quote(*AT_ENTRY)
    peak_at(desk, 11)
    assert level_of(desk) is None
    peak_at(desk, 12)
    assert level_of(desk) == 54600
    at_profit(desk, 9)
    assert desk.wait(1) == []
    at_profit(desk, 8)
    assert desk.wait(1) == [("trailing_stop", 52000)]


def test_a_fall_through_the_floor_is_left_to_the_stop():
    """From ₹1,950 to a loss in one step: no trailing exit; back above the floor there is one."""
    desk = Desk(condor(), TRAIL)
    desk.quote(*AT_ENTRY)
    peak_at(desk, 30)
    at_profit(desk, 0)
    assert desk.wait(5) == []
    at_profit(desk, 1)
    assert desk.wait(1) == [("trailing_stop", 6500)]


def test_a_wide_market_makes_no_peak_and_fires_no_trail():
    """Only what can be believed counts, on the way up and on the way down."""
    desk = Desk(condor(), TRAIL)
    desk.quote(*AT_ENTRY)
    peak_at(desk, 30)
    desk.watch.tick(quote(desk.held.legs[1].key, 1, 9), desk.now_s)
    assert desk.wait(2) == []
    assert level_of(desk) == 136500
    at_profit(desk, 30)
    desk.watch.tick(quote(desk.held.legs[1].key, 1, 90), desk.now_s)
    assert desk.wait(2) == []


def test_it_speaks_once_until_half_of_what_was_given_back_has_come_again():
    """Alert-only: told at ₹1,365, silent at ₹1,625, told anew after ₹1,690."""
    desk = Desk(condor(), TRAIL)
    desk.quote(*AT_ENTRY)
    peak_at(desk, 30)
    at_profit(desk, 21)
    assert desk.wait(1) == [("trailing_stop", 136500)]
    at_profit(desk, 25)
    at_profit(desk, 21)
    assert desk.wait(1) == []
    at_profit(desk, 26)
    at_profit(desk, 21)
    assert desk.wait(1) == [("trailing_stop", 136500)]


def test_the_level_survives_a_restart():
    """The peak goes through the journal; the new process fires at the old level."""
    desk = Desk(condor(), TRAIL)
    desk.quote(*AT_ENTRY)
    peak_at(desk, 30)
    memory = Memory.from_json(desk.memory.to_json())
    assert memory == desk.memory
    again = Desk(condor(), TRAIL, memory=memory)
    assert level_of(again) == 136500
    again.quote(20, 24, 40, 18)
    assert again.wait(1) == [("trailing_stop", 136500)]


def test_a_memory_of_the_version_before_is_still_read():
    """It knows no peaks of rules: the trail arms anew, everything else is kept."""
    memory = Memory.from_json(OLD_MEMORY)
    assert (memory.peak_paise, memory.alert_level, memory.open_share) == (152750, 40, (1, 1))
    assert (memory.peaks, memory.entry_spot_paise) == ({}, None)
    assert level_of(Desk(condor(), TRAIL, memory=memory)) is None


def test_the_peak_grows_while_an_exit_or_a_question_is_open():
    """Held, nothing is judged, but what was seen was seen."""
    desk = Desk(condor(), TRAIL)
    desk.quote(*AT_ENTRY)
    desk.watch.hold(desk.held.id)
    peak_at(desk, 30)
    assert level_of(desk) == 136500
    at_profit(desk, 10)
    assert desk.wait(5) == []
    desk.watch.release(desk.held.id)
    desk.wait(0)
    assert desk.wait(1) == [("trailing_stop", 65000)]


def test_other_legs_have_no_peak_yet():
    """Half of it was closed elsewhere: the old peak would fire at once, so the trail arms anew."""
    double = position(*(replace(leg, quantity=2 * leg.quantity) for leg in condor().legs))
    desk = Desk(double, TRAIL)
    desk.quote(*AT_ENTRY)
    peak_at(desk, 30)
    desk.watch.put(condor(), desk.memory, desk.now_s)
    assert level_of(desk) is None
    at_profit(desk, 30)
    assert desk.wait(1) == []
    assert level_of(desk) == 136500


def test_after_our_own_partial_exit_a_level_stays_per_combination():
    """Half is gone: a trail in per cent stands at half, one in rupees counts what was realised."""
    rules = TRAIL + "\nlock_profit = [{reach = 1000, keep = 500}]"
    double = position(*(replace(leg, quantity=2 * leg.quantity) for leg in condor().legs))
    desk = Desk(double, rules)
    desk.quote(*AT_ENTRY)
    peak_at(desk, 30)
    assert level_of(desk) == 273000
    half = replace(desk.memory, open_share=(1, 2), realised_paise=195000)
    desk.watch.put(condor(), half, desk.now_s)
    assert (level_of(desk), level_of(desk, "lock_profit")) == (136500, 50000)
    at_profit(desk, 21)
    assert desk.wait(1) == [("trailing_stop", 136500)]


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda legs: legs, 136500),
        (lambda legs: (*(replace(leg, quantity=3 * leg.quantity) for leg in legs),), None),
        (lambda legs: (replace(legs[0], quantity=2 * legs[0].quantity), *legs[1:]), None),
        (lambda legs: (replace(legs[0], entry_price_paise=2500), *legs[1:]), None),
        (lambda legs: legs[:2], None),
        (lambda legs: (*legs, *long_call().legs), None),
    ],
    ids=["our part", "more lots", "another ratio", "another price", "fewer legs", "more legs"],
)
def test_rows_changed_by_hand_after_our_part_end_its_peaks(change, kept):
    """Only what the part has left of the legs goes on with their peak; other legs arm anew."""
    double = position(*(replace(leg, quantity=2 * leg.quantity) for leg in condor().legs))
    desk = Desk(double, TRAIL)
    desk.quote(*AT_ENTRY)
    peak_at(desk, 30)
    half = replace(desk.memory, open_share=(1, 2), realised_paise=195000)
    changed = replace(condor(), legs=change(condor().legs))
    desk.watch.put(changed, half, desk.now_s)
    assert level_of(desk) == kept


def test_a_part_that_ends_one_of_two_rows_keeps_the_peak():
    """Two lots bought at 40 and one at 44, of which a third is sold: whichever row gave it, it goes on."""
    two, one = replace(long_call(), legs=()), long_call().legs[0]
    rows = (replace(one, quantity=130, row_id=1), replace(one, quantity=65, entry_price_paise=4400, row_id=2))
    desk = Desk(replace(two, legs=rows), TRAIL)
    desk.quote(120, 120)
    desk.wait(1)
    level = level_of(desk)
    left = replace(two, legs=rows[:1])
    desk.watch.put(left, replace(desk.memory, open_share=(2, 3), realised_paise=1), desk.now_s)
    assert level_of(desk) == pytest.approx(level * 2 / 3, abs=1)


def test_the_highest_tier_locks():
    """₹1,300 keeps ₹500, ₹2,080 keeps ₹1,500; the lock has no floor."""
    desk = Desk(condor(), LOCK)
    desk.quote(*AT_ENTRY)
    peak_at(desk, 20)
    assert level_of(desk, "lock_profit") == 50000
    peak_at(desk, 32)
    at_profit(desk, 24)
    assert desk.wait(1) == []
    at_profit(desk, -10)
    assert desk.wait(1) == [("lock_profit", -65000)]


def test_a_trail_yields_to_a_stop_and_precedes_a_target():
    """Of what is met at one moment the stop speaks first, then the trail, then the target."""
    desk = Desk(
        long_call(), "[default]\nprofit_target = 0.2\ntrailing_stop = {activate = 0.1, give_back = 0.1}"
    )
    desk.quote(57)
    desk.watch.hold(desk.held.id)
    desk.quote(80)
    desk.wait(1)
    desk.watch.release(desk.held.id)
    desk.quote(75)
    desk.now_s += 1
    (judgement,) = desk.watch.beat(desk.now_s)
    assert (judgement.verdict.rule, judgement.verdict.also) == ("trailing_stop", ("profit_target",))


@given(st.lists(st.integers(-60, 44), min_size=1, max_size=40), st.integers(0, 39))
def test_a_shown_level_never_falls(walk, restart):
    """Through any walk, and through a restart in the middle of it."""
    desk = Desk(condor(), f"{TRAIL}\n{TIERS}")
    desk.quote(*AT_ENTRY)
    last: dict[str, int] = {}
    for number, rupees in enumerate(walk):
        peak_at(desk, rupees)
        if number == restart:
            desk = Desk(condor(), f"{TRAIL}\n{TIERS}", memory=Memory.from_json(desk.memory.to_json()))
        for name in ("trailing_stop", "lock_profit"):
            level = level_of(desk, name)
            assert level is not None or name not in last
            if level is not None:
                assert level >= last.get(name, level)
                last[name] = level


def test_a_ratchet_has_to_say_what_it_is():
    """The base knows no level of its own."""
    bare = Ratchet(arms_paise=1, with_realised=True)
    with pytest.raises(NotImplementedError):
        bare.level(1)
    with pytest.raises(NotImplementedError):
        _ = bare.text


def test_at_the_opening_a_price_from_before_it_is_judged_at_once():
    """Moved before the bell and fresh at it: the first beat of the session sees it."""
    desk = Desk(condor(), now_s=at(date(2026, 2, 3), "15:29"))
    desk.quote(*AT_ENTRY)
    desk.now_s = at(date(2026, 2, 4), "09:14") + 58
    desk.quote(20, 140, 40, 18)
    assert desk.wait(2) == [("loss_alert", -617500)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (LOCK, LOCK.replace("reach = 1000", "reach = 1990")),
        (TRAIL, TRAIL.replace("true", "{activate = 0.8}")),
    ],
)
def test_a_peak_below_where_changed_rules_arm_is_none(before, after):
    """₹1,950 was reached; by the new file that is not enough, at once and after a restart."""
    rule = "lock_profit" if before == LOCK else "trailing_stop"
    desk = Desk(condor(), before)
    desk.quote(*AT_ENTRY)
    peak_at(desk, 30)
    assert level_of(desk, rule) is not None
    memory = desk.memory
    desk.watch.use(tables.rulebook(after))
    desk.watch.put(desk.held, memory, desk.now_s)
    assert level_of(desk, rule) is None
    assert level_of(Desk(condor(), after, memory=memory), rule) is None


def test_other_guards_do_not_begin_the_day_anew():
    """Told at 10:10; a file that only changes the age of quotes has nothing more to say of it."""
    rules = '[default]\nexit_at = "10:10"\n'
    desk = Desk(condor(), rules)
    desk.quote(*AT_ENTRY)
    desk.now_s += 599
    desk.quote(*AT_ENTRY)
    assert [name for name, _ in desk.wait(2)] == ["exit_at"]
    traded = {desk.held.legs[0].key: (-65, -65 * 2000)}
    desk.watch.count(desk.held.id, traded)
    desk.watch.use(tables.rulebook(rules + "max_quote_age_s = 20\n"))
    desk.watch.put(desk.held, desk.memory, desk.now_s)
    assert at_profit(desk, 5) + desk.wait(2) == []
    assert desk.watch._positions[desk.held.id].holding.traded == traded
