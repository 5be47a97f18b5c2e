"""What exits trade at on days of last prices, worked out from the rows and the table of measured spreads."""

from __future__ import annotations

import csv
from functools import cache
from math import ceil, floor

import pytest

from tests.engine.replay import plain
from tests.engine.replay.every_rule import (
    DAYS,
    needs_days,
    recording,
    replayed,
    strategies,
    together,
    wanted,
)

pytestmark = needs_days
LAST_ONLY = ("2026-01-30", "2026-02-03_index", "2026-02-03_stocks", "2026-08-05", "2026-08-18")
INDICES = ("NIFTY", "BANKNIFTY", "MIDCPNIFTY")
TICK = 5


@cache
def buckets(symbol):
    """[(lower end, upper end, spread)] in rupees: means of the medians; the stocks together for the rest."""
    with (DAYS / "measured_spreads.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    mine = [row for row in rows if row["set"].split()[0] == symbol]
    mine = mine or [row for row in rows if row["set"].split()[0] not in INDICES]
    groups: dict = {}
    for row in mine:
        groups.setdefault(tuple(float(edge) for edge in row["mid_bucket"][1:-1].split(",")), []).append(row)
    return [
        (
            *edges,
            sum(float(r["spread_median"]) * int(r["n"]) for r in group) / sum(int(r["n"]) for r in group),
        )
        for edges, group in groups.items()
    ]


def made_up(symbol, last, side):
    """The quote around a last price, paise, on the costly side of the tick."""
    rupees = last / 100
    spread = min(buckets(symbol), key=lambda b: max(b[0] - rupees, rupees - b[1] + 0.01, 0))[2] * 100
    if side == "BUY":
        return ceil((last + spread / 2) / TICK - 1e-9) * TICK
    return floor((last - spread / 2) / TICK + 1e-9) * TICK


@pytest.mark.parametrize("name", [together(name) for name in LAST_ONLY])
def test_a_fill_is_a_later_last_price_and_half_a_measured_spread(name):
    """On the costly side, within the limit, and after the order was sent; never the last price itself."""
    found, _ = plain.snapshots(recording(name), wanted(name))
    filled = 0
    for position in replayed(name).values():
        for order in (order for order in position["orders"] if order["filled"]):
            contract = tuple(order["security"].split())
            prices = {
                made_up(contract[0], quotes[contract].ask, order["side"])
                for at_s, quotes, _ in found
                if at_s > plain.seconds(order["at"]) and contract in quotes and quotes[contract].ask
            }
            assert round(order["average"] * 100) in prices
            within = (
                order["limit"] - order["average"]
                if order["side"] == "BUY"
                else order["average"] - order["limit"]
            )
            assert within >= -1e-9
            filled += 1
    assert filled >= 10


@pytest.mark.parametrize("name", [together(name) for name in LAST_ONLY])
def test_what_a_closed_position_brought_is_what_its_fills_say(name):
    """Gross: what the exits brought, less what the entries cost, of every contract all that was held."""
    for number, position in replayed(name).items():
        if position["status"] != "closed":
            continue
        brought = sum(
            order["filled"] * order["average"] * (1 if order["side"] == "SELL" else -1)
            for order in position["orders"]
        )
        assert position["final_pnl_gross"] == pytest.approx(brought + position["net_premium"])
        held = sum(int(row["quantity"]) for row in strategies(name)[number])
        assert sum(order["filled"] for order in position["orders"]) == held
