"""The other process of the latency part: a WebSocket server that sends stamped packets at a steady pace.

``python -m tests.bench.sender POSITIONS TICKS RATE LUNGE_EVERY`` prints its port, then one line of JSON
for every client it has served, and ends when its standard input does.
"""

from __future__ import annotations

import gc
import json
import select
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from tests.bench.market import packet, scene, stamp, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from websockets.sync.server import ServerConnection

    SendAll = Callable[[ServerConnection, Sequence[bytearray], int], int]

#: A client that asks for this path subscribes to nothing and is sent everything at once.
FLOOR_PATH = "/floor"
#: A sleeping process wakes up some 60 us late, so the last of each wait is spent awake.
_AWAKE_NS = 100_000


def serve_rounds(head: bytes, send_all: SendAll) -> None:
    """Serve until standard input ends: to each client every packet, with these bytes before it.

    ``send_all`` sends these frames to a client, so many a second, and says by how many nanoseconds the
    latest of them was late.
    """
    positions, ticks, rate, lunge_every = map(int, sys.argv[1:])
    market = scene(positions)
    moves = walk(market, market.held, ticks, lunge_every=lunge_every)
    frames = [bytearray(head + packet(move)) for move in moves]
    handler = partial(_round, frames=frames, rate=rate, instruments=len(market.contracts), send_all=send_all)
    gc.freeze()
    with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.socket.getsockname()[1], flush=True)
        sys.stdin.read()
        server.shutdown()


def _round(
    client: ServerConnection, frames: Sequence[bytearray], rate: int, instruments: int, send_all: SendAll
) -> None:
    """Wait for the subscriptions, send every packet in its turn, say how that went."""
    if client.request is None or client.request.path != FLOOR_PATH:
        wanted = 0
        while wanted < instruments:
            wanted += len(json.loads(client.recv())["InstrumentList"])
    began_ns = time.monotonic_ns()
    latest_ns = send_all(client, frames, rate)
    took_s = (time.monotonic_ns() - began_ns) / 1e9
    told = {"packets": len(frames), "rate": len(frames) / took_s, "late_us": latest_ns / 1e3}
    print(json.dumps(told), flush=True)
    with suppress(ConnectionClosed):  # stay until the client has read it all
        for _ in client:
            pass


def _send_all(client: ServerConnection, frames: Sequence[bytearray], rate: int) -> int:
    began_ns, latest_ns = time.monotonic_ns(), 0
    for number, frame in enumerate(frames, start=1):
        due_ns = began_ns + number * 1_000_000_000 // rate
        sent_ns = _wait_until(due_ns)
        latest_ns = max(latest_ns, sent_ns - due_ns)
        stamp(frame, number, sent_ns)
        client.send(frame)
    return latest_ns


def _wait_until(due_ns: int) -> int:
    """Sleep, then spin; the moment at which that was over."""
    now_ns = time.monotonic_ns()
    if due_ns - now_ns > _AWAKE_NS:
        select.select((), (), (), (due_ns - now_ns - _AWAKE_NS) / 1e9)
    while now_ns < due_ns:
        now_ns = time.monotonic_ns()
    return now_ns


if __name__ == "__main__":
    serve_rounds(b"", _send_all)
