"""The chat's memory across restarts, and without a disk."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from bot import store as store_module
from bot.store import LIVING, CardPlace, ChatStore
from engine.messages import Wish


def test_an_update_is_seen_once_in_all_lives(tmp_path: Path):
    """After a restart the same update is still known."""
    first = ChatStore(tmp_path / "chat.sqlite3")
    assert first.first_sight("1/2/3")
    assert not first.first_sight("1/2/3")
    first.close()
    second = ChatStore(tmp_path / "chat.sqlite3")
    assert not second.first_sight("1/2/3")
    assert second.first_sight("1/2/4")
    second.close()


def test_a_question_keeps_its_place(tmp_path: Path):
    """Message, answer and buttons of a nonce survive a restart."""
    first = ChatStore(tmp_path / "new" / "chat.sqlite3")
    first.expect_card("n", "[[]]")
    assert first.card("n") == CardPlace(None, answered=False, keyboard="[[]]")
    first.place_card("n", 7)
    first.answer_card("n")
    first.close()
    second = ChatStore(tmp_path / "new" / "chat.sqlite3")
    assert second.card("n") == CardPlace(7, answered=True, keyboard="[[]]")
    assert second.card("other") is None
    second.close()


def test_messages_are_kept_until_forgotten(tmp_path: Path):
    """Oldest first, by number."""
    first = ChatStore(tmp_path / "chat.sqlite3")
    rows = [first.keep({"text": f"₹{n}"}) for n in range(3)]
    first.forget(rows[1])
    first.close()
    second = ChatStore(tmp_path / "chat.sqlite3")
    assert list(second.kept()) == [(rows[0], {"text": "₹0"}), (rows[2], {"text": "₹2"})]
    second.close()


def test_old_things_are_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The tables stay small, on disk as in memory."""
    monkeypatch.setattr(store_module, "SEEN_KEPT", 3)
    monkeypatch.setattr(store_module, "CARDS_KEPT", 2)
    store = ChatStore(tmp_path / "chat.sqlite3")
    for n in range(5):
        store.first_sight(str(n))
        store.place_card(f"n{n}", n)
    store.close()
    again = ChatStore(tmp_path / "chat.sqlite3")
    assert not again.first_sight("4")
    assert again.first_sight("0")
    assert again.card("n0") is None
    assert again.card("n4") == CardPlace(4)
    again.close()


def test_living_messages_outlive_the_questions_and_keep_their_pin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """However many cards come after them; another message is another pin, and the forgotten are gone."""
    monkeypatch.setattr(store_module, "CARDS_KEPT", 2)
    store = ChatStore(tmp_path / "chat.sqlite3")
    store.place_card(f"{LIVING}summary", 7)
    store.pin_card(f"{LIVING}summary")
    store.place_card(f"{LIVING}summary", 7)
    for n in range(5):
        store.place_card(f"n{n}", n)
    store.close()
    again = ChatStore(tmp_path / "chat.sqlite3")
    assert again.living() == (f"{LIVING}summary",)
    assert again.card(f"{LIVING}summary") == CardPlace(7, pinned=True)
    again.place_card(f"{LIVING}summary", 8)
    assert again.card(f"{LIVING}summary") == CardPlace(8)
    again.forget_card(f"{LIVING}summary")
    assert again.living() == ()
    again.close()


def test_a_damaged_file_makes_it_forgetful_not_mute(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """The chat goes on in memory, says so once, and leaves the file for a person to look at."""
    path = tmp_path / "chat.sqlite3"
    path.write_bytes(b"this is not a database, " * 100)
    with caplog.at_level(logging.ERROR):
        store = ChatStore(path)
    assert not store.durable
    assert store.first_sight("1")
    assert not store.first_sight("1")
    store.place_card("n", 7)
    assert store.card("n") == CardPlace(7)
    assert len(caplog.records) == 1
    assert path.read_bytes().startswith(b"this is not")
    store.close()


def test_a_disk_that_stops_taking_writes(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Memory stays right, the fault is said once, nothing is raised."""
    path = tmp_path / "chat.sqlite3"
    store = ChatStore(path)
    other = sqlite3.connect(path)
    other.executescript("DROP TABLE seen; DROP TABLE cards; DROP TABLE outbox;")
    other.close()
    with caplog.at_level(logging.ERROR):
        assert store.first_sight("1")
        assert not store.first_sight("1")
        store.place_card("n", 7)
        assert store.keep({"a": 1}) == 0
    assert store.card("n") == CardPlace(7)
    assert not store.durable
    assert len(caplog.records) == 1
    store.close()


def test_a_file_of_an_older_version_is_taken_over(tmp_path: Path):
    """Its questions stay answerable; what yes would do is not known of them, but of new ones it is."""
    path = tmp_path / "chat.sqlite3"
    old = sqlite3.connect(path, isolation_level=None)
    old.execute(
        "CREATE TABLE cards (nonce TEXT PRIMARY KEY, message_id INTEGER, answered INTEGER NOT NULL,"
        " keyboard TEXT NOT NULL, doubtful INTEGER NOT NULL) STRICT"
    )
    old.execute("INSERT INTO cards VALUES ('old', 7, 0, '[]', 0)")
    old.close()
    store = ChatStore(path)
    store.expect_card("HUF/new", "[]", Wish.FLATTEN)
    store.close()
    again = ChatStore(path)
    assert again.durable
    assert again.card("old") == CardPlace(7, keyboard="[]")
    assert again.card("HUF/new") == CardPlace(keyboard="[]", wish=Wish.FLATTEN)
    again.close()


def test_half_a_character_is_kept_as_it_will_be_told(tmp_path: Path):
    """No encoding has a lone surrogate, and an alert that cannot be kept would not be told either."""
    first = ChatStore(tmp_path / "chat.sqlite3")
    first.note("alarm", "topic \ud83d", {"title": "Order \ud83d refused"})
    first.keep({"text": "so \ud83d"})
    assert first.notes("alarm") == [{"title": "Order ? refused"}]
    assert [body for _, body in first.kept()] == [{"text": "so ?"}]
    first.unnote("alarm", "topic \ud83d")
    assert first.notes("alarm") == []
    first.close()
