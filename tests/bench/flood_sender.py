"""The other process of the flood: a WebSocket server that sends stamped packets faster than a server should.

``python -m tests.bench.flood_sender POSITIONS TICKS RATE LUNGE_EVERY`` speaks as `tests.bench.sender` does,
but once a client has subscribed it writes finished frames straight to the socket, one call for each, so that
40,000 of them a second leave it on time.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from tests.bench.market import PACKET_BYTES, packet, scene, stamp, walk
from tests.bench.sender import FLOOR_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.sync.server import ServerConnection

#: A whole binary message whose length is in the next two bytes.
_HEADER = b"\x82\x7e" + PACKET_BYTES.to_bytes(2, "big")


def main() -> None:
    """Serve until standard input ends."""
    positions, ticks, rate, lunge_every = map(int, sys.argv[1:])
    market = scene(positions)
    frames = [
        bytearray(_HEADER + packet(move))
        for move in walk(market, market.held, ticks, lunge_every=lunge_every)
    ]
    handler = partial(_send_all, frames=frames, rate=rate, instruments=len(market.contracts))
    gc.freeze()
    with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.socket.getsockname()[1], flush=True)
        sys.stdin.read()
        server.shutdown()


def _send_all(client: ServerConnection, frames: Sequence[bytearray], rate: int, instruments: int) -> None:
    """One round: wait for the subscriptions, send every packet in its turn, say how that went."""
    if client.request is None or client.request.path != FLOOR_PATH:
        wanted = 0
        while wanted < instruments:
            wanted += len(json.loads(client.recv())["InstrumentList"])
    send, now = client.socket.sendall, time.monotonic_ns
    header, began_ns, latest_ns = len(_HEADER), now(), 0
    for number, frame in enumerate(frames, start=1):
        due_ns = began_ns + number * 1_000_000_000 // rate
        while (sent_ns := now()) < due_ns:
            pass
        latest_ns = max(latest_ns, sent_ns - due_ns)
        stamp(memoryview(frame)[header:], number, sent_ns)
        send(frame)
    took_s = (now() - began_ns) / 1e9
    print(json.dumps({"rate": len(frames) / took_s, "late_us": latest_ns / 1e3}), flush=True)
    with suppress(ConnectionClosed):  # stay until the client has read it all
        for _ in client:
            pass


if __name__ == "__main__":
    main()
