"""``--find-chat``: the terminal tells the owner his numbers, and nobody else anything."""

from __future__ import annotations

import asyncio

import pytest

from bot.__main__ import main
from bot.introductions import introduce
from engine.chat_tuning import ChatTuning
from engine.words import Secret
from sandbox.telegram_server import TelegramServer
from tests.bot.house import OWNER, TOKEN

GROUP = -1001


async def listen(server, *, patience_s=10.0):
    """The exit status, and what the terminal shows."""
    said = []
    code = await introduce(Secret(TOKEN), server.api_url, ChatTuning(), said.append, patience_s)
    return code, "\n".join(said)


async def test_who_writes_is_told_as_lines_for_the_env_file_and_gets_no_answer():
    """Two words of one person are one pair of numbers; the bot itself says nothing to anybody."""
    async with TelegramServer(token=TOKEN, users=(OWNER,)) as server:
        listening = asyncio.create_task(listen(server))
        await server.wait_for(lambda s: s.calls_of("getMe"))
        server.phone.send("/start")
        server.phone.send("hello")
        code, said = await listening
        assert code == 0
        assert said.count(f"TELEGRAM_CHAT_ID={OWNER}\nTELEGRAM_USER_IDS={OWNER}") == 1
        assert "User 4242 wrote in a private chat" in said
        assert TOKEN not in said
        assert server.sent() == []
        assert {call.method for call in server.calls} == {"getMe", "getUpdates"}


async def test_what_was_read_is_confirmed():
    """The monitor that starts afterwards is not handed the newcomer's first words."""
    async with TelegramServer(token=TOKEN, users=(OWNER,)) as server:
        server.phone.send("/start")
        assert (await listen(server))[0] == 0
        assert len(server.updates) == 0


async def test_a_group_has_its_own_number_and_its_name():
    """The chat's number is the group's, the user's is the person's."""
    async with TelegramServer(token=TOKEN, users=(OWNER,), chat_id=GROUP) as server:
        server.phone.send("/start")
        code, said = await listen(server)
        assert code == 0
        assert "“Desk”" in said
        assert f"TELEGRAM_CHAT_ID={GROUP}\nTELEGRAM_USER_IDS={OWNER}" in said


async def test_nobody_is_waited_for_only_so_long():
    """Exit status 1, and what to do."""
    async with TelegramServer(token=TOKEN, users=(OWNER,)) as server:
        code, said = await listen(server, patience_s=0.0)
        assert code == 1
        assert "Nobody has written" in said


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "refuses the token"), (404, "refuses the token"), (409, "Another program"), (502, "server error")],
)
async def test_what_telegram_refuses_is_told_with_its_remedy(status, words):
    """A wrong token and a second program are the two that a newcomer meets."""
    async with TelegramServer(token=TOKEN, users=(OWNER,)) as server:
        server.faults.fail(status, method="getUpdates")
        code, said = await listen(server)
        assert code == 1
        assert words in said
        assert TOKEN not in said


def test_without_a_token_it_says_where_to_get_one(tmp_path, monkeypatch, capsys):
    """Nothing else need be set for this, but this."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TELEGRAM_BOT_TOKEN", raising=False)
    assert main(["--find-chat"]) == 2
    said = capsys.readouterr().err
    assert "TELEGRAM_BOT_TOKEN is missing" in said
    assert "@BotFather" in said
    assert "DHAN" not in said
