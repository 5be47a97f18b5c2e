"""How the sandbox's Telegram fails: conflicts, error codes, dead connections, floods, outages."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram.error import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)

from sandbox.telegram_faults import Flood
from tests.sandbox.telegram_house import OWNER, TOKEN, Moment, house

#: PTB announces, whenever it raises RetryAfter, that the attribute will change its type.
RETRY_AFTER_WILL_CHANGE = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


async def test_a_second_poller_ends_the_first():
    """Two copies of one bot: the waiting call gets 409, and the update goes to whoever polls now."""
    async with house() as (server, bot):
        first = asyncio.create_task(bot.get_updates(timeout=30))
        await server.wait_for(lambda s: s.calls_of("getUpdates"))
        async with aiohttp.ClientSession() as session:
            url = f"{server.api_url}/bot{TOKEN}/getUpdates"
            second = asyncio.create_task(session.post(url, data={"timeout": "30"}))
            with pytest.raises(Conflict, match="terminated by other getUpdates request"):
                await first
            server.phone.send("/status")
            async with await second as answer:
                (update,) = (await answer.json())["result"]
        assert update["message"]["text"] == "/status"


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (400, BadRequest, "Ordered by the test"),
        (401, InvalidToken, "Unauthorized"),
        (403, Forbidden, "Forbidden: bot was blocked by the user"),
        (404, InvalidToken, "Not Found"),
        (409, Conflict, "Conflict: terminated by other getUpdates request"),
        (500, NetworkError, "Internal Server Error"),
        (502, NetworkError, "Bad Gateway"),
    ],
)
async def test_each_error_code_comes_as_often_as_ordered(code, error, words):
    """An armed error hits the named method the given number of times, does nothing, and is over."""
    async with house() as (server, bot):
        server.faults.fail(code, times=2, method="sendMessage")
        for _ in range(2):
            await bot.get_me()
            with pytest.raises(error, match=words):
                await bot.send_message(OWNER, "x")
        assert (server.faults.armed, server.sent()) == (0, [])
        await bot.send_message(OWNER, "y")
        assert [m.text for m in server.sent()] == ["y"]
        assert [call.status for call in server.calls_of("sendMessage")] == [code, code, 200]


@RETRY_AFTER_WILL_CHANGE
async def test_too_many_requests_say_how_long_to_wait():
    """A 429 carries retry_after, which PTB raises as RetryAfter; one second when not given."""
    async with house() as (server, bot):
        server.faults.fail(429, retry_after_s=126)
        server.faults.fail(429)
        for wait_s in (126, 1):
            with pytest.raises(RetryAfter) as refused:
                await bot.send_message(OWNER, "x")
            assert refused.value._retry_after.total_seconds() == wait_s


async def test_a_block_page_is_not_an_answer():
    """A provider's HTML page in Telegram's place is an error that names no method or chat."""
    async with house() as (server, bot):
        server.faults.fail(404, page="<html>blocked by order</html>")
        with pytest.raises(InvalidToken):
            await bot.send_message(OWNER, "x")
        assert server.sent() == []


async def test_a_dropped_connection_did_nothing():
    """The connection closes before anything happened; the message is not there."""
    async with house() as (server, bot):
        server.faults.drop(method="sendMessage")
        with pytest.raises(NetworkError):
            await bot.send_message(OWNER, "x")
        assert server.sent() == []
        assert server.calls_of("sendMessage")[0].status == 0


async def test_a_lost_reply_was_delivered():
    """The message is in the chat although the caller saw only a broken connection."""
    async with house() as (server, bot):
        server.faults.lose_reply(method="sendMessage")
        with pytest.raises(NetworkError):
            await bot.send_message(OWNER, "x")
        assert [m.text for m in server.sent()] == ["x"]


async def test_a_hanging_call_times_out_and_did_nothing():
    """A call without answer ends with the caller's patience, and later calls are served."""
    async with house(read_timeout_s=0.3) as (server, bot):
        server.faults.hang(method="sendMessage")
        with pytest.raises(TimedOut):
            await bot.send_message(OWNER, "x")
        await bot.send_message(OWNER, "y")
        assert [m.text for m in server.sent()] == ["y"]


async def test_clearing_the_faults_lets_hanging_calls_go():
    """A hanging call's connection closes when the switchboard is cleared; other armed faults vanish."""
    async with house() as (server, bot):
        server.faults.hang(method="sendMessage")
        server.faults.fail(502, times=9)
        sending = asyncio.create_task(bot.send_message(OWNER, "x"))
        await server.wait_for(lambda s: s.calls_of("sendMessage"))
        server.faults.clear()
        with pytest.raises(NetworkError):
            await sending
        await bot.get_me()


async def test_an_outage_keeps_port_and_memory():
    """While stopped nobody answers; started again the server is where and what it was."""
    async with house() as (server, bot):
        await bot.send_message(OWNER, "before")
        url = server.api_url
        await server.stop()
        with pytest.raises(NetworkError):
            await bot.send_message(OWNER, "during")
        server.phone.send("/stop")
        await server.start()
        assert server.api_url == url
        (update,) = await bot.get_updates()
        assert update.message is not None
        assert update.message.text == "/stop"
        assert [m.text for m in server.sent()] == ["before"]


async def test_stopping_does_not_wait_for_a_long_poll():
    """A poll that waits half a minute does not hold up the end of the server."""
    async with house() as (server, bot):
        polling = asyncio.create_task(bot.get_updates(timeout=30))
        await server.wait_for(lambda s: s.calls_of("getUpdates"))
        async with asyncio.timeout(5):
            await server.stop()
            with pytest.raises(NetworkError):
                await polling


@RETRY_AFTER_WILL_CHANGE
async def test_edits_and_sends_share_the_flood_limit():
    """Ten calls in ten seconds to a private chat, edits included; answers to taps stay free."""
    now = Moment()
    async with house(now=now, flood=Flood()) as (server, bot):
        sent = await bot.send_message(OWNER, "0")
        for number in range(1, 10):
            await bot.edit_message_text(str(number), OWNER, sent.message_id)
        now.at_s += 4
        with pytest.raises(RetryAfter) as refused:
            await bot.send_message(OWNER, "HIGH")
        assert refused.value._retry_after.total_seconds() == 6
        await bot.answer_callback_query(server.phone.forge(sent.message_id, "x").id)
        await bot.send_chat_action(OWNER, "typing")
        now.at_s += 6
        await bot.send_message(OWNER, "HIGH")
        assert server.sent()[-1].text == "HIGH"


@RETRY_AFTER_WILL_CHANGE
async def test_a_group_has_a_tighter_limit_and_no_limit_is_the_default():
    """Twenty a minute in a group when the model is on; without it thirty go through."""
    now = Moment()
    async with house(now=now, users=[OWNER], chat_id=-100) as (server, bot):
        for _ in range(30):
            await bot.send_message(-100, "x")
        server.flood = Flood()
        for _ in range(20):
            await bot.send_message(-100, "x")
        with pytest.raises(RetryAfter):
            await bot.send_message(-100, "x")
        await bot.send_message(OWNER, "another chat")


@given(st.lists(st.integers(0, 20).map(lambda quarters: quarters / 4), max_size=80))
def test_no_window_ever_holds_more_than_the_limit(pauses_s):
    """However calls are spaced, no ten seconds hold more than ten that passed, and waiting as told helps."""
    flood, now_s, passed = Flood(), 0.0, []
    for pause_s in pauses_s:
        now_s += pause_s
        wait_s = flood.wait_s(OWNER, now_s)
        if wait_s:
            now_s += wait_s
            assert flood.wait_s(OWNER, now_s) == 0
        passed.append(now_s)
        assert len([at for at in passed if at > now_s - 10.0]) <= 10
