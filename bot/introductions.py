"""``python -m bot --find-chat``: who writes to the bot, for an owner who does not know the numbers yet.

The bot itself answers nobody: whoever finds it learns nothing. The numbers go to the terminal.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bot.access import actor
from bot.application import build, quiet_libraries
from bot.faults import WIRE_FAULTS, Fault, kind_of
from bot.layout import cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import Update
    from telegram.ext import ExtBot

    from engine.chat_tuning import ChatTuning
    from engine.words import Secret

#: So long it listens; somebody who has gone for a coffee starts it again.
PATIENCE_S = 300.0
_HOLD_S = 10
_GRACE_S = 5.0

#: What cannot get better by waiting, and what to do about it.
_ENDS = {
    Fault.REFUSED: "Telegram refuses the token. Copy it again from @BotFather (/mybots > API Token) into "
    "TELEGRAM_BOT_TOKEN; if it is right, the network blocks Telegram (TELEGRAM_PROXY).",
    Fault.CONFLICT: "Another program asks for this bot's messages, or a webhook is set. Stop the other one, "
    "Prahari itself perhaps, and start this again.",
}


async def introduce(
    token: Secret,
    api_url: str,
    tuning: ChatTuning,
    tell: Callable[[str], None],
    patience_s: float = PATIENCE_S,
) -> int:
    """Tell who writes to the bot until somebody has; the exit status is 1 when nobody did.

    Args:
        token: the bot's.
        api_url: where Telegram is.
        tuning: the way there.
        tell: takes a line for the terminal.
        patience_s: for how long it listens.
    """
    quiet_libraries()
    app = await asyncio.to_thread(build, token.reveal(), api_url, tuning)
    try:
        async with app.bot as bot:
            tell(f"This is @{bot.username}. On your phone open https://t.me/{bot.username} and press Start.")
            return await _listen(bot, tell, time.monotonic() + patience_s)
    except WIRE_FAULTS as error:
        tell(
            _ENDS.get(kind_of(error), f"Telegram does not answer as it should: {kind_of(error)}. Try again.")
        )
        return 1


async def _listen(bot: ExtBot[None], tell: Callable[[str], None], until_s: float) -> int:
    offset = None
    while time.monotonic() < until_s:
        updates = await bot.get_updates(offset=offset, timeout=_HOLD_S, read_timeout=_GRACE_S)
        offset = updates[-1].update_id + 1 if updates else offset
        found = list(dict.fromkeys(filter(None, map(_lines, updates))))
        if found:
            await bot.get_updates(offset=offset, timeout=0)  # taken: the monitor shall not find them old
            for lines in found:
                tell(lines)
            return 0
    tell("Nobody has written. Start it again when you have your phone at hand.")
    return 1


def _lines(update: Update) -> str:
    """What the owner needs of one update, as lines of a .env; empty when nobody wrote."""
    who, chat = actor(update), update.effective_chat
    if not who.user_id or chat is None:
        return ""
    where = (
        "in a private chat"
        if chat.type == chat.PRIVATE
        else f"in the {chat.type} “{cut(chat.title or '', 32)}”"
    )
    return (
        f"\n{who.name} wrote {where}. If that was you, put this into .env:\n"
        f"TELEGRAM_CHAT_ID={who.chat_id}\nTELEGRAM_USER_IDS={who.user_id}"
    )
