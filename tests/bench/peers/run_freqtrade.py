"""freqtrade in its own environment: its exit loop, with the network taken out.

``python run_freqtrade.py JOB`` reads a job (``{"trades": N}``), prints one line when it is ready and one for
each line it reads: ``default`` or ``levels``. It knows nothing of ours. The bot is freqtrade's own, in dry
run, its database SQLite in memory; of its exchange only what would ask the network is replaced: markets are
made up, and a ticker is answered at once. ``default``: as its loop does it, open trades are read, looked at
by `exit_positions` and committed; the last candle's signals count besides target and stop. ``levels``:
`exit_positions` alone, on trades at hand, signals turned off.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from freqtrade import freqtradebot
from freqtrade.enums import CandleType, RunMode
from freqtrade.exchange import Exchange
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Order, Trade
from pandas import DataFrame

OPEN_RATE, CANDLES = 100.0, 500


class Offline(Exchange):  # type: ignore[misc]
    """An exchange whose markets are made up and whose tickers are at hand."""

    rates: dict[str, float]
    asked = 0

    def fetch_ticker(self, pair: str) -> dict:
        """Answer at once."""
        self.asked += 1
        rate = self.rates[pair]
        return {"symbol": pair, "bid": rate, "ask": rate + 0.05, "last": rate}


def market(name: str) -> dict:
    """One market, as ccxt describes it."""
    return {
        "id": f"{name}USDT", "symbol": f"{name}/USDT", "base": name, "quote": "USDT", "active": True,
        "spot": True, "swap": False, "margin": False, "future": False, "type": "spot", "linear": None,
        "contract": False, "contractSize": None, "taker": 0.001, "maker": 0.001,
        "precision": {"amount": 0.0001, "price": 0.01},
        "limits": {"amount": {"min": 0.0001, "max": None}, "price": {"min": 0.01, "max": None},
                   "cost": {"min": 1, "max": None}, "leverage": {"min": None, "max": None}},
        "info": {},
    }  # fmt: skip


def config(names: list[str]) -> dict:
    """What the documentation calls the minimum, and this folder's strategy."""
    pricing = {"price_side": "same", "use_order_book": False, "order_book_top": 1}
    return {
        "runmode": RunMode.DRY_RUN, "dry_run": True, "dry_run_wallet": 1e9, "stake_currency": "USDT",
        "stake_amount": 100, "max_open_trades": len(names), "tradable_balance_ratio": 1.0,
        "timeframe": "1h", "trading_mode": "spot", "margin_mode": "", "db_url": "sqlite://",
        "fiat_display_currency": "", "cancel_open_orders_on_exit": False, "force_entry_enable": False,
        "unfilledtimeout": {"entry": 10, "exit": 10, "exit_timeout_count": 0, "unit": "minutes"},
        "entry_pricing": dict(pricing), "exit_pricing": dict(pricing),
        "exchange": {"name": "binance", "key": "", "secret": "", "enable_ws": False,
                     "pair_whitelist": [f"{name}/USDT" for name in names], "pair_blacklist": []},
        "pairlists": [{"method": "StaticPairList"}], "strategy": "TargetAndStop",
        "strategy_path": str(Path(__file__).parent / "strategies"), "original_config": {},
        "user_data_dir": Path(tempfile.gettempdir()), "internals": {},
        "dataformat_ohlcv": "feather", "dataformat_trades": "feather",
        "process_only_new_candles": True, "initial_state": "running",
    }  # fmt: skip


def bot_with(names: list[str]) -> FreqtradeBot:
    """A bot that has never asked anybody anything."""

    class Resolver:
        @staticmethod
        def load_exchange(config: dict, **more: object) -> Offline:
            exchange = Offline(config, exchange_config=more["exchange_config"], validate=False)
            exchange._markets = {f"{name}/USDT": market(name) for name in names}
            exchange._last_markets_refresh = int(time.time() * 1000) + 10**9
            exchange.rates = {f"{name}/USDT": OPEN_RATE for name in names}
            exchange.reload_markets = lambda *_, **__: None
            return exchange

    freqtradebot.ExchangeResolver = Resolver
    return FreqtradeBot(config(names))


def opened(bot: FreqtradeBot, names: list[str]) -> None:
    """One open trade a pair, entered a moment ago by an order that was filled; its candles are at hand."""
    now = datetime.now(UTC)
    rows = [
        (now - timedelta(hours=back), *[OPEN_RATE] * 4, 1.0, 0, 0, None) for back in range(CANDLES, 0, -1)
    ]
    columns = ["date", "open", "high", "low", "close", "volume", "enter_long", "exit_long", "exit_tag"]
    candles = DataFrame(rows, columns=columns)
    for name in names:
        pair = f"{name}/USDT"
        order = Order(
            ft_order_side="buy", ft_pair=pair, ft_is_open=False, ft_amount=1.0, ft_price=OPEN_RATE,
            order_id=name, status="closed", symbol=pair, order_type="limit", side="buy", price=OPEN_RATE,
            average=OPEN_RATE, amount=1.0, filled=1.0, remaining=0.0, cost=OPEN_RATE, order_date=now,
            order_filled_date=now,
        )  # fmt: skip
        trade = Trade(
            pair=pair, base_currency=name, stake_currency="USDT", stake_amount=OPEN_RATE, amount=1.0,
            amount_requested=1.0, open_rate=OPEN_RATE, open_rate_requested=OPEN_RATE, fee_open=0.001,
            fee_close=0.001, fee_open_currency="USDT", is_open=True, open_date=now, exchange="binance",
            strategy="TargetAndStop", timeframe=60, leverage=1.0, is_short=False,
        )  # fmt: skip
        trade.orders.append(order)
        trade.adjust_stop_loss(OPEN_RATE, -0.25, initial=True)
        trade.recalc_open_trade_value()
        Trade.session.add(trade)
        bot.dataprovider._set_cached_df(pair, bot.strategy.timeframe, candles, CandleType.SPOT)
    Trade.commit()
    bot.wallets.update()


def main() -> None:
    """Serve rounds until standard input ends."""
    logging.basicConfig(level=logging.ERROR)
    job = json.loads(Path(sys.argv[1]).read_text())
    names = [f"C{number}" for number in range(job["trades"])]
    bot = bot_with(names)
    opened(bot, names)
    say(versions=f"freqtrade {version('freqtrade')}, ccxt {version('ccxt')}")
    turn = 0
    while variant := sys.stdin.readline().strip():
        turn += 1
        bot.strategy.use_exit_signal = bot.config["use_exit_signal"] = variant == "default"
        for at, name in enumerate(names):
            bot.exchange.rates[f"{name}/USDT"] = OPEN_RATE + (turn + at) % 7 - 3
        asked, trades = bot.exchange.asked, Trade.get_open_trades()
        began_s = time.process_time()
        if variant == "default":
            closed = bot.exit_positions(Trade.get_open_trades())
            Trade.commit()
        else:
            closed = bot.exit_positions(trades)
        cpu_s = time.process_time() - began_s
        say(cpu_s=cpu_s, said=closed, seen=bot.exchange.asked - asked)


def say(**words: object) -> None:
    """One line for the parent."""
    print(json.dumps({"peer": "freqtrade", **words}), flush=True)


if __name__ == "__main__":
    main()
