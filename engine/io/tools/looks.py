"""``positions``, ``rules`` and ``why``: what is held, what guards it, and what was seen of it. Only reads."""

from __future__ import annotations

import argparse
import asyncio
import json

from engine.io.clock import SystemClock
from engine.io.storage import store_to_read
from engine.io.toolbox import Tools, account_flag, count, lived_in, of_account, tool
from engine.model import TradeRow
from engine.positions_page import page_data, page_text
from engine.settings import Settings
from engine.words import TradesSource

__all__ = ["add_positions", "add_rules", "add_why"]

_POSITIONS = """\
The open legs of the trade store with their entries. --detailed adds each exit: why and by whom, every
trade of every order, averages, slippage against the mid at the trigger (positive = worse), the charges of
the exit, what it realised before and after them, and the seconds from the verdict to the first order, the
last fill and verified flat. What is not known says so.

Everything is read from DATA_DIR (trade store, journals, logs/exit_executions.json) and nothing is written,
so it may run beside the monitor. It has no live prices: those are in the monitor's table and in /status.

exit status:
  0  read
  1  --detailed: logs/exit_executions.json is not as it was written, or lacks a line of the journal's
  2  nothing to read, or something of yours must be corrected

examples:
  python -m engine positions
  python -m engine positions --detailed --last 3
  python -m engine positions --detailed --json | jq '.[].ended[].realised_after_charges_paise'
"""

_RULES = """\
Which rules each position of the trade store has, their amounts in rupees, and where each comes from: rows of
strategy_exit_levels, your rules.toml by strategy or symbol, a named set, or the shipped default. It asks no
broker and may run beside the monitor; what was laid over them from the chat, /rules in the chat shows.

exit status:
  0  told
  2  the rules file, the sessions file or a row has a fault; all of them are named

examples:
  python -m engine rules
  python -m engine rules --strategy-id 3359
  python -m engine rules --json
"""

_WHY = """\
Why a position's rules did or did not fire: each look near a threshold and each verdict, from the monitor's
journal, with the prices that were believed, those that were not, and what became of it (docs/why.md).
It may run beside the monitor.

exit status:
  0  told
  2  no journal is there, or nothing was seen of that position

examples:
  python -m engine why --strategy-id 3359
  python -m engine why --strategy-id 3359 --last 5
  python -m engine why --strategy-id 3359 --json
"""


def add_positions(tools: Tools) -> None:
    """Add it to the command line."""
    positions = tool(
        tools, "positions", "what is held by the books and, --detailed, what exits have made",
        _POSITIONS, _positions,
    )  # fmt: skip
    positions.add_argument(
        "--detailed",
        action="store_true",
        help="also the exits that run and have ended, and whether their file is as it was written",
    )
    positions.add_argument(
        "--last", type=count, default=10, metavar="K", help="so many ended exits, newest last (10)"
    )
    account_flag(positions)


def add_rules(tools: Tools) -> None:
    """Add it to the command line."""
    rules = tool(tools, "rules", "which rules each position has, and where each comes from", _RULES, _rules)
    rules.add_argument("--strategy-id", type=int, metavar="N", help="of this strategy only")
    account_flag(rules)


def add_why(tools: Tools) -> None:
    """Add it to the command line."""
    why = tool(tools, "why", "why a position's rules did or did not fire", _WHY, _why)
    why.add_argument("--strategy-id", type=int, required=True, metavar="N", help="of this position")
    why.add_argument("--last", type=count, default=20, metavar="K", help="so many lines, newest last (20)")
    account_flag(why)


# What a tool needs alone is imported by it: no other has to wait for it.


def _positions(args: argparse.Namespace) -> str:
    from engine.io.positions import read_houses  # noqa: PLC0415 - see above

    settings = of_account(args)
    rows = (
        asyncio.run(_rows_in_supabase(settings)) if settings.trades_source is TradesSource.SUPABASE else None
    )
    houses = read_houses(settings, args.last, rows)
    args.status = int(args.detailed and any(checked.faults for house in houses for checked in house.files))
    if not args.json:
        return page_text(houses, detailed=args.detailed)
    return json.dumps(page_data(houses, detailed=args.detailed), indent=2, ensure_ascii=False)


async def _rows_in_supabase(settings: Settings) -> tuple[TradeRow, ...]:
    async with store_to_read(settings) as store:
        return tuple(await store.open_rows())


def _rules(args: argparse.Namespace) -> str:
    from engine.io.rules_tool import rules_tool  # noqa: PLC0415 - see above

    text, data = rules_tool(lived_in(of_account(args)), args.strategy_id)
    return json.dumps(data, indent=2, ensure_ascii=False) if args.json else text


def _why(args: argparse.Namespace) -> str:
    from engine.io import whys  # noqa: PLC0415 - see above

    settings = of_account(args)
    found = whys.read_why(settings.data_dir, args.strategy_id)
    if args.json:
        return json.dumps(whys.machine(found, args.last), indent=2, ensure_ascii=False)
    now_s = (
        SystemClock().now_s() if settings.clock_start is None else None
    )  # a shifted clock is the monitor's own
    return whys.human(found, args.last, now_s)
