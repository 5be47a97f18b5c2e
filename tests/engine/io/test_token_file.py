"""The token's file: taken over while we run, refused when others may read it, kept after a renewal."""

from __future__ import annotations

import asyncio
import os
import stat
import threading

import pytest

from engine.io.token_file import LOOK_S, MINT_EVERY_S, TokenFile
from tests.engine.wire.test_token import token
from tests.support.clock import VirtualClock

OLD, NEW = token({"exp": 1_770_000_000}), token({"exp": 1_770_090_000})


def drop(directory, text, mode=0o600):
    """Put that text where the token is looked for, as an owner would."""
    file = directory / "token"
    file.unlink(missing_ok=True)
    file.write_text(text)
    file.chmod(mode)


@pytest.fixture
def learnt():
    return []


def test_without_a_file_the_settings_token_counts(tmp_path, learnt):
    """Nothing is learnt: the log knows the settings."""
    made = TokenFile(tmp_path, "first", learnt.append)
    assert (made.reveal(), made.number, made.note, learnt) == ("first", 1, "", [])


@pytest.mark.parametrize(
    ("first", "kept", "counts"),
    [(OLD, NEW, NEW), (NEW, OLD, NEW), ("unclear", "kept", "kept")],
)
def test_at_the_start_the_one_that_ends_later_counts(tmp_path, learnt, first, kept, counts):
    """A renewed token outlives a restart; a newer one in the settings beats an old file."""
    drop(tmp_path, kept)
    assert TokenFile(tmp_path, first, learnt.append).reveal() == counts


def test_a_new_file_is_taken_over_without_a_restart(tmp_path, learnt):
    """Whatever it claims: the owner put it there. The log knows it before anybody else."""
    made = TokenFile(tmp_path, NEW, lambda secret: learnt.append((secret, made._token)))
    drop(tmp_path, OLD + "\n")
    assert (made.reveal(), made.number) == (OLD, 2)
    assert learnt == [(OLD, NEW)]
    drop(tmp_path, f"  {OLD} ")
    assert (made.reveal(), made.number) == (OLD, 2)
    (tmp_path / "token").unlink()
    assert made.reveal() == OLD


@pytest.mark.parametrize(
    ("text", "mode", "fault"),
    [
        ("secret", 0o644, "others on this host may read it (mode 644)"),
        ("secret words", 0o600, "expected one word"),
        ("", 0o600, "expected one word"),
        ("sécret", 0o600, "expected one word"),
    ],
)
def test_a_file_that_cannot_be_used_leaves_the_token_as_it_is(tmp_path, learnt, text, mode, fault):
    """It says why, without the content, and is well again once it is mended."""
    made = TokenFile(tmp_path, "first", learnt.append)
    drop(tmp_path, text, mode)
    assert made.reveal() == "first"
    assert fault in made.note
    assert "cret" not in made.note
    drop(tmp_path, "third")
    assert (made.reveal(), made.note) == ("third", "")


def test_a_renewed_token_is_kept_for_its_owner_alone(tmp_path, learnt):
    """In use at once, in the file with mode 600, and not taken for news of the owner's."""
    made = TokenFile(tmp_path, OLD, learnt.append)
    made.put(NEW)
    assert (made.reveal(), made.number, learnt) == (NEW, 2, [NEW])
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert TokenFile(tmp_path, OLD, learnt.append).reveal() == NEW


def test_a_renewed_token_that_cannot_be_kept_is_in_use_all_the_same(tmp_path, learnt):
    """The old one is dead at the broker."""
    made = TokenFile(tmp_path, OLD, learnt.append)
    (tmp_path / "token").mkdir()
    with pytest.raises(OSError, match="token"):
        made.put(NEW)
    assert made._token == NEW


def test_one_token_in_two_minutes_also_after_a_restart(tmp_path, learnt):
    """The moment is on disk before the broker is asked; where it cannot be, none is made."""
    assert TokenFile(tmp_path, OLD, learnt.append).may_mint(1_000.0)
    again = TokenFile(tmp_path, OLD, learnt.append)
    assert not again.may_mint(1_000.0 + MINT_EVERY_S - 1)
    assert again.may_mint(1_000.0 + MINT_EVERY_S)
    (tmp_path / "token-minted").unlink()
    (tmp_path / "token-minted").mkdir()
    assert not again.may_mint(9_000.0)


async def test_the_watch_tells_the_first_look_and_each_change(tmp_path, learnt):
    """Also that a file cannot be used."""
    clock, news = VirtualClock(), asyncio.Queue()
    made = TokenFile(tmp_path, "first", learnt.append)
    task = asyncio.create_task(made.watch(lambda: news.put_nowait(made.number), clock))
    async with asyncio.timeout(5):
        assert await news.get() == 1
        drop(tmp_path, "second")
        while news.empty():
            await clock.advance(LOOK_S)
        assert await news.get() == 2
        drop(tmp_path, "third", 0o640)
        while news.empty():
            await clock.advance(LOOK_S)
        assert (await news.get(), bool(made.note)) == (2, True)
    task.cancel()
    await asyncio.wait({task})


def test_a_disk_that_takes_its_time_with_a_renewed_token_holds_up_nobody_who_asks(
    tmp_path, learnt, monkeypatch
):
    """Orders ask for it in the loop; the new one counts from the moment it is there, kept or not."""
    made = TokenFile(tmp_path, OLD, learnt.append)
    writing, written = threading.Event(), threading.Event()

    def slow(_descriptor):
        writing.set()
        written.wait(10.0)

    monkeypatch.setattr(os, "fsync", slow)
    renewal = threading.Thread(target=made.put, args=(NEW,))
    renewal.start()
    asked: list[str] = []
    asking = threading.Thread(target=lambda: asked.append(made.reveal()))
    try:
        assert writing.wait(10.0)
        asking.start()
        asking.join(10.0)
        assert asked == [NEW]
    finally:
        written.set()
        renewal.join()
        asking.join()
    assert (made.reveal(), made.number, (tmp_path / "token").read_text()) == (NEW, 2, NEW + "\n")
