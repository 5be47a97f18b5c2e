"""What docs/first-day.md promises an owner, step by step: his own bot, his own ``.env``, his first exit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox.house import OWNER
from tests.e2e.outside import START, WAIT_S, held, orders_of, process, sandbox, text_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

#: What the owner has from @BotFather before he knows any number.
TOKEN = "8000000002:canary-own-bot-token-of-the-first-day"
#: Nothing is due, so that the first exit is the one that he taps.
CALM = "[default]\nprofit_target = 10\n"


def write_env(home: Path, words: dict[str, str]) -> None:
    """The owner's ``.env``, which nobody else may read."""
    file = home / ".env"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={word}\n" for name, word in words.items()))


async def printed(child: asyncio.subprocess.Process, words: str) -> str:
    """Everything that the terminal shows until a line has these words."""
    lines = ""
    async with asyncio.timeout(WAIT_S):
        while words not in lines:
            line = await child.stdout.readline()
            assert line, f"the process ended without {words!r}:\n{lines}"
            lines += line.decode()
    return lines


async def test_from_a_bot_token_to_the_first_exit_that_was_tapped(tmp_path):
    """--find-chat prints two lines, they go into the .env, an alert comes, /exit ends verified flat."""
    async with sandbox(bot_token=TOKEN) as world:
        phone = world.telegram
        every = world.outside.settings
        known = {name: every[name] for name in ("TELEGRAM_BOT_TOKEN", "TELEGRAM_API_URL")}
        write_env(tmp_path, known)
        async with process({}, "--find-chat", cwd=tmp_path) as child:
            await printed(child, "press Start")
            phone.phone.send("/start")
            said = await printed(child, "TELEGRAM_USER_IDS=")
            assert await child.wait() == 0
        found = dict(line.split("=") for line in said.splitlines() if line.startswith("TELEGRAM_"))
        assert found == {"TELEGRAM_CHAT_ID": str(OWNER.id), "TELEGRAM_USER_IDS": str(OWNER.id)}
        assert phone.sent() == []

        (tmp_path / "rules.toml").write_text(CALM)
        (tmp_path / "trades.csv").write_text(world.outside.trades_csv())
        dhan = {name: word for name, word in every.items() if name.startswith("DHAN_")}
        write_env(tmp_path, {**known, **found, **dhan, "CLOCK_START": START, "RULES_FILE": "rules.toml"})
        async with process({}, "import", "trades.csv", cwd=tmp_path, module="engine") as child:
            assert await child.wait() == 0, await child.stdout.read()
        async with process({}, "--semi-auto", cwd=tmp_path):
            await phone.wait_for(text_of("SEMI-AUTO"), WAIT_S)
            await phone.wait_for(text_of("Loss ₹"), WAIT_S)
            phone.phone.send("/exit 3361")
            question = await phone.wait_for(text_of("Exit 3361"), WAIT_S)
            assert world.dhan.exchange.log == []
            phone.phone.tap(question.id, "Exit now")
            await phone.wait_for(lambda s: "Verified flat" in s.messages[question.id].text, WAIT_S)
    assert set(held(world, 3361).values()) == {0}
    assert len(orders_of(world, 3361)) == 2
    assert all(held(world, 3360).values())
