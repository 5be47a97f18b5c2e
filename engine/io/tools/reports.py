"""``python -m engine report monthly``: a month of exits as Markdown, CSV and a picture, from the journals."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from engine.errors import BadInput
from engine.exit_sums import ExitLine
from engine.io.clock import SystemClock
from engine.io.env import load_settings
from engine.io.exporter import write_new
from engine.io.toolbox import Tools, tool
from engine.model import Mode
from engine.monthly import (
    CLOSING_MIDS,
    month_chart,
    monthly_csv,
    monthly_data,
    monthly_text,
    of_month,
)
from engine.sessions import ist
from engine.settings import Settings

__all__ = ["add_reports"]

_MONTHLY = """\
What the exits that ended in a month have made: sums, by strategy, symbol and rule, against their plan, and
each exit. From the journals in DATA_DIR, of all accounts, beside a running monitor or without one. What is
not known says so and is in no sum; charges are those of the exits, not of the entries. The report says what
"saved" and "missed" mean. The file of executions is checked by positions --detailed.

exit status:
  0  told, also when no exit has ended
  2  nothing to read, or a file is there already

examples:
  python -m engine report monthly                          # the month before this one
  python -m engine report monthly --month 2026-11 --out reports
"""


def add_reports(tools: Tools) -> None:
    """Add them to the command line."""
    parts = tools.add_parser("report", help="what exits have made").add_subparsers(
        title="what", required=True, dest="part", metavar="WHAT"
    )
    monthly = tool(parts, "monthly", "a month of exits, as Markdown, CSV and a picture", _MONTHLY, _monthly)
    monthly.add_argument("--month", type=_month, metavar="YYYY-MM", help="default: the month before this one")
    monthly.add_argument("--paper", action="store_true", help="exits on paper instead of real ones")
    monthly.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write exits-YYYY-MM.md, .csv and .png there, never over others",
    )


def _month(word: str) -> str:
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", word):
        raise argparse.ArgumentTypeError(f"read {word!r}, expected a month such as 2026-11")
    return word


def _monthly(args: argparse.Namespace) -> str:
    now = ist(SystemClock().now_s())
    month = args.month or f"{now.replace(day=1) - timedelta(days=1):%Y-%m}"
    lines = of_month(_ended(load_settings(), paper=args.paper), month)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        _write(args.out / f"exits-{month}", lines, month)
    if args.json:
        return json.dumps(monthly_data(lines, month), indent=2, ensure_ascii=False)
    return f"{len(lines)} exits written to {args.out}." if args.out else monthly_text(lines, month)


def _write(stem: Path, lines: Sequence[ExitLine], month: str) -> None:
    """The three files, or none of them: the picture is drawn, and all places are looked at, before.

    Raises:
        BadInput: one of them is there already, or cannot be written.
    """
    from engine.io.pictures.month import month_png  # noqa: PLC0415 - only who wants files needs Pillow

    picture = month_png(month_chart(lines, month))
    text = f"{monthly_text(lines, month)}\n\n![What they came to, and which rule made it]({stem.name}.png)\n"
    kinds: dict[str, str | bytes] = {".md": text, ".csv": monthly_csv(lines), ".png": picture}
    files = {stem.with_name(stem.name + kind): content for kind, content in kinds.items()}
    if there := [str(file) for file in files if file.exists()]:
        raise BadInput(
            f"{', '.join(there)}: there already; nothing was written. Move it away, or use another --out"
        )
    for file, content in files.items():
        write_new(file, content)


def _ended(settings: Settings, *, paper: bool) -> list[ExitLine]:
    """The lines of all accounts, with the prices at their day's close; the sandbox's are nobody's."""
    from engine.io.positions import read_houses  # noqa: PLC0415 - where it is needed

    houses = [settings.of_account(account) for account in settings.accounts] or [settings]
    found = [dict(line) | {CLOSING_MIDS: house.closes.get(str(line["ended_at"])[:10], {})}
             for of in houses for house in read_houses(of, 10**9, ()) if not house.place
             for line in house.ended]  # fmt: skip
    return [line for line in found if (line["mode"] == Mode.SIMULATE) is paper]
