"""``python -m engine TOOL``: the tools that need no running monitor."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from engine.drill import drill_lines
from engine.errors import BadInput, ConfigError, JournalError, SourceError
from engine.io import exporter, whys
from engine.io.clock import SystemClock
from engine.io.drill import run_drill
from engine.io.env import load_settings
from engine.io.importer import import_csv, import_levels_csv, levels_summary, summary
from engine.io.live_tools import add_live_tools
from engine.io.market_tools import add_feed_check, add_quote
from engine.io.positions import read_houses
from engine.io.recorded import RecordedDay, find_day
from engine.io.replays import ReplayRequest, human, run_replay
from engine.io.reports import add_reports
from engine.io.reruns import RerunRequest, run_recorded
from engine.io.rules_tool import rules_tool
from engine.io.storage import rows_to_export, store_to_fill, store_to_read
from engine.io.upkeep import add_upkeep
from engine.model import DEFAULT_ACCOUNT, Mode, TradeRow
from engine.positions_page import page_data, page_text
from engine.preflight import Light, worst
from engine.replay.difference_report import difference_text
from engine.sessions import ist
from engine.settings import Settings
from engine.words import TradesSource

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

Exit status: 0 somebody writes prices, 1 Redis answers but nobody does, 2 no Redis is set or it fails."""

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


_REPLAY = """\
Runs recorded quotes through the monitor's own rules and exit desk, on virtual time and with paper fills.

A DAY of snapshots (.csv, .csv.gz) needs --trades. A directory of DATA_DIR/recorded is a day of your own as
your monitor lived through it: printed is what happened beside what --rules would have done, the difference
in rupees, and which fills the recorded market could not have given. Without --rules: how well the replay of
that day meets what happened. See docs/replay.md.

exit status:
  0  replayed
  2  a file or row of yours must be corrected; the sentence says which

examples:
  python -m engine replay day.csv.gz --trades trades.csv --rules rules.toml
  python -m engine replay recorded/2026-11-20 --rules what-if.toml
  python -m engine replay recorded/2026-11-20 --rules what-if.toml --json | jq .together
"""

_REALTIME = """\
Puts a row into engine_heartbeats (nobody's trade), changes it and removes it, and prints how long each took
from the call to its event. Safe beside a running monitor.

exit status:
  0  every change was told
  2  no Supabase is set, it cannot be reached, or a change was not told within 15 seconds
"""


#: Tools that look at one account.
_OF_AN_ACCOUNT = ("rules", "why", "drill", "positions")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one tool; exit status 2 when something of the owner's must be corrected, 1 from a tool's red."""
    args = _parser().parse_args(argv)
    args.status = 0
    try:
        _say(args.tool(args))
    except (BadInput, ConfigError, JournalError, SourceError) as error:
        print(f"python -m engine {args.name}: {error}", file=sys.stderr)
        return 2
    return int(args.status)


def _say(text: str) -> None:
    """Print the answer; a reader that has seen enough (``… | head``) ends it."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # What is still in the buffer is written when the interpreter ends: let it go nowhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine", description="Prahari's tools.")
    tools = parser.add_subparsers(title="tools", required=True, dest="name", metavar="TOOL")

    _files_parsers(tools)
    rules = tools.add_parser("rules", help="which rules each position has, and where each comes from")
    rules.add_argument("--strategy-id", type=int, metavar="N", help="of this strategy only")
    rules.add_argument("--json", action="store_true")
    rules.set_defaults(tool=_rules)

    replay = tools.add_parser(
        "replay", help="run recorded days through the same rules and print what would have happened",
        description=_REPLAY, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    replay.add_argument(
        "days", nargs="+", type=Path, metavar="DAY",
        help="recorded quotes, .csv or .csv.gz; or one recorded day of your own, such as recorded/2026-11-20",
    )  # fmt: skip
    replay.add_argument(
        "--trades", type=Path, help="the positions, columns as for import; a day of your own has them"
    )
    replay.add_argument(
        "--rules", type=Path, help="rules laid over the shipped ones; what if they had been so"
    )
    replay.add_argument("--exit-levels", type=Path, metavar="FILE", help="rows of strategy_exit_levels")
    replay.add_argument(
        "--mode", type=Mode, choices=list(Mode),
        help="default execute; of a day of your own, simulate where it was recorded so",
    )  # fmt: skip
    replay.add_argument(
        "--spread-pct", type=_per_cent, metavar="P",
        help="bid to ask in per cent, where a recording has no quotes (default: as measured, else 1)",
    )  # fmt: skip
    replay.add_argument("--json", action="store_true", help="machine-readable; the same twice, byte for byte")
    replay.add_argument(
        "--timing",
        action="store_true",
        help="the seconds it took in wall_s too (then no two runs are the same)",
    )
    replay.set_defaults(tool=_replay)

    why = tools.add_parser(
        "why", help="why a position's rules did or did not fire, from the monitor's journal"
    )
    why.add_argument("--strategy-id", type=int, required=True, metavar="N")
    why.add_argument("--last", type=_count, default=20, metavar="K", help="so many lines, newest last (20)")
    why.add_argument("--json", action="store_true", help="all that was seen; paise and epoch seconds")
    why.set_defaults(tool=_why)

    drill = tools.add_parser(
        "drill", help="whether everything is there that an exit needs; exit status 1 when something is red"
    )
    _add(drill, _drill, "the light of all, and of each line")
    _positions_parser(tools)
    _cache_parser(tools)
    _check_parser(tools)
    for add in (add_live_tools, add_quote, add_upkeep, add_reports):
        add(tools)
    for name in _OF_AN_ACCOUNT:
        tools.choices[name].add_argument(
            "--account", metavar="NAME", help="which account, where ACCOUNTS_FILE names several"
        )
    return parser


def _add(tool: argparse.ArgumentParser, run: Callable[[argparse.Namespace], str], json_help: str) -> None:
    """Let a tool speak JSON too, and run by this."""
    tool.add_argument("--json", action="store_true", help=json_help)
    tool.set_defaults(tool=run)


def _cache_parser(tools: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    cache = tools.add_parser(
        "cache", help="what is in Redis: prices, their ages, who writes and who listens",
        description=_CACHE, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    _add(cache, _cache, "ages and lags in seconds, prices in paise")


def _check_parser(tools: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = tools.add_parser("check", help="whether something outside works, tried out")
    parts = check.add_subparsers(title="what", required=True, dest="part", metavar="WHAT")
    realtime = parts.add_parser(
        "realtime",
        help="put in, change and remove a marked row in Supabase, and print how soon each is told",
        description=_REALTIME,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add(realtime, _check_realtime, "milliseconds by step")
    add_feed_check(parts)


def _positions_parser(tools: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    positions = tools.add_parser(
        "positions",
        help="what is held by the books and, --detailed, what exits have made; beside a monitor or without",
        description=_POSITIONS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    positions.add_argument(
        "--detailed",
        action="store_true",
        help="also the exits that run and have ended, and whether their file is as it was written",
    )
    positions.add_argument(
        "--last", type=_count, default=10, metavar="K", help="so many ended exits, newest last (10)"
    )
    _add(positions, _positions, "the same for machines; paise, ISO 8601")


def _files_parsers(tools: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """What takes rows in and gives them out."""
    take = tools.add_parser(
        "import", help="fill the trade store (TRADES_SOURCE) from CSV files, each whole or not at all"
    )
    take.add_argument("file", type=Path, nargs="?", help="one row per leg; columns as in docs/trades.md")
    take.add_argument(
        "--exit-levels", type=Path, metavar="FILE", help="rows of strategy_exit_levels; docs/rules.md"
    )
    take.add_argument("--json", action="store_true", help="the numbers of the file's rows, by what was done")
    take.set_defaults(tool=_import)

    give = tools.add_parser(
        "export",
        help="the rows of the trade store as CSV, to be read, kept or imported elsewhere",
        description=exporter.HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = give.add_mutually_exclusive_group()
    which.add_argument("--closed", action="store_true", help="the rows that have ended, with their exits")
    which.add_argument("--exit-levels", action="store_true", help="the rows of strategy_exit_levels")
    give.add_argument(
        "--out", type=Path, metavar="FILE", help="a new file instead of the terminal; never written over"
    )
    give.set_defaults(tool=_export)


def _per_cent(word: str) -> Decimal:
    """A spread in per cent, exactly as written."""
    expected = f"read {word!r}, expected per cent between 0 and 100, e.g. 0.5"
    try:
        number = Decimal(word)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(expected) from None
    if not number.is_finite() or not 0 <= number <= 100:
        raise argparse.ArgumentTypeError(expected)
    return number


def _count(word: str) -> int:
    """A whole number from 1 up."""
    if not word.isdecimal() or not int(word):
        raise argparse.ArgumentTypeError(f"read {word!r}, expected a whole number from 1 up, e.g. 20")
    return int(word)


def _of(args: argparse.Namespace) -> Settings:
    """The settings of the account that a tool is about.

    Raises:
        BadInput: there are several and none is named, or there is none of that name.
    """
    settings, name = load_settings(), args.account
    if not settings.accounts and name in {None, DEFAULT_ACCOUNT}:
        return settings
    known = {account.name: account for account in settings.accounts}
    account = known.get(next(iter(known)) if name is None and len(known) == 1 else name or "")
    if account is None:
        read = "no account" if name is None else f"account {name!r}"
        raise BadInput(f"read {read}, expected --account and one of {', '.join(known) or DEFAULT_ACCOUNT}")
    return settings.of_account(account)


def _import(args: argparse.Namespace) -> str:
    if args.file is None and args.exit_levels is None:
        raise BadInput("nothing to import: expected FILE.csv, --exit-levels FILE.csv, or both")
    told, lines = asyncio.run(_imported(load_settings(), args.file, args.exit_levels))
    return json.dumps(told) if args.json else "\n".join(lines)


async def _imported(
    settings: Settings, file: Path | None, exit_levels: Path | None
) -> tuple[dict[str, Any], list[str]]:
    """What was done with the files, for machines and in words."""
    told: dict[str, Any] = {}
    lines = []
    async with store_to_fill(settings) as store:
        if file is not None:
            rows = await import_csv(file, store)
            told |= {"added": [row.id for row in rows.added], "already": [row.id for row in rows.already]}
            lines.append(summary(rows))
        if exit_levels is not None:
            levels = await import_levels_csv(exit_levels, store)
            told["exit_levels"] = asdict(levels)
            lines.append(levels_summary(levels))
    return told, lines


def _export(args: argparse.Namespace) -> str:
    text, number = asyncio.run(_exported(load_settings(), levels=args.exit_levels, closed=args.closed))
    if args.out is None:
        return text.removesuffix("\n")
    exporter.write_new(args.out, text)
    return f"{number} row{'s' * (number != 1)} written to {args.out}."


async def _exported(settings: Settings, *, levels: bool, closed: bool) -> tuple[str, int]:
    async with rows_to_export(settings) as store:
        if levels:
            return await exporter.export_levels_csv(store)
        return await exporter.export_csv(store, closed=closed)


def _rules(args: argparse.Namespace) -> str:
    text, data = rules_tool(_of(args), args.strategy_id)
    return json.dumps(data, indent=2, ensure_ascii=False) if args.json else text


def _replay(args: argparse.Namespace) -> str:
    if (day := _own_day(args.days)) is not None:
        return _rerun(args, day)
    if args.trades is None:
        raise BadInput("expected --trades FILE.csv: recorded quotes do not say what was held")
    request = ReplayRequest(
        days=tuple(args.days),
        trades=args.trades,
        rules=args.rules,
        levels=args.exit_levels,
        mode=args.mode or Mode.EXECUTE,
        spread_pct=args.spread_pct,
        timing=args.timing or not args.json,
    )
    result = run_replay(request)
    return json.dumps(result, indent=2, ensure_ascii=False) if args.json else human(result)


def _own_day(days: Sequence[Path]) -> RecordedDay | None:
    """The recorded day of the owner's own that is meant; None = files of snapshots are."""
    if any(day.suffix in {".csv", ".gz"} for day in days):
        return None
    found = find_day(days[0]) or find_day(days[0], load_settings().data_dir)
    if found is not None and len(days) > 1:
        raise BadInput(
            f"read {len(days)} days, expected one: a recorded day of your own is replayed by itself"
        )
    return found


def _rerun(args: argparse.Namespace, day: RecordedDay) -> str:
    unused = {"--exit-levels": args.exit_levels, "--spread-pct": args.spread_pct}
    if wrong := [name for name, value in unused.items() if value is not None]:
        raise BadInput(
            f"read {', '.join(wrong)}, expected none of it: a recorded day has its own levels and quotes"
        )
    timing = args.timing or not args.json
    waits = sys.stderr.isatty()
    told = run_recorded(
        RerunRequest(day, args.rules, args.trades, args.mode, timing),
        _played if waits else lambda _at_s: None,
    )
    if waits:
        print("\r\033[K", end="", file=sys.stderr)
    return json.dumps(told, indent=2, ensure_ascii=False) if args.json else difference_text(told)


def _played(at_s: float) -> None:
    """How far a replay is, for whoever waits at a terminal."""
    print(f"\rplaying {ist(at_s):%H:%M} …", end="", file=sys.stderr, flush=True)


def _why(args: argparse.Namespace) -> str:
    settings = _of(args)
    found = whys.read_why(settings.data_dir, args.strategy_id)
    if args.json:
        return json.dumps(whys.machine(found, args.last), indent=2, ensure_ascii=False)
    now_s = (
        SystemClock().now_s() if settings.clock_start is None else None
    )  # a shifted clock is the monitor's own
    return whys.human(found, args.last, now_s)


def _drill(args: argparse.Namespace) -> str:
    checks = asyncio.run(run_drill(_of(args)))
    light = worst(checks)
    args.status = int(light is Light.RED)
    if not args.json:
        return "\n".join(drill_lines(checks))
    told = [{"name": check.name, "light": check.light.name.lower(), "text": check.text} for check in checks]
    return json.dumps({"light": light.name.lower(), "checks": told}, indent=2, ensure_ascii=False)


def _cache(args: argparse.Namespace) -> str:
    settings = load_settings()
    if settings.redis_url is None:
        raise BadInput("no Redis is set; put its address into .env, e.g. REDIS_URL=redis://127.0.0.1:6379/0")
    from engine.io.redis.report import cached, cached_lines, mirrored  # noqa: PLC0415 - not without its setting

    found = asyncio.run(cached(settings))
    args.status = int(not mirrored(found))
    return json.dumps(found, indent=2) if args.json else "\n".join(cached_lines(found))


def _check_realtime(args: argparse.Namespace) -> str:
    # imported by who needs it: Supabase's client takes a quarter of a second
    from engine.io.realtime_check import check_lines, check_realtime  # noqa: PLC0415

    took_ms = asyncio.run(check_realtime(load_settings()))
    return json.dumps(took_ms) if args.json else check_lines(took_ms)


async def _rows_in_supabase(settings: Settings) -> tuple[TradeRow, ...]:
    async with store_to_read(settings) as store:
        return tuple(await store.open_rows())


def _positions(args: argparse.Namespace) -> str:
    settings = _of(args)
    rows = (
        asyncio.run(_rows_in_supabase(settings)) if settings.trades_source is TradesSource.SUPABASE else None
    )
    houses = read_houses(settings, args.last, rows)
    args.status = int(args.detailed and any(checked.faults for house in houses for checked in house.files))
    if not args.json:
        return page_text(houses, detailed=args.detailed)
    return json.dumps(page_data(houses, detailed=args.detailed), indent=2, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
