"""Stories of suspect prices: which one is not believed, what goes by what, and when it ends."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import pytest

from engine.io import tables
from engine.messages import Tick
from engine.sessions import at
from engine.watch import Memory, Watchlist
from engine.watch.lines import Lines
from tests.engine.makers import SPOT, leg, position, quote, traded
from tests.engine.watch.test_band import CALENDAR, KEYS, POSITIONS, RULES, USUAL

TEN = at(date(2026, 2, 3), "10:00")
#: 200 apart, so their prices may contradict each other by ₹10.
VERTICAL = position(leg(65, 24800, "CE", 300), leg(-65, 25000, "CE", 170), strategy="Bull Call Spread")
CALL = position(leg(65, 24000, "CE", 1000), strategy="Long Call", strategy_id=7)
STRADDLE = position(leg(-65, 25000, "CE", 150), leg(-65, 25000, "PE", 350), strategy="Short Straddle")


class Room:
    """Positions under watch from ten o'clock on; prices in rupees."""

    def __init__(self, *held, rules=""):
        self.watch = Watchlist(tables.calendar(), tables.rulebook(rules))
        self.now_s = TEN
        for one in held:
            self.watch.put(one, Memory(), TEN)

    def tick(self, part, mid, spread=0.1):
        """One leg's quote; what is said to it, as rules."""
        return rules(self.watch.tick(quote(part.key, mid - spread / 2, mid + spread / 2), self.now_s))

    def spot(self, price, ltt_s=0):
        """The underlying's price."""
        return rules(self.watch.tick(Tick(SPOT, round(price * 100), ltt_s=int(ltt_s)), self.now_s))

    def wait(self, seconds):
        """Let time pass, and strike the clock."""
        self.now_s += seconds
        return rules(self.watch.beat(self.now_s))

    def faults(self, held):
        """Each leg's fault."""
        return [marks.fault for _, marks in self.watch._positions[held.id].holding.legs]

    def pnl(self, held):
        """P&L in rupees, or nothing."""
        paise = self.watch.figures(held.id, self.now_s).pnl_paise
        return None if paise is None else paise / 100


def rules(said):
    """The names of the rules that speak."""
    return [judgement.verdict.rule for judgement in said]


def test_of_two_neighbours_the_one_that_changed_last_is_suspect():
    """The lower call cannot be 80 cheaper than the higher one; it was the one that moved."""
    room = Room(VERTICAL)
    low, high = VERTICAL.legs
    room.tick(low, 300)
    room.tick(high, 170)
    room.now_s += 1
    room.tick(low, 90)
    assert room.faults(VERTICAL) == [
        f"cheaper than the higher strike by ₹80.00, beside {high.instrument.display}",
        "",
    ]
    assert room.pnl(VERTICAL) is None
    room.tick(high, 171)
    assert room.faults(VERTICAL)[1] == "", "the same one stays suspect until the two agree"
    room.tick(low, 301)
    assert room.faults(VERTICAL) == ["", ""]
    assert room.pnl(VERTICAL) == 0


def test_in_place_of_a_suspect_quote_the_last_believable_mid_is_fair_while_it_is_young():
    """170 beside 300; then 90 for the lower call: 300 is fair for ten seconds, then what 25,100 allows."""
    room = Room(VERTICAL)
    low, high = VERTICAL.legs
    room.tick(low, 300)
    room.tick(high, 170)
    assert room.watch.fair_paise(low.key) is None
    room.now_s += 10
    room.tick(low, 90)
    assert (room.watch.fair_paise(low.key), room.watch.fair_paise(high.key)) == (30_000, None)
    room.now_s += 1
    room.tick(high, 170)
    room.tick(low, 40)
    assert room.watch.fair_paise(low.key) is None  # nothing is known of the underlying
    room.spot(25_100)
    room.tick(low, 40)
    assert room.watch.fair_paise(low.key) == 30_000 - 25_100  # intrinsic less one per cent of the underlying
    room.spot(23_000)
    room.tick(low, 90)
    assert room.watch.fair_paise(low.key) == 9_000  # within what is allowed it is its own


def test_neighbours_that_move_together_are_believed_once_both_have_moved():
    """A fast market: the first leg alone looks impossible, the second one explains it."""
    room = Room(VERTICAL)
    low, high = VERTICAL.legs
    room.tick(low, 300)
    room.tick(high, 170)
    room.now_s += 1
    room.tick(low, 500)
    assert room.faults(VERTICAL)[0].startswith("further apart than the strikes by ₹130.00")
    assert "loss_alert" not in room.tick(high, 340)
    assert room.faults(VERTICAL) == ["", ""]
    assert room.pnl(VERTICAL) == (500 - 300 - 340 + 170) * 65


def test_neighbours_that_drift_apart_step_by_step_are_found_out():
    """Neither step is large; together they are 215 apart, with 200 between the strikes."""
    room = Room(VERTICAL)
    low, high = VERTICAL.legs
    room.tick(low, 300)
    room.tick(high, 170)
    room.now_s += 1
    room.tick(low, 360)
    assert room.faults(VERTICAL) == ["", ""]
    room.now_s += 1
    room.tick(high, 145)
    assert room.faults(VERTICAL)[1].startswith("further apart than the strikes by ₹15.00")


def test_a_suspect_price_is_no_peak_no_trough_and_fires_nothing():
    """Ten seconds of an impossible price, ticking along: the position remembers nothing of it."""
    room = Room(VERTICAL, rules="[default]\nprofit_target = 0.2\nstop_loss_rupees = 2000")
    low, high = VERTICAL.legs
    room.tick(low, 300)
    room.tick(high, 170)
    said = []
    for mid in (600, 90, 601, 91, 602, 92, 600, 90):
        said += room.wait(1) + room.tick(low, mid)
    assert said == []
    memory = room.watch.memory(VERTICAL.id)
    assert (memory.peak_paise, memory.trough_paise) == (0, 0)
    line = room.watch._lines[low.key][0]
    assert (line.marks.suspects, room.watch.book.suspects) == (8, 8)


def test_a_stop_goes_on_by_the_price_before_while_that_is_young():
    """One leg flickers between true and impossible; the other one's loss is confirmed all the same."""
    room = Room(VERTICAL, rules="[default]\nstop_loss_rupees = 2000\nstop_loss = 'off'")
    low, high = VERTICAL.legs
    room.tick(low, 300)
    room.tick(high, 170)
    room.tick(high, 201)
    said = []
    for mid in (90, 300, 90, 300, 90):
        said += room.tick(low, mid) + room.wait(0.5)
    assert said == ["stop_loss_rupees"]


@pytest.mark.parametrize(("mid", "spread"), [(80, 0.1), (165, 120)], ids=["suspect", "wide"])
def test_a_deep_loss_is_not_confirmed_by_a_price_nobody_goes_by(mid, spread):
    """Two prices of the leg that moved make a deep loss sure; the second one has to be believed."""
    room = Room(VERTICAL, rules="[default]\nstop_loss_rupees = 2000\nstop_loss = 'off'")
    low, high = VERTICAL.legs
    room.tick(low, 300)
    room.tick(high, 170)
    assert room.tick(low, 230) == ["loss_alert"]
    assert room.tick(low, mid, spread) == []
    assert room.tick(low, 230) == ["stop_loss_rupees"]


def test_a_leg_that_stays_suspect_is_told_like_one_without_a_price():
    """After ten seconds no stop has a price to go by; a minute later the owner knows why."""
    room = Room(VERTICAL)
    low, high = VERTICAL.legs
    room.tick(low, 300)
    room.tick(high, 170)
    said = []
    for _ in range(80):
        room.wait(0)
        room.tick(high, 170)
        room.tick(low, 90)
        room.now_s += 1
        said += room.watch.beat(room.now_s)
    (told,) = said
    assert told.verdict.rule == "unpriced"
    assert "24800 CE (cheaper than the higher strike by ₹80.00" in told.verdict.reason


def test_the_one_below_intrinsic_value_is_the_suspect_one_of_two():
    """Both come at one instant; the spot tells which of them is wrong."""
    room = Room(VERTICAL)
    low, high = VERTICAL.legs
    for order in permutations(
        [quote(low.key, 19.95, 20.05), quote(high.key, 169.95, 170.05), traded(SPOT, 25100)]
    ):
        room.now_s += 1
        room.watch.instant(order, room.now_s)
        assert room.faults(VERTICAL) == ["below intrinsic by ₹280.00", ""]


def test_of_one_instant_the_price_that_went_further_is_suspect():
    """Nothing but their last believable marks tells two rows of one snapshot apart."""
    room = Room(VERTICAL)
    low, high = VERTICAL.legs
    room.watch.instant([quote(low.key, 299, 301), quote(high.key, 169, 171)], TEN)
    for order in permutations([quote(low.key, 295, 297), quote(high.key, 499, 501)]):
        room.now_s += 1
        room.watch.instant(order, room.now_s)
        assert [bool(fault) for fault in room.faults(VERTICAL)] == [False, True]


def test_a_price_below_intrinsic_value_is_believed_again_when_the_spot_comes_down():
    """A call of 24,000 at 700 with the index at 25,000; at 24,900 it may be 249 below, and is 200."""
    room = Room(CALL)
    (call,) = CALL.legs
    room.spot(25000)
    room.tick(call, 700)
    assert room.faults(CALL) == ["below intrinsic by ₹300.00"]
    assert room.pnl(CALL) is None
    room.spot(24900)
    assert room.faults(CALL) == ["below intrinsic by ₹200.00"] or room.faults(CALL) == [""]
    assert room.pnl(CALL) == -300 * 65


def test_a_standing_price_becomes_suspect_when_the_spot_leaves_it_behind():
    """1,000 was fair at 25,000; at 25,400 nobody sells that call 400 below its value."""
    room = Room(CALL)
    (call,) = CALL.legs
    room.spot(25000)
    room.tick(call, 1000)
    assert room.faults(CALL) == [""]
    room.spot(25400)
    assert room.faults(CALL) == ["below intrinsic by ₹400.00"]


@pytest.mark.parametrize("silent", ["no packets", "the last trade again"])
def test_a_spot_that_stands_still_makes_nothing_suspect(silent):
    """After the cash close the options trade on: the spot counts while it is young, then nothing."""
    room = Room(CALL)
    (call,) = CALL.legs
    closed_s = room.now_s
    room.spot(25000, closed_s)
    for _ in range(70):
        room.now_s += 1
        if silent == "the last trade again":
            room.spot(25000, closed_s)
        room.tick(call, 700)
    assert room.faults(CALL) == [""]


def test_time_alone_lets_a_spot_grow_old():
    """The beat finds it; no tick of the option is needed while that is young itself."""
    room = Room(CALL)
    (call,) = CALL.legs
    room.spot(25000)
    room.now_s += 9
    room.tick(call, 700)
    assert room.faults(CALL) == ["below intrinsic by ₹300.00"]
    room.wait(1.5)
    assert room.faults(CALL) == [""]


def test_the_forward_is_asked_before_the_spot():
    """The straddle says 24,800; the index, 300 higher, would make the call look 300 too cheap."""
    room = Room(STRADDLE, CALL)
    for part, mid in zip(STRADDLE.legs, (150, 350), strict=True):
        room.tick(part, mid)
    room.spot(25100)
    room.tick(CALL.legs[0], 800)
    assert room.faults(CALL) == [""]
    room.tick(CALL.legs[0], 552)
    assert room.faults(CALL) == [""], "one per cent of 24,800 below 800"
    room.tick(CALL.legs[0], 551.95)
    assert room.faults(CALL) == ["below intrinsic by ₹248.05"]


def test_a_forward_that_moves_by_its_own_contracts_leaves_a_price_behind():
    """No spot, no tick of the call: the straddle's call rises by 75, and 620 is 255 below 875."""
    room = Room(STRADDLE, CALL)
    for part, mid in zip(STRADDLE.legs, (150, 350), strict=True):
        room.tick(part, mid)
    room.tick(CALL.legs[0], 620)
    assert room.watch._lines[CALL.legs[0].key][0].family.calm
    room.tick(STRADDLE.legs[0], 225)
    assert room.faults(CALL) == ["below intrinsic by ₹255.00"]


def test_everyday_ticks_of_a_calm_family_are_not_looked_at_closely(monkeypatch):
    """The box is why suspicion costs two comparisons: small moves do not settle anything."""
    room = Room(VERTICAL, CALL)
    low, high = VERTICAL.legs
    room.spot(25000)
    for part, mid in ((low, 300), (high, 170), (CALL.legs[0], 1005)):
        room.tick(part, mid)
    family = room.watch._lines[low.key][0].family
    assert family.calm
    looks = []

    def settle(family, now_s):
        looks.append(family)
        return []

    monkeypatch.setattr(room.watch._held, "settle", settle)
    for n in range(40):
        room.tick(low, 300 + n % 7)
        room.tick(high, 170 - n % 5)
        room.tick(CALL.legs[0], 1005 + n)
        room.spot(25000 + n)
    assert looks == []


def test_what_is_suspect_is_looked_at_again_however_much_else_is_due(monkeypatch):
    """More is due at each stroke than one beat does; what time alone lifts must not wait for calmer days."""
    watch, settled = Watchlist(CALENDAR, RULES), []
    for held in POSITIONS:
        watch.put(held, Memory(), TEN)
    for key in KEYS:
        watch.tick(Tick(key, USUAL[key], bid_paise=USUAL[key] - 5, ask_paise=USUAL[key] + 5), TEN)
    watch.tick(Tick(KEYS[0], 100, bid_paise=200, ask_paise=100), TEN)
    settle = Lines.settle

    def noted(lines, family, now_s):
        settled.append(now_s)
        return settle(lines, family, now_s)

    monkeypatch.setattr(Lines, "settle", noted)
    beats = [TEN + number / 2 for number in range(1, 41)]
    for now_s in beats:
        for held in POSITIONS:
            watch.release(held.id)
        watch.beat(now_s, 1)
        assert watch.unfinished
    assert len(set(settled)) > len(beats) / 4
