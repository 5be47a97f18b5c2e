"""What of a handled message is written down, and with what a file begins."""

from __future__ import annotations

import struct
from dataclasses import replace
from decimal import Decimal

from engine.effects import Alert, Audit, CancelOrder, PlaceOrder, Record, Subscribe
from engine.messages import (
    Actor,
    Beat,
    BeatKind,
    Command,
    FeedChanged,
    FeedState,
    Tick,
    Ticks,
    TradesLoaded,
    Wish,
)
from engine.model import ExitLevel, Urgency
from engine.recording.entries import Book, Note, Offer, Prices, tick_values
from engine.recording.plain import (
    instrument_from,
    instrument_to,
    level_from,
    level_to,
    row_from,
    row_to,
)
from engine.recording.scribe import Opening, Scribe
from tests.engine.io.test_runner import ORDER
from tests.engine.makers import condor, future, option
from tests.support.rig import rows_of

ROWS = tuple(rows_of(condor()))
LEVEL = ExitLevel(1, 3359, "stop_loss", "primary", "percentage", Decimal("50.00"), Decimal(25))


def scribe(**kept):
    return Scribe(Opening("default", "simulate", {"ioc": False}, kept, lambda: "# mine"))


def deep(key, *, bid=100, units=65):
    """A tick with five levels, each five paise and as many units further away."""
    levels = b"".join(
        struct.pack("<IIHHff", units * n, units * n, 1, 1, (bid - 5 * n) / 100, (bid + 5 * n) / 100)
        for n in range(1, 6)
    )
    return Tick(key, bid, 0, bid - 5, units, bid + 5, units, 9, 9, levels)


def kinds(entries):
    return [entry.kind for entry in entries if isinstance(entry, Note)]


def test_ticks_are_written_as_they_came_and_the_book_once_a_minute():
    """Every tick; of its five levels one look a minute for each contract."""
    key, told = option(25000, "CE").key, scribe()
    first = told.take(Ticks([deep(key)]), 100.0, [])
    assert [type(entry) for entry in first] == [Prices, Book]
    assert tick_values(first[0].ticks[0]) == tick_values(deep(key))
    assert first[1].bids[:2] == (Offer(95, 65), Offer(90, 130))
    assert first[1].asks[4] == Offer(125, 325)
    assert [type(entry) for entry in told.take(Ticks([deep(key)]), 159.9, [])] == [Prices]
    assert [type(entry) for entry in told.take(Ticks([deep(key)]), 160.0, [])] == [Prices, Book]


def test_two_messages_never_share_a_moment():
    """Also when the clock stands or goes back: their order is known wherever they are kept."""
    told = scribe()
    moments = [told.take(Beat(BeatKind.PULSE), now_s, [])[0].at_us for now_s in (5.0, 5.0, 4.0, 6.0)]
    assert moments == [5_000_000, 5_000_001, 5_000_002, 6_000_000]


def test_rows_are_written_when_they_are_others_than_before():
    """The store is read twice a minute; what it says changes a few times a day. A failed read is none."""
    told, loaded = scribe(), TradesLoaded(ROWS, levels=(LEVEL,))
    assert kinds(told.take(loaded, 1.0, [])) == ["rows"]
    assert kinds(told.take(replace(loaded, began_s=2.0), 2.0, [])) == []
    assert kinds(told.take(TradesLoaded(None, "away"), 3.0, [])) == []
    assert kinds(told.take(TradesLoaded(ROWS[:2], levels=(LEVEL,)), 4.0, [])) == ["rows"]


def test_decisions_and_orders_are_written_and_peaks_are_kept_for_the_next_file():
    """An audit line, an order, an alert: notes. A position's memory: only with what the next file begins."""
    told = scribe(memory={"default/1": {"peak": 1}})
    effects = [
        Audit("verdict", {"position": "default/3359"}), PlaceOrder(ORDER), CancelOrder("7", "P-1"),
        Record("order", "P-1", {"id": "P-1"}), Record("memory", "default/3359", {"peak": 5}),
        Alert(Urgency.HIGH, "t", "title", "text"),
    ]  # fmt: skip
    entries = told.take(Beat(BeatKind.PULSE), 1.0, effects)
    assert kinds(entries) == ["beat", "audit", "place", "cancel", "order", "alert"]
    (kept,) = [entry.data for entry in told.standing(2.0) if entry.kind == "kept"]
    assert kept["memory"] == {"default/1": {"peak": 1}, "default/3359": {"peak": 5}}


def test_a_new_file_begins_with_all_that_still_holds():
    """Who it is of, its rules, the journal's peaks, contracts, rows and the state of the feed."""
    told = scribe()
    assert kinds(told.standing(1.0)) == ["head", "rules", "kept", "instruments"]
    told.take(TradesLoaded(ROWS), 2.0, [Subscribe(tuple(leg.instrument for leg in condor().legs))])
    told.take(FeedChanged(FeedState.LIVE, "all is well"), 3.0, [])
    standing = {entry.kind: entry.data for entry in told.standing(4.0)}
    assert standing["head"] == {"account": "default", "mode": "simulate", "tuning": {"ioc": False}}
    assert standing["rules"]["text"] == "# mine"
    assert [row_from(row) for row in standing["rows"]["rows"]] == list(ROWS)
    assert [instrument_from(each) for each in standing["instruments"]["all"]] == [
        leg.instrument for leg in condor().legs
    ]
    assert standing["feed"]["state"] == "live"
    assert kinds(told.standing(5.0, again=True))[0] == "rules", "a gap is no start of the house"


def test_a_typed_code_is_not_written():
    """Who reads the record must not learn what loosens a rule."""
    asked = Command(Wish.CODE, Actor(1, 1, "Asha"), value="493021")
    (note,) = scribe().take(asked, 1.0, [])
    assert note.data["by"] == "Asha"
    assert "493021" not in str(note)


def test_rows_levels_and_contracts_come_back_as_they_were():
    """Futures without right or strike, levels with exact numbers."""
    assert [row_from(row_to(row)) for row in ROWS] == list(ROWS)
    assert level_from(level_to(LEVEL)) == LEVEL
    for instrument in (option(25000, "PE", freeze=1800), future(65, 25000).instrument):
        assert instrument_from(instrument_to(instrument)) == instrument
