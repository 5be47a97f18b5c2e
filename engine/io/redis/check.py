"""``python -m engine check redis``: whether Redis answers, takes a value and gives it back, and has room.

The value has a name of its own that expires by itself; nothing of the mirror is touched.
"""

from __future__ import annotations

import secrets
import time

from engine.errors import SourceError
from engine.io.redis.link import Link
from engine.io.redis.names import told_address
from engine.io.redis.report import info_of
from engine.preflight import Check, Light
from engine.settings import Settings
from engine.words import Secret

__all__ = ["check_redis"]

#: So many answers are timed; slower than this is worth a word: a batch of prices leaves ten times a second.
ROUNDS, SLOW_S = 20, 0.05
#: The value is gone after so many seconds, should it not be taken away.
EXPIRES_S = 30


async def check_redis(settings: Settings) -> list[Check]:
    """A line for the connection, one for a value there and back, one for its room; the first red ends it."""
    url = settings.redis_url or Secret("")
    link, found = Link(url), list[Check]()
    try:
        found += await _answers(link, told_address(url.reveal()))
        found += await _value(link)
        found += await _room(link)
    except SourceError as error:
        how = "is it running? redis-cli -u $REDIS_URL ping; REDIS_URL, or leave it empty: Redis is optional"
        found.append(Check("redis", Light.RED, f"{error}; {how}"))
    finally:
        await link.close()
    return found


async def _answers(link: Link, address: str) -> list[Check]:
    await link.ask("PING")  # the connection is made by the first
    longest_s = 0.0
    for _ in range(ROUNDS):
        began_s = time.monotonic()
        await link.ask("PING")
        longest_s = max(longest_s, time.monotonic() - began_s)
    light = Light.AMBER if longest_s > SLOW_S else Light.GREEN
    return [Check("redis", light, f"{address}, slowest of {ROUNDS} answers {1_000 * longest_s:.1f} ms")]


async def _value(link: Link) -> list[Check]:
    name, word = f"prahari:check:{secrets.token_hex(4)}", secrets.token_hex(8)
    await link.ask("SET", name, word, "EX", EXPIRES_S)
    back = await link.ask("GET", name)
    await link.ask("DEL", name)
    same = (back.decode() if isinstance(back, bytes) else back) == word
    text = "written, read and removed" if same else "what was read is not what was written"
    return [Check("value", Light.GREEN if same else Light.RED, text)]


async def _room(link: Link) -> list[Check]:
    about = info_of(await link.ask("INFO", "memory"))
    used, most = int(about.get("used_memory", 0)), int(about.get("maxmemory", 0))
    policy = about.get("maxmemory_policy", "unknown")
    room = f"{used / 1e6:.1f} MB used" + (f" of {most / 1e6:.0f}" if most else ", no limit set")
    if most and used > 0.9 * most:
        return [Check("room", Light.AMBER, f"{room}: nearly full; raise maxmemory")]
    if policy.startswith("allkeys"):
        why = "may throw away what does not expire: no lease is kept there; set maxmemory-policy volatile-ttl"
        return [Check("room", Light.AMBER, f"{room}; {policy} {why}")]
    return [Check("room", Light.GREEN, room)]
