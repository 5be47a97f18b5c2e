"""The garbage collector kept off what lives as long as the house does, and memory given back.

A full collection goes through everything there is: with a thousand positions that held the loop for a
quarter of a second, at a moment of its own choosing. Nearly all of it is there from the start to the end and
in no cycle; what is freed by counting, which is nearly all that a tick makes, needs no collector.

What is left for it are the young, looked at so few at a time that nobody waits for it. Those who have lived
through that, nearly all of them freed by counting soon after (a picture's cells), are looked at again once a
day when no market is open, and not in a session: there that met a half-drawn picture, 6 to 25 ms of it.

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
#: So many more objects than were freed start a pass through the young, so many passes one through all that
#: has come since the start; that one is a net below `sweep`. Python's 700, 10, 10 collect ten times while one
#: batch of rows is read. CPU time of a pass and of all in 20 s, with 1,000 positions and two pages a second:
#: 20,000 young: 10.7 ms (worst 13.6), 100 ms; 2,000: 0.9 ms (2.2), 93 ms; 1,000: 0.4 ms (1.4), 93 ms. (That
#: was with pictures all in full. Of those in brief cells are freed while others come: 22 passes in 15 s, of
#: 2.0 ms, at worst 4.0, on a busy machine; with 300 young 104 of 0.2 ms, at worst 2.3, the sum as before.)
#: After ten passes another one was due, with 2,000 young 9 of 6.4 ms (15.5). A session of 1,000 positions has
#: some 7,000 passes, 9,000 with a page a minute; one object of four hundred was left in a cycle by them.
THRESHOLDS = (1_000, 10_000, 10)
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


def sweep() -> None:
    """Go through all that has come since the start; some ten milliseconds, for an hour when nobody trades."""
    gc.collect()


def _give_back() -> None:
    """Have what is large go back to the system when it is freed; where there is no glibc, nothing is done."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
