"""Prices at the close of what exits have traded: asked for once, kept once, never made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from engine.effects import QueryQuotes
from engine.messages import Beat, BeatKind, OrderUpdate, QuotesRead
from engine.model import Mode
from engine.sessions import at
from tests.engine.makers import condor, leg, position, quote
from tests.support.rig import Rig

DAY = date(2026, 2, 3)
ENTRY, PROFIT, CLOSE = (20, 45, 40, 18), (8, 18, 20, 9), (1, 30, 12, 4)
MIDS = [100, 3_000, 1_200, 400]


class Asked(Rig):
    """A rig whose broker answers questions for quotes with these mids (rupees), None = it does not."""

    mids: tuple[float, ...] | None = CLOSE

    def start(self):
        self.questions = []
        super().start()

    def ask_the_world(self, effect):
        if isinstance(effect, QueryQuotes):
            self.questions.append(effect.keys)
            if self.mids is None:
                return []
            mids = dict(zip([each.key for each in self.legs], self.mids, strict=True))
            ticks = [quote(key, mids[key] - 0.05, mids[key] + 0.05) for key in effect.keys]
            return [QuotesRead(tuple(ticks), self.now_s)]
        return super().ask_the_world(effect)

    def until(self, clock):
        """Let the rest of the day pass to this moment, only its last minute by the pulse."""
        self.now_s = at(DAY, clock) - 60
        self.wait(60)

    @property
    def kept(self):
        return self.journal.get("hindsight", {})


@pytest.fixture
def rig():
    """The condor was closed at its target in the morning."""
    made = Asked(Mode.EXECUTE)
    made.wait(1, *ENTRY)
    made.wait(60, *PROFIT)
    assert made.flat
    return made


def close(rig):
    """The session ends."""
    rig.now_s = at(DAY, "15:30")
    rig.tell(Beat(BeatKind.SESSION_CLOSE))


def mids_of(rig):
    """What the record of the close's prices has."""
    return dict(zip([str(each.key) for each in rig.legs[:4]], MIDS, strict=True))


def test_the_close_keeps_the_prices_of_what_was_traded(rig):
    """One question in the last minute for what the feed carries no more; the answers are in the record."""
    rig.until("15:29")
    assert rig.questions == []
    rig.wait(59.5)
    assert len(rig.questions) == 1
    assert set(rig.questions[0]) == {each.key for each in rig.legs}
    close(rig)
    assert rig.kept == {"2026-02-03": {"at": "2026-02-03T15:30:00+05:30", "mids": mids_of(rig)}}


def test_what_is_not_answered_is_asked_again_and_then_left_out(rig):
    """Three times in all; no price of the morning stands in for one of the close."""
    rig.mids = None
    rig.until("15:30")
    assert len(rig.questions) == 3
    close(rig)
    assert rig.kept["2026-02-03"]["mids"] == {}


def test_prices_that_the_feed_still_brings_are_not_asked_for():
    """Another position holds the same contracts."""
    other = replace(condor(), strategy_id=3360)
    rig = Asked(Mode.EXECUTE, condor(), other)
    rig.wait(1, *ENTRY, *ENTRY)
    rig.command(strategy_id=3359, confirmed=True)
    rig.wait(60, *ENTRY, *ENTRY)
    rig.now_s = at(DAY, "15:29")
    rig.wait(60, *CLOSE, *CLOSE)
    assert rig.questions == []
    close(rig)
    assert rig.kept["2026-02-03"]["mids"] == mids_of(rig)


def test_a_restart_in_the_last_minute_asks_anew(rig):
    """What was asked before is forgotten, which contracts is known from the journal."""
    rig.until("15:30")
    rig.start()
    rig.now_s -= 10
    rig.wait(10)
    assert len(rig.questions) == 1
    close(rig)
    assert rig.kept["2026-02-03"]["mids"] == mids_of(rig)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_second_close_of_a_day_takes_nothing_from_its_record(rig, restarted):
    """A clock was set back, or a house begun again: what it does not know any more stays as it was."""
    rig.until("15:30")
    close(rig)
    if restarted:
        rig.start()
    rig.now_s += 10
    rig.tell(Beat(BeatKind.SESSION_CLOSE))
    assert rig.kept["2026-02-03"]["mids"] == mids_of(rig)


def test_a_second_close_of_a_day_adds_what_the_first_had_not(rig):
    """The clock was set back by half a minute after a close to which the broker had not answered."""
    rig.mids = None
    rig.until("15:30")
    close(rig)
    assert rig.kept["2026-02-03"]["mids"] == {}
    rig.mids = CLOSE
    rig.now_s -= 30
    rig.wait(29)
    close(rig)
    assert rig.kept["2026-02-03"]["mids"] == mids_of(rig)


def test_while_an_exit_runs_quotes_are_asked_for_it_alone():
    """The broker allows one such question a second; what has ended is asked for once the exit has, too."""
    other = position(leg(65, 26000, "CE", 10), strategy="Long Call", strategy_id=3360)
    rig = Asked(Mode.EXECUTE, condor(), other)
    rig.mids = (*CLOSE, 10)
    ended, key = {each.key for each in rig.legs[:4]}, rig.legs[4].key
    rig.wait(1, *ENTRY, 10)
    rig.wait(60, *PROFIT, 10)
    rig.now_s = at(DAY, "15:29")
    rig.wait(1, *CLOSE, 10)
    rig.command(strategy_id=3360, confirmed=True)
    rig.wait(40)
    assert list(rig.monitor.desk.live())
    assert all(ended.isdisjoint(keys) for keys in rig.questions)
    for row in rig.exchange.quote(quote(key, 9.95, 10.05)):
        rig.tell(OrderUpdate(row))
    rig.wait(15)
    assert not list(rig.monitor.desk.live())
    close(rig)
    assert rig.kept["2026-02-03"]["mids"] == mids_of(rig) | {str(key): 1_000}


def test_answers_of_the_morning_are_no_prices_of_the_close():
    """Nothing was asked in the last minute, since an exit ran in all of it."""
    rig = Asked(Mode.EXECUTE)
    rig.wait(1, *ENTRY)
    rig.wait(60, *PROFIT)
    assert rig.flat
    ticks = [quote(each.key, 1.0, 1.1) for each in rig.legs]
    rig.tell(QuotesRead(tuple(ticks), rig.now_s))
    close(rig)
    assert rig.kept["2026-02-03"]["mids"] == {}


def test_a_day_without_exits_keeps_nothing():
    """And asks nothing."""
    rig = Asked(Mode.EXECUTE)
    rig.now_s = at(DAY, "15:29")
    rig.wait(60, *ENTRY)
    close(rig)
    assert (rig.questions, rig.kept) == ([], {})
