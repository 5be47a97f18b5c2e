"""One feed process and another monitor that has its prices from Redis, beside the sandbox's real sockets."""

from __future__ import annotations

import asyncio

import pytest

from bot.__main__ import _chat
from engine.io.app import Options, run_house
from engine.io.log import Redactor, Tail
from engine.io.redis.names import Names
from engine.measures import ChatMeasures
from engine.messages import FeedState
from engine.model import Mode
from engine.settings import Settings
from tests.e2e.outside import AT_ONCE, WAIT_S, environment, held, process, sandbox, text_of
from tests.support.redis_server import redis_server

pytestmark = pytest.mark.timeout(90)

CANARY = "canary-redis-password"


class _Silent:
    """A chat that nobody reads."""

    def __getattr__(self, name):
        return lambda *_: None

    def of(self, _account):
        return self

    def measures(self):
        return ChatMeasures()

    async def run(self):
        await asyncio.Event().wait()


async def test_an_exit_runs_to_flat_on_prices_from_another_process(tmp_path):
    """The feed process has no trades; the other one opens no feed of Dhan's, has its lease there, exits."""
    async with sandbox() as world, redis_server(CANARY) as server:
        shared = {"REDIS_URL": server.url.reveal(), "LOG_LEVEL": "DEBUG"}
        env = await environment(world, tmp_path / "feeder", **shared)
        (tmp_path / "feeder" / "trades.sqlite3").unlink()
        views = []
        feeder = asyncio.create_task(
            run_house(
                Settings.parse(env), Options(Mode.ALERT_ONLY, table_every_s=0.1), lambda _wiring: _Silent(),
                views.append, lambda _secret: None,
            )
        )  # fmt: skip
        env = await environment(
            world, tmp_path / "other", AT_ONCE, **shared, FEED_SOURCE="redis", LEASE_IN="redis"
        )
        lease = Names.of(env["DHAN_FEED_URL"]).lease(env["DHAN_CLIENT_ID"])
        run = (await server.ear.info("server"))["run_id"]
        await server.ear.hset(lease, mapping={"owner": "", "fence": 7, "until_ms": 0, "run": run})
        try:
            async with process(env, "--execute", "--interval", "1") as child:
                phone = world.telegram
                await phone.wait_for(text_of("Verified flat: 3360 BANKNIFTY Short Strangle"), WAIT_S)
                assert set(held(world, 3360).values()) == {0}
                assert world.dhan.feed_connections == 1
                assert f":{child.pid}:".encode() in await server.ear.hget(lease, "owner")
                child.terminate()
                printed, _ = await child.communicate()
            assert await server.ear.hmget(lease, "owner", "fence") == [b"", b"8"]
            assert "price mirror, 0." in views[-1]["default"].cache
            assert views[-1]["default"].feed is FeedState.LIVE
        finally:
            feeder.cancel()
            await asyncio.wait({feeder})
    text = printed.decode()
    assert "by Redis; its feed process: prices arrive" in text
    assert "price bus, 0." in text
    logs = [path.read_text() for path in (tmp_path / "other" / "logs").glob("*.log")]
    for log in (text, *logs):
        assert CANARY not in log
        assert "Traceback" not in log


async def test_a_monitor_outlives_its_redis(tmp_path):
    """Redis hangs from the start: it is told once, and the exit runs as ever: its lease is not there."""
    async with sandbox() as world, redis_server() as server:
        server.freeze()
        redis_url = server.url.reveal()
        settings = Settings.parse(await environment(world, tmp_path, AT_ONCE, REDIS_URL=redis_url))
        house = asyncio.create_task(
            run_house(
                settings,
                Options(Mode.EXECUTE),
                _chat(settings, Tail(Redactor())),
                lambda _: None,
                lambda _: None,
            )
        )
        try:
            phone = world.telegram
            await phone.wait_for(text_of("Redis is of no use now"), WAIT_S)
            await phone.wait_for(text_of("Verified flat: 3360 BANKNIFTY Short Strangle"), WAIT_S)
            assert set(held(world, 3360).values()) == {0}
        finally:
            house.cancel()
            await asyncio.wait({house})
