"""The tools that ask the market, against the sandbox's Dhan over real sockets."""

from __future__ import annotations

import asyncio
import json

import pytest

from engine.__main__ import main
from tests.e2e.outside import environment, sandbox

pytestmark = pytest.mark.timeout(90)


async def run(*words):
    """A tool, on a thread; its exit status."""
    return await asyncio.to_thread(main, list(words))


@pytest.fixture
async def world(tmp_path, monkeypatch):
    """A sandbox, and its settings in the environment."""
    async with sandbox() as made:
        monkeypatch.chdir(tmp_path)
        for name, word in (await environment(made, tmp_path / "home")).items():
            monkeypatch.setenv(name, word)
        yield made


async def test_a_quote_is_what_the_exchange_shows(world, capsys):
    """A contract of the trade store: last trade, both sides."""
    security_id = str(world.outside.trades[0]["security_id"])
    assert await run("quote", "--security-id", security_id, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["security_id"] == int(security_id)
    assert 0 < told["bid_paise"] < told["ask_paise"]
    assert told["socket_paise"] - told["rest_paise"] == told["difference_paise"]
    assert 0 <= told["socket_age_s"] < 5


async def test_a_quote_without_a_socket_is_told_by_rest_and_is_status_one(world, capsys):
    """The feed turns everybody away: what REST knows is shown, and what is wrong with the other way."""
    world.dhan.faults.feed.upgrade_429 = 9
    security_id = str(world.outside.trades[0]["security_id"])
    assert await run("quote", "--security-id", security_id, "--seconds", "0.5") == 1
    page = capsys.readouterr().out
    assert "REST        last ₹" in page
    assert "WebSocket   no price" in page
    assert "difference  unknown" in page


async def test_the_page_puts_socket_and_rest_side_by_side(world, capsys):
    """A row for each contract, with both prices and what lies between them."""
    assert await run("check", "feed", "--seconds", "1") == 0
    head, _, *rows = capsys.readouterr().out.splitlines()[2:]
    assert head.split() == ["Instrument", "Prices", "First", "WebSocket", "Age", "REST", "Difference"]
    assert len(rows) == len({row["security_id"] for row in world.outside.trades})
    assert all(row.count("₹") >= 2 for row in rows)


async def test_a_quote_that_comes_too_soon_after_another_says_when_to_ask_again(world, capsys):
    """Dhan answers one a second of a user, and threatens to block who goes on."""
    security_id = str(world.outside.trades[0]["security_id"])
    done = await asyncio.gather(*(run("quote", "--security-id", security_id) for _ in range(2)))
    assert sorted(done) == [0, 2]
    assert "Dhan counts all programs of a user, a running monitor too: again in" in capsys.readouterr().err


async def test_a_contract_that_nobody_knows_is_a_sentence(world, capsys):
    """Not an empty line."""
    assert await run("quote", "--security-id", "999999999") == 2
    assert "Dhan knows no 999999999 in NSE_FNO" in capsys.readouterr().err


async def test_the_feed_is_seen_to_bring_prices_of_what_is_held(world, capsys):
    """Every contract of the open rows, by name, with its count."""
    assert await run("check", "feed", "--seconds", "4", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["state"] == "live"
    assert len(told["instruments"]) == len({row["security_id"] for row in world.outside.trades})
    assert all(each["prices"] for each in told["instruments"])


async def test_a_feed_that_turns_us_away_is_status_two(world, capsys, monkeypatch):
    """A wrong token: no prices, and no traceback."""
    monkeypatch.setenv("DHAN_ACCESS_TOKEN", "eyJhbGciOi-wrong")
    assert await run("check", "feed", "--seconds", "4") != 0
    assert "Traceback" not in capsys.readouterr().err


def test_without_credentials_both_say_what_is_missing(tmp_path, monkeypatch, capsys):
    """The sandbox has a market only while it runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert main(["quote", "--security-id", "13"]) == 2
    assert main(["check", "feed"]) == 2
    assert capsys.readouterr().err.count("no credentials are set") == 2
