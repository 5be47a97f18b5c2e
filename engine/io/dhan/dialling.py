"""Opening a connection to Dhan by hand: TCP, a proxy's tunnel if there is one, TLS with the host looked at.

urllib3 does all of it, by the rules of the session of `requests` that sends everything else: the same
proxy, the same certificates. It blocks, so it runs on a thread. Nothing of a request is sent here.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

__all__ = ["Dialler", "Undialled"]

#: A connection nobody uses is asked for a sign of life after so many seconds, and again after some more: a
#: peer that went without a word (its host fell, a router forgot us) is found before an order is.
_QUIET_S, _AGAIN_S, _TIMES = 15, 5, 2
_PORTS = {"http": 80, "https": 443}


class Undialled(Exception):
    """No connection was made, so that nothing was sent; its text says why, without addresses."""


class Dialler:
    """Opens connections to one base URL.

    Attributes:
        base_url: as given.
        able: whether this way can be opened by hand: no proxy, or one that tunnels TLS and speaks HTTP.
    """

    def __init__(self, session: requests.Session, base_url: str) -> None:
        """``session``: whose proxies and certificates hold."""
        self._session = session
        self.base_url = base_url
        self._context: ssl.SSLContext | None = None
        settings = session.merge_environment_settings(base_url, {}, None, None, None)
        self._proxy = select_proxy(base_url, settings["proxies"])
        tunnels = base_url.startswith("https://") and str(self._proxy).startswith("http://")
        self.able = not self._proxy or tunnels

    def dial(self, timeout_s: float) -> socket.socket:
        """Open one; each step may take so many seconds.

        Returns:
            The socket (of TLS: an `ssl.SSLSocket`), not blocking.

        Raises:
            Undialled: there is none.
        """
        target = urlsplit(self.base_url)
        host, port = target.hostname or "", target.port or _PORTS[target.scheme]
        try:
            connection = self._connection(target.scheme, host, port, timeout_s)
            with ExitStack() as held:
                held.callback(connection.close)
                connection.connect()
                held.pop_all()
        except urllib3.exceptions.ConnectTimeoutError as problem:
            # its own subclass says that nobody listens
            refused = isinstance(problem, urllib3.exceptions.NewConnectionError)
            raise Undialled("ConnectionError" if refused else "ConnectTimeout") from None
        except TimeoutError:
            raise Undialled("ConnectTimeout") from None
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as problem:
            raise Undialled(type(problem).__name__) from None
        made: socket.socket = connection.sock
        made.setblocking(False)
        return made

    def _connection(self, scheme: str, host: str, port: int, timeout_s: float) -> HTTPConnection:
        options = [*HTTPConnection.default_socket_options, *_signs_of_life()]
        if scheme == "http":
            return HTTPConnection(host, port, timeout=timeout_s, socket_options=options)
        proxy = self._proxy
        way = urlsplit(proxy) if proxy else None
        connection = HTTPSConnection(
            way.hostname or "" if way else host, way.port or _PORTS["http"] if way else port,
            timeout=timeout_s, socket_options=options, ssl_context=self._tls(), cert_reqs="CERT_REQUIRED",
        )  # fmt: skip
        if proxy:
            connection.set_tunnel(host, port, headers=HTTPAdapter().proxy_headers(proxy))
        return connection

    def _tls(self) -> ssl.SSLContext:
        """One for all: reading the list of authorities takes longer than a handshake."""
        if self._context is None:
            settings = self._session.merge_environment_settings(self.base_url, {}, None, None, None)
            verify = settings["verify"]
            known = verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH
            context = create_urllib3_context()
            if Path(known).is_dir():
                context.load_verify_locations(capath=known)
            else:
                context.load_verify_locations(cafile=known)
            self._context = context
        return self._context


def _signs_of_life() -> list[tuple[int, int, int]]:
    """The socket options; those that this system knows."""
    wanted = {"TCP_KEEPIDLE": _QUIET_S, "TCP_KEEPINTVL": _AGAIN_S, "TCP_KEEPCNT": _TIMES}
    known = [(getattr(socket, name), value) for name, value in wanted.items() if hasattr(socket, name)]
    return [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *((socket.IPPROTO_TCP, option, value) for option, value in known),
    ]
