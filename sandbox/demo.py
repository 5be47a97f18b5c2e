"""The demo: four positions and a market whose first ten seconds have something to tell.

Entry prices are chosen from the market's own first quotes, so that the story holds on any day: an iron
condor just short of its profit target while volatility is about to fall, a short strangle whose market runs
towards its call, and two positions that stay calm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engine.model import Right, Side
from sandbox.exchange import DEFAULT_CLIENT, Exchange
from sandbox.ist import ist, moment_s
from sandbox.market import DEFAULT_SEED, Market

if TYPE_CHECKING:
    from engine.model import Instrument

#: How much faster than life the demo's prices move.
DEMO_PACE = 12.0

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class _Leg:
    """One leg; ``entered_at``: entry price as a multiple of the first mid."""

    side: Side
    strike: int
    right: Right
    entered_at: float


@dataclass(frozen=True, slots=True)
class _Strategy:
    strategy_id: int
    symbol: str
    name: str
    lots: int
    days_ago: int
    legs: tuple[_Leg, ...]


# The condor has earned 47.5 % of its credit: 0.525 of it is what closing costs. Its wings are wide enough
# to leave something to lose, or no loss rule could guard it. The strangle's loss is 0.75
# credits, and its stop stands at two. The put spread is 10 % up; the call is the owner's own example, 57.00
# paid and 54.60 asked.
_CONDOR = 1 / 0.525
_SPREAD = 1 / 0.90
_BOOK = (
    _Strategy(
        3359,
        "NIFTY",
        "Iron Condor",
        2,
        9,
        (
            _Leg(Side.BUY, 24_600, Right.PUT, _CONDOR),
            _Leg(Side.SELL, 25_100, Right.PUT, _CONDOR),
            _Leg(Side.SELL, 25_900, Right.CALL, _CONDOR),
            _Leg(Side.BUY, 26_400, Right.CALL, _CONDOR),
        ),
    ),
    _Strategy(
        3360,
        "BANKNIFTY",
        "Short Strangle",
        1,
        6,
        (
            _Leg(Side.SELL, 57_800, Right.CALL, 0.46),
            _Leg(Side.SELL, 55_300, Right.PUT, 1.02),
        ),
    ),
    _Strategy(
        3361,
        "NIFTY",
        "Bull Put Spread",
        1,
        5,
        (
            _Leg(Side.SELL, 24_900, Right.PUT, _SPREAD),
            _Leg(Side.BUY, 24_700, Right.PUT, _SPREAD),
        ),
    ),
    _Strategy(3362, "ASTRAL", "Long Call", 1, 3, (_Leg(Side.BUY, 1_500, Right.CALL, 1.044),)),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """A market, an exchange whose account holds the demo's legs, and the rows of the trades table."""

    market: Market
    exchange: Exchange
    trades: list[dict[str, Any]]


def open_demo(
    now_s: float,
    *,
    client_id: str = DEFAULT_CLIENT,
    token: str = "sandbox-token",  # noqa: S107 - the sandbox's own, worth nothing
    seed: int = DEFAULT_SEED,
    story: bool = True,
) -> Demo:
    """Set the stage at a moment (epoch seconds); the story runs in the first eight seconds.

    Without the story prices breathe at life's own pace and go nowhere in particular.
    """
    market = Market(now_s, seed=seed, pace=DEMO_PACE if story else 1.0)
    trades = demo_trades(market)
    exchange = Exchange(market)
    exchange.open_account(client_id, token, now_s)
    for row in trades:
        option = market.option(row["symbol"], int(row["strike_price"]), Right(row["type"]))
        units = Side(row["action"]).sign * row["quantity"]
        exchange.carry(option.key, units, round(row["price"] * 100), client_id=client_id)
    if story:
        market.glide("NIFTY", 25_345.0, over_s=5.0, after_s=2.0)
        market.glide_vol("NIFTY", 0.100, over_s=5.0, after_s=2.0)
        market.glide("BANKNIFTY", 57_420.0, over_s=5.0, after_s=2.0)
    return Demo(market, exchange, trades)


def demo_trades(market: Market) -> list[dict[str, Any]]:
    """Rows with the columns of the ``trades`` table, one per leg; prices and strikes in rupees."""
    return [
        _row(market, strategy, leg, number)
        for strategy in _BOOK
        for number, leg in enumerate(strategy.legs, start=1)
    ]


def _row(market: Market, strategy: _Strategy, leg: _Leg, number: int) -> dict[str, Any]:
    option = market.option(strategy.symbol, leg.strike, leg.right)
    entered = ist(_entered_s(market.now_s, strategy.days_ago))
    return {
        "account": "default",
        "strategy_id": strategy.strategy_id,
        "symbol": strategy.symbol,
        "strategy": strategy.name,
        "security_id": option.security_id,
        "action": str(leg.side),
        "type": str(leg.right),
        "strike_price": leg.strike,
        "expiry_date": str(option.expiry),
        "quantity": option.lot * strategy.lots,
        "price": _entry_paise(market, option, leg.entered_at) / 100,
        "order_id": f"32{entered:%y%m%d}{strategy.strategy_id}{number}",
        "order_status": "TRADED",
        "timestamp": entered.isoformat(),
    }


def _entry_paise(market: Market, option: Instrument, multiple: float) -> int:
    quote = market.quote(option.key)
    first = quote.reference_paise if quote else 0
    return round(first * multiple / option.tick_paise) * option.tick_paise


def _entered_s(now_s: float, days_ago: int) -> float:
    """A quarter past ten, that many days ago or on the trading day before."""
    day = ist(now_s).date() - timedelta(days=days_ago)
    while day.weekday() >= _SATURDAY:
        day -= timedelta(days=1)
    return moment_s(day, 10, 15)
