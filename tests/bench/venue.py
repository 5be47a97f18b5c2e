"""The other process of the dispatch part: an exchange with condors, one of which loses when it is told.

``python -m tests.bench.venue HOME CONDORS LATENCY_S`` prints one line of JSON, the settings of a house in
HOME, then a line for every order it accepts. Each line it reads is the strategy id of the next to lose; it
ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.io.clock import SystemClock
from engine.io.stores.sqlite import SqliteStore
from engine.trades import parse_csv
from tests.support.stage import START, Stage

if TYPE_CHECKING:
    from engine.model import InstrumentKey
    from sandbox.orders import Order

#: A loss of this is a stop; what the short call of a condor jumps by makes it more than that.
RULES = '[default]\nconfirm_s = 0\n[strategy."Iron Condor"]\nstop_loss_rupees = 1000\n'
_JUMP_PAISE = 1_000
_SHORT_CALL = 2
_FRESH_S = 2.0


async def main() -> None:
    """Serve until standard input ends."""
    home, condors, latency_s = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    clock = SystemClock(START)
    stage = Stage(clock.now_s, condors=condors, latency_s=latency_s)
    books = _Books(stage)
    enter = stage.exchange.enter

    def entered(*args: object, **more: object) -> Order:
        order = enter(*args, **more)
        said = {"at_ns": time.monotonic_ns(), "security_id": order.ticket.instrument.security_id}
        print(json.dumps(said), flush=True)
        return order

    stage.exchange.enter = entered  # type: ignore[method-assign]
    await stage.server.start()
    env = stage.settings(home, clock.now_s(), RULES)
    await SqliteStore(home / "trades.sqlite3").import_rows(parse_csv(stage.trades_csv()))
    legs = {number: [leg.security_id for leg in legs] for number, legs in stage.legs.items()}
    print(json.dumps({"env": env, "legs": legs}), flush=True)
    fresh = asyncio.create_task(books.keep_fresh())
    while line := await asyncio.to_thread(sys.stdin.readline):
        await books.lose(int(line))
    fresh.cancel()
    await stage.server.stop()


class _Books:
    """The books of all legs: a hundred lots at prices that stand still until their condor is to lose.

    What is measured is the house, and neither the depth of a market nor what it does meanwhile.
    """

    def __init__(self, stage: Stage) -> None:
        """Begin with the market's own prices."""
        self._stage = stage
        self._touches: dict[InstrumentKey, tuple[int, int]] = {}
        for leg in (leg for legs in stage.legs.values() for leg in legs):
            quote = stage.market.quote(leg.key)
            if quote is None:
                raise AssertionError(f"{leg.display} is not listed")
            self._touches[leg.key] = quote.bids[0].price_paise, quote.asks[0].price_paise

    async def keep_fresh(self) -> None:
        """Tell every price again and again, as the quotes of a market that stands still would grow stale."""
        while True:
            await self._show()
            await asyncio.sleep(_FRESH_S)

    async def lose(self, strategy_id: int) -> None:
        """Let what the short call of a condor costs jump, and tell it at once."""
        key = self._stage.legs[strategy_id][_SHORT_CALL].key
        bid_paise, ask_paise = self._touches[key]
        self._touches[key] = bid_paise + _JUMP_PAISE, ask_paise + _JUMP_PAISE
        await self._show()

    async def _show(self) -> None:
        for key, (bid_paise, ask_paise) in self._touches.items():
            self._stage.market.set_quote(key, bid_paise, ask_paise)
        await self._stage.server.step()


if __name__ == "__main__":
    asyncio.run(main())
