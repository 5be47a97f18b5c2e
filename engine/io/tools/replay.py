"""``replay``: recorded days through the rules that run live."""

from __future__ import annotations

import argparse
import json
from decimal import Decimal, InvalidOperation
from pathlib import Path

from engine.io.terminal import bar
from engine.io.toolbox import Tools, tool
from engine.model import Mode

__all__ = ["add_replay"]

_REPLAY = """\
Runs recorded days through the same code that runs live, on virtual time, and prints what each position
would have done: alerts, verdicts, exits with their orders, and the P&L after charges (docs/replay.md).
Nothing leaves this machine; a replay needs no settings, no network and no monitor.

Orders fill against the next believable snapshot, at the quote of the side traded and never better; where a
day has no quotes, half of a spread is laid around the last price. Liquidity that was not recorded is fiction.

exit status:
  0  replayed, also when nothing was exited
  2  a file or a rule has faults; all of them are named

examples:
  python -m engine replay DAY.csv.gz --trades examples/trades_2025-08-29.csv
  python -m engine replay DAY1.csv.gz DAY2.csv.gz --trades TRADES.csv --rules what-if.toml
  python -m engine replay DAY.csv.gz --trades TRADES.csv --json | jq '.positions[].final_pnl_net'
"""


def add_replay(tools: Tools) -> None:
    """Add it to the command line."""
    replay = tool(tools, "replay", "run recorded days through the same rules: what would have happened",
                  _REPLAY, _replay)  # fmt: skip
    replay.add_argument("days", nargs="+", type=Path, metavar="DAY", help="recorded quotes, .csv or .csv.gz")
    replay.add_argument("--trades", type=Path, required=True, help="the positions, columns as for import")
    replay.add_argument("--rules", type=Path, help="rules laid over the shipped ones")
    replay.add_argument("--exit-levels", type=Path, metavar="FILE", help="rows of strategy_exit_levels")
    replay.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.EXECUTE, help="default execute")
    replay.add_argument(
        "--spread-pct", type=_per_cent, metavar="P",
        help="bid to ask in per cent, where a recording has no quotes (default: as measured, else 1)",
    )  # fmt: skip
    replay.add_argument(
        "--timing",
        action="store_true",
        help="with --json: the seconds it took in wall_s too (then no two runs are the same)",
    )


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


def _replay(args: argparse.Namespace) -> str:
    # the whole engine: no other tool has to wait until it is imported
    from engine.io.replays import ReplayRequest, human, run_replay  # noqa: PLC0415

    request = ReplayRequest(
        days=tuple(args.days),
        trades=args.trades,
        rules=args.rules,
        levels=args.exit_levels,
        mode=args.mode,
        spread_pct=args.spread_pct,
        timing=args.timing or not args.json,
    )
    result = run_replay(request, bar=bar)
    return json.dumps(result, indent=2, ensure_ascii=False) if args.json else human(result)
