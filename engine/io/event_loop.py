"""The event loop that a house runs in: uvloop where it is installed, asyncio's own everywhere else.

uvloop rounds to whole milliseconds: its timers may come up to a millisecond early, and the time that it
tells (`loop.time`) stands still while it runs what is due. So whoever waits for a moment looks at a clock
when woken, and what measures how long it has had the loop asks `time.monotonic` (`engine.io.inbox`).
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from engine.words import LoopChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

#: So many threads for what is read, drawn and written aside, when they are needed. asyncio would take six on
#: two cores, and the chat's pages would wait for every slow disk and every house that is being left.
THREADS = 24


def run(main: Coroutine[object, object, _T], choice: LoopChoice = LoopChoice.AUTO) -> _T:
    """Run a house to its end, as `asyncio.run` does.

    Args:
        main: what runs.
        choice: ASYNCIO leaves uvloop alone also where it is installed.
    """
    with (
        ThreadPoolExecutor(THREADS, "aside") as aside,
        asyncio.Runner(loop_factory=_factory(choice)) as runner,
    ):
        runner.get_loop().set_default_executor(aside)
        return runner.run(main)


def _factory(choice: LoopChoice) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the loop."""
    if choice is LoopChoice.ASYNCIO:
        return asyncio.new_event_loop
    try:
        import uvloop  # noqa: PLC0415 - nobody has to have it
    except ModuleNotFoundError:
        return asyncio.new_event_loop
    except (ImportError, AttributeError, OSError) as fault:  # it is there, and for another Python or system
        _log.warning("uvloop cannot be used (%s); Python's own event loop runs", fault)
        return asyncio.new_event_loop
    return uvloop.new_event_loop
