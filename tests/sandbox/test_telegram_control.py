"""Another process pulls the strings of the sandbox's Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from telegram import Bot
from telegram.error import NetworkError, RetryAfter

from sandbox.telegram_server import TelegramServer
from tests.sandbox.telegram_house import OWNER, TOKEN, house


class Strings:
    """The endpoints, as a program beside the sandbox uses them."""

    def __init__(self, server: TelegramServer, bot: Bot, session: aiohttp.ClientSession) -> None:
        self.server, self.bot, self._session = server, bot, session

    async def pull(self, path: str, **wish: Any) -> tuple[int, dict[str, Any]]:
        """Post a wish."""
        async with self._session.post(f"{self.server.api_url}/sandbox/{path}", json=wish) as answer:
            return answer.status, await answer.json()

    async def state(self) -> tuple[str, dict[str, Any]]:
        """Get what happened, as text and read."""
        async with self._session.get(f"{self.server.api_url}/sandbox/state") as answer:
            return await answer.text(), await answer.json()


@asynccontextmanager
async def strings() -> AsyncIterator[Strings]:
    """Open a session beside a running sandbox."""
    async with house() as (server, bot), aiohttp.ClientSession() as session:
        yield Strings(server, bot, session)


async def test_a_person_can_be_played_from_outside():
    """What is sent and tapped reaches the bot like any person's."""
    async with strings() as outside:
        assert (await outside.pull("phone", do="send", text="/status"))[0] == 200
        [update] = await outside.bot.get_updates()
        assert update.message is not None
        assert update.message.text == "/status"
        status, said = await outside.pull("phone", do="forge", message_id=update.message.message_id, data="x")
        assert (status, list(said)) == (200, ["query_id"])


@pytest.mark.filterwarnings("ignore:Deprecated since version v22.2")
async def test_faults_and_floods_are_switched_from_outside():
    """The next call fails as ordered, then the limits hold, and both can be lifted."""
    async with strings() as outside:
        assert await outside.pull("faults", arm="fail", code=502, method="sendMessage") == (200, {"armed": 1})
        with pytest.raises(NetworkError):
            await outside.bot.send_message(OWNER, "x")
        await outside.pull("faults", flood={"private_calls": 1})
        await outside.bot.send_message(OWNER, "x")
        with pytest.raises(RetryAfter):
            await outside.bot.send_message(OWNER, "y")
        await outside.pull("faults", flood=None, arm="clear")
        await outside.bot.send_message(OWNER, "y")
        text, state = await outside.state()
        assert [message["text"] for message in state["messages"]] == ["x", "y"]
        assert [call["status"] for call in state["calls"] if call["method"] == "sendMessage"][-1] == 200
        assert TOKEN not in text


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("faults", {"arm": "take"}),
        ("faults", {"arm": "fail"}),
        ("faults", {"flood": {"calls": 1}}),
        ("phone", {"do": "person", "user_id": 1}),
        ("phone", {"do": "tap", "message_id": 99, "button": "Exit now"}),
    ],
)
async def test_a_wish_that_cannot_be_fulfilled_is_explained(path, wish):
    """A wrong name or a missing field is 400 with the reason, and nothing is armed."""
    async with strings() as outside:
        status, said = await outside.pull(path, **wish)
        assert (status, list(said)) == (400, ["error"])
        assert outside.server.faults.armed == 0


async def test_a_website_in_the_owners_browser_can_pull_nothing():
    """A form, which needs no permission of ours, and a name that points here are both refused."""
    async with house() as (server, _bot), aiohttp.ClientSession() as session:
        url = f"{server.api_url}/sandbox/phone"
        async with session.post(url, data={"do": "send", "text": "/stop"}) as answer:
            assert answer.status == 400
        async with session.post(url, json={"do": "send"}, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403
        assert not server.messages
