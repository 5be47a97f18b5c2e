"""A sandbox Dhan on a market that stands still until a test moves it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from sandbox.dhan_server import DhanServer
from sandbox.exchange import Exchange
from sandbox.ist import moment_s
from sandbox.market import Market

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MORNING_S = moment_s(date(2026, 2, 3), 9, 20)


class Hands:
    """A clock that a test moves by hand."""

    def __init__(self, now_s: float) -> None:
        self.now = now_s

    def __call__(self) -> float:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Hands:
    return Hands(MORNING_S)


@pytest.fixture
def market(clock: Hands) -> Market:
    made = Market(clock())
    made.freeze()
    return made


@pytest.fixture
def exchange(market: Market) -> Exchange:
    return Exchange(market, latency_s=0.05)


@pytest.fixture
async def server(exchange: Exchange, market: Market, clock: Hands) -> AsyncIterator[DhanServer]:
    made = DhanServer(exchange, market, now_s=clock, step_s=0)
    await made.start()
    yield made
    await made.stop()
