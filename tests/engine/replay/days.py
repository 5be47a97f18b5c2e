"""Writes small recordings and trades files, and replays them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.io.replays import ReplayRequest, run_replay
from engine.model import Mode

COLUMNS = (
    "ts", "underlying", "expiry", "strike", "right", "ltp", "bid", "bid_qty", "ask", "ask_qty", "volume",
    "oi", "chg_oi", "iv", "spot", "stale",
)  # fmt: skip
TRADE_COLUMNS = (
    "strategy_id", "symbol", "strategy", "security_id", "action", "type", "strike_price", "expiry_date",
    "quantity", "price", "order_id", "order_status", "timestamp",
)  # fmt: skip

EXPIRY = "2025-09-30"
DAY = "2025-08-29"


@dataclass
class Day:
    """A recording in the making; times are ``HH:MM:SS`` of its date, prices rupees."""

    date: str = DAY
    underlying: str = "NIFTY"
    expiry: str = EXPIRY
    rows: list[dict[str, Any]] = field(default_factory=list)

    def quote(self, at, name, bid, ask, *, size=750, **more) -> Day:
        """A row with both sides; ``name`` is e.g. ``25000CE``."""
        ltp = bid or ask or ""
        self.rows.append(self._row(at, name, ltp=ltp, bid=bid, bid_qty=size, ask=ask, ask_qty=size) | more)
        return self

    def last(self, at, name, ltp, **more) -> Day:
        """A row of a source without quotes."""
        self.rows.append(self._row(at, name, ltp=ltp) | more)
        return self

    def _row(self, at, name, **cells) -> dict[str, Any]:
        row = {"ts": f"{self.date}T{at}+05:30", "underlying": self.underlying, "expiry": self.expiry}
        return row | {"strike": name[:-2], "right": name[-2:]} | cells

    def write(self, path: Path) -> Path:
        """Write the file."""
        return _write(path, COLUMNS, self.rows)


def trade(
    strategy_id, action, name, quantity, price="", at=f"{DAY}T09:15:00+05:30", **more
) -> dict[str, Any]:
    """A row of the trades table; ``name`` is e.g. ``25000CE``."""
    row = {
        "strategy_id": strategy_id, "symbol": "NIFTY", "strategy": "Test", "action": action,
        "type": name[-2:], "strike_price": name[:-2], "expiry_date": EXPIRY, "quantity": quantity,
        "price": price, "order_status": "TRADED", "timestamp": at,
    }  # fmt: skip
    return row | more


def replay(folder: Path, days, trades, rules="", mode=Mode.EXECUTE, observe=None, **more) -> dict[str, Any]:
    """Replay recordings with these trades and rules; files are made in the folder."""
    files = [day.write(folder / f"day{number}.csv") for number, day in enumerate(days)]
    book = _write(folder / "trades.csv", TRADE_COLUMNS, trades)
    toml = folder / "rules.toml"
    toml.write_text(rules, encoding="utf-8")
    return run_replay(ReplayRequest(tuple(files), book, toml, mode, **more), observe)


def only(result: dict[str, Any]) -> dict[str, Any]:
    """The one position of a result."""
    (position,) = result["positions"]
    return position


def kinds(position: dict[str, Any]) -> list[str]:
    """The kinds of its events, in order."""
    return [event["kind"] for event in position["events"]]


def _write(path: Path, columns, rows) -> Path:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path
