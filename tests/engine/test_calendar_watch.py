"""A day that the calendar does not cover, and the end of the calendar: alerts only, and told in time."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from engine.effects import Alert, Ask, Say
from engine.messages import Beat, BeatKind
from engine.model import Mode, Urgency
from engine.paper import PaperExchange
from engine.sessions import at, ist
from tests.engine.makers import leg, position
from tests.support.rig import Rig

MONDAY = date(2027, 1, 4)
MUHURAT = date(2026, 11, 8)
HELD = position(leg(65, 25000, "CE", 100, date(2027, 1, 26)), opened_at_s=at(MONDAY, "09:20"))
TARGET = 150


def health(rig, now_s):
    """The minute's look; what of the calendar is told."""
    rig.now_s = now_s
    before = len(rig.said)
    rig.tell(Beat(BeatKind.HEALTH))
    return [
        said for said in rig.said[before:] if isinstance(said, Alert) and said.topic.startswith("calendar")
    ]


@pytest.mark.parametrize("mode", [Mode.EXECUTE, Mode.SEMI_AUTO, Mode.SIMULATE])
def test_on_a_day_that_is_not_covered_a_rule_only_tells(mode):
    """The target is met and confirmed, the alert says why nothing happens, and nobody is asked."""
    rig = Rig(mode, HELD, now_s=at(MONDAY, "10:00"))
    rig.wait(1, 100)
    rig.wait(5, TARGET)
    assert not rig.placed
    assert not rig.of(Ask)
    (alert,) = [a for a in rig.of(Alert) if a.topic.startswith("profit_target")]
    assert alert.text.endswith("Nothing was sent: the calendar does not cover 04 Jan 2027.")


def test_on_the_last_day_that_is_covered_the_same_prices_end_in_orders():
    """It is the calendar alone that holds them back."""
    rig = Rig(Mode.EXECUTE, HELD, now_s=at(date(2026, 12, 31), "10:00"))
    rig.wait(1, 100)
    rig.wait(60, TARGET)
    assert rig.flat


def test_on_a_day_that_is_not_covered_an_exit_by_hand_is_refused():
    """Alerts only means no order at all; the answer names the reason."""
    rig = Rig(Mode.EXECUTE, HELD, now_s=at(MONDAY, "10:00"))
    rig.wait(1, 100)
    rig.command(strategy_id=HELD.strategy_id)
    assert "the calendar does not cover 04 Jan 2027" in rig.of(Say)[-1].text
    rig.wait(30, 100)
    assert not rig.placed
    assert rig.view.degraded == "the calendar does not cover 04 Jan 2027"


def test_an_exit_that_the_last_covered_day_left_open_waits():
    """It is not sent into a day nobody knows, whoever asked for it."""
    rig = Rig(Mode.EXECUTE, HELD, now_s=at(date(2026, 12, 31), "15:39"))
    rig.wait(1, 100)
    rig.command(strategy_id=HELD.strategy_id, confirmed=True)
    rig.wait(3)
    assert len(rig.placed) == 1
    rig.now_s = at(date(2026, 12, 31), "15:40")
    rig.tell(Beat(BeatKind.SESSION_CLOSE))
    rig.exchange = PaperExchange()
    rig.exchange.hold({HELD.legs[0].key: 65})
    rig.now_s = at(date(2027, 1, 1), "09:15")
    rig.wait(30, 100)
    assert len(rig.placed) == 1
    assert not rig.flat


def test_a_day_that_is_not_covered_is_told_once_a_day_restarts_included():
    """From half past eight on, with what to do; a restart at ten tells nothing new, the next day does."""
    rig = Rig(Mode.EXECUTE, HELD, now_s=at(MONDAY, "00:01"))
    assert health(rig, at(MONDAY, "08:29")) == []
    (alert,) = health(rig, at(MONDAY, "08:30"))
    assert alert.urgency is Urgency.HIGH
    assert "no order is sent, not even on /exit: use Dhan's app" in alert.text
    assert "SESSIONS_FILE" in alert.text
    assert health(rig, at(MONDAY, "08:31")) == []
    rig.now_s = at(MONDAY, "10:00")
    rig.start()
    assert health(rig, at(MONDAY, "10:01")) == []
    tuesday = MONDAY + timedelta(1)
    assert len(health(rig, at(tuesday, "08:30"))) == 1
    assert health(rig, at(tuesday, "15:00")) == []


def test_a_day_of_unknown_hours_is_told_as_that():
    """The Muhurat Sunday: no rule looks at it, and the owner knows."""
    rig = Rig(Mode.EXECUTE, HELD, now_s=at(MUHURAT, "08:00"))
    (alert,) = health(rig, at(MUHURAT, "09:00"))
    assert "Whether and when there is trading is not known" in alert.text


def test_the_end_of_the_calendar_is_told_in_steps():
    """From thirty days before, six times, and not again after a restart; days off count from the next on."""
    rig = Rig(Mode.EXECUTE, HELD, now_s=at(date(2026, 11, 28), "09:00"))
    told = []
    for day in range(33):
        now_s = at(date(2026, 11, 28) + timedelta(day), "09:00")
        told += [(f"{ist(now_s):%d %b}", alert.title) for alert in health(rig, now_s)]
        rig.start()
        assert health(rig, now_s + 60) == []
    assert told == [
        ("01 Dec", "The calendar ends in 30 days"),
        ("17 Dec", "The calendar ends in 14 days"),
        ("24 Dec", "The calendar ends in 7 days"),
        ("28 Dec", "The calendar ends in 3 days"),
        ("30 Dec", "The calendar ends in 1 day"),
    ]
    assert len(health(rig, at(date(2026, 12, 31), "09:00"))) == 1


def test_the_view_says_that_the_calendar_ends():
    """Beside the hours, in chat and table, for its last month."""
    rig = Rig(Mode.EXECUTE, HELD, now_s=at(date(2026, 11, 30), "10:00"))
    assert rig.view.session_text == "open until 15:40"
    rig.now_s = at(date(2026, 12, 1), "10:00")
    assert rig.view.session_text == "open until 15:40; the calendar ends on 31 Dec 2026"
