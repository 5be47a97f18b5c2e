"""Run as a process of its own by test_journal: commits pairs until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.effects import Audit, Record
from engine.io.journal import Journal
from engine.io.locks import HostLock

if __name__ == "__main__":
    path = Path(sys.argv[1])
    with HostLock(path.parent):
        journal = Journal(path)
        count = journal.load().get("pair", {}).get("left", {"n": 0})["n"]
        while True:
            count += 1
            pair = [Record("pair", side, {"n": count, "ballast": "x" * 3000}) for side in ("left", "right")]
            journal.commit([pair[0], Audit("pair", {"n": count}), pair[1]], float(count))
            sys.stdout.write(f"{count}\n")
            sys.stdout.flush()
