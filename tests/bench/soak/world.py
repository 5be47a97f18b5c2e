"""The other process of the soak: exchange, Supabase on a PostgreSQL, and a Telegram whose phone keeps asking.

``python -m tests.bench.soak.world HOME STRATEGIES`` prints one line of JSON: the settings of a house in HOME,
and the contracts of its positions as `tests.bench.soak.sender` wants them. It ends when its standard input
does, and says then what the phone has shown and how often the trade store was called.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from itertools import cycle
from pathlib import Path
from typing import Any

from engine.io.clock import SystemClock
from engine.model import SEGMENT_CODE, key_parts
from sandbox.supabase_server import SupabaseServer
from sandbox.telegram_server import TelegramServer, User
from tests.bench.crowd import _LONG_AGO, Crowd
from tests.support.postgres import served
from tests.support.stage import START, environment

#: A lunge takes half of it from whoever has sold the contract, which is worth an alert and no exit.
STOP_RUPEES = 20_000
RULES = (
    f"[default]\nconfirm_s = 0\nprofit_target = 'off'\nstop_loss = 'off'\nstop_loss_rupees = {STOP_RUPEES}\n"
)
#: What the owner asks again and again, each so many seconds after the last.
ASKED, ASKED_EVERY_S = ("/status", "/health", "/pnl", "/rules", "/orders", "/feed"), 10.0


def contracts(crowd: Crowd) -> list[dict[str, Any]]:
    """Every contract that is held: where it is listed, what it costs, how far a lunge drives it."""
    sold = {row["security_id"]: row["quantity"] for row in crowd.rows if row["action"] == "SELL"}
    held = {row["security_id"] for row in crowd.rows}
    found = []
    for key, option in crowd.market.instruments.items():
        if option.security_id in held:
            units = sold.get(option.security_id, 0)
            found.append({
                "segment": SEGMENT_CODE[key_parts(key)[0]], "security_id": option.security_id,
                "mid_paise": crowd._mid_paise(option), "tick_paise": option.tick_paise,
                "lunge_paise": STOP_RUPEES * 50 // units if units else 0,
            })  # fmt: skip
    return found


async def ask(telegram: TelegramServer) -> None:
    """Type a command every few seconds, for ever."""
    for text in cycle(ASKED):
        await asyncio.sleep(ASKED_EVERY_S)
        telegram.phone.send(text)


async def main() -> None:
    """Serve until standard input ends."""
    home, clock = Path(sys.argv[1]), SystemClock(START)
    crowd = Crowd(clock, int(sys.argv[2]))
    with served() as postgres:
        database = await postgres.migrated()
        await database.insert("trades", crowd.rows)
        await database.run(_LONG_AGO)
        env = environment(home, clock.now_s(), RULES, crowd.server)
        owner = User(int(env["TELEGRAM_CHAT_ID"]), "Asha", "asha")
        telegram = TelegramServer(token=env["TELEGRAM_BOT_TOKEN"], users=[owner], now=time.time)
        async with SupabaseServer(database.terms) as store, telegram:
            await crowd.server.start()
            env = environment(home, clock.now_s(), RULES, crowd.server) | {
                "SUPABASE_URL": store.url, "SUPABASE_SECRET_KEY": store.keys.secret,
                "TELEGRAM_API_URL": telegram.api_url,
            }  # fmt: skip
            print(json.dumps({"env": env, "contracts": contracts(crowd)}), flush=True)
            asking = asyncio.create_task(ask(telegram))
            await asyncio.to_thread(sys.stdin.read)
            asking.cancel()
            bot = telegram.state.bot.id
            shown = [message for message in telegram.messages.values() if message.sender_id == bot]
            statuses = [status for _, _, status in store.rest.calls]
            print(json.dumps({
                "messages": len(shown), "asked": len(telegram.messages) - len(shown),
                "calls": len(statuses), "failed": sum(status >= 400 for status in statuses),
            }))  # fmt: skip
            await crowd.server.stop()
        await database.close()


if __name__ == "__main__":
    asyncio.run(main())
