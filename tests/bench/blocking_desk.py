"""The venue's process of the parts about orders: a desk that adds as little to an arrival as Python can.

``python -m tests.bench.blocking_desk DELAY_MS CERTIFICATE KEY`` prints its port and serves until its standard
input ends. Each connection has a thread that waits in a blocking ``recv`` over TLS; an order's number is the
moment, nanoseconds of the monotonic clock, at which that gave the last byte of its request.
"""

from __future__ import annotations

import gc
import json
import re
import socket
import ssl
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.support.order_desk import taken
from tests.support.tls import serving

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_PIECE_BYTES = 1 << 16


def main() -> None:
    """Serve until standard input ends."""
    delay_s = float(sys.argv[1]) / 1e3
    tls = serving(*map(Path, sys.argv[2:]))
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=_accept, args=(listener, tls, delay_s), daemon=True).start()
        gc.freeze()
        print(json.dumps(listener.getsockname()[1]), flush=True)
        sys.stdin.read()


def _accept(listener: socket.socket, tls: ssl.SSLContext, delay_s: float) -> None:
    while True:
        caller, _ = listener.accept()
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(caller, tls, delay_s), daemon=True).start()


def _serve(caller: socket.socket, tls: ssl.SSLContext, delay_s: float) -> None:
    never = threading.Event()
    with suppress(OSError), tls.wrap_socket(caller, server_side=True) as talk:
        waiting = b""
        while piece := talk.recv(_PIECE_BYTES):
            at_ns = time.monotonic_ns()
            waiting += piece
            if not _whole(waiting):
                continue
            waiting = b""
            if delay_s:
                never.wait(delay_s)
            talk.sendall(taken(at_ns))


def _whole(request: bytes) -> bool:
    head, end, body = request.partition(_HEAD_END)
    found = _LENGTH.search(head + b"\r\n")
    return bool(end) and len(body) >= int(found[1] if found else 0)


if __name__ == "__main__":
    main()
