"""The venue of the parts about orders, and who sends to it.

The venue (`tests.bench.blocking_desk`) is another process, behind TLS like Dhan's; an order's number is the
moment at which its last byte had come. Both processes look at the same monotonic clock.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dhanhq import DhanContext, dhanhq

from engine.broker_nouns import OrderRequest, Product
from engine.io.clock import SystemClock
from engine.io.dhan.limits import Lane, Window
from engine.io.dhan.rest import DhanRest
from engine.messages import Accepted
from engine.model import Segment, Side, instrument_key
from tests.bench.latency import line_of
from tests.support.tls import certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

__all__ = ["WAYS", "Call", "Desk", "Ours", "order_calls", "order_desk_process"]

_ROOT = Path(__file__).parents[2]
#: Who sends: our own connections; our former way, dhanhq with our HTTP layer on a thread; dhanhq as it comes.
WAYS = ("direct", "thread", "dhanhq")
_CLIENT, _TOKEN = "1000000001", "bench-token-worth-nothing"
_KEY = instrument_key(Segment.NSE_FNO, 49_081)

Call = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Desk:
    """The venue's address, and the file that vouches for it."""

    url: str
    vouched: str


@contextmanager
def order_desk_process(delay_s: float) -> Iterator[Desk]:
    """A venue in a process of its own that takes its time for each answer."""
    with TemporaryDirectory(prefix="bench-desk-") as place:
        files = certificate(Path(place))
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "tests.bench.blocking_desk", f"{delay_s * 1e3:.0f}", *map(str, files)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT,
        )  # fmt: skip
        with process:
            yield Desk(f"https://127.0.0.1:{int(line_of(process))}/v2", str(files[0]))


@asynccontextmanager
async def order_calls(desk: Desk, ways: Sequence[str] = WAYS) -> AsyncIterator[dict[str, Call]]:
    """One call of an order for each way; it gives the moment of arrival (ns), or raises AssertionError."""
    with ThreadPoolExecutor(4) as executor:
        made: dict[str, Call] = {}
        for way in ways:
            made[way] = _theirs(desk) if way == "dhanhq" else Ours(desk, executor, direct=way == "direct")
        for call in made.values():  # connects, and imports what is late
            await asyncio.gather(*(call() for _ in range(4)))
        try:
            yield made
        finally:
            for call in made.values():
                if isinstance(call, Ours):
                    call.rest.close()


class Ours:
    """Our client, with room for more orders than Dhan allows."""

    def __init__(self, desk: Desk, executor: ThreadPoolExecutor, *, direct: bool) -> None:
        clock = SystemClock()
        self.rest = DhanRest(
            client_id=_CLIENT, access_token=lambda: _TOKEN, base_url=desk.url, executor=executor,
            clock=clock, direct=direct,
        )  # fmt: skip
        self.rest._http.session.verify = desk.vouched
        self.rest._order_lane = Lane(clock, (Window(100_000, 1.0),))
        self.order = OrderRequest("P-bench-1-0-0", _KEY, Side.BUY, 75, 10_005, Product.INTRADAY)

    async def __call__(self) -> int:
        outcome = await self.rest.place(self.order)
        if not isinstance(outcome, Accepted):
            raise AssertionError(f"an order came to {outcome}")  # noqa: TRY004 - no fault of a type
        return int(outcome.order_id)


def _theirs(desk: Desk) -> Call:
    """The library as it comes, in asyncio's thread."""
    context = DhanContext(_CLIENT, _TOKEN)
    http = context.get_dhan_http()
    http.base_url, http.session.trust_env, http.session.verify = desk.url, False, desk.vouched
    api = dhanhq(context)

    def place() -> int:
        said = api.place_order(
            security_id="49081", exchange_segment="NSE_FNO", transaction_type="BUY", quantity=75,
            order_type="LIMIT", product_type="INTRADAY", price=100.05, tag="P-bench-1-0-0",
        )  # fmt: skip
        if said["status"] != "success":
            raise AssertionError(f"an order came to {said}")
        return int(said["data"]["orderId"])

    async def call() -> int:
        return await asyncio.to_thread(place)

    return call
