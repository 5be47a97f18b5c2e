"""The day's digest: once after the close, through restarts, and never of a day nobody saw."""

from __future__ import annotations

from datetime import date

from engine.effects import Digest
from engine.messages import Beat, BeatKind
from engine.model import Mode
from engine.sessions import at
from tests.support.rig import Rig

DAY = date(2026, 2, 3)
DOWN = (20, 75, 40, 18)


def closed():
    """A rig whose session has just closed at a loss."""
    rig = Rig(Mode.ALERT_ONLY, now_s=at(DAY, "15:28"))
    rig.wait(119, *DOWN)
    rig.now_s = at(DAY, "15:30")
    rig.tell(Beat(BeatKind.SESSION_CLOSE))
    return rig


def minute(rig):
    """A minute passes: store and books are read, then the house looks at itself."""
    rig.now_s += 60
    rig.tell(Beat(BeatKind.SYNC))
    rig.tell(Beat(BeatKind.HEALTH))


def test_it_comes_once_after_the_close():
    """The close itself first: its sample is in it; then never again that day."""
    rig = closed()
    assert rig.of(Digest) == []
    for _ in range(5):
        minute(rig)
    [digest] = rig.of(Digest)
    assert (digest.day.now_paise, digest.day.samples[-1].at_s) == (-195_000, at(DAY, "15:30"))
    assert [chart.total_paise for chart in digest.spans] == [-195_000, -195_000]


def test_a_restart_does_not_tell_it_again():
    """The journal knows which day was told."""
    rig = closed()
    minute(rig)
    rig.start()
    minute(rig)
    assert len(rig.of(Digest)) == 1


def test_a_restart_after_the_close_tells_what_the_last_life_could_not():
    """The day is in the journal, and nobody was told."""
    rig = closed()
    rig.now_s = at(DAY, "19:00")
    rig.start()
    minute(rig)
    assert len(rig.of(Digest)) == 1


def test_a_day_of_which_nothing_was_seen_is_not_told():
    """Neither today's, by who starts in the evening, nor yesterday's in the morning or on a holiday."""
    rig = Rig(Mode.ALERT_ONLY, now_s=at(DAY, "18:00"))
    minute(rig)
    late = closed()
    late.now_s = at(date(2026, 2, 4), "08:00")
    late.start()
    minute(late)
    late.now_s = at(date(2026, 2, 7), "18:00")
    minute(late)
    assert rig.of(Digest) == late.of(Digest) == []


def test_the_next_session_has_its_own():
    """One a day."""
    rig = closed()
    minute(rig)
    rig.now_s = at(date(2026, 2, 4), "15:28")
    rig.wait(119, *DOWN)
    rig.now_s = at(date(2026, 2, 4), "15:31")
    minute(rig)
    assert [digest.day.day.day for digest in rig.of(Digest)] == [3, 4]


def test_it_says_whether_store_and_broker_agree_after_the_close():
    """By what was read since then; a difference names its positions."""
    rig = closed()
    minute(rig)
    assert rig.of(Digest)[0].books == "Trade store and broker agree."
    rig = closed()
    rig.exchange.hold({leg.key: 2 * leg.quantity for leg in rig.legs})
    rig.now_s -= 120  # a quarter of a minute more of the session would do; two reads have to agree
    for _ in range(8):
        rig.now_s += 15
        rig.tell(Beat(BeatKind.SYNC))
    minute(rig)
    assert rig.of(Digest)[0].books == "Trade store and broker differ in 3359."


def test_it_waits_for_the_books_and_not_for_ever():
    """Seven minutes; then it says that they have not been read."""
    rig = closed()
    rig.broker_answers = False
    for _ in range(6):
        minute(rig)
    assert rig.of(Digest) == []
    minute(rig)
    [digest] = rig.of(Digest)
    assert digest.books == "The books have not been read since the close."


def test_on_paper_nobody_asks_the_broker():
    """And the digest waits for nothing."""
    rig = closed()
    rig.monitor.helm.mode = Mode.SIMULATE
    rig.now_s += 60
    rig.tell(Beat(BeatKind.HEALTH))
    assert rig.of(Digest)[0].books == ""
