"""The story of an exit in the log: every state once, with the ids by which it is found."""

from __future__ import annotations

import logging

import pytest

from engine.effects import Record
from engine.io.logbook import _MOST, Logbook
from engine.messages import Beat, BeatKind, FeedChanged, FeedState, RealtimeState
from engine.model import Mode
from tests.support.rig import Rig

PRICES = (20.0, 45.0, 50.0, 22.0)


@pytest.fixture
def book(caplog):
    """A logbook whose lines are caught."""
    caplog.set_level(logging.INFO)
    return Logbook()


def test_an_exit_is_told_from_verdict_to_flat_with_all_of_its_ids(book, caplog):
    """Each order by its states; the same state twice is one line."""

    class Told(Rig):
        def do(self, effect):
            if isinstance(effect, Record):
                book.note(effect)
                book.note(effect)
            return super().do(effect)

    rig = Told(Mode.EXECUTE)
    rig.wait(1, *PRICES)
    rig.command(strategy_id=3359, confirmed=True)
    for ask in [each for each in rig.said if type(each).__name__ == "Ask"]:
        rig.tap(ask.nonce)
    rig.wait(60, *PRICES)
    assert rig.flat
    told = [record for record in caplog.records if record.name == "engine.io.orders"]
    assert {record.strategy for record in told} == {"3359"}
    assert {record.account for record in told} == {"default"}
    (intent,) = {record.intent for record in told}
    orders = {record.order for record in told if record.order}
    assert len(orders) >= 4
    assert all(intent in order for order in orders)
    texts = [(record.order, record.getMessage()) for record in told]
    assert len(set(texts)) == len(texts)
    assert [text for order, text in texts if not order][-1].endswith(": flat")


def test_feed_and_realtime_are_told_when_they_change(book, caplog):
    """A state of the feed each time, Realtime at its fall and when it is back."""
    book.listen(FeedChanged(FeedState.DOWN, "no route"))
    book.listen(Beat(BeatKind.PULSE))
    for failed in ("", "away", "away", "", ""):
        book.listen(RealtimeState(failed))
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("engine.io.feed", "down: no route"),
        ("engine.io.stores.realtime", "away: away"),
        ("engine.io.stores.realtime", "told again"),
    ]


def test_its_memory_has_an_end(book):
    """Years of exits leave no more than a thousand behind."""
    for number in range(_MOST + 50):
        row = {"id": f"i{number}", "position": "default/1", "title": "x", "state": "flat", "note": ""}
        book.note(Record("intent", row["id"], row))
    assert len(book._positions) == len(book._told) == _MOST
