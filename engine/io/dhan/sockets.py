"""What both websocket clients of Dhan share: how to open one, and how to read its end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException

from engine.io.dhan.backoff import SOON_S, Cut, Why, cut_by_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.io.dhan.backoff import Pause
    from engine.io.ports import Clock

#: Everything by which opening or using a socket can fail.
SOCKET_ERRORS = (WebSocketException, OSError, TimeoutError, EOFError)

#: At DEBUG websockets writes the handshake, and the feed's address holds the token. A level set here
#: stands whatever the root logger's is.
_QUIET = logging.getLogger(__name__)
_QUIET.setLevel(logging.WARNING)

_LOOK_S = 5.0
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def is_loopback(url: str) -> bool:
    """Tell whether an address is on this host, where no proxy of the environment has a business."""
    return urlsplit(url).hostname in _LOOPBACK


def open_socket(url: str, proxy: str | None = None) -> connect:
    """Open a websocket: without compression (binary ticks do not shrink), with short patience.

    ``proxy``: the way there, and then no other; None = as the environment says.
    """
    return connect(
        url,
        compression=None,
        logger=_QUIET,
        open_timeout=5.0,
        close_timeout=1.0,
        max_queue=1024,
        proxy=proxy or (None if is_loopback(url) else True),
    )


def cut_by_error(problem: BaseException) -> Cut:
    """Sort a failed handshake; only the kind of failure is told, for its text may hold the address."""
    if isinstance(problem, InvalidStatus):
        return cut_by_status(problem.response.status_code)
    if isinstance(problem, InvalidURI):
        return Cut(Why.REFUSED, "the socket's address in the settings is malformed")
    return Cut(Why.LOST, f"no connection to Dhan ({type(problem).__name__})")


def how_it_ended(end: ConnectionClosed | None) -> str:
    """Say in a word or two how a connection ended; None = politely."""
    close = None if end is None else end.rcvd
    return f"closed with code {close.code}" if close else "closed" if end is None else "reset"


def cut_by_close(said: str, lived_s: float, *, heard: bool) -> Cut:
    """Sort the end of an open connection.

    Args:
        said: how it ended, in words for people.
        lived_s: seconds since it was opened.
        heard: whether anything useful came through it.
    """
    if lived_s < SOON_S and not heard:
        return Cut(Why.TURNED_AWAY, f"the connection was {said} right after it was opened")
    return Cut(Why.LOST, f"the connection was {said}")


async def stay_away(clock: Clock, pause: Pause, renewed: Callable[[], bool]) -> None:
    """Wait the pause out; where another token helps, come back with it (looked for every 5 s)."""
    left_s = pause.seconds if pause.seconds is not None else float("inf")
    while left_s > 0.0 and not (pause.until_renewed and renewed()):
        step_s = min(left_s, _LOOK_S)
        await clock.sleep(step_s)
        left_s -= step_s
