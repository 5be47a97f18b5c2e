"""The last look before a command leaves, taken at the socket.

A process may be stopped (SIGSTOP, a suspended host) at any line and wake when the account is another's.
Between deciding and sending lie the making of the request, the connection and its TLS: milliseconds in which
that happens. Here only the system call itself comes after the look. What has a body is looked at twice: the
head alone is nothing the other side could act on.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from urllib3 import ProxyManager


class NotLeft(Exception):
    """The request did not leave, or not whole; its text says why."""


class LastLook(threading.local):
    """Why what this thread is sending may not leave after all; each thread sees its own.

    Attributes:
        why_not: empty = it may.
    """

    def __init__(self) -> None:
        self.why_not: Callable[[], str] = _nothing

    @contextmanager
    def by(self, why_not: Callable[[], str]) -> Iterator[None]:
        """Look at all that this thread sends within."""
        self.why_not = why_not
        try:
            yield
        finally:
            self.why_not = _nothing

    def take(self) -> None:
        """Look.

        Raises:
            NotLeft: it may not leave.
        """
        if why := self.why_not():
            raise NotLeft(why)


class LookingAdapter(HTTPAdapter):
    """requests' way to its connections, with a look before everything that they write; never retries."""

    def __init__(self, look: LastLook, pool_maxsize: int) -> None:
        self._pools = _pools(look)
        super().__init__(pool_maxsize=pool_maxsize, max_retries=0)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Make requests' own, of our connections."""
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **more: Any) -> ProxyManager:
        """Likewise behind a proxy."""
        manager: ProxyManager = super().proxy_manager_for(*args, **more)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(look: LastLook) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's pools, of connections that look."""

    class Plain(HTTPConnection):
        def send(self, data: Any) -> None:
            if self.sock is None:  # which http.client does itself, but after the look
                self.connect()
            look.take()
            super().send(data)

    class Secret(HTTPSConnection):
        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            look.take()
            super().send(data)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecretPool(HTTPSConnectionPool):
        ConnectionCls = Secret

    return {"http": PlainPool, "https": SecretPool}


def _nothing() -> str:
    """What stands in nobody's way."""
    return ""
