"""Peaks that wait to have lasted when something else comes first: a price before a beat, or the close."""

from __future__ import annotations

from datetime import date

import pytest

from engine.io import tables
from engine.messages import Tick
from engine.sessions import at
from engine.watch import Memory, Watchlist
from tests.engine.makers import leg, position
from tests.engine.watch.test_band import CALENDAR, Naive

TRAILING = tables.rulebook(
    """
    [default]
    profit_target = "off"
    stop_loss = -0.9
    trailing_stop = {activate = 0.25, give_back = 0.30, floor = 0.0}
    """
)
LOCKING = tables.rulebook(
    """
    [default]
    profit_target = "off"
    stop_loss = -0.9
    lock_profit = [{reach = 650, keep = 325}]
    """
)
CALL = position(leg(65, 25300, "CE", 40), strategy="Long Call", strategy_id=10)
SPREAD = position(
    leg(65, 25300, "CE", 40), leg(-65, 25500, "CE", 18), strategy="Bull Call Spread", strategy_id=11
)
OPEN_S, CLOSE_S = at(date(2026, 2, 4), "09:15"), at(date(2026, 2, 3), "15:30")

both_kinds = pytest.mark.parametrize("kind", [Naive, Watchlist])


class House:
    """A watchlist with one position, and what it says."""

    def __init__(self, kind, rules, held, now_s):
        self.watch, self.held, self.now_s, self.said = kind(CALENDAR, rules), held, now_s, []
        self.watch.put(held, Memory(), now_s)

    def tick(self, rupees, n=0):
        paise = round(rupees * 100)
        tick = Tick(self.held.legs[n].key, paise, bid_paise=paise - 5, ask_paise=paise + 5)
        self.said += [one.verdict.rule for one in self.watch.tick(tick, self.now_s)]

    def quote(self, rupees):
        """All legs; the second, if there is one, as it was."""
        self.tick(rupees)
        if len(self.held.legs) > 1:
            self.tick(18, 1)

    def beat(self, after_s=0.5):
        self.now_s += after_s
        self.said += [one.verdict.rule for one in self.watch.beat(self.now_s)]

    def at(self, now_s):
        self.now_s = now_s
        return self

    @property
    def memory(self):
        return self.watch.memory(self.held.id)


def a_peak_between_beats(kind, rules, peak, back):
    """Quoted at 40; at the peak for 1.01 s, when a price comes before the next beat; rupees."""
    house = House(kind, rules, CALL, at(date(2026, 2, 3), "11:00"))
    house.tick(40)
    for _ in range(4):
        house.beat()
    house.tick(peak)
    house.beat()
    house.beat(0.49)
    house.at(house.now_s + 0.02).tick(back)
    return house


@both_kinds
def test_a_trailing_stop_that_rises_at_a_price_below_its_new_level_exits_by_it(kind):
    """54 has lasted when 49.50 comes, before a beat has: the stop of the new peak is 49.80."""
    house = a_peak_between_beats(kind, TRAILING, 54, 49.5)
    for _ in range(10):
        house.at(house.now_s + 0.25).tick(49.5)
        house.beat(0.25)
    assert "trailing_stop" in house.said


@both_kinds
def test_a_profit_reached_until_a_price_came_before_the_beat_is_locked(kind):
    """Ten rupees a unit were there for a second; it falls slowly below the five to be kept."""
    house = a_peak_between_beats(kind, LOCKING, 50.2, 49.9)
    for n in range(60):
        house.at(house.now_s + 0.25).tick(49.9 - n / 10)
        house.beat(0.25)
    assert "lock_profit" in house.said


def overnight(kind, held, last, after, before, morning):
    """At 40 until the last third of a second before the close, which is at another price.

    Args:
        kind: of watchlist.
        held: the position.
        last: the last price of the session, in rupees.
        after: the price just after the close; None = none comes.
        before: whether the morning's price comes before the session opens as well.
        morning: that price.
    """
    house = House(kind, TRAILING, held, CLOSE_S - 10)
    while house.now_s < CLOSE_S - 1:
        house.quote(40)
        house.beat()
    house.at(CLOSE_S - 0.3).tick(last)
    if after is not None:
        house.at(CLOSE_S + 0.1).tick(after)
    house.at(CLOSE_S + 0.2)
    for _ in range(20):
        house.beat()
    if before:
        house.at(OPEN_S - 1).quote(morning)
    house.at(OPEN_S + 0.05).tick(morning)
    return house


@both_kinds
@pytest.mark.parametrize(("held", "before"), [(CALL, False), (CALL, True), (SPREAD, True), (SPREAD, False)])
@pytest.mark.parametrize("after", [None, 40])
def test_what_the_close_has_cut_short_is_no_peak_next_morning(kind, held, before, after):
    """43 was there for a third of a second of a session; nobody has seen it last."""
    house = overnight(kind, held, 43, after, before, 40.5)
    for _ in range(10):
        house.beat(0.25)
        house.quote(40.5)
    assert house.memory.peak_paise <= 50 * 65


@both_kinds
@pytest.mark.parametrize("morning", [42.0, 49.5])
def test_what_the_close_has_cut_short_raises_no_ratchet(kind, morning):
    """Nor does one exit in the morning by what would have been its level."""
    house = overnight(kind, CALL, 54, None, before=False, morning=morning)
    for _ in range(10):
        house.beat(0.25)
        house.tick(morning)
    assert house.memory.peaks == {}
    assert house.said == []


def stalled(kind, rules, peak, stall_s, after, *, tick_first):
    """At 40; at the peak for a fifth of a second when the loop stands still, and the price comes back unread.

    Args:
        kind: of watchlist.
        rules: what guards it.
        peak: the price that was there when the loop stood still, in rupees.
        stall_s: for so long.
        after: the price that the socket has held since then.
        tick_first: it is read before the first beat, not after it.
    """
    house = House(kind, rules, CALL, at(date(2026, 2, 3), "11:00"))
    house.tick(40)
    for _ in range(4):
        house.beat()
    house.tick(peak)
    house.at(house.now_s + 0.2 + stall_s)
    if tick_first:
        house.tick(after)
        house.beat(0.0)
    else:
        house.beat(0.0)
        house.at(house.now_s + 0.001).tick(after)
    return house


@both_kinds
@pytest.mark.parametrize("tick_first", [False, True])
@pytest.mark.parametrize("stall_s", [1, 3, 9])
def test_a_peak_is_none_that_only_a_loop_which_stood_still_has_made_last(kind, stall_s, tick_first):
    """54 was there for a fifth of a second; what the socket holds tells that it did not stay."""
    house = stalled(kind, TRAILING, 54, stall_s, 42, tick_first=tick_first)
    for _ in range(10):
        house.beat(0.25)
        house.tick(42)
    assert house.memory.peaks == {}
    assert house.memory.peak_paise <= 2 * 65 * 100
    assert house.said == []


@both_kinds
@pytest.mark.parametrize("tick_first", [False, True])
def test_a_peak_that_is_still_there_after_a_break_counts_a_second_later(kind, tick_first):
    """The wait begins anew when everything is read again; nothing is lost but that second."""
    house = stalled(kind, TRAILING, 54, 5, 54, tick_first=tick_first)
    seen = []
    for _ in range(6):
        house.beat(0.25)
        house.tick(54)
        seen.append(bool(house.memory.peaks))
    assert seen == [False, False, False, True, True, True]


@both_kinds
@pytest.mark.parametrize("tick_first", [False, True])
def test_a_break_takes_nothing_from_a_peak_that_has_counted(kind, tick_first):
    """54 has lasted before the loop stood still: its stop of 49.80 holds at the first price after that."""
    house = House(kind, TRAILING, CALL, at(date(2026, 2, 3), "11:00"))
    for price in (40, 54):
        house.tick(price)
        for _ in range(4):
            house.beat()
    before = house.memory.peaks
    house.at(house.now_s + 6)
    if tick_first:
        house.tick(49.5)
    for _ in range(10):
        house.beat(0.25)
        house.tick(49.5)
    assert house.memory.peaks == before != {}
    assert house.said == ["trailing_stop"]


@both_kinds
@pytest.mark.parametrize("paces", [(0.85,), (1.2,), (0.5, 0.85)])
def test_on_a_machine_that_is_always_slow_a_trailing_stop_rises_all_the_same(kind, paces):
    """One break lets all begin anew; where each beat is late, each break would, and no peak ever count."""
    house = House(kind, TRAILING, CALL, at(date(2026, 2, 3), "11:00"))
    house.tick(40)
    for price in (60, 48):
        for beat in range(60):
            house.tick(price)
            house.beat(paces[beat % len(paces)])
    assert "trailing_stop" in house.said
