"""``python -m engine cache``: what it says of a Redis in use, empty, gone, and not set."""

from __future__ import annotations

import asyncio
import json

import pytest

from engine.__main__ import main
from engine.expected import DEFAULT_URLS
from engine.io.redis.names import Names
from tests.engine.io.redis import house
from tests.engine.io.redis.house import Ear, bus, mirror, running
from tests.engine.makers import SPOT, option, quote, traded
from tests.support.redis_server import redis_server
from tests.support.turns import until

CALL = option(25000, "CE")
REAL = Names.of(DEFAULT_URLS["DHAN_FEED_URL"])


@pytest.fixture
async def server(monkeypatch, tmp_path):
    """A Redis that the tool is told of, in a directory without an .env, and used by the real names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(house, "NAMES", REAL)
    async with redis_server("canary-pw") as one:
        monkeypatch.setenv("REDIS_URL", one.url.reveal())
        yield one


async def run(*args):
    """The tool's exit status, run in a thread: it has a loop of its own."""
    return await asyncio.to_thread(main, ["cache", *args])


async def test_prices_ages_processes_and_lags_are_told(server, capsys):
    """One feeder, one listener, two prices; for people and as JSON, the password nowhere."""
    ear = Ear()
    feeder, feed, _ = mirror(server, ear)
    feed.subscribe([CALL])
    listener = bus(server, ear)
    listener.subscribe([CALL])
    feeder.on_ticks([quote(CALL.key, 10, 10.05), traded(SPOT, 25000)])
    async with running(feeder.run, listener.run):
        await until(lambda: feeder._written == 2 and listener.lag_s is not None)
        feeder._looked_s = listener._said_s = float("-inf")
        await until(lambda: feeder._looked_s > 0 and listener._said_s > 0)
        assert await run("--json") == 0
        found = json.loads(capsys.readouterr().out)
        assert await run() == 0
    page = capsys.readouterr().out
    assert "canary" not in page + json.dumps(found)
    spot, call = found["prices"]
    assert (spot["segment"], spot["security_id"], spot["bid_paise"]) == ("IDX_I", 13, None)
    assert (call["ltp_paise"], call["bid_paise"], call["ask_paise"]) == (1000, 1000, 1005)
    assert 0 < call["age_s"] < 5
    assert 290 < call["expires_s"] <= 300
    one, other = found["processes"]
    assert (one["name"], one["role"], one["state"], one["written"], one["hit_ratio"]) == (
        "feeder", "mirror", "live", 2, 0.75,
    )  # fmt: skip
    assert (other["role"], other["wanted"], other["state"]) == ("bus", 1, "live")
    assert 0 < one["lag_s"] < 1
    assert 0 < other["lag_s"] < 1
    assert found["wanted"] == 1
    for words in ("75.0 % of its price lookups", "(₹10.00 / ₹10.05)", "wants 1", "asked for over the bus: 1"):
        assert words in page


async def test_a_redis_that_nobody_writes_to_is_exit_status_1(server, capsys):
    """It answers, and what to do is said."""
    assert await run() == 1
    assert "no process writes prices: start a monitor with this REDIS_URL" in capsys.readouterr().out


async def test_a_redis_that_is_gone_is_exit_status_2(server, capsys):
    """Why is said, and the password is not."""
    server.kill()
    assert await run() == 2
    said = capsys.readouterr()
    assert said.err == "python -m engine cache: Redis cannot be reached\n"


def test_without_the_setting_the_tool_says_what_to_set(monkeypatch, tmp_path, capsys):
    """Exit status 2, and the line for .env."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert main(["cache"]) == 2
    assert "REDIS_URL=redis://127.0.0.1:6379/0" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["cache", "--help"])
    assert "  0  somebody writes prices" in capsys.readouterr().out
