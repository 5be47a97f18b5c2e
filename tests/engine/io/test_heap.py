"""The collector leaves alone what lives as long as the house; large memory goes back when it is free."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from pathlib import Path

import pytest

from engine.io.heap import START_S, THRESHOLDS, settled

ROOT = Path(__file__).parents[3]


#: Four threads, all alive, each of which makes 20 MB three times and lets go of them; prints the megabytes
#: that are left more than before.
WORKERS = """
import asyncio, threading
from pathlib import Path
from engine.io.heap import settled

def resident():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024

def work(end):
    for _ in range(3):
        b"x" * 20_000_000
    done.release()
    end.wait()

done, end = threading.Semaphore(0), threading.Event()

async def main():
    before = resident()
    with settled():
        for _ in range(4):
            threading.Thread(target=work, args=(end,)).start()
            done.acquire()
        print(resident() - before)
    end.set()

asyncio.run(main())
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read where Linux tells it")
def test_no_worker_thread_keeps_the_memory_of_what_it_has_drawn():
    """Each would keep 20 MB, for as long as it lives."""
    command = [sys.executable, "-c", WORKERS]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603
    assert float(said.stdout) < 10


async def test_a_pass_is_through_few_and_none_is_through_all_that_has_come():
    """While three hundred thousand objects come and stay: a picture of a thousand positions has fewer."""
    passes = []

    def noted(phase, told):
        if phase == "start":
            passes.append((told["generation"], len(gc.get_objects(generation=0))))

    with settled():
        gc.callbacks.append(noted)
        kept = [[] for _ in range(300_000)]
        gc.callbacks.remove(noted)
    assert len(kept) == 300_000
    assert {generation for generation, _young in passes} == {0}
    assert max(young for _generation, young in passes) < 2_000


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
