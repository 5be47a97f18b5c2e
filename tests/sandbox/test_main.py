"""``python -m sandbox``: the outside world as a process of its own."""

from __future__ import annotations

import asyncio
import shlex
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from engine.model import Right
from sandbox.__main__ import main, moment
from sandbox.house import Sandbox
from sandbox.replay import RecordedMarket
from tests.sandbox.conftest import MORNING_S, buy
from tests.sandbox.test_replay import EXPIRY, row, write_day

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def _started(*args: str) -> AsyncIterator[dict[str, str]]:
    """The settings it prints, while it runs; then it is asked to end and must end well."""
    command = (sys.executable, "-m", "sandbox", "--phone-port", "0", *args)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    settings: dict[str, str] = {}
    async with asyncio.timeout(30):
        while not (line := (await process.stdout.readline()).decode()).startswith("#"):
            name, _, value = line.strip().partition("=")
            (settings[name],) = shlex.split(value)
    yield settings
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_it_prints_the_settings_of_a_world_that_answers(tmp_path) -> None:
    """Every address and secret a monitor needs, and the demo's trades beside them."""
    trades = tmp_path / "trades.csv"
    async with _started("--trades", str(trades), "--calm", "--start", "2026-11-18T10:15") as settings:
        headers = {"access-token": settings["DHAN_ACCESS_TOKEN"]}
        async with (
            ClientSession() as session,
            session.get(f"{settings['DHAN_API_URL']}/positions", headers=headers) as answer,
        ):
            held = {(row["securityId"], abs(row["netQty"])) for row in await answer.json()}
    rows = [line.split(",") for line in trades.read_text(encoding="utf-8").splitlines()[1:]]
    assert {(row[4], int(row[9])) for row in rows} == held
    assert settings["CLOCK_START"] == "2026-11-18T10:15:00+05:30"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--start", "soon"], "invalid moment value"),
        (["--port", "65536"], "invalid port value"),
        (["--speed", "0"], "invalid speed value"),
        (["--day", "day.csv", "--trades", "trades.csv"], "has none"),
    ],
)
def test_a_wrong_word_on_the_command_line_is_explained(args, words, capsys) -> None:
    """Exit 2 with usage, no traceback."""
    with pytest.raises(SystemExit) as ended:
        main(args)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_day_that_is_not_there_is_explained(tmp_path, capsys) -> None:
    """Exit 1 with the file's name."""
    assert main(["--day", str(tmp_path / "day.csv")]) == 1
    assert "day.csv" in capsys.readouterr().err


def test_a_start_without_an_offset_is_indian() -> None:
    """The clock on the wall in Mumbai."""
    assert moment("2026-02-03T09:20").timestamp() == MORNING_S
    assert moment("2026-02-03T03:50+00:00").timestamp() == MORNING_S


async def test_a_recorded_day_is_a_world_too(tmp_path) -> None:
    """Its contracts are listed with the lot of their time, and orders trade at its quotes."""
    day = RecordedMarket(write_day(tmp_path, row("09:24:16", "100.00,99.50,750,100.50,1500,10,7,0,,24400,0")))
    async with Sandbox(lambda: day.start_s + 1, phone_port=0, day=day) as world:
        option = day.option("NIFTY", 24_500, Right.CALL, EXPIRY)
        assert (option.lot, world.outside.trades) == (75, [])
        await world.dhan.step()
        order = world.dhan.exchange.place(buy(option, quantity=75, price=100.5), day.start_s + 1)
        world.dhan.exchange.advance(day.start_s + 2)
        assert order.average_rupees == 100.5


async def test_the_seed_makes_the_market() -> None:
    """The same seed and moment, the same quotes; another seed, other ones."""
    quotes = []
    for seed in (7, 7, 8):
        world = Sandbox(lambda: MORNING_S, phone_port=0, story=False, seed=seed)
        world.dhan.market.step(MORNING_S + 30)
        quotes.append([world.dhan.market.quote(key) for key in world.dhan.market.instruments])
    assert quotes[0] == quotes[1] != quotes[2]
