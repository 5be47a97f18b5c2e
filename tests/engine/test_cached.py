"""What Redis brings: prices from before the start, to be shown; prices with an age; troubles, told once."""

from __future__ import annotations

from engine.effects import Alert
from engine.io import tables
from engine.messages import Beat, BeatKind, CacheState, Remembered, Tick, Ticks
from engine.model import Mode, Urgency
from engine.table import terminal_table
from engine.watch import Memory, Watchlist
from tests.engine.makers import condor, quote
from tests.engine.watch.test_watchlist import AT_ENTRY, CALENDAR, TEN, Desk
from tests.support.rig import Rig

#: The condor has lost more than its stop allows.
LOST = (20, 85, 77, 18)


def remembered(rig, *mids, age_s=1.0):
    """The life before knew these prices, so old."""
    ticks = [quote(leg.key, mid - 0.05, mid + 0.05) for leg, mid in zip(rig.legs, mids, strict=True)]
    return Remembered(tuple((tick, rig.now_s - age_s) for tick in ticks))


def test_no_rule_fires_on_a_price_from_before_the_start():
    """A second old, far beyond the stop, and for half a minute: no alert, no order, no P&L."""
    rig, bare = Rig(Mode.EXECUTE), Rig(Mode.EXECUTE)
    for one in (rig, bare):
        one.said.clear()
    rig.tell(remembered(rig, *LOST))
    for one in (rig, bare):
        one.wait(30)
    assert rig.placed == []
    assert rig.said == bare.said
    (seen,) = rig.view.positions
    assert (seen.pnl_paise, seen.value_paise, seen.closing_pnl_paise) == (None, None, None)
    assert rig.view.cached_prices == 0


def test_no_order_is_priced_by_it():
    """A person's exit does with it what it does without any price."""
    rig, bare = Rig(Mode.EXECUTE), Rig(Mode.EXECUTE)
    rig.tell(remembered(rig, *LOST))
    for one in (rig, bare):
        one.command(strategy_id=3359, confirmed=True)
        one.wait(10)
    assert rig.placed == bare.placed


def test_it_is_shown_with_its_age_until_the_first_tick():
    """The leg says what it was, how long ago, and that this was before the start."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.tell(remembered(rig, *AT_ENTRY, age_s=95))
    (seen,) = rig.view.positions
    assert [(leg.mark_paise, leg.age_s, leg.from_before) for leg in seen.legs][1] == (4500, 95.0, True)
    assert "₹45.00 → ₹45.00 (2 min old, from before the start)" in terminal_table(rig.view)
    rig.quotes(*AT_ENTRY)
    (seen,) = rig.view.positions
    assert [leg.from_before for leg in seen.legs] == [False] * 4


def test_what_cannot_be_true_or_gives_no_mark_is_not_shown():
    """A crossed quote of the life before is dropped; one without a bid has an age and no mark."""
    rig = Rig(Mode.ALERT_ONLY)
    first, second, *_ = [leg.key for leg in rig.legs]
    crossed, empty = Tick(first, 0, 0, 1010, 1, 1000, 1), Tick(second, 500, 0, 0, 0, 0, 0)
    rig.tell(Remembered(((crossed, rig.now_s - 1), (empty, rig.now_s - 1))))
    (seen,) = rig.view.positions
    assert [(leg.mark_paise, leg.from_before) for leg in seen.legs[:2]] == [(None, False), (None, True)]


def test_a_trouble_is_told_once_and_its_end_once():
    """Redis fails, fails on, works: two alerts, and the lag is shown between them and after."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.said.clear()
    rig.tell(CacheState("price mirror", "", 0.12))
    assert rig.view.cache == "price mirror, 0.1 s behind"
    for state in (CacheState("price mirror", "Redis does not answer"),) * 2:
        rig.tell(state)
    assert rig.view.cache == "price mirror: Redis does not answer"
    assert "Redis            price mirror: Redis does not answer" in terminal_table(rig.view)
    rig.tell(CacheState("price mirror", "", 0.2))
    rig.tell(CacheState("price mirror", "", 0.2))
    alerts = rig.of(Alert)
    assert [(alert.urgency, alert.topic) for alert in alerts] == [
        (Urgency.MEDIUM, "redis"),
        (Urgency.MEDIUM, "redis-back"),
    ]
    assert Rig(Mode.ALERT_ONLY).view.cache == ""


def test_a_price_with_an_age_is_believed_for_what_is_left_of_its_time():
    """Eight of ten seconds old: believed for two more; eleven seconds old: never."""
    for age_s, wait_s, known in ((8, 1.5, True), (8, 2.5, False), (11, 0, False)):
        desk = Desk(condor())
        ticks = [
            quote(leg.key, mid - 0.05, mid + 0.05) for leg, mid in zip(desk.held.legs, AT_ENTRY, strict=True)
        ]
        desk.watch.instant(ticks, desk.now_s, age_s)
        desk.wait(wait_s)
        assert (desk.figures.pnl_paise == 0) is known
        assert desk.figures.legs[0].age_s == age_s + wait_s


def test_a_wide_book_with_an_age_is_doubtful_from_then_on():
    """The grace of a stop runs from when the book came, not from when we heard of it."""
    late, live = (Watchlist(CALENDAR, tables.rulebook("")) for _ in range(2))
    held = condor()
    wide = [quote(leg.key, 1, 200) for leg in held.legs]
    for watch in (late, live):
        watch.put(held, Memory(), TEN)
    live.instant(wide, TEN - 5)
    late.instant(wide, TEN, 5)
    for watch in (late, live):
        marks = [marks for _, marks in watch._positions[held.id].holding.legs]
        assert [each.doubtful_since_s for each in marks] == [TEN - 5] * 4


def test_an_instant_of_the_past_reaches_the_rules_by_its_message():
    """A loss among prices that were late is judged when they come, if they are young enough."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.quotes(*AT_ENTRY)
    rig.said.clear()
    ticks = [quote(leg.key, mid - 0.05, mid + 0.05) for leg, mid in zip(rig.legs, LOST, strict=True)]
    rig.tell(Ticks(ticks, instant=True, age_s=11))
    assert [alert for alert in rig.of(Alert) if "loss" in alert.topic] == []
    rig.now_s += 4
    rig.tell(Ticks(ticks, instant=True, age_s=3))
    rig.now_s += 4  # the alert waits so long for a stop that would say it all
    rig.tell(Beat(BeatKind.PULSE))
    assert [alert for alert in rig.of(Alert) if "loss" in alert.topic]


def test_a_price_with_an_age_does_not_overtake_a_newer_one():
    """What has come since stays, and so does when the last price of all came; within a second it is news."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.quotes(*AT_ENTRY)
    rig.now_s += 2
    rig.said.clear()
    ticks = [quote(leg.key, mid - 0.05, mid + 0.05) for leg, mid in zip(rig.legs, LOST, strict=True)]
    rig.tell(Ticks(ticks, instant=True, age_s=3.5))
    assert rig.of(Alert) == []
    (seen,) = rig.view.positions
    assert (seen.pnl_paise, seen.legs[0].age_s, rig.view.data_age_s) == (0, 2.0, 2.0)
    rig.tell(Ticks(ticks, instant=True, age_s=2.5))
    (seen,) = rig.view.positions
    assert (seen.pnl_paise, seen.legs[0].age_s, rig.view.data_age_s) == (-5005_00, 2.5, 2.0)
