"""``replay``: recorded days through the rules that run live."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadInput
from engine.io.env import load_settings
from engine.io.terminal import bar
from engine.io.toolbox import Tools, tool
from engine.model import Mode

if TYPE_CHECKING:
    from engine.io.recorded import RecordedDay

__all__ = ["add_replay"]

_REPLAY = """\
Runs recorded days through the same code that runs live, on virtual time, and prints what each position
would have done: alerts, verdicts, exits with their orders, and the P&L after charges (docs/replay.md).
Nothing leaves this machine; a replay needs no settings, no network and no monitor.

A directory of DATA_DIR/recorded is a day of your own, as your monitor lived through it: printed is what
happened beside what --rules would have done, the difference in rupees, and which fills the recorded market
could not have given. It needs no --trades. Without --rules: how well its replay meets what happened.

Orders fill against the next believable snapshot, at the quote of the side traded and never better; where a
day has no quotes, half of a spread is laid around the last price. Liquidity that was not recorded is fiction.

exit status:
  0  replayed, also when nothing was exited
  2  a file or a rule has faults; all of them are named

examples:
  python -m engine replay DAY.csv.gz --trades examples/trades_2025-08-29.csv
  python -m engine replay DAY1.csv.gz DAY2.csv.gz --trades TRADES.csv --rules what-if.toml
  python -m engine replay DAY.csv.gz --trades TRADES.csv --json | jq '.positions[].final_pnl_net'
  python -m engine replay recorded/2026-11-20 --rules what-if.toml
  python -m engine replay recorded/2026-11-20 --rules what-if.toml --json | jq .together
"""


def add_replay(tools: Tools) -> None:
    """Add it to the command line."""
    replay = tool(tools, "replay", "run recorded days through the same rules: what would have happened",
                  _REPLAY, _replay)  # fmt: skip
    replay.add_argument(
        "days", nargs="+", type=Path, metavar="DAY",
        help="recorded quotes, .csv or .csv.gz; or one day of your own, such as recorded/2026-11-20",
    )  # fmt: skip
    replay.add_argument(
        "--trades", type=Path, help="the positions, columns as for import; a day of your own has them"
    )
    replay.add_argument("--rules", type=Path, help="rules laid over the shipped ones")
    replay.add_argument("--exit-levels", type=Path, metavar="FILE", help="rows of strategy_exit_levels")
    replay.add_argument(
        "--mode", type=Mode, choices=list(Mode),
        help="default execute; of a day of your own simulate, where it was recorded so",
    )  # fmt: skip
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
    if (day := _own_day(args.days)) is not None:
        return _rerun(args, day)
    if args.trades is None:
        raise BadInput("expected --trades FILE.csv: recorded quotes do not say what was held")
    # the whole engine: no other tool has to wait until it is imported
    from engine.io.replays import ReplayRequest, human, run_replay  # noqa: PLC0415

    request = ReplayRequest(
        days=tuple(args.days),
        trades=args.trades,
        rules=args.rules,
        levels=args.exit_levels,
        mode=args.mode or Mode.EXECUTE,
        spread_pct=args.spread_pct,
        timing=args.timing or not args.json,
    )
    result = run_replay(request, bar=bar)
    return json.dumps(result, indent=2, ensure_ascii=False) if args.json else human(result)


def _own_day(days: Sequence[Path]) -> RecordedDay | None:
    """The recorded day of the owner's own that is meant; None = files of snapshots are."""
    if any(day.suffix in {".csv", ".gz"} for day in days):
        return None
    from engine.io.recorded import find_day  # noqa: PLC0415 - as below

    found = find_day(days[0]) or find_day(days[0], load_settings().data_dir)
    if found is not None and len(days) > 1:
        raise BadInput(f"read {len(days)} days, expected one: a day of your own is replayed by itself")
    return found


def _rerun(args: argparse.Namespace, day: RecordedDay) -> str:
    from engine.io.reruns import RerunRequest, run_recorded  # noqa: PLC0415 - as above
    from engine.replay.difference_report import difference_text  # noqa: PLC0415 - likewise

    unused = {"--exit-levels": args.exit_levels, "--spread-pct": args.spread_pct}
    if wrong := [name for name, value in unused.items() if value is not None]:
        read = ", ".join(wrong)
        raise BadInput(f"read {read}, expected none of it: a day of your own has its own levels and quotes")
    timing = args.timing or not args.json
    told = run_recorded(RerunRequest(day, args.rules, args.trades, args.mode, timing), bar)
    return json.dumps(told, indent=2, ensure_ascii=False) if args.json else difference_text(told)
