"""The garbage collector kept off what lives as long as the house does.

A full collection goes through everything there is: with a thousand positions that held the loop for a
quarter of a second, at a moment of its own choosing. Nearly all of it is there from the start to the end and
in no cycle; what is freed by counting, which is nearly all that a tick makes, needs no collector.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: By then rows, contracts and first prices are there; what comes later is small, or freed by counting.
START_S = 20.0
#: So many more objects than were freed start a collection of the young, so many of those one of all that is
#: not set aside. Python's 700, 10, 10 collect ten times while one batch of rows is read.
THRESHOLDS = (20_000, 10, 10)


@contextmanager
def settled() -> Iterator[None]:
    """While a house runs: few collections, and none of what was there when it began and after its start."""
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    gc.freeze()
    later = asyncio.get_running_loop().call_later(START_S, gc.freeze)
    try:
        yield
    finally:
        later.cancel()
        gc.unfreeze()
        gc.set_threshold(*before)
