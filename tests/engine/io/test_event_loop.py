"""Which event loop a house runs in."""

from __future__ import annotations

import asyncio
import sys

import uvloop

from engine.io import event_loop
from engine.io.inbox import TURN_S, Inbox
from engine.messages import Beat, BeatKind, Tick
from engine.model import InstrumentKey
from engine.words import LoopChoice


async def here() -> asyncio.AbstractEventLoop:
    """The loop that this runs in."""
    return asyncio.get_running_loop()


def test_a_house_runs_in_uvloop_where_it_is_installed():
    """Nothing has to be set for that."""
    assert isinstance(event_loop.run(here()), uvloop.Loop)


def test_the_owner_may_want_pythons_own_loop():
    """Should uvloop be the trouble."""
    assert not isinstance(event_loop.run(here(), LoopChoice.ASYNCIO), uvloop.Loop)


def test_without_uvloop_nothing_is_missing(monkeypatch):
    """It is not among the requirements."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert not isinstance(event_loop.run(here()), uvloop.Loop)


def test_a_loop_whose_time_stands_still_lets_others_have_it_all_the_same(monkeypatch):
    """As that of uvloop does within a round: a button must not wait for a thousand ticks."""
    now_s = [0.0]
    monkeypatch.setattr("engine.io.inbox.monotonic", lambda: now_s[0])

    async def handled() -> int:
        inbox = Inbox()
        inbox.post_ticks([Tick(InstrumentKey(at), 100, 0) for at in range(1_000)])
        asyncio.get_running_loop().call_soon(inbox.post, Beat(BeatKind.SYNC))
        number = 0
        while type(await inbox.get()) is not Beat:
            number += 1
            now_s[0] += TURN_S
        return number

    assert event_loop.run(handled()) <= 2


def test_a_uvloop_for_another_python_is_told_and_left_alone(monkeypatch, tmp_path, caplog):
    """The house starts all the same: a watchman that does not start watches nothing."""
    (tmp_path / "uvloop.py").write_text("raise ImportError('undefined symbol: uv_loop_init')")
    monkeypatch.delitem(sys.modules, "uvloop")
    monkeypatch.syspath_prepend(tmp_path)
    assert not isinstance(event_loop.run(here()), uvloop.Loop)
    assert "undefined symbol" in caplog.text
