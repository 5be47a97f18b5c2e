"""Waiting for something to become true without looking again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Bell:
    """Rung whenever something happened; who waits then looks whether it was what they wait for."""

    def __init__(self) -> None:
        """Silent so far."""
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Something happened."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is true, looking at every ring."""
        while not true():
            await self._rung.wait()
