"""The tools that keep a house in order, as ``python -m engine`` offers them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from engine.errors import BadInput
from engine.io.backups import Backup, back_up, restore, verify
from engine.io.clock import SystemClock
from engine.io.env import load_settings
from engine.io.maintenance import daily
from engine.io.terminal import bar
from engine.io.toolbox import Tools, lived_in, tool
from engine.preflight import Light, worst

__all__ = ["add_upkeep"]


_MAINTENANCE = """\
What a running monitor does by itself each day at 18:30 IST, done now: a light and a sentence for each step.
It may run as often as you like, beside a monitor or without one.

  disk         free space where DATA_DIR is: below 1 GB amber, below 0.2 GB red
  backup       the day's backup, made once and checked; the newest 14 are kept
  old backups  every one of them is still as it was made
  logs         files that were turned over are packed into logs/archive, for 90 days
  journal      databases vacuumed, when no monitor runs
  instruments  how old the copy of Dhan's list is that stands in when it cannot be loaded in the morning
  calendar     how far the table of sessions reaches
  redis        prices there expire by themselves
  recordings   recorded days that are over become Parquet; the newest RECORD_DAYS are kept, at most 4 GB

exit status:
  0  all done
  1  something is red: its sentence says what to do
  2  settings have faults

example:
  python -m engine maintenance daily --json
"""

_BACKUP = """\
Copies journals, the embedded trade store and the files of executions of all accounts into one new directory,
checks the copies (SQLite's integrity check, the audit's chain of hashes) and prints where they are. It may
run beside a monitor. Not in it: tokens, settings, the lease, and trades that are in Supabase. Keep some of
them on another machine: DATA_DIR dies with its disk.

Recorded days (some 25 MB each, at most 4 GB) are in it only with --recordings, which takes a disk of its own:
the copies that a monitor makes each evening are without them.

exit status:
  0  made and whole, or --verify: it is as it was made
  2  not made: the sentence says why, and nothing is left behind

examples:
  python -m engine backup
  python -m engine backup --to /mnt/other-disk
  python -m engine backup --to /mnt/other-disk --recordings
  python -m engine backup --verify data/backups/prahari-20261129-090000
"""

_RESTORE = """\
Puts a backup in the place of what DATA_DIR has now, which is kept beside it in before-restore-… and never
deleted by this. Recorded days that the backup does not have stay where they are. Refused while a monitor
runs there: stop it first. What was traded since the backup is not in its journal; the next start reads the
broker's books first, takes back live orders of ours that it does not know, and offers what it cannot
explain. Look at /status before you trust it.

exit status:
  0  put back
  2  refused, with the reason; unless it says otherwise nothing was touched

example:
  systemctl stop prahari && python -m engine restore data/backups/prahari-20261129-090000
"""


def add_upkeep(tools: Tools) -> None:
    """Add them to the command line."""
    parts = tools.add_parser(
        "maintenance", help="what keeps a machine well that is left alone", description=_MAINTENANCE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).add_subparsers(title="when", required=True, dest="when", metavar="WHEN")  # fmt: skip
    tool(
        parts, "daily", "backup, logs, disk, journal, instruments, calendar, recordings", _MAINTENANCE, _daily
    )
    backup = tool(tools, "backup", "copy journals and trade store, checked, beside a monitor or without",
                  _BACKUP, _backup)  # fmt: skip
    backup.add_argument("--to", type=Path, metavar="DIR", help="where to (default DATA_DIR/backups)")
    backup.add_argument("--recordings", action="store_true", help="the recorded days too; goes with --to")
    backup.add_argument("--verify", type=Path, metavar="BACKUP", help="look whether this one is whole")
    back = tool(tools, "restore", "put a backup in the place of what is there; refused while a monitor runs",
                _RESTORE, _restore)  # fmt: skip
    back.add_argument("backup", type=Path, help="the directory that backup has made")


def _daily(args: argparse.Namespace) -> str:
    found = daily(load_settings(), SystemClock().now_s())
    args.status = int(worst(found) is Light.RED)
    if args.json:
        return json.dumps(
            [check._asdict() | {"light": check.light.name.lower()} for check in found], indent=2
        )
    return "\n".join(f"{check.light.name.lower():<6} {check.name:<12} {check.text}" for check in found)


def _backup(args: argparse.Namespace) -> str:
    settings = load_settings()
    if args.verify is not None:
        made = verify(args.verify)
    else:
        if args.recordings and args.to is None:
            raise BadInput("--recordings: say with --to on which other disk; where they are they save nobody")
        home, now_s = lived_in(settings), SystemClock().now_s()
        made = back_up(home, now_s, args.to, bar, recordings=args.recordings)
    if args.json:
        return json.dumps(backup_data(made), indent=2)
    lines = sum(made.audit_lines.values())
    without = "".join(f"\nWithout {name}: {why}" for name, why in made.left_out.items())
    return (
        f"{made.path}: {len(made.files)} files, {made.size_bytes / 1e6:.1f} MB, {lines} audit lines.{without}"
    )


def backup_data(made: Backup) -> dict[str, object]:
    """A backup for machines."""
    return {
        "path": str(made.path), "at": made.at, "generation": made.generation, "files": made.files,
        "size_bytes": made.size_bytes, "audit_lines": made.audit_lines, "left_out": made.left_out,
    }  # fmt: skip


def _restore(args: argparse.Namespace) -> str:
    before = restore(load_settings(), args.backup, SystemClock().now_s(), bar)
    if args.json:
        return json.dumps({"restored": str(args.backup), "before": str(before)})
    return f"{args.backup} is put back; what was there is in {before}."
