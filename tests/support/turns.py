"""Waiting for what a loop brings about: asked each time it comes to rest, never by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

WITHIN_S = 10.0


async def until(true: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """Wait until this is so, as far as it can become so by anything that runs in this loop.

    What threads and other processes do counts once the loop hears of it.

    Raises:
        TimeoutError: it has not become so.
    """
    asked = _asked(asyncio.get_running_loop())
    answer = asyncio.get_running_loop().create_future()
    asked[answer] = true
    try:
        async with asyncio.timeout(within_s):
            await answer
    finally:
        del asked[answer]


Asked = dict["asyncio.Future[None]", Callable[[], object]]


def _asked(loop: asyncio.AbstractEventLoop) -> Asked:
    """What this loop is asked; the look is put in where it waits for sockets, and stays there."""
    # Public asyncio does not tell when a loop rests; its selector's `select` is that moment.
    selector = cast(Any, loop)._selector
    if not hasattr(selector, "asked"):
        selector.asked = {}
        selector.select = _looking(selector.select, selector.asked)
    return cast(Asked, selector.asked)


def _looking(select: Callable[[float | None], Any], asked: Asked) -> Callable[[float | None], Any]:
    def look_and_select(timeout: float | None = None) -> Any:
        return select(0 if timeout != 0 and _answered(asked) else timeout)

    return look_and_select


def _answered(asked: Asked) -> bool:
    """Answer whoever asked for what is so now; whether there was one."""
    found = False
    for answer, true in asked.items():
        if not answer.done():
            try:
                if true():
                    answer.set_result(None)
            except Exception as error:  # noqa: BLE001 - it is raised where it was asked
                answer.set_exception(error)
            found |= answer.done()
    return found
