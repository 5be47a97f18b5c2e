"""Reads what the broker holds, again and again, for whoever takes positions over from there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from engine.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from engine.io.ports import Clock
    from engine.messages import HeldAtBroker

_log = logging.getLogger(__name__)

EVERY_S = 15.0
#: At the start somebody waits for it, and two reads must agree.
SOON_S = 2.0
SOON_READS = 3


async def watch_held(
    read: Callable[[], Awaitable[HeldAtBroker]], post: Callable[[HeldAtBroker], None], clock: Clock
) -> None:
    """Read and post until cancelled; a failed read is told once in the log and tried again."""
    told, reads = "", 0
    while True:
        try:
            post(await read())
            told, reads = "", reads + 1
        except SourceError as error:
            if str(error) != told:
                told = str(error)
                _log.warning("the positions to be taken over cannot be read: %s", told)
        await clock.sleep(SOON_S if reads < SOON_READS else EVERY_S)
