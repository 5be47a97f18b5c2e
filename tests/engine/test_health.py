"""The minute's look at the house: written down always, told when something begins or ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from engine.effects import Alert, Audit
from engine.health import Health, HealthWatch
from engine.messages import Beat, BeatKind, FeedChanged, FeedState, Tick, Ticks, UpdatesStopped
from engine.model import Mode, Urgency
from engine.sessions import at
from tests.engine.makers import leg, position
from tests.support.rig import Rig

WELL = Health(
    in_session=True, resting=False, feed=FeedState.LIVE, data_age_s=0.2, trade_age_s=1.0, prices=5,
    subscribed=5, hit_ratio=1.0, suspects=0, positions=1, exits=0, live_orders=0, degraded="",
)  # fmt: skip
SILENT = replace(WELL, data_age_s=90.0)
LATE = replace(WELL, trade_age_s=75.0)


def told(*states):
    """What is told while the house goes through these states, a list each."""
    watch = HealthWatch()
    return [[(e.urgency, e.title) for e in watch.look(state) if isinstance(e, Alert)] for state in states]


@pytest.mark.parametrize(
    ("ill", "urgency", "begins", "ends"),
    [
        (SILENT, Urgency.HIGH, "No prices arrive", "Prices arrive again"),
        (LATE, Urgency.MEDIUM, "Prices are late", "Prices are on time again"),
    ],
)
def test_a_trouble_is_told_when_it_begins_and_when_it_ends(ill, urgency, begins, ends):
    """Not every minute in between."""
    assert told(WELL, ill, ill, WELL, WELL) == [[], [(urgency, begins)], [], [(Urgency.MEDIUM, ends)], []]


@pytest.mark.parametrize(
    "state",
    [
        replace(SILENT, in_session=False),
        replace(SILENT, subscribed=0),
        replace(LATE, in_session=False),
        replace(LATE, trade_age_s=None),
        replace(SILENT, resting=True, data_age_s=180.0),
        replace(LATE, resting=True),
    ],
    ids=[
        "after hours",
        "nothing asked for",
        "late after hours",
        "no trade known",
        "quiet options",
        "no trade while underlyings rest",
    ],
)
def test_silence_that_is_no_fault_is_not_told(state):
    """Nothing is expected at night, nor by a monitor without positions; less in the closing auction."""
    assert told(state) == [[]]


def test_a_feed_that_dies_in_the_closing_auction_is_told_all_the_same():
    """More than three minutes without a single price of an option are no market any more."""
    assert told(replace(SILENT, resting=True, data_age_s=181.0)) == [[(Urgency.HIGH, "No prices arrive")]]


def test_prices_that_do_not_come_are_not_late_as_well():
    """One trouble, one alert: silence is worse than lag."""
    assert told(replace(SILENT, trade_age_s=90.0)) == [[(Urgency.HIGH, "No prices arrive")]]


def test_the_monitor_looks_at_itself_on_the_beat_of_health():
    """A minute without a tick is told, and what was seen goes to the journal's audit."""
    rig = Rig(Mode.ALERT_ONLY)
    key = rig.legs[0].key
    rig.tell(Ticks([Tick(key, 2_000, ltt_s=int(rig.now_s), bid_paise=1_995, ask_paise=2_005)]))
    (calm,) = rig.monitor.handle(Beat(BeatKind.HEALTH), rig.now_s)
    assert isinstance(calm, Audit)
    assert (calm.data["prices"], calm.data["positions"], calm.data["trade_age_s"]) == (1, 1, 0)
    rig.now_s += 61
    rig.tell(Beat(BeatKind.HEALTH))
    assert [a.title for a in rig.said if isinstance(a, Alert) and a.topic.startswith("prices")] == [
        "No prices arrive"
    ]


def test_the_monitor_knows_when_underlyings_rest():
    """At 15:20 of a day with a closing auction a minute without prices is not told, at 15:10 it is."""
    for clock, alarms in (("15:10", ["No prices arrive"]), ("15:20", [])):
        held = position(leg(65, 25000, "CE", 20, date(2026, 8, 25)))
        rig = Rig(Mode.ALERT_ONLY, held, now_s=at(date(2026, 8, 18), clock))
        rig.tell(Ticks([Tick(rig.legs[0].key, 2_000, bid_paise=1_995, ask_paise=2_005)]))
        rig.now_s += 61
        effects = rig.monitor.handle(Beat(BeatKind.HEALTH), rig.now_s)
        assert [e.title for e in effects if isinstance(e, Alert)] == alarms


def test_an_update_socket_that_stays_away_is_told():
    """Exits go on by polling; the owner hears why they are slower."""
    rig = Rig(Mode.EXECUTE)
    rig.tell(UpdatesStopped("Dhan answered the connection with HTTP 403"))
    alert = rig.said[-1]
    assert (alert.urgency, alert.title) == (Urgency.MEDIUM, "Order updates have stopped")
    assert alert.text.startswith("Dhan answered the connection with HTTP 403. Orders are followed by reading")
    rig.tell(UpdatesStopped("Dhan answered the connection with HTTP 403"))
    assert rig.said[-1] is alert
    for _ in range(2):
        rig.tell(UpdatesStopped(""))
    assert [a.topic for a in rig.of(Alert) if a.topic.startswith("order-updates")] == [
        "order-updates",
        "order-updates-back",
    ]


def feed_alerts(*changes):
    """Topic and text of what a monitor says of a feed that changes so."""
    rig = Rig(Mode.EXECUTE)
    for change in changes:
        rig.tell(change)
    return [(a.topic, a.text) for a in rig.of(Alert) if a.topic.startswith("feed")]


REFUSED = FeedChanged(FeedState.STOPPED, "the token is refused", alarm=True)
LIVE = FeedChanged(FeedState.LIVE, "prices arrive")


def test_a_feed_that_needs_somebody_is_told_once_and_once_when_it_lives_again():
    """Quotes by REST meanwhile mend nothing; another cause is told too."""
    by_rest = FeedChanged(FeedState.REST, "the socket is down, quotes come by REST once a second")
    crowd = FeedChanged(FeedState.DOWN, "too many connections", alarm=True)
    back = ("feed-back", "Prices arrive. There is nothing left to do.")
    told = feed_alerts(LIVE, REFUSED, by_rest, REFUSED, crowd, by_rest, LIVE, by_rest, LIVE)
    assert told == [("feed", "the token is refused"), ("feed", "too many connections"), back]
    assert [topic for topic, _ in feed_alerts(REFUSED, LIVE, REFUSED)] == ["feed", "feed-back", "feed"]


def test_a_feed_that_only_reads_by_rest_is_back_when_it_reads():
    """Its best state is REST, which for sockets is none."""
    reads = FeedChanged(FeedState.REST, "quotes by REST every 1 s", mended=True)
    told = feed_alerts(FeedChanged(FeedState.DOWN, "the token is refused", alarm=True), reads, reads)
    assert [topic for topic, _ in told] == ["feed", "feed-back"]


def test_a_feed_that_is_full_is_another_trouble_than_one_that_is_turned_away():
    """Neither hides the other, and each has its own end."""
    full = {"surplus": "7 instruments more"}
    told = feed_alerts(
        FeedChanged(FeedState.LIVE, "7 instruments more", alarm=True, **full),
        FeedChanged(FeedState.STOPPED, "the token is refused", alarm=True, **full),
        FeedChanged(FeedState.LIVE, "prices arrive", **full),
        LIVE,
        LIVE,
    )
    assert [topic for topic, _ in told] == ["feed-full", "feed", "feed-back", "feed-has-room"]
