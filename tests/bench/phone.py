"""Another process of the side work: a Telegram whose owner asks for something all the time.

Nothing is asked while a question waits for its chat, which would have to answer all of them at once.
``python -m tests.bench.phone EVERY_S`` prints its address and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import cycle

from sandbox.telegram_server import TelegramServer
from tests.bot.house import TOKEN

#: What is typed, again and again.
_ASKED = ("/status", "/positions", "/pnl", "/feed", "/health")


async def _serve(every_s: float) -> None:
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with TelegramServer(token=TOKEN) as server:
        print(server.api_url, flush=True)
        asked = cycle(_ASKED)
        while not ended.done():
            if not len(server.updates):
                server.phone.send(next(asked))
            await asyncio.wait({ended}, timeout=every_s)


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
