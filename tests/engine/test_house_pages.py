"""What the chat may look at of the house's insides: orders, fills, health, feed, drill."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.orders_view import orders_pages, trades_pages
from engine.drill import drill_now
from engine.effects import Audit, QueryAccount, Say
from engine.feed_page import feed_now
from engine.health_page import health_now
from engine.messages import (
    AccountState,
    Actor,
    Beat,
    BeatKind,
    BrokerReport,
    CacheState,
    DrillWanted,
    FeedChanged,
    FeedState,
    JournalState,
    RealtimeState,
    StoreWriting,
    TradesLoaded,
    UpdatesStopped,
    Wish,
)
from engine.model import Mode
from engine.orders import Event, OrderState
from engine.orders_page import _ENDED, MOST_EXITS, MOST_FILLS, _words, desk_now
from engine.preflight import Light
from engine.tenure import LeaseTerms
from tests.engine.test_monitor import ENTRY, PROFIT, gaining
from tests.support.rig import Rig

ASHA = Actor(4242, 4242, "Asha")
WELL = AccountState(
    valid_until_s=2e9,
    kind="SELF",
    number=1,
    orders_allowed=True,
    data_plan=True,
    derivatives=True,
    skew_s=0.1,
)


def desk(rig):
    return desk_now(rig.monitor, rig.now_s)


def checks(rig):
    return {check.name: check for check in health_now(rig.monitor, rig.now_s)}


@pytest.fixture
def rig():
    """A calm house in execute, of which everything is known."""
    made = Rig(Mode.EXECUTE)
    made.wait(1, *ENTRY)
    made.tell(WELL)
    made.tell(FeedChanged(FeedState.LIVE, "prices arrive"))
    return made


# ------------------------------------------------------------------------------- orders and fills


def test_before_any_exit_there_are_neither_orders_nor_fills():
    """An empty desk is empty, and says so by being it."""
    assert desk(Rig()) == type(desk(Rig()))((), ())


def test_a_finished_exit_shows_each_order_and_its_fills():
    """State in words, fills at the exchange's prices, the newest first."""
    rig = gaining(Mode.EXECUTE)
    rig.wait(60, *PROFIT)
    [exit_] = desk(rig).exits
    assert (exit_.title, exit_.state, exit_.by, exit_.live) == (
        "3359 NIFTY Iron Condor", "verified flat", "profit_target", False,
    )  # fmt: skip
    assert {(o.state, o.filled, o.quantity, o.live) for o in exit_.orders} == {("filled", 65, 65, False)}
    fills = desk(rig).fills
    assert len(fills) == 4
    assert [f.at_s for f in fills] == sorted((f.at_s for f in fills), reverse=True)
    assert {f.contract for f in fills} == {leg.instrument.display for leg in rig.legs}
    traded = sum(f.side.sign * f.quantity * f.price_paise for f in fills)
    assert traded == sum(o.side.sign * o.filled * o.price_paise for o in exit_.orders)


def test_orders_that_may_still_trade_come_first():
    """An exit whose orders rest is live, and so are they."""
    rig = gaining(Mode.EXECUTE)
    rig.wait(4)
    [exit_] = desk(rig).exits
    assert exit_.live
    assert exit_.orders[0].live
    assert exit_.orders[0].state == "working"


def test_of_a_day_of_very_many_exits_only_what_is_shown_is_drawn_and_the_rest_counted():
    """Nobody sees more of exits or of fills; what may still trade among the rest is counted too."""
    rig = gaining(Mode.EXECUTE)
    rig.wait(60, *PROFIT)
    [one] = rig.monitor.desk.intents.values()
    orders, fills = len(one.orders), len(desk(rig).fills)
    one.orders[0].state = OrderState.WORKING
    rig.monitor.desk.intents.update({f"{number}": one for number in range(MOST_EXITS + 19)})
    found = desk(rig)
    assert (len(found.exits), found.more_exits, found.more_working) == (MOST_EXITS, 20, 20)
    assert (len(found.fills), found.more_fills) == (MOST_FILLS, (MOST_EXITS + 20) * fills - MOST_FILLS)
    page = "".join(each.html for each in orders_pages(found, rig.now_s))
    listed = page.count("3359 NIFTY")
    assert f"and {MOST_EXITS + 20 - listed} more exits" in page
    assert f"{MOST_EXITS + 20} working" in page
    assert orders == 4
    assert f"{(MOST_EXITS + 20) * fills} today" in trades_pages(found, 10, rig.now_s)[0].html


@pytest.mark.parametrize("state", list(OrderState))
def test_every_state_of_an_order_has_words_of_its_own(state):
    """None is shown by its name in the code, and an unknown one never as refused or done."""
    rig = gaining(Mode.EXECUTE)
    rig.wait(60, *PROFIT)
    order = next(iter(rig.monitor.desk.blotter.all()))
    order.state = state
    words = _words(order)
    assert words
    assert (words in _ENDED.values() or "part filled" in words) or state.live
    if state is OrderState.UNKNOWN:
        assert words == "no answer yet"


def test_an_order_under_way_says_what_is_being_done_to_it():
    """Re-pricing, cancelling, and a part that is filled."""
    rig = gaining(Mode.EXECUTE)
    rig.wait(60, *PROFIT)
    order = next(iter(rig.monitor.desk.blotter.all()))
    order.state = OrderState.WORKING
    assert _words(order) == "part filled"
    order.filled = 0
    assert _words(order) == "working"
    order.pending = True
    assert _words(order) == "being re-priced"
    order.cancel_sent_s = rig.now_s
    assert _words(order) == "being cancelled"
    order.cancel_sent_s, order.pending = None, False
    order.learn(Event.SEEN_CANCELLED)
    order.filled = 30
    assert _words(order) == "cancelled, part filled"


def test_fills_that_were_not_told_one_by_one_are_one_line():
    """At the broker's average, marked as such; without an average the price is unknown, never zero."""
    rig = gaining(Mode.EXECUTE)
    rig.wait(60, *PROFIT)
    order = next(iter(rig.monitor.desk.blotter.all()))
    order.trades = {}
    [fill] = [f for f in desk(rig).fills if f.several]
    assert (fill.quantity, fill.price_paise) == (order.filled, order.average_paise)
    order.average_paise = 0
    assert [f.price_paise for f in desk(rig).fills if f.several] == [None]


def test_the_day_s_orders_survive_a_restart():
    """What the journal remembers is shown again."""
    rig = gaining(Mode.EXECUTE)
    rig.wait(60, *PROFIT)
    before = desk(rig)
    rig.start()
    assert desk(rig) == before


# ----------------------------------------------------------------------------------------- health


def test_a_house_that_is_well_is_green_in_every_line(rig):
    """No line says anything else, and what is not in use has none."""
    assert {name for name, check in checks(rig).items() if check.light is not Light.GREEN} <= {"kill switch"}
    assert "Redis" not in checks(rig)
    assert "Realtime" not in checks(rig)
    assert checks(rig)["lease"].text == "not needed: nothing is sent from here"


@pytest.mark.parametrize(
    ("messages", "name", "light", "words"),
    [
        ([FeedChanged(FeedState.DOWN, "Dhan hung up")], "feed", Light.RED, "Dhan hung up"),
        ([FeedChanged(FeedState.REST, "by REST")], "feed", Light.AMBER, "by REST"),
        ([FeedChanged(FeedState.LIVE, "", surplus="7 more")], "feed", Light.AMBER, "7 more"),
        ([UpdatesStopped("a limit of Dhan's")], "order updates", Light.AMBER, "a limit of Dhan's"),
        ([JournalState("disk full")], "journal", Light.RED, "disk full"),
        ([JournalState("disk full")], "rules", Light.RED, "only alerts"),
        ([TradesLoaded(None, "no route")], "trade store", Light.RED, "no route"),
        ([StoreWriting(3, "no route")], "trade store", Light.AMBER, "3 changes of rows wait"),
        ([RealtimeState()], "Realtime", Light.GREEN, "live"),
        ([RealtimeState("gone")], "Realtime", Light.AMBER, "gone"),
        ([CacheState("price mirror")], "Redis", Light.GREEN, "price mirror"),
        ([CacheState("price mirror", "no answer")], "Redis", Light.AMBER, "no answer"),
        ([replace(WELL, refused="Invalid token")], "token", Light.RED, "Invalid token"),
        ([replace(WELL, skew_s=45.0)], "clock", Light.RED, "45 s ahead"),
        ([replace(WELL, orders_allowed=False)], "IP", Light.RED, "not the one registered"),
    ],
)
def test_each_trouble_is_a_line_with_its_light(rig, messages, name, light, words):
    """What was told as an alert stands in its line for as long as it lasts."""
    for message in messages:
        rig.tell(message)
    check = checks(rig)[name]
    assert check.light is light
    assert words in check.text


def test_books_that_cannot_be_read_are_red_and_green_again(rig):
    """The last read decides."""
    assert checks(rig)["broker's books"].light is Light.GREEN
    rig.tell(BrokerReport(999, rig.now_s, failed="no route"))
    assert checks(rig)["broker's books"] == ("broker's books", Light.RED, "cannot be read: no route")
    rig.tell(rig.report(1_000))
    assert checks(rig)["broker's books"].light is Light.GREEN


def test_a_halt_is_a_note_and_not_a_fault(rig):
    """The owner wanted it; nothing is broken."""
    rig.command(Wish.STOP)
    assert checks(rig)["rules"].light is Light.AMBER


def test_prices_that_stop_are_red_whatever_the_socket_says(rig):
    """A live socket that brings nothing is no feed."""
    rig.wait(90)
    assert checks(rig)["feed"].light is Light.RED


def test_a_lease_that_others_have_is_red():
    """And ours shows under which fence."""

    class Leased(Rig):
        lease = LeaseTerms("host:1:x", 30.0)

    rig = Leased(Mode.EXECUTE)
    assert checks(rig)["lease"].light is Light.RED


def test_in_simulate_no_order_updates_are_missed():
    """Orders are on paper: nothing is red that is not needed."""
    assert checks(Rig(Mode.SIMULATE))["order updates"].light is Light.GREEN


# ------------------------------------------------------------------------------------------- feed


def test_the_feed_is_told_by_group_the_oldest_first(rig):
    """Legs of one underlying are one group; ages are of this moment."""
    rig.wait(20)
    feed = feed_now(rig.monitor, rig.now_s)
    [group] = [g for g in feed.groups if g.name == "NIFTY options"]
    assert (group.wanted, group.priced, round(group.oldest_s)) == (4, 4, 20)
    assert feed.wanted == len(rig.monitor.holdings.subscribed)
    assert feed.oldest is not None
    assert round(feed.oldest[1]) == 20
    assert feed.missing == ()


def test_what_has_no_price_is_named():
    """Before the first tick nothing has one, and there is no oldest."""
    feed = feed_now(Rig().monitor, Rig().now_s)
    assert feed.oldest is None
    assert len(feed.missing) == feed.wanted == 4
    assert [g.oldest_s for g in feed.groups] == [None]


def test_each_time_that_the_feed_ceases_to_be_live_is_counted(rig):
    """Attempts to come back are none of them; a new day begins with none."""
    for state in (FeedState.STALE, FeedState.CONNECTING, FeedState.LIVE, FeedState.DOWN):
        rig.tell(FeedChanged(state, "x"))
        rig.now_s += 1
    assert len(feed_now(rig.monitor, rig.now_s).lost_s) == 2
    rig.now_s += 86_400
    rig.tell(Beat(BeatKind.PULSE))
    assert feed_now(rig.monitor, rig.now_s).lost_s == ()


# ------------------------------------------------------------------------------------------ drill


def test_a_drill_that_a_person_wants_answers_them_alone(rig):
    """It is held when the broker has answered; no alert rings for everybody."""
    before = len(rig.said)
    effects = rig.monitor.handle(DrillWanted(ASHA), rig.now_s)
    assert [e.event for e in effects if isinstance(e, Audit)] == ["drill wanted"]
    assert drill_now(rig.monitor, rig.now_s) is None
    rig.tell(WELL)
    [said] = rig.said[before:]
    assert isinstance(said, Say)
    assert said.to == ASHA
    assert "things were looked at" in said.text
    drilled = drill_now(rig.monitor, rig.now_s)
    assert drilled is not None
    assert drilled.at_s == rig.now_s
    rig.tell(WELL)
    assert len(rig.said) == before + 1


def test_a_drill_that_is_wanted_twice_asks_the_broker_once(rig):
    """A thumb that drums costs Dhan one question; each person is answered."""
    asked = [
        effect
        for _ in range(5)
        for effect in rig.monitor.handle(DrillWanted(ASHA), rig.now_s)
        if isinstance(effect, QueryAccount)
    ]
    assert len(asked) == 1
    rig.tell(WELL)
    assert len(rig.of(Say)) == 5


def test_what_is_red_is_named_in_the_answer(rig):
    """The person who asked need not look further."""
    rig.monitor.handle(DrillWanted(ASHA), rig.now_s)
    rig.tell(replace(WELL, refused="Invalid token"))
    said = rig.of(Say)[-1].text
    assert said.startswith("The drill has failed.")
    assert "RED · token: Invalid token" in said


def test_the_morning_s_drill_can_be_looked_at_later(rig):
    """Whoever missed its message finds it here."""
    rig.tell(Beat(BeatKind.DRILL))
    rig.tell(WELL)
    assert drill_now(rig.monitor, rig.now_s) is not None
