"""The short way through the band says exactly what judging everything at every tick says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.guards import ReplayGuard
from engine.io import tables
from engine.messages import Tick
from engine.payoff import entry_price
from engine.rules.base import Rank
from engine.sessions import at
from engine.watch import Memory, Watchlist
from engine.watch.family import Forwards
from engine.watch.sightings import near, sight
from tests.engine.makers import SPOT, future, leg, position, strokes

CALENDAR = tables.calendar()
RULES = tables.rulebook(
    """
    [default]
    stop_loss_rupees = 60
    [strategy."Short Strangle"]
    stop_loss_rupees = "off"
    max_spread_pct = 40
    [strategy."Bull Call Spread"]
    valuation = "liquidation"
    profit_target = 0.2
    confirm_s = 0
    [strategy."Stock Put"]
    stop_loss = -0.2
    [strategy."Follower"]
    profit_target = "off"
    trailing_stop = {activate = 0.2, give_back = 0.3, floor = 0.1}
    lock_profit = [{reach = 12, keep = 4}, {reach = 20, keep = 11}]
    no_exit_before = "09:16"
    exit_at = "15:10"
    [strategy."Listener"]
    stop_underlying = {below = 24600, above = 25400}
    stop_delta = 0.3
    stop_leg_delta = 0.38
    stop_loss_rupees = "off"
    stop_credit_multiple = "off"
    theta_captured = 0.6
    confirm_s = 12
    max_holding_minutes = 7000
    [strategy."Burner"]
    theta_burn = 0.03
    trailing_stop = {activate_rupees = 5, give_back_rupees = 3}
    max_holding_days = 9
    [strategy."Long Calls"]
    profit_scaling = [{at = 0.02, close = 0.3}, {at = 0.05, close = 0.3}, {at = 0.2, close = 0.4}]
    """
)
CONDOR = position(
    leg(1, 24500, "PE", 20), leg(-1, 24700, "PE", 45), leg(-1, 25300, "CE", 41), leg(1, 25500, "CE", 18)
)
SPREAD = position(
    leg(1, 25300, "CE", 40), leg(-1, 25500, "CE", 18), strategy="Bull Call Spread", strategy_id=2
)
STRANGLE = position(
    leg(-1, 24500, "PE", 30), leg(-1, 25500, "CE", 25), strategy="Short Strangle", strategy_id=3
)
STOCK = position(
    leg(3, 24700, "PE", 45, index=False),
    leg(1, 24700, "PE", 45, index=False),
    strategy="Stock Put",
    strategy_id=4,
)
# The next two are in the money and share strikes with the others: the forward of parity is 25,010.
STRADDLE = position(
    leg(-1, 25300, "CE", 40), leg(-1, 25300, "PE", 330), strategy="Short Straddle", strategy_id=5
)
INSIDE = position(
    leg(1, 24500, "CE", 535), leg(-1, 24700, "CE", 350), strategy="Bull Call Spread", strategy_id=6
)
FOLLOWER = position(*CONDOR.legs, strategy="Follower", strategy_id=7)
LISTENER = position(
    *STRANGLE.legs, strategy="Listener", strategy_id=8, opened_at_s=at(date(2026, 2, 3), "10:59:30")
)
BURNER = position(*SPREAD.legs, strategy="Burner", strategy_id=9)
CALLS = position(leg(195, 25300, "CE", 40), strategy="Long Calls", strategy_id=10)
_FUTURE = future(1, 25_010)
HEDGED = position(
    replace(_FUTURE, instrument=replace(_FUTURE.instrument, underlying=SPOT)),
    leg(1, 24700, "PE", 45),
    strategy="Hedged",
    strategy_id=11,
)
POSITIONS = (CONDOR, SPREAD, STRANGLE, STOCK, STRADDLE, INSIDE, FOLLOWER, LISTENER, BURNER, CALLS, HEDGED)
KEYS = sorted({leg.key for p in POSITIONS for leg in p.legs})
SOLD = {leg.key for leg in CONDOR.legs if leg.quantity < 0}
USUAL = {leg.key: leg.entry_price_paise or 0 for p in POSITIONS for leg in p.legs}


class Naive(Watchlist):
    """Judges every position at every beat, and every holder at every tick, from the marks up.

    It knows no boxes either: at every tick all that belongs to it is looked at anew.
    """

    def _everyone(self, now_s, lines=None, heard=()):
        if not self._in_session(now_s):
            return ()
        if lines is None:
            return self._judge(dict.fromkeys(self._positions.values(), frozenset()), now_s)
        who = {
            w: frozenset(
                line.marks.instrument.key for line in lines if w in line.holders and line.marks.counts(now_s)
            )
            for w in self._positions.values()
            if w in heard or any(w in line.holders for line in lines)
        }
        return self._judge(who, now_s)

    def _anew(self, families, now_s):
        return [line for family in families for line in self._held.settle(family, now_s)]

    def tick(self, tick, now_s):
        for watched in self._positions.values():
            watched.empty_band()
        sound = self.book.take(tick, now_s)
        lines = self._lines.get(tick.key, [])
        for line in lines:
            if sound and line.marks.shown(tick) is None:
                self._held.doubt(line, tick, now_s)
        heard = self._heard(tick, now_s) if sound and not lines else ()
        families = [line.family for line in lines] or self._held.by_underlying.get(tick.key, ())
        return self._everyone(now_s, [*self._anew(families, now_s), *lines], heard)

    def beat(self, now_s, most=0):
        self.unbroken.beat(now_s)
        for watched in self._positions.values() if self._in_session(now_s) else ():
            watched.scale.weigh(Forwards(now_s))
        changed = self._anew(self._held.families, now_s)
        return [*self._everyone(now_s, changed), *self._everyone(now_s)]


#: Through longer waits than this no clock strikes: the machine was asleep.
LONGEST_AWAKE_S = 2.0
PRICES = st.integers(0, 30).flatmap(
    lambda n: st.sampled_from([n, n * 5, n * 20, n * 100]),
)
BOOKS = st.one_of(
    # a narrow market at the entry price, near it, near its double, far away
    st.tuples(st.just("near"), st.integers(-4, 6), st.integers(0, 3)),
    st.tuples(st.just("near"), st.integers(-40, 60), st.integers(0, 12)),
    st.tuples(st.just("times"), st.integers(0, 40), st.integers(0, 6)),
    # far enough to contradict a neighbour or to be below intrinsic value, by a little or by much
    st.tuples(st.just("near"), st.integers(-300, 300), st.integers(0, 40)),
    # anything at all: crossed, one-sided, empty, stubs
    st.tuples(st.just("raw"), PRICES, PRICES),
    st.tuples(st.just("ltp"), st.integers(0, 60), st.just(0)),
)
STEPS = st.sampled_from(
    # the shortest are within what a band writes down while a peak waits to have lasted
    [
        0.0,
        0.01,
        0.03,
        0.06,
        0.1,
        0.2,
        0.5,
        0.6,
        1.0,
        1.0,
        2.0,
        4.0,
        9.0,
        10.0,
        11.0,
        16.0,
        61.0,
        1800.0,
        64000.0,
    ]
)
AIMS = st.tuples(
    st.just("aim"), st.sampled_from(range(len(POSITIONS))), st.tuples(st.integers(0, 40), st.integers(-1, 1))
)
EVENTS = st.one_of(
    st.tuples(st.just("tick"), st.sampled_from(range(len(KEYS))), BOOKS),
    st.tuples(st.just("tick"), st.sampled_from(range(len(KEYS))), BOOKS),
    st.tuples(st.just("all"), st.integers(-30, 40) | st.integers(90, 130), st.integers(0, 8)),
    st.tuples(st.just("lean"), st.integers(-20, 120), st.integers(0, 8)),
    st.tuples(st.just("wait"), STEPS, st.booleans()),
    st.tuples(st.just("wait"), STEPS, st.booleans()),
    # one price of the first leg that brings the P&L to an edge of a rule or an alert, or a paisa beside
    AIMS,
    AIMS,
    st.tuples(st.just("spot"), st.integers(24000, 26000) | st.sampled_from([24600, 25400]), st.none()),
    st.tuples(st.just("spot"), st.integers(24590, 24610) | st.integers(25370, 25410), st.none()),
    st.tuples(st.just("spot"), st.integers(24000, 26000), st.just(0.0)),
    st.tuples(st.just("spot"), st.integers(24900, 25100), st.sampled_from([0.0, 1.0, 100.0])),
    st.tuples(st.just("snap"), st.integers(0, 2 ** len(KEYS) - 1), BOOKS),
    st.tuples(
        st.sampled_from(["hold", "release", "put", "drop", "shrink", "trade", "spend"]),
        st.sampled_from(range(len(POSITIONS))),
        st.integers(-9, 9),
    ),
)
# A new peak of one that rises, which has lasted when the next price comes before a beat, and is not there
# any more then; at last the P&L goes to where the rule has come to.
FOLLOWS = POSITIONS.index(FOLLOWER)
BEYOND = st.builds(
    lambda above, back, waits_s, at_level: [
        ("all", 0, 1), ("wait", 1.0, True), ("rung", FOLLOWS, ("rises", above)),
        ("wait", 0.5, True), ("wait", waits_s, False),
        ("rung", FOLLOWS, ("rises", -back)), ("rung", FOLLOWS, ("level", at_level)),
        *[("wait", 1.0, True)] * 4,
    ],
    st.integers(1, 400), st.integers(0, 300), st.sampled_from([0.49, 0.5, 0.51, 0.8, 1.3]),
    st.integers(-2, 1),
)  # fmt: skip
# A last move before the close; what has come before the next morning's first tick.
OVERNIGHT = st.builds(
    lambda before_s, last, early, first: [
        ("close", -3.0, True), ("all", 0, 1), ("close", -1.5, True), ("close", before_s, False),
        ("all", last, 1), *early, ("open", 0.05, False), ("all", first, 1), ("wait", 1.0, True),
    ],
    st.sampled_from([-1.0, -0.5, -0.3]),
    st.integers(-20, 20),
    st.sampled_from([[], [("close", 0.5, True)], [("open", -1.0, False), ("all", 0, 1)]]),
    st.integers(-20, 20),
)  # fmt: skip
AIMED = st.tuples(st.lists(EVENTS, max_size=3), st.one_of(BEYOND, OVERNIGHT), st.lists(EVENTS, max_size=3))
STARTS = st.sampled_from(
    [
        at(date(2026, 2, 3), "09:14"),
        at(date(2026, 2, 3), "11:00"),
        at(date(2026, 2, 16), "15:29"),
        at(date(2026, 2, 17), "14:59"),
        at(date(2026, 2, 18), "15:20"),
        at(date(2026, 2, 24), "14:59"),
    ]
)


def make_tick(key, book):
    """A tick from a drawn book; prices are in ticks of five paise."""
    kind, a, b = book
    if kind == "ltp":
        return Tick(key, a * 50)
    if kind == "raw":
        return Tick(key, 100, bid_paise=a * 5, ask_paise=b * 5)
    mid = USUAL[key] + a * 100 if kind == "near" else USUAL[key] * a // 8
    return Tick(key, mid, bid_paise=max(mid - b * 5, 0), ask_paise=max(mid + b * 5, 0))


def rise(name, rupees):
    """The event in which this contract is quoted so far above its usual price."""
    held = [leg.instrument for p in POSITIONS for leg in p.legs if leg.instrument.display.endswith(name)]
    return ("tick", KEYS.index(held[0].key), ("near", rupees, 1))


def play(watchlist, start_s, events, log):
    """Run events through a watchlist, noting all it says and remembers."""
    now_s = start_s
    for p in POSITIONS:
        watchlist.put(p, Memory(), now_s)
    for kind, a, b in events:
        if kind == "wait":  # the longer ones are slept through: what waits to have lasted begins anew
            moments = strokes(now_s, a) if a <= LONGEST_AWAKE_S else [now_s + a]
            said = [one for at_s in moments for one in watchlist.beat(at_s)] if b else ()
            now_s += a
        elif kind in {"close", "open"}:  # so long after the next one, which may be before it
            session = CALENDAR.window(now_s)
            now_s = max(now_s, (session.close_s if kind == "close" else session.open_s) + a)
            said = watchlist.beat(now_s) if b else ()
        else:
            said = happen(watchlist, kind, a, b, now_s)
        for p in POSITIONS:
            if p.id in watchlist._positions:
                log.append((watchlist.memory(p.id), watchlist.figures(p.id, now_s).pnl_paise))
                log.append(watchlist.standing(p.id, now_s))
                watched = watchlist._positions[p.id]
                assert watched.stands(now_s) == watched._priced(now_s)
                log.append(tuple(m.fault for _, m in watchlist._positions[p.id].holding.legs))
        for family in watchlist._held.families:
            log.append(forward := family.forward_both_paise(now_s))
            seen = dict(family._look(watchlist.book, now_s, family.lines))
            assert forward == family._forward(seen, family._at_odds(seen), watchlist.book, now_s)
        log.append([(j.position, j.verdict) for j in sorted(said, key=lambda j: j.position)])


def happen(watchlist, kind, a, b, now_s):
    """Let one event come in; what the watchlist says to it."""
    if kind == "tick":
        return watchlist.tick(make_tick(KEYS[a], b), now_s)
    if kind == "aim":
        return aim(watchlist, POSITIONS[a], b[0], b[1], now_s)
    if kind == "rung":
        return climb(watchlist, POSITIONS[a], b[0], b[1], now_s)
    if kind == "spot":
        return watchlist.tick(Tick(SPOT, a * 100, ltt_s=int(now_s - b) if b else 0), now_s)
    if kind == "snap":
        return watchlist.instant([make_tick(k, b) for n, k in enumerate(KEYS) if a >> n & 1], now_s)
    if kind not in {"all", "lean"}:
        return change(watchlist, kind, POSITIONS[a], b, now_s)
    said = []
    for key in KEYS:
        shift = a if kind == "all" or key in SOLD else 0
        said += watchlist.tick(make_tick(key, ("near", shift, b)), now_s)
    return said


def aim(watchlist, p, edge, beside, now_s):
    """Tick the first leg so that the open P&L is at an edge, where it can be."""
    watched = watchlist._positions.get(p.id)
    now = watched.snapshot(now_s) if watched else None
    held = [leg for leg in watched.holding.legs if leg[0]] if watched else []
    if not held or now.marked_paise is None:
        return ()
    levels = [
        (armed.level_paise, armed._clear_paise) for armed in watched.armed if armed.level_paise is not None
    ]
    edges = [*watched.alarms.ladder.falls.values(), *watched.alarms.ladder.rearms.values()]
    edges += [level + shift for level, clear in levels for shift in (0, clear, -clear)]
    edges += [armed.rises_paise for armed in watched.armed if armed.rises_paise is not None]
    wanted = edges[edge % len(edges)] + beside if edges else beside
    return bring(watchlist, held[0], wanted - now.marked_paise, now_s)


def climb(watchlist, p, where, beside, now_s):
    """Tick the first leg so that the P&L is beside where the first ratchet rises, or the highest level."""
    watched = watchlist._positions.get(p.id)
    now = watched.snapshot(now_s) if watched else None
    held = [leg for leg in watched.holding.legs if leg[0]] if watched else []
    ratchets = watched._extremes.ratchets if watched else ()
    rises = [one.rises_paise for one in ratchets if one.rises_paise is not None]
    levels = [one.level_paise for one in ratchets if one.level_paise is not None]
    place = min(rises, default=None) if where == "rises" else max(levels, default=None)
    if not held or now.marked_paise is None or place is None:
        return ()
    return bring(watchlist, held[0], place + beside - now.marked_paise, now_s)


def bring(watchlist, held, by_paise, now_s):
    """Tick a leg so that the P&L moves by so much, where it can."""
    quantity, marks = held
    paise = marks.last_mark(quantity) + by_paise // quantity
    if paise <= 0:
        return ()
    return watchlist.tick(Tick(marks.instrument.key, paise, bid_paise=paise, ask_paise=paise), now_s)


def change(watchlist, kind, p, amount, now_s):
    """What the monitor does to a watchlist from outside."""
    known = p.id in watchlist._positions
    if kind == "put":
        realised = Memory(realised_paise=amount * 500)
        watchlist.put(p, watchlist.memory(p.id) if known and amount > 0 else realised, now_s)
    elif kind == "shrink" and known and len(p.legs) > 1:
        fewer = position(*p.legs[:-1], strategy=p.strategy, strategy_id=p.strategy_id)
        watchlist.put(fewer, watchlist.memory(p.id), now_s)
    elif kind == "drop":
        watchlist.drop(p.id)
    elif known and kind == "trade":
        held = p.legs[0]
        units = held.quantity // (1 + abs(amount) % 3)
        watchlist.count(p.id, {held.key: (-units, -units * USUAL[held.key])} if amount else {})
    elif known and kind == "spend":
        watchlist.spend(p.id, amount * 10_000)
    elif known and kind == "hold":
        watchlist.hold(p.id, Rank(abs(amount) % len(Rank)))
    elif known:
        watchlist.release(p.id)
    return ()


class Pieces(Watchlist):
    """Looks at few at a time when the clock strikes, in as many pieces as it takes."""

    def beat(self, now_s, most=0):
        said = [*super().beat(now_s, 1)]
        while self.unfinished:
            said += super().beat(now_s, 1)
        return said


class Checked(Watchlist):
    """Holds the short ways against the long ones at each judgement."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.known = {}

    def _judge(self, who, now_s):
        said = super()._judge(who, now_s)
        for watched in who:
            assert near(watched, now_s) == sight(watched, now_s).near
            sign, memory = watched.memory_sign, watched.memory
            known_sign, known_memory = self.known.get(watched, (None, None))
            assert sign != known_sign or memory == known_memory
            self.known[watched] = sign, memory
        return said


def both(start_s, events, kinds=(Watchlist, Naive)):
    """What is said and remembered with bands, and by judging everything."""
    logs: list[list[object]] = []
    for kind in kinds:
        logs.append([])
        play(kind(CALENDAR, RULES), start_s, events, logs[-1])
    return logs


@settings(max_examples=200, deadline=None)
@given(STARTS, st.lists(EVENTS, min_size=5, max_size=60))
def test_the_band_says_what_judging_everything_says(start_s, events):
    """On random and violent streams verdicts, alerts, peaks and P&L are the same, event by event."""
    quick, naive = both(start_s, events)
    assert quick == naive


@settings(max_examples=50, deadline=None)
@given(STARTS, st.lists(EVENTS, min_size=5, max_size=60))
def test_a_beat_in_pieces_says_what_it_says_in_one(start_s, events):
    """However few are looked at between two ticks: the same, at the same moment."""
    whole, pieces = both(start_s, events, (Watchlist, Pieces))
    assert whole == pieces


@settings(max_examples=50, deadline=None)
@given(STARTS, st.lists(EVENTS, min_size=5, max_size=60))
def test_what_is_near_and_what_has_changed_is_known_without_a_look(start_s, events):
    """As a whole look finds it near, and never another memory under the sign of the one before."""
    play(Checked(CALENDAR, RULES), start_s, events, [])


@settings(max_examples=50, deadline=None)
@given(STARTS, AIMED)
def test_the_band_says_it_too_of_peaks_between_beats_and_across_the_close(start_s, parts):
    """Random events hardly ever come to these, where what waits to have lasted is met by something else."""
    quick, naive = both(start_s, [event for part in parts for event in part])
    assert quick == naive


def test_the_streams_of_this_test_reach_every_kind_of_verdict():
    """Events as above make every rule and alert speak, so that the comparison means something."""
    seen: set[str] = set()
    log: list[object] = []
    scenes = [
        [("all", 0, 1), ("wait", 1.0, True), ("all", -20, 1), ("wait", 1.0, True), ("wait", 2.0, True)],
        [("all", 0, 1), ("all", 40, 1), ("wait", 1.0, True), ("wait", 2.0, True), ("all", 45, 1)],
        [("all", 0, 1), ("lean", 90, 1), ("wait", 1.0, True), ("wait", 2.0, True)],
        [("all", 0, 1), ("all", 120, 1), ("wait", 1.0, True), ("wait", 2.0, True)],
        [("wait", 1.0, True), ("wait", 61.0, True), ("wait", 61.0, True)],
        [("all", 0, 1), ("wait", 60.0, True), ("all", 0, 1), ("wait", 0.5, True)],
        [("all", 0, 1), ("lean", -20, 1), ("wait", 1.0, True), ("lean", 8, 1), *[("wait", 1.0, True)] * 2],
        [("spot", 24550, None), ("all", 0, 1), ("wait", 9.0, True)] * 3,
        [("spot", 25390, None), ("all", 120, 1), ("wait", 9.0, True)] * 3,
        [("spot", 25200, None), ("all", 0, 1), ("wait", 1.0, True), ("all", 0, 1), ("wait", 1.0, True)],
        [("all", 0, 1), *[("lean", up, 1) if up else ("wait", 1.0, True) for up in (8, 0, 8, 0, 4, 0, 4, 0)]],
        *[
            [
                ("drop", 4, 0), ("drop", 5, 0),  # whose forward would contradict this rise
                *[
                    ("spot", 25395, None), rise("24500 PE", put), rise("25300 CE", 200),
                    rise("25500 CE", 100), ("wait", 9.0, True),
                ] * 3,
            ]
            for put in (0, 60)
        ],
    ]  # fmt: skip
    for start in ("2026-02-03T11:00", "2026-02-17T14:59", "2026-02-18T15:20", "2026-02-24T14:59"):
        day, clock = start.split("T")
        for scene in scenes:
            log.clear()
            play(Watchlist(CALENDAR, RULES), at(date.fromisoformat(day), clock), scene, log)
            seen |= {verdict.rule for entry in log if isinstance(entry, list) for _, verdict in entry}
    assert seen == {
        "profit_target",
        "profit_scaling",
        "stop_loss",
        "stop_loss_rupees",
        "stop_credit_multiple",
        "time_exit_dte",
        "expiry_exit",
        "loss_alert",
        "unpriced",
        "trailing_stop",
        "lock_profit",
        "exit_at",
        "max_holding_days",
        "max_holding_minutes",
        "stop_underlying",
        "stop_delta",
        "stop_leg_delta",
        "theta_burn",
        "theta_captured",
    }


WALK = st.tuples(
    st.integers(0, 3), st.integers(1, 950), st.integers(0, 40), st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0])
)


def lasting(seen, end_s):
    """Of P&Ls as (since, paise) the highest that was reached for a second without a break, or nothing."""
    until = [*(at_s for at_s, _ in seen[1:]), end_s]
    best = [
        min(paise for _, paise in seen[first : last + 1])
        for first in range(len(seen))
        for last in range(first, len(seen))
        if until[last] - seen[first][0] >= 1
    ]
    return max(best, default=None)


@given(st.lists(WALK, max_size=40))
def test_peak_trough_and_pnl_are_plain_arithmetic(walk):
    """From the first moment all legs are priced, the extremes are those of the sums that lasted a second."""
    watchlist = Watchlist(CALENDAR, tables.rulebook("[default]\nmax_quote_age_s = 99\n"))
    now_s = at(date(2026, 2, 3), "11:00")
    watchlist.put(CONDOR, Memory(), now_s)
    marks: dict[int, tuple[int, int]] = {}
    seen = []
    for index, bid, gap, wait_s in walk:
        part = CONDOR.legs[index]
        watchlist.tick(Tick(part.key, bid, bid_paise=bid, ask_paise=bid + gap), now_s)
        marks[index] = (bid, bid + gap)
        if len(marks) == 4:
            pnl = 0
            for n, leg_ in enumerate(CONDOR.legs):
                doubled = sum(marks[n])
                mark = doubled // 2 if leg_.quantity > 0 else (doubled + 1) // 2
                pnl += leg_.quantity * (mark - (leg_.entry_price_paise or 0))
            seen.append((now_s, pnl))
        for at_s in strokes(now_s, wait_s):
            watchlist.beat(at_s)
        now_s += wait_s
    assert watchlist.figures(CONDOR.id, now_s).pnl_paise == (seen[-1][1] if seen else None)
    memory = watchlist.memory(CONDOR.id)
    mirrored = lasting([(at_s, -pnl) for at_s, pnl in seen], now_s)
    trough = None if mirrored is None else -mirrored
    assert (memory.peak_paise, memory.trough_paise) == (lasting(seen, now_s), trough)


MOVES = st.lists(
    st.tuples(st.lists(st.integers(-4, 4), min_size=4, max_size=4), st.permutations(range(4))),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("recorded", [False, True])
@given(moves=MOVES, apart_s=st.floats(0, 0.2))
def test_in_whatever_order_the_legs_of_a_move_tick_the_peaks_are_those_of_the_moves(recorded, moves, apart_s):
    """They move together and tick one by one: no mixture of two moves is peak, trough or trail."""
    rules = tables.rulebook('[default]\nprofit_target = "off"\ntrailing_stop = true\n')
    watchlist = Watchlist(CALENDAR, rules, replay=ReplayGuard(99) if recorded else None)
    now_s = at(date(2026, 2, 3), "11:00")
    watchlist.put(CONDOR, Memory(), now_s)
    totals = []
    for shifts, order in [([0] * 4, range(4)), *moves]:
        paise = [entry_price(leg_) + 100 * by for leg_, by in zip(CONDOR.legs, shifts, strict=True)]
        ticks = [
            Tick(CONDOR.legs[n].key, paise[n], bid_paise=paise[n] - 5, ask_paise=paise[n] + 5) for n in order
        ]
        if recorded:
            watchlist.instant(ticks, now_s)
        else:
            for tick in ticks:
                watchlist.tick(tick, now_s)
                now_s += apart_s
        totals.append(sum(100 * by * leg_.quantity for leg_, by in zip(CONDOR.legs, shifts, strict=True)))
        for _ in range(3):
            now_s += 0.5
            watchlist.beat(now_s)
    memory = watchlist.memory(CONDOR.id)
    assert (memory.peak_paise, memory.trough_paise) == (max(totals), min(totals))
    armed = max(totals) >= 1_175  # a quarter of what one unit can make
    assert dict(memory.peaks) == ({"trailing_stop": max(totals)} if armed else {})


class Counting(Watchlist):
    """Counts the judgements in full."""

    judged = 0

    def _judge(self, who, now_s):
        self.judged += len(who)
        return super()._judge(who, now_s)


def quoted_twice(start_s):
    """A condor quoted at the start and again, as it was, nine seconds later."""
    watchlist = Counting(CALENDAR, RULES)
    watchlist.put(CONDOR, Memory(), start_s)
    for now_s in (start_s, start_s + 9.0):
        for one in CONDOR.legs:
            watchlist.tick(make_tick(one.key, ("near", 0, 1)), now_s)
    watchlist.judged = 0
    return watchlist


def test_quotes_that_came_anew_in_time_need_no_judgement():
    """When the first quotes would have grown old nobody is judged; when the second ones do, he is."""
    start_s = at(date(2026, 2, 3), "11:00")
    watchlist = quoted_twice(start_s)
    watchlist.beat(start_s + 10.5)
    watchlist.tick(make_tick(CONDOR.legs[0].key, ("near", 0, 1)), start_s + 11.0)
    assert watchlist.judged == 0
    watchlist.beat(start_s + 19.5)
    assert watchlist.judged == 1
    assert watchlist.figures(CONDOR.id, start_s + 19.5).pnl_paise is None


def test_what_is_due_beside_renewed_quotes_is_not_forgotten():
    """On expiry day the clock rule speaks although the same beat finds the quotes renewed."""
    start_s = at(date(2026, 2, 24), "15:00") - 10.0
    said = quoted_twice(start_s).beat(start_s + 10.5)
    assert [one.verdict.rule for one in said] == ["expiry_exit"]
