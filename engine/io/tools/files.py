"""``import`` and ``export``: rows into the trade store, and out of it."""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import BadInput
from engine.io import exporter
from engine.io.env import load_settings
from engine.io.importer import import_csv, import_levels_csv, levels_summary, summary
from engine.io.storage import rows_to_export, store_to_fill
from engine.io.toolbox import Tools, lived_in, tool
from engine.settings import Settings

__all__ = ["add_export", "add_import"]

_IMPORT = """\
Fills the trade store (TRADES_SOURCE: the embedded one, or Supabase) from a CSV file: one row per leg, columns
as in docs/trades.md. A file goes in whole or not at all; every fault of it is named at once, with its line.
The same file again adds nothing, so that nobody has to remember what was imported. A running monitor sees
the rows within 30 seconds.

exit status:
  0  imported, also when all of it was there already
  2  a fault in the file, or the store cannot be written; nothing was added

examples:
  python -m engine import trades.csv
  python -m engine import trades.csv --exit-levels levels.csv
  python -m engine import trades.csv --json
"""


def add_import(tools: Tools) -> None:
    """Add it to the command line."""
    take = tool(tools, "import", "fill the trade store from CSV files, each whole or not at all",
                _IMPORT, _import)  # fmt: skip
    take.add_argument("file", type=Path, nargs="?", help="one row per leg; columns as in docs/trades.md")
    take.add_argument(
        "--exit-levels", type=Path, metavar="FILE", help="rows of strategy_exit_levels; docs/rules.md"
    )


def add_export(tools: Tools) -> None:
    """Add it to the command line."""
    give = tool(
        tools, "export", "the rows of the trade store as CSV, to be read, kept or imported elsewhere",
        exporter.HELP, _export,
    )  # fmt: skip
    which = give.add_mutually_exclusive_group()
    which.add_argument("--closed", action="store_true", help="the rows that have ended, with their exits")
    which.add_argument("--exit-levels", action="store_true", help="the rows of strategy_exit_levels")
    give.add_argument(
        "--out", type=Path, metavar="FILE", help="a new file instead of the terminal; never written over"
    )


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
    text, number = asyncio.run(
        _exported(lived_in(load_settings()), levels=args.exit_levels, closed=args.closed)
    )
    if args.out is not None:
        exporter.write_new(args.out, text)
        written = {"rows": number, "file": str(args.out)}
        return (
            json.dumps(written) if args.json else f"{number} row{'s' * (number != 1)} written to {args.out}."
        )
    if args.json:
        rows = csv.DictReader(io.StringIO(text, newline=""))
        return json.dumps(list(rows), indent=2, ensure_ascii=False)
    return text.removesuffix("\n")


async def _exported(settings: Settings, *, levels: bool, closed: bool) -> tuple[str, int]:
    async with rows_to_export(settings) as store:
        if levels:
            return await exporter.export_levels_csv(store)
        return await exporter.export_csv(store, closed=closed)
