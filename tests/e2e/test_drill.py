"""``python -m engine drill`` against the sandbox, over real sockets."""

from __future__ import annotations

import asyncio
import json

import pytest

from engine.__main__ import main
from tests.e2e.outside import environment, sandbox

NAMES = ["token", "IP", "permission", "clock", "kill switch", "books", "feed", "order socket"]
LAST = ["trade store", "journal", "chat"]


@pytest.fixture
def drill(tmp_path, monkeypatch, capsys):
    """Run the tool in this sandbox; (exit status, what it printed)."""
    monkeypatch.chdir(tmp_path)

    async def run(world, *flags, **more):
        for name, word in (await environment(world, tmp_path / "home", **more)).items():
            monkeypatch.setenv(name, word)
        status = await asyncio.to_thread(main, ["drill", *flags])
        return status, capsys.readouterr().out

    return run


async def test_all_is_green(drill):
    """One line each, exit status 0, and nothing of the account is changed."""
    async with sandbox() as world:
        status, text = await drill(world)
        plans = {f"plan {row['strategy_id']} {row['symbol']}" for row in world.outside.trades}
        lines = text.splitlines()
        assert [line[:4] for line in lines] == ["ok  "] * len(lines)
        assert len(lines) == len(NAMES) + len(plans) + len(LAST)
        assert all(any(plan in line for line in lines) for plan in plans)
        assert (status, world.dhan.exchange.log) == (0, [])


async def test_what_is_wrong_is_red_and_the_exit_status_says_so(drill):
    """A foreign address, no data plan, a clock that is off, a chat that is not there."""
    async with sandbox() as world:
        world.dhan.faults.wrong_ip = world.dhan.faults.no_data_plan = True
        world.dhan.habits.date_ahead_s = 60
        status, text = await drill(world, "--json", TELEGRAM_API_URL="http://127.0.0.1:9")
        told = json.loads(text)
        lights = {check["name"]: check["light"] for check in told["checks"]}
        assert (status, told["light"]) == (1, "red")
        red = {name for name, light in lights.items() if light == "red"}
        assert {"IP", "permission", "clock", "feed", "chat"} <= red
        assert not {"token", "books", "trade store", "journal"} & red


async def test_a_dead_token_is_red_and_in_no_line(drill):
    """Refused everywhere; the secret is not printed."""
    async with sandbox() as world:
        world.dhan.faults.refuse_tokens = True
        status, text = await drill(world)
        assert status == 1
        assert text.startswith("RED   token")
        assert world.outside.settings["DHAN_ACCESS_TOKEN"] not in text


def test_without_credentials_there_is_nothing_to_drill(tmp_path, monkeypatch, capsys):
    """A sentence and exit status 2."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    assert main(["drill"]) == 2
    assert "no credentials are set" in capsys.readouterr().err
