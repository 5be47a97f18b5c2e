"""Canary secrets in a run at DEBUG: they may be sent to where they belong, and shown nowhere."""

from __future__ import annotations

import asyncio

import pytest

from engine.io.recorded import recorded_days
from sandbox.supabase_server import SupabaseServer
from tests.e2e.outside import AT_ONCE, WAIT_S, environment, process, sandbox, text_of

pytestmark = pytest.mark.timeout(120)

ACCESS = "eyJhbGciOi-canary-access-token-2c8f0a"
BOT = "7000000001:canary-bot-token-0123456789abcdefghij"
OTHERS = {
    "TRADES_SOURCE": "sqlite",
    "SUPABASE_URL": "http://127.0.0.1:9",
    "SUPABASE_SECRET_KEY": "sb_secret_canary_supabase_91ab",
    "SUPABASE_ANON_KEY": "sb_publishable_canary_anon_77cd",
    "REDIS_URL": "redis://:canary-redis-password@127.0.0.1:9/0",
    "LEASE_IN": "store",  # that Redis is not there
    "RECORD_DAYS": "1",
}
CANARIES = (ACCESS, BOT, "canary")


async def test_no_secret_is_in_any_log_file_print_or_message_of_a_run_at_debug(tmp_path):
    """A whole life at DEBUG: start, alerts, an exit, lost answers, a dead Telegram, the end."""
    async with sandbox(access_token=ACCESS, bot_token=BOT) as world:
        env = await environment(world, tmp_path, AT_ONCE, LOG_LEVEL="DEBUG", **OTHERS)
        world.dhan.faults.reset(verb="GET", path="/positions")
        world.dhan.faults.error(status=500, verb="GET", path="/orders")
        async with process(env, "--execute", "--interval", "1") as child:
            phone = world.telegram
            await phone.wait_for(text_of("Verified flat: 3360 BANKNIFTY Short Strangle"), WAIT_S)
            phone.phone.send("/status")
            await phone.wait_for(text_of("3361"), WAIT_S)
            phone.faults.fail(502, times=3)
            phone.phone.send("/exit 3361")
            await phone.wait_for(text_of("Exit 3361"), WAIT_S)
            world.dhan.faults.cut()
            child.terminate()
            async with asyncio.timeout(WAIT_S):
                printed, _ = await child.communicate()
        messages = " ".join(m.html for m in world.telegram.messages.values())
    _nowhere(tmp_path, printed, messages)
    assert (tmp_path / "logs" / "feed.log").read_text()


@pytest.mark.parametrize("fault", ["gone", "refused", "well"])
async def test_the_key_to_supabase_is_shown_nowhere(tmp_path, database, fault):
    """A project that is not there, one that refuses the key, and one that takes it: REST, realtime, lease."""
    async with sandbox(access_token=ACCESS, bot_token=BOT) as world, SupabaseServer(database.terms) as server:
        url = "http://127.0.0.1:9" if fault == "gone" else server.url
        if fault == "well":
            server.keys.secret = OTHERS["SUPABASE_SECRET_KEY"]
        supabase = OTHERS | {"TRADES_SOURCE": "supabase", "SUPABASE_URL": url}
        env = await environment(world, tmp_path, AT_ONCE, LOG_LEVEL="DEBUG", **supabase)
        async with process(env, "--execute", "--interval", "1") as child:
            phone = world.telegram
            if fault == "well":
                async with asyncio.timeout(WAIT_S):
                    await server.realtime.until(lambda: server.realtime.live == 1)
            else:
                await phone.wait_for(text_of("The trade store cannot be read"), WAIT_S)
            child.terminate()
            async with asyncio.timeout(WAIT_S):
                printed, _ = await child.communicate()
        messages = " ".join(m.html for m in world.telegram.messages.values())
    _nowhere(tmp_path, printed, messages)


def _nowhere(tmp_path, printed, messages):
    """No canary in what was printed, said or written."""
    assert b"Traceback" not in printed
    logs = {path.name: path.read_text() for path in (tmp_path / "logs").glob("*.log")}
    assert set(logs) == {"monitor.log", "feed.log", "realtime.log", "orders.log"}
    assert "DEBUG" in logs["monitor.log"]
    for canary in CANARIES:
        assert canary.encode() not in printed, canary
        assert canary not in messages, canary
    for file in tmp_path.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not [c for c in CANARIES if c.encode() in data], file
    (day,) = recorded_days(tmp_path)  # its spool is deflated
    notes = str(list(day.notes()))
    assert "head" in notes
    assert not [c for c in CANARIES if c in notes]
