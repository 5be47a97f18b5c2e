"""The other process of the flood: a WebSocket server that sends stamped packets faster than a server should.

``python -m tests.bench.flood_sender POSITIONS TICKS RATE LUNGE_EVERY`` speaks as `tests.bench.sender` does,
but once a client has subscribed it writes finished frames straight to the socket, one call for each, so that
40,000 of them a second leave it on time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.bench.market import PACKET_BYTES, stamp
from tests.bench.sender import serve_rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.sync.server import ServerConnection

#: A whole binary message whose length is in the next two bytes.
_HEADER = b"\x82\x7e" + PACKET_BYTES.to_bytes(2, "big")


def _send_all(client: ServerConnection, frames: Sequence[bytearray], rate: int) -> int:
    send, now = client.socket.sendall, time.monotonic_ns
    header, began_ns, latest_ns = len(_HEADER), now(), 0
    for number, frame in enumerate(frames, start=1):
        due_ns = began_ns + number * 1_000_000_000 // rate
        while (sent_ns := now()) < due_ns:
            pass
        latest_ns = max(latest_ns, sent_ns - due_ns)
        stamp(memoryview(frame)[header:], number, sent_ns)
        send(frame)
    return latest_ns


if __name__ == "__main__":
    serve_rounds(_HEADER, _send_all)
