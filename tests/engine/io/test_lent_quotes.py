"""Dhan answers one question for quotes a second: the house comes first, and lends a tool its turn."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest

from engine.errors import RateLimited
from engine.io import market_look
from engine.io.answers import answers
from engine.io.dhan.limits import QUOTE_WINDOWS, Lane, Rank
from engine.io.dhan.rest import DhanRest
from engine.io.dhan.threads import Threads
from engine.io.hatch import open_hatch
from engine.io.house import House
from engine.io.wiring import Lent, Line
from engine.model import InstrumentKey, Mode
from tests.support.clock import VirtualClock

KEY = InstrumentKey(1)
SETTINGS = SimpleNamespace(account="huf")


class Dhan:
    """Counts the questions of a tool."""

    asked = 0

    async def quotes(self, keys):
        self.asked += 1
        return list(keys)


class Lender:
    """A house that answers what it is told to, and the last of it for ever."""

    def __init__(self, *says):
        self.says = list(says)

    def lend_quote(self):
        return self.says.pop(0) if len(self.says) > 1 else self.says[0]


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Ask as `quote` does, beside a monitor whose house says these."""
    monkeypatch.setattr(market_look, "home", lambda: tmp_path)
    monkeypatch.setattr(market_look, "TURN_S", 0.0)

    async def ask(*says, account="huf"):
        line = Line(account, Mode.EXECUTE, VirtualClock(), sandbox=False)
        if says:
            line.lead_to(Lender(*says))
        dhan = Dhan()
        async with open_hatch(tmp_path, answers([line], None, lambda: None)):
            await market_look._quotes(SETTINGS, dhan, [KEY])
        return dhan.asked

    return ask


async def test_a_tool_waits_until_the_running_monitor_lends_it_a_turn(tool):
    """The house has just asked; a moment later it has not."""
    assert await tool(Lent.LATER, Lent.LATER, Lent.YES) == 1


@pytest.mark.parametrize("says", [Lent.EXITS, Lent.LATER])
async def test_a_tool_does_not_ask_while_an_exit_may_need_the_answer(tool, says):
    """A person who looks must not make an exit wait for its prices."""
    with pytest.raises(RateLimited, match="not asked"):
        await tool(says)


async def test_a_tool_asks_where_nobody_else_does(tool, tmp_path):
    """The account is down, runs elsewhere, or no monitor runs at all."""
    assert await tool() == 1
    assert await tool(Lent.EXITS, account="another") == 1
    dhan = Dhan()
    await market_look._quotes(SETTINGS, dhan, [KEY])
    assert dhan.asked == 1


async def test_a_lent_question_is_counted_as_the_houses_own():
    """The next one waits its second, so that it is not turned away; who is barred lends nothing."""
    clock, rest = VirtualClock(), DhanRest.__new__(DhanRest)
    rest._clock, rest._threads, rest._no_quotes_until_s = clock, Threads(ThreadPoolExecutor(1), clock), 0.0
    house = House.__new__(House)
    exits = [object()]
    house.dhan = cast("Any", SimpleNamespace(rest=rest))
    house.monitor = cast("Any", SimpleNamespace(desk=SimpleNamespace(live=lambda: iter(exits))))
    assert house.lend_quote() is Lent.EXITS
    exits.clear()
    assert [house.lend_quote(), house.lend_quote()] == [Lent.YES, Lent.LATER]
    assert not await rest._threads._quote_lane.turn(patience_s=0.0)
    await clock.advance(1.1)
    assert house.lend_quote() is Lent.YES
    await clock.advance(1.1)
    rest._no_quotes_until_s = clock.now_s() + 60.0
    assert house.lend_quote() is Lent.LATER


async def test_who_waits_for_a_turn_is_not_overtaken_by_a_tool():
    """An exit that asked a moment ago has the next one."""
    clock = VirtualClock()
    lane = Lane(clock, QUOTE_WINDOWS)
    assert await lane.turn()
    waiting = asyncio.create_task(lane.turn())
    await clock.advance(0.5)
    assert not lane.at_once(Rank.OTHER)
    await clock.advance(0.6)
    assert await waiting
