"""The event loop that a house runs in: uvloop where it is installed, asyncio's own everywhere else.

uvloop rounds to whole milliseconds: its timers may come up to half a millisecond early, and the time that it
tells (`loop.time`) stands still while it runs what is due. So whoever waits for a moment looks at a clock
when woken, and what measures how long it has had the loop asks `time.monotonic` (`engine.io.inbox`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from engine.words import LoopChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_T = TypeVar("_T")


def run(main: Coroutine[object, object, _T], choice: LoopChoice = LoopChoice.AUTO) -> _T:
    """Run a house to its end, as `asyncio.run` does.

    Args:
        main: what runs.
        choice: ASYNCIO leaves uvloop alone also where it is installed.
    """
    with asyncio.Runner(loop_factory=_factory(choice)) as runner:
        return runner.run(main)


def _factory(choice: LoopChoice) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the loop."""
    if choice is LoopChoice.ASYNCIO:
        return asyncio.new_event_loop
    try:
        import uvloop  # noqa: PLC0415 - nobody has to have it
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
