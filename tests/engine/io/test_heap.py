"""The collector leaves alone what lives as long as the house, and gets it back when that ends."""

from __future__ import annotations

import asyncio
import gc

from engine.io.heap import START_S, THRESHOLDS, settled


async def test_what_is_there_after_the_start_is_set_aside_until_the_house_ends(monkeypatch):
    """Once at the beginning and once when all has been read; afterwards everything is as it was."""
    loop, later = asyncio.get_running_loop(), []

    def call_later(after_s, do):
        later.append((after_s, do))
        return loop.call_soon(int)

    monkeypatch.setattr(loop, "call_later", call_later)
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with settled():
        first = gc.get_freeze_count()
        assert first > frozen
        assert gc.get_threshold() == THRESHOLDS
        made = [[] for _ in range(1_000)]
        ((after_s, do),) = later
        assert after_s == START_S
        do()
        assert gc.get_freeze_count() >= first + len(made)
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == before
