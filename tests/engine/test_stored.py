"""How the trade store stands, as people see it: of when its rows are, and whether Realtime is there."""

from __future__ import annotations

from bot.status import status_pages
from engine.effects import Alert
from engine.messages import Beat, BeatKind, CacheState, RealtimeState, StoreWriting, TradesLoaded
from engine.model import Mode
from engine.table import terminal_table
from tests.support.rig import Rig


def status(rig):
    """The page of /status."""
    return status_pages(rig.view)[0].html


def test_the_rows_say_of_when_they_are():
    """The moment at which they were asked for, in India, on the phone and in the table."""
    rig = Rig(Mode.ALERT_ONLY)
    assert rig.view.store == "rows of 09:20:00"
    asked_s, rig.now_s = rig.now_s + 30, rig.now_s + 33
    rig.tell(TradesLoaded(tuple(rig.rows), began_s=asked_s))
    assert "Trade store: rows of 09:20:30" in status(rig)
    assert "Trade store      rows of 09:20:30" in terminal_table(rig.view)
    assert rig.view.realtime == ""
    assert "Realtime" not in status(rig) + terminal_table(rig.view)


def test_rows_older_than_two_minutes_are_a_trouble_until_they_are_read():
    """In the session only, with why; an answer that is not believed makes nothing younger."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.store_answers = False
    rig.now_s += 120
    rig.tell(Beat(BeatKind.STORE))
    assert rig.view.troubles == ()
    rig.now_s += 0.5
    assert rig.view.troubles == (
        "The trade store's rows are of 09:20:00 (no route). What has changed there since is not known.",
    )
    assert "⚠️ The trade store's rows are of 09:20:00" in status(rig)
    rig.tell(TradesLoaded(()))
    assert len(rig.view.troubles) == 1
    rig.store_answers = True
    rig.tell(Beat(BeatKind.STORE))
    assert rig.view.troubles == ()


def test_a_store_that_cannot_be_read_is_told_once_and_once_when_it_can():
    """Each read that fails is the same trouble, whatever the reason."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.tell(TradesLoaded(tuple(rig.rows)))
    for why in ("no route", "no route", "HTTP 503"):
        rig.tell(TradesLoaded(None, why))
    for _ in range(2):
        rig.tell(TradesLoaded(tuple(rig.rows)))
    rig.tell(TradesLoaded(None, "no route"))
    told = [(a.topic, a.title) for a in rig.of(Alert) if a.topic.startswith("trade-store")]
    unread = ("trade-store", "The trade store cannot be read")
    assert told == [unread, ("trade-store-back", "The trade store can be read again"), unread]


def test_old_rows_are_no_trouble_while_the_market_is_closed():
    """Nothing is decided by them in the night."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.store_answers = False
    rig.now_s += 8 * 3_600
    assert not rig.view.session_open
    assert rig.view.troubles == ()


def test_realtime_is_live_or_away_since():
    """What was heard last, or since when nothing is; it is no alert, for rows are read all the same."""
    rig = Rig(Mode.ALERT_ONLY)
    rig.said.clear()
    rig.tell(RealtimeState())
    rig.now_s += 12
    assert "Realtime: live, last event 12 s ago" in status(rig)
    rig.tell(RealtimeState("the connection failed (OSError)"))
    away = "away since 09:20 (the connection failed (OSError)), rows are read every 30 s"
    rig.now_s += 300
    rig.tell(RealtimeState("the connection failed (OSError)"))
    assert rig.view.realtime == away
    assert f"Realtime         {away}" in terminal_table(rig.view)
    rig.tell(RealtimeState())
    assert rig.view.realtime == "live, last event 0 s ago"
    assert rig.of(Alert) == []


def test_redis_stands_on_the_phone_too():
    """The line that the table has had."""
    rig = Rig(Mode.ALERT_ONLY)
    assert "Redis" not in status(rig)
    rig.tell(CacheState("price mirror", "", 0.12))
    assert "Redis: price mirror, 0.1 s behind" in status(rig)


def test_changes_that_wait_are_told_once_and_when_they_are_in():
    """After two minutes, in its own words on /status at once; a short hiccup is nobody's business."""
    rig = Rig(Mode.ALERT_ONLY)
    began_s = rig.now_s
    for waited_s in (0, 5, 119.9, 120, 125):
        rig.now_s = began_s + waited_s
        rig.tell(StoreWriting(3, "no route."))
        told = [a for a in rig.said if isinstance(a, Alert) and a.topic == "store-writer"]
        assert len(told) == (waited_s >= 120)
    assert told[0].text.startswith("3 changes of rows wait for the trade store since 09:20 (no route).")
    assert "⚠️ 3 changes of rows wait" in status(rig)
    rig.tell(StoreWriting(0, ""))
    assert "for the trade store since" not in status(rig)
    assert rig.said[-1].title == "The trade store takes changes again"
    rig.tell(StoreWriting(1, "no route"))
    rig.tell(StoreWriting(0, ""))
    assert sum(isinstance(each, Alert) for each in rig.said) == 2
