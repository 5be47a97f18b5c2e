"""``check``, ``cache`` and ``drill``: whether what is outside works, tried out."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence

from engine.drill import drill_lines
from engine.errors import BadInput
from engine.io.env import load_settings
from engine.io.toolbox import Tools, account_flag, group, of_account, tool
from engine.io.tools.market import add_feed_check
from engine.preflight import Check, Light, worst

__all__ = ["add_cache", "add_check", "add_drill"]

_CHECK = """\
Tries one thing outside, for real, beside a running monitor or without one. None of them changes anything of
your account.

examples:
  python -m engine check broker         # token, address, rights, clock, books, order updates
  python -m engine check feed           # prices, counted for ten seconds
  python -m engine check telegram       # the bot and its chat
  python -m engine check realtime       # Supabase tells of changes
  python -m engine check redis          # optional
"""

_BROKER = """\
Asks Dhan how we stand, a line each: the access token and its end, whether orders are taken from this
address, the data plan, the clocks, the kill switch, order book and positions, the order-update socket. Only
reads; `drill` asks the same and plans each position's exit too.

exit status:
  0  nothing is red
  1  something is red: orders would be refused, or cannot be followed
  2  no credentials

examples:
  python -m engine check broker
  python -m engine check broker --account huf --json
"""

_TELEGRAM = """\
Asks Telegram for the bot of TELEGRAM_BOT_TOKEN and for the chat of TELEGRAM_CHAT_ID, by the bot's own way
(TELEGRAM_PROXY). It polls for nothing, so a running monitor loses no message. --send also writes one silent
message, because only that proves that one arrives.

exit status:
  0  all green
  1  something is red; the line says what, and where to mend it
  2  no credentials

examples:
  python -m engine check telegram
  python -m engine check telegram --send
"""

_REDIS = """\
Times twenty answers of Redis, writes a value under a name of its own, reads and removes it, and looks how
much room there is. `cache` shows what is in it.

exit status:
  0  nothing is red
  1  it does not answer, or does not keep what it is given
  2  no Redis is set: it is optional (docs/redis.md)

examples:
  python -m engine check redis
  REDIS_URL=redis://127.0.0.1:6379/0 python -m engine check redis --json
"""

_REALTIME = """\
Puts a row into engine_heartbeats (nobody's trade), changes it and removes it, and prints how long each took
from the call to its event. Safe beside a running monitor.

exit status:
  0  every change was told
  2  no Supabase is set, it cannot be reached, or a change was not told within 15 seconds

examples:
  python -m engine check realtime
  python -m engine check realtime --json | jq .insert
"""

_CACHE = """\
What is in Redis now. Redis is optional: REDIS_URL in .env (or REDIS_HOST, REDIS_PORT) turns it on.

A monitor with it writes the last price of every instrument there, ten times a second, and each is kept
for 300 seconds. A restart shows these prices with their age until the first tick; no rule goes by them.
A monitor with FEED_SOURCE=redis beside it opens no price socket of its own: it says there what it wants,
and the first one carries it.

  processes   who writes (mirror) and who listens (bus). The lag of a mirror is how old a price was when
              it was there; that of a bus how old when it arrived. Normal: 0.1 to 0.2 s.
  lookups     how many of the monitor's own price lookups found a price in its memory.
  prices      last trade (bid / ask), how old they are, and when Redis forgets them.

exit status:
  0  somebody writes prices
  1  Redis answers but nobody writes
  2  no Redis is set, or it does not answer

examples:
  python -m engine cache
  python -m engine cache --json | jq '.prices[] | select(.age_s > 5)'
"""

_DRILL = """\
Looks whether everything is there that an exit needs, a line each: token, address, rights, clock, kill switch,
books, prices, order updates, each position's planned exit with its prices, trade store, journal, chat. The
monitor does the same five minutes before each open. Nothing is sent and nothing is changed.

exit status:
  0  nothing is red
  1  something is red: an exit could not be sent, or would be refused
  2  no credentials

examples:
  python -m engine drill
  python -m engine drill --json | jq -r '.checks[] | select(.light != "green") | .text'
"""


def add_check(tools: Tools) -> None:
    """Add it to the command line."""
    parts = group(tools, "check", "whether something outside works, tried out", _CHECK)
    broker = tool(parts, "broker", "how we stand at Dhan: token, rights, books", _BROKER, _broker)
    account_flag(broker)
    add_feed_check(parts)
    telegram = tool(parts, "telegram", "the bot and its chat", _TELEGRAM, _telegram)
    telegram.add_argument("--send", action="store_true", help="write a silent message there")
    tool(parts, "redis", "Redis answers, keeps what it is given, and has room", _REDIS, _redis)
    tool(parts, "realtime", "put in, change and remove a marked row in Supabase; how soon each is told",
         _REALTIME, _realtime)  # fmt: skip


def add_cache(tools: Tools) -> None:
    """Add it to the command line."""
    tool(tools, "cache", "what is in Redis: prices, their ages, who writes and who listens", _CACHE, _cache)


def add_drill(tools: Tools) -> None:
    """Add it to the command line."""
    account_flag(tool(tools, "drill", "whether everything is there that an exit needs", _DRILL, _drill))


def _lights(args: argparse.Namespace, checks: Sequence[Check]) -> str:
    """The lines, or the same for machines; red is status 1."""
    light = worst(checks)
    args.status = int(light is Light.RED)
    if not args.json:
        return "\n".join(drill_lines(checks))
    told = [{"name": check.name, "light": check.light.name.lower(), "text": check.text} for check in checks]
    return json.dumps({"light": light.name.lower(), "checks": told}, indent=2, ensure_ascii=False)


# What a tool needs alone is imported by it: a health check of every half minute is not to wait for all of it.


def _broker(args: argparse.Namespace) -> str:
    from engine.io.drill import run_broker_check  # noqa: PLC0415 - see above

    return _lights(args, asyncio.run(run_broker_check(of_account(args))))


def _drill(args: argparse.Namespace) -> str:
    from engine.io.drill import run_drill  # noqa: PLC0415 - see above

    return _lights(args, asyncio.run(run_drill(of_account(args))))


def _telegram(args: argparse.Namespace) -> str:
    settings = load_settings()
    if settings.sandbox:
        raise BadInput("no credentials are set: TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID (.env.example)")
    from engine.io.chat_check import check_chat  # noqa: PLC0415 - see above

    return _lights(args, check_chat(settings, send=args.send))


def _redis(args: argparse.Namespace) -> str:
    settings = load_settings(chat=False)
    if settings.redis_url is None:
        raise BadInput(_NO_REDIS)
    from engine.io.redis.check import check_redis  # noqa: PLC0415 - not without its setting

    return _lights(args, asyncio.run(check_redis(settings)))


_NO_REDIS = "no Redis is set; put its address into .env, e.g. REDIS_URL=redis://127.0.0.1:6379/0"


def _cache(args: argparse.Namespace) -> str:
    settings = load_settings(chat=False)
    if settings.redis_url is None:
        raise BadInput(_NO_REDIS)
    from engine.io.redis.report import cached, cached_lines, mirrored  # noqa: PLC0415 - as above

    found = asyncio.run(cached(settings))
    args.status = int(not mirrored(found))
    return json.dumps(found, indent=2) if args.json else "\n".join(cached_lines(found))


def _realtime(args: argparse.Namespace) -> str:
    # imported by who needs it: Supabase's client takes a quarter of a second
    from engine.io.realtime_check import check_lines, check_realtime  # noqa: PLC0415

    took_ms = asyncio.run(check_realtime(load_settings(chat=False)))
    return json.dumps(took_ms) if args.json else check_lines(took_ms)
