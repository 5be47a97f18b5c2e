"""``check redis``: what it says of a Redis that is well, full, locked and gone."""

from __future__ import annotations

import asyncio
import json

import pytest

from engine.__main__ import main
from tests.support.redis_server import redis_server


@pytest.fixture
async def server(monkeypatch, tmp_path):
    """A Redis that the tool is told of, in a directory without an .env."""
    monkeypatch.chdir(tmp_path)
    async with redis_server("canary-pw") as one:
        monkeypatch.setenv("REDIS_URL", one.url.reveal())
        yield one


async def run(capsys):
    """(status, {name: (light, text)}, all that was printed)."""
    status = await asyncio.to_thread(main, ["check", "redis", "--json"])
    out = capsys.readouterr().out
    return status, {each["name"]: (each["light"], each["text"]) for each in json.loads(out)["checks"]}, out


async def test_a_redis_that_is_well_is_green_and_keeps_nothing(server, capsys):
    """The value is taken away again, and the password is nowhere."""
    status, lines, out = await run(capsys)
    assert status == 0
    assert lines["value"] == ("green", "written, read and removed")
    assert "no limit set" in lines["room"][1]
    assert "canary" not in out
    assert await server.ear.dbsize() == 0


async def test_a_redis_that_may_forget_the_lease_is_told(server, capsys):
    """A policy under which also what does not expire may go."""
    await server.ear.config_set("maxmemory-policy", "allkeys-lru")
    status, lines, _ = await run(capsys)
    assert (status, lines["room"][0]) == (0, "amber")
    assert "set maxmemory-policy volatile-ttl" in lines["room"][1]


async def test_a_redis_that_is_gone_is_red_with_what_to_do(server, capsys):
    """Optional, and said so."""
    server.kill()
    status, lines, _ = await run(capsys)
    assert (status, lines["redis"][0]) == (1, "red")
    assert "Redis is optional" in lines["redis"][1]


async def test_a_wrong_password_is_red(server, capsys, monkeypatch):
    """Redis' refusal in our words."""
    monkeypatch.setenv("REDIS_URL", server.url.reveal().replace("canary-pw", "canary-no"))
    status, lines, out = await run(capsys)
    assert status == 1
    assert lines["redis"][1].startswith("Redis refuses the login in REDIS_URL")
    assert "canary" not in out
