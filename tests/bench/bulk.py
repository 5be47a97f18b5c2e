"""The other process of the parts about the way in: a WebSocket server that sends all it has at once.

``python -m tests.bench.bulk POSITIONS PACKETS`` prints its port and then serves one client after the other,
by hand: nothing that it does while a client is measured costs more than a ``sendall``. It goes by the lines
of its standard input: ``send`` sends all packets, each a message of its own, many in a segment, and prints
the moment at which that began; ``next`` ends the connection and waits for the next client.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import select
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.bench.market import PACKET_BYTES, packet, scene, stamp, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[2]
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
#: In front of each packet: a whole binary message, its length in two bytes.
HEADER = b"\x82\x7e" + PACKET_BYTES.to_bytes(2)
_CHUNK = 65_536
#: By then a client has subscribed and reads, and is measured at nothing else.
_CALM_S = 0.1


class Bulk:
    """The other process, from this side."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._line())

    def send(self) -> None:
        """Let it send everything to the client that is connected, or to the next one."""
        self._say("send")

    def began_ns(self) -> int:
        """When that began, by the monotonic clock that both processes look at."""
        return int(self._line())

    def end(self) -> None:
        """Let it end the connection and wait for the next client."""
        self._say("next")

    def _say(self, word: str) -> None:
        if self._process.stdin is None:
            raise AssertionError("the bulk has no standard input")
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise AssertionError("the bulk has ended")
        return line

    @classmethod
    @contextmanager
    def of(cls, positions: int, packets: int) -> Iterator[Self]:
        """Start it; leaving the context ends it."""
        with subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "tests.bench.bulk", str(positions), str(packets)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        ) as process:
            yield cls(process)
            if process.stdin:
                process.stdin.close()


def main() -> None:
    """Serve until standard input ends."""
    positions, packets = map(int, sys.argv[1:])
    market = scene(positions)
    frames = [bytearray(packet(move)) for move in walk(market, market.held, packets)]
    for number, frame in enumerate(frames, start=1):
        stamp(frame, number, 0)
    blob = memoryview(b"".join(HEADER + frame for frame in frames))
    gc.freeze()
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while _serve(server, blob):
            pass


def _serve(server: socket.socket, blob: memoryview) -> bool:
    """One client until we are told of the next; False = there is none."""
    if not (word := sys.stdin.readline()):
        return False
    client, _ = server.accept()
    with client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _shake_hands(client)
        threading.Thread(target=_ignore, args=(client,), daemon=True).start()
        select.select((), (), (), _CALM_S)
        while word.strip() == "send":
            print(time.monotonic_ns(), flush=True)
            with suppress(OSError):  # the client may have had enough
                for at in range(0, len(blob), _CHUNK):
                    client.sendall(blob[at : at + _CHUNK])
            word = sys.stdin.readline()
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
    return bool(word)


def _shake_hands(client: socket.socket) -> None:
    """Answer the handshake."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(4_096)
    (key,) = (
        line.split(b":")[1].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    )
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324 - the protocol's hash
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def _ignore(client: socket.socket) -> None:
    """Take what the client says, so that it never waits for us."""
    with suppress(OSError):
        while client.recv(_CHUNK):
            pass


if __name__ == "__main__":
    main()
