"""The other process of the scale part: an exchange whose account holds a thousand strategies of three legs.

``python -m tests.bench.crowd HOME STRATEGIES`` fills a PostgreSQL of its own with their rows and prints one
line of JSON: the settings of a house in HOME whose trades are there, and how many contracts they are on. Its
market stands still; its quotes are told again every few seconds. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.io.clock import SystemClock
from engine.model import InstrumentKind, Right, Side
from sandbox.dhan_server import DhanServer
from sandbox.exchange import DEFAULT_CLIENT, Exchange
from sandbox.instruments import weekly_expiries
from sandbox.market import Market
from sandbox.supabase_server import SupabaseServer
from tests.support.postgres import served
from tests.support.stage import START, TOKEN, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import Instrument

#: Rows that were all written at once would all be read again at each sync: the newest of them is not old.
_LONG_AGO = """
set local session_replication_role = replica;
update trades set updated_at = now() - id * interval '1 minute';
"""
#: Strategies have three legs: a put sold, a call sold, and one bought above it.
LEGS = 3
_LOTS = 2
_EXPIRIES = 12
_FRESH_S = 2.0
#: No rule goes by an expiry that is further away than this.
_FIRST_EXPIRY = START.date() + timedelta(days=10)
#: Contracts that cost less are left out: nobody bids for some of them.
_CHEAPEST_PAISE = 5_00
RULES = "[default]\nconfirm_s = 0\nstop_loss_rupees = 1000\n"


class Crowd:
    """A market, its account, and the rows of the strategies that the account holds.

    Attributes:
        rows: as the trade store has them.
        contracts: how many different ones they name.
    """

    def __init__(self, clock: SystemClock, strategies: int) -> None:
        """Hold that many strategies."""
        began_s = clock.now_s()
        self.market = Market(began_s, expiries=weekly_expiries(START.date(), count=_EXPIRIES))
        self.market.freeze()
        exchange = Exchange(self.market)
        exchange.open_account(DEFAULT_CLIENT, TOKEN, began_s)
        self.rows: list[dict[str, Any]] = []
        nets: dict[Instrument, int] = {}
        for number, legs in enumerate(islice(cycle(self._combinations()), strategies), start=1):
            for side, option in legs:
                units = option.lot * _LOTS
                nets[option] = nets.get(option, 0) + side.sign * units
                self.rows.append(self._row(number, side, option, units))
        self.contracts = len(nets)
        for option, units in nets.items():
            exchange.carry(option.key, units, self._mid_paise(option))
        self.server = DhanServer(exchange, self.market, now_s=clock.now_s, token=TOKEN)

    async def keep_fresh(self) -> None:
        """Tell every price again and again: the quotes of a market that stands still would grow stale."""
        touches = {}
        for option in self.market.instruments.values():
            quote = self.market.quote(option.key)
            if quote is not None and quote.bids and quote.asks:
                touches[option.key] = quote.bids[0].price_paise, quote.asks[0].price_paise
        while True:
            for key, (bid_paise, ask_paise) in touches.items():
                self.market.set_quote(key, bid_paise, ask_paise)
            await self.server.step()
            await asyncio.sleep(_FRESH_S)

    def _combinations(self) -> list[list[tuple[Side, Instrument]]]:
        """All of them, each contract sold by all or bought by all that hold it."""
        return [legs for chain in self._chains() for legs in _of(chain)]

    def _chains(self) -> Iterator[list[Instrument]]:
        """The options of each underlying and expiry that are worth something."""
        chains: dict[object, list[Instrument]] = {}
        for option in self.market.instruments.values():
            late = option.expiry is not None and option.expiry > _FIRST_EXPIRY
            if option.kind is InstrumentKind.OPTION and late and self._mid_paise(option) >= _CHEAPEST_PAISE:
                chains.setdefault((option.symbol, option.expiry), []).append(option)
        yield from chains.values()

    def _mid_paise(self, option: Instrument) -> int:
        quote = self.market.quote(option.key)
        return 0 if quote is None or not quote.bids or not quote.asks else quote.reference_paise

    def _row(self, number: int, side: Side, option: Instrument, units: int) -> dict[str, Any]:
        return {
            "account": "default", "strategy_id": number, "symbol": option.symbol, "strategy": "Jade Lizard",
            "security_id": option.security_id, "action": str(side), "type": str(option.right),
            "strike_price": str((option.strike_paise or 0) / 100), "expiry_date": str(option.expiry),
            "quantity": units, "price": str(self._mid_paise(option) / 100),
            "order_id": f"old{len(self.rows)}", "order_status": "TRADED",
            "timestamp": (START - timedelta(days=6)).isoformat(),
        }  # fmt: skip


def _of(chain: list[Instrument]) -> Iterator[list[tuple[Side, Instrument]]]:
    """A put and a call that are sold, and the next call above; of neighbours the first is sold."""
    puts, calls = (
        sorted((each for each in chain if each.right is right), key=lambda each: each.strike_paise or 0)
        for right in (Right.PUT, Right.CALL)
    )
    pairs = zip(calls[::2], calls[1::2], strict=False)
    for put, (sold, bought) in zip(puts[::2], pairs, strict=False):
        yield [(Side.SELL, put), (Side.SELL, sold), (Side.BUY, bought)]


async def main() -> None:
    """Serve until standard input ends."""
    home, clock = Path(sys.argv[1]), SystemClock(START)
    crowd = Crowd(clock, int(sys.argv[2]))
    with served() as postgres:
        database = await postgres.migrated()
        await database.insert("trades", crowd.rows)
        await database.run(_LONG_AGO)
        async with SupabaseServer(database.terms) as store:
            await crowd.server.start()
            env = environment(home, clock.now_s(), RULES, crowd.server) | {
                "SUPABASE_URL": store.url, "SUPABASE_SECRET_KEY": store.keys.secret,
            }  # fmt: skip
            print(json.dumps({"env": env, "contracts": crowd.contracts}), flush=True)
            fresh = asyncio.create_task(crowd.keep_fresh())
            await asyncio.to_thread(sys.stdin.read)
            fresh.cancel()
            await crowd.server.stop()
        await database.close()


if __name__ == "__main__":
    asyncio.run(main())
