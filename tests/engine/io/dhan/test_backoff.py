"""When to come back: a pause for every reason."""

from __future__ import annotations

import pytest

from engine.io.dhan.backoff import Backoff, Cut, Pause, Why, cut_by_code, cut_by_status


def pauses(why: Why, times: int, jitter: float = 0.0) -> list[Pause]:
    """The pauses after so many cuts of one kind in a row."""
    backoff = Backoff(lambda: jitter)
    return [backoff.after(Cut(why, "")) for _ in range(times)]


def test_a_lost_connection_comes_back_soon():
    """The first return is after one to two seconds, then slower, never slower than fifteen."""
    assert [pause.seconds for pause in pauses(Why.LOST, 6)] == [1, 2, 4, 8, 15, 15]
    assert pauses(Why.LOST, 1, jitter=0.99)[0].seconds == pytest.approx(1.99)
    assert not any(pause.alarm for pause in pauses(Why.LOST, 50))


def test_too_many_attempts_wait_minutes():
    """HTTP 429 counts for the whole account: one minute to five, and the second one is told."""
    assert [pause.seconds for pause in pauses(Why.BUSY, 5)] == [60, 120, 240, 300, 300]
    assert not any(pause.until_renewed for pause in pauses(Why.BUSY, 2))
    assert [pause.alarm for pause in pauses(Why.BUSY, 3)] == [False, True, False]
    assert all(60 <= (pause.seconds or 0) <= 300 for pause in pauses(Why.BUSY, 9, jitter=0.99))


def test_refused_stays_away():
    """What will not change by itself is not tried again, and a person is told."""
    assert pauses(Why.REFUSED, 1) == [Pause(None, alarm=True)]


def test_too_many_connections_come_back_once():
    """Five minutes leave room to whoever took the place, and are told; then the place is theirs."""
    first, second = pauses(Why.CROWDED, 2, jitter=0.5)
    assert first == Pause(330, alarm=True, until_renewed=False)
    assert second == Pause(None, alarm=True)


def test_being_turned_away_repeatedly_is_told_once():
    """One reset after connecting means nothing; the fifth in a row says the token is dead."""
    assert [pause.alarm for pause in pauses(Why.TURNED_AWAY, 7)] == [False] * 4 + [True] + [False] * 2
    assert [pause.alarm for pause in pauses(Why.TOKEN, 2)] == [True, False]
    assert pauses(Why.TOKEN, 9)[-1].seconds == 60


def test_data_make_old_failures_forgotten():
    """After the connection has settled, the next pause is short again."""
    backoff = Backoff(lambda: 0.0)
    for _ in range(5):
        backoff.after(Cut(Why.LOST, ""))
    backoff.settled()
    assert backoff.after(Cut(Why.LOST, "")).seconds == 1


def test_another_token_starts_afresh():
    """What a bad token caused says nothing of the next one; being too busy is the account's, not its."""
    backoff = Backoff(lambda: 0.0)
    for why in (Why.TOKEN, Why.TURNED_AWAY, Why.BUSY):
        backoff.after(Cut(why, ""))
    backoff.renewed()
    assert backoff.after(Cut(Why.TOKEN, "")) == Pause(1, alarm=True)
    assert backoff.after(Cut(Why.TURNED_AWAY, "")).seconds == 1
    assert backoff.after(Cut(Why.BUSY, "")).seconds == 120


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (804, Why.REFUSED),
        (805, Why.CROWDED),
        (806, Why.REFUSED),
        (807, Why.TOKEN),
        (808, Why.REFUSED),
        (809, Why.REFUSED),
        (810, Why.REFUSED),
        (814, Why.REFUSED),
        (800, Why.LOST),
        (9, Why.LOST),
    ],
)
def test_reason_codes(code: int, why: Why):
    """Each reason code of a disconnect packet has its kind, and its number is told."""
    cut = cut_by_code(code, "words")
    assert cut.why is why
    assert str(code) in cut.detail


@pytest.mark.parametrize(
    ("status", "why"),
    [(429, Why.BUSY), (400, Why.REFUSED), (401, Why.REFUSED), (403, Why.REFUSED), (502, Why.LOST)],
)
def test_handshake_statuses(status: int, why: Why):
    """A refused handshake stays refused, a gateway's trouble passes, 429 waits."""
    assert cut_by_status(status).why is why
