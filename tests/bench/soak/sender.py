"""The feed of the soak: Full packets at a steady pace for as long as anybody listens.

``python -m tests.bench.soak.sender RATE BEGAN_S`` reads the contracts as JSON from its first line of standard
input, prints its port, sends to every client that subscribes, and ends when its standard input does. BEGAN_S
is the moment, by the house's clock, at which it was started. Prices wander a few ticks around their usual
ones; now and then a sold contract lunges for a moment. The volume is the stamp of `tests.bench.market`.
"""

from __future__ import annotations

import json
import random
import struct
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from tests.bench.market import STAMP_MASK
from tests.bench.sender import _wait_until
from tests.engine.wire import packets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from websockets.sync.server import ServerConnection

#: Steps of the wander of a contract, in ticks of its price.
WANDER = (0, 1, 2, 1, 0, -1, -2, -1)
#: A lunge is sent so often and at such a distance in time, and so long it stays.
LUNGE_EVERY_S, LUNGE_S = 10.0, 3.0
#: So many packets leave together; a sender that wakes for each of them would be a load of its own.
TOGETHER = 10
_LTT_AT, _VOLUME_AT = 14, 22
_U32 = struct.Struct("<I")
_IST_S = 19_800


def frame(contract: dict[str, Any], mid_paise: int) -> bytearray:
    """One Full packet at a mid."""
    tick = contract["tick_paise"]
    levels = b"".join(
        packets.level(
            75 * (level + 2), 75 * (level + 3), (2, 3), (mid_paise - tick * (level + 1)) / 100,
            (mid_paise + tick * (level + 1)) / 100,
        )
        for level in range(5)
    )  # fmt: skip
    mid = mid_paise / 100
    where = contract["segment"], contract["security_id"]
    return bytearray(packets.full(where, mid, 0, 0, 0, (mid, mid, mid, mid, mid), levels))


class Contracts:
    """What is sent: for each contract its packets in turn, and one for the lunge."""

    def __init__(self, contracts: Sequence[dict[str, Any]]) -> None:
        """Make all packets beforehand."""
        self._usual = [
            [
                frame(one, max(one["mid_paise"] + step * one["tick_paise"], 5 * one["tick_paise"]))
                for step in WANDER
            ]
            for one in contracts
        ]
        self._lunges = [
            frame(one, one["mid_paise"] + one["lunge_paise"]) if one["lunge_paise"] else None
            for one in contracts
        ]

    def stream(self, rate: int) -> Iterator[bytearray]:
        """Packets for ever."""
        chance, usual, turn = random.Random(7), self._usual, [0] * len(self._usual)
        able = [number for number, one in enumerate(self._lunges) if one]
        count, every, stays = 0, round(LUNGE_EVERY_S * rate), round(LUNGE_S * rate)
        up, until = -1, 0
        while True:
            count += 1
            if able and count % every == 0:
                up, until = chance.choice(able), count + stays
            if count >= until:
                up = -1
            number = up if up >= 0 and count % 100 == 0 else chance.randrange(len(usual))
            if number == up and (lunge := self._lunges[up]) is not None:
                yield lunge
                continue
            turn[number] = (turn[number] + 1) % len(WANDER)
            yield usual[number][turn[number]]


def send(client: ServerConnection, contracts: Contracts, rate: int, ahead_s: float) -> None:
    """Serve one client until it leaves."""
    wanted = 0
    while not wanted:
        wanted += len(json.loads(client.recv())["InstrumentList"])
    threading.Thread(target=_listen, args=(client,), daemon=True).start()
    began_ns, sent = time.monotonic_ns(), 0
    try:
        for one in contracts.stream(rate):
            if sent % TOGETHER == 0:
                now_ns = _wait_until(began_ns + sent * 1_000_000_000 // rate)
                traded = _U32.pack(int(time.time() + ahead_s) + _IST_S)
            one[_LTT_AT : _LTT_AT + 4] = traded
            _U32.pack_into(one, _VOLUME_AT, now_ns & STAMP_MASK)
            client.send(one)
            sent += 1
    except ConnectionClosed:
        print(json.dumps({"sent": sent, "rate": sent / (time.monotonic_ns() - began_ns) * 1e9}), flush=True)


def _listen(client: ServerConnection) -> None:
    """More subscriptions: read, so that the client need not wait."""
    for _ in client:
        pass


def main() -> None:
    """Serve until standard input ends."""
    rate, ahead_s = int(sys.argv[1]), float(sys.argv[2]) - time.time()
    contracts = Contracts(json.loads(sys.stdin.readline()))
    handler = partial(send, contracts=contracts, rate=rate, ahead_s=ahead_s)
    with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.socket.getsockname()[1], flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
