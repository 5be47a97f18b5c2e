"""``python -m engine cache``: what is in Redis now, and who put it there. Nothing is changed."""

from __future__ import annotations

import time
from typing import Any

from engine.io.redis.link import Link
from engine.io.redis.mirror import BATCH, read
from engine.io.redis.names import Names, price_key, told_address
from engine.model import key_parts
from engine.money import rupees
from engine.settings import Settings
from engine.words import Secret

__all__ = ["cached", "cached_lines", "info_of", "mirrored"]


async def cached(settings: Settings) -> dict[str, Any]:
    """Everything as plain values: ages and lags in seconds, prices in paise, None = not known.

    Raises:
        SourceError: Redis does not answer, or not us.
    """
    url = settings.redis_url or Secret("")
    link, names = Link(url), Names.of(settings.dhan_feed_url)
    try:
        began_s = time.monotonic()
        await link.ask("PING")
        answer_s = time.monotonic() - began_s
        about = info_of(await link.ask("INFO", "server")) | info_of(await link.ask("INFO", "memory"))
        prices = await _prices(link, names)
        return {
            "redis": {
                "address": told_address(url.reveal()),
                "version": about.get("redis_version", ""),
                "answer_s": round(answer_s, 4),
                "used_bytes": int(about.get("used_memory", 0)),
                "limit_bytes": int(about.get("maxmemory", 0)) or None,
            },
            "names": names.prefix,
            "processes": await _processes(link, names),
            "wanted": int(await link.ask("ZCARD", names.wanted)),
            "prices": prices,
        }
    finally:
        await link.close()


def mirrored(found: dict[str, Any]) -> bool:
    """Whether some process writes prices now."""
    return any(process["role"] == "mirror" for process in found["processes"])


def cached_lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    redis, processes, prices = found["redis"], found["processes"], found["prices"]
    limit = f" of {_mb(redis['limit_bytes'])}" if redis["limit_bytes"] else ", no limit set"
    answers = f"Redis {redis['version']}, answers in {1_000 * redis['answer_s']:.1f} ms"
    return [
        f"{redis['address']}: {answers}, {_mb(redis['used_bytes'])}{limit}; names begin {found['names']}:",
        "",
        f"processes: {len(processes) or 'none'}",
        *(f"  {_process_line(process)}" for process in processes),
        *([] if mirrored(found) else ["  ! no process writes prices: start a monitor with this REDIS_URL"]),
        "",
        f"prices: {len(prices)}, asked for over the bus: {found['wanted']}",
        *(f"  {_price_line(price)}" for price in prices),
    ]


def _process_line(process: dict[str, Any]) -> str:
    words = [f"{process['name']}: {process['role']}", f"feed {process['state']}"]
    words += [] if process["lag_s"] is None else [f"lag {process['lag_s']:.2f} s"]
    words += [] if process["written"] is None else [f"{process['written']} prices written"]
    words += [] if process["wanted"] is None else [f"wants {process['wanted']}"]
    if process["hit_ratio"] is not None:
        words.append(f"{100 * process['hit_ratio']:.1f} % of its price lookups found one")
    return f"{', '.join(words)} ({process['age_s']:.1f} s ago)"


def _price_line(price: dict[str, Any]) -> str:
    sides = [
        "none" if paise == 0 else "unknown" if paise is None else rupees(paise)
        for paise in (price["bid_paise"], price["ask_paise"])
    ]
    book = "" if price["bid_paise"] is None and price["ask_paise"] is None else f" ({' / '.join(sides)})"
    name = f"{price['segment']} {price['security_id']}"
    return (
        f"{name:<18}{rupees(price['ltp_paise']):>14}{book}, {price['age_s']:.1f} s old, "
        f"gone in {price['expires_s']} s"
    )


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def info_of(text: bytes | dict[str, Any]) -> dict[str, str]:
    """INFO's lines, or what the client has made of them."""
    if isinstance(text, dict):
        return {name: str(value) for name, value in text.items()}
    pairs = (line.partition(":") for line in text.decode().splitlines())
    return {name: value for name, _, value in pairs}


async def _processes(link: Link, names: Names) -> list[dict[str, Any]]:
    now_ms = await _now_ms(link)
    found = []
    for name in await link.scan(names.process("*")):
        said = {
            str(key, "utf-8", "replace"): str(value, "utf-8", "replace")
            for key, value in dict(await link.ask("HGETALL", name)).items()
        }
        if not said:  # it has just gone
            continue
        lag_ms, ratio = said.get("lag_ms"), said.get("hit_ratio")
        found.append(
            {
                "name": name.removeprefix(names.process("")),
                "role": said.get("role", ""),
                "state": said.get("state", ""),
                "age_s": round(max(now_ms - int(said["at_ms"]), 0) / 1_000, 3),
                "lag_s": int(lag_ms) / 1_000 if lag_ms else None,
                "written": int(said["written"]) if "written" in said else None,
                "wanted": int(said["wanted"]) if "wanted" in said else None,
                "hit_ratio": float(ratio) if ratio else None,
            }
        )
    return found


async def _prices(link: Link, names: Names) -> list[dict[str, Any]]:
    keys = sorted(key for key in map(price_key, await link.scan(names.all_prices)) if key is not None)
    prices = []
    for first in range(0, len(keys), BATCH):
        now_ms, found = await read(link, names, keys[first : first + BATCH])
        for tick, at_ms in found:
            segment, security_id = key_parts(tick.key)
            prices.append(
                {
                    "segment": segment.value,
                    "security_id": security_id,
                    "ltp_paise": tick.ltp_paise,
                    "bid_paise": tick.bid_paise,
                    "ask_paise": tick.ask_paise,
                    "age_s": round(max(now_ms - at_ms, 0) / 1_000, 3),
                    "expires_s": max(int(await link.ask("TTL", names.price(tick.key))), 0),
                }
            )
    return prices


async def _now_ms(link: Link) -> int:
    seconds, micros = await link.ask("TIME")
    return int(seconds) * 1_000 + int(micros) // 1_000
