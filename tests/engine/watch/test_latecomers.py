"""First quotes in a calm family: taken alone where that changes nothing, and never otherwise than in full."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.io import tables
from engine.messages import Tick
from engine.sessions import at
from engine.watch import Memory, Watchlist
from engine.watch.family import Family
from tests.engine.makers import SPOT, leg, position, quote

TEN = at(date(2026, 2, 3), "10:00")
STRIKES = tuple(range(24_400, 25_700, 200))
FORWARD = 25_000
#: Every strike's call and put, as vertical spreads that lie side by side.
SPREADS = [
    position(
        leg(-65, low, right, 100),
        leg(65, low + 200, right, 50),
        strategy_id=number,
        strategy="Strict" if number == 6 else "Spread",
    )
    for number, (low, right) in enumerate(((k, r) for k in STRIKES[:-1] for r in ("CE", "PE")), start=1)
]
PARTS = list({part.key: part for held in SPREADS for part in held.legs}.values())
#: A tighter guard for one of the positions: its contracts have two lines.
STRICT = '[strategy."Strict"]\nmax_quote_age_s = 5\n'


def fair(part):
    """A price in rupees that contradicts nobody's."""
    strike = part.instrument.strike_paise / 100
    apart = FORWARD - strike if part.instrument.right == "CE" else strike - FORWARD
    return max(apart, 0) + 400 * 0.999 ** abs(apart)


class InFull(Watchlist):
    """Settles the family at every quote that is not in a box."""

    def tick(self, tick, now_s):
        """No family is calm when a tick comes."""
        for family in self._held.families:
            family.shut()
        return super().tick(tick, now_s)


def watched(kind):
    """All spreads under watch."""
    watch = kind(tables.calendar(), tables.rulebook(STRICT))
    for held in SPREADS:
        watch.put(held, Memory(), TEN)
    return watch


def believed(watch):
    """What is believed of every line."""
    return [
        (m.fault, m.book, m.marked, m.long_paise, m.short_paise, m.suspects)
        for lines in watch._lines.values()
        for m in (line.marks for line in lines)
    ]


@settings(deadline=None, max_examples=150)
@given(
    first=st.lists(st.sampled_from(range(len(PARTS) + 1)), unique=True, max_size=len(PARTS)),
    later=st.lists(
        st.tuples(
            st.sampled_from(range(len(PARTS) + 1)),
            st.sampled_from((0.0, 0.0, 0.1, -3.0, 15.0, -60.0, 130.0, -400.0)),
            st.sampled_from((0.1, 0.1, 0.1, 40.0)),
            st.sampled_from((0.0, 0.1, 0.1, 7.0, 20.0)),
        ),
        min_size=3,
        max_size=12,
    ),
)
def test_a_quote_that_is_taken_alone_is_believed_as_if_all_had_been_looked_at(first, later):
    """Some are quoted well, then any are, good and odd, wide and old: the same marks, faults and words."""
    quick, full = watched(Watchlist), watched(InFull)
    now_s = TEN
    for index, off, spread, wait_s in [*((index, 0.0, 0.1, 0.0) for index in first), *later]:
        now_s += wait_s
        if index == len(PARTS):
            tick = Tick(SPOT, round((FORWARD + off) * 100))
        else:
            mid = max(fair(PARTS[index]) + off, 0.2)
            tick = quote(PARTS[index].key, max(mid - spread / 2, 0.05), mid + spread / 2)
        said = [sorted(watch.tick(tick, now_s), key=repr) for watch in (quick, full)]
        assert said[0] == said[1]
        assert believed(quick) == believed(full)
    said = [sorted(watch.beat(now_s + 1), key=repr) for watch in (quick, full)]
    assert said[0] == said[1]
    assert believed(quick) == believed(full)


def test_most_first_quotes_of_a_calm_market_look_at_nobody_else(monkeypatch):
    """Every contract, each quoted once: the family is looked at in full only while levels are new."""
    watch, looks, settle = watched(Watchlist), [], Family.settle

    def counted(family, now_s):
        looks.append(now_s)
        return settle(family, now_s)

    monkeypatch.setattr(Family, "settle", counted)
    watch.tick(Tick(SPOT, FORWARD * 100), TEN)
    for number, part in enumerate(PARTS):
        mid = fair(part)
        watch.tick(quote(part.key, mid - 0.05, mid + 0.05), TEN + number / 100)
    assert all(marked for _, _, marked, *_ in believed(watch))
    assert len(looks) < len(PARTS) / 3


def beside_a_call(*quotes):
    """What is wrong with a call at 24,000 that was quoted at 620 beside two straddles, quoted in turn."""
    held = [
        position(leg(-65, strike, "CE", 150), leg(-65, strike, "PE", 350), strategy_id=strike)
        for strike in (25_000, 24_800)
    ]
    call = position(leg(65, 24_000, "CE", 1000), strategy_id=7)
    watch = Watchlist(tables.calendar(), tables.rulebook())
    for one in (*held, call):
        watch.put(one, Memory(), TEN)
    parts = {
        (part.instrument.strike_paise // 100, str(part.instrument.right)): part
        for one in held
        for part in one.legs
    }
    parts[24_000, "CE"] = call.legs[0]
    for strike, right, mid in quotes:
        watch.tick(quote(parts[strike, right].key, mid - 0.05, mid + 0.05), TEN)
    return watch._lines[call.legs[0].key][0].marks.fault


def test_a_first_quote_that_moves_the_forward_is_not_taken_alone():
    """No spot: 24,800 is the forward until a nearer pair says 25,075; then 620 is 455 below 1,075."""
    calm = (25_000, "CE", 150), (25_000, "PE", 350), (24_000, "CE", 620), (24_800, "CE", 400)
    assert not beside_a_call(*calm)
    assert beside_a_call(*calm, (24_800, "PE", 225)) == "below intrinsic by ₹355.00"


def test_one_that_was_taken_alone_tells_the_forward_from_then_on():
    """Its second quote moves the forward from 24,750 to 24,998, and 620 is 378 below 998."""
    calm = (25_000, "CE", 50), (25_000, "PE", 300), (24_000, "CE", 620), (24_800, "CE", 200)
    taken_alone = (24_800, "PE", 250)
    assert not beside_a_call(*calm, taken_alone)
    assert beside_a_call(*calm, taken_alone, (24_800, "PE", 2)) == "below intrinsic by ₹378.00"
