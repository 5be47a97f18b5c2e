"""Waiting for a method to come back, whichever thread calls it."""

from __future__ import annotations

import asyncio
import functools
import inspect
import queue
from typing import Any

import pytest

WITHIN_S = 30.0


class Calls:
    """What a method has given back, one thing after the other; what it raises is not among it."""

    def __init__(self, patch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        """Listen to this method of a class or an object until the test is over."""
        self._back: queue.Queue[Any] = queue.Queue()
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def plain(*args: Any, **more: Any) -> Any:
            back = inner(*args, **more)
            self._back.put(back)
            return back

        @functools.wraps(inner)
        async def waiting(*args: Any, **more: Any) -> Any:
            back = await inner(*args, **more)
            self._back.put(back)
            return back

        patch.setattr(owner, name, waiting if inspect.iscoroutinefunction(inner) else plain)

    async def next(self) -> Any:
        """Wait for the next one.

        Raises:
            queue.Empty: the method has not come back.
        """
        return await asyncio.to_thread(self._back.get, timeout=WITHIN_S)
