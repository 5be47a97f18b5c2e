"""A small stage for whole exits: an exchange on loopback whose account holds iron condors, and little else.

The market stands still, so that every run of the same story ends with the same prices. Who wants one of the
condors to lose says so: by what was paid for it, or by one quote.
"""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.model import Right, Side
from engine.sessions import IST
from sandbox.dhan_server import DhanServer
from sandbox.exchange import DEFAULT_CLIENT, Exchange
from sandbox.instruments import UNDERLYINGS
from sandbox.market import Market

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.model import Instrument

#: A Wednesday in the middle of its session, some days before the market's last expiry.
START = datetime.fromisoformat("2026-11-18T10:15:00+05:30")
TOKEN = "stage-access-token"
LOTS = 2
FIRST = 101
_SYMBOL = "NIFTY"
_STEP, _WING, _PER_EXPIRY = 50, 500, 10
#: Signs of the four legs: short put, long put, short call, long call.
_LEGS = ((Side.SELL, Right.PUT, 0), (Side.BUY, Right.PUT, -_WING), (Side.SELL, Right.CALL, 0),
         (Side.BUY, Right.CALL, _WING))  # fmt: skip


class Owner(NamedTuple):
    """An account: its name in the trade store, its client id and the token that the exchange lets in."""

    account: str
    client_id: str
    token: str


class Stage:
    """A still market, the condors of one account, or of several, and the server that both live in.

    Attributes:
        server: Dhan's REST, feed and order updates; start and stop it.
        legs: the contracts of each condor by strategy id, in the order of its rows.
        planned: signed units that were held of each leg's contract at the start, by security id.
    """

    def __init__(
        self,
        now_s: Callable[[], float],
        *,
        condors: int = 1,
        lots: int = LOTS,
        shorts_sold_at: float = 1.0,
        latency_s: float = 0.05,
        owners: Sequence[Owner] = (Owner("default", DEFAULT_CLIENT, TOKEN),),
    ) -> None:
        """Set the stage at this moment.

        Args:
            now_s: the sandbox's clock, epoch seconds.
            condors: how many positions, of four contracts each that no other one has; at most thirty.
            lots: of each leg.
            shorts_sold_at: entry price of every short leg as a multiple of its mid; below 1 it has lost.
            latency_s: what an order takes to the exchange.
            owners: whose they are, in turn.
        """
        began_s = now_s()
        self._lots = lots
        self.market = Market(began_s, underlyings=[u for u in UNDERLYINGS if u.symbol == _SYMBOL])
        self.market.freeze()
        self.exchange = Exchange(self.market, latency_s=latency_s)
        self.owners = owners
        for owner in owners:
            self.exchange.open_account(owner.client_id, owner.token, began_s)
        self.legs: dict[int, list[Instrument]] = {}
        self.planned: dict[int, int] = {}
        self._rows: list[dict[str, Any]] = []
        for number in range(condors):
            self._condor(number, shorts_sold_at)
        self.server = DhanServer(self.exchange, self.market, now_s=now_s, token=TOKEN)

    def _condor(self, number: int, shorts_sold_at: float) -> None:
        spot = round(self.market.spot_paise(_SYMBOL) / 100 / _STEP) * _STEP
        expiry = self.market.expiries[-1 - number // _PER_EXPIRY]
        out = _STEP * (1 + number % _PER_EXPIRY)
        self.legs[FIRST + number] = []
        for side, right, wing in _LEGS:
            strike = spot + wing + (out if right is Right.CALL else -out)
            option = self.market.option(_SYMBOL, strike, right, expiry)
            quote = self.market.quote(option.key)
            mid_paise = quote.reference_paise if quote else 0
            paid = mid_paise * (shorts_sold_at if side is Side.SELL else 1.0)
            paid_paise = round(paid / option.tick_paise) * option.tick_paise
            self._hold(option, FIRST + number, side, paid_paise)

    def _hold(self, option: Instrument, strategy_id: int, side: Side, paid_paise: int) -> None:
        owner = self.owners[(strategy_id - FIRST) % len(self.owners)]
        units = option.lot * self._lots
        self.legs[strategy_id].append(option)
        self.planned[option.security_id] = side.sign * units
        self.exchange.carry(option.key, side.sign * units, paid_paise, client_id=owner.client_id)
        self._rows.append({
            "account": owner.account, "strategy_id": strategy_id, "symbol": _SYMBOL,
            "strategy": "Iron Condor",
            "security_id": option.security_id, "action": str(side), "type": str(option.right),
            "strike_price": (option.strike_paise or 0) // 100, "expiry_date": str(option.expiry),
            "quantity": units, "price": paid_paise / 100,
            "order_id": f"old{strategy_id}{len(self._rows)}", "order_status": "TRADED",
            "timestamp": (START - timedelta(days=6)).isoformat(),
        })  # fmt: skip

    def trades_csv(self) -> str:
        """The rows of the trade store as a file that `engine.trades.parse_csv` takes."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self._rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        return text.getvalue()

    def settings(self, home: Path, now_s: float, rules: str) -> dict[str, str]:
        """The environment of a monitor that lives here from this moment on, its chat's names made up."""
        return environment(home, now_s, rules, self.server)


def environment(home: Path, now_s: float, rules: str, server: DhanServer) -> dict[str, str]:
    """The environment of a monitor that lives beside this server from a moment on; its chat is made up."""
    home.mkdir(exist_ok=True)
    (home / "rules.toml").write_text(rules)
    return {
        "DHAN_CLIENT_ID": DEFAULT_CLIENT,
        "DHAN_ACCESS_TOKEN": TOKEN,
        "DHAN_API_URL": server.api_url,
        "DHAN_AUTH_URL": server.auth_url,
        "DHAN_FEED_URL": server.feed_url,
        "DHAN_ORDER_UPDATE_URL": server.order_update_url,
        "DHAN_INSTRUMENTS_URL": server.instruments_url,
        "TELEGRAM_API_URL": server.auth_url,
        "TELEGRAM_BOT_TOKEN": "7000000001:worth-nothing-and-never-used-by-anybody",
        "TELEGRAM_CHAT_ID": "4242",
        "TELEGRAM_USER_IDS": "4242",
        "CLOCK_START": datetime.fromtimestamp(now_s, IST).isoformat(),
        "DATA_DIR": str(home),
        "RULES_FILE": str(home / "rules.toml"),
    }
