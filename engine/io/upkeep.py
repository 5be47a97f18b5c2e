"""The tools that keep a house in order, as ``python -m engine`` offers them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from engine.io.backups import Backup, back_up, restore, verify
from engine.io.clock import SystemClock
from engine.io.env import load_settings
from engine.io.toolbox import Tools, tool

__all__ = ["add_upkeep"]


_BACKUP = """\
Copies journals, the embedded trade store and the files of executions of all accounts into one new directory,
checks the copies (SQLite's integrity check, the audit's chain of hashes) and prints where they are. It may
run beside a monitor. Not in it: tokens, settings, the lease, and trades that are in Supabase. Keep some of
them on another machine: DATA_DIR dies with its disk.

exit status:
  0  made and whole, or --verify: it is as it was made
  2  not made: the sentence says why, and nothing is left behind

examples:
  python -m engine backup
  python -m engine backup --to /mnt/other-disk
  python -m engine backup --verify data/backups/prahari-20261129-090000
"""

_RESTORE = """\
Puts a backup in the place of what DATA_DIR has now, which is kept beside it in before-restore-… and never
deleted by this. Refused while a monitor runs there: stop it first. What was traded since the backup is not in
its journal; the next start reads the broker's books first, takes back live orders of ours that it does not
know, and offers what it cannot explain. Look at /status before you trust it.

exit status:
  0  put back
  2  refused, with the reason; unless it says otherwise nothing was touched

example:
  systemctl stop prahari && python -m engine restore data/backups/prahari-20261129-090000
"""


def add_upkeep(tools: Tools) -> None:
    """Add them to the command line."""
    backup = tool(tools, "backup", "copy journals and trade store, checked, beside a monitor or without",
                  _BACKUP, _backup)  # fmt: skip
    backup.add_argument("--to", type=Path, metavar="DIR", help="where to (default DATA_DIR/backups)")
    backup.add_argument("--verify", type=Path, metavar="BACKUP", help="look whether this one is whole")
    back = tool(tools, "restore", "put a backup in the place of what is there; refused while a monitor runs",
                _RESTORE, _restore)  # fmt: skip
    back.add_argument("backup", type=Path, help="the directory that backup has made")


def _backup(args: argparse.Namespace) -> str:
    settings = load_settings()
    made = (
        verify(args.verify) if args.verify is not None else back_up(settings, SystemClock().now_s(), args.to)
    )
    if args.json:
        return json.dumps(backup_data(made), indent=2)
    lines = sum(made.audit_lines.values())
    return f"{made.path}: {len(made.files)} files, {made.size_bytes / 1e6:.1f} MB, {lines} audit lines."


def backup_data(made: Backup) -> dict[str, object]:
    """A backup for machines."""
    return {
        "path": str(made.path), "at": made.at, "generation": made.generation, "files": made.files,
        "size_bytes": made.size_bytes, "audit_lines": made.audit_lines,
    }  # fmt: skip


def _restore(args: argparse.Namespace) -> str:
    before = restore(load_settings(), args.backup, SystemClock().now_s())
    if args.json:
        return json.dumps({"restored": str(args.backup), "before": str(before)})
    return f"{args.backup} is put back; what was there is in {before}."
