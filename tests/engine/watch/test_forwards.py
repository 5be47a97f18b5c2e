"""Stories of the one forward of an underlying and expiry: who tells it, who is not heard, who goes by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from engine.greeks import greeks, implied_vol, years_between
from engine.model import Right
from engine.sessions import at
from engine.watch.family import Forwards
from tests.engine.makers import EXPIRY, SPOT, future, leg, position, quote
from tests.engine.watch.test_family import CALL, STRADDLE, TEN, Room, rules

CONDOR = position(
    leg(65, 24500, "PE", 20),
    leg(-65, 24700, "PE", 45),
    leg(-65, 25300, "CE", 40),
    leg(65, 25500, "CE", 18),
    strategy_id=5,
)
#: Three strikes with call and put; at entry all say that the forward is 25,000.
CHAIN = position(
    leg(-65, 24900, "CE", 220),
    leg(-65, 24900, "PE", 120),
    leg(-65, 25000, "CE", 160),
    leg(-65, 25000, "PE", 160),
    leg(-65, 25100, "CE", 110),
    leg(-65, 25100, "PE", 210),
    strategy="Short Straddle",
    strategy_id=8,
)


def at_entry(room, held):
    """Quote every leg of a position at its entry price."""
    for part in held.legs:
        room.tick(part, part.entry_price_paise / 100)


def forward(room, held):
    """The forward of the first leg's expiry, in rupees."""
    both_paise = room.watch._lines[held.legs[0].key][0].family.forward_both_paise(room.now_s)
    return None if both_paise is None else both_paise / 200


def model(room, held):
    """What the model says of a position now."""
    return room.watch._positions[held.id].scale.ask(Forwards(room.now_s))


def test_one_wrong_price_makes_no_other_one_suspect():
    """Three straddles of three owners; a call that shows 400 more seems nearest the money all at once."""
    straddles = [
        position(leg(-65, strike, "CE", call), leg(-65, strike, "PE", put), strategy_id=strike)
        for strike, call, put in ((24_600, 434, 30), (25_000, 162, 160), (25_400, 30, 426))
    ]
    room = Room(*straddles, CALL)
    for held in straddles:
        at_entry(room, held)
    room.tick(CALL.legs[0], 1000)
    assert forward(room, CALL) == 25_004, "they say 25,004, 25,002 and 25,004"
    room.now_s += 1
    room.tick(straddles[2].legs[0], 426)
    assert room.faults(CALL) == [""]
    assert forward(room, CALL) == 25_004


def test_a_price_at_odds_with_both_neighbours_takes_neither_with_it():
    """The middle call of a ladder shows 350 more: the strikes above and below go on to say what they said."""
    room = Room(CHAIN)
    at_entry(room, CHAIN)
    room.now_s += 1
    room.tick(CHAIN.legs[2], 510)
    assert forward(room, CHAIN) == 25_000


def test_a_price_that_contradicts_its_neighbour_is_no_witness_at_once():
    """The straddle's call jumps by 350 at one instant with a tick of the deep call, which is not to blame."""
    held = position(*STRADDLE.legs, leg(65, 25200, "CE", 90), strategy="Ladder")
    room = Room(held, CALL)
    for part, mid in zip(held.legs, (150, 350, 90), strict=True):
        room.tick(part, mid)
    room.tick(CALL.legs[0], 800)
    room.now_s += 1
    call = held.legs[0]
    room.watch.instant([quote(call.key, 499, 501), quote(CALL.legs[0].key, 799, 801)], room.now_s)
    assert room.faults(held)[0].startswith("further apart than the strikes")
    assert room.faults(CALL) == [""]
    assert forward(room, held) is None


def test_a_condor_without_a_spot_goes_by_the_forward_of_other_positions():
    """Alone nothing is known of it; beside a straddle of its expiry it has a delta, until that is old."""
    room = Room(CONDOR)
    at_entry(room, CONDOR)
    assert model(room, CONDOR).delta is None
    room = Room(CONDOR, STRADDLE)
    for part, mid in zip(STRADDLE.legs, (150, 350), strict=True):
        room.tick(part, mid)
    room.now_s += 9
    at_entry(room, CONDOR)
    assert forward(room, CONDOR) == forward(room, STRADDLE) == 24_800
    beside = model(room, CONDOR)
    assert beside.unit_delta is not None
    assert beside.short_delta > 0.3, "the put at 24,700 is near the money"
    room.now_s += 1.5
    assert model(room, CONDOR).delta is None


def test_positions_under_other_guards_have_the_same_forward():
    """One owner believes only five seconds and narrow books: the contracts are the same all the same."""
    tight = "[strategy.'Long Call']\nmax_quote_age_s = 5\nmax_spread_pct = 5"
    room = Room(STRADDLE, CALL, rules=tight)
    for part, mid in zip(STRADDLE.legs, (150, 350), strict=True):
        room.tick(part, mid)
    room.tick(CALL.legs[0], 820)
    assert forward(room, CALL) == forward(room, STRADDLE) == 24_800
    room.tick(CALL.legs[0], 551)
    assert room.faults(CALL) == ["below intrinsic by ₹249.00"]


def test_a_contract_that_one_of_its_holders_does_not_believe_is_no_witness():
    """Two hold the straddle's call; for one of them its book is too wide, so the spot stands in."""
    other = position(STRADDLE.legs[0], strategy="Long Call", strategy_id=9)
    room = Room(STRADDLE, other, rules="[strategy.'Long Call']\nmax_spread_pct = 5")
    room.spot(24_900)
    call, put = STRADDLE.legs
    room.tick(put, 350)
    room.tick(call, 150, 2)
    assert forward(room, STRADDLE) == 24_800
    room.tick(call, 150, 20)
    assert forward(room, STRADDLE) == 24_900


def test_a_spot_that_stands_still_is_not_the_model_s_forward_either():
    """After the cash close the index shows its last trade again and again: no delta is made of that."""
    room = Room(CONDOR)
    at_entry(room, CONDOR)
    room.spot(25_000, room.now_s)
    assert model(room, CONDOR).delta is not None
    closed_s = room.now_s
    room.now_s += 70
    room.spot(25_000, closed_s)
    at_entry(room, CONDOR)
    assert model(room, CONDOR).delta is None


def test_each_expiry_of_a_calendar_has_its_own_forward():
    """March's straddle says 150 more than February's; the calendar's legs go each by theirs."""
    march = date(2026, 3, 30)
    later = position(leg(-65, 25000, "CE", 400, march), leg(-65, 25000, "PE", 250, march), strategy_id=11)
    held = position(
        leg(-65, 25000, "CE", 160), leg(65, 25000, "CE", 400, march), strategy="Calendar", strategy_id=12
    )
    room = Room(CHAIN, later, held)
    at_entry(room, CHAIN)
    at_entry(room, later)
    assert (forward(room, CHAIN), forward(room, later)) == (25_000, 25_150)
    found = model(room, held)
    near, far = (
        greeks(
            forward_, 25_000.0, years, implied_vol(mark, forward_, 25_000.0, years, Right.CALL), Right.CALL
        )
        for forward_, mark, years in (
            (25_000.0, 160.0, years_between(TEN, at(EXPIRY, "15:30"))),
            (25_150.0, 400.0, years_between(TEN, at(march, "15:30"))),
        )
    )
    assert found.unit_delta == pytest.approx(far.delta - near.delta, abs=1e-9)
    assert found.theta_paise == pytest.approx(6500 * (far.theta - near.theta), abs=1e-6)


def test_a_future_that_is_held_tells_the_forward():
    """A condor hedged with a future needs no spot; the future's own price is what it says."""
    hedge = future(65, 25_040)
    hedge = replace(hedge, instrument=replace(hedge.instrument, underlying=SPOT))
    room = Room(CONDOR, position(hedge, strategy="Future", strategy_id=13))
    at_entry(room, CONDOR)
    room.tick(hedge, 25_040, 2)
    assert forward(room, CONDOR) == 25_040
    assert model(room, CONDOR).delta is not None
    assert room.watch._lines[hedge.key][0].family.calm
    room.tick(hedge, 25_400, 2)
    assert forward(room, CONDOR) == 25_400


def test_a_forward_that_others_move_is_news_to_the_model():
    """No price of the condor and no spot comes, but the straddle's: its delta stop speaks within a second."""
    rules_text = "[strategy.'Iron Condor']\nstop_leg_delta = 0.4\nstop_loss = 'off'\nconfirm_s = 0"
    room = Room(CONDOR, STRADDLE, rules=rules_text)
    for part, mid in zip(STRADDLE.legs, (250, 250), strict=True):
        room.tick(part, mid)
    at_entry(room, CONDOR)
    assert room.wait(1) == []
    for part, mid in zip(STRADDLE.legs, (150, 450), strict=True):
        room.tick(part, mid)
    assert "stop_leg_delta" in room.wait(1)


def test_a_future_far_from_the_spot_bounds_the_boxes_too():
    """At 25,600 by the future a call of 24,000 has to cost 1,344; the index, at 25,000, would let it pass."""
    hedge = future(65, 25_600)
    hedge = replace(hedge, instrument=replace(hedge.instrument, underlying=SPOT))
    room = Room(CALL, position(hedge, strategy="Future", strategy_id=13))
    room.spot(25_000)
    room.tick(hedge, 25_600, 2)
    room.tick(CALL.legs[0], 1400)
    assert room.faults(CALL) == [""]
    room.tick(CALL.legs[0], 1300)
    assert room.faults(CALL) == ["below intrinsic by ₹300.00"]


def test_a_forward_of_years_ahead_may_be_far_from_the_spot():
    """Five years on, a third above the index is interest; next month it is a mistake."""
    for expiry, told in ((date(2031, 1, 28), 33_000), (EXPIRY, 25_000)):
        held = position(
            leg(-65, 30_000, "CE", 3_500, expiry), leg(-65, 30_000, "PE", 500, expiry), strategy_id=14
        )
        room = Room(held)
        at_entry(room, held)
        room.spot(25_000)
        assert forward(room, held) == told


def test_the_strictest_owner_says_how_old_a_spot_may_be():
    """One of two wants prices of five seconds; both have the same answer, which is none after six."""
    room = Room(CALL, CONDOR, rules="[strategy.'Long Call']\nmax_quote_age_s = 5")
    room.spot(25_000)
    assert forward(room, CONDOR) == forward(room, CALL) == 25_000
    room.now_s += 6
    assert forward(room, CONDOR) is None


def test_time_value_runs_to_the_end_of_the_closing_auction():
    """At three on an expiry day of August 2026 thirty-five minutes are left, and theta is that of those."""
    august = date(2026, 8, 18)
    held = position(leg(-65, 25_000, "CE", 30, august), leg(-65, 25_000, "PE", 30, august), strategy_id=15)
    room = Room(held)
    room.now_s = at(august, "15:00")
    at_entry(room, held)
    years = years_between(room.now_s, at(august, "15:35"))
    vol = implied_vol(30.0, 25_000.0, 25_000.0, years, Right.CALL)
    theta = greeks(25_000.0, 25_000.0, years, vol, Right.CALL).theta
    assert model(room, held).theta_paise == pytest.approx(-2 * 6500 * theta)


def test_an_instant_of_others_contracts_is_news_to_the_model_too():
    """A recording in which only the straddle's rows change: the condor's delta stop speaks all the same."""
    room = Room(CONDOR, STRADDLE, rules="[strategy.'Iron Condor']\nstop_leg_delta = 0.4\nconfirm_s = 0")
    rows = [
        quote(part.key, part.entry_price_paise / 100, part.entry_price_paise / 100) for part in CONDOR.legs
    ]
    call, put = STRADDLE.legs
    said = rules(room.watch.instant([*rows, quote(call.key, 250, 250), quote(put.key, 250, 250)], room.now_s))
    assert "stop_leg_delta" not in said
    room.now_s += 5
    said = rules(room.watch.instant([quote(call.key, 150, 150), quote(put.key, 450, 450)], room.now_s))
    assert "stop_leg_delta" in said
