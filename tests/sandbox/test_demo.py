"""The demo's story."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.model import Right, Side
from engine.trades import parse_row
from sandbox.demo import Demo, open_demo
from sandbox.market import DEFAULT_SEED
from tests.sandbox.conftest import MORNING_S

if TYPE_CHECKING:
    from collections.abc import Iterator


def _pnl(demo: Demo, strategy_id: int) -> float:
    """Rupees at mid."""
    total = 0.0
    for row in demo.trades:
        if row["strategy_id"] == strategy_id:
            quote = demo.market.quote(_option(demo, row).key)
            assert quote is not None
            sign = Side(row["action"]).sign
            total += sign * row["quantity"] * (quote.reference_paise / 100 - row["price"])
    return total


def _credit(demo: Demo, strategy_id: int) -> float:
    """Net premium in rupees; what was paid is negative."""
    rows = [row for row in demo.trades if row["strategy_id"] == strategy_id]
    return -sum(Side(row["action"]).sign * int(row["quantity"]) * float(row["price"]) for row in rows)


def _option(demo: Demo, row):
    return demo.market.option(row["symbol"], row["strike_price"], Right(row["type"]))


def _seconds(demo: Demo, until: float) -> Iterator[float]:
    for quarter in range(int(until * 4) + 1):
        demo.market.step(MORNING_S + quarter / 4)
        yield quarter / 4


@pytest.mark.parametrize("seed", [DEFAULT_SEED, 1, 2, 3])
def test_within_eight_seconds_a_target_is_crossed_a_loss_is_told_and_two_stay_calm(seed) -> None:
    """The owner sees a profit target and a loss alert arrive while the other positions only breathe."""
    demo = open_demo(MORNING_S, seed=seed)
    crossed: dict[str, float] = {}
    calm = True
    for at in _seconds(demo, 8.0):
        if _pnl(demo, 3359) >= 0.5 * _credit(demo, 3359):
            crossed.setdefault("target", at)
        fraction = -_pnl(demo, 3360) / (2 * _credit(demo, 3360))
        if fraction >= 0.4:
            crossed.setdefault("alert", at)
        assert fraction < 0.6
        spread, call = _pnl(demo, 3361) / _credit(demo, 3361), _pnl(demo, 3362) / -_credit(demo, 3362)
        calm = calm and 0 < spread < 0.45 and -0.15 < call < 0.1
    assert calm
    assert 2.0 < crossed["target"] <= 8.0
    assert 2.0 < crossed["alert"] <= 8.0
    assert _pnl(demo, 3359) > 0.505 * _credit(demo, 3359)


def test_the_condor_can_lose_so_that_a_stop_guards_it() -> None:
    """Its credit is less than its wings are wide, on each trading day between two monthly expiries."""
    for days in range(28):
        demo = open_demo(MORNING_S + days * 86_400.0)
        strikes = sorted(row["strike_price"] for row in demo.trades if row["strategy_id"] == 3359)
        units = next(row["quantity"] for row in demo.trades if row["strategy_id"] == 3359)
        assert _credit(demo, 3359) < 0.8 * (strikes[1] - strikes[0]) * units


def test_the_exchange_holds_exactly_the_legs_of_the_trades() -> None:
    """Trade store and broker agree at the start, to the unit."""
    demo = open_demo(MORNING_S)
    held = demo.exchange.account().net()
    rows = {_option(demo, row).key: Side(row["action"]).sign * row["quantity"] for row in demo.trades}
    assert held == rows
    assert {at.product.value for at in demo.exchange.account().holdings().values()} == {"MARGIN"}


def test_the_rows_are_what_the_trades_table_wants() -> None:
    """Every row passes the reader that real rows pass, entered on a weekday with more than a week to go."""
    for number, row in enumerate(open_demo(MORNING_S).trades, start=1):
        parsed = parse_row(row, f"row {number}", number)
        assert parsed.price_paise is not None
        assert parsed.price_paise % 5 == 0
        assert parsed.expiry_date is not None
        assert parsed.timestamp_s < MORNING_S


def test_the_owners_own_example_is_in_the_book() -> None:
    """ASTRAL 1500 CE, 425 bought near 57 with the last price a few per cent below."""
    demo = open_demo(MORNING_S)
    (row,) = [row for row in demo.trades if row["strategy_id"] == 3362]
    assert (row["quantity"], row["strike_price"], row["type"]) == (425, 1_500, "CE")
    assert row["price"] == pytest.approx(57.0, abs=1.0)
