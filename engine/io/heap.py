"""The garbage collector kept off what lives as long as the house does, and memory given back.

A full collection goes through everything there is: with a thousand positions that held the loop for a
quarter of a second, at a moment of its own choosing. Nearly all of it is there from the start to the end and
in no cycle; what is freed by counting, which is nearly all that a tick makes, needs no collector.

What a picture is drawn on is 40 MB. The C library would keep as much for every worker thread that ever drew
one, since it takes to keeping what large pieces it has seen freed (mallopt(3), M_MMAP_THRESHOLD): after a day
of pictures some 240 MB on two cores, more on more. It is told to give back what is large instead, which makes
a picture no slower.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: By then rows, contracts and first prices are there; what comes later is small, or freed by counting.
START_S = 20.0
#: So many more objects than were freed start a collection of the young, so many of those one of all that is
#: not set aside. Python's 700, 10, 10 collect ten times while one batch of rows is read.
THRESHOLDS = (20_000, 10, 10)
#: glibc's name for the size from which a piece of memory is one of its own, and that size.
_M_MMAP_THRESHOLD, LARGE_BYTES = -3, 2**20


@contextmanager
def settled() -> Iterator[None]:
    """While a house runs: few collections, and none of what was there when it began and after its start.

    Large pieces of memory are given back as soon as they are free, from then on.
    """
    _give_back()
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


def _give_back() -> None:
    """Have what is large go back to the system when it is freed; where there is no glibc, nothing is done."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
